#include "result.h"

#include <inttypes.h>

/* Gauges that nobody knew are left out of JSON and empty in CSV. */
static void json_gauge(struct buf *out, const char *name, double v)
{
    if (v >= 0)
        (void)buf_printf(out, ",\"%s\":%.6g", name, v);
}

static void json_whole(struct buf *out, const char *name, int64_t v)
{
    if (v >= 0)
        (void)buf_printf(out, ",\"%s\":%" PRId64, name, v);
}

static void json_quantiles(struct buf *out, const struct quantiles *q)
{
    (void)buf_printf(out,
                     "{\"count\":%" PRIu64 ",\"p50\":%" PRIu64
                     ",\"p90\":%" PRIu64 ",\"p99\":%" PRIu64
                     ",\"p99.9\":%" PRIu64 ",\"max\":%" PRIu64 "}",
                     q->count, q->p50, q->p90, q->p99, q->p999, q->max);
}

static void json_counts(struct buf *out, const struct second *row)
{
    const char *comma = "";

    (void)buf_append_text(out, ",\"counts\":{");
    for (int i = 0; i < COUNTS; i++) {
        if (row->counts[i] == 0)
            continue;
        (void)buf_printf(out, "%s\"%s\":%" PRIu64, comma,
                         count_name((enum count)i), row->counts[i]);
        comma = ",";
    }
    (void)buf_append_byte(out, '}');
}

void write_jsonl(struct buf *out, const struct second *row)
{
    const char *comma = "";

    (void)buf_printf(
        out,
        "{\"at_ms\":%" PRId64 ",\"phase\":\"%s\",\"conns\":%" PRId64
        ",\"ready\":%" PRId64,
        row->at_ms, phase_name(row->phase), row->conns, row->ready);
    json_gauge(out, "gen_cpu", row->gen_cpu);
    json_gauge(out, "srv_cpu", row->srv_cpu);
    json_gauge(out, "foreign_cpu", row->foreign_cpu);
    json_whole(out, "gen_rss", row->gen_rss);
    json_whole(out, "srv_rss", row->srv_rss);
    json_whole(out, "srv_fds", row->srv_fds);
    json_whole(out, "kernel_tcp", row->kernel_tcp);
    json_counts(out, row);
    (void)buf_append_text(out, ",\"metrics\":{");
    for (int i = 0; i < METRICS; i++) {
        if (row->q[i].count == 0)
            continue;
        (void)buf_printf(out, "%s\"%s\":", comma, metric_name((enum metric)i));
        json_quantiles(out, &row->q[i]);
        comma = ",";
    }
    (void)buf_append_text(out, "}}\n");
}

void write_csv_head(struct buf *out)
{
    (void)buf_append_text(out, "at_ms,phase,conns,ready,gen_cpu,srv_cpu,"
                               "foreign_cpu,gen_rss,srv_rss,srv_fds,"
                               "kernel_tcp");
    for (int i = 0; i < COUNTS; i++)
        (void)buf_printf(out, ",%s", count_name((enum count)i));
    for (int i = 0; i < METRICS; i++) {
        const char *name = metric_name((enum metric)i);

        (void)buf_printf(out, ",%s.count,%s.p50,%s.p90,%s.p99,%s.p99.9,%s.max",
                         name, name, name, name, name, name);
    }
    (void)buf_append_byte(out, '\n');
}

static void csv_gauge(struct buf *out, double v)
{
    (void)buf_append_byte(out, ',');
    if (v >= 0)
        (void)buf_printf(out, "%.3f", v);
}

static void csv_whole(struct buf *out, int64_t v)
{
    (void)buf_append_byte(out, ',');
    if (v >= 0)
        (void)buf_append_i64(out, v);
}

void write_csv(struct buf *out, const struct second *row)
{
    const struct quantiles *q;

    (void)buf_printf(out, "%" PRId64 ",%s,%" PRId64 ",%" PRId64, row->at_ms,
                     phase_name(row->phase), row->conns, row->ready);
    csv_gauge(out, row->gen_cpu);
    csv_gauge(out, row->srv_cpu);
    csv_gauge(out, row->foreign_cpu);
    csv_whole(out, row->gen_rss);
    csv_whole(out, row->srv_rss);
    csv_whole(out, row->srv_fds);
    csv_whole(out, row->kernel_tcp);
    for (int i = 0; i < COUNTS; i++)
        csv_whole(out, (int64_t)row->counts[i]);
    for (int i = 0; i < METRICS; i++) {
        q = &row->q[i];
        (void)buf_printf(out,
                         ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
                         ",%" PRIu64 ",%" PRIu64,
                         q->count, q->p50, q->p90, q->p99, q->p999, q->max);
    }
    (void)buf_append_byte(out, '\n');
}
