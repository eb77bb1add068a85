/* receipts.c - the account of receipts. A member publishes what it has
 * acknowledged, a stream what it was told; marks are cumulative, so that the
 * last one speaks for all messages below it. What is owed is what a server has
 * to tell when nobody went away: the mark was written while the sender was
 * there, and long enough before the end for the server to fold it. */
#include "receipts.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "proto/limits.h"
#include "shard.h"

#define FOLD_MS 1000    /* of a server that does not tell */
#define FOLD_MOST 60000 /* its option has no longer one */
#define FOLD_LEAST 1000
#define ON_THE_WAY 1000

static const struct traffic *traffic_of(const struct engine *e,
                                        const struct plan_conv *conv)
{
    return &e->scenario->traffic[conv->traffic];
}

/* Of big conversations nobody is told who has what. */
static bool has_receipts(const struct engine *e, const struct plan_conv *conv)
{
    const struct traffic *t = traffic_of(e, conv);

    return e->cfg->driver == NULL && conv->members > 1 &&
           (t->kind == TRAFFIC_DIRECT || t->kind == TRAFFIC_GROUP) &&
           conv->members <= LIMIT_LIVE_MEMBERS && !atomic_load(&conv->headed);
}

/* Marks are gathered for so long, and then counts of groups as long again. */
uint64_t receipts_folded(const struct engine *e)
{
    int64_t fold = e->cfg->fold_ms > 0 ? e->cfg->fold_ms : FOLD_MS;

    fold = fold < FOLD_LEAST ? FOLD_LEAST : fold;
    fold = fold > FOLD_MOST ? FOLD_MOST : fold;
    return (uint64_t)(2 * fold + ON_THE_WAY) * 1000000;
}

/* ---- at the members ---- */

static struct plan_mark *mark_of(struct shard *sh, const struct seat *s)
{
    const struct plan *p = &sh->engine->plan;

    return &p->marks[p->convs[s->conv].first_member + s->place];
}

void receipts_acked(struct shard *sh, const struct seat *s, int64_t seq,
                    bool read)
{
    struct plan_mark *m = mark_of(sh, s);

    atomic_store(&m->most_acked, seq);
    atomic_store(&m->acked_at, sh->now);
    atomic_store(&m->acked, seq);
    if (!read)
        return;
    atomic_store(&m->most_read, seq);
    atomic_store(&m->read_at, sh->now);
    atomic_store(&m->read, seq);
}

void receipts_lost(struct shard *sh, const struct client *c)
{
    struct plan *p = &sh->engine->plan;

    if (sh->stage >= STAGE_STOP)
        return; /* it is over, and is judged as it was */
    for (uint32_t i = 0; i < c->nseats; i++) {
        struct plan_mark *m = mark_of(sh, &sh->seats[c->first_seat + i]);

        atomic_store(&m->acked, 0);
        atomic_store(&m->read, 0);
    }
    for (uint32_t i = 0; i < c->nstreams; i++)
        atomic_store(&p->streams[sh->outflows[c->first_stream + i].stream].here,
                     0);
}

/* ---- at the sender ---- */

void receipts_here(struct shard *sh, const struct client *c)
{
    struct plan *p = &sh->engine->plan;

    for (uint32_t i = 0; i < c->nstreams; i++)
        atomic_store(&p->streams[sh->outflows[c->first_stream + i].stream].here,
                     sh->now);
}

void receipts_sent(struct shard *sh, const struct outflow *f, int64_t seq)
{
    struct plan_stream *s = &sh->engine->plan.streams[f->stream];

    if (seq <= atomic_load(&s->last))
        return;
    atomic_store(&s->last_at, sh->now);
    atomic_store(&s->last, seq);
}

void receipts_told(struct shard *sh, const struct outflow *f)
{
    struct plan_stream *s = &sh->engine->plan.streams[f->stream];

    if (f->delivered > atomic_load(&s->delivered) ||
        f->read > atomic_load(&s->seen))
        sh->progressed = true;
    atomic_store(&s->delivered, f->delivered);
    atomic_store(&s->seen, f->read);
}

static void wrong(struct shard *sh, const struct outflow *f, const char *what,
                  int64_t told, int64_t is)
{
    shard_fault(sh, COUNT_RECEIPTS_WRONG,
                "stream %u: told %s up to seq %lld, which stands at %lld",
                f->stream, what, (long long)told, (long long)is);
}

/* Do so many members have, or have read, a message of f? */
static bool have_it(const struct plan *p, const struct plan_stream *st,
                    int64_t seq, bool read, int64_t most)
{
    const struct plan_conv *conv = &p->convs[st->conv];

    for (uint32_t i = 0; i < conv->members && most > 0; i++) {
        const struct plan_mark *m = &p->marks[conv->first_member + i];

        if (p->members[conv->first_member + i] != st->user)
            most -= atomic_load(read ? &m->most_read : &m->most_acked) >= seq;
    }
    return most <= 0;
}

