#include "proxy_pair.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define FAREWELL_MS 2000 /* for the client's answer to a close frame */

/* ---- ending ---- */

static void side_close(struct side *s, bool reset)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    if (s->fd < 0)
        return;
    if (reset)
        setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    loop_fd_free(&s->watch);
    close(s->fd);
    s->fd = -1;
}

void pair_end(struct pair *x, bool reset)
{
    struct proxy *p = x->proxy;

    if (p->conn_tap != NULL)
        p->conn_tap(p->conn_tap_ctx, x->number, 0, NULL, 0);
    p->counts.open--;
    list_remove(&x->link);
    side_close(&x->client, reset);
    side_close(&x->server, reset);
    relay_release(&x->up);
    relay_release(&x->down);
    loop_timer_free(&x->timer);
    free(x);
    if (p->starved && !p->cut)
        loop_fd_events(p->watch, LOOP_READ);
    p->starved = false;
}

/* ---- what is waited for ---- */

static void side_watch(struct side *s, bool can_read, bool can_write)
{
    int events = (can_read ? LOOP_READ : 0) | (can_write ? LOOP_WRITE : 0);

    if (s->fd < 0 || s->events == events)
        return;
    s->events = events;
    loop_fd_events(s->watch, events);
}

static void watch_both(struct pair *x)
{
    bool on = !x->proxy->cut, linked = on && !x->server.connecting;

    side_watch(&x->client, linked && !x->up.eof && relay_has_room(&x->up),
               on && x->client.full);
    side_watch(&x->server, linked && !x->down.eof && relay_has_room(&x->down),
               on && (x->server.full || x->server.connecting));
}

/* ---- moving bytes ---- */

static void relayed(struct pair *x, int direction, const char *p, size_t n)
{
    struct proxy *y = x->proxy;

    if (direction > 0)
        y->counts.up_bytes += (int64_t)n;
    else
        y->counts.down_bytes += (int64_t)n;
    if (direction < 0)
        ws_scan_run(&x->scan, p, n);
    if (y->tap != NULL)
        y->tap(y->tap_ctx, direction, p, n);
    if (y->conn_tap != NULL)
        y->conn_tap(y->conn_tap_ctx, x->number, direction, p, n);
}

/* Write what may leave. 0, or -CF_IO: the sink is gone. *wait as in
 * relay_ready(). */
static int flush(struct pair *x, struct relay *r, struct side *to,
                 int direction, int64_t *wait)
{
    struct proxy *y = x->proxy;

    *wait = -1;
    to->full = false;
    while (to->fd >= 0) {
        int64_t now = clock_mono(clock_system());
        struct span s = relay_ready(r, now, y->rate, wait);
        ssize_t n;

        if (s.n == 0)
            return 0;
        n = send(to->fd, s.p, y->drip ? 1 : s.n, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -CF_IO;
        if (n > 0) {
            relayed(x, direction, s.p, (size_t)n);
            relay_took(r, (size_t)n, y->rate);
        }
        if (n < 0 || y->drip) { /* the rest when the loop comes round */
            to->full = relay_held(r) > 0;
            return 0;
        }
    }
    return 0;
}

/* Tell the sink of the end of its source. */
static void pass_end(struct relay *r, struct side *to)
{
    if (!r->eof || r->ended || relay_held(r) > 0)
        return;
    r->ended = true;
    if (to->fd >= 0)
        shutdown(to->fd, SHUT_WR);
}

/* Nothing of a client that was told to close goes on. */
static void discard_up(struct pair *x)
{
    if (x->closed)
        relay_truncate(&x->up, 0);
}

void pair_go(struct pair *x)
{
    struct proxy *p = x->proxy;
    int64_t up = -1, down = -1;

    if (p->cut || x->server.connecting) {
        watch_both(x);
        return;
    }
    discard_up(x);
    if (flush(x, &x->up, &x->server, +1, &up) < 0 ||
        flush(x, &x->down, &x->client, -1, &down) < 0) {
        pair_end(x, true);
        return;
    }
    pass_end(&x->up, &x->server);
    pass_end(&x->down, &x->client);
    if (x->closed && x->down.ended && !x->told) {
        x->told = true;
        loop_timer_set(x->timer, FAREWELL_MS);
    }
    if (x->up.ended && x->down.ended) {
        pair_end(x, false);
        return;
    }
    if (up < 0 || (down >= 0 && down < up))
        up = down;
    if (up >= 0)
        loop_timer_set(x->timer, up);
    watch_both(x);
}

/* ---- a close frame of our own ---- */

/* Between two frames: drop what follows, say goodbye, leave the server. */
static void say_goodbye(struct pair *x)
{
    char frame[4] = {(char)0x88, 2, (char)(x->closing >> 8), (char)x->closing};
    struct span held = relay_view(&x->down);
    ssize_t at = ws_scan_boundary(&x->scan, held.p, held.n);

    if (at < 0)
        return;
    relay_truncate(&x->down, (size_t)at);
    relay_put(&x->down, span_make(frame, sizeof(frame)),
              clock_mono(clock_system()));
    x->closed = x->down.eof = true;
    side_close(&x->server, false);
}

void pair_close(struct pair *x, int code)
{
    if (x->closed)
        return;
    if (x->scan.phase == WS_PLAIN || x->down.ended) {
        pair_end(x, false);
        return;
    }
    x->closing = code;
    say_goodbye(x);
    pair_go(x);
}

/* ---- events ---- */

static bool connected(struct side *s)
{
    int why = 0;
    socklen_t n = sizeof(why);

    s->connecting = false;
    return getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &why, &n) == 0 && why == 0;
}

