#include "collect.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define LOW 1000         /* 1 us */
#define HIGH 60000000000 /* 60 s */
#define DIGITS 3

static const char *const metric_names[METRICS] = {
    [METRIC_E2E] = "e2e",
    [METRIC_SERVICE] = "service",
    [METRIC_LAG] = "lag",
    [METRIC_SENT] = "sent",
    [METRIC_DELIVERED] = "delivered",
    [METRIC_READ] = "read",
    [METRIC_PROBE] = "probe",
    [METRIC_FIRST] = "fanout.first",
    [METRIC_MEDIAN] = "fanout.median",
    [METRIC_LAST] = "fanout.last",
    [METRIC_SPREAD] = "fanout.spread",
    [METRIC_CONNECT] = "connect",
    [METRIC_LOGIN] = "login",
    [METRIC_ONLINE] = "online",
    [METRIC_OFFLINE] = "offline",
    [METRIC_CATCHUP] = "catchup",
    [METRIC_BACK] = "back",
};

static const char *const count_names[COUNTS] = {
    [COUNT_DUE] = "due",
    [COUNT_SENT] = "sent",
    [COUNT_ACKED] = "acked",
    [COUNT_REFUSED] = "refused",
    [COUNT_UNKNOWN] = "unknown",
    [COUNT_EXPECTED] = "expected",
    [COUNT_COPIES] = "copies",
    [COUNT_BACKLOG] = "backlog",
    [COUNT_UNACKED] = "copies.unacked",
    [COUNT_DUP_WIRE] = "dup.wire",
    [COUNT_DUP] = "dup",
    [COUNT_LOST] = "lost",
    [COUNT_GAPS] = "gaps",
    [COUNT_REORDERED] = "reordered",
    [COUNT_MISMATCH] = "order.mismatch",
    [COUNT_CORRUPT] = "corrupt",
    [COUNT_LEAKED] = "leaked",
    [COUNT_RESENT] = "resent",
    [COUNT_HB] = "hb",
    [COUNT_HB_MISSED] = "hb.missed",
    [COUNT_CONNECTS] = "connects",
    [COUNT_CONNECT_FAILED] = "connects.failed",
    [COUNT_DROPPED] = "dropped",
    [COUNT_NOTICES] = "notices",
    [COUNT_HEADS] = "heads",
    [COUNT_BYTES_IN] = "bytes.in",
    [COUNT_BYTES_OUT] = "bytes.out",
    [COUNT_ERRORS] = "errors",
    [COUNT_LATE] = "late",
    [COUNT_BACKLOG_READ] = "backlog.read",
    [COUNT_AWAY] = "away",
    [COUNT_AWAY_READ] = "away.read",
    [COUNT_RECEIPTS] = "receipts",
    [COUNT_RECEIPTS_LOST] = "receipts.lost",
    [COUNT_RECEIPTS_WRONG] = "receipts.wrong",
};

static const char *const phase_names[PHASES] = {
    [PHASE_RAMP] = "ramp",
    [PHASE_SETTLE] = "settle",
    [PHASE_MEASURE] = "measure",
    [PHASE_DRAIN] = "drain",
};

const char *metric_name(enum metric m)
{
    return (unsigned)m < METRICS ? metric_names[m] : "?";
}

const char *count_name(enum count c)
{
    return (unsigned)c < COUNTS ? count_names[c] : "?";
}

const char *phase_name(enum phase p)
{
    return (unsigned)p < PHASES ? phase_names[p] : "?";
}

static int find(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

int metric_by_name(const char *name)
{
    return find(metric_names, METRICS, name);
}

int count_by_name(const char *name)
{
    return find(count_names, COUNTS, name);
}

void collect_init(struct collect *c)
{
    *c = (struct collect){0};
    for (int i = 0; i < METRICS; i++)
        hist_init(&c->hists[i], LOW, HIGH, DIGITS);
}

void collect_release(struct collect *c)
{
    for (int i = 0; i < METRICS; i++)
        hist_release(&c->hists[i]);
    free(c->seconds);
    *c = (struct collect){0};
}

void collect_second(struct collect *c, const struct second *row)
{
    if (c->nseconds == c->room) {
        c->room = c->room == 0 ? 64 : 2 * c->room;
        c->seconds = mem_grow(c->seconds, (size_t)c->room, sizeof(*row));
    }
    c->seconds[c->nseconds++] = *row;
}

int64_t collect_length(const struct collect *c, int i)
{
    int64_t from = i > 0 ? c->seconds[i - 1].at_ms : 0;
    int64_t length = c->seconds[i].at_ms - from;

    return length > 0 ? length : 1;
}

void quantiles_of(struct quantiles *q, const struct hist *h)
{
    *q = (struct quantiles){.count = h->count, .max = h->max};
    q->p50 = hist_at(h, 0.5);
    q->p90 = hist_at(h, 0.9);
    q->p99 = hist_at(h, 0.99);
    q->p999 = hist_at(h, 0.999);
}
