#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "report.h"
#include "report_text.h"

/* One number of each row; a negative one is unknown. A count is per row. */
typedef double second_fn(const struct second *s);

static double offered(const struct second *s)
{
    return (double)s->counts[COUNT_DUE];
}

static double achieved(const struct second *s)
{
    return (double)s->counts[COUNT_ACKED];
}

static double copies(const struct second *s)
{
    return (double)s->counts[COUNT_COPIES];
}

static double conns(const struct second *s)
{
    return (double)s->conns;
}

static double ready(const struct second *s)
{
    return (double)s->ready;
}

static double srv_rss(const struct second *s)
{
    return (double)s->srv_rss;
}

static double gen_rss(const struct second *s)
{
    return (double)s->gen_rss;
}

static double kernel_tcp(const struct second *s)
{
    return (double)s->kernel_tcp;
}

static double srv_cpu(const struct second *s)
{
    return s->srv_cpu;
}

static double gen_cpu(const struct second *s)
{
    return s->gen_cpu;
}

static double foreign_cpu(const struct second *s)
{
    return s->foreign_cpu;
}

static double login_p99(const struct second *s)
{
    return s->q[METRIC_LOGIN].count > 0 ? (double)s->q[METRIC_LOGIN].p99 : -1;
}

static double e2e_p50(const struct second *s)
{
    return s->q[METRIC_E2E].count > 0 ? (double)s->q[METRIC_E2E].p50 : -1;
}

static double e2e_p99(const struct second *s)
{
    return s->q[METRIC_E2E].count > 0 ? (double)s->q[METRIC_E2E].p99 : -1;
}

static double e2e_p999(const struct second *s)
{
    return s->q[METRIC_E2E].count >= ENOUGH_FOR_P999
               ? (double)s->q[METRIC_E2E].p999
               : -1;
}

static double e2e_max(const struct second *s)
{
    return s->q[METRIC_E2E].count > 0 ? (double)s->q[METRIC_E2E].max : -1;
}

struct points {
    double x[SVG_POINTS], y[SVG_POINTS];
};

enum how { MEAN, LARGEST, RATE };

/* Several rows that are one point. */
struct bucket {
    double sum, most;
    int rows, known;
};

static void add_row(struct bucket *b, const struct collect *c, int i,
                    second_fn *get, enum how how)
{
    double ms = (double)collect_length(c, i), v = get(&c->seconds[i]);

    if (ms < SHORT_ROW_MS)
        return;
    b->rows++;
    if (v < 0)
        return;
    v = how == RATE ? v * 1000 / ms : v;
    b->known++;
    b->sum += v;
    b->most = v > b->most ? v : b->most;
}

static double value_of(const struct bucket *b, enum how how)
{
    if (b->known == 0)
        return NAN;
    return how == LARGEST ? b->most : b->sum / b->known;
}

/* At most SVG_POINTS points; of several seconds the largest, for peaks must
 * not vanish, or the mean. A row too short to tell is left out, and one that
 * knew nothing breaks the line. 0 when nothing was known. */
static int thin(struct points *p, const struct collect *c, second_fn *get,
                enum how how)
{
    int per = (c->nseconds + SVG_POINTS - 1) / SVG_POINTS, n = 0, any = 0;

    for (int i = 0; i < c->nseconds; i += per) {
        struct bucket b = {0};

        for (int k = i; k < i + per && k < c->nseconds; k++)
            add_row(&b, c, k, get, how);
        if (b.rows == 0)
            continue;
        p->x[n] = (double)c->seconds[i].at_ms / 1000;
        p->y[n++] = value_of(&b, how);
        any += b.known;
    }
    return any > 0 ? n : 0;
}

