/* schedule.h - when messages are due, in absolute time: the open loop. A slot
 * is never skipped and never moved because an earlier one was late. */
#ifndef LOAD_SCHEDULE_H
#define LOAD_SCHEDULE_H

#include <stdint.h>

#include "base/rng.h"
#include "scenario.h"

struct schedule {
    enum arrivals arrivals;
    double rate, rate_end;   /* a second, at start and at end */
    double factor;           /* multiplies both */
    uint64_t start;          /* ns */
    double from, to;         /* ns since start: the ramp lies between */
    int64_t burst, in_burst; /* slots at once; left of this burst */
    double due;              /* ns since start, of the next slot */
    struct rng *rng;         /* borrowed */
    /* Recorded arrivals: number next of the record in that round; what is at
     * seen (ns of all rounds) was due at seen_due. */
    const struct record *record; /* borrowed; NULL: never due */
    uint64_t part_from, part_to; /* of it, what is ours */
    size_t next;
    double round, tempo, seen, seen_due;
};

/* From start (ns) on; a ramp (rate_end > 0) is over at end. The first slot of
 * a constant schedule lies a random part of an interval after start, so that
 * shards do not beat together. rate 0: never due. */
void schedule_init(struct schedule *s, const struct traffic *t, double rate,
                   double rate_end, uint64_t start, uint64_t end,
                   struct rng *rng);

/* Those arrivals of t's record that are in the part [from, to), as fast as
 * the rate of all of t asks. To be called after schedule_init() when arrivals
 * are recorded; until then nothing is due. */
void schedule_record(struct schedule *s, const struct traffic *t, uint64_t from,
                     uint64_t to);

/* When the next slot is due, UINT64_MAX: never. */
uint64_t schedule_due(const struct schedule *s);

/* The slot was taken: go to the one after it. */
void schedule_step(struct schedule *s);

/* The ramp lies between these (ns) instead: rate before, rate_end behind. */
void schedule_ramp(struct schedule *s, uint64_t from, uint64_t to);

/* Multiply the rates from the next step on. */
void schedule_factor(struct schedule *s, double factor);

#endif
