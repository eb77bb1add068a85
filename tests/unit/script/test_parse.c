#include "script/ast.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

static struct script *script;

static void tear_down(void)
{
    script_free(&script);
}

/* Files are named from where the scripts of the tests lie. */
static void go_to(const char *folder)
{
    char path[512];
    const char *file = __FILE__, *end = strstr(file, "unit/script/");

    ck_assert_ptr_nonnull(end);
    snprintf(path, sizeof(path), "%.*sscript/%s", (int)(end - file), file,
             folder);
    ck_assert_msg(chdir(path) == 0, "%s", path);
}

static void parse_good(const char *path)
{
    struct error err = {0};

    ck_assert_msg(script_parse_file(&script, path, &err) == 0, "%s", err.text);
}

static int parse_text(const char *text, struct error *err)
{
    script_free(&script);
    return script_parse(&script, "t.confab", span_of(text), err);
}

/* Parse statements of one test; returns the first behind its actors. */
static const struct stmt *parse_body(const char *body)
{
    struct error err = {0};
    char text[4096];

    snprintf(text, sizeof(text),
             "confab-script 1\ntest \"x\" {\n  actor alice, bob\n%s\n}\n",
             body);
    ck_assert_msg(parse_text(text, &err) == 0, "%s", err.text);
    return script->tests->block->next;
}

START_TEST(the_first_example_of_the_design)
{
    const struct stmt *s;

    go_to("good");
    parse_good("one-to-one.confab");
    ck_assert_int_eq(script->ntests, 1);
    ck_assert_int_eq(script->timeout_ms, 2000);
    ck_assert_str_eq(script->tests->name, "one to one with receipts");
    ck_assert_int_eq(script->tests->ntags, 2);
    ck_assert_str_eq(script->tests->tags[1], "receipts");
    s = script->tests->block;
    ck_assert_int_eq(s->kind, STMT_ACTORS);
    ck_assert_int_eq(s->nnames, 2);
    ck_assert_str_eq(s->names[1], "bob");
    s = s->next->next->next;
    ck_assert_int_eq(s->verb, VERB_SENDS);
    ck_assert_str_eq(s->actor, "alice");
    ck_assert_str_eq(s->to->text, "bob");
    ck_assert_str_eq(s->value->text, "lunch at noon?");
    ck_assert_str_eq(s->as.name, "q");
    ck_assert_int_eq(s->at.line, 7);
    ck_assert_int_eq(s->at.column, 3);
    s = s->next;
    ck_assert_int_eq(s->kind, STMT_ANY_ORDER);
    ck_assert_int_eq(s->end_line, 11);
    ck_assert_int_eq(s->block->see->within_ms, 100);
    ck_assert_str_eq(s->block->source, "alice sees sent of $q within 100ms");
}
END_TEST

START_TEST(the_other_examples_parse)
{
    go_to("good");
    parse_good("offline.confab");
    ck_assert_int_eq(script->server, SERVER_SPAWN);
    ck_assert_str_eq(script->argv[0], "confabd");
    ck_assert_str_eq(script->argv[1], "--test-clock");
    ck_assert_ptr_null(script->argv[2]);
    ck_assert_str_eq(script->lets->as.name, "n");
    script_free(&script);
    parse_good("media.confab");
    script_free(&script);
    parse_good("everything.confab");
    ck_assert_int_eq(script->ntests, 3);
    ck_assert_int_eq(script->nsecrets, 1);
    ck_assert_int_eq(script->timeout_ms, 2500);
}
END_TEST

START_TEST(a_text_and_an_object_are_one_pattern)
{
    const struct stmt *s =
        parse_body("alice sees message \"a\" { \"b\": any }");
    const struct expr *p = s->see->pattern;

    ck_assert_int_eq(p->kind, EXPR_OBJECT);
    ck_assert_int_eq(p->count, 2);
    ck_assert_str_eq(p->keys[1], "text");
    ck_assert_str_eq(p->items[1]->text, "a");
}
END_TEST

START_TEST(many_actors_and_computed_ones)
{
    const struct stmt *s = parse_body(
        "actor user[12]\nrepeat 12 as $i {\nuser${i} sends alice \"x\"\n}");

    ck_assert_int_eq(s->nnames, 12);
    ck_assert_str_eq(s->names[11], "user12");
    s = s->next->block;
    ck_assert_str_eq(s->actor, "user${i}");
    ck_assert_int_eq(s->actor_expr->count, 2);
    ck_assert_str_eq(s->actor_expr->items[0]->text, "user");
    ck_assert_int_eq(s->actor_expr->items[1]->kind, EXPR_VAR);
}
END_TEST

START_TEST(operators_bind_as_in_arithmetic)
{
    const struct stmt *s = parse_body("check 1 + 2 * 3 == 7 and not false");
    const struct expr *x = s->value;

    ck_assert_str_eq(x->op, "and");
    ck_assert_str_eq(x->items[0]->op, "==");
    ck_assert_str_eq(x->items[0]->items[0]->op, "+");
    ck_assert_str_eq(x->items[0]->items[0]->items[1]->op, "*");
    ck_assert_str_eq(x->items[1]->op, "not");
}
END_TEST

