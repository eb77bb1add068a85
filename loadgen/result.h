/* result.h - the document of a run, schema "confab-load/1": written once by
 * whoever ran it, read by report and compare. Times are ns where a metric is
 * meant and ms where the name ends in _ms; sizes are bytes, CPU is percent of
 * one core, -1 means that nobody knew.
 *
 * { "schema": "confab-load/1",
 *   "program": {"name": "confab-load", "version": text},
 *   "argv": [text...], "started_ms": since the epoch, "url": text,
 *   "scenario": {the effective scenario, confab-load-scenario(5)},
 *   "environment": {"kernel", "cpu", "cores", "memory", "fd_limit",
 *                   "wake_slice_ns", "server", "durability"},
 *   "phases": {"ramp": ms, "settle": ms, "measure": ms, "drain": ms},
 *   "metrics": {NAME: {"count", "min", "mean", "stddev", "p50", "p90", "p99",
 *               "p99.9": null below 10,000 samples, "max",
 *               "hist": hist_encode()}},        only what has samples
 *   "counts": {"measured": {NAME: n}, "all": {NAME: n}},
 *   "series": {"at_ms": [], "phase": [], "conns": [], "ready": [],
 *              "gen_cpu": [], "srv_cpu": [], "foreign_cpu": [],
 *              "gen_rss": [], "srv_rss": [], "srv_fds": [],
 *              "kernel_tcp": [], "counts": {NAME: []},
 *              "metrics": {NAME: {"count": [], "p50": [], "p90": [],
 *                          "p99": [], "p99.9": [], "max": []}}},
 *   "accounting": {"sent", "acked", "refused", "unknown", "balanced": bool,
 *                  "expected", "copies", "backlog", "lost",
 *                  "unacked": copies of messages that were refused or
 *                  unknown, "copies_balanced": bool, "away": users at the end,
 *                  "away_read": of them, that came back, "backlog_read":
 *                  copies they got, "receipts": last marks owed to senders,
 *                  "violations": {NAME: n}},
 *   "rates": {"offered", "achieved"},           messages a second, measured
 *   "outcome": {"exit", "word", "verdict", "generator_bound",
 *               "inconclusive", "stopped_early", "violated", "unreachable",
 *               "lag_p99_ms", "late_share", "foreign_cpu", "shards",
 *               "bytes_per_client", "unanswered", "paused_ms",
 *               "storm_ms", "storm_lag_p99_ms"},
 *   "thresholds": [{"text", "metric", "duration": bool, "limit",
 *                   "value": number or null,
 *                   "state": "pass" | "missed" | "inconclusive", "why"}],
 *   "floor": {...}, "peers": [...],             when given
 *   "capacity": {"vary", "slo", "best", "binds", "points": [{"x", "offered",
 *                "achieved", "p50", "p99", "p99.9", "lost", "srv_cpu",
 *                "gen_cpu", "pass", "why"}]} }  when it is a capacity result
 *
 * All series have one length. Readers ignore members they do not know. */
#ifndef LOAD_RESULT_H
#define LOAD_RESULT_H

#include "base/json.h"
#include "collect.h"
#include "engine.h"
#include "scenario.h"

#define RESULT_SCHEMA "confab-load/1"
#define RESULT_SECONDS 100000            /* rows of a document that is read */
#define RESULT_POINTS 256                /* points of a capacity curve */
#define RESULT_NUMBER (INT64_C(1) << 53) /* largest whole number */
#define RESULT_FILE (128 << 20)          /* bytes of a document */
#define ENOUGH_FOR_P999 10000 /* samples below which no p99.9 is told */

enum load_exit {
    LOAD_PASS = 0,
    LOAD_MISSED = 1, /* a threshold */
    LOAD_USAGE = 2,
    LOAD_UNREACHABLE = 3, /* the target */
    LOAD_INVALID = 4,     /* generator-bound or inconclusive */
    LOAD_VIOLATED = 5,    /* correctness */
    LOAD_STOPPED = 130    /* early, by a person; the report is written */
};

/* --- thresholds --- */

enum verdict_state { VERDICT_PASS, VERDICT_MISSED, VERDICT_UNKNOWN };

struct verdict {
    char text[64], metric[48];
    enum verdict_state state;
    double value, limit; /* ns for durations */
    bool has_value, is_duration;
    char why[64]; /* when unknown: "240 samples; p99 needs 1000" */
};

struct verdicts {
    struct verdict v[SCENARIO_THRESHOLDS];
    int n, missed, unknown;
};

/* The value of a name: "e2e.p99", "fanout.last.max", "lag.count" (ns for
 * quantiles, mean, min and max), a count of the whole run ("lost"), or
 * "rate.achieved" and "rate.offered" (a second, measured phase), "srv.cpu",
 * "gen.cpu", "foreign.cpu" (mean of the measured phase), "srv.rss", "gen.rss"
 * (largest), "srv.rss.ratio" (last of the run / first measured), "srv.fds",
 * "conns" (fewest of the measured phase), "slope.rss" and the others of
 * slope.h. 0; -CF_NOT_FOUND: no such name;
 * -CF_LIMIT: not enough samples. c NULL: tells only whether the name exists. */
