/* slope.h - does something grow while a run goes on? A least-squares line
 * through the second half of the measured phase; what cannot be told from level
 * is level. What fills to a bound in the first half, as caches do, is no leak:
 * a leak goes on. */
#ifndef LOAD_SLOPE_H
#define LOAD_SLOPE_H

#include "collect.h"

enum slope_of_what { SLOPE_RSS, SLOPE_FDS, SLOPE_TCP, SLOPE_E2E, SLOPES };

/* "slope.rss" (memory of the server), "slope.fds" (its descriptors),
 * "slope.tcp" (the kernel's memory for TCP), "slope.e2e" (p99 of each
 * second). */
const char *slope_name(enum slope_of_what w);

/* Growth in 10 minutes as a share of the mean; 0 when the 95 % interval holds
 * 0. The half is cut into up to 60 parts whose means are taken, so that
 * neighbours in time count once. 0; -CF_LIMIT: fewer than 20 rows in it. */
int slope_growth(const struct collect *c, enum slope_of_what w, double *growth);

#endif
