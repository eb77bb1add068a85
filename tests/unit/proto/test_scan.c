/* What is JSON and what is not: RFC 8259 and the corners parsers differ in. */

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "proto/frame.h"
#include "proto/limits.h"
#include "proto/scan.h"
#include "unit/base/suite.h"

struct text {
    const char *p;
    size_t n;
};
#define T(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static const struct text good[] = {
    T("{}"),
    T("[]"),
    T("\"\""),
    T("0"),
    T("-0"),
    T("1"),
    T("-1"),
    T("true"),
    T("false"),
    T("null"),
    T(" \t\r\n{ } "),
    T("[1,2]"),
    T("[1, 2 ]"),
    T("[[]   ]"),
    T("{\"a\":{}}"),
    T("{\"\":0}"),
    T("{\"a\" : 1 , \"b\":2}"),
    T("123456789"),
    T("9223372036854775807"),
    T("-9223372036854775808"),
    T("0.5"),
    T("-0.5"),
    T("1e5"),
    T("1E5"),
    T("1e+5"),
    T("1e-5"),
    T("1.5e3"),
    T("0e0"),
    T("0e999999"),
    T("0.0e99999999999999999999"),
    T("1e307"),
    T("0.001e310"),
    T("1e-999999999999999999999"),
    T("123.456e-789"),
    T("100000000000000000000.0"),
    T("\"a\""),
    T("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    T("\"\\u0041\""),
    T("\"\\u00e9\""),
    T("\"\\uD83D\\uDE00\""),
    T("\"\\ud83d\\ude00x\""),
    T("\"\\uFFFF\""),
    T("\"\\u001f\""),
    T("\"\xc3\xa9\""),
    T("\"\xe2\x82\xac\""),
    T("\"\xf0\x9f\x98\x80\""),
    T("\"\xed\x9f\xbf\""),
    T("\"\xee\x80\x80\""),
    T("\"\xf4\x8f\xbf\xbf\""),
    T("\"\xc2\x80\""),
    T("\"\xe0\xa0\x80\""),
    T("\"\xf0\x90\x80\x80\""),
    T("\"\xef\xbf\xbf\""),
    T("\"\x7f\""),
    T("\"\xe2\x80\xa8\""),
    T("\"0123456789abcdef0123456789abcdef\\n\""),
    T("[null,1,\"1\",{}]"),
    T("{\"a\":1,\"A\":2}"),
    T("{\"a\":{\"a\":{\"a\":1}}}"),
    T("{\"a\":1,\"\\u0062\":2}"),
    T("[{\"a\":1},{\"a\":1}]"),
};

static const struct text bad[] = {
    T(""),
    T(" "),
    T("{"),
    T("}"),
    T("["),
    T("]"),
    T("[1"),
    T("[1,"),
    T("[,1]"),
    T("[1,]"),
    T("[1,,2]"),
    T("[1 2]"),
    T("{\"a\"}"),
    T("{\"a\":}"),
    T("{\"a\":1,}"),
    T("{,}"),
    T("{\"a\" 1}"),
    T("{\"a\":1 \"b\":2}"),
    T("{a:1}"),
    T("{'a':1}"),
    T("{1:1}"),
    T("{\"a\":1]"),
    T("[1}"),
    T("tru"),
    T("True"),
    T("TRUE"),
    T("nul"),
    T("nulL"),
    T("fals"),
    T("undefined"),
    T("NaN"),
    T("Infinity"),
    T("-Infinity"),
    T("-"),
    T("+1"),
    T("01"),
    T("-01"),
    T("00"),
    T("1."),
    T(".5"),
    T("-.5"),
    T("1.e5"),
    T("1e"),
    T("1e+"),
    T("1E-"),
    T("0x1"),
    T("1e5.5"),
    T("--1"),
    T("1e308"),
    T("1e400"),
    T("-1e400"),
    T("10.5e307"),
    T("9223372036854775808"),
    T("-9223372036854775809"),
    T("18446744073709551616"),
    T("100000000000000000000"),
    T("\""),
    T("\"a"),
    T("\"\\\""),
    T("\"\\"),
    T("\"\\x41\""),
    T("\"\\a\""),
    T("\"\\0\""),
    T("\"\\'\""),
    T("\"\\U0041\""),
    T("\"\\u\""),
    T("\"\\u00\""),
    T("\"\\u004\""),
    T("\"\\u004g\""),
    T("\"\\u 041\""),
    T("\"\\u-041\""),
    T("\"\\u0000\""),
    T("\"\\ud800\""),
    T("\"\\udc00\""),
    T("\"\\udfff\""),
    T("\"\\ud800\\ud800\""),
    T("\"\\udc00\\udc00\""),
    T("\"\\ud800\\ue000\""),
    T("\"\\ud800\\u0041\""),
    T("\"\\ud800x\""),
    T("\"\\udc00\\ud800\""),
    T("\"\\ud800\\"),
    T("\"\\ud800\\u"),
    T("\"\\ud800\\udc0\""),
    T("\"\\ud800\\n\""),
    T("\"\n\""),
    T("\"\t\""),
    T("\"\x01\""),
    T("\"\x1f\""),
    T("\"\0\""),
    T("\"\x80\""),
    T("\"\xbf\""),
    T("\"\xc0\x80\""),
    T("\"\xc1\xbf\""),
    T("\"\xc3\""),
    T("\"\xc3(\""),
    T("\"\xe0\x80\x80\""),
    T("\"\xe0\x9f\xbf\""),
    T("\"\xe2\x82\""),
    T("\"\xe2(\xac\""),
    T("\"\xed\xa0\x80\""),
    T("\"\xed\xbf\xbf\""),
    T("\"\xf0\x80\x80\x80\""),
    T("\"\xf0\x8f\xbf\xbf\""),
    T("\"\xf4\x90\x80\x80\""),
    T("\"\xf5\x80\x80\x80\""),
    T("\"\xff\""),
    T("\"\xfe\""),
    T("\"\xf0\x9f\x98\""),
    T("\xef\xbb\xbf{}"),
    T("\xff\xfe{"),
    T("{\"a\":1,\"a\":1}"),
    T("{\"a\":1,\"\\u0061\":1}"),
    T("{\"\\u0061\":1,\"a\":1}"),
    T("{\"\\u0061\":1,\"\\u0061\":1}"),
    T("{\"\xc3\xa9\":1,\"\\u00e9\":1}"),
    T("{\"\":1,\"\":2}"),
    T("{\"x\":{\"a\":1,\"b\":2,\"a\":3}}"),
    T("[{\"a\":1,\"a\":1}]"),
    T("/*x*/{}"),
    T("//x\n1"),
    T("\x00"),
    T("\v1"),
    T("\f1"),
    T("\xa0"
      "1"),
};

