/* window.h - what a receiver has of one stream: the highest number and a bit
 * for each of the last 64, so that what is lost, doubled or out of order is
 * seen at 16 bytes a stream. What falls out of the window unseen is kept as a
 * range in a list beside it, for as long as it is missing. */
#ifndef LOAD_WINDOW_H
#define LOAD_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct window {
    uint64_t seen; /* bit i: next - 1 - i has come */
    uint32_t next; /* above the highest that came */
};

/* Numbers of window `id` that did not come, and lie below its 64 bits. */
struct hole {
    uint32_t id, from, to;
};

struct holes {
    struct hole *list; /* owned */
    uint32_t count, room;
    uint64_t forgotten; /* did not fit: HOLES_MAX */
};

#define HOLES_MAX 1000000

enum arrival {
    ARRIVED_NEXT,  /* above all that came before */
    ARRIVED_LATE,  /* below another one, and new */
    ARRIVED_TWICE, /* it was there before */
};

/* Numbers start at 1. */
void window_init(struct window *w);
enum arrival window_take(struct window *w, uint32_t id, uint32_t seq,
                         struct holes *holes);

/* The first missing number >= from and <= last; 0: none. */
uint32_t window_missing(const struct window *w, uint32_t id,
                        const struct holes *holes, uint32_t from,
                        uint32_t last);

void holes_release(struct holes *holes);

#endif
