#include "core/peer_codec.h"

#include <string.h>

/* ---- writing ---- */

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

/* ---- reading ---- */

struct take {
    const unsigned char *p, *end;
    bool bad;
};

static uint64_t take_number(struct take *r, int bytes)
{
    uint64_t v = 0;

    if (r->bad || r->end - r->p < bytes) {
        r->bad = true;
        return 0;
    }
    for (int i = 0; i < bytes; i++)
        v |= (uint64_t)r->p[i] << (8 * i);
    r->p += bytes;
    return v;
}

static uint64_t take_u64(struct take *r)
{
    return take_number(r, 8);
}

/* An id: 1..ID_MAX, or 0 where there is none. */
static uint64_t take_id(struct take *r)
{
    uint64_t v = take_number(r, 8);

    if (v > ID_MAX)
        r->bad = true;
    return v;
}

/* A seq or a time: never negative, never beyond what a frame can say. */
static int64_t take_count(struct take *r)
{
    uint64_t v = take_number(r, 8);

    if (v > LIMIT_SEQ) {
        r->bad = true;
        return 0;
    }
    return (int64_t)v;
}

static unsigned take_below(struct take *r, int bytes, unsigned bound)
{
    uint64_t v = take_number(r, bytes);

    if (v >= bound) {
        r->bad = true;
        return 0;
    }
    return (unsigned)v;
}

static struct span take_span(struct take *r, size_t max)
{
    uint64_t n = take_number(r, 4);
    struct span s = {NULL, 0};

    if (r->bad || n == 0)
        return s;
    n--;
    if (n > max || n > (uint64_t)(r->end - r->p)) {
        r->bad = true;
        return s;
    }
    s = span_make(r->p, (size_t)n);
    r->p += n;
    return s;
}

static void take_entry(struct take *r, struct peer_message *m,
                       struct peer_lists *lists)
{
    struct delivery *d = &m->delivery;
    struct entry *e = &d->entry;
    unsigned flags;

    m->conv = e->conv = take_id(r);
    e->seq = take_count(r);
    e->id = take_id(r);
    e->ts = take_count(r);
    e->kind = take_below(r, 1, ENTRY_KINDS);
    d->kind = take_below(r, 1, CONV_SELF + 1);
    flags = take_below(r, 1, 8);
    e->deleted = flags & 1;
    e->trace = flags & 2;
    d->big = flags & 4;
    e->from = take_id(r);
    e->dev = (uint32_t)take_number(r, 4);
    e->of = take_count(r);
    e->thread = take_count(r);
    e->reply = take_count(r);
    e->expires = take_count(r);
    d->epoch = take_count(r);
    e->cid = take_span(r, LIMIT_CID);
    e->body = take_span(r, LIMIT_OBJECT_ENC);
    e->mention = take_span(r, LIMIT_OBJECT);
    d->change_count = (int)take_below(r, 2, PEER_CHANGES_MAX + 1);
    d->changes = lists->changes;
    for (int i = 0; i < d->change_count && !r->bad; i++) {
        lists->changes[i].user = take_id(r);
        lists->changes[i].role = take_below(r, 1, ROLE_OWNER + 1);
    }
    if (e->conv == 0 || e->seq == 0 || e->kind == 0 || d->kind == 0)
        r->bad = true;
}

static void take_request(struct take *r, struct peer_message *m)
{
    unsigned flags;

    m->rid = take_u64(r);
    m->origin = (int)take_below(r, 2, ID_NODES);
    m->conn = take_u64(r);
    m->user = take_id(r);
    m->dev = (uint32_t)take_number(r, 4);
    m->conv = take_id(r);
    flags = take_below(r, 1, 4);
    m->over_budget = flags & 1;
    m->internal = flags & 2;
    m->hops = (uint8_t)take_number(r, 1);
    if (m->internal) {
        m->kind = take_below(r, 1, FRAME_KINDS);
        m->k = take_below(r, 1, ENTRY_KINDS);
        m->cid = take_span(r, LIMIT_CID);
    }
    m->raw = take_span(r, LIMIT_OBJECT_ENC);
    if (m->conv == 0 || (!m->internal && m->raw.p == NULL))
        r->bad = true;
}

