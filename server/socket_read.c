#include "socket_inside.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/mem.h"

#define READS 4 /* of one connection in a turn */

static void socket_closing(struct peer *p)
{
    struct socket *s = socket_of(p);

    if (s->state == ENDED)
        return;
    s->state = CLOSING;
    socket_hurry(s);
}

static void socket_pause(struct peer *p, bool on)
{
    struct socket *s = socket_of(p);

    s->paused = on;
    if (!on && s->state == OPEN)
        socket_watch(s, EPOLL_CTL_MOD);
}

const struct peer_ops socket_ops = {
    .flush = socket_flush,
    .closing = socket_closing,
    .pause = socket_pause,
};

/* ---- frames ---- */

static const char *why_of(int code)
{
    switch (code) {
    case 1003:
        return "text frames only";
    case 1007:
        return "not UTF-8";
    case 1009:
        return "over 256 KiB or 64 fragments";
    default:
        return "not a frame of RFC 6455";
    }
}

/* The peer says goodbye: answer in kind (section 5.5.1), and that is all. */
static void peer_closes(struct socket *s, const struct websocket_piece *piece)
{
    int code = websocket_close_code(piece->data, piece->n);

    socket_put_pongs(s); /* they come before */
    if (code == 1005)
        socket_put_control(s, WEBSOCKET_CLOSE, NULL, 0);
    else
        socket_put_goodbye(s, code, NULL);
    s->said = true;
    if (s->rest == NULL) {
        socket_end(s, END_PLAIN);
        return;
    }
    s->state = CLOSING; /* what it has not read yet goes before */
    socket_hurry(s);
}

static void take(struct socket *s, const struct websocket_piece *piece)
{
    switch (piece->op) {
    case WEBSOCKET_PING:
        socket_gather_pong(s, piece->data, piece->n);
        return;
    case WEBSOCKET_CLOSE:
        peer_closes(s, piece);
        return;
    case WEBSOCKET_TEXT:
        conn_receive(s->peer.conn, piece->data, piece->n, piece->last);
        return;
    default:
        return;
    }
}

static void hold(struct socket *s, const char *bytes, size_t n)
{
    if (n == 0)
        return;
    s->held = mem_alloc(sizeof(*s->held));
    buf_init(s->held, READ_BYTES);
    buf_append(s->held, bytes, n);
}

/* All that there is, as far as the core takes it. Behind our goodbye nothing
 * is read any more but the end. */
static void handle(struct socket *s, char *in, size_t n)
{
    struct websocket_piece piece;
    int rc = 1;

    while (!s->paused && s->state == OPEN) {
        rc = websocket_pull(&s->in, &in, &n, &piece);
        if (rc <= 0)
            break;
        take(s, &piece);
    }
    socket_put_pongs(s);
    if (rc < 0)
        peer_transport.close(&s->peer, -rc, why_of(-rc));
    else if (s->state == OPEN)
        hold(s, in, n);
}

/* ---- bytes ---- */

/* What recv() said. False: the connection is at its end. */
static bool came(ssize_t n)
{
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* One recv. True: there may be more. */
static bool read_some(struct socket *s)
{
    char *in = s->peer.shard->sockets->in;
    size_t had = s->held != NULL ? s->held->len : 0;
    bool open = true;
    ssize_t n = 0;

    if (had < READ_BYTES) {
        n = recv(s->fd, in + had, READ_BYTES - had, 0);
        open = came(n);
    }
    if (n < 0)
        n = 0;
    if (had > 0) {
        memcpy(in, s->held->data, had);
        socket_drop_buf(&s->held);
    }
    handle(s, in, had + (size_t)n);
    if (!open && !s->paused) /* else there is more to handle before */
        socket_end(s, END_CUT);
    return had + (size_t)n == READ_BYTES;
}

void socket_read(struct socket *s, bool over)
{
    int reads = 0;

    while (!s->paused && s->state != ENDED) {
        if (!read_some(s) && !over)
            return;
        if (++reads < READS)
            continue;
        socket_watch(s, EPOLL_CTL_MOD); /* others first, then the rest */
        return;
    }
}