/* Is the whole text one value? */
static bool is_json(struct text t)
{
    size_t end = 0;

    if (json_scan(span_make(t.p, t.n), &end) != 0)
        return false;
    while (end < t.n && strchr(" \t\r\n", t.p[end]) != NULL)
        end++;
    return end == t.n;
}

START_TEST(accepts)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(is_json(good[i]), "%zu: %s", i, good[i].p);
}
END_TEST

START_TEST(refuses)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!is_json(bad[i]), "%zu: %s", i, bad[i].p);
}
END_TEST

/* No text is valid when it is cut, and nothing is read behind its end: each
 * prefix lies in memory of exactly its size. */
START_TEST(every_prefix_is_refused)
{
    static const char whole[] =
        "{\"a\":[1,-2.5e3,true,false,null,\"\\ud83d\\ude00 \xe2\x82\xac"
        " and more than sixteen\"],\"b\":{\"c\":\"\\n\"}}";

    for (size_t n = 0; n < sizeof(whole) - 1; n++) {
        char *exact = malloc(n > 0 ? n : 1);
        size_t end;

        memcpy(exact, whole, n);
        ck_assert_int_eq(json_scan(span_make(exact, n), &end), -CF_INVALID);
        free(exact);
    }
    ck_assert(is_json((struct text)T(whole)));
}
END_TEST

/* Every control character at every offset of a 16-byte block. */
START_TEST(controls_are_found_at_every_offset)
{
    char text[50];

    for (size_t at = 1; at < sizeof(text) - 1; at++) {
        for (int c = 0; c < 0x20; c++) {
            memset(text, 'a', sizeof(text));
            text[0] = text[sizeof(text) - 1] = '"';
            text[at] = (char)c;
            ck_assert(!is_json((struct text){text, sizeof(text)}));
        }
        text[at] = '~';
        ck_assert(is_json((struct text){text, sizeof(text)}));
    }
}
END_TEST

static int scan_nested(int depth)
{
    char text[2 * 64];
    size_t end;

    memset(text, '[', (size_t)depth);
    memset(text + depth, ']', (size_t)depth);
    return json_scan(span_make(text, 2 * (size_t)depth), &end);
}

START_TEST(depth_is_bounded)
{
    ck_assert_int_eq(scan_nested(LIMIT_DEPTH), 0);
    ck_assert_int_eq(scan_nested(LIMIT_DEPTH + 1), -CF_TOO_BIG);
}
END_TEST

/* n commas and one bracket. */
static int scan_flat(int commas)
{
    struct buf b;
    size_t end;
    int rc;

    buf_init(&b, 1 << 20);
    buf_append_byte(&b, '[');
    for (int i = 0; i < commas; i++)
        buf_append_text(&b, "1,");
    buf_append_text(&b, "1]");
    rc = json_scan(buf_span(&b), &end);
    buf_release(&b);
    return rc;
}

