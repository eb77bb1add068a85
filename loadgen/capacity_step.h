/* capacity_step.h - one step of a capacity search: what came while it was
 * measured, held against the SLO. */
#ifndef LOAD_CAPACITY_STEP_H
#define LOAD_CAPACITY_STEP_H

#include "result.h"

#define STEP_OTHERS 40 /* percent of a core: more, and a failure is theirs */
#define STEP_DISTURBED "other programs had the CPU"
#define STEP_FEW "too few samples to judge"

struct capacity_step {
    struct collect before; /* histograms when it began */
    struct collect now;    /* its rows, then its histograms and counts */
    int64_t backlog;       /* due without an answer, over the whole run */
    int64_t grown;         /* seconds in a row in which that grew */
    bool hopeless;         /* it grew for 3 s: no need to go on */
};

void step_init(struct capacity_step *s);
void step_release(struct capacity_step *s);
/* Each second of the run, measured or not. */
void step_backlog(struct capacity_step *s, const struct second *row);
void step_begin(struct capacity_step *s, const struct collect *c);
void step_second(struct capacity_step *s, const struct second *row);
/* Judge it: p->pass, and why not. c: as at step_begin(), later. */
void step_end(struct capacity_step *s, const struct collect *c,
              const struct threshold *slo, int nslo, struct capacity_point *p);
/* Are there enough samples to judge by? */
bool step_enough(const struct capacity_step *s, const struct collect *c,
                 const struct threshold *slo, int nslo);
/* A whole run as one point: every step that needs a run of its own. */
void step_of_run(const struct collect *c, const struct threshold *slo, int nslo,
                 struct capacity_point *p);

#endif
