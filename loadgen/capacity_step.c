#include "capacity_step.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define GIVEN_UP 3        /* seconds of a growing backlog */
#define MOST_ERRORS 0.001 /* refused, of those due */
#define LEAST_SERVED 0.99 /* acknowledged, of those due */
#define LATE_SHARE 0.1    /* lag p99 of the SLO */
#define LATE_WITHOUT 1e7  /* ns: of an SLO that is no time */

void step_init(struct capacity_step *s)
{
    memset(s, 0, sizeof(*s));
    collect_init(&s->before);
    collect_init(&s->now);
}

void step_release(struct capacity_step *s)
{
    collect_release(&s->before);
    collect_release(&s->now);
}

void step_backlog(struct capacity_step *s, const struct second *row)
{
    const uint64_t *n = row->counts;
    int64_t more = (int64_t)n[COUNT_DUE] - (int64_t)n[COUNT_ACKED] -
                   (int64_t)n[COUNT_REFUSED];

    s->backlog += more;
    /* Five in a hundred of what was due: more than a batch under way. */
    s->grown =
        more > 20 && more > (int64_t)n[COUNT_DUE] / 20 ? s->grown + 1 : 0;
    s->hopeless = s->grown >= GIVEN_UP;
}

void step_begin(struct capacity_step *s, const struct collect *c)
{
    for (int m = 0; m < METRICS; m++)
        hist_copy(&s->before.hists[m], &c->hists[m]);
    collect_release(&s->now);
    collect_init(&s->now);
    s->grown = 0;
    s->hopeless = false;
}

void step_second(struct capacity_step *s, const struct second *row)
{
    struct second mine = *row;

    mine.phase = PHASE_MEASURE;
    collect_second(&s->now, &mine);
    for (int i = 0; i < COUNTS; i++)
        s->now.counts[i] += row->counts[i];
    memcpy(s->now.all, s->now.counts, sizeof(s->now.all));
}

static void take_hists(struct capacity_step *s, const struct collect *c)
{
    for (int m = 0; m < METRICS; m++) {
        hist_copy(&s->now.hists[m], &c->hists[m]);
        hist_subtract(&s->now.hists[m], &s->before.hists[m]);
    }
}

/* ---- judging ---- */

static double span_of_rows(const struct collect *c)
{
    if (c->nseconds < 2)
        return c->nseconds;
    /* The first row ends a second after it began. */
    return (double)(c->seconds[c->nseconds - 1].at_ms - c->seconds[0].at_ms) /
               1000 +
           1;
}

static double of_server(const struct second *s)
{
    return s->srv_cpu;
}

static double of_generator(const struct second *s)
{
    return s->gen_cpu;
}

static double of_others(const struct second *s)
{
    return s->foreign_cpu;
}

/* Of the measured seconds; a short row at the end of a phase does not count. */
static double mean_of(const struct collect *c,
                      double (*of)(const struct second *s))
{
    int64_t before = c->nseconds > 0 ? c->seconds[0].at_ms - 1000 : 0;
    double sum = 0;
    int n = 0;

    for (int i = 0; i < c->nseconds; before = c->seconds[i++].at_ms) {
        double v = of(&c->seconds[i]);

        if (c->seconds[i].phase != PHASE_MEASURE || v < 0 ||
            c->seconds[i].at_ms - before < 500)
            continue;
        sum += v;
        n++;
    }
    return n > 0 ? sum / n : -1;
}

static void fill(const struct collect *c, struct capacity_point *p)
{
    const struct hist *e2e = &c->hists[METRIC_E2E];
    double length = c->phase_ms[PHASE_MEASURE] > 0
                        ? (double)c->phase_ms[PHASE_MEASURE] / 1000
                        : span_of_rows(c);

    length = length > 0 ? length : 1;
    p->offered = (double)c->counts[COUNT_DUE] / length;
    p->achieved = (double)c->counts[COUNT_ACKED] / length;
    p->p50 = hist_at(e2e, 0.5);
    p->p99 = hist_at(e2e, 0.99);
    p->p999 = e2e->count >= ENOUGH_FOR_P999 ? hist_at(e2e, 0.999) : 0;
    p->lost = c->all[COUNT_LOST];
    p->srv_cpu = mean_of(c, of_server);
    p->gen_cpu = mean_of(c, of_generator);
}

