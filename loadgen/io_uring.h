/* io_uring.h - many sends and receives in one system call (io_uring(7)). Only
 * what is done at once: a request that would have to wait comes back with
 * -EAGAIN, so that nothing is under way between two calls. epoll says when
 * there is something to do. */
#ifndef LOAD_IO_URING_H
#define LOAD_IO_URING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URING_QUEUE 128 /* requests of one call */

struct uring;

/* NULL: not offered by this system, or not allowed. Of one thread. */
struct uring *uring_new(void);
void uring_free(struct uring **u);

/* Queue bytes, which are copied. False: no room; uring_submit() first. */
bool uring_send(struct uring *u, uint32_t who, int fd, const char *p, size_t n);
/* Queue a receive into p, which has to stay. False: no room. */
bool uring_receive(struct uring *u, uint32_t who, int fd, char *p, size_t n);
bool uring_idle(const struct uring *u); /* nothing is queued */

struct uring_done {
    uint32_t who;
    bool sending;
    int result;  /* bytes, or -errno */
    char *bytes; /* of the request; a send's until the next uring_send() */
    size_t n;
};

/* Do all that is queued. Returns how many, in out, which has room for
 * URING_QUEUE. */
int uring_submit(struct uring *u, struct uring_done *out);

bool uring_offered(void);

/* Does it cost less processor time here than a system call each? Tried on
 * socket pairs; a few ms. */
bool uring_pays(void);

#endif
