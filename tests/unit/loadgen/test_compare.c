#include "compare.h"

#include <math.h>
#include <string.h>

#include "unit/base/suite.h"
#include "unit/loadgen/sample.h"

static struct run one, two;
static struct comparison result;

static void make(struct run *r, int seconds, uint64_t base_ns, uint64_t seed)
{
    *r = (struct run){.version = "", .url = ""};
    r->doc = json_pack("{s:{s:s}}", "scenario", "name", "n");
    sample_collect(&r->collect, seconds, base_ns, seed);
}

static const struct compare_row *row(const char *name)
{
    for (int i = 0; i < result.n; i++)
        if (strcmp(result.rows[i].name, name) == 0)
            return &result.rows[i];
    ck_abort_msg("no row %s", name);
    return NULL;
}

static void done(void)
{
    run_release(&one);
    run_release(&two);
}

START_TEST(the_same_twice_is_the_same)
{
    make(&one, 40, 1000000, 1);
    make(&two, 40, 1000000, 2);
    compare_runs(&result, &one, &two, 0.05, 1);
    ck_assert_int_eq(result.worse, 0);
    ck_assert_int_eq(result.better, 0);
    ck_assert(!result.differs);
    ck_assert_int_eq(row("e2e.p50")->verdict, COMPARE_SAME);
    ck_assert_int_eq(row("e2e.p99.9")->verdict, COMPARE_SAME);
    ck_assert_int_eq(row("rate.achieved")->verdict, COMPARE_SAME);
    ck_assert(row("e2e.p50")->low < 1.01 && row("e2e.p50")->high > 0.99);
    done();
}
END_TEST

START_TEST(a_fifth_slower_is_worse)
{
    make(&one, 40, 1000000, 1);
    make(&two, 40, 1200000, 2);
    compare_runs(&result, &one, &two, 0.05, 1);
    ck_assert_int_eq(row("e2e.p50")->verdict, COMPARE_WORSE);
    ck_assert(fabs(row("e2e.p50")->ratio - 1.2) < 0.02);
    ck_assert(row("e2e.p50")->low < 1.2 && row("e2e.p50")->high > 1.2);
    ck_assert(row("e2e.p50")->low > 1.15 && row("e2e.p50")->high < 1.25);
    ck_assert_int_gt(result.worse, 1);
    compare_runs(&result, &two, &one, 0.05, 1);
    ck_assert_int_eq(row("e2e.p50")->verdict, COMPARE_BETTER);
    ck_assert_int_eq(result.worse, 0);
    compare_runs(&result, &one, &two, 0.3, 1);
    ck_assert_int_eq(row("e2e.p50")->verdict, COMPARE_SAME);
    done();
}
END_TEST

START_TEST(few_seconds_prove_nothing)
{
    make(&one, 6, 1000000, 1);
    make(&two, 6, 2000000, 2);
    compare_runs(&result, &one, &two, 0.05, 1);
    ck_assert_int_eq(row("e2e.p50")->verdict, COMPARE_UNCLEAR);
    ck_assert(row("e2e.p50")->high == 0);
    done();
}
END_TEST

/* One bad second in thirty moves p99 of the whole, and is named chance. */
START_TEST(one_bad_second_is_unclear)
{
    make(&one, 32, 1000000, 1);
    make(&two, 32, 1000000, 2);
    hist_add_n(&two.collect.hists[METRIC_E2E], 500000000, 1000);
    two.collect.seconds[20].q[METRIC_E2E] = (struct quantiles){
        1000, 500000000, 500000000, 500000000, 500000000, 500000000};
    compare_runs(&result, &one, &two, 0.05, 1);
    ck_assert(row("e2e.p99")->ratio > 10);
    ck_assert_int_eq(row("e2e.p99")->verdict, COMPARE_UNCLEAR);
    ck_assert_int_eq(row("e2e.p50")->verdict, COMPARE_SAME);
    done();
}
END_TEST

START_TEST(less_throughput_is_worse)
{
    make(&one, 32, 1000000, 1);
    make(&two, 32, 1000000, 2);
    for (int i = 0; i < 32; i++) {
        two.collect.seconds[i].counts[COUNT_ACKED] = 900;
        two.collect.seconds[i].gen_cpu = 99;
    }
    compare_runs(&result, &one, &two, 0.05, 1);
    ck_assert_int_eq(row("rate.achieved")->verdict, COMPARE_WORSE);
    ck_assert_int_eq(row("gen.cpu")->verdict, COMPARE_TOLD);
    ck_assert_int_eq(result.worse, 1);
    done();
}
END_TEST

START_TEST(a_fault_is_worse_whatever_the_tolerance)
{
    make(&one, 32, 1000000, 1);
    make(&two, 32, 1000000, 2);
    two.collect.all[COUNT_LOST] = 1;
    compare_runs(&result, &one, &two, 10, 1);
    ck_assert_int_eq(row("lost")->verdict, COMPARE_WORSE);
    ck_assert_int_eq(result.worse, 1);
    done();
}
END_TEST

START_TEST(one_seed_one_answer)
{
    static struct comparison again;

    make(&one, 40, 1000000, 1);
    make(&two, 40, 1050000, 2);
    compare_runs(&again, &one, &two, 0.05, 7);
    compare_runs(&result, &one, &two, 0.05, 7);
    ck_assert_mem_eq(&again, &result, sizeof(result));
    compare_runs(&result, &one, &two, 0.05, 8);
    ck_assert_mem_ne(&again, &result, sizeof(result));
    done();
}
END_TEST

START_TEST(says_what_spoils_it)
{
    make(&one, 32, 1000000, 1);
    make(&two, 32, 1000000, 2);
    two.exit = LOAD_INVALID;
    two.env.cores = 64;
    compare_runs(&result, &one, &two, 0.05, 1);
    ck_assert(result.invalid);
    ck_assert(result.differs);
    done();
}
END_TEST

/* Quantiles that no run can have: numbers all the same. */
START_TEST(absurd_seconds)
{
    struct buf out;
    json_t *j;

    make(&one, 32, 1000000, 1);
    make(&two, 1000, 1000000, 2);
    for (int i = 0; i < 32; i++)
        one.collect.seconds[i].q[METRIC_E2E] =
            (struct quantiles){(uint64_t)RESULT_NUMBER,
                               900,
                               5,
                               0,
                               7,
                               i % 2 ? 0 : (uint64_t)RESULT_NUMBER};
    compare_runs(&result, &one, &two, 0.05, 1);
    buf_init(&out, 1 << 16);
    compare_write(&out, &result);
    ck_assert_ptr_null(strstr(buf_cstr(&out), "nan"));
    for (const char *p = out.data; *p != '\0'; p += strcspn(p, "\n") + 1)
        ck_assert_uint_le(strcspn(p, "\n"), 80);
    j = compare_json(&result);
    ck_assert_ptr_nonnull(j);
    json_decref(j);
    buf_release(&out);
    done();
}
END_TEST

SUITE("compare", the_same_twice_is_the_same, a_fifth_slower_is_worse,
      few_seconds_prove_nothing, one_bad_second_is_unclear,
      less_throughput_is_worse, a_fault_is_worse_whatever_the_tolerance,
      one_seed_one_answer, says_what_spoils_it, absurd_seconds)
