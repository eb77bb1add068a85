#include <string.h>

#include "core/peer_codec.h"

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
    m->round = take_u64(r);
    m->lease = take_u64(r);
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
