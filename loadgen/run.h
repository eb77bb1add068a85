/* run.h - what run, capacity and coordinate share: the options, the scenario
 * with them applied, the server, the accounts, and one pass of the engine. */
#ifndef LOAD_RUN_H
#define LOAD_RUN_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/options.h"
#include "engine.h"
#include "live.h"
#include "metrics_http.h"
#include "outputs.h"
#include "target.h"
#include "tui.h"

struct run_args {
    struct target_options target;
    struct output_paths paths;
    struct option_list sets, fails;
    const char *rate, *conns, *measure, *speed, *io, *metrics;
    int64_t seed, shards;
    bool random_mask, quiet, tui;
    /* capacity */
    const char *vary, *slo, *from;
    bool quick;
    /* coordinate, agent */
    const char *secret_file, *listen, *join;
    int64_t agents, local;
};

/* Rows of option tables that several commands have. */
#define RUN_AT(field) offsetof(struct run_args, field)
#define RUN_TARGET_ROWS                                                      \
    {.name = "url",                                                          \
     .letter = 'u',                                                          \
     .type = OPT_TEXT,                                                       \
     .arg = "URL",                                                           \
     .env = "CONFAB_LOAD_URL",                                               \
     .offset = RUN_AT(target.url),                                           \
     .help = "ws://HOST:PORT or wss:// (default: a confabd --dev of this "   \
             "machine, else ws://127.0.0.1:7000)"},                          \
        {.name = "admin",                                                    \
         .type = OPT_TEXT,                                                   \
         .arg = "SOCKET",                                                    \
         .offset = RUN_AT(target.admin),                                     \
         .help = "make the accounts over this admin socket"},                \
        {.name = "ready-file",                                               \
         .type = OPT_TEXT,                                                   \
         .arg = "FILE",                                                      \
         .offset = RUN_AT(target.ready_file),                                \
         .help = "where the server wrote its URL and socket"},               \
        {.name = "accounts",                                                 \
         .type = OPT_TEXT,                                                   \
         .arg = "FILE",                                                      \
         .offset = RUN_AT(target.accounts),                                  \
         .help = "log in as these: lines 'name user dev token', mode 0600"}, \
        {.name = "server",                                                   \
         .type = OPT_TEXT,                                                   \
         .arg = "COMMAND",                                                   \
         .offset = RUN_AT(target.server),                                    \
         .help =                                                             \
             "start a server of our own: \"confabd ARGS\" or its options"},  \
        {.name = "server-pid",                                               \
         .type = OPT_INT,                                                    \
         .arg = "PID",                                                       \
         .min = 1,                                                           \
         .max = 1 << 30,                                                     \
         .offset = RUN_AT(target.server_pid),                                \
         .help = "whose CPU and memory to watch (default: found)"},          \
    {                                                                        \
        .name = "ca-file", .type = OPT_TEXT, .arg = "FILE",                  \
        .offset = RUN_AT(target.ca_file),                                    \
        .help = "trust the certificates in FILE"                             \
    }
#define RUN_PATH(n, field, what)                    \
    {                                               \
        .name = n, .type = OPT_TEXT, .arg = "FILE", \
        .offset = RUN_AT(paths.field), .help = what \
    }
#define RUN_OUTPUT_ROWS                                                       \
    RUN_PATH("json", json, "the whole result, for report and compare"),       \
        RUN_PATH("jsonl", jsonl, "a JSON object each second"),                \
        RUN_PATH("csv", csv, "a row each second"),                            \
        {.name = "hgrm",                                                      \
         .type = OPT_TEXT,                                                    \
         .arg = "PREFIX",                                                     \
         .offset = RUN_AT(paths.hgrm),                                        \
         .help = "PREFIX.METRIC.hgrm for the HdrHistogram plotters"},         \
        RUN_PATH("hlog", hlog, "histograms in the V2 log format"),            \
        RUN_PATH("junit", junit, "thresholds as JUnit XML"),                  \
        RUN_PATH("tap", tap, "thresholds as TAP; - is standard output"),      \
        RUN_PATH("floor", floor, "put this document of floor --json in too"), \
    {                                                                         \
        .name = "fail", .type = OPT_LIST, .arg = "EXPR",                      \
        .offset = RUN_AT(fails),                                              \
        .help = "fail when this holds: 'e2e.p99>100ms'; may repeat"           \
    }
