/* copies.c - each copy of a message that arrives: whole, ours, for this
 * member, once, and in order. */
#include "base/error.h"
#include "engine_inside.h"
#include "marker.h"
#include "shard.h"

static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    return x ^ x >> 32;
}

/* Sums of this over the same range are equal when everybody got the same
 * message under the same number, that is, in the same order. */
static uint64_t order_of(const struct object *o)
{
    return mix((uint64_t)o->seq * 0x9e3779b97f4a7c15u ^ mix(o->id));
}

/* ---- fan-out: first, median, last ---- */

static void fan_times(struct shard *sh, struct fan *f, uint32_t count,
                      uint32_t all, uint64_t due)
{
    uint64_t took = sh->now - due;

    if (count == 1) {
        atomic_store(&f->first, sh->now);
        hist_add(&sh->tally->hists[METRIC_FIRST], took);
    }
    if (count == (all + 1) / 2)
        hist_add(&sh->tally->hists[METRIC_MEDIAN], took);
    if (count == all) {
        uint64_t first = atomic_load(&f->first);

        hist_add(&sh->tally->hists[METRIC_LAST], took);
        hist_add(&sh->tally->hists[METRIC_SPREAD],
                 sh->now > first ? sh->now - first : 0);
    }
}

static void fan_copy(struct shard *sh, const struct plan_stream *stream,
                     const struct plan_conv *conv, const struct marker *m)
{
    struct fan *f;
    uint64_t was, want;
    int32_t live = atomic_load(&conv->live) - 1;

    if (stream->fans == NULL || live < 1)
        return;
    f = &stream->fans[m->seq % FAN_SLOTS];
    was = atomic_load(&f->tag_count);
    do {
        if (was >> 32 > m->seq)
            return; /* the place has gone to a later message */
        want = was >> 32 == m->seq ? was + 1 : (uint64_t)m->seq << 32 | 1;
    } while (!atomic_compare_exchange_weak(&f->tag_count, &was, want));
    fan_times(sh, f, (uint32_t)want, (uint32_t)live, m->due);
}

/* ---- one copy ---- */

static void count_copy(struct shard *sh, const struct client *c,
                       const struct plan_stream *stream, const struct seat *s,
                       const struct marker *m)
{
    const struct engine *e = sh->engine;
    const struct plan_conv *conv = &e->plan.convs[s->conv];
    const struct traffic *t = &e->scenario->traffic[conv->traffic];
    uint64_t took = sh->now > m->due ? sh->now - m->due : 0;

    atomic_fetch_add_explicit(&sh->copies, 1, memory_order_relaxed);
    sh->progressed = true;
    if (c->flags & FLAG_RECALLED) {
        tally_count(sh, COUNT_BACKLOG, 1);
        tally_count(sh, COUNT_BACKLOG_READ, 1);
        return;
    }
    tally_count(sh, COUNT_COPIES, 1);
    if (conv->backlog)
        return; /* it waited on purpose */
    if (t->probe) {
        hist_add(&sh->tally->hists[METRIC_PROBE], took);
        return;
    }
    hist_add(&sh->tally->hists[METRIC_E2E], took);
    hist_add(&sh->tally->hists[METRIC_SERVICE],
             sh->now > m->written ? sh->now - m->written : 0);
    fan_copy(sh, stream, conv, m);
}

/* Does a person look at this one? */
static bool reads_it(struct shard *sh, const struct seat *s)
{
    const struct engine *e = sh->engine;
    double share = e->scenario->traffic[e->plan.convs[s->conv].traffic].read;

    return share >= 1 || (share > 0 && rng_unit(&sh->rng) < share);
}

/* What the marker says must fit the entry that carried it. */
static const struct plan_stream *stream_of(struct shard *sh,
                                           const struct seat *s,
                                           const struct object *o,
                                           const struct marker *m)
{
    const struct engine *e = sh->engine;
    const struct plan_stream *stream;

    if (m->stream >= e->plan.nstreams)
        return NULL;
    stream = &e->plan.streams[m->stream];
    if (stream->conv != s->conv ||
        (e->cfg->driver == NULL &&
         account_user(e->cfg->accounts, stream->user) != o->from))
        return NULL;
    return stream;
}

static void corrupt(struct shard *sh, const struct seat *s,
                    const struct object *o, const char *how)
{
    uint64_t conv = sh->engine->plan.convs[s->conv].id;

    shard_fault(sh, COUNT_CORRUPT, "c%llu seq %lld: %s",
                (unsigned long long)conv, (long long)o->seq, how);
}

static void judge_order(struct shard *sh, const struct seat *s,
                        const struct object *o, const struct marker *m,
                        const struct plan_stream *stream, uint32_t highest)
{
    if (plan_in_doubt(stream, m->seq, highest))
        return;
    shard_fault(sh, COUNT_REORDERED,
                "stream %u: message %u came after a later one, "
                "as seq %lld",
                m->stream, m->seq, (long long)o->seq);
}

