/* planner_measure.h - what a server of our own costs, by short runs. */
#ifndef LOAD_PLANNER_MEASURE_H
#define LOAD_PLANNER_MEASURE_H

#include "planner.h"
#include "run.h"

/* What a run says of the server: means of the measured seconds, a second. CPU
 * in percent of a core; foreign: what other programs took meanwhile. */
struct reading {
    double cpu, foreign, rss, messages, copies, heartbeats, connects;
};

/* A server of so many nodes for what follows; target_close() ends it. Exit
 * code of a shown error, as below. */
int plan_open(struct run_state *r, const char *server, int nodes);
/* Run this scenario with n --set. */
int plan_attempt(struct run_state *r, const char *name, const char *text,
                 const char *const *sets, int n, struct reading *out);

/* Each cost as a slope over short runs that differ in one thing, in two rounds
 * with servers of one node and of two: four minutes. Costs that are not
 * measured stay as they are in v. LOAD_INVALID: others had the CPU. */
int plan_measure(struct run_state *r, const char *server,
                 struct cost_vector *v);

/* ---- planner_check.c ---- */

#define CHECK_ROUNDS 5

/* Microseconds of CPU a message, by rounds of runs over 1, 2 and 4 nodes that
 * alternate, so that what drifts drifts for all. */
struct check {
    int rounds;
    double one[CHECK_ROUNDS], two[CHECK_ROUNDS], four[CHECK_ROUNDS];
    double foreign[CHECK_ROUNDS]; /* the most in a run of the round */
};

struct check_result {
    double one, two, four; /* medians of the rounds that count */
    double predicted;      /* four, from one and two */
    double off;            /* predicted / measured - 1 */
    double around;         /* half of the 95 % interval of off */
    bool conclusive;
    char why[120]; /* when it is not */
};

/* Rounds in which others had the CPU are left out. Inconclusive: fewer than
 * three are left, or they disagree by more than CHECK_AROUND. */
#define CHECK_AROUND 0.15
void check_judge(const struct check *c, struct check_result *out);
/* Measure, two to three minutes with progress, and judge. */
int plan_check(struct run_state *r, const char *server,
               struct check_result *out);

#endif
