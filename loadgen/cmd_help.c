/* Help, shell completion and the options of the man page, all from the tables
 * of the commands. */
#include <string.h>

#include "base/help.h"
#include "base/mem.h"
#include "commands.h"

#define TEXT_BYTES (256 * 1024)

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

static void scenarios_of(struct buf *out, const struct help_row *row)
{
    const struct builtin_scenario *all = scenario_builtins();

    if (strstr(row->args, "SCENARIO") == NULL &&
        strcmp(row->name, "scenarios show") != 0)
        return;
    for (; all->name != NULL; all++)
        buf_printf(out, " %s", all->name);
}

static const struct help_program program = {
    .name = "confab-load",
    .about = "confab-load - load and truth for chat servers\n\n"
             "usage: confab-load COMMAND ...\n\n"
             "  confab-load doctor --conns 100k\n"
             "  confab-load run direct-100ms\n"
             "  confab-load run group-500 --json run.json\n"
             "  confab-load report run.json -o run.html\n\ncommands:\n",
    .ending =
        "\noptions:\n"
        "  -h, --help                   show help\n"
        "  -V, --version                show the version\n"
        "\nends with 0 passed, 1 a threshold missed, 2 used wrongly, 3 no "
        "server,\n"
        "4 the result means nothing (the generator or its neighbours were the\n"
        "limit), 5 a message lost, doubled, swapped or leaked, 130 stopped\n"
        "\n`confab-load help COMMAND` shows one command; see also "
        "confab-load(1)\n",
    .width = 28,
    .row = row_at,
    .words = scenarios_of,
};

void help_all(FILE *to)
{
    struct buf b;

    buf_init(&b, TEXT_BYTES);
    help_program(&b, &program);
    load_print(to, &b);
    buf_release(&b);
}

static int print_row(const struct help_row *row)
{
    struct buf b;
    int rc;

    buf_init(&b, TEXT_BYTES);
    help_row(&b, &program, row);
    rc = load_print(stdout, &b);
    buf_release(&b);
    return rc;
}

void help_command(const struct command *cmd)
{
    struct help_row row = row_of(cmd);

    (void)print_row(&row);
}

int cmd_help(const struct command *cmd, int argc, char **argv)
{
    struct help_row row;
    char name[64];

    if (argc < 2) {
        help_all(stdout);
        return 0;
    }
    snprintf(name, sizeof(name), argc > 2 ? "%s %s" : "%s", argv[1],
             argc > 2 ? argv[2] : "");
    if (help_find(&program, name, &row))
        return print_row(&row);
    return load_fail(LOAD_USAGE, "confab-load help", "no command '%s'", name);
}

int cmd_mdoc(const struct command *cmd, int argc, char **argv)
{
    struct buf b;
    int rc;

    buf_init(&b, TEXT_BYTES);
    help_mdoc(&b, &program);
    rc = load_print(stdout, &b);
    buf_release(&b);
    return rc;
}

int cmd_completion(const struct command *cmd, int argc, char **argv)
{
    struct buf b;
    int rc = -CF_NOT_FOUND;

    buf_init(&b, TEXT_BYTES);
    if (argc == 2)
        rc = help_completion(&b, &program, argv[1]);
    if (rc == 0)
        rc = load_print(stdout, &b);
    buf_release(&b);
    return rc != -CF_NOT_FOUND
               ? rc
               : load_fail(LOAD_USAGE, "confab-load completion bash",
                           "which shell: bash, zsh or fish?");
}