static void twice(struct shard *sh, const struct object *o,
                  const struct marker *m, enum source source)
{
    if (source == SOURCE_HISTORY) {
        tally_count(sh, COUNT_DUP_WIRE, 1);
        return;
    }
    shard_fault(sh, COUNT_DUP, "stream %u: message %u came again as seq %lld",
                m->stream, m->seq, (long long)o->seq);
}

static void take_message(struct shard *sh, struct client *c, struct seat *s,
                         const struct object *o, enum source source,
                         enum seat_fit fit)
{
    const struct plan_stream *stream;
    struct marker m;
    uint32_t window;
    int rc = marker_read(o->body, &m);

    if (rc < 0) {
        corrupt(sh, s, o,
                rc == -CF_INVALID ? "its checksum is wrong"
                                  : "it is no message of this run");
        return;
    }
    if (m.run != engine_run_id(sh->engine))
        return; /* of an earlier run of these accounts; its sum is right */
    stream = stream_of(sh, s, o, &m);
    if (stream == NULL) {
        corrupt(sh, s, o, "it belongs to another conversation or sender");
        return;
    }
    window = s->first_window +
             (m.stream - sh->engine->plan.convs[s->conv].first_stream);
    switch (window_take(&sh->windows[window], window, m.seq, &sh->holes)) {
    case ARRIVED_TWICE:
        twice(sh, o, &m, source);
        return;
    case ARRIVED_LATE:
        if (fit == SEAT_NEXT || fit == SEAT_AHEAD)
            judge_order(sh, s, o, &m, stream, sh->windows[window].next - 1);
        break;
    case ARRIVED_NEXT:
        break;
    }
    s->order += order_of(o);
    if (stream->user == client_user(sh, c)) {
        outflow_echo(sh, c, m.stream, m.seq, o->seq);
        return;
    }
    count_copy(sh, c, stream, s, &m);
    s->read |= reads_it(sh, s);
}

static void leaked(struct shard *sh, const struct object *o, uint64_t conv)
{
    shard_fault(sh, COUNT_LEAKED, "c%llu seq %lld came to one who is no member",
                (unsigned long long)conv, (long long)o->seq);
}

/* Fan-out is at least once where a connection, a node or a bus was lost. On
 * one and the same connection the second copy is a fault. */
static void wire_twice(struct shard *sh, const struct seat *s,
                       const struct object *o, enum source source)
{
    uint64_t conv = sh->engine->plan.convs[s->conv].id;

    tally_count(sh, COUNT_DUP_WIRE, 1);
    if (source == SOURCE_LIVE && s->live > 0 && o->seq >= s->live)
        shard_fault(sh, COUNT_DUP,
                    "c%llu seq %lld came twice on one connection",
                    (unsigned long long)conv, (long long)o->seq);
}

void copies_entry(struct shard *sh, struct client *c, struct seat *s,
                  const struct object *o, enum source source)
{
    const struct plan_conv *conv = &sh->engine->plan.convs[s->conv];
    enum seat_fit fit;

    if (o->seq <= 0)
        return;
    fit = seat_take(sh, s, o->seq);
    if (source != SOURCE_HISTORY)
        acks_note(sh, c, o->body.n + 150);
    if (fit == SEAT_TWICE) {
        wire_twice(sh, s, o, source);
        return;
    }
    if (source == SOURCE_LIVE && s->live == 0)
        s->live = o->seq;
    if (fit == SEAT_FILL && source == SOURCE_LIVE) {
        shard_fault(sh, COUNT_REORDERED,
                    "c%llu seq %lld came after a later one",
                    (unsigned long long)conv->id, (long long)o->seq);
    }
    if (!o->is_message)
        return;
    if (conv->outsider && s->place == conv->members - 1)
        leaked(sh, o, conv->id);
    else
        take_message(sh, c, s, o, source, fit);
}

void copies_stray(struct shard *sh, struct client *c, uint64_t conv,
                  const struct object *o)
{
    struct marker m;

    if (o->is_message && marker_read(o->body, &m) == 0 &&
        m.run == engine_run_id(sh->engine))
        leaked(sh, o, conv);
    acks_direct(sh, c, conv, o->seq);
}

void copies_live(struct shard *sh, struct client *c, bool on)
{
    struct plan *p = &sh->engine->plan;

    for (uint32_t i = 0; i < c->nseats; i++) {
        const struct seat *s = &sh->seats[c->first_seat + i];
        struct plan_conv *conv = &p->convs[s->conv];

        if (plan_in_audience(conv, s->place))
            atomic_fetch_add(&conv->live, on ? 1 : -1);
    }
}
