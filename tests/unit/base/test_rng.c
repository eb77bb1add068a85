#include "base/rng.h"

#include <string.h>

#include "unit/base/suite.h"

/* What the authors' C code gives from the state 1, 2, 3, 4. */
START_TEST(xoshiro_known_answers)
{
    static const uint64_t want[] = {11520, 0, 1509978240,
                                    UINT64_C(1215971899390074240)};
    struct rng r;

    rng_init_seeded(&r, 0);
    for (uint64_t i = 0; i < 4; i++)
        r.s[i] = i + 1;
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(rng_u64(&r), want[i]);
}
END_TEST

START_TEST(splitmix_known_answers)
{
    struct rng r;

    rng_init_seeded(&r, 1234567);
    ck_assert_uint_eq(r.s[0], UINT64_C(6457827717110365317));
    ck_assert_uint_eq(r.s[1], UINT64_C(3203168211198807973));
    ck_assert_uint_eq(r.s[2], UINT64_C(9817491932198370423));
    ck_assert_uint_eq(r.s[3], UINT64_C(4593380528125082431));
}
END_TEST

START_TEST(same_seed_same_bytes)
{
    unsigned char a[37], b[37];
    struct rng x, y;

    rng_init_seeded(&x, 7);
    rng_init_seeded(&y, 7);
    rng_bytes(&x, a, sizeof(a));
    rng_bytes(&y, b, sizeof(b));
    ck_assert_mem_eq(a, b, sizeof(a));
    rng_init_seeded(&y, 8);
    rng_bytes(&y, b, sizeof(b));
    ck_assert_mem_ne(a, b, sizeof(a));
}
END_TEST

START_TEST(below_is_even)
{
    int counts[6] = {0};
    struct rng r;

    rng_init_seeded(&r, 3);
    for (int i = 0; i < 60000; i++)
        counts[rng_below(&r, 6)]++;
    for (int i = 0; i < 6; i++) {
        ck_assert_int_gt(counts[i], 9600); /* 10000, sigma 91 */
        ck_assert_int_lt(counts[i], 10400);
    }
    ck_assert_uint_eq(rng_below(&r, 1), 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_lt(rng_below(&r, (UINT64_C(1) << 63) + 1),
                          (UINT64_C(1) << 63) + 1);
}
END_TEST

START_TEST(unit_stays_below_one)
{
    struct rng r;
    double v, sum = 0;

    rng_init_seeded(&r, 4);
    for (int i = 0; i < 10000; i++) {
        v = rng_unit(&r);
        ck_assert(v >= 0 && v < 1);
        sum += v;
    }
    ck_assert(sum > 4800 && sum < 5200);
}
END_TEST

START_TEST(system_does_not_repeat)
{
    struct rng r;

    rng_init_system(&r);
    ck_assert_uint_ne(rng_u64(&r), rng_u64(&r));
}
END_TEST

SUITE("rng", xoshiro_known_answers, splitmix_known_answers,
      same_seed_same_bytes, below_is_even, unit_stays_below_one,
      system_does_not_repeat)
