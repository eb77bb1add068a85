/* store_gather.h - when a writer that could commit waits for more: pure, for
 * the store's files only.
 *
 * A commit and its sync cost as much as ten rows. So commits that follow each
 * other closely begin GATHER_NS apart, as long as that brings messages
 * together. A message alone never waits: either no commit was begun that
 * lately, or waiting has brought nothing and is given up but for a try now and
 * then. */
#ifndef STORE_STORE_GATHER_H
#define STORE_STORE_GATHER_H

#include <stdbool.h>
#include <stdint.h>

#define GATHER_NS (850 * 1000)
#define GATHER_REST 256 /* batches without a wait after it was not worth it */

/* Zeroed at first. */
struct gather {
    uint64_t began; /* ns: the last batch */
    int64_t gain;   /* quarters of a message that the last waits brought */
    int rest;       /* batches until a wait is tried again */
    bool waited;    /* before: so gain says something */
};

/* A batch could begin now (ns of a monotonic clock, above GATHER_NS). The time
 * to wait for, then call gather_came(); 0: begin. */
uint64_t gather_until(struct gather *g, uint64_t now);
/* The wait is over, it is now, and brought so many messages. */
void gather_came(struct gather *g, uint64_t now, int64_t messages);

#endif
