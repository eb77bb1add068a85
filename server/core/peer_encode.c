#include "core/peer_codec.h"

#include <string.h>

struct put {
    struct buf *b;
    int rc;
};

static void put_bytes(struct put *w, const void *p, size_t n)
{
    if (w->rc == 0 && n > 0)
        w->rc = buf_append(w->b, p, n);
}

static void put_number(struct put *w, uint64_t v, int bytes)
{
    unsigned char out[8];

    for (int i = 0; i < bytes; i++)
        out[i] = (unsigned char)(v >> (8 * i));
    put_bytes(w, out, (size_t)bytes);
}

static void put_u8(struct put *w, uint64_t v)
{
    put_number(w, v, 1);
}

static void put_u16(struct put *w, uint64_t v)
{
    put_number(w, v, 2);
}

static void put_u32(struct put *w, uint64_t v)
{
    put_number(w, v, 4);
}

static void put_u64(struct put *w, uint64_t v)
{
    put_number(w, v, 8);
}

static void put_i64(struct put *w, int64_t v)
{
    put_number(w, (uint64_t)v, 8);
}

/* Length + 1 (0: absent), then the bytes. */
static void put_span(struct put *w, struct span s)
{
    put_u32(w, s.p != NULL ? (uint64_t)s.n + 1 : 0);
    put_bytes(w, s.p, s.p != NULL ? s.n : 0);
}

static void put_entry(struct put *w, const struct peer_message *m)
{
    const struct delivery *d = &m->delivery;
    const struct entry *e = &d->entry;

    put_u64(w, e->conv);
    put_i64(w, e->seq);
    put_u64(w, e->id);
    put_i64(w, e->ts);
    put_u8(w, e->kind);
    put_u8(w, d->kind);
    put_u8(w, (e->deleted ? 1u : 0) | (e->trace ? 2u : 0) | (d->big ? 4u : 0));
    put_u64(w, e->from);
    put_u32(w, e->dev);
    put_i64(w, e->of);
    put_i64(w, e->thread);
    put_i64(w, e->reply);
    put_i64(w, e->expires);
    put_i64(w, d->epoch);
    put_span(w, e->cid);
    put_span(w, e->body);
    put_span(w, e->mention);
    put_u16(w, (uint64_t)d->change_count);
    for (int i = 0; i < d->change_count; i++) {
        put_u64(w, d->changes[i].user);
        put_u8(w, d->changes[i].role);
    }
}

static void put_request(struct put *w, const struct peer_message *m)
{
    put_u64(w, m->rid);
    put_u16(w, (uint64_t)m->origin);
    put_u64(w, m->conn);
    put_u64(w, m->user);
    put_u32(w, m->dev);
    put_u64(w, m->conv);
    put_u8(w, (m->over_budget ? 1u : 0) | (m->internal ? 2u : 0));
    put_u8(w, m->hops);
    put_u64(w, m->round);
    put_u64(w, m->lease);
    if (m->internal) {
        put_u8(w, m->kind);
        put_u8(w, m->k);
        put_span(w, m->cid);
    }
    put_span(w, m->raw);
}

static void put_push(struct put *w, const struct peer_message *m)
{
    put_u8(w, m->class);
    put_u64(w, m->conv);
    put_u64(w, m->except);
    put_u16(w, (uint64_t)m->count);
    for (int i = 0; i < m->count; i++)
        put_u64(w, m->users[i]);
    put_span(w, m->bytes);
}

static void put_marks(struct put *w, const struct peer_message *m)
{
    put_u8(w, m->on ? 1 : 0);
    put_u16(w, (uint64_t)m->count);
    for (int i = 0; i < m->count; i++) {
        put_u64(w, m->marks[i].conv);
        put_u64(w, m->marks[i].user);
        put_u32(w, m->marks[i].dev);
        put_i64(w, m->marks[i].delivered_now);
        put_i64(w, m->marks[i].read_now);
    }
}

static void put_small(struct put *w, enum peer_type type,
                      const struct peer_message *m)
{
    switch (type) {
    case PEER_ANSWER:
        put_u64(w, m->rid);
        put_u64(w, m->conn);
        put_span(w, m->bytes);
        break;
    case PEER_HEAD:
        put_u64(w, m->conv);
        put_i64(w, m->head);
        break;
    case PEER_KICK:
        put_u64(w, m->conn);
        put_u64(w, m->user);
        put_u32(w, m->dev);
        put_u16(w, (uint64_t)m->code);
        break;
    case PEER_ASK_HEADS:
    case PEER_TELL_HEADS:
        put_u64(w, m->rid);
        put_u32(w, m->index);
        put_u64(w, m->user);
        put_u64(w, m->conv);
        put_i64(w, m->head);
        break;
    case PEER_TYPING:
    case PEER_VIEW:
        put_u64(w, m->conv);
        put_u64(w, m->user);
        put_u8(w, (m->on ? 1u : 0) | (m->at_viewers ? 2u : 0));
        break;
    case PEER_FORGET_PAIR:
        put_u64(w, m->user);
        put_u64(w, m->other);
        break;
    case PEER_RECEIPT:
        put_u64(w, m->conv);
        put_u64(w, m->user);
        put_u64(w, m->other);
        put_i64(w, m->delivered);
        put_i64(w, m->read);
        break;
    default: /* TICK, LOST: nothing more */
        break;
    }
}

int peer_encode(struct buf *b, enum peer_type type,
                const struct peer_message *m)
{
    struct put w = {.b = b};
    size_t start = b->len;

    put_u8(&w, PEER_VERSION);
    put_u8(&w, type);
    put_u64(&w, 0);
    put_u64(&w, 0);
    if (type == PEER_ENTRY)
        put_entry(&w, m);
    else if (type == PEER_REQUEST)
        put_request(&w, m);
    else if (type == PEER_PUSH)
        put_push(&w, m);
    else if (type == PEER_MARKS)
        put_marks(&w, m);
    else
        put_small(&w, type, m);
    if (w.rc != 0)
        b->len = start;
    return w.rc;
}

void peer_stamp(struct buf *b, uint64_t incarnation, uint64_t number)
{
    for (int i = 0; i < 8; i++) {
        b->data[2 + i] = (char)(incarnation >> (8 * i));
        b->data[10 + i] = (char)(number >> (8 * i));
    }
}
