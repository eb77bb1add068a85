/* sample.h - a run that never was, for tests of what is written about runs. */
#ifndef TESTS_LOADGEN_SAMPLE_H
#define TESTS_LOADGEN_SAMPLE_H

#include <stdio.h>

#include "base/rng.h"
#include "result.h"

/* `seconds` rows, 1000 messages a second, e2e around base_ns; the first two
 * rows ramp up. Deterministic. */
static inline void sample_collect(struct collect *c, int seconds,
                                  uint64_t base_ns, uint64_t seed)
{
    struct second row;
    struct hist h;
    struct rng r;
    uint64_t ns;

    collect_init(c);
    rng_init_seeded(&r, seed);
    hist_init(&h, 1000, 60000000000, 2);
    for (int i = 0; i < seconds; i++) {
        row = (struct second){.at_ms = 1000 * (i + 1),
                              .phase = i < 2 ? PHASE_RAMP : PHASE_MEASURE,
                              .conns = i < 2 ? 250 * (i + 1) : 500,
                              .ready = i < 2 ? 200 * (i + 1) : 500,
                              .gen_cpu = 20 + i % 5,
                              .srv_cpu = 70 + i % 9,
                              .foreign_cpu = 1,
                              .gen_rss = 40000000,
                              .srv_rss = 400000000 + i * 10000,
                              .srv_fds = 520,
                              .kernel_tcp = -1};
        row.counts[COUNT_DUE] = row.counts[COUNT_SENT] = 1000;
        row.counts[COUNT_ACKED] = 1000;
        row.counts[COUNT_EXPECTED] = row.counts[COUNT_COPIES] = 1000;
        hist_reset(&h);
        for (int k = 0; k < 1000; k++) {
            ns = base_ns + rng_below(&r, base_ns);
            ns = rng_below(&r, 100) == 0 ? ns * 10 : ns;
            hist_add(&h, ns);
            if (row.phase == PHASE_MEASURE)
                hist_add(&c->hists[METRIC_E2E], ns);
        }
        quantiles_of(&row.q[METRIC_E2E], &h);
        for (int k = 0; k < COUNTS; k++)
            c->all[k] += row.counts[k];
        collect_second(c, &row);
    }
    for (int k = 0; k < COUNTS; k++)
        c->counts[k] = c->all[k] - 2 * row.counts[k];
    c->phase_ms[PHASE_RAMP] = 2000;
    c->phase_ms[PHASE_MEASURE] = 1000 * (seconds - 2);
    hist_release(&h);
}

static inline struct threshold sample_threshold(const char *metric,
                                                const char *op, double value,
                                                bool is_duration)
{
    struct threshold t = {.value = value, .is_duration = is_duration};

    snprintf(t.metric, sizeof(t.metric), "%s", metric);
    snprintf(t.op, sizeof(t.op), "%s", op);
    snprintf(t.text, sizeof(t.text), "%s %s %g", metric, op, value);
    return t;
}

#endif
