#include "script/value.h"

#include "kit.h"
#include "script/pattern_regex.h"

static const char event[] =
    "{\"text\": \"queued 8\", \"seq\": 8, \"id\": \"m8\", \"n\": 1.5,"
    " \"list\": [1, \"two\"], \"body\": {\"a\": 1, \"b\": null}}";

/* 1, 0 or -1, with the reason in why. */
static int match(const char *pattern, const char *json, char *why, size_t size)
{
    char line[1024];
    const struct stmt *s;
    json_t *value = kit_json(json);
    struct error err = {0};
    struct buf reason;
    int rc;

    snprintf(line, sizeof(line), "bob sees message %s", pattern);
    s = kit_stmt(line);
    buf_init(&reason, 1024);
    rc = pattern_match(&kit_eval, s->see->pattern, value, &reason, &err);
    snprintf(why, size, "%s", rc < 0 ? err.text : buf_cstr(&reason));
    buf_release(&reason);
    if (rc >= 0) /* the answer does not depend on who asks why */
        ck_assert_int_eq(
            pattern_match(&kit_eval, s->see->pattern, value, NULL, &err), rc);
    json_decref(value);
    return rc < 0 ? -1 : rc;
}

static void fits(const char *pattern)
{
    char why[1024];

    ck_assert_msg(match(pattern, event, why, sizeof(why)) == 1, "%s: %s",
                  pattern, why);
}

static void differs(const char *pattern, const char *reason)
{
    char why[1024];

    ck_assert_msg(match(pattern, event, why, sizeof(why)) == 0, "%s: %s",
                  pattern, why);
    ck_assert_str_eq(why, reason);
}

START_TEST(a_text_is_that_of_the_event)
{
    fits("\"queued 8\"");
    fits("\"queued ${4 + 4}\"");
    fits("~\"^queued [0-9]+$\"");
    fits("~\"ed\"");
    differs("\"queued 7\"", "text: \"queued 7\" -> \"queued 8\"");
    differs("~\"^8\"", "text: ~\"^8\" -> \"queued 8\"");
}
END_TEST

START_TEST(what_is_interpolated_in_a_regex_means_itself)
{
    char why[1024];

    kit_set("q", "\"a.c(\"");
    ck_assert_int_eq(
        match("~\"^${q}$\"", "{\"text\": \"a.c(\"}", why, sizeof(why)), 1);
    ck_assert_int_eq(
        match("~\"^${q}$\"", "{\"text\": \"abc(\"}", why, sizeof(why)), 0);
}
END_TEST

START_TEST(an_object_is_a_part_of_the_event)
{
    fits("{}");
    fits("{ \"seq\": 8 }");
    fits("{ \"seq\": 1..8, \"n\": 1..2, \"id\": any, \"text\": ~\"8\" }");
    fits("{ \"list\": [1, ~\"t\"], \"body\": { \"a\": 1 } }");
    fits("{ \"body\": { \"b\": null }, \"nowhere\": null }");
    fits("\"queued 8\" { \"seq\": 8.0 }");
    differs("{ \"seq\": 7, \"x\": any }", "seq: 7 -> 8; x: any -> nothing");
    differs("{ \"seq\": 9..10 }", "seq: 9..10 -> 8");
    differs("{ \"id\": 1..2 }", "id: 1..2 -> \"m8\"");
    differs("{ \"body\": { \"a\": 2 } }", "body.a: 2 -> 1");
    differs("{ \"list\": [1, 2] }", "list[1]: 2 -> \"two\"");
    differs("{ \"list\": [1] }", "list: an array of 1 -> [1,\"two\"]");
    differs("{ \"id\": null }", "id: null -> \"m8\"");
    differs("{ \"seq\": { \"a\": 1 } }", "seq: an object -> 8");
}
END_TEST

START_TEST(exactly_allows_nothing_else)
{
    fits("exactly { \"text\": any, \"seq\": any, \"id\": any, \"n\": any, "
         "\"list\": any, \"body\": exactly { \"a\": 1, \"b\": null } }");
    differs("exactly { \"text\": any, \"seq\": 8, \"id\": any, \"n\": any, "
            "\"list\": any }",
            "body: nothing -> {\"a\":1,\"b\":null}");
    differs("{ \"body\": exactly { \"a\": 1 } }", "body.b: nothing -> null");
}
END_TEST

