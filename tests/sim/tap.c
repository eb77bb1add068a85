/* tap.c - every frame that leaves a node is checked against what is committed
 * at that moment, and every frame that reaches one is noted. */
#include "tap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct tap *tap_new(struct pipe *p)
{
    struct tap *t = mem_alloc(sizeof(*t));

    map_init(&t->strands);
    map_init(&t->asked);
    strmap_init(&t->marks);
    t->win = LIMIT_WIN_ENTRIES;
    return t;
}

void tap_free(struct tap **t)
{
    if (*t == NULL)
        return;
    for (uint32_t i = 0; i < (*t)->strands.len; i++)
        free((*t)->strands.entries[i].value);
    for (uint32_t i = 0; i < (*t)->asked.len; i++)
        free((*t)->asked.entries[i].value);
    for (uint32_t i = 0; i < (*t)->marks.len; i++)
        free((*t)->marks.entries[i].value);
    map_release(&(*t)->strands);
    map_release(&(*t)->asked);
    strmap_release(&(*t)->marks);
    free(*t);
    *t = NULL;
}

/* ---- from the client ---- */

static void note_hello(struct pipe *p, const struct frame *f)
{
    struct tap *t = p->tap;
    struct span seen = f->last_seen;
    struct mark m;

    t->hellos++;
    if (f->win_entries > 0)
        t->win = f->win_entries;
    while (seen.p != NULL && frame_next_seen(&seen, &m)) {
        struct strand *s = tap_strand(p, m.conv);

        s->pushed = m.seq;
        s->begun = true;
    }
}

static void note_marks(struct pipe *p, const struct frame *f)
{
    struct span at = f->at;
    struct mark m;

    while (frame_next_mark(&at, &m)) {
        /* It counts for the device, on whichever connection it comes. */
        for (struct pipe *o = p->client->pipes; o != NULL;
             o = o->older_of_client)
            tap_ack(o, m.conv, m.seq);
        model_said(p->world, m.conv, p->client->user, m.seq,
                   f->kind == FRAME_READ ? m.seq : 0);
    }
}

static void note_request(struct pipe *p, const struct frame *f)
{
    struct asked *a = map_get(&p->tap->asked, (uint64_t)f->n);
    struct span convs = f->convs;
    uint64_t conv;

    if (a != NULL) {
        a->times++;
        a->repeated = true;
        return;
    }
    a = mem_alloc(sizeof(*a));
    a->times = 1;
    a->kind = f->kind;
    a->conv = f->conv;
    snprintf(a->cid, sizeof(a->cid), "%.*s", (int)f->cid.n,
             f->cid.p != NULL ? f->cid.p : "");
    while (f->kind == FRAME_FENCE && a->count < 8 && convs.p != NULL &&
           frame_next_conv(&convs, &conv)) {
        a->convs[a->count] = conv;
        a->heads[a->count++] = model_head(p->world, conv);
    }
    map_put(&p->tap->asked, (uint64_t)f->n, a);
}

void tap_in(struct pipe *p, struct span message)
{
    struct frame_error err;
    struct span object;
    struct frame f;

    world_trace(p->world, p->client->index, "in", message);
    while (frame_next(&message, &object)) {
        if (frame_decode(&f, object, FROM_CLIENT, LIMIT_OBJECT, false, &err) <
            0) {
            world_break(p->world, "client", "%s", err.text);
            return;
        }
        if (f.kind == FRAME_HELLO)
            note_hello(p, &f);
        if (f.kind == FRAME_ACK || f.kind == FRAME_READ)
            note_marks(p, &f);
        if (f.n > 0)
            note_request(p, &f);
    }
}

/* ---- from the node ---- */

