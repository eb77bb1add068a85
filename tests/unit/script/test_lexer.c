#include "script/lexer.h"

#include <check.h>
#include <stdio.h>

static struct lexer x;

static void begin(const char *text)
{
    lexer_init(&x, span_of(text));
}

static struct token next(enum token_kind kind, const char *raw)
{
    struct token t = lexer_next(&x);

    ck_assert_msg(t.kind == kind && span_is(t.raw, raw),
                  "%d '%.*s', not %d '%s'", t.kind, (int)t.raw.n, t.raw.p, kind,
                  raw);
    return t;
}

START_TEST(words_and_places)
{
    struct token t;

    begin("alice-2.x sees $q_1 # why\n  user${\"}\"}9 ;");
    next(TOKEN_NAME, "alice-2.x");
    next(TOKEN_NAME, "sees");
    next(TOKEN_VAR, "$q_1");
    next(TOKEN_NEWLINE, "\n");
    t = next(TOKEN_NAME, "user${\"}\"}9");
    ck_assert(t.is_template);
    ck_assert_int_eq(t.line, 2);
    ck_assert_int_eq(t.column, 3);
    next(TOKEN_NEWLINE, ";");
    next(TOKEN_END, "");
    next(TOKEN_END, "");
}
END_TEST

START_TEST(numbers_and_units)
{
    begin("1 -2.5 1e3 250ms 2s 1.5m 1h 7d 1y 64KB/s 1..3");
    ck_assert_int_eq(next(TOKEN_NUMBER, "1").number, 1);
    next(TOKEN_SIGN, "-");
    ck_assert_double_eq(next(TOKEN_NUMBER, "2.5").real, 2.5);
    ck_assert(next(TOKEN_NUMBER, "1e3").is_real);
    ck_assert_int_eq(next(TOKEN_DURATION, "250ms").number, 250);
    ck_assert_int_eq(next(TOKEN_DURATION, "2s").number, 2000);
    ck_assert_int_eq(next(TOKEN_DURATION, "1.5m").number, 90000);
    ck_assert_int_eq(next(TOKEN_DURATION, "1h").number, 3600000);
    ck_assert_int_eq(next(TOKEN_DURATION, "7d").number, 604800000);
    ck_assert_int_eq(next(TOKEN_DURATION, "1y").number, 31536000000);
    ck_assert_int_eq(next(TOKEN_SIZE, "64KB/s").number, 65536);
    next(TOKEN_NUMBER, "1");
    next(TOKEN_SIGN, "..");
    next(TOKEN_NUMBER, "3");
}
END_TEST

START_TEST(the_largest_whole_number)
{
    begin("9223372036854775807 9223372036854775808");
    ck_assert_int_eq(next(TOKEN_NUMBER, "9223372036854775807").number,
                     INT64_MAX);
    ck_assert_int_eq(lexer_next(&x).kind, TOKEN_BAD);
}
END_TEST

START_TEST(strings_hold_expressions_that_hold_strings)
{
    begin("\"a ${f(\"}\")} \\\" b\" ~");
    next(TOKEN_TEXT, "\"a ${f(\"}\")} \\\" b\"");
    next(TOKEN_SIGN, "~");
    begin("\"a ${ \"");
    ck_assert_int_eq(lexer_next(&x).kind, TOKEN_BAD);
    begin("\"a\n\"");
    ck_assert_int_eq(lexer_next(&x).kind, TOKEN_BAD);
    begin("\"a\\");
    ck_assert_int_eq(lexer_next(&x).kind, TOKEN_BAD);
}
END_TEST

START_TEST(a_field_has_no_minus)
{
    begin("$q.seq-1");
    next(TOKEN_VAR, "$q");
    next(TOKEN_SIGN, ".");
    next(TOKEN_NAME, "seq");
    next(TOKEN_SIGN, "-");
    next(TOKEN_NUMBER, "1");
    begin("$q.a..b");
    next(TOKEN_VAR, "$q");
    next(TOKEN_SIGN, ".");
    next(TOKEN_NAME, "a");
    next(TOKEN_SIGN, "..");
    next(TOKEN_NAME, "b");
}
END_TEST

START_TEST(comments_when_asked_for)
{
    begin("a # b  \r\n# c");
    x.comments = true;
    next(TOKEN_NAME, "a");
    next(TOKEN_COMMENT, "# b");
    next(TOKEN_NEWLINE, "\n");
    next(TOKEN_COMMENT, "# c");
    next(TOKEN_END, "");
}
END_TEST

START_TEST(a_command_is_words)
{
    begin("./confabd --a=b:1,2 \"two words\" # c\nlet");
    ck_assert(span_is(lexer_word(&x).raw, "./confabd"));
    ck_assert(span_is(lexer_word(&x).raw, "--a=b:1,2"));
    ck_assert_int_eq(lexer_word(&x).kind, TOKEN_TEXT);
    ck_assert_int_eq(lexer_word(&x).kind, TOKEN_NEWLINE);
    next(TOKEN_NAME, "let");
}
END_TEST

START_TEST(every_byte_is_text)
{
    struct token t;

    ck_assert(lexer_check(SPAN("a\tb\r\n\xc3\xa9"), &t));
    ck_assert(!lexer_check(SPAN("a\n b\0c"), &t));
    ck_assert_int_eq(t.line, 2);
    ck_assert_int_eq(t.column, 3);
    ck_assert(!lexer_check(SPAN("\xc3"), &t));
    ck_assert(!lexer_check(SPAN("\xc0\x80"), &t));
    ck_assert(!lexer_check(SPAN("\xed\xa0\x80"), &t));
    ck_assert(!lexer_check(SPAN("\x1b"), &t));
    ck_assert(!lexer_check(SPAN("\x7f"), &t));
}
END_TEST

START_TEST(a_byte_order_mark_is_skipped)
{
    begin("\xef\xbb\xbf"
          "a");
    ck_assert_int_eq(next(TOKEN_NAME, "a").column, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lexer");
    TCase *t = tcase_create("lexer");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, words_and_places);
    tcase_add_test(t, numbers_and_units);
    tcase_add_test(t, the_largest_whole_number);
    tcase_add_test(t, strings_hold_expressions_that_hold_strings);
    tcase_add_test(t, a_field_has_no_minus);
    tcase_add_test(t, comments_when_asked_for);
    tcase_add_test(t, a_command_is_words);
    tcase_add_test(t, every_byte_is_text);
    tcase_add_test(t, a_byte_order_mark_is_skipped);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed > 0;
}
