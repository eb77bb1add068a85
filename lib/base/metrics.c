#include "base/metrics.h"

#include <stdlib.h>

#include "base/mem.h"

void metrics_init(struct metrics *m, const struct metric_def *defs, int count)
{
    m->defs = defs;
    m->count = count;
    m->values = mem_array((size_t)count, sizeof(*m->values));
}

void metrics_release(struct metrics *m)
{
    free((void *)m->values);
    *m = (struct metrics){0};
}

/* One writer: a load and a store cost less than a locked add. */
void metrics_add(struct metrics *m, int i, int64_t v)
{
    int64_t old = __atomic_load_n((int64_t *)&m->values[i], __ATOMIC_RELAXED);

    __atomic_store_n((int64_t *)&m->values[i], old + v, __ATOMIC_RELAXED);
}

void metrics_set(struct metrics *m, int i, int64_t v)
{
    __atomic_store_n((int64_t *)&m->values[i], v, __ATOMIC_RELAXED);
}

int64_t metrics_get(const struct metrics *m, int i)
{
    return __atomic_load_n((int64_t *)&m->values[i], __ATOMIC_RELAXED);
}

/* ---- histogram: 16 buckets to each power of two ---- */

static int bucket_of(uint64_t us)
{
    int exponent, index;

    if (us < 16)
        return (int)us;
    exponent = 63 - __builtin_clzll(us);
    index = (exponent - 3) * 16 + (int)(us >> (exponent - 4)) - 16;
    return index < HIST_BUCKETS ? index : HIST_BUCKETS - 1;
}

/* The largest value that falls into bucket i. */
static uint64_t bucket_top(int i)
{
    int exponent = i / 16 + 3;

    if (i < 16)
        return (uint64_t)i;
    return ((uint64_t)(i % 16 + 17) << (exponent - 4)) - 1;
}

void timing_record(struct timing *h, uint64_t us)
{
    __atomic_fetch_add((uint64_t *)&h->counts[bucket_of(us)], 1,
                       __ATOMIC_RELAXED);
    __atomic_fetch_add((uint64_t *)&h->total, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add((uint64_t *)&h->sum_us, us, __ATOMIC_RELAXED);
}

uint64_t timing_quantile(const struct timing *h, double q)
{
    uint64_t total = h->total, seen = 0;
    uint64_t rank = (uint64_t)(q * (double)total);

    if (total == 0)
        return 0;
    if (rank >= total)
        rank = total - 1;
    for (int i = 0; i < HIST_BUCKETS; i++) {
        seen += h->counts[i];
        if (seen > rank)
            return bucket_top(i);
    }
    return bucket_top(HIST_BUCKETS - 1);
}

void timing_merge(struct timing *into, const struct timing *from)
{
    for (int i = 0; i < HIST_BUCKETS; i++)
        into->counts[i] += from->counts[i];
    into->total += from->total;
    into->sum_us += from->sum_us;
}

/* ---- Prometheus text ---- */

int metrics_write(struct buf *out, struct metrics *const *sets, int n)
{
    int rc = 0;

    for (int i = 0; n > 0 && i < sets[0]->count && rc == 0; i++) {
        const struct metric_def *d = &sets[0]->defs[i];

        rc = buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", d->name, d->help,
                        d->name,
                        d->type == METRIC_COUNTER ? "counter" : "gauge");
        for (int k = 0; k < n && rc == 0; k++)
            rc = buf_printf(out, "%s{node=\"%d\"} %lld\n", d->name, k,
                            (long long)metrics_get(sets[k], i));
    }
    return rc;
}

int timing_write(struct buf *out, const char *name, const char *help,
                 const struct timing *h)
{
    static const uint64_t bounds[] = {100,    250,    500,     1000,   2500,
                                      5000,   10000,  25000,   50000,  100000,
                                      250000, 500000, 1000000, 5000000};
    uint64_t below = 0;
    int at = 0;
    int rc = buf_printf(out, "# HELP %s %s\n# TYPE %s histogram\n", name, help,
                        name);

    for (size_t b = 0; b < COUNT_OF(bounds) && rc == 0; b++) {
        while (at < HIST_BUCKETS && bucket_top(at) <= bounds[b])
            below += h->counts[at++];
        rc = buf_printf(out, "%s_bucket{le=\"%g\"} %llu\n", name,
                        (double)bounds[b] / 1e6, (unsigned long long)below);
    }
    if (rc == 0)
        rc = buf_printf(out,
                        "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.6f\n"
                        "%s_count %llu\n",
                        name, (unsigned long long)h->total, name,
                        (double)h->sum_us / 1e6, name,
                        (unsigned long long)h->total);
    return rc;
}
