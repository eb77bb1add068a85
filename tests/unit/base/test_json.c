#include "base/json.h"

#include <string.h>

#include "unit/base/suite.h"

#define MANY 65536

static bool refused(const char *text)
{
    struct error err = {0};
    json_t *j = json_parse(span_of(text), &err);

    json_decref(j);
    return j == NULL && err.code != 0 && err.text[0] != '\0';
}

START_TEST(parses_and_refuses)
{
    struct error err = {0};
    json_t *j = json_parse(SPAN("{\"a\":[1,2,{\"b\":null}]}"), &err);

    ck_assert_ptr_nonnull(j);
    json_decref(j);
    ck_assert(refused(""));
    ck_assert(refused("{"));
    ck_assert(refused("{\"a\":1,}"));
    ck_assert(refused("{\"a\":1} x"));
    ck_assert(refused("{\"a\":1,\"a\":2}"));
    ck_assert(refused("{\"o\":{\"a\":1,\"\\u0061\":2}}"));
    ck_assert(refused("{\"a\":\"\xff\"}"));
    ck_assert(refused("{\"a\":\"\\u0000\"}"));
    ck_assert(refused("{\"a\":99999999999999999999}"));
    ck_assert_ptr_null(json_parse(span_make(NULL, 0), NULL));
}
END_TEST

START_TEST(depth_is_inclusive)
{
    ck_assert(!refused("[[[[[[[[1]]]]]]]]"));
    ck_assert(refused("[[[[[[[[[1]]]]]]]]]"));
    ck_assert(!refused("[\"[[[[[[[[[\\\"[[[[[[[[[\"]"));
}
END_TEST

START_TEST(a_wall_of_brackets_is_refused_before_parsing)
{
    struct error err = {0};
    char *wall = malloc(MANY);

    memset(wall, '[', MANY);
    ck_assert_ptr_null(json_parse(span_make(wall, MANY), &err));
    ck_assert_int_eq(err.code, CF_TOO_BIG);
    for (size_t i = 1; i < MANY; i += 2)
        wall[i] = '1', wall[i - 1] = ',';
    wall[0] = '[';
    err = (struct error){0};
    ck_assert_ptr_null(json_parse(span_make(wall, MANY), &err));
    ck_assert_int_eq(err.code, CF_TOO_BIG);
    free(wall);
}
END_TEST

START_TEST(structure_is_inclusive)
{
    struct error err = {0};
    json_t *j;

    j = json_parse_bounded(SPAN("[1,2,3]"), 1, 3, &err);
    ck_assert_ptr_nonnull(j);
    json_decref(j);
    ck_assert_ptr_null(json_parse_bounded(SPAN("[1,2,3,4]"), 1, 3, &err));
    ck_assert_int_eq(err.code, CF_TOO_BIG);
    ck_assert_ptr_null(json_parse_bounded(SPAN("[[1]]"), 1, 3, &err));
}
END_TEST

START_TEST(errors_do_not_quote_the_input)
{
    struct error err = {0};

    ck_assert_ptr_null(json_parse(SPAN("{\"k\": s3cret}"), &err));
    ck_assert_ptr_null(strstr(err.text, "s3cret"));
    ck_assert_ptr_nonnull(strstr(err.text, "line 1"));
}
END_TEST

