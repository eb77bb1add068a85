#include "toml.h"

#include <string.h>

#include "../base/suite.h"

static json_t *parsed(const char *text)
{
    struct error err = {0};
    struct toml t;
    json_t *root;

    ck_assert_msg(toml_parse(&t, "f", span_of(text), &err) == 0, "%s: %s", text,
                  err.text);
    root = json_incref(t.root);
    toml_release(&t);
    return root;
}

static void same(const char *text, const char *json)
{
    json_t *got = parsed(text);
    char *dump = json_dumps(got, JSON_COMPACT | JSON_SORT_KEYS);

    ck_assert_str_eq(dump, json);
    free(dump);
    json_decref(got);
}

static void refused(const char *text, const char *why)
{
    struct error err = {0};
    struct toml t;

    ck_assert_msg(toml_parse(&t, "f", span_of(text), &err) < 0, "%s", text);
    ck_assert_msg(strstr(err.text, why) != NULL, "%s: %s", text, err.text);
}

START_TEST(values)
{
    same("", "{}");
    same("a = 1_000\nb = -3 # c\n", "{\"a\":1000,\"b\":-3}");
    same("a = +0.5\r\nb=1e3\r\n", "{\"a\":0.5,\"b\":1000.0}");
    same("a = [ 1,\n 2, # two\n]\n", "{\"a\":[1,2]}");
    same("a = \"x\\t\\u00e4\\\"\"\nb = 'c:\\d'",
         "{\"a\":\"x\\t\xc3\xa4\\\"\",\"b\":\"c:\\\\d\"}");
    same("t = true\nf = false", "{\"f\":false,\"t\":true}");
    same("a = { b = 1, c.d = [ {} ] }", "{\"a\":{\"b\":1,\"c\":{\"d\":[{}]}}}");
}
END_TEST

START_TEST(tables)
{
    same("a.b.c = 1\na.d = 2", "{\"a\":{\"b\":{\"c\":1},\"d\":2}}");
    same("\"e2e.p99\" = 1", "{\"e2e.p99\":1}");
    same("[a.b]\nc = 1\n[a]\nd = 2", "{\"a\":{\"b\":{\"c\":1},\"d\":2}}");
    same("[[t]]\na = 1\n[t.x]\nb = 2\n[[t]]\na = 3",
         "{\"t\":[{\"a\":1,\"x\":{\"b\":2}},{\"a\":3}]}");
    same("[ a . 'b' ]\n", "{\"a\":{\"b\":{}}}");
}
END_TEST

START_TEST(twice)
{
    refused("a = 1\na = 2", "f:2:1: 'a' is there already");
    refused("[a]\n[a]", "f:2:2: 'a'");
    refused("a = {}\n[a.b]", "f:2:2: 'a'");
    refused("a = []\n[[a]]", "f:2:3: 'a'");
    refused("[[a]]\n[a]", "f:2:2: 'a'");
    refused("[a]\nb.c = 1\n[a.b]", "f:3:4: 'b'");
    refused("[a.b.c]\n[a]\nb.d = 1", "f:3:1: 'b'");
    refused("a = { b = 1, b = 2 }", "f:1:14: 'b'");
    refused("a = {b = 1}\na.c = 2", "f:2:1: 'a'");
}
END_TEST

START_TEST(mistakes)
{
    refused("a = ", "f:1:5: a value is missing");
    refused("rate = 2k/s", "f:1:8: '2k/s' is no number; text stands in");
    refused("a 1", "f:1:3: '=' expected");
    refused("a = 1 b = 2", "f:1:7: more on the line");
    refused("\n\n[a", "f:3:3: ']' expected");
    refused("[[a]", "f:1:5: ']]' expected");
    refused("a = 'x", "f:1:5: the string has no end");
    refused("a = \"\\x\"", "f:1:6: unknown escape");
    refused("a = \"\\ud800\"", "no such character");
    refused("a = \"\"\"x\"\"\"", "f:1:5: strings stand on one line");
    refused("a = 1979-05-27", "dates");
    refused("a = 07:32:00", "dates");
    refused("a = 0x10", "only decimal");
    refused("a = 012", "no number");
    refused("a = 1__0", "no number");
    refused("a = 1.", "no number");
    refused("a = inf", "no number");
    refused("a = 99999999999999999999", "too large");
    refused("a = 1e999", "too large");
    refused("a = [1 2]", "f:1:8: ',' or ']'");
    refused("a = [1,", "f:1:5: the array has no end");
    refused("a = {b = 1,}", "f:1:12: a key");
    refused("a = {b = 1\n}", "',' or '}'");
    refused("= 1", "f:1:1: a key is expected");
    refused("\xc3\xa4 = \xff", "f:1:5: not UTF-8");
    refused("a = \"\x01\"", "control character");
    refused("# \x01", "control character in a comment");
    refused("\rb = 1", "a key is expected");
}
END_TEST

START_TEST(bounds)
{
    char deep[64], *big = malloc(TOML_BYTES + 2);
    struct error err = {0};
    struct toml t;

    memset(deep, 0, sizeof(deep));
    memcpy(deep, "a = ", 4);
    memset(deep + 4, '[', 8);
    memset(deep + 12, ']', 8);
    refused(deep, "more than 8 levels");
    refused("a.b.c.d.e.f.g.h.i = 1", "more than 8 levels");
    refused("[a.b.c.d.e.f.g.h]", "more than 8 levels");
    same("a.b.c.d.e.f.g.h = 1",
         "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":1}}}}}}}}");
    memset(big, '\n', TOML_BYTES + 1);
    ck_assert_int_eq(toml_parse(&t, "f", span_make(big, TOML_BYTES + 1), &err),
                     -CF_TOO_BIG);
    ck_assert_int_eq(toml_parse(&t, "f", span_make(big, TOML_BYTES), &err), 0);
    toml_release(&t);
    memset(big, 'k', 400);
    memcpy(big + 400, " = 1", 5);
    refused(big, "a key of more than");
    free(big);
}
END_TEST

START_TEST(places)
{
    static const char text[] = "a = 1\n[[t]]\n  b = [10,\n   20]\n";
    const struct toml_place *p;
    struct error err = {0};
    const json_t *list, *table;
    struct toml t;

    ck_assert_int_eq(toml_parse(&t, "f", SPAN(text), &err), 0);
    p = toml_place(&t, t.root, "a");
    ck_assert_int_eq(p->line, 1);
    ck_assert_int_eq(p->value_column, 5);
    list = json_object_get(t.root, "t");
    p = toml_place(&t, list, "0");
    ck_assert_int_eq(p->line, 2);
    table = json_array_get(list, 0);
    p = toml_place(&t, table, "b");
    ck_assert_int_eq(p->line, 3);
    ck_assert_int_eq(p->column, 3);
    p = toml_place(&t, json_object_get(table, "b"), "1");
    ck_assert_int_eq(p->line, 4);
    ck_assert_int_eq(p->column, 4);
    ck_assert_ptr_null(toml_place(&t, table, "c"));
    toml_release(&t);
}
END_TEST

SUITE("toml", values, tables, twice, mistakes, bounds, places)
