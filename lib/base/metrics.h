/* metrics.h - counters, gauges and histograms, written by one thread each
 * (relaxed atomics), read by any. Names and help live in tables of their
 * owners; the registry only joins them into Prometheus text. */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdint.h>

#include "base/buf.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE };

struct metric_def {
    const char *name; /* confab_sends_total */
    const char *help;
    enum metric_type type;
};

/* One thread's values for a table of definitions. */
struct metrics {
    const struct metric_def *defs;
    int count;
    _Atomic int64_t *values;
};

void metrics_init(struct metrics *m, const struct metric_def *defs, int count);
void metrics_release(struct metrics *m);
void metrics_add(struct metrics *m, int i, int64_t v);
void metrics_set(struct metrics *m, int i, int64_t v);
int64_t metrics_get(const struct metrics *m, int i);

/* Log-linear histogram of microseconds, 1 us to 60 s, about 6 % wide. */
#define HIST_BUCKETS 416
struct timing {
    _Atomic uint64_t counts[HIST_BUCKETS];
    _Atomic uint64_t total, sum_us;
};
void timing_record(struct timing *h, uint64_t us);
uint64_t timing_quantile(const struct timing *h, double q); /* us; 0 if empty */
void timing_merge(struct timing *into, const struct timing *from);

/* Prometheus text (exposition format 0.0.4): sums over the n sets of values,
 * which share one table, one sample each with label node="i". */
int metrics_write(struct buf *out, struct metrics *const *sets, int n);
int timing_write(struct buf *out, const char *name, const char *help,
                 const struct timing *h);

#endif
