#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "engine_inside.h"
#include "proto/encode.h"
#include "shard.h"
#include "tls.h"

#define ANSWER_MS 20000 /* a handshake or login that takes longer is over */
#define BACKOFF_MS 500
#define BACKOFF_MAX_MS 60000

/* ---- the one timer ---- */

void client_set_timer(struct shard *sh, struct client *c)
{
    int64_t due = c->beat;

    if (c->ends > 0 && c->ends < due)
        due = c->ends;
    timer_set(&sh->wheel, &c->timer, due);
}

static int64_t backoff_ms(struct shard *sh, const struct client *c)
{
    int64_t most = BACKOFF_MAX_MS;

    if (sh->engine->scenario->fault.no_backoff)
        return 1;
    if (c->attempts < 7)
        most = (int64_t)BACKOFF_MS << c->attempts;
    return 1 + (int64_t)rng_below(&sh->rng, (uint64_t)most);
}

static void wait_to_connect(struct shard *sh, struct client *c)
{
    int64_t ms = backoff_ms(sh, c);

    c->state = CLIENT_WAITING;
    c->since = sh->now + (uint64_t)ms * 1000000;
    timer_set(&sh->wheel, &c->timer, sh->now_ms + ms);
    if (c->attempts < UINT8_MAX)
        c->attempts++;
}

/* ---- the end of a connection ---- */

static void note_end(struct shard *sh, struct client *c)
{
    if (c->state == CLIENT_READY) {
        atomic_fetch_sub(&sh->ready, 1);
        if (!(c->flags & FLAG_DEAF))
            copies_live(sh, c, false);
    }
    if (c->state >= CLIENT_CONNECTING && c->state < CLIENT_READY)
        sh->handshakes--;
    if (c->fd >= 0)
        atomic_fetch_sub(&sh->conns, 1);
}

/* A fault took the connection: how long until it is back is measured. */
static void note_fault(struct shard *sh, struct client *c)
{
    uint64_t at = atomic_load(&sh->engine->fault_at);

    if (at == 0 || c->state != CLIENT_READY || c->since >= at || c->lost > 0)
        return;
    c->lost = at;
    atomic_fetch_add(&sh->engine->lost, 1);
}

void client_close(struct shard *sh, struct client *c, enum client_end how,
                  bool again)
{
    struct linger rst = {.l_onoff = 1, .l_linger = 0};

    if (c->flags & FLAG_SENDING) {
        wire_submit(sh); /* what was said before the end is said */
        if (c->fd < 0)
            return; /* and that ended it */
    }
    note_fault(sh, c);
    note_end(sh, c);
    if (c->tls != NULL)
        tls_free(c->tls);
    c->tls = NULL;
    if (c->fd >= 0) {
        if (how == END_RST)
            setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &rst, sizeof(rst));
        close(c->fd);
    }
    c->fd = -1;
    wire_drop_box(sh, c);
    outflow_lost(sh, c);
    c->unacked = 0;
    c->unacked_bytes = 0;
    seat_lost(sh, c);
    setup_lost(sh, c);
    presence_lost(sh, c);
    c->flags &= (uint16_t) ~(FLAG_BEATING | FLAG_OUT_WANTED | FLAG_DEAF);
    timer_cancel(&sh->wheel, &c->timer);
    again = again && sh->stage < STAGE_STOP && c->state != CLIENT_SILENT;
    c->state = CLIENT_AWAY;
    if (again)
        wait_to_connect(sh, c);
    else
        churn_gone(sh, c);
}

/* ---- connect ---- */

static void failed(struct shard *sh, struct client *c, const char *what)
{
    shard_trouble(sh, "%s: %s", what, strerror(errno));
    tally_count(sh, COUNT_CONNECT_FAILED, 1);
    client_close(sh, c, END_LOST, true);
}

/* Of the 28,000 ports of an address the second half is slow to find: the
 * kernel takes every other one, and then searches. */
static int bind_source(const struct engine *e, int fd, uint32_t user)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    int on = 1;

    in.sin_addr.s_addr = htonl(e->source_net + 1 + user / SOURCE_CLIENTS);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    return bind(fd, (struct sockaddr *)&in, sizeof(in));
}

