/* coordinate_split.h - a scenario cut into parts for agents. Each measured
 * pair, group and channel stays whole within one agent, so that one clock
 * stamps both ends of each message. */
#ifndef LOAD_COORDINATE_SPLIT_H
#define LOAD_COORDINATE_SPLIT_H

#include "scenario.h"

#define SPLIT_PARTS 64

/* Cut by weights (> 0; what each agent can carry). users.count, groups, rates
 * and the backlog add up to the whole again; counts[i] and first[i] say which
 * accounts a part has. -CF_INVALID with the reason when it cannot be cut so:
 * a group with more members than a part has users. */
int scenario_split(struct scenario *parts, int64_t *first,
                   const struct scenario *whole, const double *weights, int n,
                   struct error *err);

#endif
