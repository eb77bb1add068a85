/* engine.h - runs a scenario against a server: shards (a thread with a
 * descriptor table of its own), open-loop schedules, accounting. */
#ifndef LOAD_ENGINE_H
#define LOAD_ENGINE_H

#include "base/error.h"
#include "collect.h"
#include "driver.h"
#include "refusals.h"
#include "scenario.h"

/* Who may log in: made in bulk over the admin socket, or given in a file. */
struct account_set;
/* Make `count` users named prefix-0 .. over the admin socket; tokens without
 * a password hash each. */
int accounts_make(struct account_set **out, const char *admin_socket,
                  const char *prefix, int64_t count, struct error *err);
/* Lines "name user dev token" of a file of mode 0600. */
int accounts_read(struct account_set **out, const char *path,
                  struct error *err);
/* Users 1 .. count, who need no token: servers without accounts. */
int accounts_plain(struct account_set **out, int64_t count, struct error *err);
void accounts_free(struct account_set **a);
int64_t accounts_count(const struct account_set *a);

struct engine_config {
    const struct scenario *scenario;
    const char *host; /* of the URL */
    int port;
    bool tls;
    const char *ca_file;
    const struct account_set *accounts;
    int shards;                  /* 0: what the count and the cores need */
    int server_pid;              /* for CPU, memory and faults; 0: unknown */
    int64_t fold_ms;             /* the server gathers receipts; 0: unknown */
    const struct driver *driver; /* NULL: confab's own protocol */
    const char *io;              /* "epoll", "uring", "auto" */
    uint64_t seed, run;          /* run: in each marker */
    /* Start the server again after FAULT_KILL: 0 or an error. */
    int (*restart)(void *ctx, int *server_pid, struct error *err);
    /* Once a second, from the engine's main thread. Return false to stop the
     * run early (drain and report). */
    bool (*tick)(void *ctx, const struct second *row, const char *verdicts);
    void *ctx;
    /* Control over a running engine (capacity, --tui): multiplies all rates;
     * read by shards each second. 0: a pause, in which no message falls due;
     * all that comes after it is due that much later. NULL: 1. */
    const _Atomic double *rate_factor;
};

/* Other programs may take so much of a core, on average, in percent. */
#define FOREIGN_MAX 40

struct engine_outcome {
    bool generator_bound, inconclusive, stopped_early;
    bool violated;     /* lost, dup, reordered, corrupt, leaked, mismatch */
    char verdict[400]; /* in words, which fault, where */
    char refused[REFUSAL_TEXT]; /* "120 rate, 3 not_found" */
    double lag_p99_ms, late_share, foreign_cpu;
    /* From faults until all were back: judged apart, see confab-load(1). */
    double storm_lag_p99_ms;
    int64_t storm_ms;
    int shards;
    int64_t bytes_per_client; /* of our own memory */
    int64_t paused_ms;        /* by hand */
    int64_t unanswered; /* messages due that had no answer after the drain,
                           written or not: no run passes with any */
};

/* Blocking: ramp, settle, measure, drain. 0 also when thresholds fail;
 * -CF_UNAVAILABLE: the target is not reachable. collect is initialised. */
int engine_run(const struct engine_config *cfg, struct collect *collect,
               struct engine_outcome *outcome, struct error *err);

#endif
