#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/mem.h"
#include "engine_inside.h"
#include "shard.h"
#include "io_uring.h"
#include "tls.h"

#define OUT_MAX (1024 * 1024) /* waiting for one client */
#define SLICE 16384           /* of the receive buffer, for one client */
#define KEEP 4096             /* a box with more gives its memory back */

/* ---- boxes ---- */

struct box *wire_box(struct shard *sh, struct client *c)
{
    struct box *b = c->box != NULL ? c->box : sh->pool;

    if (c->box != NULL)
        return b;
    if (b == NULL) {
        b = mem_alloc(sizeof(*b));
        buf_init(&b->in, WS_MESSAGE + SHARD_RECEIVE);
        buf_init(&b->parts.message, WS_MESSAGE);
        buf_init(&b->out, OUT_MAX);
    } else {
        sh->pool = b->next;
    }
    b->next = NULL;
    c->box = b;
    return b;
}

static void empty(struct buf *b)
{
    if (b->cap > KEEP)
        buf_release(b);
    else
        buf_clear(b);
}

void wire_drop_box(struct shard *sh, struct client *c)
{
    struct box *b = c->box;

    if (b == NULL)
        return;
    empty(&b->in);
    empty(&b->out);
    empty(&b->parts.message);
    b->parts.op = 0;
    b->parts.done = false;
    b->next = sh->pool;
    sh->pool = b;
    c->box = NULL;
}

void wire_unbox(struct shard *sh, struct client *c)
{
    struct box *b = c->box;

    if (b != NULL && b->in.len == 0 && b->out.len == 0 && b->parts.op == 0)
        wire_drop_box(sh, c);
}

/* ---- out ---- */

struct buf *wire_begin(struct shard *sh)
{
    static const char room[WS_HEAD];

    buf_clear(&sh->send);
    buf_append(&sh->send, room, sizeof(room));
    return &sh->send;
}

static bool has_output(const struct client *c)
{
    return c->box != NULL && c->box->out.len > 0;
}

/* All of it goes into the ring, behind what the client has there. */
static bool put_in_ring(struct shard *sh, struct client *c, const char *p,
                        size_t n)
{
    uint32_t who = client_index(sh, c);

    if (sh->uring == NULL || c->tls != NULL)
        return false;
    /* One at a time: the second must not pass a first that was cut short. */
    if (c->flags & FLAG_SENDING || !uring_send(sh->uring, who, c->fd, p, n)) {
        wire_submit(sh);
        if (c->fd < 0 || has_output(c) ||
            !uring_send(sh->uring, who, c->fd, p, n))
            return false;
    }
    c->flags |= FLAG_SENDING;
    return true;
}