START_TEST(variables_in_patterns)
{
    char why[1024];

    kit_set("q", "{\"seq\": 8}");
    fits("{ \"seq\": $q.seq }");
    fits("{ \"seq\": $q.seq - 1..$q.seq + 1 }");
    differs("{ \"seq\": $q.seq + 1 }", "seq: 9 -> 8");
    ck_assert_int_eq(match("{ \"seq\": $a }", event, why, sizeof(why)), -1);
    ck_assert_str_eq(why, "t:8:27: $a is not set");
    ck_assert_int_eq(match("{ \"seq\": 1..\"x\" }", event, why, sizeof(why)),
                     -1);
}
END_TEST

static int near(const char *pattern)
{
    char line[1024];
    json_t *value = kit_json(event);
    int n;

    snprintf(line, sizeof(line), "bob sees message %s", pattern);
    n = pattern_nearness(&kit_eval, kit_stmt(line)->see->pattern, value);
    json_decref(value);
    return n;
}

START_TEST(the_nearest_is_the_one_that_differs_least)
{
    ck_assert_int_eq(near("\"queued 8\""), 1000);
    ck_assert_int_lt(near("\"queued 7\""), 1000);
    ck_assert_int_gt(near("\"queued 7\""), near("\"lunch\""));
    ck_assert_int_gt(near("{ \"seq\": 8, \"id\": \"m7\" }"),
                     near("{ \"seq\": 7, \"id\": \"x\" }"));
    ck_assert_int_eq(near("{ \"nowhere\": 1 }"), 0);
    ck_assert_int_eq(near("{ \"seq\": $a }"), 0);
    ck_assert_int_gt(near("exactly { \"seq\": 8 }"), 500);
}
END_TEST

/* 0, or why not. */
static const char *regex(const char *text)
{
    static struct error err;

    return regex_check(text, &err) == 0 ? "" : err.text;
}

START_TEST(a_regex_is_bounded)
{
    ck_assert_str_eq(regex("^[[:alnum:]]+@[a-z.-]+$"), "");
    ck_assert_str_eq(regex("([0-9]{1,3}\\.){3}[0-9]{1,3}"), "");
    ck_assert_str_eq(regex("[]^[:digit:]+]+(a|b)*\\(+"), "");
    ck_assert_str_ne(regex("((a{1,99}){1,99}){1,99}"), "");
    ck_assert_str_ne(regex("(((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+"), "");
    ck_assert_str_ne(regex("a+++++++++++++++++++++++++"), "");
    ck_assert_str_ne(regex("a*+*+*+*+*+*+*+*+*+*+*+*+*+*+"), "");
    ck_assert_str_ne(regex("a{9}{9}{9}{9}{9}{9}"), "");
    ck_assert_str_eq(regex("^( *[a-z]+(-[0-9]+)?,?)*$"), "");
    ck_assert_str_eq(regex("(a?b*){3,20}(c|)+"), "");
    ck_assert_str_ne(regex("(){909,}"), "");
    ck_assert_str_ne(regex("((){20,}){100,}"), "");
    ck_assert_str_ne(regex("(a*b*)+{1,400}"), "");
    ck_assert_str_ne(regex("(^$|\\b){900}"), "");
    ck_assert_str_ne(regex("(a)\\1"), "");
    ck_assert_str_ne(regex("[[:digit:"), "");
    ck_assert_str_ne(regex("a\\"), "");
    ck_assert_str_ne(regex("((((((((((((((((((((((((((((((((((((a"), "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pattern");
    TCase *t = tcase_create("pattern");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, kit_set_up, kit_tear_down);
    tcase_add_test(t, a_text_is_that_of_the_event);
    tcase_add_test(t, what_is_interpolated_in_a_regex_means_itself);
    tcase_add_test(t, an_object_is_a_part_of_the_event);
    tcase_add_test(t, exactly_allows_nothing_else);
    tcase_add_test(t, variables_in_patterns);
    tcase_add_test(t, the_nearest_is_the_one_that_differs_least);
    tcase_add_test(t, a_regex_is_bounded);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed > 0;
}
