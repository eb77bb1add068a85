/* address.h - limits per address: how many connections of one address wait for
 * their login. */
#ifndef SERVER_ADDRESS_H
#define SERVER_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "shard.h"

/* Is this an IPv4 or IPv6 address, as --trusted-proxy takes it? */
bool address_is_valid(const char *text);

/* What one socket counts against until it logs in; as large as a pointer, and
 * kept as one where only a pointer can be kept. Zero: nothing. */
struct claim {
    uintptr_t tagged; /* a struct address; bit 0: still waiting */
};

/* A socket comes from there. False: too many of that address wait already
 * (logged, seldom). */
bool claim_take(struct shard *sh, struct sockaddr_storage *from,
                struct claim *out);
bool claim_is_waiting(struct claim c);
/* It has logged in: it counts no more. */
void claim_release(struct claim *c);
/* It is gone. */
void claim_drop(struct shard *sh, struct claim *c);
/* A trusted proxy speaks for client, the last address of X-Forwarded-For: 0,
 * -CF_INVALID no address, -CF_LIMIT too many of it; then c stays as it is. */
int claim_forward(struct shard *sh, struct claim *c, const char *client);
bool claim_is_proxy(struct claim c);
/* Its text, for limits on logins ("10.1.2.3", "2001:db8::/64"). */
const char *claim_text(struct claim c);

#endif
