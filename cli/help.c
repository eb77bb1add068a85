/* help.c - help, shell completion and the synopsis of the man page, all from
 * the tables in main.c. */
#include "base/help.h"

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

static struct help_row row_of(const struct command *cmd)
{
    return (struct help_row){.name = cmd->name,
                             .args = cmd->args,
                             .help = cmd->help,
                             .example = cmd->example,
                             .options = cmd->options};
}

/* The hidden ones come last. */
static bool row_at(int i, struct help_row *out)
{
    *out = row_of(&commands[i]);
    return out->help != NULL;
}

static const struct help_program program = {
    .name = "confab",
    .about = "confab - chat for people who live in a terminal\n\n"
             "usage: confab [OPTIONS] COMMAND ...\n\n"
             "  confab --server ws://127.0.0.1:7000 account register alice\n"
             "  confab send bob 'lunch at noon?'\n"
             "  confab chat bob\n\ncommands:\n",
    .ending = "\n`confab help COMMAND` shows one command; see also "
              "confab(1)\n",
    .width = 30,
    .options = global_options,
    .row = row_at,
};

void help_all(FILE *to)
{
    struct buf b;

    buf_init(&b, TEXT_MAX);
    help_program(&b, &program);
    tty_flush(&b, to);
    buf_release(&b);
}

void help_command(const struct command *cmd)
{
    struct help_row row = row_of(cmd);
    struct buf b;

    buf_init(&b, TEXT_MAX);
    help_row(&b, &program, &row);
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
    help_mdoc(&b, &program);
    tty_flush(&b, stdout);
    buf_release(&b);
    return 0;
}

int cmd_completion(struct cli *c, int argc, char **argv)
{
    struct buf b;
    int rc;

    buf_init(&b, TEXT_MAX);
    rc = argc > 1 ? help_completion(&b, &program, argv[1]) : -CF_NOT_FOUND;
    if (rc == 0)
        tty_flush(&b, stdout);
    buf_release(&b);
    if (rc == 0)
        return 0;
    return cli_fail(c, EXIT_USAGE, "confab completion bash",
                    "which shell: bash, zsh or fish?");
}
