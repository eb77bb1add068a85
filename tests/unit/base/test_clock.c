#include "base/clock.h"

#include "base/error.h"
#include "unit/base/suite.h"

START_TEST(manual_stands_still)
{
    struct clock_manual c;

    clock_manual_init(&c, 1000);
    ck_assert_int_eq(clock_wall(&c.base), 1000);
    ck_assert_int_eq(clock_mono(&c.base), 0);
    clock_manual_advance(&c, 250);
    ck_assert_int_eq(clock_wall(&c.base), 1250);
    ck_assert_int_eq(clock_mono(&c.base), 250);
    c.wall_ms -= 5000; /* the wall may jump, mono does not */
    ck_assert_int_eq(clock_mono(&c.base), 250);
}
END_TEST

START_TEST(shifted_only_grows)
{
    struct clock_shifted c;
    int64_t before;

    clock_shifted_init(&c);
    before = clock_mono(clock_system());
    ck_assert_int_ge(clock_mono(&c.base), before);
    clock_shifted_advance(&c, 3600000);
    ck_assert_int_ge(clock_mono(&c.base), before + 3600000);
    clock_shifted_advance(&c, -7200000);
    ck_assert_int_ge(clock_mono(&c.base), before + 3600000);
    ck_assert_int_ge(clock_wall(&c.base), clock_wall(clock_system()) + 3599000);
}
END_TEST

START_TEST(mono_never_goes_back)
{
    uint64_t ns = clock_ns(), later;

    for (int i = 0; i < 1000; i++) {
        later = clock_ns();
        ck_assert_uint_ge(later, ns);
        ns = later;
    }
}
END_TEST

START_TEST(rfc3339)
{
    char text[32];

    clock_format_rfc3339(INT64_C(1795515916123), text);
    ck_assert_str_eq(text, "2026-11-24T10:25:16.123Z");
    clock_format_rfc3339(0, text);
    ck_assert_str_eq(text, "1970-01-01T00:00:00.000Z");
    clock_format_rfc3339(-1, text);
    ck_assert_str_eq(text, "1969-12-31T23:59:59.999Z");
    clock_format_rfc3339(INT64_C(253402300799999), text);
    ck_assert_str_eq(text, "9999-12-31T23:59:59.999Z");
    clock_format_rfc3339(INT64_MAX, text);
    ck_assert_str_eq(text, "0000-00-00T00:00:00.000Z");
    clock_format_rfc3339(INT64_MIN, text);
    ck_assert_str_eq(text, "0000-00-00T00:00:00.000Z");
}
END_TEST

START_TEST(durations)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"250ms", 250},  {"2s", 2000},      {"5m", 300000},
                {"1h", 3600000}, {"7d", 604800000}, {"0s", 0},
                {"007s", 7000}};
    static const char *const bad[] = {"",
                                      "5",
                                      "s",
                                      "-1s",
                                      "+1s",
                                      " 1s",
                                      "1s ",
                                      "1.5s",
                                      "1w",
                                      "1S",
                                      "1msx",
                                      "9223372036854775808ms",
                                      "9223372036854775807s",
                                      "99999999999999999d"};
    int64_t ms;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ck_assert_int_eq(clock_parse_duration(good[i].text, &ms), 0);
        ck_assert_int_eq(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ms = -5;
        ck_assert_msg(clock_parse_duration(bad[i], &ms) == -CF_INVALID,
                      "'%s' was taken", bad[i]);
        ck_assert_int_eq(ms, -5);
    }
}
END_TEST

SUITE("clock", manual_stands_still, shifted_only_grows, mono_never_goes_back,
      rfc3339, durations)
