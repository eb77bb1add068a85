#include "script/ast.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "script/lexer.h"

#define BIG (64 << 20)

static void go_to_top(void)
{
    char path[512];
    const char *file = __FILE__, *end = strstr(file, "tests/unit/script/");

    ck_assert_ptr_nonnull(end);
    snprintf(path, sizeof(path), "%.*s.", (int)(end - file), file);
    ck_assert_msg(chdir(path) == 0, "%s", path);
}

static void format(struct buf *out, struct span text)
{
    struct error err = {0};

    buf_init(out, BIG);
    ck_assert_msg(script_format(out, "t", text, &err) == 0, "%s", err.text);
}

static void becomes(const char *from, const char *to)
{
    struct buf out;

    format(&out, span_of(from));
    ck_assert_str_eq(buf_cstr(&out), to);
    buf_release(&out);
}

START_TEST(blanks_and_lines)
{
    becomes("\xef\xbb\xbf\n\n  confab-script   1 ;;\r\n\n\n\nlet $x=[1 ,2,- 3,"
            "{\"a\" :1,\"b\":[ ]}]",
            "confab-script 1\n\n"
            "let $x = [1, 2, -3, { \"a\": 1, \"b\": [] }]\n");
}
END_TEST

START_TEST(blocks_are_indented)
{
    becomes("confab-script 1\ntest \"x\"{\nactor a ;  a connects;\nrepeat "
            "2{a connects}\nforbid a message{\n# why\na connects# so\n}\n}",
            "confab-script 1\ntest \"x\" {\n  actor a ; a connects\n"
            "  repeat 2 { a connects }\n  forbid a message {\n    # why\n"
            "    a connects # so\n  }\n}\n");
}
END_TEST

START_TEST(signs_of_expressions_and_patterns)
{
    becomes("confab-script 1\nlet $x = 1\ntest \"x\" {\nactor a\n"
            "a sees message ~ \"x\" {\"a\":1 .. -3 +4,\"b\":~ \"q\"}\n"
            "check $x[ 0 ]-1==- 1 and not -length( $x )~\"x\"\n}",
            "confab-script 1\nlet $x = 1\ntest \"x\" {\n  actor a\n"
            "  a sees message ~\"x\" { \"a\": 1..-3 + 4, \"b\": ~\"q\" }\n"
            "  check $x[0] - 1 == -1 and not -length($x) ~ \"x\"\n}\n");
}
END_TEST

START_TEST(a_command_keeps_its_words)
{
    becomes("confab-script 1\nserver spawn   ./confabd   --listen=a:0,1  "
            "\"x  y\"  # own\ntimeout 5s",
            "confab-script 1\nserver spawn ./confabd --listen=a:0,1 \"x  y\" "
            "# own\ntimeout 5s\n");
}
END_TEST

START_TEST(what_does_not_parse_stays)
{
    struct error err = {0};
    struct buf out;

    buf_init(&out, BIG);
    ck_assert_int_lt(
        script_format(&out, "t", SPAN("confab-script 1\ntest"), &err), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "t:2:5"));
    ck_assert_uint_eq(out.len, 0);
    buf_release(&out);
}
END_TEST

/* ---- all scripts of the tree ---- */

static struct token next_word(struct lexer *x)
{
    struct token t;

    do {
        t = lexer_next(x);
    } while (t.kind == TOKEN_NEWLINE);
    return t;
}

/* The words, comments too, are the same. */
static void same_words(const char *path, struct span a, struct span b)
{
    struct lexer x, y;
    struct token t, u;
    bool same = true;

    lexer_init(&x, a);
    lexer_init(&y, b);
    x.comments = y.comments = true;
    do {
        t = next_word(&x);
        u = next_word(&y);
        same = t.kind == u.kind && span_eq(t.raw, u.raw);
    } while (same && t.kind != TOKEN_END && t.kind != TOKEN_BAD);
    ck_assert_msg(same, "%s:%d: '%.*s' became '%.*s'", path, t.line,
                  (int)t.raw.n, t.raw.p, (int)u.raw.n, u.raw.p);
}

static bool check_file(const char *path)
{
    char *text = mem_alloc(SCRIPT_MAX_BYTES);
    FILE *f = fopen(path, "r");
    struct error err = {0};
    struct buf once, twice;
    struct span all;
    bool parses;

    ck_assert_msg(f != NULL, "%s", path);
    all = span_make(text, fread(text, 1, SCRIPT_MAX_BYTES, f));
    fclose(f);
    buf_init(&once, BIG);
    parses = script_format(&once, path, all, &err) == 0;
    if (parses) {
        format(&twice, buf_span(&once));
        ck_assert_msg(span_eq(buf_span(&once), buf_span(&twice)), "%s", path);
        same_words(path, all, buf_span(&once));
        buf_release(&twice);
    }
    buf_release(&once);
    free(text);
    return parses;
}

static int check_folder(const char *folder, const char *suffix)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char path[600];
    int count = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        size_t n = strlen(entry->d_name), m = strlen(suffix);

        if (entry->d_name[0] == '.' || n < m ||
            strcmp(entry->d_name + n - m, suffix) != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        count += check_file(path);
    }
    if (dir != NULL)
        closedir(dir);
    return count;
}

START_TEST(all_scripts_of_the_tree)
{
    go_to_top();
    ck_assert_int_ge(check_folder("tests/script/good", ".confab"), 5);
    ck_assert_int_ge(check_folder("tests/fuzz/corpus/fuzz_script", ""), 4);
    check_folder("tests/script/bad", ".confab");
    check_folder("e2e", ".confab");
    check_folder("e2e/cookbook", ".confab");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("format");
    TCase *t = tcase_create("format");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 120);
    tcase_add_test(t, blanks_and_lines);
    tcase_add_test(t, blocks_are_indented);
    tcase_add_test(t, signs_of_expressions_and_patterns);
    tcase_add_test(t, a_command_keeps_its_words);
    tcase_add_test(t, what_does_not_parse_stays);
    tcase_add_test(t, all_scripts_of_the_tree);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed > 0;
}
