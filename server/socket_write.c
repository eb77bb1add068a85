#include "socket_inside.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/mem.h"

#define WRITE_BYTES (64 * 1024) /* a frame, unless one object is larger */
#define REST (SHARD_OUT + PONG_BYTES + WEBSOCKET_HEAD + WEBSOCKET_CONTROL)

static void keep_rest(struct socket *s, const char *bytes, size_t n)
{
    bool first = s->rest == NULL;

    if (first) {
        s->rest = mem_alloc(sizeof(*s->rest));
        buf_init(s->rest, REST);
        s->behind = 0;
    }
    if (buf_append(s->rest, bytes, n) < 0)
        socket_end(s, END_CUT);
    else if (first)
        socket_watch(s, EPOLL_CTL_MOD); /* tell when it takes bytes again */
}

/* Bytes that the kernel took. A broken connection takes none; its end comes
 * from epoll, or soon from us. */
static size_t give(struct socket *s, const char *bytes, size_t n)
{
    ssize_t sent = send(s->fd, bytes, n, MSG_NOSIGNAL);

    if (sent >= 0)
        return (size_t)sent;
    if (errno != EAGAIN && errno != EINTR)
        socket_hurry(s);
    return 0;
}

void socket_put(struct socket *s, const char *bytes, size_t n)
{
    size_t sent = s->rest != NULL ? 0 : give(s, bytes, n);

    if (sent < n)
        keep_rest(s, bytes + sent, n - sent);
}

void socket_put_rest(struct socket *s)
{
    size_t sent = give(s, s->rest->data, s->rest->len);

    if (sent == s->rest->len)
        socket_drop_buf(&s->rest);
    else
        buf_consume(s->rest, sent);
}

/* A frame of what the conn has; false: nothing. */
static bool put_queued(struct socket *s)
{
    char *payload = s->peer.shard->out + WEBSOCKET_HEAD, *start;
    size_t n;

    if (s->peer.conn == NULL)
        return false;
    n = conn_pull(s->peer.conn, payload, WRITE_BYTES);
    if (n == 0)
        n = conn_pull(s->peer.conn, payload, SHARD_OUT - WEBSOCKET_HEAD);
    if (n == 0)
        return false;
    start = websocket_head(payload, n, WEBSOCKET_TEXT);
    socket_put(s, start, n + (size_t)(payload - start));
    return true;
}

void socket_put_control(struct socket *s, enum websocket_op op,
                        const char *bytes, size_t n)
{
    char frame[WEBSOCKET_HEAD + WEBSOCKET_CONTROL];
    char *payload = frame + WEBSOCKET_HEAD, *start;

    if (n > 0)
        memcpy(payload, bytes, n);
    start = websocket_head(payload, n, op);
    socket_put(s, start, n + (size_t)(payload - start));
}

void socket_put_pongs(struct socket *s)
{
    struct sockets *all = s->peer.shard->sockets;
    size_t n = all->pong_bytes;

    all->pong_bytes = 0;
    if (n == 0 || s->state == ENDED)
        return;
    if (s->rest != NULL) {
        if (s->behind + n > PONG_BYTES)
            return; /* it pings and does not read: the first answers will do */
        s->behind = (uint16_t)(s->behind + n);
    }
    socket_put(s, all->pongs, n);
}

void socket_gather_pong(struct socket *s, const char *bytes, size_t n)
{
    struct sockets *all = s->peer.shard->sockets;
    char *start;

    if (all->pong_bytes + WEBSOCKET_HEAD + n > PONG_BYTES)
        socket_put_pongs(s);
    start = all->pongs + all->pong_bytes;
    memcpy(start + 2, bytes, n);
    websocket_head(start + 2, n, WEBSOCKET_PONG);
    all->pong_bytes += n + 2;
}

void socket_put_goodbye(struct socket *s, int code, const char *why)
{
    char text[WEBSOCKET_CONTROL];
    size_t n = why != NULL ? strlen(why) : 0;

    if (n > sizeof(text) - 2)
        n = sizeof(text) - 2;
    text[0] = (char)(code >> 8);
    text[1] = (char)code;
    if (n > 0)
        memcpy(text + 2, why, n);
    socket_put_control(s, WEBSOCKET_CLOSE, text, n + 2);
}

void socket_flush(struct peer *p)
{
    struct socket *s = socket_of(p);

    if (s->state == ENDED)
        return;
    if (claim_is_waiting(s->claim) && p->conn != NULL &&
        conn_user(p->conn) != 0)
        claim_release(&s->claim); /* its welcome is in the queue */
    while (s->rest == NULL && !s->said && put_queued(s))
        ;
    if (s->rest != NULL || (p->close_code == 0 && !s->said))
        return;
    if (!s->said)
        socket_put_goodbye(s, p->close_code, p->close_why);
    s->said = true;
    if (s->rest == NULL)
        socket_end(s, END_OURS);
}
