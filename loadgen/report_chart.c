#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "report.h"
#include "report_text.h"
#include "usl.h"

void report_chart(struct buf *out, struct svg_chart *c)
{
    if (!svg_fit_y(c))
        return;
    (void)buf_append_text(out, "<figure>");
    svg_draw(out, c);
    (void)buf_append_text(out, "</figure>\n");
}

void report_limits(struct svg_chart *c, const struct run *r, const char *metric)
{
    const struct verdict *v;
    size_t n = strlen(metric);

    for (int i = 0; i < r->verdicts.n; i++) {
        v = &r->verdicts.v[i];
        if (c->nmarks < (int)COUNT_OF(c->marks) && v->is_duration &&
            v->limit > 0 && strncmp(v->metric, metric, n) == 0 &&
            v->metric[n] == '.')
            c->marks[c->nmarks++] = (struct svg_mark){v->limit, v->text};
    }
}

#define STEPS 400

/* What is drawn first when there is more than fits. */
static const enum metric order[] = {
    METRIC_E2E,       METRIC_LAST,    METRIC_PROBE,   METRIC_SENT,
    METRIC_DELIVERED, METRIC_BACK,    METRIC_CATCHUP, METRIC_LOGIN,
    METRIC_ONLINE,    METRIC_OFFLINE, METRIC_CONNECT,
};

#define PLOTTED 5    /* metrics of one plot */
#define MOST_NINES 9 /* of the axis: what a double still tells from 1 */

struct curve {
    double x[STEPS], y[STEPS];
};

/* Equal steps of log10(1 / (1 - q)), up to the last sample. */
static int trace(struct curve *curve, const struct hist *h)
{
    double nines = fmin(log10((double)h->count), MOST_NINES);

    for (int i = 0; i < STEPS; i++) {
        curve->x[i] = 1 - pow(10, -nines * i / (STEPS - 1));
        curve->y[i] = (double)hist_at(h, i + 1 < STEPS ? curve->x[i] : 1);
    }
    return STEPS;
}

void report_percentiles(struct buf *out, const struct run *r)
{
    static struct curve curves[PLOTTED];
    struct svg_chart c = {
        .title = "Percentiles",
        .x = {SVG_PERCENTILE, 0, 0.9, tick_quantile,
              "share of all, the rest ten times rarer at each mark"},
        .y = {SVG_LOG, 0, 0, tick_ns, ""}};
    const struct hist *h;
    const char *first = NULL;

    for (size_t i = 0; i < COUNT_OF(order) && c.nseries < PLOTTED; i++) {
        h = &r->collect.hists[order[i]];
        if (h->count == 0 || (c.nseries > 3 && i > 4))
            continue;
        first = first == NULL ? metric_name(order[i]) : first;
        c.series[c.nseries] = (struct svg_series){
            .name = metric_name(order[i]),
            .colour = c.nseries,
            .x = curves[c.nseries].x,
            .y = curves[c.nseries].y,
            .n = trace(&curves[c.nseries], h),
        };
        c.x.high = fmax(c.x.high, curves[c.nseries].x[STEPS - 1]);
        c.nseries++;
    }
    if (first == NULL)
        return;
    report_limits(&c, r, first);
    report_chart(out, &c);
}

/* --- the capacity curve --- */

struct split {
    double x[2][RESULT_POINTS], y[2][RESULT_POINTS]; /* failed, passed */
    int n[2];
};

static void put_points(struct svg_chart *c, const struct split *s)
{
    static const char *const names[] = {"failed", "passed"};

    for (int pass = 1; pass >= 0; pass--) {
        if (s->n[pass] == 0)
            continue;
        c->series[c->nseries++] = (struct svg_series){.name = names[pass],
                                                      .colour = pass ? 3 : 1,
                                                      .x = s->x[pass],
                                                      .y = s->y[pass],
                                                      .n = s->n[pass],
                                                      .dots = true,
                                                      .no_line = true};
    }
}

static double axis_end(const struct capacity *c)
{
    double most = 0;

    for (int i = 0; i < c->npoints; i++)
        most = fmax(most, c->points[i].x);
    return most > 0 ? most * 1.05 : 1;
}

static void split_points(struct split *s, const struct capacity *c,
                         bool latency)
{
    *s = (struct split){0};
    for (int i = 0; i < c->npoints; i++) {
        const struct capacity_point *p = &c->points[i];
        int *n = &s->n[p->pass];

        s->x[p->pass][*n] = p->x;
        s->y[p->pass][*n] = latency ? (double)p->p99 : p->achieved;
        (*n)++;
    }
}