static void check_sent(struct pipe *p, const struct frame *f,
                       const struct asked *a)
{
    struct world *w = p->world;
    const struct entry *e = model_entry(w, f->conv, f->seq);

    if (a == NULL || a->conv != f->conv || !span_is(f->cid, a->cid)) {
        world_break(w, "answer", "`sent` for something else: %.*s",
                    (int)f->raw.n, f->raw.p);
        return;
    }
    if (e == NULL) {
        world_break(w, "I1",
                    "c%" PRIu64 ": %" PRId64
                    " was acknowledged and is not stored",
                    f->conv, f->seq);
        return;
    }
    if (e->from != p->client->user || !span_eq(e->cid, f->cid))
        world_break(w, "I6",
                    "c%" PRIu64 ": cid %s was said to be seq %" PRId64
                    ", which is another entry",
                    f->conv, a->cid, f->seq);
    else if (e->id != f->id || e->ts != f->ts)
        world_break(w, "I6",
                    "c%" PRIu64 ": seq %" PRId64
                    " was acknowledged with another id or time",
                    f->conv, f->seq);
}

/* A final refusal means: nothing of it is stored (R2 looks up first). Said
 * again while the refusal is on its way it may be taken. */
static void check_error(struct pipe *p, const struct frame *f,
                        const struct asked *a)
{
    struct world *w = p->world;

    if (span_is(f->code, "bad_frame") || span_is(f->code, "bad_type") ||
        span_is(f->code, "unknown_kind") || span_is(f->code, "cid_conflict") ||
        span_is(f->code, "bad_direction") || span_is(f->code, "bad_state"))
        world_break(w, "answer", "a good client was told %.*s", (int)f->raw.n,
                    f->raw.p);
    if (a != NULL && a->cid[0] != '\0' && !f->temp && a->conv != 0 &&
        !a->repeated &&
        model_cid(w, a->conv, p->client->user, span_of(a->cid)) != 0)
        world_break(w, "I6", "c%" PRIu64 ": cid %s is stored and refused: %.*s",
                    a->conv, a->cid, (int)f->code.n, f->code.p);
}

static void check_synced(struct pipe *p)
{
    if (++p->tap->synced > p->tap->hellos)
        world_break(p->world, "synced", "connection %u: synced %d times", p->id,
                    p->tap->synced);
}

static void check_push(struct pipe *p, const struct frame *f)
{
    struct entry e;

    switch (f->kind) {
    case FRAME_ENTRY:
        frame_entry(f, &e);
        tap_push(p, &e);
        break;
    case FRAME_GAP:
        tap_gap(p, f);
        break;
    case FRAME_SYNCED:
        check_synced(p);
        break;
    case FRAME_RECEIPT:
        tap_receipt(p, f);
        break;
    case FRAME_HEAD:
        if (f->seq > model_head(p->world, f->conv))
            world_break(p->world, "I1",
                        "c%" PRIu64 ": head %" PRId64 " is not stored", f->conv,
                        f->seq);
        break;
    default:
        break;
    }
}

static void check_frame(struct pipe *p, const struct frame *f)
{
    struct asked *a = NULL;

    if (f->re > 0) {
        a = map_get(&p->tap->asked, (uint64_t)f->re);
        if (a == NULL)
            world_break(p->world, "answer", "an answer to nothing: %.*s",
                        (int)f->raw.n, f->raw.p);
    }
    if (f->kind == FRAME_SENT)
        check_sent(p, f, a);
    else if (f->kind == FRAME_ERR)
        check_error(p, f, a);
    else if (f->kind == FRAME_BATCH)
        tap_batch(p, f);
    else if (f->kind == FRAME_OK && a != NULL && a->kind == FRAME_FENCE)
        tap_fence(p, a);
    else
        check_push(p, f);
    if (a != NULL && --a->times == 0) {
        map_remove(&p->tap->asked, (uint64_t)f->re);
        free(a);
    }
}

void tap_out(struct pipe *p, struct span message)
{
    struct frame_error err;
    struct span object;
    struct frame f;

    world_trace(p->world, p->client->index, "out", message);
    while (frame_next(&message, &object) && !world_broken(p->world)) {
        if (frame_decode(&f, object, FROM_SERVER, LIMIT_ENTRY_WIRE, true,
                         &err) < 0)
            world_break(p->world, "frame", "%s: %.*s", err.text, (int)object.n,
                        object.p);
        else
            check_frame(p, &f);
    }
}
