/* scenario.h - what a run does, read from strict TOML (a subset) or JSON of
 * the same tree, bounded and checked: everything after this file may trust the
 * numbers. */
#ifndef LOAD_SCENARIO_H
#define LOAD_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "recorded.h"

#define SCENARIO_TRAFFICS 16
#define SCENARIO_THRESHOLDS 32

enum arrivals {
    ARRIVE_CONSTANT,
    ARRIVE_POISSON,
    ARRIVE_BURST,
    ARRIVE_RECORDED /* as a file says, at the pace that gives the rate */
};
enum traffic_kind {
    TRAFFIC_DIRECT,  /* pairs */
    TRAFFIC_GROUP,   /* groups of `members` */
    TRAFFIC_CHANNEL, /* above live_members: head frames, viewers */
    TRAFFIC_SELF     /* a note to oneself: sent only */
};

struct traffic {
    char name[48]; /* default: the kind */
    enum traffic_kind kind;
    int64_t members, groups; /* group, channel */
    double view;             /* channel: share of members that view, 0..1 */
    double threads;          /* share of messages that answer in a thread */
    double rate;             /* messages a second, all senders together */
    double rate_end;         /* ramp: rate at the end of measure; 0: constant */
    enum arrivals arrivals;
    int64_t burst;  /* messages at once, arrivals burst */
    char file[200]; /* of recorded arrivals, beside the scenario's */
    /* What it holds: owned by the scenario that was read, borrowed by copies.
     * NULL: not read, never due. */
    struct record *record;
    uint64_t record_from, record_to; /* the part of it, of RECORD_WHOLE */
    int64_t body_bytes;
    bool lognormal; /* sizes spread around body_bytes, sigma 0.5 */
    bool delivered; /* recipients acknowledge (always), sender counts it */
    double read;    /* share of copies that are read, 0..1 */
    bool probe;     /* the quiet stream that shows interference */
};

enum fault_kind {
    FAULT_NONE,
    FAULT_KILL,   /* SIGKILL the server, start it again (needs --server) */
    FAULT_FREEZE, /* SIGSTOP for `fault_ms`, SIGCONT */
    FAULT_RST     /* all clients drop at once, from our side */
};

struct threshold {
    char metric[48]; /* "e2e.p99", "lost", "rate.achieved" */
    char op[3];      /* < <= > >= = */
    double value;    /* ns for durations, else as it is */
    bool is_duration;
    char text[64]; /* as written: "e2e.p99 < 100ms" */
};

struct scenario {
    char name[64], about[200];
    struct {
        int64_t count;
        double connect_rate; /* a second, Poisson; 0: as fast as it goes */
        char source_ips[32]; /* "127.1.0.0/16" */
        int64_t heartbeat_ms;
        bool random_mask; /* mask frames with random keys */
    } users;
    struct traffic traffic[SCENARIO_TRAFFICS];
    int ntraffic;
    struct {
        double connects; /* a second; 0: none */
        int64_t session_ms;
        double fin, rst, silent; /* shares, sum 1 */
    } churn;
    struct {
        int64_t contacts; /* how many each user has */
        double visible;   /* share of them that a user views; 1: naive */
    } presence;
    struct {
        int64_t messages, users; /* prepared while `users` are offline */
        double rate;             /* reconnects a second; 0: at once */
    } backlog;
    struct {
        enum fault_kind kind;
        int64_t every_ms, fault_ms, count;
        bool no_backoff; /* herd: reconnect without the client's backoff */
    } fault;
    double slow; /* share of clients that stop reading */
    struct {
        int64_t settle_ms; /* -1: auto, by rule */
        int64_t measure_ms, drain_ms;
    } phases;
    double speed; /* --speed: time runs so many times as fast */
    struct threshold thresholds[SCENARIO_THRESHOLDS];
    int nthresholds;
};

/* Read FILE, or the built-in scenario of that name, and the records that it
 * names; then scenario_release() is due. sets: "a.b=c" pairs that
 * replace values ("traffic.0.rate=20k"). Errors name file:line:column and the
 * nearest key. */
int scenario_load(struct scenario *s, const char *name_or_file,
                  const char *const *sets, int nsets, struct error *err);
/* The same from text (fuzzing, tests), without opening a file: arrivals of a
 * record have none, and there is nothing to release. So it is with
 * scenario_from_json(), for agents. */
int scenario_parse(struct scenario *s, const char *source, struct span text,
                   const char *const *sets, int nsets, struct error *err);
/* Free the records of a scenario that was read, not of its copies. */
void scenario_release(struct scenario *s);
/* The effective scenario as TOML that reads back to the same. */
void scenario_write(struct buf *out, const struct scenario *s);
json_t *scenario_json(const struct scenario *s);
int scenario_from_json(struct scenario *s, const json_t *j, struct error *err);
/* "e2e.p99<100ms" (--fail is its opposite: the run fails when it holds). */
int threshold_parse(struct threshold *t, const char *text, struct error *err);
/* Does it hold for this value (ns for durations)? */
bool threshold_holds(const struct threshold *t, double value);
/* The numbers beside metrics ("e2e.p99") and counters ("lost") that a threshold
 * may name; NULL-terminated. */
extern const char *const threshold_extras[];

/* Built-ins: NULL-terminated list of names with their texts. */
struct builtin_scenario {
    const char *name, *about, *toml;
};
const struct builtin_scenario *scenario_builtins(void);

#endif