static void add_line(struct svg_chart *chart, const struct run *r,
                     const char *name, second_fn *get, enum how how)
{
    static struct points points[SVG_SERIES];
    struct points *p = &points[chart->nseries];
    int n = thin(p, &r->collect, get, how);

    if (n == 0)
        return;
    chart->series[chart->nseries] = (struct svg_series){
        .name = name, .colour = chart->nseries, .x = p->x, .y = p->y, .n = n};
    chart->nseries++;
}

/* Shade what is not measured. */
static void add_phases(struct svg_chart *c, const struct collect *all)
{
    const struct second *s = all->seconds;
    int n = all->nseconds, from = 0;

    for (int i = 1; i <= n; i++) {
        if (i < n && s[i].phase == s[from].phase)
            continue;
        if (s[from].phase != PHASE_MEASURE &&
            c->nbands < (int)COUNT_OF(c->bands))
            c->bands[c->nbands++] = (struct svg_band){
                (double)s[from > 0 ? from - 1 : 0].at_ms / 1000,
                (double)s[i - 1].at_ms / 1000, phase_name(s[from].phase)};
        from = i;
    }
}

static struct svg_chart over_time(const struct run *r, const char *title,
                                  enum svg_scale scale,
                                  const char *(*show)(double))
{
    const struct collect *c = &r->collect;
    struct svg_chart chart = {
        .title = title,
        .x = {SVG_LINEAR, 0, 1, tick_seconds, "seconds since the start"},
        .y = {scale, 0, 0, show, ""}};

    if (c->nseconds > 0) {
        chart.x.low = (double)c->seconds[0].at_ms / 1000;
        chart.x.high = (double)c->seconds[c->nseconds - 1].at_ms / 1000;
    }
    add_phases(&chart, c);
    return chart;
}

static void chart_times(struct buf *out, const struct run *r)
{
    struct svg_chart c =
        over_time(r, "Response time, each second", SVG_LOG, tick_ns);
    int before;

    add_line(&c, r, "p50", e2e_p50, MEAN);
    add_line(&c, r, "p99", e2e_p99, LARGEST);
    before = c.nseries;
    add_line(&c, r, "p99.9", e2e_p999, LARGEST);
    if (c.nseries == before)
        add_line(&c, r, "max", e2e_max, LARGEST);
    if (c.nseries == 0)
        add_line(&c, r, "login p99", login_p99, LARGEST);
    else
        report_limits(&c, r, "e2e");
    report_chart(out, &c);
}

void report_series(struct buf *out, const struct run *r)
{
    struct svg_chart c;

    chart_times(out, r);
    c = over_time(r, "Messages a second", SVG_LINEAR, tick_rate);
    add_line(&c, r, "offered", offered, RATE);
    add_line(&c, r, "achieved", achieved, RATE);
    c.series[0].dashed = true;
    if (r->collect.all[COUNT_DUE] > 0)
        report_chart(out, &c);
    c = over_time(r, "Copies a second", SVG_LINEAR, tick_rate);
    add_line(&c, r, "delivered", copies, RATE);
    if (r->collect.all[COUNT_COPIES] > r->collect.all[COUNT_ACKED])
        report_chart(out, &c);
    c = over_time(r, "Connections", SVG_LINEAR, tick_rate);
    add_line(&c, r, "connected", conns, MEAN);
    add_line(&c, r, "logged in", ready, MEAN);
    c.series[1].dashed = true;
    report_chart(out, &c);
    c = over_time(r, "Memory", SVG_LINEAR, tick_bytes);
    add_line(&c, r, "server", srv_rss, LARGEST);
    add_line(&c, r, "generator", gen_rss, LARGEST);
    add_line(&c, r, "kernel, TCP", kernel_tcp, LARGEST);
    report_chart(out, &c);
    c = over_time(r, "CPU, percent of one core", SVG_LINEAR, tick_percent);
    add_line(&c, r, "server", srv_cpu, MEAN);
    add_line(&c, r, "generator", gen_cpu, MEAN);
    add_line(&c, r, "others", foreign_cpu, MEAN);
    report_chart(out, &c);
}