/* The fitted curve, drawn up to the largest point. */
static void add_fit(struct svg_chart *chart, const struct usl *u)
{
    static double x[SVG_POINTS], y[SVG_POINTS];

    for (int i = 0; i < SVG_POINTS; i++) {
        x[i] = chart->x.high * (i + 1) / SVG_POINTS;
        y[i] = usl_at(u, x[i]);
    }
    chart->series[chart->nseries++] = (struct svg_series){
        .name = "USL fit", .colour = 0, .x = x, .y = y, .n = SVG_POINTS};
}

static bool fit_points(struct usl *u, const struct capacity *c)
{
    double n[RESULT_POINTS], x[RESULT_POINTS];

    for (int i = 0; i < c->npoints; i++) {
        n[i] = c->points[i].x;
        x[i] = c->points[i].achieved;
    }
    return usl_fit(u, n, x, c->npoints);
}

static void put_fit(struct buf *out, const struct usl *u)
{
    (void)buf_printf(out,
                     "<p class=\"soft\">Universal Scalability Law: "
                     "&lambda; = %.4g, &sigma; = %.3g, &kappa; = %.3g, "
                     "R&sup2; = %.4f",
                     u->lambda, u->sigma, u->kappa, u->r2);
    if (u->peak_n > 0)
        (void)buf_printf(out, "; fastest at %s with %s/s", show_rate(u->peak_n),
                         show_rate(u->peak_x));
    (void)buf_append_text(out, ". A curve to look at: no percentile is "
                               "claimed from it.</p>\n");
}

static void put_point(struct buf *out, const struct capacity_point *p)
{
    (void)buf_printf(out,
                     "<tr><td>%s</td><td>%s/s</td><td>%s/s</td><td>%s</td>",
                     show_rate(p->x), show_rate(p->offered),
                     show_rate(p->achieved), show_ns((double)p->p50));
    (void)buf_printf(out,
                     "<td>%s</td><td>%s</td><td>%.0f%%</td><td>%.0f%%</td>"
                     "<td class=\"%s\">%s ",
                     show_ns((double)p->p99), show_count((double)p->lost),
                     p->srv_cpu, p->gen_cpu, p->pass ? "good" : "bad",
                     p->pass ? "passed" : "failed");
    put_escaped(out, p->why);
    (void)buf_append_text(out, "</td></tr>\n");
}

static void put_steps(struct buf *out, const struct capacity *c)
{
    (void)buf_append_text(out, "<div class=\"wide\"><table><tr><th>");
    put_escaped(out, c->vary);
    (void)buf_append_text(out, "</th><th>offered</th><th>achieved</th>"
                               "<th>p50</th><th>p99</th><th>lost</th>"
                               "<th>server</th><th>generator</th>"
                               "<th>verdict</th></tr>\n");
    for (int i = 0; i < c->npoints; i++)
        put_point(out, &c->points[i]);
    (void)buf_append_text(out, "</table></div>\n");
}

static void put_best(struct buf *out, const struct capacity *c)
{
    (void)buf_printf(out, "<h2>Capacity</h2>\n<p><b>%s</b> ",
                     show_rate(c->best));
    put_escaped(out, c->vary);
    (void)buf_append_text(out, " within ");
    put_escaped(out, c->slo);
    if (c->binds[0] != '\0')
        (void)buf_append_text(out, "; what binds: ");
    put_escaped(out, c->binds);
    (void)buf_append_text(out, "</p>\n");
}

/* The limit that the search was held to. */
static void add_slo(struct svg_chart *chart, const struct capacity *c)
{
    struct threshold t;
    struct error err;

    if (threshold_parse(&t, c->slo, &err) == 0 && t.is_duration && t.value > 0)
        chart->marks[chart->nmarks++] = (struct svg_mark){t.value, c->slo};
}

void report_capacity(struct buf *out, const struct run *r)
{
    static struct split points;
    const struct capacity *c = &r->capacity;
    struct svg_chart chart = {
        .title = "Achieved, by what was asked",
        .x = {SVG_LINEAR, 0, axis_end(c), tick_rate, c->vary},
        .y = {SVG_LINEAR, 0, 0, tick_rate, ""}};
    struct svg_chart times = {
        .title = "p99, by what was asked",
        .x = {SVG_LINEAR, 0, axis_end(c), tick_rate, c->vary},
        .y = {SVG_LOG, 0, 0, tick_ns, ""}};
    struct usl u;
    bool fits = fit_points(&u, c);

    put_best(out, c);
    (void)buf_append_text(out, "<div class=\"charts\">\n");
    if (fits)
        add_fit(&chart, &u);
    split_points(&points, c, false);
    put_points(&chart, &points);
    report_chart(out, &chart);
    split_points(&points, c, true);
    put_points(&times, &points);
    add_slo(&times, c);
    report_chart(out, &times);
    (void)buf_append_text(out, "</div>\n");
    if (fits)
        put_fit(out, &u);
    put_steps(out, c);
}