int result_value(const struct collect *c, const char *name, double *value);

/* How many samples the percentile in that name needs: ten above it, so 1,000
 * for "e2e.p99" and 10,000 for "e2e.p99.9". 0: it is no percentile. */
uint64_t result_samples(const char *name);

void verdicts_judge(struct verdicts *out, const struct threshold *t, int n,
                    const struct collect *c);
const char *verdict_state_name(enum verdict_state s);

/* The exit code of all that is known: unreachable, then violated, stopped,
 * invalid, missed, pass. outcome may be NULL. */
enum load_exit result_exit(const struct engine_outcome *outcome,
                           const struct verdicts *v, bool unreachable);
const char *load_exit_word(enum load_exit code); /* "pass", "violated" */

/* The resource that limits, in words: "the generator", "the CPU of this
 * machine", ... and "nothing" when all that was offered was served. */
const char *result_binds(const struct collect *c,
                         const struct engine_outcome *outcome, int64_t cores);
/* Why a run is worth what it is, in words: the engine's verdict, and what made
 * the result invalid. */
void result_reason(char *out, size_t size, const struct engine_outcome *o);

/* --- the equation of accounting, over the whole run --- */

struct accounting {
    uint64_t sent, acked, refused, unknown;
    uint64_t expected, copies, backlog, lost;
    uint64_t unacked; /* of the copies: those that nobody is owed */
    bool balanced;    /* sent = acked + refused + unknown */
    /* expected = copies - unacked + backlog + lost */
    bool copies_balanced;
};

void accounting_of(struct accounting *a, const struct collect *c);
/* The counts of which none may be above 0; ends with COUNTS. */
extern const enum count result_violations[];

/* --- where it ran --- */

struct environment {
    char kernel[96], cpu[96];
    char server[64], durability[64]; /* "" unknown; the caller's to fill */
    int64_t cores, memory, fd_limit; /* memory in bytes; -1 unknown */
    int64_t wake_slice_ns; /* of the threads that send; 0: the kernel's own */
};

/* This machine; server and durability become "". */
void environment_read(struct environment *e);

/* --- capacity --- */

struct capacity_point {
    double x, offered, achieved; /* the varied number; messages a second */
    uint64_t p50, p99, p999, lost;
    double srv_cpu, gen_cpu;
    bool pass;
    bool hopeless; /* the backlog grew until it was given up */
    char why[64];
};

struct capacity {
    char vary[32], slo[64], binds[64]; /* what limits */
    double best;                       /* largest x that passed */
    struct capacity_point points[RESULT_POINTS];
    int npoints;
};

/* --- the document --- */

struct result_input {
    int argc;
    char *const *argv; /* from the command on */
    int64_t started_ms;
    const char *url;
    json_t *scenario; /* borrowed: scenario_json() */
    const struct environment *env;
    const struct collect *collect;
    const struct engine_outcome *outcome;
    const struct verdicts *verdicts;
    const struct capacity *capacity; /* or NULL */
    json_t *floor, *peers;           /* borrowed, or NULL */
    bool unreachable;
};

/* The document; free with json_decref(). */
json_t *result_json(const struct result_input *in);
/* Write it into path, "-" for stdout, whole or not at all (a new file beside
 * it, then renamed). 0 or -CF_IO, -CF_FULL. */
int result_write(const char *path, const json_t *doc, struct error *err);
/* The same for any text: reports, tables. */
int result_write_text(const char *path, struct span text, struct error *err);

/* A document read back and checked. */
struct run {
    json_t *doc;               /* owned; what the fields below do not hold */
    const char *version, *url; /* of doc */
    int64_t started_ms;
    struct collect collect;
    struct environment env;
    struct engine_outcome outcome;
    struct verdicts verdicts;
    struct capacity capacity; /* npoints 0: not a capacity result */
    enum load_exit exit;
};

/* 0, or an error that names the file and the member: -CF_IO, -CF_INVALID,
 * -CF_TOO_BIG, -CF_VERSION. Release on success alone. */
int run_load(struct run *r, const char *path, struct error *err);
int run_parse(struct run *r, struct span text, struct error *err);
void run_release(struct run *r);

/* Between result.c and its readers: the series of collect. */
json_t *series_json(const struct collect *c);
int series_read(struct collect *c, const json_t *series, struct error *err);

/* --- other forms; nothing is written beyond the buffer's bound --- */

/* One JSON object on one line, with what happened in this second. */
void write_jsonl(struct buf *out, const struct second *row);
void write_csv_head(struct buf *out);
void write_csv(struct buf *out, const struct second *row);
/* TAP 14, https://testanything.org/tap-version-14-specification.html */
void write_tap(struct buf *out, const struct verdicts *v,
               const struct collect *c);
/* One test suite as CI servers read it; name: of the scenario. */
void write_junit(struct buf *out, const struct verdicts *v,
                 const struct collect *c, const char *name);
/* Prometheus text format 0.0.4: counters of the run, gauges of the last
 * second, histograms in seconds. */
void write_prometheus(struct buf *out, const struct collect *c);

#endif
