#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "engine_inside.h"
#include "marker.h"
#include "proto/encode.h"
#include "proto/limits.h"
#include "receipts.h"
#include "shard.h"

#define LATE_NS 1000000 /* a slot later than this is "late" */
#define SEQ_BITS 32

static const struct traffic *traffic_of(struct shard *sh,
                                        const struct outflow *f)
{
    const struct plan *p = &sh->engine->plan;
    uint32_t conv = p->streams[f->stream].conv;

    return &sh->engine->scenario->traffic[p->convs[conv].traffic];
}

/* ---- writing ---- */

static uint32_t body_size(struct shard *sh, const struct traffic *t)
{
    double size = (double)t->body_bytes;

    if (t->lognormal) {
        /* Box and Muller; the mean stays body_bytes. */
        double u = 1 - rng_unit(&sh->rng), v = rng_unit(&sh->rng);
        double normal = sqrt(-2 * log(u)) * cos(2 * M_PI * v);

        size *= exp(0.5 * normal - 0.125);
    }
    if (size < MARKER_BODY_MIN)
        return MARKER_BODY_MIN;
    return size > LIMIT_BODY ? LIMIT_BODY : (uint32_t)size;
}

int64_t outflow_request(uint32_t slot, uint32_t number)
{
    return (int64_t)(slot + 1) << SEQ_BITS | number;
}

static bool write_one(struct shard *sh, struct client *c, struct outflow *f,
                      struct sent *m, uint32_t slot, uint32_t number)
{
    const struct engine *e = sh->engine;
    const struct plan_stream *stream = &e->plan.streams[f->stream];
    struct marker mark = {engine_run_id(e), f->stream, number, m->due,
                          m->written};
    struct send s = {.conv = e->plan.convs[stream->conv].id};
    static _Thread_local char body[LIMIT_BODY];
    char cid[40];

    s.body = span_make(body, marker_write(body, m->size, &mark));
    if (e->cfg->driver != NULL) {
        struct driver_message d = {s.conv, slot, mark.seq, s.body};

        return e->cfg->driver->publish(sh, c, &d);
    }
    s.cid = span_make(cid, (size_t)snprintf(cid, sizeof(cid), "%x-%x-%x",
                                            mark.run, mark.stream, mark.seq));
    s.thread = m->in_thread ? f->root : 0;
    enc_send(wire_begin(sh), outflow_request(slot, mark.seq), &s);
    return wire_send(sh, c, WS_TEXT);
}

/* The generator's lag is that of a slot whose client could write; what waits
 * for a connection waits for the server. */
static void count_written(struct shard *sh, struct sent *m, bool slot)
{
    uint64_t lag = m->written > m->due ? m->written - m->due : 0;

    if (m->tried) {
        tally_count(sh, COUNT_RESENT, 1);
        return;
    }
    tally_count(sh, COUNT_SENT, 1);
    if (!slot)
        return;
    hist_add(&sh->tally->hists[METRIC_LAG], lag);
    if (lag > LATE_NS)
        tally_count(sh, COUNT_LATE, 1);
}

static bool can_write(const struct client *c)
{
    return c->state == CLIENT_READY && (c->box == NULL || c->box->out.len == 0);
}

/* Does the server say that it has a message? Else it has one that is written.
 */
static bool answers(const struct shard *sh)
{
    const struct driver *d = sh->engine->cfg->driver;

    return d == NULL || d->acks;
}

/* A message's `written` is that of its first time: it stands in the body. */
static void pump(struct shard *sh, struct client *c, uint32_t slot, bool due)
{
    struct outflow *f = &sh->outflows[c->first_stream + slot];
    struct sent *m;

    while (can_write(c) && (m = ledger_to_write(&f->ledger)) != NULL) {
        uint32_t number = f->ledger.write;

        if (!m->tried)
            m->written = clock_ns();
        count_written(sh, m, due);
        ledger_wrote(&f->ledger); /* before: a lost connection takes it back */
        if (!write_one(sh, c, f, m, slot, number))
            return;
        if (!answers(sh))
            driver_answer(sh, c, slot, number, UINT32_MAX);
        due = false;
    }
}

