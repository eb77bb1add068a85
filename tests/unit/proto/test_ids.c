#include "proto/ids.h"

#include <stdint.h>

#include "base/error.h"
#include "unit/base/suite.h"

#define NOW (ID_EPOCH_MS + 1000)

START_TEST(ids_rise_within_and_across_milliseconds)
{
    struct id_maker m;
    uint64_t last = 0;

    id_maker_init(&m, 7);
    for (int i = 0; i < 1000; i++) {
        uint64_t id = id_next(&m, NOW + i / 300);

        ck_assert_uint_gt(id, last);
        ck_assert_uint_eq(id >> ID_COUNTER_BITS & (ID_NODES - 1), 7);
        last = id;
    }
}
END_TEST

START_TEST(an_id_tells_its_time)
{
    struct id_maker m;

    id_maker_init(&m, ID_NODES - 1);
    ck_assert_int_eq(id_time(id_next(&m, NOW)), NOW);
    ck_assert_int_eq(id_time(id_next(&m, NOW + 5)), NOW + 5);
}
END_TEST

START_TEST(time_runs_ahead_when_the_counter_is_used_up)
{
    struct id_maker m;

    id_maker_init(&m, 1);
    for (int i = 0; i < 256; i++)
        ck_assert_int_eq(id_time(id_next(&m, NOW)), NOW);
    ck_assert_int_eq(id_time(id_next(&m, NOW)), NOW + 1);
}
END_TEST

START_TEST(a_clock_that_goes_back_does_not_matter)
{
    struct id_maker m;
    uint64_t before, after;

    id_maker_init(&m, 1);
    before = id_next(&m, NOW);
    after = id_next(&m, NOW - 500);
    ck_assert_uint_gt(after, before);
    ck_assert_int_eq(id_time(after), NOW);
}
END_TEST

START_TEST(raised_above_the_id_of_a_higher_node)
{
    struct id_maker high, low;
    uint64_t floor, id;

    id_maker_init(&high, ID_NODES - 1);
    id_maker_init(&low, 0);
    floor = id_next(&high, NOW);
    id_raise(&low, floor);
    id = id_next(&low, NOW);
    ck_assert_uint_gt(id, floor);
    ck_assert_uint_eq(id >> ID_COUNTER_BITS & (ID_NODES - 1), 0);
    id_raise(&low, floor); /* below the last one: nothing falls */
    ck_assert_uint_gt(id_next(&low, NOW), id);
}
END_TEST

START_TEST(parse_takes_whole_ids_only)
{
    static const char *const bad[] = {"",
                                      "c",
                                      "5",
                                      "u5",
                                      "c0",
                                      "c05",
                                      "c-5",
                                      "c+5",
                                      "c5 ",
                                      " c5",
                                      "c5.0",
                                      "C5",
                                      "cc5",
                                      "c5c",
                                      "c5e1",
                                      "c\xc2\xb2",
                                      "c9223372036854775808",
                                      "c99999999999999999999",
                                      "c18446744073709551617"};
    uint64_t id = 0;

    ck_assert(id_parse(SPAN("c1"), 'c', &id) && id == 1);
    ck_assert(id_parse(SPAN("c9223372036854775807"), 'c', &id));
    ck_assert_uint_eq(id, INT64_MAX);
    ck_assert(id_parse(SPAN("90"), 0, &id) && id == 90);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!id_parse(span_of(bad[i]), 'c', &id), "'%s'", bad[i]);
    ck_assert(!id_parse(SPAN("09"), 0, &id));
    ck_assert(!id_parse(SPAN("c9"), 0, &id));
}
END_TEST

START_TEST(devices_are_32_bits)
{
    uint64_t id = 0;

    ck_assert(id_parse(SPAN("d4294967295"), 'd', &id) && id == UINT32_MAX);
    ck_assert(!id_parse(SPAN("d4294967296"), 'd', &id));
}
END_TEST

START_TEST(write_is_what_parse_reads)
{
    static const uint64_t ids[] = {1, 9, 10, 99, 100, 12345, INT64_MAX};
    uint64_t back = 0;
    struct buf b;

    buf_init(&b, 32);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        buf_clear(&b);
        ck_assert_int_eq(id_write(&b, 'u', ids[i]), 0);
        ck_assert(id_parse(buf_span(&b), 'u', &back) && back == ids[i]);
    }
    buf_release(&b);
    buf_init(&b, 3);
    ck_assert_int_eq(id_write(&b, 'u', 123), -CF_TOO_BIG);
    ck_assert_uint_eq(b.len, 0);
    ck_assert_int_eq(id_write(&b, 0, 123), 0);
    ck_assert(span_is(buf_span(&b), "123"));
    buf_release(&b);
}
END_TEST

SUITE("ids", ids_rise_within_and_across_milliseconds, an_id_tells_its_time,
      time_runs_ahead_when_the_counter_is_used_up,
      a_clock_that_goes_back_does_not_matter,
      raised_above_the_id_of_a_higher_node, parse_takes_whole_ids_only,
      devices_are_32_bits, write_is_what_parse_reads)
