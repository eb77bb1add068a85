#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fetch.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "chat.h"
#include "cli.h"
#include "commands.h"
#include "proto/encode.h"
#include "tty.h"

#define AT(field) offsetof(struct globals, field)

const struct option global_options[] = {
    {.name = "account",
     .letter = 'a',
     .type = OPT_TEXT,
     .arg = "NAME",
     .env = "CONFAB_ACCOUNT",
     .offset = AT(account),
     .help = "which account of this machine"},
    {.name = "server",
     .letter = 's',
     .type = OPT_TEXT,
     .arg = "URL",
     .env = "CONFAB_SERVER",
     .offset = AT(server),
     .help = "ws://HOST:PORT or wss://HOST:PORT"},
    {.name = "ca-file",
     .type = OPT_TEXT,
     .arg = "FILE",
     .env = "CONFAB_CA_FILE",
     .offset = AT(ca_file),
     .help = "trust the certificates in FILE"},
    {.name = "json",
     .type = OPT_FLAG,
     .offset = AT(json),
     .help = "JSON Lines, stable, for programs"},
    {.name = "plain",
     .type = OPT_FLAG,
     .offset = AT(plain),
     .help = "tab separated lines, stable, for scripts"},
    {.name = "color",
     .type = OPT_CHOICE,
     .arg = "WHEN",
     .preset = "auto",
     .choices = "auto|always|never",
     .offset = AT(colour),
     .help = "colours: auto, always, never"},
    {.name = "timeout",
     .letter = 't',
     .type = OPT_DURATION,
     .arg = "TIME",
     .offset = AT(timeout_ms),
     .help = "give up after TIME (250ms, 2s, 5m)"},
    {.name = "quiet",
     .letter = 'q',
     .type = OPT_FLAG,
     .offset = AT(quiet),
     .help = "no talk on standard error"},
    {.name = "verbose",
     .letter = 'v',
     .type = OPT_COUNT,
     .offset = AT(verbose),
     .help = "more talk; may repeat"},
    {.name = "log",
     .type = OPT_TEXT,
     .arg = "FILE",
     .env = "CONFAB_LOG",
     .offset = AT(log),
     .help = "write the log there"},
    {.name = "help",
     .letter = 'h',
     .type = OPT_FLAG,
     .offset = AT(help),
     .help = "show help"},
    {.name = "version",
     .letter = 'V',
     .type = OPT_FLAG,
     .offset = AT(version),
     .help = "show the version"},
    {.name = NULL},
};

const struct command commands[] = {
    {"chat", "[CONV]", "chat at a prompt", "confab chat ops", chat_options,
     chat_main},
    {"send", "CONV [TEXT...|-]", "send one message and print its id",
     "confab send bob 'build green' --wait delivered", send_options, cmd_send},
    {"tail", "[CONV...]", "print events as they come",
     "confab tail --json --count 1", tail_options, cmd_tail},
    {"wait", "KIND [PATTERN]", "wait for the first event that fits",
     "confab wait message green --from ci --timeout 5m", wait_options,
     cmd_wait},
    {"history", "CONV", "print what was said", "confab history bob --limit 20",
     history_options, cmd_history},
    {"edit", "CONV ID TEXT...", "change a message of one's own",
     "confab edit bob 730144 'build red'", NULL, cmd_edit},
    {"delete", "CONV ID", "take a message back", "confab delete bob 730144",
     NULL, cmd_delete},
    {"react", "CONV ID EMOJI", "react to a message",
     "confab react bob 730144 +1", react_options, cmd_react},
    {"conv list", "", "the conversations one is in", "confab conv list", NULL,
     cmd_conv_list},
    {"conv create", "TITLE USER...", "make a group",
     "confab conv create ops bob carol", NULL, cmd_conv_create},
    {"conv info", "CONV", "who is in it", "confab conv info ops", NULL,
     cmd_conv_info},
    {"conv add", "CONV USER...", "add members", "confab conv add ops dave",
     NULL, cmd_conv_add},
    {"conv remove", "CONV USER", "remove a member",
     "confab conv remove ops dave", NULL, cmd_conv_remove},
    {"conv leave", "CONV", "leave a group", "confab conv leave ops", NULL,
     cmd_conv_leave},
    {"conv rename", "CONV TITLE", "give a group another title",
     "confab conv rename ops 'ops, day'", NULL, cmd_conv_rename},
    {"conv role", "CONV USER ROLE", "member, admin or owner",
     "confab conv role ops bob admin", NULL, cmd_conv_role},
    {"presence", "[USER...]", "who is there", "confab presence bob --watch",
     presence_options, cmd_presence},
    {"block", "USER", "nothing from them any more", "confab block mallory",
     block_options, cmd_block},
    {"contact", "open|request|closed", "who may write to you first",
     "confab contact request", NULL, cmd_contact},
    {"status", "", "unread counts and the link, from local state",
     "confab status --format '%u'", status_options, cmd_status},
    {"account register", "NAME", "make an account on a server",
     "confab --server ws://127.0.0.1:7000 account register alice",
     account_options, cmd_account_register},
    {"account login", "NAME", "use an account from this machine",
     "confab --server wss://chat.example.org account login alice",
     account_options, cmd_account_login},
    {"account logout", "", "revoke this device and forget its token",
     "confab account logout", NULL, cmd_account_logout},
    {"account list", "", "the accounts of this machine", "confab account list",
     NULL, cmd_account_list},
    {"account use", "NAME", "make one the default", "confab account use alice",
     NULL, cmd_account_use},
    {"account devices", "", "the devices of the account",
     "confab account devices --revoke d3", devices_options,
     cmd_account_devices},
    {"account delete", "", "delete the account and its data on the server",
     "confab account delete --yes", delete_options, cmd_account_delete},
    {"account export", "", "everything the server has about you, JSON Lines",
     "confab account export > me.jsonl", NULL, cmd_account_export},
    {"run", "FILE|DIR|FILE:LINE...", "play conversation scripts as tests",
     "confab run e2e/ --jobs 4 --junit out.xml", run_options, cmd_run},
    {"fmt", "FILE...", "lay out conversation scripts",
     "confab fmt --write e2e/*.confab", fmt_options, cmd_fmt},
    {"record", "FILE", "write a wire log of a server and its clients",
     "confab --server ws://127.0.0.1:7000 record wire.jsonl", NULL, cmd_record},
    {"replay", "LOG", "play a wire log to a server and compare",
     "confab --server ws://127.0.0.1:7000 replay wire.jsonl", replay_options,
     cmd_replay},
    {"diff", "LOG URL URL", "play a wire log to two servers, compare them",
     "confab diff wire.jsonl ws://127.0.0.1:7000 ws://127.0.0.1:7001",
     replay_options, cmd_diff},
    {"completion", "bash|zsh|fish", "shell completion",
     "confab completion bash > ~/.local/share/bash-completion/completions/"
     "confab",
     NULL, cmd_completion},
    {"doctor", "", "terminal, paths, server: what is right and what is not",
     "confab doctor", NULL, cmd_doctor},
    {"help", "[COMMAND]", "show help", "confab help send", NULL, cmd_help},
    {"__mdoc", "", NULL, NULL, NULL, cmd_mdoc},
    {.name = NULL},
};

