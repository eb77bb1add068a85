#include "script/select.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/script/suite.h"

/* ---- files ---- */

static char dir[64], top[256];

static void make(const char *path)
{
    FILE *f = fopen(path, "we");

    ck_assert_ptr_nonnull(f);
    fclose(f);
}

static void tree(void)
{
    snprintf(dir, sizeof(dir), "/tmp/confab-select-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_ptr_nonnull(getcwd(top, sizeof(top)));
    ck_assert_int_eq(chdir(dir), 0);
    mkdir("b", 0700);
    mkdir("b/.git", 0700);
    mkdir("empty", 0700);
    make("z.confab");
    make("a.confab");
    make("b/one.confab");
    make("b/.git/no.confab");
    make("b/.hidden.confab");
    make("b/readme");
    make("b/half:7");
}

static int unlink_one(const char *path, const struct stat *st, int type,
                      struct FTW *at)
{
    return remove(path);
}

static void fell(void)
{
    ck_assert_int_eq(chdir(top), 0);
    ck_assert_int_eq(nftw(dir, unlink_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void expect(const char *operand, const char *list)
{
    struct error err = {0};
    struct picks p;
    char got[512] = "";

    if (picks_find(&p, &operand, 1, &err) < 0)
        snprintf(got, sizeof(got), "%s", err.text);
    for (int i = 0; i < p.count; i++) {
        size_t n = strlen(got);

        snprintf(got + n, sizeof(got) - n, "%s%s", i > 0 ? " " : "",
                 p.items[i].path);
        n = strlen(got);
        if (p.items[i].line > 0)
            snprintf(got + n, sizeof(got) - n, "@%d", p.items[i].line);
    }
    ck_assert_str_eq(got, list);
    picks_release(&p);
}

START_TEST(operands)
{
    const char *const twice[] = {"a.confab", ".", "a.confab"};
    struct error err = {0};
    struct picks p;

    tree();
    expect(".", "./a.confab ./b/one.confab ./z.confab");
    expect("b/", "b/one.confab");
    expect("b/readme", "b/readme");
    expect("a.confab:12", "a.confab@12");
    expect("b/half:7", "b/half:7");
    expect("a.confab:0", "a.confab:0: No such file or directory");
    expect("a.confab:1x", "a.confab:1x: No such file or directory");
    expect("none:3", "none: No such file or directory");
    expect("empty", "no script (*.confab) in empty");
    ck_assert_int_eq(picks_find(&p, twice, 3, &err), 0);
    ck_assert_int_eq(p.count, 4);
    picks_release(&p);
    fell();
}
END_TEST

/* ---- tests ---- */

static const char *core[] = {"core", "fast"};
static const char *slow[] = {"slow"};
static struct stmt restart = {.kind = STMT_SERVER, .fault = FAULT_RESTART};
static struct stmt block = {.kind = STMT_STEP, .block = &restart};
static struct stmt note = {.kind = STMT_NOTE, .next = &block};
static struct test rows[3];
static struct script script;

static void a_script(void)
{
    static struct stmt plain = {.kind = STMT_NOTE};

    rows[0] = (struct test){.name = "nothing lost",
                            .at = {"x", 3, 1},
                            .end_line = 9,
                            .tags = core,
                            .ntags = 2,
                            .block = &plain,
                            .next = &rows[1]};
    rows[1] = (struct test){.name = "nothing twice",
                            .at = {"x", 11, 1},
                            .end_line = 20,
                            .tags = slow,
                            .ntags = 1,
                            .block = &note,
                            .next = &rows[2]};
    rows[2] =
        (struct test){.name = "other [1]", .at = {"x", 22, 1}, .end_line = 30};
    script = (struct script){.path = "x", .tests = rows, .ntests = 3};
}

/* The tests that fit, as letters. */
static void fit(const struct selection *sel, int line, const char *letters)
{
    struct plan p = {0};
    char got[8] = "";

    ck_assert_int_eq(plan_add(&p, &script, line, sel), p.count);
    for (int i = 0; i < p.count; i++)
        got[i] = (char)('a' + (p.tests[i].test - rows));
    ck_assert_str_eq(got, letters);
    plan_release(&p);
}

START_TEST(names_and_tags)
{
    const char *nothing = "nothing*", *exact = "other \\[1\\]",
               *two = "slow, fast", *half = "cor", *quick = "core";

    a_script();
    fit(&(struct selection){0}, 0, "abc");
    fit(&(struct selection){.only = &nothing, .nonly = 1}, 0, "ab");
    fit(&(struct selection){.only = &exact, .nonly = 1}, 0, "c");
    fit(&(struct selection){.only_tags = &two, .nonly_tags = 1}, 0, "ab");
    fit(&(struct selection){.only_tags = &half, .nonly_tags = 1}, 0, "");
    fit(&(struct selection){.skip_tags = &quick, .nskip_tags = 1}, 0, "bc");
    fit(&(struct selection){.only_tags = &two,
                            .nonly_tags = 1,
                            .skip_tags = &quick,
                            .nskip_tags = 1},
        0, "b");
    fit(&(struct selection){.until_line = 11}, 0, "a");
    fit(&(struct selection){.until_line = 12}, 0, "ab");
    fit(&(struct selection){0}, 3, "a");
    fit(&(struct selection){0}, 20, "b");
    fit(&(struct selection){0}, 21, "");
}
END_TEST

START_TEST(own_servers)
{
    struct plan p = {0};

    a_script();
    plan_add(&p, &script, 11, &(struct selection){0});
    plan_add(&p, &script, 0, &(struct selection){0});
    ck_assert_int_eq(p.count, 3);
    ck_assert_ptr_eq(p.tests[0].needs_own, &restart);
    ck_assert_int_eq(p.tests[0].number, 2);
    ck_assert_ptr_null(p.tests[1].needs_own);
    plan_release(&p);
}
END_TEST

static void order_of(uint64_t seed, char out[40])
{
    static struct test many[30];
    struct script s = {.tests = many};
    struct plan p = {0};

    for (int i = 0; i < 29; i++)
        many[i] = (struct test){.name = "t", .next = &many[i + 1]};
    many[29] = (struct test){.name = "t"};
    plan_add(&p, &s, 0, &(struct selection){0});
    plan_shuffle(&p, seed);
    for (int i = 0; i < 30; i++)
        out[i] = (char)('A' + (p.tests[i].test - many));
    out[30] = '\0';
    plan_release(&p);
}

START_TEST(shuffles_by_seed)
{
    char one[40], again[40], other[40];

    order_of(1, one);
    order_of(1, again);
    order_of(2, other);
    ck_assert_str_eq(one, again);
    ck_assert_str_ne(one, other);
    for (int c = 'A'; c < 'A' + 30; c++)
        ck_assert_ptr_nonnull(strchr(one, c));
}
END_TEST

SUITE("select", operands, names_and_tags, own_servers, shuffles_by_seed)
