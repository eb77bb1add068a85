/* client_place.c - how far a device is in each conversation: what it has
 * shown, the prefix without holes that it acknowledges, and the holes that it
 * asks for (R6: after 500 ms, on the same connection). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client.h"

#define HOLE_MS 500
#define ASK_MS 20000 /* a question without an answer is asked again */
#define ASKS_MAX 6
#define ACK_MS 150

enum { UNSEEN, RENDERED, EXPLAINED };

struct place *place_find(struct client *c, uint64_t conv)
{
    return map_get(&c->places, conv);
}

struct place *place_get(struct client *c, uint64_t conv, int64_t first)
{
    struct place *p = map_get(&c->places, conv);

    if (p != NULL)
        return p;
    p = mem_alloc(sizeof(*p));
    p->conv = conv;
    p->base = p->cursor = first - 1;
    map_put(&c->places, conv, p);
    return p;
}

static void mark_seen(struct place *p, int64_t seq, uint8_t how)
{
    if (seq <= p->base || seq < 1)
        return;
    if (seq >= p->cap) {
        int64_t cap = (seq + 64) * 3 / 2;

        p->seen = mem_grow(p->seen, (size_t)cap, 1);
        memset(p->seen + p->cap, 0, (size_t)(cap - p->cap));
        p->cap = cap;
    }
    if (p->seen[seq] != RENDERED)
        p->seen[seq] = how;
    if (seq > p->head)
        p->head = seq;
}

static bool has(const struct place *p, int64_t seq)
{
    return seq < p->cap && p->seen[seq] != UNSEEN;
}

/* The cursor goes on over what is there; a hole is asked for in a while. */
static void advance(struct client *c, struct place *p)
{
    int64_t before = p->cursor;

    while (has(p, p->cursor + 1))
        p->cursor++;
    if (p->cursor > before) {
        p->asks = 0;
        if (p->asked == 0)
            p->ask_at = 0; /* what is left is asked at once */
    }
    /* Also what comes again, to give its credit back. */
    if (p->cursor > p->told && p->cursor > p->base && c->ack_at == 0)
        c->ack_at = world_now(c->world) + between(&c->rng, 0, ACK_MS);
    if (p->cursor >= p->head || p->out)
        p->ask_at = 0;
    else if (p->ask_at == 0)
        p->ask_at = world_now(c->world) + HOLE_MS;
}

static void render(struct client *c, struct place *p, const struct entry *e)
{
    if (p->out && e->kind == ENTRY_MEMBER)
        p->out = false; /* perhaps back again; the question will tell */
    mark_seen(p, e->seq, RENDERED);
}

void place_entry(struct client *c, const struct entry *e)
{
    struct place *p = place_get(c, e->conv, e->seq);

    render(c, p, e);
    advance(c, p);
}

/* An answer to history: what it spans is all there is. */
static void answered(struct client *c, struct place *p, const struct frame *f)
{
    if (f->re != p->asked)
        return;
    p->asked = 0;
    if (++p->asks > ASKS_MAX)
        world_break(c->world, "I7",
                    "c%" PRIu64 ": client %d was answered %d times and does "
                    "not know what follows %" PRId64 " (head %" PRId64 ")",
                    p->conv, c->index, p->asks, p->cursor, p->head);
    /* Nothing more: also for a former member, whose log has ended. */
    if (f->head > p->head || (!f->more && f->to < f->from_seq))
        p->head = f->head > p->cursor ? f->head : p->cursor;
    for (int64_t seq = f->from_seq; f->to > 0 && seq <= f->to; seq++) {
        if (!has(p, seq))
            mark_seen(p, seq, EXPLAINED);
    }
}

void place_batch(struct client *c, const struct frame *f)
{
    struct span list = f->entries;
    struct place *p = place_find(c, f->conv);
    struct entry e;

    while (frame_next_entry(&list, f->conv, &e)) {
        p = place_get(c, e.conv, e.seq);
        render(c, p, &e);
    }
    if (p == NULL)
        return;
    if (f->re > 0)
        answered(c, p, f);
    else if (!f->more && f->head > p->head)
        p->head = f->head;
    advance(c, p);
}

