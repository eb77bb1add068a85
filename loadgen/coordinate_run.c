#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "commands.h"
#include "coordinate.h"

/* ---- what agents say ---- */

static double number(const json_t *j, const char *key)
{
    return json_number_value(json_object_get(j, key));
}

static void hear_interval(struct coordinator *c, struct peer *p,
                          const json_t *j)
{
    const char *phase = json_string_value(json_object_get(j, "phase"));

    for (int i = 0; i < PHASES && phase != NULL; i++)
        if (strcmp(phase, phase_name((enum phase)i)) == 0)
            p->phase = (enum phase)i;
    p->conns = json_integer_value(json_object_get(j, "conns"));
    p->up = json_integer_value(json_object_get(j, "ready"));
    p->gen_cpu = number(j, "gen_cpu");
    p->srv_cpu = number(j, "srv_cpu");
    p->foreign_cpu = number(j, "foreign_cpu");
    p->gen_rss = json_integer_value(json_object_get(j, "gen_rss"));
    p->srv_rss = json_integer_value(json_object_get(j, "srv_rss"));
    p->spoke = true;
    wire_read_counts(c->row.counts, json_object_get(j, "counts"));
    wire_merge_hists(c->fresh, json_object_get(j, "hists"));
    wire_merge_hists(c->heard.hists, json_object_get(j, "hists"));
}

static void hear_result(struct coordinator *c, struct peer *p, const json_t *j)
{
    struct collect *all = &c->r->collect;
    const json_t *phases = json_object_get(j, "phase_ms");

    wire_read_counts(all->counts, json_object_get(j, "counts"));
    wire_read_counts(all->all, json_object_get(j, "all"));
    wire_merge_hists(all->hists, json_object_get(j, "hists"));
    wire_read_outcome(&p->outcome, json_object_get(j, "outcome"));
    for (int i = 0; i < PHASES; i++) {
        int64_t ms = json_integer_value(json_array_get(phases, (size_t)i));

        if (ms > all->phase_ms[i])
            all->phase_ms[i] = ms;
    }
    p->done = true;
}

void coordinate_lost(struct coordinator *c, struct peer *p, const char *why)
{
    if (p->done || p->lost)
        return;
    p->lost = true;
    p->conns = p->up = 0;
    p->gen_cpu = 0;
    c->lost++;
    c->lost_users += p->users;
    wire_end_close(&p->wire);
    live_end(&c->r->live);
    load_fail(0, NULL,
              "agent %s is lost (%s): the run goes on with %" PRId64
              " users fewer",
              p->name, why, p->users);
}

void coordinate_hear(struct coordinator *c, struct peer *p, json_t *j)
{
    const char *kind = wire_kind(j),
               *text = json_string_value(json_object_get(j, "text"));

    if (strcmp(kind, "interval") == 0)
        hear_interval(c, p, j);
    else if (strcmp(kind, "result") == 0)
        hear_result(c, p, j);
    else
        coordinate_lost(c, p, text != NULL ? text : kind);
    json_decref(j);
}

/* ---- a second ---- */

static bool counts_now(const struct peer *p)
{
    return !p->lost && (!p->done || p->spoke);
}

/* What a local agent calls foreign may be its sibling. */
static double foreign(const struct coordinator *c)
{
    double siblings = 0, most = 0;

    for (int i = 0; i < c->n; i++)
        if (c->peers[i].local && counts_now(&c->peers[i]))
            siblings += c->peers[i].gen_cpu;
    for (int i = 0; i < c->n; i++) {
        const struct peer *p = &c->peers[i];
        double other = p->foreign_cpu - (p->local ? siblings - p->gen_cpu : 0);

        if (counts_now(p) && other > most)
            most = other;
    }
    return most;
}

void coordinate_second(struct coordinator *c, int64_t at_ms, struct second *out)
{
    enum phase first = PHASE_DRAIN;

    *out = c->row;
    out->at_ms = at_ms;
    out->srv_rss = out->srv_fds = out->kernel_tcp = -1;
    for (int i = 0; i < c->n; i++) {
        const struct peer *p = &c->peers[i];

        if (!counts_now(p))
            continue;
        first = p->phase < first ? p->phase : first;
        out->conns += p->conns;
        out->ready += p->up;
        out->gen_cpu += p->gen_cpu;
        out->gen_rss += p->gen_rss;
        out->srv_cpu = p->srv_cpu > out->srv_cpu ? p->srv_cpu : out->srv_cpu;
        out->srv_rss = p->srv_rss > out->srv_rss ? p->srv_rss : out->srv_rss;
    }
    out->phase = first;
    out->foreign_cpu = foreign(c);
    for (int m = 0; m < METRICS; m++) {
        quantiles_of(&out->q[m], &c->fresh[m]);
        hist_reset(&c->fresh[m]);
    }
    for (int i = 0; i < c->n; i++)
        c->peers[i].spoke = false;
    memset(&c->row, 0, sizeof(c->row));
}

static void tell_second(struct coordinator *c, int64_t at_ms)
{
    struct run_state *r = c->r;
    struct second row;

    coordinate_second(c, at_ms, &row);
    collect_second(&r->collect, &row);
    if (!r->args.quiet)
        live_second(&r->live, &row, c->lost > 0 ? "agents lost" : NULL);
    outputs_second(&r->outputs, &row, &c->heard, r->started_ms);
}

/* What came after the last second. */
static void tell_rest(struct coordinator *c)
{
    int64_t at_ms = clock_mono(clock_system()) - c->start_ms;
    bool any = false;

    for (int i = 0; i < c->n; i++)
        any |= c->peers[i].spoke;
    if (any)
        tell_second(c, at_ms);
    if (c->lost > 0) /* it has times that are in no result */
        hlog_close(&c->r->outputs.hlog);
}

