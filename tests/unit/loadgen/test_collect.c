#include "collect.h"

#include <string.h>

#include "unit/base/suite.h"

START_TEST(names_read_back)
{
    for (int i = 0; i < METRICS; i++)
        ck_assert_int_eq(metric_by_name(metric_name((enum metric)i)), i);
    for (int i = 0; i < COUNTS; i++)
        ck_assert_int_eq(count_by_name(count_name((enum count)i)), i);
    for (int i = 0; i < PHASES; i++)
        ck_assert_ptr_nonnull(phase_name((enum phase)i));
    ck_assert_int_eq(metric_by_name("e2e.p99"), -1);
    ck_assert_int_eq(count_by_name(""), -1);
    ck_assert_str_eq(metric_name(METRIC_LAST), "fanout.last");
}
END_TEST

START_TEST(keeps_every_second)
{
    struct collect c;
    struct second row = {0};

    collect_init(&c);
    for (int i = 0; i < 1000; i++) {
        row.at_ms = i * 1000;
        row.counts[COUNT_SENT] = (uint64_t)i;
        collect_second(&c, &row);
    }
    ck_assert_int_eq(c.nseconds, 1000);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(c.seconds[i].at_ms, i * 1000);
        ck_assert_uint_eq(c.seconds[i].counts[COUNT_SENT], (uint64_t)i);
    }
    collect_release(&c);
}
END_TEST

START_TEST(quantiles_of_a_line)
{
    struct collect c;
    struct quantiles q;

    collect_init(&c);
    for (uint64_t ms = 1; ms <= 1000; ms++)
        hist_add(&c.hists[METRIC_E2E], ms * 1000000);
    quantiles_of(&q, &c.hists[METRIC_E2E]);
    ck_assert_uint_eq(q.count, 1000);
    ck_assert_uint_eq(q.p50 / 1000000, 500);
    ck_assert_uint_eq(q.p90 / 1000000, 900);
    ck_assert_uint_eq(q.p99 / 1000000, 990);
    ck_assert_uint_eq(q.p999 / 1000000, 999);
    ck_assert_uint_eq(q.max, 1000000000);
    collect_release(&c);
}
END_TEST

SUITE("collect", names_read_back, keeps_every_second, quantiles_of_a_line)
