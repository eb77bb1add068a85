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

/* ---- recorded ---- */

static struct record *record;

static struct schedule replay(const char *text, double rate, uint64_t from,
                              uint64_t to)
{
    struct traffic t = {.arrivals = ARRIVE_RECORDED};
    struct schedule s;

    ck_assert_int_eq(record_parse(&record, "f", span_of(text), NULL), 0);
    t.record = record;
    t.rate = rate > 0 ? rate : record->rate;
    rng_init_seeded(&rng, 11);
    schedule_init(&s, &t, t.rate, 0, START, START, &rng);
    ck_assert(schedule_due(&s) == UINT64_MAX);
    schedule_record(&s, &t, from, to);
    return s;
}

static const char night[] = "0.25\n0.250000001\n0.25000001\n1\n1\n1.75\n2\n";
static const uint64_t night_ns[] = {250000000,  250000001,  250000010,
                                    1000000000, 1000000000, 1750000000,
                                    2000000000};

START_TEST(recorded_as_it_was)
{
    struct schedule s = replay(night, 0, 0, RECORD_WHOLE);

    for (uint64_t round = 0; round < 3; round++)
        for (int i = 0; i < 7; i++, schedule_step(&s))
            ck_assert_uint_eq(schedule_due(&s),
                              START + round * 2 * SECOND + night_ns[i]);
    record_free(record);
}
END_TEST

START_TEST(recorded_faster)
{
    /* 3.5 a second as it was; twice as fast. */
    struct schedule s = replay(night, 7, 0, RECORD_WHOLE);
    uint64_t due;

    for (int i = 0; i < 7; i++, schedule_step(&s))
        ck_assert_uint_eq(schedule_due(&s), START + night_ns[i] / 2);
    due = schedule_due(&s);
    ck_assert_uint_eq(due, START + SECOND + night_ns[0] / 2);
    schedule_factor(&s, 5); /* from the next step on */
    ck_assert_uint_eq(schedule_due(&s), due);
    for (int i = 0; i < 3; i++)
        schedule_step(&s);
    ck_assert_uint_eq(schedule_due(&s), due + (night_ns[3] - night_ns[0]) / 10);
    record_free(record);
    s = replay(night, 0, 0, 0);
    ck_assert(schedule_due(&s) == UINT64_MAX);
    schedule_step(&s);
    ck_assert(schedule_due(&s) == UINT64_MAX);
    record_free(record);
}
END_TEST

/* Shards, each with its part, send what the record has: no more, no less. */
START_TEST(recorded_in_parts)
{
    struct buf b;
    int n[3] = {0}, all = 0;

    buf_init(&b, 65536);
    for (int i = 1; i <= 3000; i++)
        buf_printf(&b, "%d.%03d\n", i / 1000, i % 1000);
    for (uint64_t i = 0; i < 3; i++) {
        struct schedule s = replay(buf_cstr(&b), 0, record_border(i, 3),
                                   record_border(i + 1, 3));
        uint64_t last = 0;

        for (; schedule_due(&s) <= START + 6 * SECOND; schedule_step(&s)) {
            ck_assert(schedule_due(&s) > last);
            last = schedule_due(&s);
            n[i]++;
        }
        all += n[i];
        ck_assert_int_le(abs(n[i] - 2000), 6);
        record_free(record);
    }
    ck_assert_int_eq(all, 6000);
    buf_release(&b);
}
END_TEST

SUITE("schedule", constant, poisson, burst, ramp, ramp_that_begins_later,
      never_and_faster, recorded_as_it_was, recorded_faster, recorded_in_parts)
