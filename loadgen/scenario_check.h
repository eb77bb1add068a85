/* scenario_check.h - what single keys cannot say: values that fit together. */
#ifndef LOAD_SCENARIO_CHECK_H
#define LOAD_SCENARIO_CHECK_H

#include "scenario.h"
#include "scenario_field.h"

/* What a scenario is before its file says anything. */
void scenario_defaults(struct scenario *s);
/* Names for what has none; those of traffic are unique. */
void scenario_name_traffic(struct scenario *s);
/* Refuse what cannot be, naming where in tree. 0 or -CF_INVALID. */
int scenario_check(struct reader *r, const json_t *tree,
                   const struct scenario *s);

#endif
