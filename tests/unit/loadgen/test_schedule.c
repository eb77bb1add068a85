#include "schedule.h"

#include <math.h>

#include "unit/base/suite.h"

#define START UINT64_C(5000000000)
#define SECOND UINT64_C(1000000000)

static struct rng rng;

static struct schedule make(enum arrivals arrivals, double rate,
                            double rate_end, int64_t burst)
{
    struct traffic t = {.arrivals = arrivals, .burst = burst};
    struct schedule s;

    rng_init_seeded(&rng, 11);
    schedule_init(&s, &t, rate, rate_end, START, START + 10 * SECOND, &rng);
    return s;
}

/* Slots in [from, to) seconds after the start. */
static int count(struct schedule *s, double from, double to)
{
    int n = 0;

    for (;; schedule_step(s)) {
        double at = (double)(schedule_due(s) - START) / 1e9;

        if (at >= to)
            return n;
        n += at >= from;
    }
}

START_TEST(constant)
{
    struct schedule s = make(ARRIVE_CONSTANT, 1000, 0, 0);
    uint64_t last = 0;

    ck_assert_int_le(abs(count(&s, 0, 10) - 10000), 1);
    last = schedule_due(&s);
    schedule_step(&s);
    ck_assert_int_le(llabs((long long)(schedule_due(&s) - last) - 1000000), 1);
}
END_TEST

START_TEST(poisson)
{
    struct schedule s = make(ARRIVE_POISSON, 1000, 0, 0);
    double sum = 0, squares = 0;

    for (int i = 0; i < 1000; i++) {
        int n = count(&s, i * 0.1, (i + 1) * 0.1);

        sum += n;
        squares += (double)n * n;
    }
    sum /= 1000;
    squares = squares / 1000 - sum * sum;
    /* Mean and variance of a Poisson count are the same: 100. */
    ck_assert_double_lt(fabs(sum - 100), 1.5);
    ck_assert_double_lt(fabs(squares - 100), 15);
}
END_TEST

START_TEST(burst)
{
    struct schedule s = make(ARRIVE_BURST, 1000, 0, 50);
    uint64_t due = schedule_due(&s);
    int same = 0;

    for (; schedule_due(&s) == due; schedule_step(&s))
        same++;
    ck_assert_int_eq(same, 50);
    ck_assert_int_le(abs(count(&s, 0, 10) - 9950), 50);
}
END_TEST

START_TEST(ramp)
{
    struct schedule s = make(ARRIVE_CONSTANT, 100, 300, 0);

    ck_assert_int_le(abs(count(&s, 0, 5) - 750), 1);
    ck_assert_int_le(abs(count(&s, 5, 10) - 1250), 1);
    ck_assert_int_le(abs(count(&s, 10, 12) - 600), 1);
    s = make(ARRIVE_CONSTANT, 300, 100, 0);
    ck_assert_int_le(abs(count(&s, 0, 10) - 2000), 1);
    s = make(ARRIVE_CONSTANT, 0, 200, 0);
    ck_assert_int_le(abs(count(&s, 0, 10) - 1000), 1);
}
END_TEST

START_TEST(ramp_that_begins_later)
{
    struct schedule s = make(ARRIVE_CONSTANT, 100, 300, 0);

    schedule_ramp(&s, START + 2 * SECOND, START + 12 * SECOND);
    ck_assert_int_le(abs(count(&s, 0, 2) - 200), 1);
    ck_assert_int_le(abs(count(&s, 2, 7) - 750), 1);
    ck_assert_int_le(abs(count(&s, 7, 12) - 1250), 1);
    ck_assert_int_le(abs(count(&s, 12, 14) - 600), 1);
}
END_TEST

START_TEST(never_and_faster)
{
    struct schedule s = make(ARRIVE_CONSTANT, 0, 0, 0);

    ck_assert(schedule_due(&s) == UINT64_MAX);
    schedule_step(&s);
    ck_assert(schedule_due(&s) == UINT64_MAX);
    s = make(ARRIVE_CONSTANT, 100, 0, 0);
    ck_assert_int_le(abs(count(&s, 0, 5) - 500), 1);
    schedule_factor(&s, 3);
    ck_assert_int_le(abs(count(&s, 5, 10) - 1500), 2);
}
END_TEST

SUITE("schedule", constant, poisson, burst, ramp, ramp_that_begins_later,
      never_and_faster)
