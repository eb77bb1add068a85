/* receive.c - bytes of messages become objects for dispatch(). */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/conn.h"

static void too_big(struct conn *c, const char *why)
{
    conn_error(c, 0, "too_big", 0, why);
    conn_close(c, 4400, "message too big");
}

/* The objects of one or more complete messages. */
static void handle(struct conn *c, struct span rest)
{
    struct span object;
    int count = 0;

    c->handling = true;
    while (c->state != CONN_CLOSED && frame_next(&rest, &object)) {
        if (++count > LIMIT_FRAME_OBJECTS && c->type != CONN_POST) {
            too_big(c, "too many objects in one frame");
            break;
        }
        dispatch(c, object);
        if (c->state != CONN_LOGIN)
            continue;
        /* Pipelined behind hello: kept until the login is through. */
        if (rest.n > 0 && buf_append_span(&c->sync->held, rest) < 0)
            too_big(c, "too much before the login is through");
        else if (rest.n > 0)
            buf_append_byte(&c->sync->held, '\n');
        if (c->state == CONN_LOGIN)
            c->sync->held_whole = c->sync->held.len;
        break;
    }
    c->handling = false;
}

static int hold(struct conn *c, const void *bytes, size_t n, bool last)
{
    struct sync *sy = c->sync;

    if (buf_append(&sy->held, bytes, n) < 0 ||
        (last && buf_append_byte(&sy->held, '\n') < 0)) {
        too_big(c, "too much before the login is through");
        return -CF_CLOSED;
    }
    if (last)
        sy->held_whole = sy->held.len;
    return 0;
}

/* Who has not logged in gets room for a hello. */
static size_t most_of(const struct conn *c)
{
    return c->state == CONN_NEW ? LIMIT_OBJECT_NEW : LIMIT_RX;
}

static int keep_piece(struct conn *c, const void *bytes, size_t n)
{
    if (c->rx == NULL) {
        c->rx = mem_alloc(sizeof(*c->rx));
        buf_init(c->rx, most_of(c));
        conn_message_began(c);
    }
    if (buf_append(c->rx, bytes, n) == 0)
        return 0;
    too_big(c, "message too big");
    return -CF_CLOSED;
}

void conn_drop_pieces(struct buf **rx)
{
    if (*rx != NULL)
        buf_release(*rx);
    free(*rx);
    *rx = NULL;
}

void conn_held(struct conn *c, struct span bytes, size_t whole)
{
    if (whole > 0 && c->state != CONN_CLOSED) {
        handle(c, span_make(bytes.p, whole));
        conn_settled(c);
    }
    if (bytes.n > whole && c->state != CONN_CLOSED)
        keep_piece(c, bytes.p + whole, bytes.n - whole);
}

int conn_receive(struct conn *c, const void *bytes, size_t n, bool last)
{
    struct buf *rx;

    if (c->state == CONN_CLOSED)
        return -CF_CLOSED;
    metrics_add(&c->node->metrics, NM_BYTES_IN, (int64_t)n);
    if (c->state != CONN_NEW)
        c->seen = now_seconds(c->node);
    if (c->state == CONN_LOGIN)
        return hold(c, bytes, n, last);
    if (c->rx == NULL && last && n > most_of(c)) {
        too_big(c, "message too big");
        return -CF_CLOSED;
    }
    if ((c->rx != NULL || !last) && keep_piece(c, bytes, n) < 0)
        return -CF_CLOSED;
    if (!last)
        return 0;
    rx = c->rx;
    c->rx = NULL; /* c may close, and a handler may hold pieces anew */
    handle(c, rx != NULL ? buf_span(rx) : span_make(bytes, n));
    conn_drop_pieces(&rx);
    if (c->state == CONN_CLOSED)
        return -CF_CLOSED;
    conn_settled(c);
    return 0;
}