START_TEST(getters_check_the_type)
{
    struct error err = {0};
    const char *text = "before";
    bool on = true;
    int64_t n = 5;
    json_t *o = json_parse(
        SPAN("{\"s\":\"x\",\"i\":7,\"r\":1.0,\"b\":false,\"z\":null}"), &err);

    ck_assert_ptr_nonnull(o);
    ck_assert_int_eq(json_need_text(o, "s", &text, &err), 0);
    ck_assert_str_eq(text, "x");
    ck_assert_int_eq(json_need_int(o, "i", 7, 7, &n, &err), 0);
    ck_assert_int_eq(n, 7);
    ck_assert_int_eq(json_need_int(o, "i", 8, 9, &n, &err), -CF_INVALID);
    ck_assert_int_eq(json_need_int(o, "i", 1, 6, &n, &err), -CF_INVALID);
    ck_assert_int_eq(json_need_int(o, "r", 0, 9, &n, &err), -CF_INVALID);
    ck_assert_int_eq(json_need_int(o, "s", 0, 9, &n, &err), -CF_INVALID);
    ck_assert_int_eq(json_want_int(o, "b", 0, 9, &n, &err), -CF_INVALID);
    ck_assert_int_eq(json_need_text(o, "i", &text, &err), -CF_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "'i'"));
    ck_assert_int_eq(json_need_text(o, "z", &text, &err), -CF_INVALID);
    ck_assert_int_eq(json_need_text(o, "none", &text, &err), -CF_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "'none'"));
    ck_assert_int_eq(json_want_text(o, "none", &text, &err), 0);
    ck_assert_int_eq(json_want_text(o, "z", &text, &err), 0);
    ck_assert_str_eq(text, "x");
    ck_assert_int_eq(n, 7);
    ck_assert_int_eq(json_want_bool(o, "z", &on, &err), 0);
    ck_assert(on);
    ck_assert_int_eq(json_want_bool(o, "b", &on, &err), 0);
    ck_assert(!on);
    ck_assert_int_eq(json_want_bool(o, "i", &on, &err), -CF_INVALID);
    json_decref(o);
}
END_TEST

START_TEST(writes)
{
    struct error err = {0};
    struct buf out;
    json_t *o =
        json_parse(SPAN("{\"b\":\"\xc3\xa9\\u007f\",\"a\":[1, 2]}"), &err);

    buf_init(&out, 64);
    ck_assert_int_eq(json_write(&out, o, true), 0);
    ck_assert_str_eq(buf_cstr(&out), "{\"b\":\"\\u00E9\\u007f\",\"a\":[1,2]}");
    buf_clear(&out);
    ck_assert_int_eq(json_write(&out, o, false), 0);
    ck_assert_str_eq(buf_cstr(&out), "{\"b\":\"\xc3\xa9\x7f\",\"a\":[1,2]}");
    ck_assert_int_eq(json_write(&out, o, false), 0);
    ck_assert_int_eq(json_write(&out, o, true), -CF_TOO_BIG);
    ck_assert_uint_eq(out.len, 2 * strlen("{\"b\":\"..x\",\"a\":[1,2]}"));
    buf_release(&out);
    json_decref(o);
}
END_TEST

START_TEST(written_text_reads_back)
{
    struct error err = {0};
    char bytes[256];
    struct buf out;
    json_t *o;

    buf_init(&out, 4096);
    ck_assert_int_eq(
        json_write_text(&out, SPAN("a\"\\\n\x01\x1b\x7f\xc2\x9b\xff\xc3\xa9")),
        0);
    ck_assert_str_eq(buf_cstr(&out),
                     "\"a\\\"\\\\\\n\\u0001\\u001b\\u007f\\u009b"
                     "\xef\xbf\xbd\xc3\xa9\"");
    buf_clear(&out);
    for (int i = 0; i < 128; i++)
        bytes[i] = (char)(i == 0 ? 1 : i);
    buf_append_text(&out, "{\"k\":");
    ck_assert_int_eq(json_write_text(&out, span_make(bytes, 128)), 0);
    buf_append_text(&out, "}");
    o = json_parse(buf_span(&out), &err);
    ck_assert_msg(o != NULL, "%s", err.text);
    ck_assert_mem_eq(json_string_value(json_object_get(o, "k")), bytes, 128);
    json_decref(o);
    buf_release(&out);
    buf_init(&out, 5);
    ck_assert_int_eq(json_write_text(&out, SPAN("abcd")), -CF_TOO_BIG);
    ck_assert_uint_eq(out.len, 0);
    buf_release(&out);
}
END_TEST

SUITE("json", parses_and_refuses, depth_is_inclusive,
      a_wall_of_brackets_is_refused_before_parsing, structure_is_inclusive,
      errors_do_not_quote_the_input, getters_check_the_type, writes,
      written_text_reads_back)
