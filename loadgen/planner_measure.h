/* planner_measure.h - the costs of a server, each as a slope over four short
 * runs that differ in one thing. */
#ifndef LOAD_PLANNER_MEASURE_H
#define LOAD_PLANNER_MEASURE_H

#include "planner.h"
#include "run.h"

#define MEASURE_POINTS 4

/* Three minutes with servers of our own ("confabd ARGS", of one node, then of
 * two for what crosses between nodes). Costs that
 * are not measured stay as they are in v. 0 or the exit code of a shown
 * error. */
int plan_measure(struct run_state *r, const char *server,
                 struct cost_vector *v);
/* How far off the costs of one and two nodes are for four: the CPU they
 * predict, and what four nodes then take, percent of a core. */
int plan_check(struct run_state *r, const char *server,
               const struct cost_vector *v, double *predicted,
               double *measured);

#endif