void outflow_pump(struct shard *sh, struct client *c)
{
    for (uint32_t i = 0; i < c->nstreams && c->fd >= 0; i++)
        pump(sh, c, i, false);
}

void outflow_lost(struct shard *sh, struct client *c)
{
    for (uint32_t i = 0; i < c->nstreams; i++) {
        struct outflow *f = &sh->outflows[c->first_stream + i];
        uint32_t first, last;

        if (ledger_in_flight(&f->ledger, &first, &last))
            plan_doubt(&sh->engine->plan.streams[f->stream], first, last);
        ledger_rewind(&f->ledger);
        f->told_here = 0;
    }
}

/* ---- slots ---- */

void outflow_add(struct shard *sh, uint32_t outflow, uint64_t due)
{
    struct outflow *f = &sh->outflows[outflow];
    struct client *c = &sh->clients[f->client];
    const struct traffic *t = traffic_of(sh, f);
    uint32_t number;

    number = ledger_add(&f->ledger, due, body_size(sh, t));
    if (t->threads > 0 && f->root > 0)
        ledger_at(&f->ledger, number)->in_thread =
            rng_unit(&sh->rng) < t->threads;
    tally_count(sh, COUNT_DUE, 1);
    atomic_fetch_add_explicit(&sh->pending, 1, memory_order_relaxed);
    pump(sh, c, outflow - c->first_stream, sh->stage == STAGE_TRAFFIC);
}

static void take_slot(struct shard *sh, struct flow *flow, uint64_t due)
{
    uint32_t outflow = flow->outflows[flow->at];

    flow->at = flow->at + 1 == flow->count ? 0 : flow->at + 1;
    outflow_add(sh, outflow, due);
}

/* While it is paused nothing falls due; then everything is later by as much. */
static bool is_paused(struct shard *sh, uint64_t now)
{
    const _Atomic double *factor = sh->engine->cfg->rate_factor;
    bool paused = factor != NULL && atomic_load(factor) == 0;

    if (paused && sh->paused_at == 0)
        sh->paused_at = now;
    if (paused || sh->paused_at == 0)
        return paused;
    for (int i = 0; i < sh->engine->scenario->ntraffic; i++)
        sh->flows[i].schedule.start += now - sh->paused_at;
    sh->paused_at = 0;
    return false;
}

uint64_t outflow_run(struct shard *sh)
{
    uint64_t next = UINT64_MAX, now = clock_ns();

    if (is_paused(sh, now))
        return next;
    for (int i = 0; i < sh->engine->scenario->ntraffic; i++) {
        struct flow *flow = &sh->flows[i];
        uint64_t due;

        if (flow->count == 0)
            continue;
        while ((due = schedule_due(&flow->schedule)) <= now) {
            schedule_step(&flow->schedule);
            take_slot(sh, flow, due);
        }
        next = due < next ? due : next;
    }
    return next;
}

static uint32_t streams_of_traffic(const struct plan *p, int traffic)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < p->nconvs; i++)
        if (p->convs[i].traffic == traffic)
            n += p->convs[i].streams;
    return n;
}

/* Which arrivals of a record fall to this shard: by its streams, behind those
 * of the shards before it. */
static void start_record(struct shard *sh, int traffic, uint32_t all)
{
    const struct shard *shards = sh->engine->shards;
    struct flow *flow = &sh->flows[traffic];
    uint64_t before = 0;

    for (int i = 0; i < sh->index; i++)
        before += shards[i].flows[traffic].count;
    schedule_record(&flow->schedule, &sh->engine->scenario->traffic[traffic],
                    record_border(before, all),
                    record_border(before + flow->count, all));
}