START_TEST(a_source_is_one_line_without_comments)
{
    const struct stmt *s = parse_body("check [ 1, # one\n   2] == 3 # end");

    ck_assert_str_eq(s->source, "check [ 1, 2] == 3");
}
END_TEST

START_TEST(escapes_are_decoded)
{
    const struct stmt *s =
        parse_body("note \"\\u00e9\\ud83d\\udc4d\\t\\$\\\\\"");

    ck_assert_str_eq(s->value->text, "\xc3\xa9\xf0\x9f\x91\x8d\t$\\");
}
END_TEST

/* ---- mistakes ---- */

static char *slurp(const char *path)
{
    char *text = mem_alloc(4096);
    FILE *f = fopen(path, "r");

    ck_assert_msg(f != NULL, "%s is missing", path);
    (void)!fread(text, 1, 4095, f);
    fclose(f);
    return text;
}

static void check_bad(const char *name)
{
    struct error err = {0};
    char path[280], said[400];
    char *expected;

    snprintf(path, sizeof(path), "%.*s.expect", (int)(strlen(name) - 7), name);
    expected = slurp(path);
    ck_assert_msg(script_parse_file(&script, name, &err) < 0, "%s parses",
                  name);
    ck_assert_ptr_null(script);
    snprintf(said, sizeof(said), "%s\n", err.text);
    ck_assert_str_eq(said, expected);
    free(expected);
}

START_TEST(each_mistake_is_told_as_expected)
{
    int count = 0;
    struct dirent *entry;
    DIR *dir;

    go_to("bad");
    dir = opendir(".");
    while ((entry = readdir(dir)) != NULL) {
        size_t n = strlen(entry->d_name);

        if (n < 8 || strcmp(entry->d_name + n - 7, ".confab") != 0)
            continue;
        check_bad(entry->d_name);
        count++;
    }
    closedir(dir);
    ck_assert_int_ge(count, 60);
}
END_TEST

/* ---- what is too much ---- */

static void fill(struct buf *b, const char *text, int times)
{
    int rc = 0;

    for (int i = 0; i < times; i++)
        rc |= buf_append_text(b, text);
    ck_assert_int_eq(rc, 0);
}

/* head, then piece many times: refused with that reason. */
static void check_big(const char *head, const char *piece, int times,
                      const char *reason)
{
    struct error err = {0};
    struct buf b;

    buf_init(&b, 64 << 20);
    fill(&b, head, 1);
    fill(&b, piece, times);
    ck_assert_int_lt(script_parse(&script, "big", buf_span(&b), &err), 0);
    ck_assert_msg(strstr(err.text, reason) != NULL, "%s", err.text);
    buf_release(&b);
}

#define TEST "confab-script 1\ntest \"x\" {\nactor a\n"

START_TEST(big_scripts_are_refused_fast)
{
    check_big(TEST, "repeat 2 {\n", 10000, "nested deeper");
    check_big(TEST "check ", "[", 5000000, "nested deeper");
    check_big(TEST "check ", "not ", 2000000, "nested deeper");
    check_big(TEST "check ", "-", 5000000, "nested deeper");
    check_big(TEST "check 1", " + 1", 2000000, "operators in a row");
    check_big(TEST "let $x = 1\ncheck $x", ".x", 2000000, "fields in a row");
    check_big(TEST "check [", "1,", 4000000, "values in one script");
    check_big(TEST, "sync a\n", 1400000, "statements in one script");
    check_big(TEST "note \"", "${", 5000000, "nested too deep");
    check_big(TEST "note \"", "${1}", 2000000, "no closing quote");
    check_big(TEST, "#", 11 << 20, "more than 10 MB");
    check_big(TEST "sync ", "a", 9000000, "more than 64 bytes");
    check_big(TEST "actor ", "u${1}", 1000000, "declared by its name");
}
END_TEST

START_TEST(nothing_is_no_script)
{
    struct error err = {0};

    ck_assert_int_lt(parse_text("", &err), 0);
    ck_assert_int_lt(script_parse(&script, "t", (struct span){NULL, 0}, &err),
                     0);
    ck_assert_int_eq(script_parse_file(&script, "/nowhere", &err),
                     -CF_NOT_FOUND);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("parse");
    TCase *t = tcase_create("parse");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, NULL, tear_down);
    tcase_add_test(t, the_first_example_of_the_design);
    tcase_add_test(t, the_other_examples_parse);
    tcase_add_test(t, a_text_and_an_object_are_one_pattern);
    tcase_add_test(t, many_actors_and_computed_ones);
    tcase_add_test(t, operators_bind_as_in_arithmetic);
    tcase_add_test(t, a_source_is_one_line_without_comments);
    tcase_add_test(t, escapes_are_decoded);
    tcase_add_test(t, each_mistake_is_told_as_expected);
    tcase_add_test(t, big_scripts_are_refused_fast);
    tcase_add_test(t, nothing_is_no_script);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed > 0;
}
