#include "base/error.h"

#include <string.h>

#include "unit/base/suite.h"

START_TEST(set_fills_and_returns_negative)
{
    struct error err = {0};

    ck_assert_int_eq(error_set(&err, CF_BUSY, "%s: %d", "queue", 7), -CF_BUSY);
    ck_assert_int_eq(err.code, CF_BUSY);
    ck_assert_str_eq(err.text, "queue: 7");
    ck_assert_int_eq(error_set(&err, -CF_IO, "x"), -CF_IO);
    ck_assert_int_eq(err.code, CF_IO);
    ck_assert_int_eq(error_set(NULL, CF_IO, "nobody reads"), -CF_IO);
}
END_TEST

START_TEST(long_text_is_cut)
{
    char many[1000];
    struct error err;

    memset(many, 'a', sizeof(many));
    many[sizeof(many) - 1] = '\0';
    error_set(&err, CF_INVALID, "%s", many);
    ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
}
END_TEST

START_TEST(every_code_has_a_name_of_its_own)
{
    for (int i = 0; i < CF_CODES; i++) {
        ck_assert_ptr_nonnull(error_name(i));
        ck_assert_str_eq(error_name(i), error_name(-i));
        for (int k = 0; k < i; k++)
            ck_assert_str_ne(error_name(i), error_name(k));
    }
    ck_assert_str_eq(error_name(CF_CODES), "unknown error");
    ck_assert_str_eq(error_name(-CF_CODES), "unknown error");
    ck_assert_str_eq(error_name(-2147483647 - 1), "unknown error");
}
END_TEST

SUITE("error", set_fills_and_returns_negative, long_text_is_cut,
      every_code_has_a_name_of_its_own)
