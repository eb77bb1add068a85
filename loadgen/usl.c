#include "usl.h"

#include <math.h>
#include <string.h>

/* N / X is linear in three terms: 1, N - 1 and N (N - 1), with coefficients
 * 1 / lambda, sigma / lambda and kappa / lambda. Each can be held at 0 by
 * leaving its column out. A row weighs X / N, so that it is the relative error
 * that is least, and a column is scaled to 1, since N may be a million. */

#define TERMS 3

struct normal {
    double a[TERMS][TERMS], b[TERMS]; /* a v = b */
    int column[TERMS], n;             /* terms in use */
    double scale[TERMS];
};

static double basis(int term, double n)
{
    return term == 0 ? 1 : term == 1 ? n - 1 : n * (n - 1);
}

static bool usable(double n, double x)
{
    return n > 0 && x > 0 && isfinite(n) && isfinite(x);
}

static void swap_rows(struct normal *e, int one, int two)
{
    double keep;

    for (int k = 0; k < e->n; k++) {
        keep = e->a[one][k];
        e->a[one][k] = e->a[two][k];
        e->a[two][k] = keep;
    }
    keep = e->b[one];
    e->b[one] = e->b[two];
    e->b[two] = keep;
}

/* Clear column i below row i. False when no row has it. */
static bool eliminate(struct normal *e, int i)
{
    int pivot = i;
    double f;

    for (int k = i + 1; k < e->n; k++)
        if (fabs(e->a[k][i]) > fabs(e->a[pivot][i]))
            pivot = k;
    if (fabs(e->a[pivot][i]) < 1e-12)
        return false;
    swap_rows(e, i, pivot);
    for (int row = i + 1; row < e->n; row++) {
        f = e->a[row][i] / e->a[i][i];
        for (int k = i; k < e->n; k++)
            e->a[row][k] -= f * e->a[i][k];
        e->b[row] -= f * e->b[i];
    }
    return true;
}

static bool solve(struct normal *e, double *coef)
{
    double v[TERMS];

    for (int i = 0; i < e->n; i++)
        if (!eliminate(e, i))
            return false;
    memset(coef, 0, TERMS * sizeof(*coef));
    for (int i = e->n - 1; i >= 0; i--) {
        v[i] = e->b[i];
        for (int k = i + 1; k < e->n; k++)
            v[i] -= e->a[i][k] * v[k];
        v[i] /= e->a[i][i];
        coef[e->column[i]] = v[i] / e->scale[e->column[i]];
    }
    return true;
}

static void add_point(struct normal *e, double n, double x)
{
    double w = x / n, row[TERMS];

    for (int i = 0; i < e->n; i++)
        row[i] = w * basis(e->column[i], n) / e->scale[e->column[i]];
    for (int i = 0; i < e->n; i++) {
        for (int k = 0; k < e->n; k++)
            e->a[i][k] += row[i] * row[k];
        e->b[i] += row[i];
    }
}

/* Least squares over the terms in use; the coefficients of others are 0. */
static bool fit_terms(double *coef, const bool *use, const double *n,
                      const double *x, int points)
{
    struct normal e = {.scale = {0}};

    for (int t = 0; t < TERMS; t++)
        if (use[t])
            e.column[e.n++] = t;
    for (int i = 0; i < points; i++)
        for (int t = 0; usable(n[i], x[i]) && t < TERMS; t++)
            e.scale[t] = fmax(e.scale[t], fabs(basis(t, n[i]) * x[i] / n[i]));
    for (int i = 0; i < e.n; i++)
        if (e.scale[e.column[i]] == 0)
            return false;
    for (int i = 0; i < points; i++)
        if (usable(n[i], x[i]))
            add_point(&e, n[i], x[i]);
    return solve(&e, coef);
}

static bool three_sizes(const double *n, const double *x, int points)
{
    double seen[2] = {0};
    int different = 0;

    for (int i = 0; i < points; i++) {
        if (!usable(n[i], x[i]) || (different > 0 && n[i] == seen[0]) ||
            (different > 1 && n[i] == seen[1]))
            continue;
        if (++different == 3)
            return true;
        seen[different - 1] = n[i];
    }
    return false;
}

double usl_at(const struct usl *u, double n)
{
    return u->lambda * n / (1 + u->sigma * (n - 1) + u->kappa * n * (n - 1));
}

/* The share of the variance of X that the curve explains. */
static double explained(const struct usl *u, const double *n, const double *x,
                        int points)
{
    double mean = 0, all = 0, left = 0;
    int used = 0;

    for (int i = 0; i < points; i++) {
        mean += usable(n[i], x[i]) ? x[i] : 0;
        used += usable(n[i], x[i]);
    }
    mean /= used;
    for (int i = 0; i < points; i++) {
        if (!usable(n[i], x[i]))
            continue;
        all += (x[i] - mean) * (x[i] - mean);
        left += pow(x[i] - usl_at(u, n[i]), 2);
    }
    return all > 0 ? 1 - left / all : left == 0;
}

bool usl_fit(struct usl *u, const double *n, const double *x, int points)
{
    bool use[TERMS] = {true, true, true};
    double coef[TERMS];

    *u = (struct usl){0};
    if (!three_sizes(n, x, points) || !fit_terms(coef, use, n, x, points))
        return false;
    /* The worse of the two goes first; without it the other may be well. */
    while (coef[1] < 0 || coef[2] < 0) {
        use[coef[2] < 0 ? 2 : 1] = false;
        if (!fit_terms(coef, use, n, x, points))
            return false;
    }
    if (!(coef[0] > 0))
        return false;
    u->lambda = 1 / coef[0];
    u->sigma = coef[1] * u->lambda;
    u->kappa = coef[2] * u->lambda;
    if (u->kappa > 0 && u->sigma < 1) {
        u->peak_n = sqrt((1 - u->sigma) / u->kappa);
        u->peak_x = usl_at(u, u->peak_n);
    }
    u->r2 = explained(u, n, x, points);
    return isfinite(u->lambda) && isfinite(u->peak_n);
}
