#include "script/value.h"

#include <stdlib.h>
#include <unistd.h>

#include "kit.h"

/* The expression is that JSON value. */
static void is(const char *text, const char *json)
{
    const struct expr *x = kit_expr(text);
    json_t *want = kit_json(json), *have = NULL;
    struct error err = {0};
    char *shown;

    ck_assert_msg(expr_eval(&kit_eval, x, &have, &err) == 0, "%s: %s", text,
                  err.text);
    shown = json_dumps(have, JSON_ENCODE_ANY);
    ck_assert_msg(json_equal(have, want), "%s is %s", text, shown);
    free(shown);
    json_decref(want);
    json_decref(have);
}

static void fails(const char *text, const char *why)
{
    const struct expr *x = kit_expr(text);
    json_t *have = NULL;
    struct error err = {0};

    ck_assert_int_lt(expr_eval(&kit_eval, x, &have, &err), 0);
    ck_assert_ptr_null(have);
    ck_assert_msg(strstr(err.text, why) != NULL, "%s: %s", text, err.text);
    ck_assert_msg(strncmp(err.text, "t:8:", 4) == 0, "%s", err.text);
}

START_TEST(arithmetic)
{
    is("1 + 2 * 3", "7");
    is("(1 + 2) * 3", "9");
    is("7 / 2", "3.5");
    is("6 / 2", "3");
    is("7 % 4", "3");
    is("-7 % 4", "-3");
    is("1.5 + 1", "2.5");
    is("\"a\" + \"b\"", "\"ab\"");
    is("\"ab\" * 3", "\"ababab\"");
    is("-(1 + 2)", "-3");
    fails("1 + \"a\"", "a number + a text");
    fails("[1] - null", "an array - null");
    fails("1 / 0", "division by 0");
    fails("1 % 0", "division by 0");
    fails("9223372036854775807 + 1", "64 bits");
    fails("\"abcdefgh\" * 4000000", "4 MB");
    fails("\"a\" * -1", "0 to");
    fails("-\"a\"", "-a text");
}
END_TEST

START_TEST(extremes_of_whole_numbers)
{
    is("-9223372036854775807 - 1", "-9223372036854775808");
    fails("(-9223372036854775807 - 1) / -1", "64 bits");
    is("(-9223372036854775807 - 1) % -1", "0");
    fails("-(-9223372036854775807 - 1)", "64 bits");
    fails("9223372036854775807 * 2", "64 bits");
}
END_TEST

START_TEST(comparisons_and_logic)
{
    is("1 == 1.0", "true");
    is("1 == \"1\"", "false");
    is("[1, { \"a\": 2 }] == [1.0, { \"a\": 2 }]", "true");
    is("1 < 2 and \"a\" < \"b\"", "true");
    is("2 <= 2 and 2 >= 2 and not 2 < 2 and 3 > 2", "true");
    is("null or 3", "true");
    is("false and $m or \"\"", "false");
    is("\"queued 7\" ~ \"^queued [0-9]$\"", "true");
    is("\"queued x\" ~ \"^queued [0-9]$\"", "false");
    fails("1 < \"a\"", "a number < a text");
    fails("1 ~ \"a\"", "a number ~ a text");
    fails("\"a\" ~ \"(\"", "bad regex");
}
END_TEST

START_TEST(functions)
{
    is("length(\"日本語\")", "3");
    is("length([1, 2])", "2");
    is("length({ \"a\": 1 })", "1");
    is("text(1.5)", "\"1.5\"");
    is("text([1, \"a\"])", "\"[1,\\\"a\\\"]\"");
    is("number(\"12\") + number(\"1.5\") + number(3)", "16.5");
    is("lower(\"AbC\")", "\"abc\"");
    is("min(3, 1, 2)", "1");
    is("max(3, 1, 2.5)", "3");
    is("sha256(\"\")", "\"e3b0c44298fc1c149afbf4c8996fb924"
                       "27ae41e4649b934ca495991b7852b855\"");
    is("sha256(\"abc\")", "\"ba7816bf8f01cfea414140de5dae2223"
                          "b00361a396177a9cb410ff61f20015ad\"");
    is("sha256(\"a\" * 1000000)", "\"cdc76e5c9914fb9281a1c7e284d73e67"
                                  "f1809a48a497200e046d39ccc7112cd0\"");
    fails("length(1)", "length() of a number");
    fails("number(\"1x\")", "is not a number");
    fails("min(1, \"a\")", "min() of a text");
    fails("sha256(null)", "sha256() of null");
}
END_TEST

START_TEST(files)
{
    char dir[] = "/tmp/confab-value-XXXXXX", path[64];
    FILE *f;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/abc", dir);
    f = fopen(path, "w");
    fputs("abc", f);
    fclose(f);
    kit_eval.dir = dir;
    is("file(\"abc\").size", "3");
    is("file(\"abc\").text", "\"abc\"");
    is("sha256(file(\"abc\")) == sha256(\"abc\")", "true");
    fails("file(\"none\")", "No such file");
    unlink(path);
    rmdir(dir);
}
END_TEST

