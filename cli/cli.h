/* cli.h - one run of confab: global options, the account, the loop, and the
 * client that commands use. A command is one file and one row in main.c. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/loop.h"
#include "base/options.h"
#include "base/rng.h"
#include "client/client.h"
#include "exits.h"

enum output_format { OUTPUT_HUMAN, OUTPUT_PLAIN, OUTPUT_JSON };

struct globals { /* before the command */
    const char *account, *server, *colour, *log, *ca_file;
    bool json, plain, quiet, help, version;
    int64_t verbose, timeout_ms; /* timeout 0: the command's own */
};

struct profile { /* an account on this machine */
    char name[33];
    char dir[4096]; /* archive.db, token, account */
    char server[512];
    char token[136];
    uint64_t user;
    uint32_t dev;
};

struct cli {
    struct globals g;
    struct options options;
    enum output_format format;
    struct loop *loop;
    struct rng rng;
    struct profile profile;
    struct client *client; /* while a session is open */
    int exit;              /* what main ends with */
    /* Called before cli_fail() writes: a prompt leaves the terminal. */
    void (*quiet_screen)(void *ctx);
    void *screen_ctx;
};

extern const struct option global_options[];

struct command {
    const char *name;             /* "conv add" */
    const char *args;             /* "CONV USER..." */
    const char *help;             /* one line */
    const char *example;          /* one line, shown in help */
    const struct option *options; /* NULL: none */
    /* Runs it; argv[0] is the last word of the name. Returns an exit code. */
    int (*run)(struct cli *c, int argc, char **argv);
};
extern const struct command commands[]; /* ends with name NULL */

/* Parse a command's options into target (zeroed by the caller); operands are
 * moved to argv[1..]. Exit code 0, or an error was shown; *o is released by
 * the caller with options_release(). --help shows the command's help and
 * returns -1: end with 0. */
int cli_parse(struct cli *c, const struct command *cmd, struct options *o,
              void *target, int argc, char **argv, int *operands);

/* Say what went wrong, on stderr (JSON with --json), and return code. hint:
 * what to type next, or NULL. */
int cli_fail(struct cli *c, int code, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- session.c: an open account ---- */

/* Load the profile chosen by --account, CONFAB_ACCOUNT, `use`, or the only
 * one there is; open its archive and client. event gets everything. 0, or an
 * exit code after a message. */
int session_open(struct cli *c, client_event_fn *event, void *ctx);
/* Start connecting and run the loop until session_end() or the timeout. */
int session_run(struct cli *c, int64_t timeout_ms);
/* Leave session_run() with this exit code; says bye first. */
void session_end(struct cli *c, int code);
void session_close(struct cli *c);

/* ---- profile.c ---- */
int profile_load(struct cli *c, struct profile *p); /* exit code */
int profile_save(struct cli *c, const struct profile *p);
int profile_list(struct cli *c,
                 bool (*fn)(void *ctx, const char *name, bool current),
                 void *ctx);
int profile_use(struct cli *c, const char *name);
/* A password from --password-file, --password-fd, or asked for. */
int profile_password(struct cli *c, const char *file, int fd, char *out,
                     size_t size);
/* Directories: CONFAB_HOME puts all under one. kind: "config" "data" "state"
 * "cache" "runtime". */
int path_dir(const char *kind, char *out, size_t size);

#endif
