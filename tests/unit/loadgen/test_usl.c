#include "usl.h"

#include <math.h>

#include "base/rng.h"
#include "unit/base/suite.h"

#define POINTS 12

/* X of the law at 1, 2, 4 .. times `step`, with so much noise. */
static void series(double *n, double *x, const struct usl *u, double step,
                   double noise)
{
    struct rng r;

    rng_init_seeded(&r, 31);
    for (int i = 0; i < POINTS; i++) {
        n[i] = step * exp2(i);
        x[i] = usl_at(u, n[i]) * (1 + noise * (2 * rng_unit(&r) - 1));
    }
}

static void ck_close(double got, double want, double share)
{
    ck_assert_msg(fabs(got - want) <= share * fabs(want) + 1e-12,
                  "%g, expected %g", got, want);
}

START_TEST(exact_points_give_the_law_back)
{
    static const struct usl laws[] = {{1000, 0.02, 0.0005, 0, 0, 0},
                                      {2.5, 0.3, 0.01, 0, 0, 0},
                                      {1e6, 0.001, 0.000001, 0, 0, 0}};
    double n[POINTS], x[POINTS];
    struct usl u;

    for (int i = 0; i < 3; i++) {
        series(n, x, &laws[i], 1, 0);
        ck_assert(usl_fit(&u, n, x, POINTS));
        ck_close(u.lambda, laws[i].lambda, 1e-6);
        ck_close(u.sigma, laws[i].sigma, 1e-6);
        ck_close(u.kappa, laws[i].kappa, 1e-6);
        ck_close(u.peak_n, sqrt((1 - u.sigma) / u.kappa), 1e-6);
        ck_close(u.r2, 1, 1e-9);
    }
}
END_TEST

START_TEST(noise_moves_it_little)
{
    const struct usl law = {1000, 0.02, 0.0005, 0, 0, 0};
    double n[POINTS], x[POINTS];
    struct usl u;

    series(n, x, &law, 1, 0.02);
    ck_assert(usl_fit(&u, n, x, POINTS));
    ck_close(u.lambda, law.lambda, 0.05);
    ck_close(u.peak_n, sqrt((1 - law.sigma) / law.kappa), 0.1);
    ck_assert(u.r2 > 0.98);
}
END_TEST

START_TEST(a_straight_line_has_no_peak)
{
    double n[] = {1, 2, 3, 4, 8}, x[] = {10, 20, 30, 40, 80};
    struct usl u;

    ck_assert(usl_fit(&u, n, x, 5));
    ck_close(u.lambda, 10, 1e-9);
    ck_assert(u.sigma < 1e-9);
    ck_assert(u.peak_n == 0 || u.peak_n > 1000);
}
END_TEST

/* Better than linear: no negative cost is told. */
START_TEST(costs_are_never_negative)
{
    double n[] = {1, 2, 3, 4, 8}, x[] = {10, 21, 33, 46, 100};
    struct usl u;

    ck_assert(usl_fit(&u, n, x, 5));
    ck_assert(u.sigma >= 0);
    ck_assert(u.kappa >= 0);
}
END_TEST

/* Rates offered, tens of thousands, flat above the knee. */
START_TEST(large_sizes)
{
    double n[] = {1000, 2000, 4000, 8000, 16000, 32000, 64000};
    double x[] = {1000, 2000, 3990, 7900, 15000, 21000, 22000};
    struct usl u;

    ck_assert(usl_fit(&u, n, x, 7));
    ck_assert(u.r2 > 0.95);
    ck_close(usl_at(&u, 1000), 1000, 0.1);
}
END_TEST

START_TEST(too_little_is_refused)
{
    double n[] = {1, 2, 1, 2, 0, -3}, x[] = {10, 19, 10, 19, 5, 5};
    double bad[] = {NAN, INFINITY, 1e300};
    struct usl u;

    ck_assert(!usl_fit(&u, n, x, 0));
    ck_assert(!usl_fit(&u, n, x, 6));
    ck_assert(!usl_fit(&u, bad, bad, 3));
}
END_TEST

SUITE("usl", exact_points_give_the_law_back, noise_moves_it_little,
      a_straight_line_has_no_peak, costs_are_never_negative, large_sizes,
      too_little_is_refused)
