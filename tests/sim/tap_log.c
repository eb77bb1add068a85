/* tap_log.c - what a connection is given of the logs: the right content, only
 * what its user may see, once, in order, without an unexplained hole, and
 * within its credit. */
#include "tap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct strand *tap_strand(struct pipe *p, uint64_t conv)
{
    struct strand *s = map_get(&p->tap->strands, conv);
    struct place *place;

    if (s != NULL)
        return s;
    s = mem_alloc(sizeof(*s));
    /* Not in last_seen: it starts at the stored mark, which cannot be above
     * what the device has. */
    place = place_find(p->client, conv);
    if (place != NULL)
        s->pushed = place->cursor;
    map_put(&p->tap->strands, conv, s);
    return s;
}

bool tap_misses(struct pipe *p, uint64_t conv, int64_t after, int64_t before)
{
    for (int64_t seq = after + 1; seq < before; seq++) {
        if (model_visible(p->world, conv, p->client->user, seq))
            return true;
    }
    return false;
}

/* ---- credit ---- */

void tap_ack(struct pipe *p, uint64_t conv, int64_t seq)
{
    struct tap *t = p->tap;
    struct strand *s;
    int kept = 0;

    if (p->conn == NULL)
        return;
    s = tap_strand(p, conv);
    if (seq > s->acked)
        s->acked = seq;
    for (int i = 0; i < t->owed_count; i++) {
        if (t->owed[i].conv != conv || t->owed[i].seq > seq)
            t->owed[kept++] = t->owed[i];
    }
    t->owed_count = kept;
}

/* What belongs to conversations that the user has left since is given back. */
static void forgive(struct pipe *p)
{
    struct tap *t = p->tap;
    int kept = 0;
    int64_t join, left;

    for (int i = 0; i < t->owed_count; i++) {
        const struct owed *o = &t->owed[i];

        if (model_stay(p->world, o->conv, p->client->user, o->seq, &join,
                       &left) &&
            left == 0)
            t->owed[kept++] = *o;
    }
    t->owed_count = kept;
}

static void take_credit(struct pipe *p, const struct entry *e)
{
    struct tap *t = p->tap;

    if (e->seq <= tap_strand(p, e->conv)->acked)
        return;
    t->owed[t->owed_count++] = (struct owed){e->conv, e->seq};
    if (t->owed_count <= t->win)
        return;
    forgive(p);
    if (t->owed_count > t->win && t->owed_count > 1)
        world_break(p->world, "I11",
                    "connection %u: %d entries against a "
                    "window of %" PRId64,
                    p->id, t->owed_count, t->win);
}

/* ---- content ---- */

static bool same_text(struct span a, struct span b)
{
    return span_eq(a, b) || (a.n == 0 && b.n == 0);
}

/* Is it what is stored, and may the user have it? */
static bool check_entry(struct pipe *p, const struct entry *e)
{
    struct world *w = p->world;
    const struct entry *stored = model_entry(w, e->conv, e->seq);

    if (stored == NULL)
        world_break(w, "I1",
                    "c%" PRIu64 ": %" PRId64
                    " was handed over before it is stored",
                    e->conv, e->seq);
    else if (e->id != stored->id || e->kind != stored->kind ||
             e->from != stored->from || e->of != stored->of ||
             (!stored->deleted && !same_text(e->body, stored->body)))
        world_break(w, "I8",
                    "c%" PRIu64 ": %" PRId64
                    " is another entry than the stored one",
                    e->conv, e->seq);
    else if (!model_visible(w, e->conv, p->client->user, e->seq))
        world_break(w, "I9",
                    "c%" PRIu64 ": %" PRId64 " reached u%" PRIu64
                    ", who may not see it",
                    e->conv, e->seq, p->client->user);
    else if (e->cid.p != NULL && e->from != p->client->user)
        world_break(w, "I9", "a cid of u%" PRIu64 " reached u%" PRIu64, e->from,
                    p->client->user);
    return !world_broken(w);
}

void tap_push(struct pipe *p, const struct entry *e)
{
    struct strand *s = tap_strand(p, e->conv);
    struct world *w = p->world;

    if (!check_entry(p, e))
        return;
    if (s->begun && e->seq <= s->pushed)
        world_break(w, e->seq == s->pushed ? "I5" : "I8",
                    "c%" PRIu64 ": %" PRId64 " after %" PRId64
                    " on connection %u",
                    e->conv, e->seq, s->pushed, p->id);
    if (!model_big(w, e->conv) && tap_misses(p, e->conv, s->pushed, e->seq))
        world_break(w, "I7",
                    "c%" PRIu64 ": %" PRId64 " follows %" PRId64
                    " on connection %u and nothing explains the hole",
                    e->conv, e->seq, s->pushed, p->id);
    s->begun = true;
    s->pushed = e->seq;
    w->verdict->delivered++;
    take_credit(p, e);
}

