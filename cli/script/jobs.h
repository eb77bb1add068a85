/* jobs.h - plays a plan in processes of its own, several at once. A unit of
 * work is one test, or the tests of a file that brings its own server. Each
 * unit is a child of ours; its results come back as JSON lines. Whatever a
 * child does, dies of or waits for, the run ends and nobody is left behind.
 * POSIX fork(2), so: call it from the only thread. */
#ifndef SCRIPT_JOBS_H
#define SCRIPT_JOBS_H

#include "base/error.h"
#include "result.h"
#include "select.h"

#define JOBS_MAX 256
#define JOBS_GRACE_MS 5000 /* beyond the limit of a test, then it is killed */

struct jobs_running {
    int index; /* in the plan, -1: still starting */
    int line;  /* being played, 0: not known */
};

struct jobs_config {
    const struct plan *plan;
    int jobs;
    uint64_t seed;
    const char *url;                /* a server for every test, or NULL */
    const char *artifacts;          /* directory or NULL */
    const char *const *server_args; /* further, of servers started here */
    int nserver_args;
    const char *nonce; /* of account names on a server that was there */
    int64_t limit_ms;  /* of one test */
    int64_t total_ms;  /* of the run; 0: none */
    double timeout_scale;
    bool no_slo, keep_going, fail_fast, verbose;
    int until_line;
    int64_t tick_ms; /* how often turn() is wanted; 0: never */

    /* A test is done; r stays where it is until the caller frees it. */
    void (*result)(void *ctx, int index, const struct test_result *r);
    void (*turn)(void *ctx, const struct jobs_running *running, int count);
    void *ctx;
};

struct jobs_end {
    char bail[640]; /* why the run ended early; "": it did not */
    int exit_code;  /* then */
};

/* Fill results[i] for plan->tests[i]; a test that was not played because the
 * run ended early has file NULL. -CF_UNAVAILABLE: no server could be started;
 * -CF_IO: the system refused. */
int jobs_run(const struct jobs_config *cfg, struct test_result *results,
             struct jobs_end *end, struct error *err);

/* Processors this process may use, 1 at least. */
int jobs_processors(void);

#endif
