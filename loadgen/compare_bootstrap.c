#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "compare.h"

#define RESAMPLES 1000
#define SECONDS 600 /* at most so many of a run, evenly taken */
#define LEAST 5     /* seconds below which nothing is sure */
#define GRID 256    /* values at which a distribution is known */

static const double quantiles[COMPARE_QUANTILES] = {0.5, 0.9, 0.99, 0.999};

/* For each second the samples at or below each value of the grid. */
struct table {
    double (*below)[GRID]; /* owned */
    int n;
};

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The middle 95 % of the resampled ratios. */
static struct interval middle(double *ratios, int n)
{
    qsort(ratios, (size_t)n, sizeof(*ratios), ascending);
    return (struct interval){ratios[n / 40], ratios[n - 1 - n / 40]};
}

/* Draw n of n indices, in blocks that follow each other round a circle. */
static void draw(int *picked, int n, struct rng *rng)
{
    int block = (int)cbrt(n), at = 0, from;

    block = block > 0 ? block : 1;
    while (at < n) {
        from = (int)rng_below(rng, (uint64_t)n);
        for (int i = 0; i < block && at < n; i++)
            picked[at++] = (from + i) % n;
    }
}

/* --- one second as a distribution --- */

/* Samples at or below v: straight lines over log v between the quantiles that
 * are known; half of the lower half is taken to lie within a tenth. */
static double samples_below(const struct quantiles *q, double v)
{
    const double value[] = {(double)q->p50 / 2, (double)q->p50,
                            (double)q->p90,     (double)q->p99,
                            (double)q->p999,    (double)q->max};
    static const double share[] = {0, 0.5, 0.9, 0.99, 0.999, 1};
    double low, high;
    int i = 0;

    while (i < 6 && v >= value[i])
        i++;
    if (i == 0)
        return 0;
    if (i == 6)
        return (double)q->count;
    low = log(value[i - 1] > 1 ? value[i - 1] : 1);
    high = log(value[i] > 1 ? value[i] : 1);
    low = high > low ? (log(v) - low) / (high - low) : 1;
    return (double)q->count *
           (share[i - 1] + (share[i] - share[i - 1]) * fmax(0, low));
}

static bool counts(const struct second *s, enum metric m, bool measured)
{
    return s->q[m].count > 0 && (!measured || s->phase == PHASE_MEASURE);
}

/* The measured seconds with samples; all, when none was measured. */
static int pick_seconds(const struct quantiles **out, const struct collect *c,
                        enum metric m)
{
    bool measured = false;
    int all = 0, n = 0, seen = 0;

    for (int i = 0; i < c->nseconds; i++)
        measured = measured || counts(&c->seconds[i], m, true);
    for (int i = 0; i < c->nseconds; i++)
        all += counts(&c->seconds[i], m, measured);
    for (int i = 0; i < c->nseconds; i++) {
        if (!counts(&c->seconds[i], m, measured))
            continue;
        if (all <= SECONDS || (int64_t)seen * SECONDS / all >= n)
            out[n++] = &c->seconds[i].q[m];
        seen++;
        if (n == SECONDS)
            break;
    }
    return n;
}

struct range {
    double low, high;
};

static void widen(struct range *r, const struct quantiles *const *q, int n)
{
    for (int i = 0; i < n; i++) {
        r->low = fmin(r->low, (double)q[i]->p50 / 2);
        r->high = fmax(r->high, (double)q[i]->max);
    }
    r->low = fmax(r->low, 1);
    r->high = fmax(r->high, 2 * r->low);
}

static double grid_value(const struct range *r, double i)
{
    return r->low * pow(r->high / r->low, i / (GRID - 1));
}

static void fill(struct table *t, const struct quantiles *const *q, int n,
                 const struct range *r)
{
    t->n = n;
    t->below = mem_array((size_t)n, sizeof(*t->below));
    for (int i = 0; i < n; i++)
        for (int g = 0; g < GRID; g++)
            t->below[i][g] = samples_below(q[i], grid_value(r, g));
}

/* The quantiles of the mixture of the picked seconds. */
static void mixture(double out[COMPARE_QUANTILES], const struct table *t,
                    const int *picked, const struct range *r)
{
    double sum[GRID] = {0}, rank;
    int g = 0;

    for (int i = 0; i < t->n; i++)
        for (int k = 0; k < GRID; k++)
            sum[k] += t->below[picked[i]][k];
    for (int k = 0; k < COMPARE_QUANTILES; k++) {
        rank = quantiles[k] * sum[GRID - 1];
        while (g < GRID - 1 && sum[g] < rank)
            g++;
        out[k] = grid_value(
            r, g == 0 || sum[g] <= sum[g - 1]
                   ? g
                   : g - 1 + (rank - sum[g - 1]) / (sum[g] - sum[g - 1]));
    }
}

static void resample(struct interval *out, const double *exact,
                     const struct table *a, const struct table *b,
                     const struct range *r, struct rng *rng)
{
    static double ratios[COMPARE_QUANTILES][RESAMPLES];
    double qa[COMPARE_QUANTILES], qb[COMPARE_QUANTILES];
    int picked[SECONDS];

    for (int i = 0; i < RESAMPLES; i++) {
        draw(picked, a->n, rng);
        mixture(qa, a, picked, r);
        draw(picked, b->n, rng);
        mixture(qb, b, picked, r);
        for (int k = 0; k < COMPARE_QUANTILES; k++)
            ratios[k][i] = qb[k] / qa[k];
    }
    /* What lies between the known quantiles is guessed, in both alike; the
     * ratio of what was really seen is never left out. */
    for (int k = 0; k < COMPARE_QUANTILES; k++) {
        out[k] = middle(ratios[k], RESAMPLES);
        out[k].low = fmin(out[k].low, exact[k]);
        out[k].high = fmax(out[k].high, exact[k]);
    }
}

void bootstrap_quantiles(struct interval out[COMPARE_QUANTILES],
                         const double exact[COMPARE_QUANTILES],
                         const struct collect *a, const struct collect *b,
                         enum metric m, struct rng *rng)
{
    const struct quantiles *qa[SECONDS], *qb[SECONDS];
    int na = pick_seconds(qa, a, m), nb = pick_seconds(qb, b, m);
    struct range r = {INFINITY, 0};
    struct table ta, tb;

    memset(out, 0, COMPARE_QUANTILES * sizeof(*out));
    if (na < LEAST || nb < LEAST)
        return;
    widen(&r, qa, na);
    widen(&r, qb, nb);
    fill(&ta, qa, na, &r);
    fill(&tb, qb, nb, &r);
    resample(out, exact, &ta, &tb, &r, rng);
    free(ta.below);
    free(tb.below);
}

/* --- means --- */

static double mean_of(const double *v, const int *picked, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += v[picked[i]];
    return sum / n;
}

void bootstrap_means(struct interval *out, const double *a, int na,
                     const double *b, int nb, struct rng *rng)
{
    static double ratios[RESAMPLES];
    int *picked, n = 0;
    double one, two;

    *out = (struct interval){0, 0};
    if (na < LEAST || nb < LEAST)
        return;
    picked = mem_array((size_t)(na > nb ? na : nb), sizeof(*picked));
    for (int i = 0; i < RESAMPLES; i++) {
        draw(picked, na, rng);
        one = mean_of(a, picked, na);
        draw(picked, nb, rng);
        two = mean_of(b, picked, nb);
        if (one > 0)
            ratios[n++] = two / one;
    }
    if (n > RESAMPLES / 2)
        *out = middle(ratios, n);
    free(picked);
}
