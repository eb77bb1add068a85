/* Finding the command, and what all commands share. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "commands.h"

const struct command commands[] = {
    {"run", "SCENARIO|FILE", "run a scenario and judge it",
     "confab-load run direct-100ms --fail 'e2e.p99>100ms' --json run.json",
     run_options, cmd_run},
    {"capacity", "SCENARIO|FILE", "find how much passes",
     "confab-load capacity direct-100ms --slo 'e2e.p99<100ms' --quick",
     capacity_options, cmd_capacity},
    {"scenarios", "", "the scenarios that come along", "confab-load scenarios",
     NULL, cmd_scenarios},
    {"scenarios show", "NAME|FILE", "print one, to start from",
     "confab-load scenarios show group-500 > mine.toml", check_options,
     cmd_scenarios_show},
    {"scenarios check", "FILE...", "find the mistakes of a scenario file",
     "confab-load scenarios check mine.toml", check_options,
     cmd_scenarios_check},
    {"doctor", "", "what fits here, what binds, how to lift it",
     "confab-load doctor --conns 1m", doctor_options, cmd_doctor},
    {"floor", "", "measure the yardsticks: system calls, sockets, disk",
     "confab-load floor --json floor.json", floor_options, cmd_floor},
    {"selftest", "", "prove that the instrument tells the truth",
     "confab-load selftest", selftest_options, cmd_selftest},
    {"report", "RUN.json", "one HTML page of a run",
     "confab-load report run.json -o run.html", report_options, cmd_report},
    {"compare", "OLD.json NEW.json", "better, same or worse, by metric",
     "confab-load compare before.json after.json --tolerance 5",
     compare_options, cmd_compare},
    {"plan", "", "how many servers so many users need",
     "confab-load plan --users 10m", plan_options, cmd_plan},
    {"coordinate", "SCENARIO|FILE", "run a scenario on many machines",
     "confab-load coordinate group-500 --agents 2 --secret-file s",
     coordinate_options, cmd_coordinate},
    {"agent", "", "lend this machine to a coordinator",
     "confab-load agent --join 10.0.0.1:7070 --secret-file s", agent_options,
     cmd_agent},
    {"completion", "bash|zsh|fish", "shell completion",
     "confab-load completion bash > "
     "~/.local/share/bash-completion/completions/confab-load",
     NULL, cmd_completion},
    {"help", "[COMMAND]", "show help", "confab-load help run", NULL, cmd_help},
    {"__mdoc", "", NULL, NULL, NULL, cmd_mdoc},
    {"__toml", "FILE ...", NULL, NULL, NULL, cmd_toml},
    {.name = NULL},
};

/* ---- saying ---- */

static void say(const char *before, const char *text)
{
    struct buf b;

    buf_init(&b, 8192);
    buf_append_text(&b, before);
    text_sanitise(&b, TEXT_LINE, span_of(text), 0, NULL);
    buf_append_byte(&b, '\n');
    if (b.len > 0)
        fwrite(b.data, 1, b.len, stderr);
    buf_release(&b);
}

int load_fail(int code, const char *hint, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    fflush(stdout);
    say("confab-load: ", text);
    if (hint != NULL)
        say("        try: ", hint);
    return code;
}

int load_fail_error(const char *hint, const struct error *err)
{
    bool away = err->code == CF_UNAVAILABLE || err->code == CF_CLOSED ||
                err->code == CF_TIMEOUT;

    return load_fail(away ? LOAD_UNREACHABLE : LOAD_USAGE, hint, "%s",
                     err->text);
}

int load_print(FILE *to, const struct buf *b)
{
    if (b->len > 0 && (fwrite(b->data, 1, b->len, to) != b->len))
        return load_fail(LOAD_USAGE, NULL, "writing: %s", strerror(errno));
    if (fflush(to) != 0)
        return load_fail(LOAD_USAGE, NULL, "writing: %s", strerror(errno));
    return 0;
}

/* ---- options ---- */

int load_parse(const struct command *cmd, struct options *o, void *target,
               int argc, char **argv, int least, int most)
{
    static const struct option none[] = {{.name = NULL}};
    struct error err = {0};
    int operands = 0, rc;
    char hint[128];

    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help_command(cmd);
            return -1;
        }
    }
    rc = options_init(o, cmd->options != NULL ? cmd->options : none, target,
                      &err);
    if (rc == 0)
        rc = options_env(o, &err);
    if (rc == 0)
        rc = options_args(o, argc, argv, false, &operands, &err);
    if (rc == 0 && operands >= least && operands <= most) {
        if (operands + 1 < argc)
            argv[operands + 1] = NULL;
        return 0;
    }
    options_release(o);
    snprintf(hint, sizeof(hint), "confab-load help %s", cmd->name);
    if (rc == 0)
        return load_fail(LOAD_USAGE, hint, "usage: %s %s", cmd->name,
                         cmd->args);
    return load_fail(LOAD_USAGE, hint, "%s: %s", cmd->name, err.text);
}

/* ---- finding ---- */

/* The longest command that the words begin with. */
static const struct command *find(int argc, char **argv, int *words)
{
    const struct command *found = NULL;

    *words = 0;
    for (const struct command *cmd = commands; cmd->name != NULL; cmd++) {
        const char *space = strchr(cmd->name, ' ');
        size_t n = strcspn(cmd->name, " ");

        if (strlen(argv[0]) != n || strncmp(argv[0], cmd->name, n) != 0)
            continue;
        if (space == NULL && *words < 1) {
            found = cmd;
            *words = 1;
        } else if (space != NULL && argc > 1 &&
                   strcmp(argv[1], space + 1) == 0) {
            found = cmd;
            *words = 2;
        }
    }
    return found;
}

static int unknown(const char *word)
{
    const char *names[32];
    char hint[96];
    const char *near;
    int n = 0;

    for (const struct command *cmd = commands; cmd->help != NULL; cmd++)
        names[n++] = cmd->name;
    names[n] = NULL;
    near = text_nearest(word, names);
    snprintf(hint, sizeof(hint), "confab-load %s",
             near != NULL ? near : "help");
    return load_fail(LOAD_USAGE, hint, "there is no command '%s'", word);
}

int load_main(int argc, char **argv)
{
    const struct command *cmd;
    int words;

    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        help_all(stderr);
        return LOAD_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
        return printf("confab-load %s\n", CONFAB_VERSION) < 0;
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help_all(stdout);
        return 0;
    }
    cmd = find(argc - 1, argv + 1, &words);
    if (cmd == NULL)
        return unknown(argv[1]);
    return cmd->run(cmd, argc - words, argv + words);
}
