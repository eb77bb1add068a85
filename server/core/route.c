/* Requests on their way to the home of their conversation, and the answers on
 * their way back. */
#include <stddef.h>
#include <stdlib.h>

#include "base/mem.h"
#include "core/home.h"

/* ---- requests ---- */

static const size_t spans[] = {
    offsetof(struct frame, cid),       offsetof(struct frame, token),
    offsetof(struct frame, ua),        offsetof(struct frame, name),
    offsetof(struct frame, title),     offsetof(struct frame, display),
    offsetof(struct frame, contact),   offsetof(struct frame, emoji),
    offsetof(struct frame, store),     offsetof(struct frame, durability),
    offsetof(struct frame, code),      offsetof(struct frame, msg),
    offsetof(struct frame, why),       offsetof(struct frame, cursor),
    offsetof(struct frame, body),      offsetof(struct frame, mention),
    offsetof(struct frame, limits),    offsetof(struct frame, entries),
    offsetof(struct frame, last_seen), offsetof(struct frame, at),
    offsetof(struct frame, more_list), offsetof(struct frame, convs),
    offsetof(struct frame, users),
};

/* The frame with every span moved from the old bytes to the copy. */
static void frame_move(struct frame *f, const char *to)
{
    const char *from = f->raw.p;

    for (size_t i = 0; i < COUNT_OF(spans); i++) {
        struct span *s = (struct span *)((char *)f + spans[i]);

        if (s->p != NULL)
            s->p = to + (s->p - from);
    }
    f->raw.p = to;
}

static struct request *request_alloc(struct node *n, size_t len)
{
    struct request *rq = mem_alloc(sizeof(*rq) + len + 1);

    rq->origin = n->env.number;
    rq->len = (uint32_t)len;
    return rq;
}

struct request *request_new(struct conn *c, const struct frame *f,
                            uint64_t conv, bool over_budget)
{
    struct request *rq = request_alloc(c->node, f->raw.n);

    memcpy(rq->bytes, f->raw.p, f->raw.n);
    rq->frame = *f;
    frame_move(&rq->frame, rq->bytes);
    rq->conn = c->id;
    rq->user = c->user->id;
    rq->dev = c->dev;
    rq->conv = conv;
    rq->over_budget = over_budget;
    if (f->kind == FRAME_SEND)
        rq->started = (int64_t)clock_ns();
    return rq;
}

struct request *request_internal_body(struct node *n, enum frame_kind kind,
                                      uint64_t conv, uint64_t user,
                                      struct span cid, struct span body)
{
    struct request *rq = request_alloc(n, cid.n + body.n);

    rq->internal = true;
    rq->user = user;
    rq->conv = conv;
    rq->frame.kind = kind;
    rq->frame.conv = conv;
    if (cid.p != NULL) {
        memcpy(rq->bytes, cid.p, cid.n);
        rq->frame.cid = span_make(rq->bytes, cid.n);
    }
    if (body.p != NULL) {
        memcpy(rq->bytes + cid.n, body.p, body.n);
        rq->frame.body = span_make(rq->bytes + cid.n, body.n);
    }
    return rq;
}

struct request *request_internal(struct node *n, enum frame_kind kind,
                                 uint64_t conv, uint64_t user)
{
    const struct span none = {NULL, 0};

    return request_internal_body(n, kind, conv, user, none, none);
}

void request_free(struct request **rq)
{
    free(*rq);
    *rq = NULL;
}

struct request *request_received(struct node *n, const struct peer_message *m)
{
    struct request *rq;
    struct frame_error err;

    if (m->internal) {
        rq =
            request_internal_body(n, m->kind, m->conv, m->user, m->cid, m->raw);
        rq->frame.k = m->k;
    } else {
        rq = request_alloc(n, m->raw.n);
        memcpy(rq->bytes, m->raw.p, m->raw.n);
        if (frame_decode(&rq->frame, span_make(rq->bytes, m->raw.n),
                         FROM_CLIENT, LIMIT_OBJECT_ENC, false, &err) != 0) {
            request_free(&rq);
            return NULL;
        }
    }
    rq->rid = m->rid;
    rq->origin = m->origin;
    rq->conn = m->conn;
    rq->user = m->user;
    rq->dev = m->dev;
    rq->conv = m->conv;
    rq->over_budget = m->over_budget;
    rq->hops = m->hops;
    rq->round = m->round;
    rq->lease = m->lease;
    return rq;
}

