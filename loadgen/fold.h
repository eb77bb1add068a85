/* fold.h - main's side of measuring: each second the shards hand over what
 * they counted, and a row of it is kept. */
#ifndef LOAD_FOLD_H
#define LOAD_FOLD_H

#include "engine_inside.h"
#include "proc.h"

struct fold {
    struct engine *engine;
    struct collect *collect;
    struct tally second; /* all shards, of the last second */
    struct proc_figures self, server;
    double machine;
    uint64_t last;               /* ns: of the last fold */
    double foreign, measured_ms; /* in the measured phase: CPU share x ms */
    uint64_t due, late;          /* in the measured phase */
    struct hist lag;             /* of the measured phase */
    /* The same from each fault until all that it took are back. */
    uint64_t storm_due, storm_late;
    double storm_ms;
    struct hist storm_lag;
    uint64_t fault_at; /* of the last fault that was seen */
    int64_t lost;      /* whom faults had taken, a second ago */
    bool storm;        /* this second is one of these */
};

void fold_init(struct fold *f, struct engine *e, struct collect *c);
void fold_release(struct fold *f);

/* Take what was counted until now into *row and into collect; phase says what
 * it belongs to. */
void fold_take(struct fold *f, enum phase phase, struct second *row);

void tally_init(struct tally *t, int digits);
void tally_release(struct tally *t);

#endif
