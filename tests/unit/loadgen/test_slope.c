#include "slope.h"

#include <math.h>

#include "../base/suite.h"
#include "base/error.h"
#include "base/rng.h"
#include "result.h"

/* An hour whose memory begins at 1e9, grows by `share` in 10 minutes and is
 * blurred by `noise` of itself. */
static void hour(struct collect *c, double share, double noise, int rows)
{
    struct rng rng;

    rng_init_seeded(&rng, 3);
    collect_init(c);
    for (int i = 0; i < rows; i++) {
        struct second s = {.at_ms = 1000 * (int64_t)(i + 1),
                           .phase = PHASE_MEASURE,
                           .srv_fds = 100,
                           .kernel_tcp = -1};
        double grown = 1 + share * i / 600;

        s.srv_rss =
            (int64_t)(1e9 * grown * (1 + noise * (2 * rng_unit(&rng) - 1)));
        collect_second(c, &s);
    }
}

START_TEST(grows)
{
    struct collect c;
    double growth;

    hour(&c, 0.02, 0.01, 3600);
    ck_assert_int_eq(slope_growth(&c, SLOPE_RSS, &growth), 0);
    ck_assert_msg(growth > 0.015 && growth < 0.022, "%g", growth);
    ck_assert_int_eq(result_value(&c, "slope.rss", &growth), 0);
    ck_assert(growth > 0.015);
    collect_release(&c);
}
END_TEST

START_TEST(level)
{
    struct collect c;
    double growth = 1;

    hour(&c, 0, 0.05, 3600);
    ck_assert_int_eq(slope_growth(&c, SLOPE_RSS, &growth), 0);
    ck_assert_msg(fabs(growth) < 0.005, "%g", growth);
    ck_assert_int_eq(slope_growth(&c, SLOPE_FDS, &growth), 0);
    ck_assert(growth == 0);
    collect_release(&c);
}
END_TEST

/* A cache that fills in the first third, and then stays. */
START_TEST(fills)
{
    struct collect c;
    double growth = 1;

    hour(&c, 0, 0.01, 3600);
    for (int i = 0; i < 1200; i++)
        c.seconds[i].srv_rss = (int64_t)(1e9 * (0.4 + 0.6 * i / 1200));
    ck_assert_int_eq(slope_growth(&c, SLOPE_RSS, &growth), 0);
    ck_assert_msg(fabs(growth) < 0.005, "%g", growth);
    collect_release(&c);
}
END_TEST

START_TEST(unknown)
{
    struct collect c;
    double growth;

    hour(&c, 0.02, 0, 38);
    ck_assert_int_eq(slope_growth(&c, SLOPE_RSS, &growth), -CF_LIMIT);
    collect_release(&c);
    hour(&c, 0.02, 0, 100);
    ck_assert_int_eq(slope_growth(&c, SLOPE_TCP, &growth), -CF_LIMIT);
    ck_assert_int_eq(slope_growth(&c, SLOPE_E2E, &growth), -CF_LIMIT);
    collect_release(&c);
}
END_TEST

/* Whatever a threshold may name can be measured, and the other way round. */
START_TEST(names)
{
    struct threshold t;
    struct error err = {0};
    char text[80];

    for (int i = 0; threshold_extras[i] != NULL; i++) {
        ck_assert_msg(result_value(NULL, threshold_extras[i], NULL) == 0, "%s",
                      threshold_extras[i]);
        snprintf(text, sizeof(text), "%s < 1", threshold_extras[i]);
        ck_assert_int_eq(threshold_parse(&t, text, &err), 0);
    }
    for (int w = 0; w < SLOPES; w++) {
        snprintf(text, sizeof(text), "%s < 1%%",
                 slope_name((enum slope_of_what)w));
        ck_assert_msg(threshold_parse(&t, text, &err) == 0, "%s", err.text);
        ck_assert(t.value == 0.01);
    }
}
END_TEST

SUITE("slope", grows, level, fills, unknown, names)