/* How late the generator may be at its p99, ns. */
static double lateness(const struct threshold *slo, int nslo)
{
    double least = INFINITY;

    for (int i = 0; i < nslo; i++)
        if (slo[i].is_duration && slo[i].value < least)
            least = slo[i].value;
    return isinf(least) ? LATE_WITHOUT : least * LATE_SHARE;
}

static bool thresholds_hold(const struct collect *c,
                            const struct threshold *slo, int nslo,
                            struct capacity_point *p)
{
    struct verdicts v;

    verdicts_judge(&v, slo, nslo, c);
    for (int i = 0; i < v.n; i++) {
        if (v.v[i].state == VERDICT_PASS)
            continue;
        if (v.v[i].state == VERDICT_MISSED)
            snprintf(p->why, sizeof(p->why), "%.30s: missed", v.v[i].metric);
        else
            snprintf(p->why, sizeof(p->why), STEP_FEW);
        return false;
    }
    return true;
}

static void judge(const struct collect *c, const struct threshold *slo,
                  int nslo, struct capacity_point *p)
{
    uint64_t due = c->counts[COUNT_DUE];
    double lag = (double)hist_at(&c->hists[METRIC_LAG], 0.99);
    bool late = lag > lateness(slo, nslo);

    fill(c, p);
    p->pass = thresholds_hold(c, slo, nslo, p);
    if (p->pass && c->all[COUNT_LOST] > 0)
        snprintf(p->why, sizeof(p->why), "lost messages");
    else if (p->pass &&
             (double)c->counts[COUNT_REFUSED] > MOST_ERRORS * (double)due)
        snprintf(p->why, sizeof(p->why), "the server refuses");
    else if (p->pass &&
             (double)c->counts[COUNT_ACKED] < LEAST_SERVED * (double)due - 20)
        snprintf(p->why, sizeof(p->why), "served less than was offered");
    p->pass = p->pass && p->why[0] == '\0';
    if (late && p->pass) /* it says nothing about the server */
        snprintf(p->why, sizeof(p->why), "the generator was late");
    p->pass = p->pass && !late;
    /* A failure while others had the CPU is nobody's. */
    if (strstr(p->why, ": missed") != NULL &&
        mean_of(c, of_others) > STEP_OTHERS)
        snprintf(p->why, sizeof(p->why), STEP_DISTURBED);
}

void step_end(struct capacity_step *s, const struct collect *c,
              const struct threshold *slo, int nslo, struct capacity_point *p)
{
    take_hists(s, c);
    judge(&s->now, slo, nslo, p);
    p->hopeless = s->hopeless;
    if (s->hopeless && p->pass) {
        snprintf(p->why, sizeof(p->why), "the backlog grows");
        p->pass = false;
    }
}

bool step_enough(const struct capacity_step *s, const struct collect *c,
                 const struct threshold *slo, int nslo)
{
    for (int i = 0; i < nslo; i++) {
        char name[sizeof(slo[i].metric)], *dot;
        int m;

        if (!slo[i].is_duration)
            continue;
        snprintf(name, sizeof(name), "%s", slo[i].metric);
        dot = strstr(name, ".p");
        if (dot == NULL)
            continue;
        *dot = '\0';
        m = metric_by_name(name);
        if (m >= 0 && c->hists[m].count - s->before.hists[m].count <
                          result_samples(slo[i].metric))
            return false;
    }
    return true;
}

void step_of_run(const struct collect *c, const struct threshold *slo, int nslo,
                 struct capacity_point *p)
{
    judge(c, slo, nslo, p);
    if (p->pass && c->all[COUNT_CONNECT_FAILED] > 0) {
        snprintf(p->why, sizeof(p->why), "connections failed");
        p->pass = false;
    }
}