#define RUN_SCENARIO_ROWS                                                    \
    {.name = "set",                                                          \
     .type = OPT_LIST,                                                       \
     .arg = "KEY=VALUE",                                                     \
     .offset = RUN_AT(sets),                                                 \
     .help = "replace a value of the scenario; may repeat"},                 \
        {.name = "rate",                                                     \
         .letter = 'r',                                                      \
         .type = OPT_TEXT,                                                   \
         .arg = "RATE",                                                      \
         .offset = RUN_AT(rate),                                             \
         .help = "messages a second of the first traffic that is no probe"}, \
        {.name = "conns",                                                    \
         .letter = 'n',                                                      \
         .type = OPT_TEXT,                                                   \
         .arg = "N",                                                         \
         .offset = RUN_AT(conns),                                            \
         .help = "users: 20k, 1m"},                                          \
        {.name = "for",                                                      \
         .letter = 't',                                                      \
         .type = OPT_TEXT,                                                   \
         .arg = "TIME",                                                      \
         .offset = RUN_AT(measure),                                          \
         .help = "how long to measure"},                                     \
        {.name = "speed",                                                    \
         .type = OPT_TEXT,                                                   \
         .arg = "X",                                                         \
         .offset = RUN_AT(speed),                                            \
         .help = "time runs X times as fast"},                               \
        {.name = "seed",                                                     \
         .type = OPT_INT,                                                    \
         .arg = "N",                                                         \
         .preset = "1",                                                      \
         .max = INT64_MAX,                                                   \
         .offset = RUN_AT(seed),                                             \
         .help = "of chance: the same seed plans the same run"},             \
        {.name = "shards",                                                   \
         .type = OPT_INT,                                                    \
         .arg = "N",                                                         \
         .max = 256,                                                         \
         .offset = RUN_AT(shards),                                           \
         .help =                                                             \
             "threads with descriptors of their own (default: as needed)"},  \
        {.name = "io",                                                       \
         .type = OPT_CHOICE,                                                 \
         .arg = "ENGINE",                                                    \
         .preset = "auto",                                                   \
         .choices = "auto|epoll|uring",                                      \
         .offset = RUN_AT(io),                                               \
         .help = "how to wait for sockets: auto, epoll, uring"},             \
        {.name = "random-mask",                                              \
         .type = OPT_FLAG,                                                   \
         .offset = RUN_AT(random_mask),                                      \
         .help = "mask frames with random keys, not with zero"},             \
    {                                                                        \
        .name = "quiet", .letter = 'q', .type = OPT_FLAG,                    \
        .offset = RUN_AT(quiet), .help = "no line each second, no summary"   \
    }

/* A run under way; one at a time in a process, since signals speak to it. */
struct run_state {
    struct run_args args;
    struct scenario scenario;
    struct threshold thresholds[SCENARIO_THRESHOLDS]; /* with --fail */
    int nthresholds;
    struct target target;
    struct collect collect;
    struct engine_outcome outcome;
    struct verdicts verdicts;
    struct live live;
    struct tui tui;
    struct outputs outputs;
    struct metrics_http *metrics;
    _Atomic double factor; /* of all rates */
    int64_t started_ms;
    uint64_t run;   /* names the accounts */
    bool elsewhere; /* the clients run on other machines */
    /* Asked each second besides signals; false: enough. NULL: no. */
    bool (*more)(void *ctx, const struct second *row);
    bool enough; /* more() said so: what follows is the drain */
    void *ctx;
};

/* The scenario with --set, --rate, --conns, --for, --speed and --random-mask
 * applied, and the thresholds with --fail. 0 or a shown error's exit code. */
int run_scenario(struct run_state *r, const char *name);
/* Refuse what does not fit here (doctor), start or find the server, make the
 * accounts. 0 or a shown error's exit code. */
int run_open(struct run_state *r);
/* Before a further pass: users that the one before did not know, since what it
 * left unacknowledged is delivered again, and belongs to another run. */
int run_new_accounts(struct run_state *r);
/* One pass: collect is fresh, outcome and verdicts are filled. 0; or the exit
 * code of a shown error. */
int run_engine(struct run_state *r);
/* The summary on the screen, the files; the exit code that it all comes to.
 * argv: the command as it was typed. */
int run_finish(struct run_state *r, int argc, char **argv);
void run_close(struct run_state *r);

/* SIGINT and SIGTERM: the first drains, the second ends at once. */
void run_catch_signals(void);
bool run_interrupted(void);

#endif