static void on_side(struct side *s, struct relay *from, int events)
{
    struct pair *x = s->pair;
    ssize_t n = -CF_BUSY;

    if (x->proxy->cut)
        return;
    if (s->connecting && !connected(s)) {
        pair_end(x, true); /* nobody there */
        return;
    }
    if (events & LOOP_READ)
        n = relay_read(from, s->fd, clock_mono(clock_system()),
                       x->proxy->latency);
    if (n == -CF_IO) {
        pair_end(x, true);
        return;
    }
    if (x->closing != 0 && !x->closed)
        say_goodbye(x);
    pair_go(x);
}

static void on_client(void *arg, int events)
{
    struct side *s = arg;

    on_side(s, &s->pair->up, events);
}

static void on_server(void *arg, int events)
{
    struct side *s = arg;

    on_side(s, &s->pair->down, events);
}

static void on_timer(void *arg)
{
    struct pair *x = arg;

    if (x->told && x->proxy->cut)
        loop_timer_set(x->timer, FAREWELL_MS);
    else if (x->told)
        pair_end(x, false);
    else
        pair_go(x);
}

static bool has_left(const struct side *s)
{
    struct pollfd p = {.fd = s->fd, .events = POLLRDHUP};

    return !s->connecting && poll(&p, 1, 0) > 0 &&
           (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void pair_heal(struct pair *x)
{
    if (has_left(&x->client) || has_left(&x->server))
        pair_end(x, false);
    else
        pair_go(x);
}

/* ---- beginning ---- */

static bool side_open(struct side *s, struct pair *x, int fd,
                      void (*fn)(void *arg, int events))
{
    int one = 1;

    *s = (struct side){.pair = x, .fd = fd};
    if (fd < 0)
        return false;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    s->watch = loop_fd_new(x->proxy->loop, fd, fn, s);
    return s->watch != NULL;
}

static bool connect_server(struct pair *x)
{
    const struct proxy *p = x->proxy;
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(p->server.ss_family, type, 0);

    if (fd < 0 && errno == EMFILE && proxy_more_descriptors())
        fd = socket(p->server.ss_family, type, 0);
    if (!side_open(&x->server, x, fd, on_server))
        return false;
    if (connect(fd, (const struct sockaddr *)&p->server, p->server_len) == 0)
        return true;
    x->server.connecting = errno == EINPROGRESS;
    return x->server.connecting;
}

void pair_new(struct proxy *p, int fd)
{
    struct pair *x = mem_alloc(sizeof(*x));

    x->proxy = p;
    list_push(&p->pairs, &x->link);
    x->number = (int)++p->counts.accepted;
    p->counts.open++;
    relay_init(&x->up);
    relay_init(&x->down);
    x->timer = loop_timer_new(p->loop, on_timer, x);
    loop_timer_steady(x->timer);
    x->server.fd = -1;
    if (!side_open(&x->client, x, fd, on_client) || !connect_server(x))
        pair_end(x, true);
    else
        pair_go(x);
}
