#include "base/buf.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "unit/base/suite.h"

START_TEST(holds_exactly_max)
{
    struct buf b;

    buf_init(&b, 1000);
    ck_assert_ptr_null(b.data);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(buf_append_byte(&b, 'x'), 0);
    ck_assert_int_eq(buf_append_byte(&b, 'x'), -CF_TOO_BIG);
    ck_assert_int_eq(buf_append(&b, "", 0), 0);
    ck_assert_uint_eq(b.len, 1000);
    ck_assert_uint_le(b.cap, 1000);
    ck_assert_ptr_null(buf_cstr(&b));
    buf_release(&b);
    ck_assert_uint_eq(b.max, 1000);
}
END_TEST

START_TEST(too_big_appends_nothing)
{
    struct buf b;

    buf_init(&b, 4);
    ck_assert_int_eq(buf_append_text(&b, "abc"), 0);
    ck_assert_int_eq(buf_append_text(&b, "de"), -CF_TOO_BIG);
    ck_assert_int_eq(buf_printf(&b, "%d", 12), -CF_TOO_BIG);
    ck_assert_int_eq(buf_append_i64(&b, -1), -CF_TOO_BIG);
    ck_assert_int_eq(buf_append_u64(&b, 10), -CF_TOO_BIG);
    ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX));
    ck_assert(span_is(buf_span(&b), "abc"));
    ck_assert_str_eq(buf_cstr(&b), "abc");
    buf_release(&b);
}
END_TEST

START_TEST(printf_of_any_length)
{
    struct buf b;

    buf_init(&b, 4096);
    for (int width = 1; width <= 1024; width *= 2) {
        buf_clear(&b);
        ck_assert_int_eq(buf_printf(&b, "%*d", width, 7), 0);
        ck_assert_uint_eq(b.len, (size_t)width);
        ck_assert_int_eq(b.data[width - 1], '7');
    }
    buf_release(&b);
}
END_TEST

START_TEST(decimal_numbers)
{
    static const int64_t numbers[] = {0,   1,         9,  10,  99,
                                      100, INT64_MAX, -1, -10, INT64_MIN};
    struct buf b;
    char want[32];

    buf_init(&b, 64);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        buf_clear(&b);
        snprintf(want, sizeof(want), "%" PRId64, numbers[i]);
        ck_assert_int_eq(buf_append_i64(&b, numbers[i]), 0);
        ck_assert_str_eq(buf_cstr(&b), want);
    }
    buf_clear(&b);
    ck_assert_int_eq(buf_append_u64(&b, UINT64_MAX), 0);
    ck_assert_str_eq(buf_cstr(&b), "18446744073709551615");
    buf_release(&b);
}
END_TEST

START_TEST(consume_moves_the_rest)
{
    struct buf b;

    buf_init(&b, 64);
    buf_append_text(&b, "hello world");
    buf_consume(&b, 6);
    ck_assert(span_is(buf_span(&b), "world"));
    buf_consume(&b, 0);
    ck_assert(span_is(buf_span(&b), "world"));
    buf_consume(&b, 5);
    ck_assert_uint_eq(b.len, 0);
    ck_assert_ptr_nonnull(buf_span(&b).p);
    buf_release(&b);
}
END_TEST

START_TEST(reserve_then_write)
{
    struct buf b;
    char *to;

    buf_init(&b, 300);
    to = buf_reserve(&b, 300);
    ck_assert_ptr_nonnull(to);
    memset(to, 'z', 300);
    b.len += 300;
    ck_assert_ptr_null(buf_reserve(&b, 1));
    ck_assert_ptr_nonnull(buf_reserve(&b, 0));
    buf_release(&b);
    buf_init(&b, 0);
    ck_assert_int_eq(buf_append_byte(&b, 'a'), -CF_TOO_BIG);
    ck_assert_ptr_null(buf_cstr(&b));
    buf_release(&b);
}
END_TEST

SUITE("buf", holds_exactly_max, too_big_appends_nothing, printf_of_any_length,
      decimal_numbers, consume_moves_the_rest, reserve_then_write)
