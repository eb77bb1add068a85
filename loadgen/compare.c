#include "compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const struct {
    const char *name;
    double q;
} stats[COMPARE_QUANTILES] = {
    {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};

enum wish { LESS_IS_BETTER, MORE_IS_BETTER, ONLY_TOLD };

struct task {
    struct comparison *out;
    const struct collect *a, *b;
    double tolerance;
    struct rng rng;
};

static double achieved(const struct second *s)
{
    return (double)s->counts[COUNT_ACKED];
}

static double delivered(const struct second *s)
{
    return (double)s->counts[COUNT_COPIES];
}

static double srv_cpu(const struct second *s)
{
    return s->srv_cpu;
}

static double srv_rss(const struct second *s)
{
    return (double)s->srv_rss;
}

static double gen_cpu(const struct second *s)
{
    return s->gen_cpu;
}

/* Series of seconds whose means are compared. */
static const struct mean {
    const char *name;
    enum compare_unit unit;
    enum wish wish;
    double (*get)(const struct second *s);
} means[] = {
    {"rate.achieved", UNIT_RATE, MORE_IS_BETTER, achieved},
    {"rate.copies", UNIT_RATE, MORE_IS_BETTER, delivered},
    {"srv.cpu", UNIT_PERCENT, LESS_IS_BETTER, srv_cpu},
    {"srv.rss", UNIT_BYTES, LESS_IS_BETTER, srv_rss},
    {"gen.cpu", UNIT_PERCENT, ONLY_TOLD, gen_cpu},
};

static enum compare_verdict judged(const struct compare_row *row,
                                   double tolerance, enum wish wish)
{
    bool more = row->ratio > 1 + tolerance;
    bool less = row->ratio < 1 / (1 + tolerance);
    bool sure = row->high > 0 && (more ? row->low > 1 : row->high < 1);

    if (wish == ONLY_TOLD)
        return COMPARE_TOLD;
    if (!more && !less)
        return COMPARE_SAME;
    if (!sure)
        return COMPARE_UNCLEAR;
    return more == (wish == LESS_IS_BETTER) ? COMPARE_WORSE : COMPARE_BETTER;
}

/* Add the row and judge it. */
static void add_row(struct task *t, struct compare_row row, const char *name,
                    enum wish wish)
{
    struct comparison *c = t->out;

    if (c->n == COMPARE_ROWS)
        return;
    snprintf(row.name, sizeof(row.name), "%s", name);
    row.ratio = row.a > 0 ? row.b / row.a : 1;
    row.verdict = judged(&row, t->tolerance, wish);
    c->worse += row.verdict == COMPARE_WORSE;
    c->better += row.verdict == COMPARE_BETTER;
    c->rows[c->n++] = row;
}

static void compare_metric(struct task *t, enum metric m)
{
    const struct hist *a = &t->a->hists[m], *b = &t->b->hists[m];
    bool few = a->count < ENOUGH_FOR_P999 || b->count < ENOUGH_FOR_P999;
    struct compare_row rows[COMPARE_QUANTILES] = {{.unit = UNIT_NS}};
    struct interval intervals[COMPARE_QUANTILES];
    double ratio[COMPARE_QUANTILES];
    char name[48];

    for (int k = 0; k < COMPARE_QUANTILES; k++) {
        rows[k].a = (double)hist_at(a, stats[k].q);
        rows[k].b = (double)hist_at(b, stats[k].q);
        ratio[k] = rows[k].a > 0 ? rows[k].b / rows[k].a : 1;
    }
    bootstrap_quantiles(intervals, ratio, t->a, t->b, m, &t->rng);
    for (int k = 0; k < COMPARE_QUANTILES - few; k++) {
        rows[k].low = intervals[k].low;
        rows[k].high = intervals[k].high;
        snprintf(name, sizeof(name), "%s.%s", metric_name(m), stats[k].name);
        /* The generator's lateness is no work of the server. */
        add_row(t, rows[k], name, m == METRIC_LAG ? ONLY_TOLD : LESS_IS_BETTER);
    }
}

/* The known values of the measured phase; how many, and their mean. */
static int series_of(double *out, const struct collect *c,
                     const struct mean *mean, double *average)
{
    double sum = 0, ms, v;
    int n = 0;

    for (int i = 0; i < c->nseconds; i++) {
        v = mean->get(&c->seconds[i]);
        ms = (double)collect_length(c, i);
        if (c->seconds[i].phase != PHASE_MEASURE || v < 0 || ms < SHORT_ROW_MS)
            continue;
        v = mean->unit == UNIT_RATE ? v * 1000 / ms : v;
        out[n++] = v;
        sum += v;
    }
    *average = n > 0 ? sum / n : 0;
    return n;
}

static void compare_mean(struct task *t, const struct mean *mean)
{
    double *a = mem_array((size_t)t->a->nseconds + 1, sizeof(*a));
    double *b = mem_array((size_t)t->b->nseconds + 1, sizeof(*b));
    struct compare_row row = {.unit = mean->unit};
    struct interval between;
    int na = series_of(a, t->a, mean, &row.a);
    int nb = series_of(b, t->b, mean, &row.b);

    if (row.a > 0 && row.b > 0) {
        bootstrap_means(&between, a, na, b, nb, &t->rng);
        row.low = between.low;
        row.high = between.high;
        add_row(t, row, mean->name, mean->wish);
    }
    free(a);
    free(b);
}

/* A fault is no matter of chance or tolerance. */
static void compare_faults(struct task *t)
{
    for (const enum count *v = result_violations; *v != COUNTS; v++) {
        struct compare_row row = {.unit = UNIT_COUNT,
                                  .a = (double)t->a->all[*v],
                                  .b = (double)t->b->all[*v]};

        if (row.a == 0 && row.b == 0)
            continue;
        add_row(t, row, count_name(*v), ONLY_TOLD);
        t->out->rows[t->out->n - 1].verdict = row.b > row.a   ? COMPARE_WORSE
                                              : row.b < row.a ? COMPARE_BETTER
                                                              : COMPARE_SAME;
        t->out->worse += row.b > row.a;
        t->out->better += row.b < row.a;
    }
}

/* A capacity was bisected to 5 %, which is its uncertainty. */
static void compare_capacity(struct task *t, const struct run *a,
                             const struct run *b)
{
    struct compare_row row = {
        .unit = UNIT_RATE, .a = a->capacity.best, .b = b->capacity.best};

    if (a->capacity.npoints == 0 || b->capacity.npoints == 0 || row.a <= 0)
        return;
    row.low = row.b / row.a / 1.05;
    row.high = row.b / row.a * 1.05;
    add_row(t, row, "capacity", MORE_IS_BETTER);
}

static bool useless(const struct run *r)
{
    return r->exit == LOAD_INVALID || r->exit == LOAD_UNREACHABLE;
}

void compare_runs(struct comparison *out, const struct run *a,
                  const struct run *b, double tolerance, uint64_t seed)
{
    struct task t = {out, &a->collect, &b->collect, tolerance, {0}};
    const json_t *one = json_object_get(a->doc, "scenario"),
                 *two = json_object_get(b->doc, "scenario");

    *out = (struct comparison){0};
    rng_init_seeded(&t.rng, seed);
    out->invalid = useless(a) || useless(b);
    out->differs = strcmp(a->env.cpu, b->env.cpu) != 0 ||
                   a->env.cores != b->env.cores ||
                   (one != NULL && two != NULL && !json_equal(one, two));
    for (int i = 0; i < METRICS; i++)
        if (t.a->hists[i].count > 0 && t.b->hists[i].count > 0)
            compare_metric(&t, (enum metric)i);
    for (size_t i = 0; i < COUNT_OF(means); i++)
        compare_mean(&t, &means[i]);
    compare_capacity(&t, a, b);
    compare_faults(&t);
}

const char *compare_verdict_name(enum compare_verdict v)
{
    static const char *const names[] = {"same", "better", "worse", "unclear",
                                        "-"};

    return (unsigned)v < COUNT_OF(names) ? names[v] : "-";
}
