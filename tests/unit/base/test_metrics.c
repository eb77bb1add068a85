#include "base/metrics.h"

#include <string.h>

#include "base/error.h"
#include "base/rng.h"
#include "unit/base/suite.h"

static const struct metric_def defs[] = {
    {"confab_sends_total", "Messages accepted.", METRIC_COUNTER},
    {"confab_conns", "Connections now.", METRIC_GAUGE},
};

START_TEST(prometheus_text)
{
    struct metrics a, b;
    struct metrics *const sets[] = {&a, &b};
    struct buf out;

    metrics_init(&a, defs, 2);
    metrics_init(&b, defs, 2);
    metrics_add(&a, 0, 3);
    metrics_add(&a, 0, 4);
    metrics_set(&b, 1, -2);
    ck_assert_int_eq(metrics_get(&a, 0), 7);
    buf_init(&out, 4096);
    ck_assert_int_eq(metrics_write(&out, sets, 2), 0);
    ck_assert_str_eq(buf_cstr(&out),
                     "# HELP confab_sends_total Messages accepted.\n"
                     "# TYPE confab_sends_total counter\n"
                     "confab_sends_total{node=\"0\"} 7\n"
                     "confab_sends_total{node=\"1\"} 0\n"
                     "# HELP confab_conns Connections now.\n"
                     "# TYPE confab_conns gauge\n"
                     "confab_conns{node=\"0\"} 0\n"
                     "confab_conns{node=\"1\"} -2\n");
    buf_release(&out);
    buf_init(&out, 100);
    ck_assert_int_eq(metrics_write(&out, sets, 2), -CF_TOO_BIG);
    ck_assert_int_eq(metrics_write(&out, sets, 0), 0);
    buf_release(&out);
    metrics_release(&a);
    metrics_release(&b);
}
END_TEST

START_TEST(quantiles_are_close)
{
    static struct timing h;
    uint64_t got;

    ck_assert_uint_eq(timing_quantile(&h, 0.5), 0);
    for (uint64_t v = 1; v <= 60000000; v += v / 50 + 1) {
        struct timing *one = calloc(1, sizeof(*one));

        timing_record(one, v);
        got = timing_quantile(one, 0.5);
        ck_assert(got >= v && got <= v + v / 15);
        free(one);
    }
    for (uint64_t v = 1; v <= 10000; v++)
        timing_record(&h, v);
    got = timing_quantile(&h, 0.5);
    ck_assert(got >= 5000 && got <= 5340);
    got = timing_quantile(&h, 0.99);
    ck_assert(got >= 9900 && got <= 10570);
    ck_assert(timing_quantile(&h, 1) >= 10000);
    ck_assert_uint_eq(timing_quantile(&h, 0), 1);
}
END_TEST

START_TEST(any_value_has_a_bucket)
{
    static struct timing h;
    struct rng r;

    rng_init_seeded(&r, 1);
    for (int i = 0; i < 10000; i++)
        timing_record(&h, rng_u64(&r) >> rng_below(&r, 64));
    timing_record(&h, UINT64_MAX);
    timing_record(&h, 0);
    ck_assert_uint_eq(h.total, 10002);
}
END_TEST

START_TEST(merged_and_written)
{
    static struct timing a, b;
    struct buf out;

    timing_record(&a, 50);
    timing_record(&b, 900);
    timing_record(&b, 70000000);
    timing_merge(&a, &b);
    ck_assert_uint_eq(a.total, 3);
    ck_assert_uint_eq(a.sum_us, 70000950);
    buf_init(&out, 8192);
    ck_assert_int_eq(
        timing_write(&out, "confab_commit_seconds", "A commit.", &a), 0);
    buf_cstr(&out);
    ck_assert_ptr_eq(strstr(out.data, "# HELP confab_commit_seconds A commit.\n"
                                      "# TYPE confab_commit_seconds "
                                      "histogram\n"),
                     out.data);
    ck_assert_ptr_nonnull(
        strstr(out.data, "confab_commit_seconds_bucket{le=\"0.0001\"} 1\n"));
    ck_assert_ptr_nonnull(
        strstr(out.data, "confab_commit_seconds_bucket{le=\"0.001\"} 2\n"));
    ck_assert_ptr_nonnull(
        strstr(out.data, "confab_commit_seconds_bucket{le=\"5\"} 2\n"));
    ck_assert_ptr_nonnull(
        strstr(out.data, "confab_commit_seconds_bucket{le=\"+Inf\"} 3\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "confab_commit_seconds_sum "
                                           "70.000950\n"
                                           "confab_commit_seconds_count 3\n"));
    buf_release(&out);
}
END_TEST

SUITE("metrics", prometheus_text, quantiles_are_close, any_value_has_a_bucket,
      merged_and_written)
