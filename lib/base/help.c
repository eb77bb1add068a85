#include "base/help.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

bool help_find(const struct help_program *p, const char *name,
               struct help_row *out)
{
    for (int i = 0; p->row(i, out); i++)
        if (strcmp(out->name, name) == 0)
            return true;
    return false;
}

void help_commands(struct buf *out, const struct help_program *p)
{
    struct help_row row;
    char left[64];

    for (int i = 0; p->row(i, &row); i++) {
        snprintf(left, sizeof(left), "%s %s", row.name, row.args);
        buf_printf(out, "  %-*s %s\n", p->width, left, row.help);
    }
}

void help_program(struct buf *out, const struct help_program *p)
{
    buf_append_text(out, p->about);
    help_commands(out, p);
    if (p->options != NULL) {
        buf_append_text(out, "\noptions:\n");
        options_help(out, p->options);
    }
    buf_append_text(out, p->ending);
}

void help_row(struct buf *out, const struct help_program *p,
              const struct help_row *row)
{
    buf_printf(out, "usage: %s %s%s%s%s\n\n%s\n\n  %s\n", p->name, row->name,
               row->options != NULL ? " [OPTIONS]" : "",
               row->args[0] != '\0' ? " " : "", row->args, row->help,
               row->example);
    if (row->options == NULL)
        return;
    buf_append_text(out, "\noptions:\n");
    options_help(out, row->options);
}

void help_mdoc(struct buf *out, const struct help_program *p)
{
    struct help_row row;

    if (p->options != NULL)
        options_mdoc(out, p->options);
    for (int i = 0; p->row(i, &row); i++) {
        buf_printf(out, ".It Ic %s Ar %s\n%s\n", row.name, row.args, row.help);
        if (row.options == NULL)
            continue;
        buf_append_text(out, ".Bl -tag -width Ds\n");
        options_mdoc(out, row.options);
        buf_append_text(out, ".El\n");
    }
}

/* ---- completion ---- */

static void put_options(struct buf *out, const struct option *table)
{
    for (const struct option *o = table; o != NULL && o->name != NULL; o++)
        buf_printf(out, " --%s", o->name);
}

/* "add" of "conv add" when first is "conv", NULL: it is another command. */
static const char *second_word(const char *name, const char *first, size_t n)
{
    return strncmp(name, first, n) == 0 && name[n] == ' ' ? name + n + 1 : NULL;
}

/* Is the i-th row the first that begins with its word? */
static bool is_first(const struct help_program *p, int i, const char *name)
{
    size_t n = strcspn(name, " ");
    struct help_row row;

    for (int k = 0; k < i && p->row(k, &row); k++)
        if (strncmp(row.name, name, n) == 0 && strcspn(row.name, " ") == n)
            return false;
    return true;
}

/* The words that may follow the first word of a command. */
static void put_seconds(struct buf *out, const struct help_program *p,
                        const char *name, size_t n)
{
    const char *second;
    struct help_row row;

    for (int i = 0; p->row(i, &row); i++)
        if ((second = second_word(row.name, name, n)) != NULL)
            buf_printf(out, " %s", second);
}

static void put_case(struct buf *out, const struct help_program *p,
                     const struct help_row *row)
{
    buf_printf(out, "  \"%s\"|\"%s \"*) words=\"", row->name, row->name);
    put_options(out, row->options);
    if (p->words != NULL)
        p->words(out, row);
    put_seconds(out, p, row->name, strlen(row->name));
    buf_append_text(out, "\" ;;\n");
}

/* "conv show" before "conv": the first pattern that fits is taken. */
static void put_cases(struct buf *out, const struct help_program *p)
{
    struct help_row row;

    for (int two = 1; two >= 0; two--)
        for (int i = 0; p->row(i, &row); i++)
            if ((strchr(row.name, ' ') != NULL) == two)
                put_case(out, p, &row);
    for (int i = 0; p->row(i, &row); i++) {
        size_t n = strcspn(row.name, " ");

        if (row.name[n] == '\0' || !is_first(p, i, row.name))
            continue; /* it is a command of its own, or was seen */
        buf_printf(out, "  \"%.*s\"*) words=\"", (int)n, row.name);
        put_seconds(out, p, row.name, n);
        buf_append_text(out, "\" ;;\n");
    }
}

static void bash(struct buf *out, const struct help_program *p)
{
    struct help_row row;
    char name[64];

    snprintf(name, sizeof(name), "_%s", p->name);
    for (char *c = name; *c != '\0'; c++)
        *c = *c == '-' ? '_' : *c;
    buf_printf(out,
               "%s() {\n  local cur=${COMP_WORDS[COMP_CWORD]}\n"
               "  local all=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\"\n"
               "  local words\n  case \"$all\" in\n",
               name);
    put_cases(out, p);
    buf_append_text(out, "  *) words=\"");
    for (int i = 0; p->row(i, &row); i++)
        if (is_first(p, i, row.name))
            buf_printf(out, " %.*s", (int)strcspn(row.name, " "), row.name);
    put_options(out, p->options);
    buf_printf(out,
               "\" ;;\n  esac\n"
               "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
               "}\ncomplete -o default -F %s %s\n",
               name, p->name);
}

static void zsh(struct buf *out, const struct help_program *p)
{
    buf_printf(out,
               "#compdef %s\nautoload -U +X bashcompinit && bashcompinit\n",
               p->name);
    bash(out, p);
}

/* In quotes of a shell, which a text may have. */
static void put_quoted(struct buf *out, const char *text)
{
    buf_append_byte(out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            buf_append_byte(out, '\\');
        buf_append_byte(out, *text);
    }
    buf_append_byte(out, '\'');
}

static void fish_option(struct buf *out, const struct option *o)
{
    buf_printf(out, " -l %s -d ", o->name);
    put_quoted(out, o->help);
    buf_append_byte(out, '\n');
}

static void fish_row(struct buf *out, const struct help_program *p,
                     const struct help_row *row, bool first)
{
    size_t n = strcspn(row->name, " ");
    const char *second = row->name[n] == ' ' ? row->name + n + 1 : NULL;

    if (first)
        buf_printf(out, "complete -c %s -n __fish_use_subcommand -a '%.*s'%s",
                   p->name, (int)n, row->name, second != NULL ? "\n" : " -d ");
    if (second != NULL)
        buf_printf(out,
                   "complete -c %s -n '__fish_seen_subcommand_from %.*s' -a "
                   "'%s' -d ",
                   p->name, (int)n, row->name, second);
    if (first || second != NULL) {
        put_quoted(out, row->help);
        buf_append_byte(out, '\n');
    }
    for (const struct option *o = row->options; o != NULL && o->name; o++) {
        buf_printf(out, "complete -c %s -n '__fish_seen_subcommand_from %.*s'",
                   p->name, (int)n, row->name);
        fish_option(out, o);
    }
}

static void fish(struct buf *out, const struct help_program *p)
{
    struct help_row row;

    for (int i = 0; p->row(i, &row); i++)
        fish_row(out, p, &row, is_first(p, i, row.name));
    for (const struct option *o = p->options; o != NULL && o->name; o++) {
        buf_printf(out, "complete -c %s", p->name);
        fish_option(out, o);
    }
}

int help_completion(struct buf *out, const struct help_program *p,
                    const char *shell)
{
    static const struct {
        const char *shell;
        void (*write)(struct buf *, const struct help_program *);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

    for (size_t i = 0; i < COUNT_OF(shells); i++) {
        if (strcmp(shell, shells[i].shell) != 0)
            continue;
        shells[i].write(out, p);
        return 0;
    }
    return -CF_NOT_FOUND;
}
