/* throttle.h - failed logins, counted per account and per address, shared by
 * all nodes. 5 a minute, then "retry later"; others are not touched. */
#ifndef SERVER_THROTTLE_H
#define SERVER_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

/* ms to wait before this key ("name alice", "addr 10.0.0.1") may try again; 0:
 * now. Any thread. */
int64_t throttle_wait(const char *key, int64_t now_ms);
/* One more failure. */
void throttle_fail(const char *key, int64_t now_ms);
void throttle_clear(const char *key);

#endif