void tap_batch(struct pipe *p, const struct frame *f)
{
    struct span list = f->entries;
    struct entry e;
    int64_t last = 0;

    while (frame_next_entry(&list, f->conv, &e) && !world_broken(p->world)) {
        if (f->re == 0) {
            tap_push(p, &e);
            continue;
        }
        if (!check_entry(p, &e))
            return;
        if (last != 0 && (e.seq <= last || tap_misses(p, f->conv, last, e.seq)))
            world_break(p->world, "I7",
                        "c%" PRIu64 ": history has %" PRId64 " after %" PRId64,
                        f->conv, e.seq, last);
        last = e.seq;
    }
}

static bool withholds(struct pipe *p, const struct frame *f)
{
    for (int64_t seq = f->from_seq; seq <= f->to; seq++) {
        if (model_due(p->world, f->conv, p->client->user, seq))
            return true;
    }
    return false;
}

void tap_gap(struct pipe *p, const struct frame *f)
{
    struct strand *s = tap_strand(p, f->conv);

    /* Nothing expires here, so only "deferred" may cover what is visible. */
    if (!span_is(f->why, "deferred") && withholds(p, f))
        world_break(p->world, "I2",
                    "c%" PRIu64 ": %" PRId64 " to %" PRId64
                    " are withheld from u%" PRIu64,
                    f->conv, f->from_seq, f->to, p->client->user);
    if (f->to > s->pushed && !tap_misses(p, f->conv, s->pushed, f->from_seq)) {
        s->pushed = f->to;
        s->begun = true;
    }
}

/* ---- receipts and fences ---- */

static struct marks_told *told_of(struct pipe *p, const struct frame *f)
{
    char key[64];
    int n =
        snprintf(key, sizeof(key), "%" PRIu64 " %" PRIu64, f->conv, f->user);
    struct span span = span_make(key, (size_t)n);
    struct marks_told *m = strmap_get(&p->tap->marks, span);

    if (m == NULL) {
        m = mem_alloc(sizeof(*m));
        strmap_put(&p->tap->marks, span, m);
    }
    return m;
}

static void check_counts(struct pipe *p, const struct frame *f)
{
    int64_t delivered =
        model_count(p->world, f->conv, f->seq, false, p->client->user);
    int64_t read =
        model_count(p->world, f->conv, f->seq, true, p->client->user);

    if (f->delivered_n > delivered || f->read_n > read)
        world_break(p->world, "I4",
                    "c%" PRIu64 ": %" PRId64 " delivered to %" PRId64
                    " (%" PRId64 "), read by %" PRId64 " (%" PRId64 ")",
                    f->conv, f->seq, f->delivered_n, delivered, f->read_n,
                    read);
}

void tap_receipt(struct pipe *p, const struct frame *f)
{
    const struct membership *m;
    struct marks_told *told;

    if (f->user == 0) {
        check_counts(p, f);
        return;
    }
    m = store_memory_member(p->world->store, f->conv, f->user);
    if (m == NULL || m->delivered < f->delivered || m->read < f->read)
        world_break(p->world, "I4",
                    "c%" PRIu64 ": a receipt of u%" PRIu64 " (%" PRId64
                    ", %" PRId64 ") is not stored",
                    f->conv, f->user, f->delivered, f->read);
    told = told_of(p, f);
    if (f->delivered < told->delivered || f->read < told->read)
        world_break(p->world, "I4",
                    "c%" PRIu64 ": receipts of u%" PRIu64 " fall from %" PRId64
                    ", %" PRId64 " to %" PRId64 ", %" PRId64,
                    f->conv, f->user, told->delivered, told->read, f->delivered,
                    f->read);
    told->delivered = f->delivered;
    told->read = f->read;
}

void tap_fence(struct pipe *p, const struct asked *a)
{
    int64_t join, left;

    for (int i = 0; i < a->count; i++) {
        struct strand *s = tap_strand(p, a->convs[i]);

        if (model_big(p->world, a->convs[i]) ||
            !model_stay(p->world, a->convs[i], p->client->user, a->heads[i],
                        &join, &left) ||
            left != 0)
            continue;
        if (tap_misses(p, a->convs[i], s->pushed, a->heads[i] + 1))
            world_break(p->world, "fence",
                        "c%" PRIu64 ": only up to %" PRId64 " of %" PRId64
                        " before the fence's answer",
                        a->convs[i], s->pushed, a->heads[i]);
    }
}
