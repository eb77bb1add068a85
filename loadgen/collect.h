/* collect.h - what a run measures: histograms by metric, counters, and one row
 * a second. The engine's shards each fill a `struct tally`; the main thread
 * folds them into a `struct collect` once a second. */
#ifndef LOAD_COLLECT_H
#define LOAD_COLLECT_H

#include <stdbool.h>
#include <stdint.h>

#include "hist.h"

enum metric {
    METRIC_E2E,       /* response time: received - due, each copy */
    METRIC_SERVICE,   /* received - written */
    METRIC_LAG,       /* written - due: the generator's own lateness */
    METRIC_SENT,      /* `sent` received - due */
    METRIC_DELIVERED, /* receipt at the sender - due */
    METRIC_READ,
    METRIC_PROBE, /* e2e of the streams marked probe */
    METRIC_FIRST, /* fan-out: first, median, last recipient - due */
    METRIC_MEDIAN,
    METRIC_LAST,
    METRIC_SPREAD,  /* last - first */
    METRIC_CONNECT, /* TCP + upgrade answered - due */
    METRIC_LOGIN,   /* hello -> synced */
    METRIC_ONLINE,  /* presence: on seen - hello written */
    METRIC_OFFLINE, /* off seen - (last sign of life + TTL), >= 0 */
    METRIC_CATCHUP, /* hello -> backlog empty */
    METRIC_BACK,    /* herd: drop -> connected and caught up */
    METRICS
};

enum count {
    COUNT_DUE,       /* slots of the schedules */
    COUNT_SENT,      /* messages written (the first time) */
    COUNT_ACKED,     /* `sent` came */
    COUNT_REFUSED,   /* err came */
    COUNT_UNKNOWN,   /* neither, at the end of the drain */
    COUNT_EXPECTED,  /* copies owed: for acked messages, recipients */
    COUNT_COPIES,    /* delivered, unique */
    COUNT_BACKLOG,   /* owed to who was offline at the end, in the log */
    COUNT_UNACKED,   /* copies of messages that were refused, or unknown */
    COUNT_DUP_WIRE,  /* same seq twice on the wire (allowed, reported) */
    COUNT_DUP,       /* one message under two seqs: a failure */
    COUNT_LOST,      /* acked, and a recipient never got it */
    COUNT_GAPS,      /* holes in seq that nothing explained */
    COUNT_REORDERED, /* stream order broken */
    COUNT_MISMATCH,  /* conversations whose members disagree on the order */
    COUNT_CORRUPT,   /* body with a wrong crc or of another run */
    COUNT_LEAKED,    /* copies to who is not a member */
    COUNT_RESENT,    /* repeated with the same cid */
    COUNT_HB,        /* heartbeats sent */
    COUNT_HB_MISSED, /* not answered within the TTL */
    COUNT_CONNECTS,
    COUNT_CONNECT_FAILED,
    COUNT_DROPPED, /* by the server */
    COUNT_NOTICES, /* presence rows received */
    COUNT_HEADS,   /* "there is more" frames */
    COUNT_BYTES_IN,
    COUNT_BYTES_OUT,
    COUNT_ERRORS,         /* err frames without a message of ours */
    COUNT_LATE,           /* slots written more than 1 ms late */
    COUNT_BACKLOG_READ,   /* of the backlog, seen in the log after the drain */
    COUNT_AWAY,           /* users that were away then */
    COUNT_AWAY_READ,      /* of these, that came back and got all */
    COUNT_RECEIPTS,       /* last marks that senders had to be told */
    COUNT_RECEIPTS_LOST,  /* of these, not told */
    COUNT_RECEIPTS_WRONG, /* that fell, or said more than was acknowledged */
    COUNTS
};

/* "e2e", "sent", "fanout.last", ...; "lost", "acked", ... NULL never. */
const char *metric_name(enum metric m);
const char *count_name(enum count c);
int metric_by_name(const char *name); /* -1: none */
int count_by_name(const char *name);

enum phase { PHASE_RAMP, PHASE_SETTLE, PHASE_MEASURE, PHASE_DRAIN, PHASES };
const char *phase_name(enum phase p);

/* One writer (a shard), folded under its lock once a second. */
struct tally {
    uint64_t counts[COUNTS];
    struct hist hists[METRICS]; /* 2 digits, 1 us .. 60 s */
    int64_t conns, ready;       /* gauges: connected, logged in and synced */
};

struct quantiles {
    uint64_t count, p50, p90, p99, p999, max; /* ns */
};

struct second {
    int64_t at_ms; /* since the start of the run */
    enum phase phase;
    uint64_t counts[COUNTS]; /* of this second */
    struct quantiles q[METRICS];
    int64_t conns, ready;
    double gen_cpu, srv_cpu, foreign_cpu; /* share of one core, percent */
    int64_t gen_rss, srv_rss, srv_fds, kernel_tcp; /* bytes; -1 unknown */
};

struct collect {
    struct second *seconds; /* owned */
    int nseconds, room;
    struct hist hists[METRICS]; /* the measured phase, and what came of it in
                                   the drain; 3 digits */
    uint64_t counts[COUNTS];    /* the measured phase and the drain */
    uint64_t all[COUNTS];       /* the whole run */
    int64_t phase_ms[PHASES];   /* how long each took */
};

void collect_init(struct collect *c);
void collect_release(struct collect *c);
/* Append a row; copies. */
void collect_second(struct collect *c, const struct second *row);
/* How long row i took, ms, at least 1: a row ends early where a phase does. */
int64_t collect_length(const struct collect *c, int i);
/* Too short a row for its rate or CPU to mean anything; its counts do. */
#define SHORT_ROW_MS 300
void quantiles_of(struct quantiles *q, const struct hist *h);

#endif