START_TEST(structure_is_bounded)
{
    ck_assert_int_eq(scan_flat(LIMIT_STRUCTURE - 1), 0);
    ck_assert_int_eq(scan_flat(LIMIT_STRUCTURE), -CF_TOO_BIG);
}
END_TEST

static int scan_keys(int count)
{
    struct buf b;
    size_t end;
    int rc;

    buf_init(&b, 1 << 20);
    buf_append_byte(&b, '{');
    for (int i = 0; i < count; i++)
        buf_printf(&b, "%s\"k%d\":%d", i > 0 ? "," : "", i, i);
    buf_append_byte(&b, '}');
    rc = json_scan(buf_span(&b), &end);
    buf_release(&b);
    return rc;
}

START_TEST(keys_are_bounded)
{
    ck_assert_int_eq(scan_keys(LIMIT_KEYS), 0);
    ck_assert_int_eq(scan_keys(LIMIT_KEYS + 1), -CF_TOO_BIG);
}
END_TEST

START_TEST(keys_of_closed_objects_do_not_count)
{
    struct buf b;
    size_t end;

    buf_init(&b, 1 << 20);
    buf_append_byte(&b, '[');
    for (int i = 0; i < LIMIT_KEYS; i++)
        buf_append_text(&b, "{\"a\":{\"a\":1},\"b\":2},");
    buf_append_text(&b, "1]");
    ck_assert_int_eq(json_scan(buf_span(&b), &end), 0);
    buf_release(&b);
}
END_TEST

/* Refused at the bracket after the deepest allowed one, not at the end. */
START_TEST(many_brackets_cost_nothing)
{
    static char text[LIMIT_OBJECT];
    SCAN_LOCAL struct scan s;

    memset(text, '[', sizeof(text));
    scan_init(&s, span_make(text, sizeof(text)), false);
    ck_assert(!scan_value(&s));
    ck_assert_int_eq(s.rc, -CF_TOO_BIG);
    ck_assert_int_eq(s.p - s.start, LIMIT_DEPTH);
}
END_TEST

START_TEST(end_is_behind_the_value)
{
    size_t end = 0;

    ck_assert_int_eq(json_scan(SPAN("  {\"a\":1} x"), &end), 0);
    ck_assert_uint_eq(end, 9);
    ck_assert_int_eq(json_scan(SPAN("12,13"), &end), 0);
    ck_assert_uint_eq(end, 2);
}
END_TEST

START_TEST(members_are_found)
{
    struct span o =
        SPAN(" { \"a\" : [1, {\"b\":2}] , \"b\":\"x\",\"c\\u0064\":5}");

    ck_assert(span_is(json_member(o, "a"), "[1, {\"b\":2}]"));
    ck_assert(span_is(json_member(o, "b"), "\"x\""));
    ck_assert(span_is(json_member(o, "cd"), "5"));
    ck_assert_ptr_null(json_member(o, "c").p);
    ck_assert_ptr_null(json_member(o, "").p);
    ck_assert_ptr_null(json_member(SPAN("[1]"), "a").p);
    ck_assert_ptr_null(json_member((struct span){0}, "a").p);
    ck_assert_ptr_null(json_member(SPAN("{\"a\":tru"), "a").p);
    ck_assert_ptr_null(json_member(SPAN("{\"x\":tru"), "a").p);
}
END_TEST

static void resolves(const char *raw, const char *want)
{
    struct buf b;

    buf_init(&b, 100);
    ck_assert_int_eq(frame_text(&b, span_of(raw)), 0);
    ck_assert_msg(span_is(buf_span(&b), want), "%s", raw);
    buf_release(&b);
}

START_TEST(escapes_are_resolved)
{
    resolves("", "");
    resolves("plain", "plain");
    resolves("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t");
    resolves("a\\u0041\\u00e9\\u20AC\\ud83d\\ude00z",
             "aA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z");
    resolves("\xc3\xa9\\u007f", "\xc3\xa9\x7f");
}
END_TEST

START_TEST(resolving_is_bounded)
{
    struct buf b;

    buf_init(&b, 8);
    buf_append_text(&b, "abc");
    ck_assert_int_eq(frame_text(&b, SPAN("12\\n456")), -CF_TOO_BIG);
    ck_assert(span_is(buf_span(&b), "abc"));
    ck_assert_int_eq(frame_text(&b, SPAN("1234\\u00e9")), -CF_TOO_BIG);
    ck_assert(span_is(buf_span(&b), "abc"));
    ck_assert_int_eq(frame_text(&b, SPAN("12\\n45")), 0);
    ck_assert(span_is(buf_span(&b), "abc12\n45"));
    buf_release(&b);
}
END_TEST

SUITE("json", accepts, refuses, every_prefix_is_refused,
      controls_are_found_at_every_offset, depth_is_bounded,
      structure_is_bounded, keys_are_bounded,
      keys_of_closed_objects_do_not_count, many_brackets_cost_nothing,
      end_is_behind_the_value, members_are_found, escapes_are_resolved,
      resolving_is_bounded)
