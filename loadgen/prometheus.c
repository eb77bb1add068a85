#include <inttypes.h>

#include "base/mem.h"
#include "result.h"

/* Upper bounds of the buckets, ns: 1-2-5 from 100 us to 50 s. */
static const uint64_t bounds[] = {
    100000,     200000,     500000,     1000000,     2000000,     5000000,
    10000000,   20000000,   50000000,   100000000,   200000000,   500000000,
    1000000000, 2000000000, 5000000000, 10000000000, 20000000000, 50000000000,
};

/* Dots are no part of a name there. */
static void put_name(struct buf *out, const char *name)
{
    for (; *name != '\0'; name++)
        (void)buf_append_byte(out, *name == '.' ? '_' : *name);
}

static void put_counter(struct buf *out, enum count c, uint64_t v)
{
    (void)buf_append_text(out, "# TYPE confab_load_");
    put_name(out, count_name(c));
    (void)buf_append_text(out, "_total counter\nconfab_load_");
    put_name(out, count_name(c));
    (void)buf_printf(out, "_total %" PRIu64 "\n", v);
}

static void put_gauge(struct buf *out, const char *name, double v)
{
    if (v >= 0)
        (void)buf_printf(out,
                         "# TYPE confab_load_%s gauge\nconfab_load_%s %.15g\n",
                         name, name, v);
}

static void put_last(struct buf *out, const struct second *s)
{
    put_gauge(out, "connections", (double)s->conns);
    put_gauge(out, "ready", (double)s->ready);
    put_gauge(out, "cpu_percent", s->gen_cpu);
    put_gauge(out, "resident_bytes", (double)s->gen_rss);
    put_gauge(out, "server_cpu_percent", s->srv_cpu);
    put_gauge(out, "server_resident_bytes", (double)s->srv_rss);
    put_gauge(out, "server_fds", (double)s->srv_fds);
    put_gauge(out, "kernel_tcp_bytes", (double)s->kernel_tcp);
}

static void put_hist(struct buf *out, const char *metric, const struct hist *h)
{
    for (size_t i = 0; i < COUNT_OF(bounds); i++)
        (void)buf_printf(out,
                         "confab_load_seconds_bucket{metric=\"%s\",le=\"%g\"} "
                         "%" PRIu64 "\n",
                         metric, (double)bounds[i] / 1e9,
                         hist_below(h, bounds[i]));
    (void)buf_printf(out,
                     "confab_load_seconds_bucket{metric=\"%s\",le=\"+Inf\"} "
                     "%" PRIu64 "\n",
                     metric, h->count);
    (void)buf_printf(out, "confab_load_seconds_sum{metric=\"%s\"} %.9g\n",
                     metric, h->sum / 1e9);
    (void)buf_printf(out,
                     "confab_load_seconds_count{metric=\"%s\"} %" PRIu64 "\n",
                     metric, h->count);
}

/* While a run goes on only its seconds are known. */
static uint64_t count_so_far(const struct collect *c, int count)
{
    uint64_t sum = 0;

    for (int i = 0; i < c->nseconds; i++)
        sum += c->seconds[i].counts[count];
    return c->all[count] > sum ? c->all[count] : sum;
}

void write_prometheus(struct buf *out, const struct collect *c)
{
    for (int i = 0; i < COUNTS; i++)
        put_counter(out, (enum count)i, count_so_far(c, i));
    if (c->nseconds > 0)
        put_last(out, &c->seconds[c->nseconds - 1]);
    (void)buf_append_text(out, "# HELP confab_load_seconds What was timed in "
                               "the measured phase.\n"
                               "# TYPE confab_load_seconds histogram\n");
    for (int i = 0; i < METRICS; i++)
        if (c->hists[i].count > 0)
            put_hist(out, metric_name((enum metric)i), &c->hists[i]);
}
