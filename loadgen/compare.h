/* compare.h - two runs, metric by metric: the ratio B / A, how sure it is, and
 * whether it is better, the same or worse. */
#ifndef LOAD_COMPARE_H
#define LOAD_COMPARE_H

#include "base/rng.h"
#include "result.h"

#define COMPARE_ROWS 128
#define COMPARE_QUANTILES 4 /* p50, p90, p99, p99.9 */

enum compare_verdict {
    COMPARE_SAME,    /* within the tolerance */
    COMPARE_BETTER,  /* beyond the tolerance, and 1 is not in the interval */
    COMPARE_WORSE,   /* the same in the bad direction: a regression */
    COMPARE_UNCLEAR, /* beyond the tolerance, but it may be chance */
    COMPARE_TOLD     /* not judged: the generator's own */
};

enum compare_unit { UNIT_NS, UNIT_RATE, UNIT_PERCENT, UNIT_BYTES, UNIT_COUNT };

struct compare_row {
    char name[48];
    enum compare_unit unit;
    double a, b, ratio; /* B / A */
    double low, high;   /* of the ratio, 95 %; both 0: no interval */
    enum compare_verdict verdict;
};

struct comparison {
    struct compare_row rows[COMPARE_ROWS];
    int n, better, worse;
    bool differs; /* in scenario or machine: the ratio has other causes too */
    bool invalid; /* one of them was invalid or did not reach its target */
};

/* tolerance: 0.05 is 5 %. The same seed gives the same intervals. */
void compare_runs(struct comparison *out, const struct run *a,
                  const struct run *b, double tolerance, uint64_t seed);
const char *compare_verdict_name(enum compare_verdict v);
/* The table for people, 80 columns. */
void compare_write(struct buf *out, const struct comparison *c);
json_t *compare_json(const struct comparison *c);

/* Between the files of compare: intervals by a moving block bootstrap over
 * seconds (Kuensch 1989, blocks of the cube root of their number, since one
 * second resembles the next). */

struct interval {
    double low, high; /* 95 %; both 0: too few seconds */
};

/* Quantiles: each second is a distribution through its own quantiles, and a
 * resample is the mixture of its seconds; percentiles are never averaged.
 * exact: the ratios of the whole runs, which the intervals include. */
void bootstrap_quantiles(struct interval out[COMPARE_QUANTILES],
                         const double exact[COMPARE_QUANTILES],
                         const struct collect *a, const struct collect *b,
                         enum metric m, struct rng *rng);
/* The ratio of two means. */
void bootstrap_means(struct interval *out, const double *a, int na,
                     const double *b, int nb, struct rng *rng);

#endif