/* ---- the whole ---- */

/* What other programs took, a mean over the measured seconds. */
static double foreign_mean(const struct collect *c)
{
    double all = 0, ms = 0;

    for (int i = 0; i < c->nseconds; i++) {
        double length = (double)collect_length(c, i);

        if (c->seconds[i].phase != PHASE_MEASURE)
            continue;
        all += c->seconds[i].foreign_cpu * length;
        ms += length;
    }
    return ms > 0 ? all / ms : 0;
}

static void join(char *out, size_t size, const char *more)
{
    size_t n = strlen(out);

    if (more[0] != '\0')
        snprintf(out + n, size - n, "%s%s", n > 0 ? "; " : "", more);
}

void coordinate_outcome(struct coordinator *c, struct engine_outcome *out)
{
    int locals = 0;

    memset(out, 0, sizeof(*out));
    for (int i = 0; i < c->n; i++)
        locals += c->peers[i].local;
    for (int i = 0; i < c->n; i++) {
        const struct engine_outcome *o = &c->peers[i].outcome;

        if (!c->peers[i].done)
            continue;
        out->generator_bound |= o->generator_bound;
        out->unanswered += o->unanswered;
        out->inconclusive |=
            o->inconclusive && !(c->peers[i].local && locals > 1);
        out->stopped_early |= o->stopped_early;
        out->violated |= o->violated;
        out->shards += o->shards;
        if (o->lag_p99_ms > out->lag_p99_ms)
            out->lag_p99_ms = o->lag_p99_ms;
        if (o->late_share > out->late_share)
            out->late_share = o->late_share;
        if (o->storm_lag_p99_ms > out->storm_lag_p99_ms)
            out->storm_lag_p99_ms = o->storm_lag_p99_ms;
        if (o->storm_ms > out->storm_ms)
            out->storm_ms = o->storm_ms;
        if (o->bytes_per_client > out->bytes_per_client)
            out->bytes_per_client = o->bytes_per_client;
        join(out->refused, sizeof(out->refused), o->refused);
        if (out->verdict[0] == '\0' || o->violated)
            memcpy(out->verdict, o->verdict, sizeof(out->verdict));
    }
    out->foreign_cpu = foreign_mean(&c->r->collect);
    out->inconclusive |= locals > 1 && out->foreign_cpu > FOREIGN_MAX;
    if (c->lost > 0) {
        size_t n = strlen(out->verdict);

        snprintf(out->verdict + n, sizeof(out->verdict) - n,
                 "%s%d of %d agents lost, and %" PRId64
                 " users with them: this is the run of the rest",
                 n > 0 ? "; " : "", c->lost, c->n, c->lost_users);
    }
}

static int living(const struct coordinator *c)
{
    int n = 0;

    for (int i = 0; i < c->n; i++)
        n += !c->peers[i].done && !c->peers[i].lost;
    return n;
}

/* Listen to all for at most ms. */
static void listen_to_all(struct coordinator *c, int ms)
{
    struct pollfd p[SPLIT_PARTS];
    json_t *j;
    int rc;

    for (int i = 0; i < c->n; i++)
        p[i] =
            (struct pollfd){.fd = c->peers[i].done ? -1 : c->peers[i].wire.fd,
                            .events = POLLIN};
    if (poll(p, (nfds_t)c->n, ms) <= 0)
        return;
    for (int i = 0; i < c->n; i++) {
        struct peer *peer = &c->peers[i];

        if (p[i].revents == 0)
            continue;
        while (!peer->done && !peer->lost &&
               (rc = wire_get(&peer->wire, 0, &j)) != 0) {
            if (rc == 1)
                coordinate_hear(c, peer, j);
            else
                coordinate_lost(c, peer, "its connection ended");
        }
    }
}

static void drain(struct coordinator *c)
{
    c->draining = true;
    for (int i = 0; i < c->n; i++)
        if (!c->peers[i].done && !c->peers[i].lost)
            wire_put(&c->peers[i].wire, json_pack("{s:s}", "t", "drain"));
}

void coordinate_begin(struct coordinator *c)
{
    c->start_ms = clock_mono(clock_system());
    c->r->started_ms = clock_wall(clock_system());
    collect_init(&c->r->collect);
    collect_init(&c->heard);
    for (int m = 0; m < METRICS; m++) {
        const struct hist *h = &c->r->collect.hists[m];

        hist_init(&c->fresh[m], h->low, h->high, h->digits);
    }
}

int coordinate_run(struct coordinator *c)
{
    int64_t now, next;

    coordinate_begin(c);
    now = c->start_ms;
    next = now + 1000;
    live_init(&c->r->live, stderr, c->r->scenario.users.count);
    for (int i = 0; i < c->n; i++)
        if (wire_put(&c->peers[i].wire, json_pack("{s:s}", "t", "start")) < 0)
            coordinate_lost(c, &c->peers[i], "it did not start");
    while (living(c) > 0) {
        listen_to_all(c, next > now ? (int)(next - now) : 0);
        now = clock_mono(clock_system());
        if (run_interrupted() && !c->draining)
            drain(c);
        if (now < next)
            continue;
        tell_second(c, now - c->start_ms);
        next += 1000;
    }
    tell_rest(c);
    if (!c->r->args.quiet)
        live_end(&c->r->live);
    if (c->lost == c->n)
        return load_fail(LOAD_UNREACHABLE, NULL, "all agents were lost");
    coordinate_outcome(c, &c->r->outcome);
    if (run_interrupted())
        c->r->outcome.stopped_early = true;
    verdicts_judge(&c->r->verdicts, c->r->thresholds, c->r->nthresholds,
                   &c->r->collect);
    return 0;
}
