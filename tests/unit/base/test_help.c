#include "base/help.h"

#include "suite.h"

static const struct option talk_options[] = {
    {.name = "quiet", .type = OPT_FLAG, .help = "don't say \\ much"},
    {.name = NULL},
};

static bool row_at(int i, struct help_row *out)
{
    static const struct help_row rows[] = {
        {"conv list", "", "all of them", "prog conv list", NULL},
        {"conv add", "CONV USER...", "one more", "prog conv add c1 bob", NULL},
        {"talk", "WHO", "say it", "prog talk bob", talk_options},
        {.name = NULL},
    };

    *out = rows[i];
    return out->name != NULL;
}

static void words(struct buf *out, const struct help_row *row)
{
    if (strcmp(row->name, "talk") == 0)
        buf_append_text(out, " alice bob");
}

static const struct help_program program = {.name = "a-prog",
                                            .about = "commands:\n",
                                            .ending = "the end\n",
                                            .width = 20,
                                            .row = row_at,
                                            .words = words};
static struct buf b;

static void ck_has(const char *text)
{
    ck_assert_msg(strstr(buf_cstr(&b), text) != NULL, "%s", b.data);
}

static void begin(void)
{
    buf_init(&b, 65536);
}

START_TEST(a_program_and_its_commands)
{
    struct help_row row;

    begin();
    help_program(&b, &program);
    ck_assert_str_eq(buf_cstr(&b), "commands:\n"
                                   "  conv list            all of them\n"
                                   "  conv add CONV USER... one more\n"
                                   "  talk WHO             say it\n"
                                   "the end\n");
    buf_clear(&b);
    ck_assert(help_find(&program, "conv list", &row));
    help_row(&b, &program, &row);
    ck_assert_str_eq(buf_cstr(&b), "usage: a-prog conv list\n\n"
                                   "all of them\n\n  prog conv list\n");
    ck_assert(!help_find(&program, "conv", &row));
    buf_clear(&b);
    help_mdoc(&b, &program);
    ck_has(".It Ic talk Ar WHO\nsay it\n.Bl -tag -width Ds\n");
    buf_release(&b);
}
END_TEST

START_TEST(words_of_a_shell)
{
    begin();
    ck_assert_int_eq(help_completion(&b, &program, "bash"), 0);
    ck_has("_a_prog() {\n");
    ck_has("  \"conv list\"|\"conv list \"*) words=\"\" ;;\n");
    ck_has("  \"talk\"|\"talk \"*) words=\" --quiet alice bob\" ;;\n");
    ck_has("  \"conv\"*) words=\" list add\" ;;\n");
    ck_has("  *) words=\" conv talk\" ;;\n");
    ck_has("complete -o default -F _a_prog a-prog\n");
    buf_clear(&b);
    ck_assert_int_eq(help_completion(&b, &program, "zsh"), 0);
    ck_has("#compdef a-prog\n");
    buf_clear(&b);
    ck_assert_int_eq(help_completion(&b, &program, "tcsh"), -CF_NOT_FOUND);
    ck_assert_uint_eq(b.len, 0);
    buf_release(&b);
}
END_TEST

/* In fish's single quotes a quote and a backslash are escaped. */
START_TEST(texts_are_quoted)
{
    begin();
    ck_assert_int_eq(help_completion(&b, &program, "fish"), 0);
    ck_has("-l quiet -d 'don\\'t say \\\\ much'\n");
    ck_has("complete -c a-prog -n __fish_use_subcommand -a 'conv'\n");
    ck_has("-n '__fish_seen_subcommand_from conv' -a 'add' -d 'one more'\n");
    ck_has("-n __fish_use_subcommand -a 'talk' -d 'say it'\n");
    buf_release(&b);
}
END_TEST

SUITE("help", a_program_and_its_commands, words_of_a_shell, texts_are_quoted)