START_TEST(variables_and_fields)
{
    kit_set("q", "{\"id\": \"m1\", \"body\": {\"list\": [1, 2]}}");
    is("$q.id", "\"m1\"");
    is("$q.body.list[1]", "2");
    is("$q[\"id\"]", "\"m1\"");
    is("\"<${q.id}/${q.body.list[0] + 1}>\"", "\"<m1/2>\"");
    fails("$q.ids", "no field 'ids', did you mean 'id'");
    fails("$q.id.x", "of a text");
    fails("$q.body.list[2]", "there are 2");
    fails("$q.body.list[\"a\"]", "cannot be indexed with a text");
    fails("$a", "$a is not set");
}
END_TEST

START_TEST(the_environment)
{
    setenv("CONFAB_VAR_HOST", "h", 1);
    unsetenv("CONFAB_VAR_NONE");
    is("$env.HOST + \"${env.HOST}\"", "\"hh\"");
    fails("$env.NONE", "CONFAB_VAR_NONE is not set");
}
END_TEST

/* The id comes when it was asked for twice. */
static int wait_for_id(void *ctx, json_t *event, const char *field)
{
    int *asked = ctx;

    if (strcmp(field, "id") != 0)
        return -CF_NOT_FOUND;
    if (++*asked < 2)
        return -CF_AGAIN;
    json_object_set_new(event, "id", json_string("m9"));
    return 0;
}

START_TEST(a_field_that_comes_later_is_waited_for)
{
    struct error err = {0};
    json_t *v = NULL;
    int asked = 0;

    kit_set("q", "{\"text\": \"x\"}");
    kit_eval.wait = wait_for_id;
    kit_eval.ctx = &asked;
    ck_assert_int_eq(expr_eval(&kit_eval, kit_expr("\"<${q.id}>\""), &v, &err),
                     -CF_AGAIN);
    ck_assert_ptr_null(v);
    is("\"<${q.id}>\"", "\"<m9>\"");
    fails("$q.other", "no field 'other'");
}
END_TEST

START_TEST(scopes_nest)
{
    struct scope *inner = scope_new(kit_scope);
    struct error err = {0};

    kit_set("a", "1");
    scope_set(inner, "a", NULL, json_integer(2), &err);
    scope_set(inner, "b", NULL, json_integer(3), &err);
    ck_assert_int_eq(json_integer_value(scope_get(kit_scope, "a")), 2);
    ck_assert_int_eq(json_integer_value(scope_get(inner, "b")), 3);
    ck_assert_ptr_null(scope_get(kit_scope, "b"));
    scope_free(&inner);
}
END_TEST

static int set_at(json_t *index, int value)
{
    struct error err = {0};
    int rc = scope_set(kit_scope, "m", index, json_integer(value), &err);

    json_decref(index);
    return rc;
}

START_TEST(elements_grow)
{
    json_t *before;

    ck_assert_int_eq(set_at(json_integer(3), 30), 0);
    before = json_incref(scope_get(kit_scope, "m"));
    ck_assert_int_eq(set_at(json_integer(1), 10), 0);
    is("$m", "[null, 10, null, 30]");
    ck_assert(json_is_null(json_array_get(before, 1)));
    json_decref(before);
    ck_assert_int_lt(set_at(json_integer(-1), 0), 0);
    ck_assert_int_lt(set_at(json_integer(SCRIPT_MAX_REPEAT + 1), 0), 0);
    ck_assert_int_lt(set_at(json_null(), 0), 0);
    ck_assert_int_eq(set_at(json_string("a"), 1), 0);
    is("$m", "{\"a\": 1}");
}
END_TEST

START_TEST(whole_numbers_within_bounds)
{
    struct error err = {0};
    int64_t n = 0;

    ck_assert_int_eq(
        expr_eval_int(&kit_eval, kit_expr("6 / 2"), 0, 3, &n, &err), 0);
    ck_assert_int_eq(n, 3);
    ck_assert_int_lt(expr_eval_int(&kit_eval, kit_expr("4"), 0, 3, &n, &err),
                     0);
    ck_assert_str_eq(err.text, "t:8:11: 4, but it must be 0 to 3");
    ck_assert_int_lt(expr_eval_int(&kit_eval, kit_expr("1.5"), 0, 3, &n, &err),
                     0);
    ck_assert_int_lt(expr_eval_int(&kit_eval, kit_expr("1e30"), 0, 3, &n, &err),
                     0);
    ck_assert_int_lt(
        expr_eval_int(&kit_eval, kit_expr("\"1\""), 0, 3, &n, &err), 0);
}
END_TEST

START_TEST(names_with_numbers)
{
    const struct stmt *s = kit_stmt("user${1 + 1} connects");
    struct error err = {0};
    struct buf out;

    buf_init(&out, 100);
    ck_assert_int_eq(expr_eval_text(&kit_eval, s->actor_expr, &out, &err), 0);
    ck_assert_str_eq(buf_cstr(&out), "user2");
    buf_release(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("value");
    TCase *t = tcase_create("value");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, kit_set_up, kit_tear_down);
    tcase_add_test(t, arithmetic);
    tcase_add_test(t, extremes_of_whole_numbers);
    tcase_add_test(t, comparisons_and_logic);
    tcase_add_test(t, functions);
    tcase_add_test(t, files);
    tcase_add_test(t, variables_and_fields);
    tcase_add_test(t, the_environment);
    tcase_add_test(t, a_field_that_comes_later_is_waited_for);
    tcase_add_test(t, scopes_nest);
    tcase_add_test(t, elements_grow);
    tcase_add_test(t, whole_numbers_within_bounds);
    tcase_add_test(t, names_with_numbers);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed > 0;
}