/* deferred: it is there, for whoever asks; anything else will never come. */
void place_gap(struct client *c, const struct frame *f)
{
    struct place *p = place_get(c, f->conv, f->from_seq);

    if (f->to > p->head)
        p->head = f->to;
    for (int64_t seq = f->from_seq; seq <= f->to; seq++) {
        if (!span_is(f->why, "deferred") && !has(p, seq))
            mark_seen(p, seq, EXPLAINED);
    }
    advance(c, p);
}

void place_head(struct client *c, uint64_t conv, int64_t head)
{
    struct place *p = place_find(c, conv);

    if (p == NULL)
        return;
    if (head > p->head)
        p->head = head;
    advance(c, p);
}

/* ---- questions ---- */

static void ask(struct client *c, struct place *p)
{
    int64_t now = world_now(c->world);

    p->ask_at = now + ASK_MS;
    p->asked = ++c->last_n;
    buf_clear(&c->buf);
    enc_history(&c->buf, p->asked, p->conv, 0, p->cursor,
                between(&c->rng, 5, 100), 0);
    client_say(c, buf_span(&c->buf));
}

void place_error(struct client *c, const struct frame *f)
{
    for (uint32_t i = 0; i < c->places.len; i++) {
        struct place *p = c->places.entries[i].value;

        if (p->asked == 0 || p->asked != f->re)
            continue;
        p->asked = 0;
        if (span_is(f->code, "not_found")) {
            p->out = true;
            p->ask_at = 0;
        } else {
            p->ask_at = world_now(c->world) +
                        (f->retry_max > 0 ? f->retry_max : HOLE_MS);
        }
    }
}

void places_reconnect(struct client *c)
{
    for (uint32_t i = 0; i < c->places.len; i++) {
        struct place *p = c->places.entries[i].value;

        p->asked = p->told = 0;
        p->out = false;
        p->ask_at = 0;
        advance(c, p);
    }
}

void places_forget(struct client *c)
{
    for (uint32_t i = 0; i < c->places.len; i++) {
        struct place *p = c->places.entries[i].value;
        int64_t from = p->acked > p->base ? p->acked : p->base;

        for (int64_t seq = from + 1; seq < p->cap; seq++)
            p->seen[seq] = UNSEEN;
        p->cursor = from;
        p->head = from;
    }
}

/* ---- acknowledgements ---- */

static void send_acks(struct client *c, const struct mark *marks, int n)
{
    buf_clear(&c->buf);
    enc_ack(&c->buf, marks, n);
    client_say(c, buf_span(&c->buf));
}

static void ack_all(struct client *c)
{
    struct mark marks[LIMIT_MARKS], old;
    int n = 0;

    c->ack_at = 0;
    for (uint32_t i = 0; i < c->places.len && n < LIMIT_MARKS; i++) {
        struct place *p = c->places.entries[i].value;

        if (p->cursor <= p->told || p->cursor == p->base)
            continue;
        old = (struct mark){p->conv, p->told};
        p->told = p->cursor;
        if (p->acked < p->cursor)
            p->acked = p->cursor;
        marks[n++] = (struct mark){p->conv, p->cursor};
    }
    if (n == 0)
        return;
    send_acks(c, marks, n);
    if (old.seq > 0 && chance(&c->rng, 100))
        send_acks(c, &old, 1); /* late and lower: must not count */
    if (chance(&c->rng, 50))
        send_acks(c, marks, n);
}

void places_due(struct client *c)
{
    int64_t now = world_now(c->world);

    if (c->state < CLIENT_SYNC)
        return;
    if (c->ack_at != 0 && c->ack_at <= now)
        ack_all(c);
    for (uint32_t i = 0; i < c->places.len; i++) {
        struct place *p = c->places.entries[i].value;

        if (p->ask_at != 0 && p->ask_at <= now)
            ask(c, p);
    }
}

int64_t places_next(const struct client *c)
{
    int64_t at = c->ack_at != 0 ? c->ack_at : INT64_MAX;

    for (uint32_t i = 0; i < c->places.len; i++) {
        const struct place *p = c->places.entries[i].value;

        if (p->ask_at != 0 && p->ask_at < at)
            at = p->ask_at;
    }
    return at;
}