/* ---- errors ---- */

static void fail_json(int code, const char *hint, const char *text)
{
    struct buf b;

    buf_init(&b, 8192);
    buf_append_text(&b, "{\"v\":1,\"event\":\"error\"");
    enc_member_int(&b, "code", code);
    enc_member_text(&b, "message", span_of(text));
    if (hint != NULL)
        enc_member_text(&b, "hint", span_of(hint));
    buf_append_text(&b, "}\n");
    tty_flush(&b, stderr);
    buf_release(&b);
}

int cli_fail(struct cli *c, int code, const char *hint, const char *fmt, ...)
{
    char text[1024];
    struct buf b;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (c->quiet_screen != NULL)
        c->quiet_screen(c->screen_ctx);
    if (c->format == OUTPUT_JSON) {
        fail_json(code, hint, text);
        return code;
    }
    buf_init(&b, 8192);
    buf_append_text(&b, "confab: ");
    tty_put_untrusted(&b, TEXT_LINE, span_of(text), 0);
    buf_append_byte(&b, '\n');
    if (hint != NULL) {
        buf_append_text(&b, "        try: ");
        tty_put_untrusted(&b, TEXT_LINE, span_of(hint), 0);
        buf_append_byte(&b, '\n');
    }
    tty_flush(&b, stderr);
    buf_release(&b);
    return code;
}

int exit_of(int cf)
{
    switch (cf < 0 ? -cf : cf) {
    case CF_OK:
        return EXIT_DONE;
    case CF_NOT_FOUND:
        return EXIT_NO_USER;
    case CF_UNAVAILABLE:
    case CF_CLOSED:
        return EXIT_UNREACHABLE;
    case CF_TIMEOUT:
    case CF_BUSY:
    case CF_UNKNOWN:
        return EXIT_TRY_AGAIN;
    case CF_DENIED:
    case CF_BLOCKED:
    case CF_EXPIRED:
    case CF_LIMIT:
        return EXIT_DENIED;
    case CF_IO:
    case CF_FULL:
        return EXIT_INPUT_OUTPUT;
    case CF_VERSION:
        return EXIT_PROTOCOL;
    case CF_TOO_BIG:
    case CF_INVALID:
    case CF_CONFLICT:
    case CF_EXISTS:
        return EXIT_DATA;
    default:
        return EXIT_BUG;
    }
}

/* ---- finding the command ---- */

static const struct command *find(int argc, char **argv, int *words)
{
    for (const struct command *cmd = commands; cmd->name != NULL; cmd++) {
        const char *space = strchr(cmd->name, ' ');
        size_t n =
            space != NULL ? (size_t)(space - cmd->name) : strlen(cmd->name);

        if (strlen(argv[0]) != n || strncmp(argv[0], cmd->name, n) != 0)
            continue;
        *words = space != NULL ? 2 : 1;
        if (space == NULL || (argc > 1 && strcmp(argv[1], space + 1) == 0))
            return cmd;
    }
    return NULL;
}

