#include "result.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "slope.h"

/* What a run tells beside its metrics and counts. */
enum special {
    RATE_ACHIEVED,
    RATE_OFFERED,
    SRV_CPU,
    GEN_CPU,
    FOREIGN_CPU,
    SRV_RSS,
    GEN_RSS,
    SRV_RSS_RATIO,
    SRV_FDS,
    CONNS,
    SPECIALS
};

static const char *const specials[SPECIALS] = {
    [RATE_ACHIEVED] = "rate.achieved",
    [RATE_OFFERED] = "rate.offered",
    [SRV_CPU] = "srv.cpu",
    [GEN_CPU] = "gen.cpu",
    [FOREIGN_CPU] = "foreign.cpu",
    [SRV_RSS] = "srv.rss",
    [GEN_RSS] = "gen.rss",
    [SRV_RSS_RATIO] = "srv.rss.ratio",
    [SRV_FDS] = "srv.fds",
    [CONNS] = "conns",
};

const enum count result_violations[] = {
    COUNT_LOST,    COUNT_DUP,    COUNT_REORDERED,     COUNT_MISMATCH,
    COUNT_CORRUPT, COUNT_LEAKED, COUNT_RECEIPTS_LOST, COUNT_RECEIPTS_WRONG,
    COUNTS,
};

/* Messages of one kind a second in the measured phase. */
static int rate_of(const struct collect *c, enum count what, double *value)
{
    uint64_t n = 0;
    int64_t ms = 0;

    for (int i = 0; i < c->nseconds; i++) {
        if (c->seconds[i].phase != PHASE_MEASURE)
            continue;
        n += c->seconds[i].counts[what];
        ms += collect_length(c, i);
    }
    *value = ms > 0 ? 1000 * (double)n / (double)ms : 0;
    return ms > 0 ? 0 : -CF_LIMIT;
}

/* A gauge of one second; negative when nobody knew. */
static double gauge_of(const struct second *s, enum special what)
{
    switch (what) {
    case SRV_CPU:
        return s->srv_cpu;
    case GEN_CPU:
        return s->gen_cpu;
    case FOREIGN_CPU:
        return s->foreign_cpu;
    case GEN_RSS:
        return (double)s->gen_rss;
    case SRV_FDS:
        return (double)s->srv_fds;
    case CONNS:
        return (double)s->conns;
    default:
        return (double)s->srv_rss;
    }
}

struct range {
    double mean, most, least, first, last; /* all but last: measured */
    double ms;
    int n;
};

static void range_of(struct range *r, const struct collect *c,
                     enum special what)
{
    double v, ms;

    *r = (struct range){.least = INFINITY};
    for (int i = 0; i < c->nseconds; i++) {
        v = gauge_of(&c->seconds[i], what);
        ms = (double)collect_length(c, i);
        if (v < 0)
            continue;
        r->last = v;
        if (c->seconds[i].phase != PHASE_MEASURE)
            continue;
        r->first = r->n++ == 0 ? v : r->first;
        r->ms += ms;
        r->mean += (v - r->mean) * ms / r->ms;
        r->most = v > r->most ? v : r->most;
        r->least = v < r->least ? v : r->least;
    }
}

static int special_value(const struct collect *c, enum special what,
                         double *value)
{
    struct range r;

    if (what == RATE_ACHIEVED)
        return rate_of(c, COUNT_ACKED, value);
    if (what == RATE_OFFERED)
        return rate_of(c, COUNT_DUE, value);
    range_of(&r, c, what);
    if (r.n == 0)
        return -CF_LIMIT;
    if (what == SRV_RSS_RATIO)
        *value = r.first > 0 ? r.last / r.first : 0;
    else if (what == CONNS)
        *value = r.least;
    else if (what == SRV_RSS || what == GEN_RSS || what == SRV_FDS)
        *value = r.most;
    else
        *value = r.mean;
    return 0;
}

/* "p99.9": 0.999; a negative number when it is not a percentile. */
static double quantile_named(const char *stat)
{
    char *end;
    double p;

    if (stat[0] != 'p' || stat[1] < '0' || stat[1] > '9')
        return -1;
    p = strtod(stat + 1, &end);
    return *end == '\0' && p > 0 && p <= 100 ? p / 100 : -1;
}

/* A percentile is told from ten samples above it on. */
static double samples_for(double q)
{
    return q > 0 && q < 1 ? round(10 / (1 - q)) : 0;
}

static int quantile_value(const struct hist *h, double q, double *value)
{
    if ((double)h->count < samples_for(q))
        return -CF_LIMIT;
    *value = (double)hist_at(h, q);
    return 0;
}

static int stat_value(const struct hist *h, const char *stat, double *value)
{
    static const char *const names[] = {"mean", "min", "max", "count"};
    double q = quantile_named(stat);
    size_t i = 0;

    while (q < 0 && i < COUNT_OF(names) && strcmp(stat, names[i]) != 0)
        i++;
    if (i == COUNT_OF(names))
        return -CF_NOT_FOUND;
    if (h == NULL)
        return 0;
    if (i == 3 && q < 0) {
        *value = (double)h->count;
        return 0;
    }
    if (h->count == 0)
        return -CF_LIMIT;
    if (q >= 0)
        return quantile_value(h, q, value);
    *value = i == 0 ? hist_mean(h) : i == 1 ? (double)h->min : (double)h->max;
    return 0;
}