static int open_socket(struct shard *sh, const struct client *c)
{
    int family = sh->engine->server.ss_family, on = 1;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (sh->engine->source_net != 0 &&
        bind_source(sh->engine, fd, client_user(sh, c)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void say_upgrade(struct shard *sh, struct client *c)
{
    struct engine *e = sh->engine;

    c->state = CLIENT_UPGRADING;
    if (e->upgrade.len == 0) {
        client_upgraded(sh, c); /* a protocol straight over TCP */
        return;
    }
    wire_raw(sh, c, e->upgrade.data, e->upgrade.len);
}

static void shake_hands(struct shard *sh, struct client *c)
{
    struct epoll_event ev = {.data.u32 = client_index(sh, c)};
    const char *why = "";
    int want_write = 0, rc = tls_handshake(c->tls, &want_write, &why);

    ev.events = EPOLLIN | (rc == 0 && want_write ? EPOLLOUT : 0);
    if (rc < 0) {
        shard_trouble(sh, "TLS: %s", why);
        tally_count(sh, COUNT_CONNECT_FAILED, 1);
        client_close(sh, c, END_FIN, true);
        return;
    }
    epoll_ctl(sh->ep, EPOLL_CTL_MOD, c->fd, &ev);
    c->flags &= (uint16_t)~FLAG_OUT_WANTED;
    if (rc > 0)
        say_upgrade(sh, c);
}

static void connected(struct shard *sh, struct client *c)
{
    if (sh->engine->tls == NULL) {
        say_upgrade(sh, c);
        return;
    }
    if (c->tls == NULL)
        c->tls = tls_new(sh->engine->tls, c->fd, sh->engine->cfg->host);
    if (c->tls != NULL)
        shake_hands(sh, c);
}

/* On the loopback the handshake of TCP is over when connect() is back; then
 * the request goes out at once and no event has to be waited for. */
void client_connect(struct shard *sh, struct client *c, uint64_t due)
{
    struct engine *e = sh->engine;
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT,
                             .data.u32 = client_index(sh, c)};
    int rc;

    c->since = due;
    c->fd = open_socket(sh, c);
    if (c->fd < 0) {
        failed(sh, c, "socket");
        return;
    }
    atomic_fetch_add(&sh->conns, 1);
    sh->handshakes++;
    c->state = CLIENT_CONNECTING;
    timer_set(&sh->wheel, &c->timer, sh->now_ms + ANSWER_MS);
    rc = connect(c->fd, (struct sockaddr *)&e->server, e->server_length);
    if (rc < 0 && errno != EINPROGRESS) {
        failed(sh, c, "connect");
        return;
    }
    c->flags |= FLAG_OUT_WANTED;
    epoll_ctl(sh->ep, EPOLL_CTL_ADD, c->fd, &ev);
}

/* ---- login ---- */

bool client_upgraded(struct shard *sh, struct client *c)
{
    struct mark seen[256];
    struct hello h = {.ua = "confab-load"};
    uint64_t took = sh->now > c->since ? sh->now - c->since : 0;

    client_time(sh, c, METRIC_CONNECT, took);
    if (sh->engine->cfg->driver != NULL) {
        c->state = CLIENT_HELLO;
        c->since = sh->now;
        return sh->engine->cfg->driver->hello(sh, c);
    }
    h.token = account_token(sh->engine->cfg->accounts, client_user(sh, c));
    h.last_seen = seen;
    h.last_seen_count = seat_last_seen(sh, c, seen, (int)COUNT_OF(seen));
    c->state = CLIENT_HELLO;
    c->since = sh->now;
    presence_life(sh, c, true);
    enc_hello(wire_begin(sh), REQUEST_HELLO, &h);
    return wire_send(sh, c, WS_TEXT);
}

/* ---- events ---- */

void client_event(struct shard *sh, struct client *c, unsigned events)
{
    if (c->fd < 0)
        return; /* closed earlier in this turn */
    if (c->flags & FLAG_DEAF && events & (EPOLLERR | EPOLLHUP)) {
        tally_count(sh, COUNT_DROPPED, 1);
        client_close(sh, c, END_LOST, true);
        return;
    }
    if (c->state == CLIENT_CONNECTING) {
        if (events & (EPOLLERR | EPOLLHUP)) {
            int code = 0;
            socklen_t n = sizeof(code);

            getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &code, &n);
            errno = code;
            failed(sh, c, "connect");
        } else {
            connected(sh, c);
            if (c->fd >= 0 && c->state >= CLIENT_UPGRADING)
                wire_flush(sh, c);
        }
        return;
    }
    if (events & EPOLLOUT && wire_flush(sh, c) && c->state == CLIENT_READY)
        outflow_pump(sh, c);
    if (c->fd >= 0 && events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        wire_receive(sh, c);
}

/* ---- signs of life ---- */

static bool say_beat(struct shard *sh, struct client *c)
{
    const struct driver *d = sh->engine->cfg->driver;

    if (d != NULL)
        return d->beat(sh, c);
    enc_hb_act(wire_begin(sh), 0, true);
    return wire_send(sh, c, WS_TEXT);
}

static void beat(struct shard *sh, struct client *c)
{
    if (c->flags & FLAG_BEATING)
        tally_count(sh, COUNT_HB_MISSED, 1);
    c->flags |= FLAG_BEATING;
    c->beat += sh->engine->scenario->users.heartbeat_ms;
    tally_count(sh, COUNT_HB, 1);
    if (say_beat(sh, c))
        client_set_timer(sh, c);
}

static void time_is_up(struct shard *sh, struct client *c)
{
    switch (c->state) {
    case CLIENT_AWAY:
        break;
    case CLIENT_WAITING:
        client_connect(sh, c, c->since < sh->now ? c->since : sh->now);
        break;
    case CLIENT_READY:
        if (c->ends > 0 && sh->now_ms >= c->ends)
            churn_end(sh, c);
        else if (sh->now_ms >= c->beat)
            beat(sh, c);
        else
            client_set_timer(sh, c);
        break;
    case CLIENT_SILENT:
        churn_end(sh, c);
        break;
    default:
        shard_trouble(sh, "no answer to a login within %d s", ANSWER_MS / 1000);
        tally_count(sh, COUNT_CONNECT_FAILED, 1);
        client_close(sh, c, END_RST, true);
    }
}

/* Many wait for the same moment: after a fault, or by the heartbeat. */
void client_timer(struct timer *t, void *ctx)
{
    struct shard *sh = ctx;

    time_is_up(sh, container_of(t, struct client, timer));
    shard_slots(sh);
}
