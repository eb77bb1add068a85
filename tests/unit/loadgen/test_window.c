#include "window.h"

#include <string.h>

#include "base/rng.h"
#include "unit/base/suite.h"

static struct window w;
static struct holes holes;

static void begin(void)
{
    holes_release(&holes);
    window_init(&w);
}

static enum arrival take(uint32_t seq)
{
    return window_take(&w, 5, seq, &holes);
}

static uint32_t missing(uint32_t from, uint32_t last)
{
    return window_missing(&w, 5, &holes, from, last);
}

START_TEST(in_order_nothing_is_missing)
{
    begin();
    for (uint32_t n = 1; n <= 1000; n++)
        ck_assert_int_eq(take(n), ARRIVED_NEXT);
    ck_assert_uint_eq(missing(1, 1000), 0);
    ck_assert_uint_eq(missing(1, 1002), 1001);
    ck_assert_uint_eq(holes.count, 0);
}
END_TEST

START_TEST(one_lost_is_convicted)
{
    for (uint32_t lost = 1; lost <= 200; lost++) {
        begin();
        for (uint32_t n = 1; n <= 300; n++)
            if (n != lost)
                ck_assert_int_eq(take(n), ARRIVED_NEXT);
        ck_assert_uint_eq(missing(1, 300), lost);
        ck_assert_uint_eq(missing(lost + 1, 300), 0);
    }
}
END_TEST

START_TEST(one_twice_is_convicted)
{
    for (uint32_t n = 1; n <= 200; n++) {
        begin();
        for (uint32_t i = 1; i <= 200; i++)
            take(i);
        ck_assert_int_eq(take(n), ARRIVED_TWICE);
    }
}
END_TEST

START_TEST(two_swapped_are_convicted)
{
    for (uint32_t n = 1; n < 100; n++) {
        begin();
        for (uint32_t i = 1; i < n; i++)
            take(i);
        ck_assert_int_eq(take(n + 1), ARRIVED_NEXT);
        ck_assert_int_eq(take(n), ARRIVED_LATE);
        ck_assert_int_eq(take(n), ARRIVED_TWICE);
        ck_assert_uint_eq(missing(1, n + 1), 0);
    }
}
END_TEST

START_TEST(a_long_gap_is_filled_later)
{
    begin();
    take(1);
    take(1000);
    ck_assert_uint_eq(missing(1, 1000), 2);
    for (uint32_t n = 999; n >= 2; n--)
        ck_assert_int_eq(take(n), ARRIVED_LATE);
    ck_assert_uint_eq(missing(1, 1000), 0);
    ck_assert_uint_eq(holes.count, 0);
    ck_assert_int_eq(take(500), ARRIVED_TWICE);
}
END_TEST

/* Against a plain table of what has come. */
START_TEST(like_a_table)
{
    enum { TOP = 2000 };
    static bool came[TOP + 1];
    struct rng rng;

    rng_init_seeded(&rng, 3);
    for (int round = 0; round < 200; round++) {
        uint32_t high = 0;

        begin();
        memset(came, 0, sizeof(came));
        for (int i = 0; i < 500; i++) {
            uint32_t spread = round % 2 ? 20 : 300;
            uint32_t base = (uint32_t)(i * 3 + 1);
            uint32_t n = base + (uint32_t)rng_below(&rng, spread);
            enum arrival want = came[n]    ? ARRIVED_TWICE
                                : n > high ? ARRIVED_NEXT
                                           : ARRIVED_LATE;

            ck_assert_int_eq(take(n), want);
            came[n] = true;
            high = n > high ? n : high;
        }
        for (uint32_t n = 1, m = 0; n <= TOP; n++) {
            if (came[n])
                continue;
            m = missing(m + 1, TOP);
            ck_assert_uint_eq(m, n);
        }
    }
    holes_release(&holes);
}
END_TEST

SUITE("window", in_order_nothing_is_missing, one_lost_is_convicted,
      one_twice_is_convicted, two_swapped_are_convicted,
      a_long_gap_is_filled_later, like_a_table)
