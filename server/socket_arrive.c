/* The first bytes of a connection: an upgrade that we serve or refuse, or
 * something else, which goes on to libwebsockets unread. */
#include "socket_inside.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "guard.h"
#include "net.h"
#include "proto/limits.h"
#include "upgrade.h"

static void pass_on(struct socket *s)
{
    struct claim claim = s->claim;
    int fd = s->fd;

    epoll_ctl(s->peer.shard->sockets->epoll, EPOLL_CTL_DEL, fd, NULL);
    s->fd = -1;
    s->claim = (struct claim){0};
    socket_end(s, END_CUT);
    net_adopt(s->peer.shard, fd, false, claim);
}

static void refuse(struct socket *s, int status, const char *why)
{
    char answer[UPGRADE_REFUSAL];

    socket_put(s, answer, upgrade_refusal(status, why, answer));
    socket_end(s, END_OURS);
}

static void welcome(struct socket *s, const struct handshake *h)
{
    char answer[UPGRADE_ANSWER];

    /* What was looked at is consumed now. */
    if (recv(s->fd, s->peer.shard->sockets->in, h->length, 0) !=
        (ssize_t)h->length) {
        socket_end(s, END_CUT);
        return;
    }
    socket_settle(s);
    socket_put(s, answer, upgrade_answer(h, answer));
    s->peer.conn = conn_open(s->peer.shard->node, &s->peer, CONN_SOCKET);
    if (s->peer.conn == NULL)
        peer_transport.close(&s->peer, 4000, "drain");
}

/* Who may come in, of those that ask as they should. */
static bool let_in(struct socket *s, const struct handshake *h)
{
    struct shard *sh = s->peer.shard;
    const char *why = NULL;
    int status;

    if (h->origin.p != NULL && !guard_origin(sh, h->origin)) {
        refuse(s, 403, "this Origin is not allowed here");
        return false;
    }
    if (h->forwarded.n > 0)
        why = guard_chain(sh, &s->claim, h->forwarded, &status);
    if (why != NULL)
        refuse(s, status, why);
    return why == NULL;
}

void socket_arrive(struct socket *s, bool over)
{
    char *in = s->peer.shard->sockets->in;
    ssize_t n = recv(s->fd, in, LIMIT_HTTP_HEADERS + 1, MSG_PEEK);
    struct handshake h;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        socket_end(s, END_CUT);
        return;
    }
    switch (handshake_read(span_make(in, (size_t)n), &h)) {
    case HANDSHAKE_MORE: /* an edge tells of it */
        if (over)
            socket_end(s, END_CUT);
        return;
    case HANDSHAKE_OTHER:
        pass_on(s);
        return;
    case HANDSHAKE_BAD:
        refuse(s, h.status, h.why);
        return;
    case HANDSHAKE_GOOD:
        break;
    }
    if (!let_in(s, &h))
        return;
    welcome(s, &h);
    if ((size_t)n > h.length || over)
        socket_read(s, over);
}
