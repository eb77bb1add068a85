/* sched.h - virtual time: a heap of events by time, then by order of making. */
#ifndef SIM_SCHED_H
#define SIM_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#define NOBODY (-1)

struct event {
    int64_t at;
    uint64_t order;
    int owner;     /* index of the node it happens in, or NOBODY */
    uint32_t life; /* of that node: a dead one's events are dropped */
    void (*fn)(void *arg);
    void (*drop)(void *arg); /* instead of fn; may be NULL */
    void *arg;
};

struct sched {
    struct event *heap;
    int len, cap;
    uint64_t order;
    int64_t now; /* ms */
};

void sched_init(struct sched *s);
/* Drops what is left. */
void sched_release(struct sched *s);
/* e->at in the past means now. */
void sched_add(struct sched *s, const struct event *e);
/* One that was taken, for later: before what was made after it. */
void sched_put_off(struct sched *s, const struct event *e);
/* Take the next event; time moves to it. False: none. */
bool sched_next(struct sched *s, struct event *e);

#endif