/* ---- answers ---- */

void request_answer_here(struct node *n, uint64_t conn, int64_t started,
                         struct span bytes)
{
    if (started > 0)
        timing_record(&n->sent_hist, (clock_ns() - (uint64_t)started) / 1000);
    if (conn & NOTICE_MARK)
        notice_answer(n, conn, bytes);
    else if (conn != 0)
        node_answer(n, conn, bytes);
}

void request_answer_keep(struct node *n, struct request *rq, struct span bytes)
{
    struct peer_message m = {.rid = rq->rid, .conn = rq->conn, .bytes = bytes};

    if (rq->conn == 0)
        return;
    if (rq->origin != n->env.number)
        peer_send(n, rq->origin, PEER_ANSWER, &m);
    else if (rq->rid != 0)
        route_answer(n, rq->rid, rq->conn, bytes); /* it did not get away */
    else
        request_answer_here(n, rq->conn, rq->started, bytes);
}

void request_answer(struct node *n, struct request *rq, struct span bytes)
{
    request_answer_keep(n, rq, bytes);
    request_free(&rq);
}

void request_error(struct node *n, struct request *rq, const char *code,
                   int64_t retry, int64_t seq, const char *msg)
{
    struct buf *b = answer_buf(n);

    metrics_add(&n->metrics, NM_ERRORS, 1);
    rq->started = 0;
    enc_err(b, rq->frame.n, code, retry, seq, msg);
    request_answer(n, rq, buf_span(b));
}

void request_failed(struct node *n, struct request *rq, int rc, int64_t seq,
                    const char *text)
{
    const char *code = rc == -CF_UNKNOWN ? "timeout" : err_code_of(rc);

    request_error(n, rq, code, err_is_temporary(code) ? retry_jitter(n) : 0,
                  seq, text);
}

/* ---- the way there ---- */

static void request_message(const struct request *rq, struct peer_message *m)
{
    memset(m, 0, sizeof(*m));
    m->rid = rq->rid;
    m->origin = rq->origin;
    m->conn = rq->conn;
    m->user = rq->user;
    m->dev = rq->dev;
    m->conv = rq->conv;
    m->over_budget = rq->over_budget;
    m->internal = rq->internal;
    m->hops = rq->hops;
    m->round = rq->round;
    m->lease = rq->lease;
    m->kind = rq->frame.kind;
    m->k = rq->frame.k;
    m->cid = rq->frame.cid;
    m->raw = rq->internal ? rq->frame.body : rq->frame.raw;
}

void route_send(struct node *n, struct request *rq, int to)
{
    struct peer_message m;

    request_message(rq, &m);
    if (peer_send(n, to, PEER_REQUEST, &m) != 0)
        request_error(n, rq, "unavailable", retry_jitter(n), 0,
                      "the conversation's node is not there");
    else
        request_free(&rq);
}

static void route_away(struct node *n, struct request *rq, int home)
{
    if (++rq->hops > ROUTE_HOPS) {
        SEEN(n, "route: too many hops");
        request_error(n, rq, "busy", retry_jitter(n), 0,
                      "the conversation is changing its home");
        return;
    }
    away_add(n, rq, home);
    route_send(n, rq, home);
}

void route_request(struct node *n, struct request *rq)
{
    int home = ring_node(&n->ring, rq->conv);

    if (rq->origin == n->env.number && rq->rid != 0)
        away_back(n, rq);
    else if (home < 0 || !n->ready || n->lost)
        request_error(n, rq, "unavailable", retry_jitter(n), 0,
                      "this node has no lease");
    else if (away_holds_back(n, rq, home) || away_bounces(n, rq, home))
        return;
    else if (home == n->env.number)
        home_request(n, rq);
    else if (!home_holds_back(n, rq))
        route_away(n, rq, home);
}

/* ---- what is cached about two users ---- */

void route_forget_pair(struct node *n, uint64_t user, uint64_t other)
{
    struct peer_message m = {.user = user, .other = other};

    pair_forget(n, user, other);
    peer_send_all(n, n->nodes, n->node_count, PEER_FORGET_PAIR, &m);
}
