/* Help, shell completion and the options of the man page, all from the tables
 * of the commands. */
#include <string.h>

#include "base/mem.h"
#include "commands.h"

#define TEXT_BYTES (256 * 1024)

static const char about[] =
    "confab-load - load and truth for chat servers\n\n"
    "usage: confab-load COMMAND ...\n\n"
    "  confab-load doctor --conns 100k\n"
    "  confab-load run direct-100ms\n"
    "  confab-load run group-500 --json run.json\n"
    "  confab-load report run.json -o run.html\n\ncommands:\n";

static const char ending[] =
    "\noptions:\n"
    "  -h, --help                   show help\n"
    "  -V, --version                show the version\n"
    "\nends with 0 passed, 1 a threshold missed, 2 used wrongly, 3 no server,\n"
    "4 the result means nothing (the generator or its neighbours were the\n"
    "limit), 5 a message lost, doubled, swapped or leaked, 130 stopped\n"
    "\n`confab-load help COMMAND` shows one command; see also confab-load(1)\n";

void help_all(FILE *to)
{
    struct buf b;

    buf_init(&b, TEXT_BYTES);
    buf_append_text(&b, about);
    for (const struct command *cmd = commands; cmd->help != NULL; cmd++) {
        char left[64];

        snprintf(left, sizeof(left), "%s %s", cmd->name, cmd->args);
        buf_printf(&b, "  %-28s %s\n", left, cmd->help);
    }
    buf_append_text(&b, ending);
    load_print(to, &b);
    buf_release(&b);
}

void help_command(const struct command *cmd)
{
    struct buf b;

    buf_init(&b, TEXT_BYTES);
    buf_printf(&b, "usage: confab-load %s%s %s\n\n%s\n\n  %s\n", cmd->name,
               cmd->options != NULL ? " [OPTIONS]" : "", cmd->args, cmd->help,
               cmd->example);
    if (cmd->options != NULL) {
        buf_append_text(&b, "\noptions:\n");
        options_help(&b, cmd->options);
    }
    load_print(stdout, &b);
    buf_release(&b);
}

int cmd_help(const struct command *cmd, int argc, char **argv)
{
    char name[64];

    if (argc < 2) {
        help_all(stdout);
        return 0;
    }
    snprintf(name, sizeof(name), argc > 2 ? "%s %s" : "%s", argv[1],
             argc > 2 ? argv[2] : "");
    for (cmd = commands; cmd->help != NULL; cmd++) {
        if (strcmp(cmd->name, name) != 0)
            continue;
        help_command(cmd);
        return 0;
    }
    return load_fail(LOAD_USAGE, "confab-load help", "no command '%s'", name);
}

int cmd_mdoc(const struct command *cmd, int argc, char **argv)
{
    struct buf b;
    int rc;

    buf_init(&b, TEXT_BYTES);
    for (cmd = commands; cmd->help != NULL; cmd++) {
        buf_printf(&b, ".It Ic %s Ar %s\n%s\n", cmd->name, cmd->args,
                   cmd->help);
        if (cmd->options == NULL)
            continue;
        buf_append_text(&b, ".Bl -tag -width Ds\n");
        options_mdoc(&b, cmd->options);
        buf_append_text(&b, ".El\n");
    }
    rc = load_print(stdout, &b);
    buf_release(&b);
    return rc;
}

/* ---- completion ---- */

static void words_of(struct buf *b, const struct option *table)
{
    for (const struct option *o = table; o != NULL && o->name != NULL; o++)
        buf_printf(b, " --%s", o->name);
}

static bool takes_scenario(const struct command *cmd)
{
    return strstr(cmd->args, "SCENARIO") != NULL ||
           strcmp(cmd->name, "scenarios show") == 0;
}

static void scenarios_of(struct buf *b, const struct command *cmd)
{
    const struct builtin_scenario *all = scenario_builtins();

    for (; takes_scenario(cmd) && all->name != NULL; all++)
        buf_printf(b, " %s", all->name);
}

static void bash(struct buf *b)
{
    buf_append_text(b, "_confab_load() {\n"
                       "  local cur=${COMP_WORDS[COMP_CWORD]}\n"
                       "  local all=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\"\n"
                       "  local words\n  case \"$all\" in\n");
    /* "scenarios show" before "scenarios": the first that fits is taken. */
    for (int two = 1; two >= 0; two--) {
        for (const struct command *cmd = commands; cmd->help != NULL; cmd++) {
            if ((strchr(cmd->name, ' ') != NULL) != two)
                continue;
            buf_printf(b, "  \"%s\"*) words=\"", cmd->name);
            words_of(b, cmd->options);
            scenarios_of(b, cmd);
            if (strcmp(cmd->name, "scenarios") == 0)
                buf_append_text(b, " show check");
            buf_append_text(b, "\" ;;\n");
        }
    }
    buf_append_text(b, "  *) words=\"");
    for (const struct command *cmd = commands; cmd->help != NULL; cmd++)
        if (strchr(cmd->name, ' ') == NULL)
            buf_printf(b, " %s", cmd->name);
    buf_append_text(b, "\" ;;\n  esac\n"
                       "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                       "}\ncomplete -o default -F _confab_load confab-load\n");
}

static void zsh(struct buf *b)
{
    buf_append_text(b, "#compdef confab-load\nautoload -U +X bashcompinit && "
                       "bashcompinit\n");
    bash(b);
}

static void fish(struct buf *b)
{
    for (const struct command *cmd = commands; cmd->help != NULL; cmd++) {
        size_t n = strcspn(cmd->name, " ");

        if (cmd->name[n] == '\0')
            buf_printf(b,
                       "complete -c confab-load -n __fish_use_subcommand -a "
                       "'%s' -d '%s'\n",
                       cmd->name, cmd->help);
        else
            buf_printf(b,
                       "complete -c confab-load -n '__fish_seen_subcommand_"
                       "from %.*s' -a '%s' -d '%s'\n",
                       (int)n, cmd->name, cmd->name + n + 1, cmd->help);
        for (const struct option *o = cmd->options; o != NULL && o->name; o++)
            buf_printf(b,
                       "complete -c confab-load -n '__fish_seen_subcommand_"
                       "from %.*s' -l %s -d '%s'\n",
                       (int)n, cmd->name, o->name, o->help);
    }
}

int cmd_completion(const struct command *cmd, int argc, char **argv)
{
    static const struct {
        const char *shell;
        void (*write)(struct buf *b);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    struct buf b;
    int rc;

    for (size_t i = 0; argc == 2 && i < COUNT_OF(shells); i++) {
        if (strcmp(argv[1], shells[i].shell) != 0)
            continue;
        buf_init(&b, TEXT_BYTES);
        shells[i].write(&b);
        rc = load_print(stdout, &b);
        buf_release(&b);
        return rc;
    }
    return load_fail(LOAD_USAGE, "confab-load completion bash",
                     "which shell: bash, zsh or fish?");
}
