/* cmd_run.h - the inside of `confab run`: options, and what its output does
 * while tests are played. */
#ifndef CLI_CMD_RUN_H
#define CLI_CMD_RUN_H

#include "commands.h"
#include "script/jobs.h"
#include "script/report.h"

struct run_target {
    int64_t jobs, seed, until, limit_ms, total_ms;
    struct option_list only, only_tags, skip_tags, server_args;
    const char *url, *format, *junit, *artifacts, *scale, *replay;
    bool shuffle, keep_going, fail_fast, no_slo, check, list, verbose;
};

enum run_format { RUN_HUMAN, RUN_TAP, RUN_JSONL };

struct run_report {
    enum run_format format;
    int tap_version;
    bool live; /* a line on the terminal is written over again */
    bool verbose;
    const struct plan *plan;
    struct test_result *results; /* one a test of the plan */
    bool *done;
    int next; /* TAP: the first that is not printed */
    struct report_totals totals;
    int64_t started_ms;
};

void run_report_begin(struct run_report *r);
/* As jobs.h calls them; ctx is the report. */
void run_report_result(void *ctx, int index, const struct test_result *result);
void run_report_turn(void *ctx, const struct jobs_running *running, int count);
/* bail: why the run ended early, or NULL. */
void run_report_end(struct run_report *r, const char *bail);
void run_report_junit(struct run_report *r, const char *bail, FILE *to);

/* Text of ours and of others, several lines, to stderr. */
void run_complain(const char *text);

/* `run --replay TRACE`: an exit code. */
int run_replay(struct cli *c, const char *path);

#endif