static void take_push(struct take *r, struct peer_message *m,
                      struct peer_lists *lists)
{
    m->class = take_below(r, 1, WIRE_SHED + 1);
    m->conv = take_id(r);
    m->except = take_u64(r);
    m->count = (int)take_below(r, 2, PEER_USERS_MAX + 1);
    m->users = lists->users;
    for (int i = 0; i < m->count && !r->bad; i++)
        lists->users[i] = take_id(r);
    m->bytes = take_span(r, LIMIT_ENTRY_WIRE);
    if (m->bytes.p == NULL || m->bytes.n == 0)
        r->bad = true;
}

static void take_marks(struct take *r, struct peer_message *m,
                       struct peer_lists *lists)
{
    m->on = take_below(r, 1, 2) != 0;
    m->count = (int)take_below(r, 2, PEER_MARKS_MAX + 1);
    m->marks = lists->marks;
    for (int i = 0; i < m->count && !r->bad; i++) {
        struct mark_row *row = &lists->marks[i];

        *row = (struct mark_row){.moved = true};
        row->conv = take_id(r);
        row->user = take_id(r);
        row->dev = (uint32_t)take_number(r, 4);
        row->delivered_now = take_count(r);
        row->read_now = take_count(r);
        if (row->conv == 0 || row->user == 0)
            r->bad = true;
    }
}

static void take_head(struct take *r, struct peer_message *m)
{
    uint64_t v = take_u64(r);

    /* -1 says "not a member" in an answer to ASK_HEADS. */
    if (v != UINT64_MAX && v > LIMIT_SEQ)
        r->bad = true;
    m->head = (int64_t)v;
}

static void take_flags(struct take *r, struct peer_message *m)
{
    unsigned flags = take_below(r, 1, 4);

    m->on = flags & 1;
    m->at_viewers = flags & 2;
}

static void take_small(struct take *r, struct peer_message *m)
{
    switch (m->header.type) {
    case PEER_ANSWER:
        m->rid = take_u64(r);
        m->conn = take_u64(r);
        m->bytes = take_span(r, PEER_MESSAGE_MAX);
        break;
    case PEER_HEAD:
        m->conv = take_id(r);
        take_head(r, m);
        break;
    case PEER_KICK:
        m->conn = take_u64(r);
        m->user = take_id(r);
        m->dev = (uint32_t)take_number(r, 4);
        m->code = (int)take_below(r, 2, 5000);
        break;
    case PEER_ASK_HEADS:
    case PEER_TELL_HEADS:
        m->rid = take_u64(r);
        m->index = take_below(r, 4, LIMIT_FENCE);
        m->user = take_id(r);
        m->conv = take_id(r);
        take_head(r, m);
        break;
    case PEER_TYPING:
    case PEER_VIEW:
        m->conv = take_id(r);
        m->user = take_id(r);
        take_flags(r, m);
        break;
    case PEER_FORGET_PAIR:
        m->user = take_id(r);
        m->other = take_id(r);
        break;
    case PEER_RECEIPT:
        m->conv = take_id(r);
        m->user = take_id(r);
        m->other = take_id(r);
        m->delivered = take_count(r);
        m->read = take_count(r);
        break;
    default:
        break;
    }
}

int peer_decode(struct peer_message *m, struct peer_lists *lists,
                struct span bytes)
{
    struct take r = {.p = (const unsigned char *)bytes.p};

    r.end = r.p + bytes.n;
    memset(m, 0, sizeof(*m));
    if (take_number(&r, 1) != PEER_VERSION)
        return -CF_INVALID;
    m->header.type = take_below(&r, 1, PEER_TYPES);
    m->header.incarnation = take_u64(&r);
    m->header.number = take_u64(&r);
    if (r.bad || m->header.type == 0)
        return -CF_INVALID;
    if (m->header.type == PEER_ENTRY)
        take_entry(&r, m, lists);
    else if (m->header.type == PEER_REQUEST)
        take_request(&r, m);
    else if (m->header.type == PEER_PUSH)
        take_push(&r, m, lists);
    else if (m->header.type == PEER_MARKS)
        take_marks(&r, m, lists);
    else
        take_small(&r, m);
    return r.bad || r.p != r.end ? -CF_INVALID : 0;
}
