/* driver_kit.h - one client of an engine that does not run, with a driver
 * behind it and our end of its connection in hand. */
#ifndef DRIVER_KIT_H
#define DRIVER_KIT_H

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "engine_inside.h"
#include "marker.h"
#include "unit/base/suite.h"

#define KIT_RUN 7

static struct scenario kit_scenario;
static struct engine_config kit_config;
static struct engine kit_engine;
static struct account_set *kit_accounts;
static struct shard *sh;
static struct client *c;
static int kit_peer; /* our end */

static void kit_connect(void)
{
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair),
                     0);
    c->fd = pair[0];
    kit_peer = pair[1];
    c->state = CLIENT_HELLO;
    sh->handshakes = 1;
    atomic_store(&sh->conns, 1);
}

/* Two users who talk with each other; c is the first. */
static void kit_begin(const struct driver *driver)
{
    static const char text[] = "name = \"kit\"\n[users]\ncount = 2\n"
                               "[[traffic]]\nkind = \"direct\"\nrate = 1\n";
    struct error err;

    ck_assert_int_eq(scenario_parse(&kit_scenario, "kit",
                                    span_make(text, sizeof(text) - 1), NULL, 0,
                                    &err),
                     0);
    ck_assert_int_eq(accounts_plain(&kit_accounts, 2, &err), 0);
    kit_config = (struct engine_config){.scenario = &kit_scenario,
                                        .host = "127.0.0.1",
                                        .port = 1,
                                        .accounts = kit_accounts,
                                        .driver = driver,
                                        .shards = 1,
                                        .run = KIT_RUN};
    ck_assert_int_eq(engine_make(&kit_engine, &kit_config, &err), 0);
    sh = &kit_engine.shards[0];
    c = &sh->clients[0];
    wheel_init(&sh->wheel, 0, sh);
    sh->ep = epoll_create1(0);
    sh->stage = STAGE_STOP; /* nobody connects again */
    kit_connect();
}

static void kit_end(void)
{
    if (c->fd >= 0)
        client_close(sh, c, END_FIN, false);
    close(kit_peer);
    close(sh->ep);
    engine_release(&kit_engine);
    accounts_free(&kit_accounts);
}

/* What the client wrote, until now. */
static inline struct span kit_said(void)
{
    static char bytes[65536];
    ssize_t n = recv(kit_peer, bytes, sizeof(bytes), 0);

    return span_make(bytes, n > 0 ? (size_t)n : 0);
}

/* The server says this, in two pieces. False: the connection is gone. */
static inline bool kit_hear(struct span all, size_t cut)
{
    struct buf rest;
    size_t ends[2] = {cut, all.n}, from = 0;
    bool on = true;

    buf_init(&rest, 1 << 20);
    for (int i = 0; i < 2 && on; i++) {
        struct span in;

        buf_append(&rest, all.p + from, ends[i] - from);
        from = ends[i];
        in = buf_span(&rest);
        on = driver_feed(sh, c, &in);
        if (on)
            buf_consume(&rest, rest.len - in.n);
    }
    buf_release(&rest);
    return on;
}

/* A body that the other user sent as its message number seq. */
static inline struct span kit_body(uint32_t seq)
{
    static char body[100];
    struct marker m = {KIT_RUN, 1, seq, 1, 1};

    return span_make(body, marker_write(body, sizeof(body), &m));
}

static inline uint64_t kit_count(enum count which)
{
    return sh->tally->counts[which];
}

/* The client's own message `number` is due, and goes out. */
static inline void kit_send(void)
{
    outflow_add(sh, c->first_stream, 1);
}

#endif