void outflow_factor(struct shard *sh)
{
    const struct engine_config *cfg = sh->engine->cfg;
    double factor =
        cfg->rate_factor != NULL ? atomic_load(cfg->rate_factor) : 0;

    if (factor <= 0)
        return;
    for (int i = 0; i < sh->engine->scenario->ntraffic; i++)
        schedule_factor(&sh->flows[i].schedule, factor);
    atomic_store(&sh->slot_due, 0);
}

void outflow_ramp(struct shard *sh, uint64_t from, uint64_t to)
{
    for (int i = 0; i < sh->engine->scenario->ntraffic; i++)
        schedule_ramp(&sh->flows[i].schedule, from, to);
    atomic_store(&sh->slot_due, 0);
}

void outflow_start(struct shard *sh, uint64_t start)
{
    const struct engine *e = sh->engine;

    for (int i = 0; i < e->scenario->ntraffic; i++) {
        const struct traffic *t = &e->scenario->traffic[i];
        struct flow *flow = &sh->flows[i];
        uint32_t all = streams_of_traffic(&e->plan, i);
        double share = (double)flow->count / ((double)all + 1e-9);

        if (flow->count == 0)
            continue;
        schedule_init(&flow->schedule, t, t->rate * share, t->rate_end * share,
                      start, start, &sh->rng);
        if (t->arrivals == ARRIVE_RECORDED)
            start_record(sh, i, all);
    }
    outflow_factor(sh);
    atomic_store(&sh->slot_due, 0);
}

/* ---- answers ---- */

static struct outflow *outflow_of(struct shard *sh, struct client *c,
                                  int64_t re)
{
    uint64_t slot = ((uint64_t)re >> SEQ_BITS) - 1;

    return slot < c->nstreams ? &sh->outflows[c->first_stream + slot] : NULL;
}

static void settle(struct shard *sh, struct outflow *f)
{
    const struct traffic *t = traffic_of(sh, f);
    bool direct = t->kind == TRAFFIC_DIRECT;

    if (sh->engine->cfg->driver != NULL) {
        ledger_settle(&f->ledger, false, false); /* confab alone has receipts */
        return;
    }
    ledger_settle(&f->ledger, t->delivered && t->kind != TRAFFIC_SELF,
                  direct && t->read > 0);
}

static void measure_marks(struct shard *sh, struct outflow *f)
{
    struct ledger *l = &f->ledger;
    struct sent *m;

    while ((m = ledger_at(l, l->receipted)) != NULL && m->fate >= FATE_ACKED &&
           m->seq <= f->delivered) {
        if (m->fate == FATE_ACKED)
            hist_add(&sh->tally->hists[METRIC_DELIVERED], sh->now - m->due);
        l->receipted++;
    }
    while ((m = ledger_at(l, l->seen)) != NULL && m->fate >= FATE_ACKED &&
           m->seq <= f->read) {
        if (m->fate == FATE_ACKED)
            hist_add(&sh->tally->hists[METRIC_READ], sh->now - m->due);
        l->seen++;
    }
}

static void has_fate(struct shard *sh, struct outflow *f)
{
    atomic_fetch_sub_explicit(&sh->pending, 1, memory_order_relaxed);
    sh->progressed = true;
    measure_marks(sh, f);
    settle(sh, f);
}

static void two_numbers(struct shard *sh, const struct outflow *f,
                        int64_t answer, int64_t seq)
{
    shard_fault(sh, COUNT_DUP,
                "stream %u: a message was answered as seq %lld and came as "
                "seq %lld",
                f->stream, (long long)answer, (long long)seq);
}