static ssize_t put(struct shard *sh, struct client *c, const char *p, size_t n)
{
    ssize_t done = c->tls != NULL
                       ? tls_write(c->tls, p, n)
                       : send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (done > 0)
        tally_count(sh, COUNT_BYTES_OUT, (uint64_t)done);
    if (done < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    return done;
}

static void want_out(struct shard *sh, struct client *c, bool on)
{
    struct epoll_event ev = {.data.u32 = client_index(sh, c)};

    if (((c->flags & FLAG_OUT_WANTED) != 0) == on)
        return;
    c->flags ^= FLAG_OUT_WANTED;
    ev.events = (c->flags & FLAG_DEAF ? 0 : EPOLLIN) | (on ? EPOLLOUT : 0);
    epoll_ctl(sh->ep, EPOLL_CTL_MOD, c->fd, &ev);
}

bool wire_raw(struct shard *sh, struct client *c, const char *p, size_t n)
{
    size_t done = 0;
    ssize_t rc;

    c->said_at = (uint32_t)sh->now_ms;
    if (!has_output(c) && put_in_ring(sh, c, p, n))
        return true;
    if (c->fd < 0)
        return false;
    if (!has_output(c)) {
        rc = put(sh, c, p, n);
        if (rc < 0) {
            client_close(sh, c, END_LOST, true);
            return false;
        }
        done = (size_t)rc;
    }
    if (done == n)
        return true;
    if (buf_append(&wire_box(sh, c)->out, p + done, n - done) < 0) {
        shard_trouble(sh, "a client could not write: the server does not read");
        client_close(sh, c, END_RST, true);
        return false;
    }
    want_out(sh, c, true);
    return true;
}

bool wire_send(struct shard *sh, struct client *c, enum ws_op op)
{
    char *payload = sh->send.data + WS_HEAD;
    size_t n = sh->send.len - WS_HEAD;
    uint32_t key = 0;
    char *p;

    if (sh->engine->scenario->users.random_mask)
        key = (uint32_t)rng_u64(&sh->rng) | 1;
    p = ws_head(payload, n, op, key);
    return wire_raw(sh, c, p, (size_t)(payload + n - p));
}

bool wire_flush(struct shard *sh, struct client *c)
{
    struct box *b = c->box;

    if (b != NULL && b->out.len > 0) {
        ssize_t n = put(sh, c, b->out.data, b->out.len);

        if (n < 0) {
            client_close(sh, c, END_LOST, true);
            return false;
        }
        buf_consume(&b->out, (size_t)n);
        if (b->out.len > 0)
            return true;
    }
    want_out(sh, c, false);
    wire_unbox(sh, c);
    return true;
}

/* ---- in ---- */

static ssize_t answer_done(struct shard *sh, struct client *c, struct span in)
{
    int status = 0;
    ssize_t n = ws_answer(in, sh->engine->accept, &status);

    if (n < 0) {
        shard_trouble(sh, "the server refused the upgrade with status %d",
                      status);
        tally_count(sh, COUNT_CONNECT_FAILED, 1);
        client_close(sh, c, END_FIN, true);
    } else if (n > 0) {
        return client_upgraded(sh, c) ? n : -1;
    }
    return n;
}

/* Each whole message goes up. Returns false when the connection is gone. */
static bool deliver(struct shard *sh, struct client *c, struct span *in,
                    struct ws_parts *parts)
{
    struct ws_message m;
    int rc;

    if (c->state == CLIENT_UPGRADING) {
        ssize_t n = answer_done(sh, c, *in);

        if (n <= 0)
            return n == 0;
        *in = span_make(in->p + n, in->n - (size_t)n);
    }
    if (sh->engine->upgrade.len == 0)
        return driver_feed(sh, c, in);
    while ((rc = ws_pull(in, parts, &m)) > 0) {
        if (!client_message(sh, c, &m))
            return false;
        shard_slots(sh);
        if (c->fd < 0)
            return false; /* a message of its own could not be written */
    }
    if (rc < 0) {
        shard_trouble(sh, "the server broke the framing of WebSocket");
        tally_count(sh, COUNT_ERRORS, 1);
        client_close(sh, c, END_RST, true);
    }
    return rc == 0;
}

/* Bytes came with nothing before them: they are read where they lie, and only
 * a piece that is left over is copied. */
static void take_fresh(struct shard *sh, struct client *c, struct span in)
{
    struct ws_parts parts = {0};

    buf_init(&parts.message, WS_MESSAGE);
    if (deliver(sh, c, &in, &parts)) {
        if (in.n > 0)
            buf_append_span(&wire_box(sh, c)->in, in);
        if (parts.op != 0) {
            struct box *b = wire_box(sh, c);

            buf_release(&b->parts.message);
            b->parts = parts;
            return;
        }
    }
    buf_release(&parts.message);
}

static void take_more(struct shard *sh, struct client *c, struct span in)
{
    struct box *b = c->box;
    struct span all;

    buf_append_span(&b->in, in);
    all = buf_span(&b->in);
    if (!deliver(sh, c, &all, &b->parts))
        return; /* the box is back in the pool */
    buf_consume(&b->in, b->in.len - all.n);
    wire_unbox(sh, c);
}

static bool has_input(const struct client *c)
{
    return c->box != NULL && (c->box->in.len > 0 || c->box->parts.op != 0);
}

static void received(struct shard *sh, struct client *c, const char *p,
                     ssize_t n)
{
    struct span in;

    if (n <= 0) {
        tally_count(sh, COUNT_DROPPED, 1);
        client_close(sh, c, END_LOST, true);
        return;
    }
    tally_count(sh, COUNT_BYTES_IN, (uint64_t)n);
    in = span_make(p, (size_t)n);
    if (has_input(c))
        take_more(sh, c, in);
    else
        take_fresh(sh, c, in);
}

void wire_receive(struct shard *sh, struct client *c)
{
    ssize_t n = c->tls != NULL
                    ? tls_read(c->tls, sh->receive, SHARD_RECEIVE)
                    : recv(c->fd, sh->receive, SHARD_RECEIVE, MSG_DONTWAIT);

    if (n >= 0 || (errno != EAGAIN && errno != EINTR))
        received(sh, c, sh->receive, n);
}

/* ---- through the ring ---- */

bool wire_queue_receive(struct shard *sh, struct client *c, unsigned events)
{
    char *place;

    if (sh->uring == NULL || c->tls != NULL || events != EPOLLIN || c->fd < 0 ||
        c->state <= CLIENT_CONNECTING)
        return false;
    if (sh->slices == SHARD_RECEIVE / SLICE)
        wire_submit(sh);
    place = sh->receive + (size_t)sh->slices * SLICE;
    if (c->fd < 0 ||
        !uring_receive(sh->uring, client_index(sh, c), c->fd, place, SLICE))
        return false;
    sh->slices++;
    return true;
}

/* A send that was cut short: the rest waits for room. */
static void sent(struct shard *sh, struct client *c, const struct uring_done *d)
{
    size_t done = d->result > 0 ? (size_t)d->result : 0;

    c->flags &= (uint16_t)~FLAG_SENDING;
    tally_count(sh, COUNT_BYTES_OUT, done);
    if (c->fd < 0 || done == d->n)
        return;
    if (d->result < 0 && d->result != -EAGAIN && d->result != -EINTR) {
        client_close(sh, c, END_LOST, true);
        return;
    }
    buf_append(&wire_box(sh, c)->out, d->bytes + done, d->n - done);
    want_out(sh, c, true);
}

void wire_submit(struct shard *sh)
{
    struct uring_done done[URING_QUEUE];
    int count;

    if (sh->uring == NULL || uring_idle(sh->uring))
        return;
    count = uring_submit(sh->uring, done);
    shard_clock(sh);
    sh->slices = 0;
    /* Sends first: what is received may queue new ones in their place. */
    for (int i = 0; i < count; i++)
        if (done[i].sending)
            sent(sh, &sh->clients[done[i].who], &done[i]);
    for (int i = 0; i < count; i++) {
        struct client *c = &sh->clients[done[i].who];

        if (done[i].sending || c->fd < 0 || done[i].result == -EAGAIN ||
            done[i].result == -EINTR)
            continue;
        received(sh, c, done[i].bytes, done[i].result);
        shard_slots(sh);
    }
}
