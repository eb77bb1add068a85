#include "socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"
#include "linger.h"
#include "socket_inside.h"

/* Events of a turn: what a socket and its connection brought into the caches is
 * still there when the turn ends and they are written to. */
#define BATCH 32
#define STEPS 3       /* from an event: socket, connection, user */
#define HURRY_MS 5000 /* from accept to upgrade, from goodbye to the end */

/* Edges: asked for once, when the socket is new. It can be written to then,
 * which is not worth a turn of the loop. */
#define EVENTS (EPOLLIN | EPOLLRDHUP | EPOLLET)

struct socket *socket_of(struct peer *p)
{
    return container_of(p, struct socket, peer);
}

void socket_drop_buf(struct buf **b)
{
    if (*b != NULL)
        buf_release(*b);
    free(*b);
    *b = NULL;
}

void socket_watch(struct socket *s, int verb)
{
    struct epoll_event e = {.events = EVENTS, .data.ptr = s};

    if (s->rest != NULL || s->held != NULL) /* an event in any case */
        e.events |= EPOLLOUT;
    if (epoll_ctl(s->peer.shard->sockets->epoll, verb, s->fd, &e) < 0)
        socket_end(s, END_CUT);
}

/* ---- which list it is in ---- */

static void move_to(struct socket *s, struct link *list)
{
    list_remove(&s->link);
    list_push(list, &s->link);
}

static int64_t now_ms(const struct shard *sh)
{
    return clock_mono(&sh->server->clock.base);
}

void socket_hurry(struct socket *s)
{
    struct sockets *all = s->peer.shard->sockets;

    if (s->state == ENDED)
        return;
    s->due = (uint32_t)((now_ms(s->peer.shard) + HURRY_MS) / 1000 + 1);
    if (list_empty(&all->hurried))
        loop_timer_set(all->sweep, HURRY_MS);
    move_to(s, &all->hurried);
}

void socket_settle(struct socket *s)
{
    s->state = OPEN;
    move_to(s, &s->peer.shard->sockets->idle);
}

void socket_end(struct socket *s, enum socket_end how)
{
    if (s->state == ENDED)
        return;
    s->state = ENDED;
    s->how = (uint8_t)how;
    move_to(s, &s->peer.shard->sockets->leaving);
}

static void sweep(void *arg)
{
    struct sockets *all = arg;
    struct link *at;

    while ((at = list_first(&all->hurried)) != NULL) {
        struct socket *s = container_of(at, struct socket, link);
        int64_t left = (int64_t)s->due * 1000 - now_ms(all->shard);

        if (left > 0) {
            loop_timer_set(all->sweep, left);
            return;
        }
        socket_end(s, END_CUT);
    }
}

/* ---- turns ---- */

static void handle_event(const struct epoll_event *e)
{
    struct socket *s = e->data.ptr;
    bool over = e->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    bool readable = over || (e->events & EPOLLIN) || s->held != NULL;

    if (s->state == ENDED)
        return;
    if (s->state == ARRIVING) {
        if (readable)
            socket_arrive(s, over);
        return;
    }
    if (s->rest != NULL && (e->events & EPOLLOUT)) {
        socket_put_rest(s);
        peer_transport.kick(&s->peer);
    }
    if (readable)
        socket_read(s, over);
}

static void socket_fetch(const struct socket *s)
{
    __builtin_prefetch(s);
    __builtin_prefetch((const char *)s + 64);
    __builtin_prefetch((const char *)s + 128);
}

/* Bring what the event at i will need into the caches, one step of each chain:
 * its socket, its connection, its user. */
static void fetch(const struct epoll_event *list, int n, int i, int step)
{
    const struct socket *s;

    if (i < 0 || i >= n)
        return;
    s = list[i].data.ptr;
    if (step == 0)
        socket_fetch(s);
    else if (step == 1)
        conn_fetch(s->peer.conn);
    else
        conn_fetch_user(s->peer.conn);
}

static void ready(void *arg, int events)
{
    struct sockets *all = arg;
    struct epoll_event list[BATCH];
    int n = epoll_wait(all->epoll, list, BATCH, 0);

    for (int i = -STEPS; i < n; i++) {
        for (int step = 0; step < STEPS; step++)
            fetch(list, n, i + STEPS - step, step);
        if (i >= 0)
            handle_event(&list[i]);
    }
}

void socket_adopt(struct shard *sh, int fd, struct claim claim)
{
    struct socket *s = mem_alloc(sizeof(*s));

    s->peer.ops = &socket_ops;
    s->peer.shard = sh;
    s->claim = claim;
    s->fd = fd;
    s->state = ARRIVING;
    socket_hurry(s);
    socket_watch(s, EPOLL_CTL_ADD);
    if (s->state == ARRIVING)
        socket_arrive(s, false); /* it has spoken: listen.c waits for that */
}

static void leave(struct socket *s)
{
    struct shard *sh = s->peer.shard;

    if (s->how != END_CUT) {
        /* linger() keeps a duplicate: this one's events end here. */
        epoll_ctl(sh->sockets->epoll, EPOLL_CTL_DEL, s->fd, NULL);
        linger(sh, s->fd, s->how == END_OURS, &s->claim);
    }
    close(s->fd);
    atomic_fetch_sub(&sh->connections, 1);
}

static void socket_free(struct socket *s)
{
    list_remove(&s->link);
    peer_gone(&s->peer);
    socket_drop_buf(&s->held);
    socket_drop_buf(&s->rest);
    if (s->fd >= 0)
        leave(s);
    claim_drop(s->peer.shard, &s->claim);
    free(s);
}

bool sockets_reap(struct shard *sh)
{
    struct sockets *all = sh->sockets;
    struct link *at;
    bool some = false;

    while ((at = list_first(&all->leaving)) != NULL) {
        socket_free(container_of(at, struct socket, link));
        some = true;
    }
    return some;
}

/* ---- the shard's beginning and end ---- */

int sockets_open(struct shard *sh, struct error *err)
{
    struct sockets *all = mem_alloc(sizeof(*all));

    sh->sockets = all;
    all->shard = sh;
    list_init(&all->hurried);
    list_init(&all->leaving);
    list_init(&all->idle);
    all->sweep = loop_timer_new(sh->loop, sweep, all);
    all->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (all->epoll < 0)
        return error_set(err, CF_IO, "epoll: %s", strerror(errno));
    all->watch = loop_fd_new(sh->loop, all->epoll, ready, all);
    if (all->watch == NULL)
        return error_set(err, CF_IO, "the loop cannot watch an epoll");
    loop_fd_events(all->watch, LOOP_READ);
    return 0;
}

static void end_all(struct link *list)
{
    struct link *at;

    while ((at = list_first(list)) != NULL)
        socket_end(container_of(at, struct socket, link), END_CUT);
}

void sockets_close(struct shard *sh)
{
    struct sockets *all = sh->sockets;

    if (all == NULL)
        return;
    end_all(&all->hurried);
    end_all(&all->idle);
    sockets_reap(sh);
    loop_timer_free(&all->sweep);
    loop_fd_free(&all->watch);
    if (all->epoll >= 0)
        close(all->epoll);
    free(all);
    sh->sockets = NULL;
}
