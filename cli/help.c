/* help.c - help, shell completion and the synopsis of the man page, all from
 * the tables in main.c. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "commands.h"
#include "tty.h"

#define TEXT_MAX (256 * 1024)

const struct command *command_named(const char *name)
{
    for (const struct command *cmd = commands; cmd->name != NULL; cmd++)
        if (strcmp(cmd->name, name) == 0)
            return cmd;
    return NULL;
}

void help_all(FILE *to)
{
    struct buf b;

    buf_init(&b, TEXT_MAX);
    buf_append_text(&b, "confab - chat for people who live in a terminal\n\n"
                        "usage: confab [OPTIONS] COMMAND ...\n\n"
                        "  confab --server ws://127.0.0.1:7000 account "
                        "register alice\n"
                        "  confab send bob 'lunch at noon?'\n"
                        "  confab chat bob\n\ncommands:\n");
    for (const struct command *cmd = commands; cmd->help != NULL; cmd++) {
        char left[64];

        snprintf(left, sizeof(left), "%s %s", cmd->name, cmd->args);
        buf_printf(&b, "  %-30s %s\n", left, cmd->help);
    }
    buf_append_text(&b, "\noptions:\n");
    options_help(&b, global_options);
    buf_append_text(&b, "\n`confab help COMMAND` shows one command; see also "
                        "confab(1)\n");
    tty_flush(&b, to);
    buf_release(&b);
}

void help_command(const struct command *cmd)
{
    struct buf b;

    buf_init(&b, TEXT_MAX);
    buf_printf(&b, "usage: confab %s%s %s\n\n%s\n\n  %s\n", cmd->name,
               cmd->options != NULL ? " [OPTIONS]" : "", cmd->args, cmd->help,
               cmd->example);
    if (cmd->options != NULL) {
        buf_append_text(&b, "\noptions:\n");
        options_help(&b, cmd->options);
    }
    tty_flush(&b, stdout);
    buf_release(&b);
}

int cmd_help(struct cli *c, int argc, char **argv)
{
    char name[64];
    const struct command *cmd;

    if (argc < 2) {
        help_all(stdout);
        return 0;
    }
    snprintf(name, sizeof(name), argc > 2 ? "%s %s" : "%s", argv[1],
             argc > 2 ? argv[2] : "");
    cmd = command_named(name);
    if (cmd == NULL || cmd->help == NULL)
        return cli_fail(c, EXIT_USAGE, "confab help", "no command '%s'", name);
    help_command(cmd);
    return 0;
}

int cmd_mdoc(struct cli *c, int argc, char **argv)
{
    struct buf b;

    buf_init(&b, TEXT_MAX);
    options_mdoc(&b, global_options);
    for (const struct command *cmd = commands; cmd->help != NULL; cmd++) {
        buf_printf(&b, ".It Ic %s Ar %s\n%s\n", cmd->name, cmd->args,
                   cmd->help);
        if (cmd->options == NULL)
            continue;
        buf_append_text(&b, ".Bl -tag -width Ds\n");
        options_mdoc(&b, cmd->options);
        buf_append_text(&b, ".El\n");
    }
    tty_flush(&b, stdout);
    buf_release(&b);
    return 0;
}

/* ---- completion ---- */

static void words_of(struct buf *b, const struct option *table)
{
    for (const struct option *o = table; o != NULL && o->name != NULL; o++)
        buf_printf(b, " --%s", o->name);
}

static void bash(struct buf *b)
{
    buf_append_text(b, "_confab() {\n  local cur=${COMP_WORDS[COMP_CWORD]}\n"
                       "  local all=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\"\n"
                       "  local words\n  case \"$all\" in\n");
    for (const struct command *cmd = commands; cmd->help != NULL; cmd++) {
        buf_printf(b, "  \"%s\"*) words=\"", cmd->name);
        words_of(b, cmd->options);
        buf_append_text(b, "\" ;;\n");
    }
    buf_append_text(b, "  *) words=\"");
    for (const struct command *cmd = commands; cmd->help != NULL; cmd++)
        buf_printf(b, " %s", cmd->name);
    words_of(b, global_options);
    buf_append_text(b, "\" ;;\n  esac\n"
                       "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                       "}\ncomplete -o default -F _confab confab\n");
}

static void zsh(struct buf *b)
{
    buf_append_text(b, "#compdef confab\nautoload -U +X bashcompinit && "
                       "bashcompinit\n");
    bash(b);
}

static void fish(struct buf *b)
{
    for (const struct command *cmd = commands; cmd->help != NULL; cmd++) {
        size_t n = strcspn(cmd->name, " ");

        if (cmd->name[n] == ' ')
            buf_printf(b,
                       "complete -c confab -n '__fish_seen_subcommand_from "
                       "%.*s' -a '%s' -d '%s'\n",
                       (int)n, cmd->name, cmd->name + n + 1, cmd->help);
        buf_printf(b, "complete -c confab -n __fish_use_subcommand -a '%.*s'\n",
                   (int)n, cmd->name);
        for (const struct option *o = cmd->options; o != NULL && o->name; o++)
            buf_printf(b,
                       "complete -c confab -n '__fish_seen_subcommand_from "
                       "%.*s' -l %s -d '%s'\n",
                       (int)n, cmd->name, o->name, o->help);
    }
    for (const struct option *o = global_options; o->name != NULL; o++)
        buf_printf(b, "complete -c confab -l %s -d '%s'\n", o->name, o->help);
}

int cmd_completion(struct cli *c, int argc, char **argv)
{
    static const struct {
        const char *shell;
        void (*write)(struct buf *b);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    struct buf b;

    for (size_t i = 0; argc > 1 && i < COUNT_OF(shells); i++) {
        if (strcmp(argv[1], shells[i].shell) != 0)
            continue;
        buf_init(&b, TEXT_MAX);
        shells[i].write(&b);
        tty_flush(&b, stdout);
        buf_release(&b);
        return 0;
    }
    return cli_fail(c, EXIT_USAGE, "confab completion bash",
                    "which shell: bash, zsh or fish?");
}