void outflow_sent(struct shard *sh, struct client *c, const struct object *o)
{
    struct outflow *f = outflow_of(sh, c, o->re);
    const struct plan *p = &sh->engine->plan;
    struct sent *m;
    uint32_t owed;

    m = f != NULL ? ledger_at(&f->ledger, (uint32_t)o->re) : NULL;
    if (m == NULL || m->fate != FATE_UNKNOWN || o->seq <= 0) {
        shard_trouble(sh, "`sent` came for a message that was not open");
        tally_count(sh, COUNT_ERRORS, 1);
        return;
    }
    if (m->seq != 0 && m->seq != o->seq)
        two_numbers(sh, f, o->seq, m->seq);
    m->fate = FATE_ACKED;
    m->seq = o->seq;
    if (f->root == 0)
        f->root = o->seq;
    receipts_sent(sh, f, o->seq);
    if (answers(sh))
        hist_add(&sh->tally->hists[METRIC_SENT], sh->now - m->due);
    tally_count(sh, COUNT_ACKED, 1);
    owed = plan_audience(&p->convs[p->streams[f->stream].conv]);
    tally_count(sh, COUNT_EXPECTED, owed);
    atomic_fetch_add_explicit(&sh->owed, owed, memory_order_relaxed);
    has_fate(sh, f);
}

/* `timeout` means: it may have been stored. It goes out again with the same
 * cid, perhaps behind later ones. */
static void again(struct shard *sh, struct client *c, struct outflow *f,
                  uint32_t number)
{
    plan_doubt(&sh->engine->plan.streams[f->stream], number,
               f->ledger.next - 1);
    ledger_again(&f->ledger, number);
    pump(sh, c, (uint32_t)(f - &sh->outflows[c->first_stream]), false);
}

void outflow_echo(struct shard *sh, struct client *c, uint32_t stream,
                  uint32_t number, int64_t seq)
{
    for (uint32_t i = 0; i < c->nstreams; i++) {
        struct outflow *f = &sh->outflows[c->first_stream + i];
        struct sent *m;

        if (f->stream != stream)
            continue;
        m = ledger_at(&f->ledger, number);
        if (m != NULL && m->fate == FATE_ACKED && m->seq != seq)
            two_numbers(sh, f, m->seq, seq);
        if (m != NULL && m->fate == FATE_UNKNOWN)
            m->seq = seq;
        return;
    }
}

void outflow_refused(struct shard *sh, struct client *c, const struct object *o)
{
    struct outflow *f = outflow_of(sh, c, o->re);
    struct span code = o->code.p != NULL ? o->code : SPAN("?");
    struct sent *m;

    m = f != NULL ? ledger_at(&f->ledger, (uint32_t)o->re) : NULL;
    if (m == NULL || m->fate != FATE_UNKNOWN) {
        tally_count(sh, COUNT_ERRORS, 1);
        return;
    }
    shard_trouble(sh, "refused: the server answered a message with err %.*s",
                  (int)code.n, code.p);
    if (span_is(code, "timeout")) {
        again(sh, c, f, (uint32_t)o->re);
        return;
    }
    m->fate = FATE_REFUSED;
    refusals_note(&sh->refusals, code, 1);
    tally_count(sh, COUNT_REFUSED, 1);
    has_fate(sh, f);
}

/* In a group the receipt counts those who have a message: it is delivered
 * when all have it. */
static void raise_marks(struct outflow *f, const struct plan_conv *conv,
                        const struct object *o)
{
    int64_t all = plan_audience(conv), delivered = o->delivered, read = o->read;

    if (o->user == 0) {
        delivered = o->delivered_n >= all ? o->seq : 0;
        read = o->read_n >= all ? o->seq : 0;
    } else {
        f->told_here = delivered;
    }
    if (delivered > f->delivered)
        f->delivered = delivered;
    if (read > f->read)
        f->read = read;
}

void outflow_receipt(struct shard *sh, struct client *c, const struct object *o)
{
    const struct plan *p = &sh->engine->plan;

    for (uint32_t i = 0; i < c->nstreams; i++) {
        struct outflow *f = &sh->outflows[c->first_stream + i];
        const struct plan_stream *stream = &p->streams[f->stream];
        const struct plan_conv *conv = &p->convs[stream->conv];

        if (conv->id != o->conv ||
            account_user(sh->engine->cfg->accounts, stream->user) == o->user)
            continue;
        receipts_check(sh, f, o);
        raise_marks(f, conv, o);
        receipts_told(sh, f);
        measure_marks(sh, f);
        settle(sh, f);
    }
}