static int unknown(struct cli *c, const char *word)
{
    const char *names[64];
    char hint[96];
    const char *near;
    int n = 0;

    for (const struct command *cmd = commands; cmd->help != NULL; cmd++)
        names[n++] = cmd->name;
    names[n] = NULL;
    near = text_nearest(word, names);
    snprintf(hint, sizeof(hint), near != NULL ? "confab %s" : "confab help",
             near);
    return cli_fail(c, EXIT_USAGE, hint, "there is no command '%s'", word);
}

int cli_parse(struct cli *c, const struct command *cmd, struct options *o,
              void *target, int argc, char **argv, int *operands)
{
    static const struct option none[] = {{.name = NULL}};
    struct error err = {0};
    char hint[128];
    int rc;

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
        rc = options_args(o, argc, argv, false, operands, &err);
    if (rc == 0)
        return 0;
    snprintf(hint, sizeof(hint), "confab help %s", cmd->name);
    return cli_fail(c, EXIT_USAGE, hint, "%s: %s", cmd->name, err.text);
}

/* Global options may stand behind the command too: take them out there. */
static int take_globals(struct cli *c, int argc, char **argv, int *left)
{
    static const char *const flags[] = {"--json", "--plain", "--quiet", NULL};
    static const char *const values[] = {"--account", "--server", "--timeout",
                                         "--color", NULL};
    struct error err = {0};
    int kept = 1;

    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        bool taken = false;

        if (strcmp(name, "--") == 0) {
            while (i < argc)
                argv[kept++] = argv[i++];
            break;
        }
        for (int k = 0; flags[k] != NULL && !taken; k++) {
            if (strcmp(name, flags[k]) != 0)
                continue;
            options_set(&c->options, name + 2, "true", FROM_OPTION, &err);
            taken = true;
        }
        for (int k = 0; values[k] != NULL && !taken; k++) {
            size_t n = strlen(values[k]);
            const char *value = NULL;

            if (strcmp(name, values[k]) == 0 && i + 1 < argc)
                value = argv[++i];
            else if (strncmp(name, values[k], n) == 0 && name[n] == '=')
                value = name + n + 1;
            else
                continue;
            if (options_set(&c->options, values[k] + 2, value, FROM_OPTION,
                            &err) < 0)
                return cli_fail(c, EXIT_USAGE, NULL, "%s", err.text);
            taken = true;
        }
        if (!taken)
            argv[kept++] = argv[i];
    }
    argv[kept] = NULL;
    *left = kept;
    return 0;
}

static void apply_globals(struct cli *c)
{
    enum colour_when when = COLOUR_AUTO;
    int fd;

    if (strcmp(c->g.colour, "always") == 0)
        when = COLOUR_ALWAYS;
    else if (strcmp(c->g.colour, "never") == 0)
        when = COLOUR_NEVER;
    tty_init(when);
    c->format = c->g.json    ? OUTPUT_JSON
                : c->g.plain ? OUTPUT_PLAIN
                             : OUTPUT_HUMAN;
    log_init("confab", c->g.verbose > 1 ? LOG_DEBUG : LOG_WARN, LOG_TEXT);
    if (c->g.log == NULL)
        return;
    fd = open(c->g.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0)
        log_set_fd(fd);
}

static int run(struct cli *c, int argc, char **argv)
{
    const struct command *cmd;
    int words = 0, left = 0, rc;

    if (argc == 0) {
        static char chat[] = "chat";
        char *alone[2] = {chat, NULL};

        if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
            return chat_main(c, 1, alone);
        help_all(stderr);
        return EXIT_USAGE;
    }
    cmd = find(argc, argv, &words);
    if (cmd == NULL)
        return unknown(c, argv[0]);
    argc -= words - 1;
    argv += words - 1;
    rc = take_globals(c, argc, argv, &left);
    if (rc != 0)
        return rc;
    apply_globals(c);
    return cmd->run(c, left, argv);
}

int main(int argc, char **argv)
{
    struct cli c = {0};
    struct error err = {0};
    int operands = 0, rc;

    signal(SIGPIPE, SIG_DFL); /* `confab tail | head` ends quietly */
    fetch_init();
    rng_init_system(&c.rng);
    rc = options_init(&c.options, global_options, &c.g, &err);
    if (rc == 0)
        rc = options_env(&c.options, &err);
    if (rc == 0)
        rc = options_args(&c.options, argc, argv, true, &operands, &err);
    if (c.g.colour == NULL)
        c.g.colour = "auto";
    apply_globals(&c);
    if (rc < 0)
        rc = cli_fail(&c, EXIT_USAGE, "confab help", "%s", err.text);
    else if (c.g.version)
        rc = printf("confab %s\n", CONFAB_VERSION) < 0;
    else if (c.g.help && operands == 0)
        rc = (help_all(stdout), 0);
    else
        rc = run(&c, operands, argv + 1);
    options_release(&c.options);
    return rc < 0 ? 0 : rc;
}
