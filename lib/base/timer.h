/* timer.h - deadlines in ms on a hierarchical wheel (Varghese, Lauck 1987):
 * O(1) to set, move and cancel, whatever their number. The owner of the wheel
 * says what time it is; nothing here reads a clock. */
#ifndef BASE_TIMER_H
#define BASE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct timer;
typedef void timer_fn(struct timer *t, void *ctx);

struct timer {
    struct link link;
    int64_t due; /* mono ms; valid while set */
    timer_fn *fn;
};

#define WHEEL_LEVELS 5
#define WHEEL_SLOTS 64

struct wheel {
    struct link slots[WHEEL_LEVELS][WHEEL_SLOTS];
    uint64_t used[WHEEL_LEVELS]; /* bit per non-empty slot */
    struct link past;            /* set when already due */
    struct link far;             /* beyond the coarsest level */
    int64_t now;                 /* all timers due <= now have run */
    void *ctx;                   /* handed to every timer */
};

void wheel_init(struct wheel *w, int64_t now, void *ctx);

void timer_init(struct timer *t, timer_fn *fn);
/* Set or move t. A due time in the past (at or before the wheel's now) runs
 * first at the next advance, those among themselves in order of setting. */
void timer_set(struct wheel *w, struct timer *t, int64_t due);
void timer_cancel(struct wheel *w, struct timer *t);
bool timer_is_set(const struct timer *t);

/* Run every timer due <= now, in order of due time (ms granularity; equal
 * times in order of setting). A timer may set itself again. */
void wheel_advance(struct wheel *w, int64_t now);

/* When to call wheel_advance() next: a lower bound of the earliest due time,
 * exact within the finest level. INT64_MAX when nothing is set. */
int64_t wheel_next(const struct wheel *w);

#endif