/* The metric of "e2e.p99", and the statistic behind it. -1: none. */
static int metric_of(const char *name, const char **stat)
{
    for (int i = 0; i < METRICS; i++) {
        size_t n = strlen(metric_name((enum metric)i));

        if (strncmp(name, metric_name((enum metric)i), n) != 0 ||
            name[n] != '.')
            continue;
        *stat = name + n + 1;
        return i;
    }
    return -1;
}

int result_value(const struct collect *c, const char *name, double *value)
{
    const char *stat;
    int i = metric_of(name, &stat);

    if (i >= 0)
        return stat_value(c != NULL ? &c->hists[i] : NULL, stat, value);
    i = count_by_name(name);
    if (i >= 0) {
        if (c != NULL)
            *value = (double)c->all[i];
        return 0;
    }
    for (i = 0; i < SLOPES; i++)
        if (strcmp(name, slope_name((enum slope_of_what)i)) == 0)
            return c != NULL ? slope_growth(c, (enum slope_of_what)i, value)
                             : 0;
    for (i = 0; i < SPECIALS; i++)
        if (strcmp(name, specials[i]) == 0)
            return c != NULL ? special_value(c, (enum special)i, value) : 0;
    return -CF_NOT_FOUND;
}

static bool holds(const char *op, double value, double limit)
{
    bool equal_too = op[0] == '=' || op[1] == '=';

    if (equal_too && value == limit)
        return true;
    return (op[0] == '<' && value < limit) || (op[0] == '>' && value > limit);
}

uint64_t result_samples(const char *name)
{
    const char *stat;

    return metric_of(name, &stat) >= 0
               ? (uint64_t)samples_for(quantile_named(stat))
               : 0;
}

static void say_few(struct verdict *v, const struct collect *c)
{
    const char *stat = "";
    int m = metric_of(v->metric, &stat);
    uint64_t needed = result_samples(v->metric);

    if (m >= 0 && needed > 0)
        snprintf(v->why, sizeof(v->why),
                 "%" PRIu64 " samples; %.8s needs %" PRIu64, c->hists[m].count,
                 stat, needed);
    else
        snprintf(v->why, sizeof(v->why), "not enough samples");
}

static void judge(struct verdict *v, const struct threshold *t,
                  const struct collect *c)
{
    int r = result_value(c, t->metric, &v->value);

    snprintf(v->text, sizeof(v->text), "%s", t->text);
    snprintf(v->metric, sizeof(v->metric), "%s", t->metric);
    v->is_duration = t->is_duration;
    v->limit = t->value;
    v->has_value = r == 0;
    if (r == 0)
        v->state =
            holds(t->op, v->value, t->value) ? VERDICT_PASS : VERDICT_MISSED;
    else
        v->state = VERDICT_UNKNOWN;
    if (r == -CF_LIMIT)
        say_few(v, c);
    else if (r < 0)
        snprintf(v->why, sizeof(v->why), "no such metric");
}

void verdicts_judge(struct verdicts *out, const struct threshold *t, int n,
                    const struct collect *c)
{
    *out = (struct verdicts){0};
    for (int i = 0; i < n && i < SCENARIO_THRESHOLDS; i++) {
        judge(&out->v[i], &t[i], c);
        out->missed += out->v[i].state == VERDICT_MISSED;
        out->unknown += out->v[i].state == VERDICT_UNKNOWN;
        out->n++;
    }
}

const char *verdict_state_name(enum verdict_state s)
{
    static const char *const names[] = {"pass", "missed", "inconclusive"};

    return (unsigned)s < COUNT_OF(names) ? names[s] : "inconclusive";
}

enum load_exit result_exit(const struct engine_outcome *outcome,
                           const struct verdicts *v, bool unreachable)
{
    if (unreachable)
        return LOAD_UNREACHABLE;
    if (outcome != NULL && outcome->violated)
        return LOAD_VIOLATED;
    if (outcome != NULL && outcome->stopped_early)
        return LOAD_STOPPED;
    if (outcome != NULL && (outcome->generator_bound || outcome->inconclusive))
        return LOAD_INVALID;
    if ((v != NULL && v->missed > 0) ||
        (outcome != NULL && outcome->unanswered > 0))
        return LOAD_MISSED;
    return v != NULL && v->unknown > 0 ? LOAD_INVALID : LOAD_PASS;
}

const char *load_exit_word(enum load_exit code)
{
    switch (code) {
    case LOAD_PASS:
        return "pass";
    case LOAD_MISSED:
        return "missed";
    case LOAD_UNREACHABLE:
        return "unreachable";
    case LOAD_INVALID:
        return "invalid";
    case LOAD_VIOLATED:
        return "violated";
    case LOAD_STOPPED:
        return "stopped";
    default:
        return "usage";
    }
}

void accounting_of(struct accounting *a, const struct collect *c)
{
    *a = (struct accounting){
        .sent = c->all[COUNT_SENT],
        .acked = c->all[COUNT_ACKED],
        .refused = c->all[COUNT_REFUSED],
        .unknown = c->all[COUNT_UNKNOWN],
        .expected = c->all[COUNT_EXPECTED],
        .copies = c->all[COUNT_COPIES],
        .backlog = c->all[COUNT_BACKLOG],
        .lost = c->all[COUNT_LOST],
        .unacked = c->all[COUNT_UNACKED],
    };
    a->balanced = a->sent == a->acked + a->refused + a->unknown;
    a->copies_balanced =
        a->expected + a->unacked == a->copies + a->backlog + a->lost;
}