/* In groups those are counted who have one message. */
static void check_counts(struct shard *sh, const struct outflow *f,
                         const struct object *o)
{
    const struct plan *p = &sh->engine->plan;
    const struct plan_stream *st = &p->streams[f->stream];
    bool got = have_it(p, st, o->seq, false, o->delivered_n);

    if (o->seq < f->root || (got && have_it(p, st, o->seq, true, o->read_n)))
        return;
    shard_fault(
        sh, COUNT_RECEIPTS_WRONG,
        "stream %u: told that %lld members %s seq %lld, which are fewer",
        f->stream, (long long)(got ? o->read_n : o->delivered_n),
        got ? "read" : "have", (long long)o->seq);
}

/* Marks of an earlier run of these accounts lie below our first message. */
void receipts_check(struct shard *sh, const struct outflow *f,
                    const struct object *o)
{
    const struct plan *p = &sh->engine->plan;
    const struct plan_stream *st = &p->streams[f->stream];
    const struct plan_conv *conv = &p->convs[st->conv];
    const struct plan_mark *m = &p->marks[conv->first_member];
    int64_t acked, read;

    if (f->root == 0)
        return;
    if (o->user == 0)
        check_counts(sh, f, o);
    if (o->user == 0 || conv->members != 2)
        return;
    m += p->members[conv->first_member] == st->user;
    acked = atomic_load(&m->most_acked);
    read = atomic_load(&m->most_read);
    if (o->delivered >= f->root && o->delivered > acked)
        wrong(sh, f, "delivered", o->delivered, acked);
    else if (o->read >= f->root && o->read > read)
        wrong(sh, f, "read", o->read, read);
    else if (o->delivered < f->told_here)
        wrong(sh, f, "delivered again", o->delivered, f->told_here);
}

/* ---- what is owed ---- */

/* The mark of one member that its sender has to be told, 0: none. before: a
 * mark that is written later may still be under way. */
static int64_t member_mark(const struct plan_mark *m, uint64_t here,
                           uint64_t before, bool read)
{
    uint64_t at = atomic_load(read ? &m->read_at : &m->acked_at);
    int64_t seq = atomic_load(read ? &m->read : &m->acked);

    return at > here && at < before ? seq : 0;
}

/* A direct stream is owed what the other one said, a group's its newest
 * message when all have it. 0: none. */
static int64_t owed(const struct engine *e, const struct plan_stream *st,
                    uint64_t before, bool read)
{
    const struct plan *p = &e->plan;
    const struct plan_conv *conv = &p->convs[st->conv];
    int64_t last = atomic_load(&st->last), low = last;
    uint64_t here = atomic_load(&st->here);
    bool group = traffic_of(e, conv)->kind == TRAFFIC_GROUP;

    if (here == 0 || last == 0 || (group && atomic_load(&st->last_at) < here))
        return 0;
    for (uint32_t i = 0; i < conv->members && low > 0; i++) {
        int64_t seq;

        if (!plan_in_audience(conv, i) ||
            p->members[conv->first_member + i] == st->user)
            continue;
        seq =
            member_mark(&p->marks[conv->first_member + i], here, before, read);
        low = seq < low ? seq : low;
    }
    return group && low < last ? 0 : low;
}

/* What may still be under way counts when it has come. */
static void look(const struct engine *e, uint32_t stream, uint64_t before,
                 bool read, struct receipts *out)
{
    const struct plan_stream *st = &e->plan.streams[stream];
    int64_t want = owed(e, st, UINT64_MAX, read);
    int64_t have = atomic_load(read ? &st->seen : &st->delivered);

    if (have < want)
        want = owed(e, st, before, read);
    if (want == 0)
        return;
    out->owed++;
    if (have >= want || out->lost++ > 0)
        return;
    snprintf(out->first, sizeof(out->first),
             "stream %u in c%llu: %s up to seq %lld, told up to %lld", stream,
             (unsigned long long)atomic_load(&e->plan.convs[st->conv].id),
             read ? "read" : "delivered", (long long)want, (long long)have);
}

void receipts_judge(const struct engine *e, uint64_t end, struct receipts *out)
{
    uint64_t folded = receipts_folded(e);
    uint64_t before = end == UINT64_MAX ? end : end > folded ? end - folded : 0;

    *out = (struct receipts){0};
    for (uint32_t i = 0; i < e->plan.nstreams; i++) {
        const struct plan_conv *conv = &e->plan.convs[e->plan.streams[i].conv];

        if (!has_receipts(e, conv))
            continue;
        look(e, i, before, false, out);
        if (traffic_of(e, conv)->read > 0)
            look(e, i, before, true, out);
    }
}
