/* node.h - the public door of the machine: one node, its connections in and
 * its frames out. The shell (net.c, http.c) and the simulation know this file
 * and nothing else of core/.
 *
 * A node belongs to one thread. It knows no clock, socket, file or thread:
 * everything comes in through struct node_env. */
#ifndef CORE_NODE_H
#define CORE_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "base/span.h"
#include "bus/bus.h"
#include "core/sabotage.h"
#include "presence/presence.h"
#include "proto/frame.h"
#include "registry/registry.h"
#include "store/store.h"

struct node;
struct conn;

/* What the core asks of whoever holds the sockets. peer is the shell's. */
struct transport {
    /* Something is queued: call conn_pull() at the end of this turn, or when
     * the socket becomes writable. Called once until the queue was emptied. */
    void (*kick)(void *peer);
    /* Write what conn_pull() still gives, then close with this WebSocket code
     * (HTTP kinds: just end). After it, only conn_pull() and conn_lost() may
     * be called. */
    void (*close)(void *peer, int code, const char *why);
    /* Stop (on) or resume reading: too much of it is still in work. */
    void (*pause)(void *peer, bool on);
    /* CONN_POST: every request so far has been answered. */
    void (*settled)(void *peer);
};

struct node_config {
    int live_members; /* pushed to all up to here; default 512 */
    int64_t backlog;  /* default LIMIT_BACKLOG */
    int64_t hello_ms, heartbeat_ms, ttl_ms, stall_ms; /* 0: of limits.h */
    int64_t fold_ms, head_ms, tick_ms;
    int sends_rate, sends_burst, control_rate, control_burst;
    bool no_budgets; /* load tests */
};

struct node_env {
    int number; /* of this node; unique on the bus */
    const struct clock *clock;
    struct rng *rng;
    struct store *store;
    struct bus *bus;
    struct registry *registry;
    struct presence *presence;
    const struct transport *transport;
    /* Run fn(arg) soon on this node's thread (loop_post). */
    void (*post)(void *ctx, void (*fn)(void *), void *arg);
    void *post_ctx;
    /* SHA-256 or the like of a token, as stored. */
    void (*token_hash)(struct span token, uint8_t out[TOKEN_HASH]);
    /* The shell does the slow part of account deletion etc.; may be NULL. */
    const struct node_config *config;
    const struct sabotage *sabotage; /* NULL: honest */
    void (*seen)(const char *what);  /* of SEEN(); NULL: nobody counts */
};

/* Make a node: opens its ports, joins the registry (done when node_ready()).
 * NULL with *err on a bad configuration. */
struct node *node_new(const struct node_env *env, struct error *err);
/* Everything at once, no goodbye. Connections are freed; their transport is
 * not called. Store, bus... outlive the node. */
void node_free(struct node **n);
/* The process died (simulation): like node_free, with the ports crashed
 * (store_memory_crash, registry_crash) instead of closed. */
void node_crash(struct node **n);

bool node_ready(const struct node *n); /* has a lease */
/* Run due timers; call it when node_next() is reached, on the env's clock. */
void node_tick(struct node *n);
/* The test clock jumped: who was alive before is alive now. */
void node_hold(struct node *n);
int64_t node_next(const struct node *n); /* mono ms; INT64_MAX: nothing */
/* Called by the shell at the end of a turn of the loop, and by the simulation
 * after each event: sends what was gathered (bus messages). */
void node_turn_end(struct node *n);

/* Drain: takes itself off the ring, finishes commits, sends `bye` 4000 to every
 * connection with retry windows spread over spread_ms, closes. */
void node_drain(struct node *n, int64_t spread_ms);
bool node_drained(const struct node *n); /* no connection, nothing pending */

/* A unique id of this node (users, conversations); 0 when it has no lease. */
uint64_t node_make_id(struct node *n);

/* The shell changed accounts in the store (admin, HTTP): close the device's
 * connections (dev 0: all of the user's) on every node, with 4401. */
void node_revoke(struct node *n, uint64_t user, uint32_t dev);
/* A login made a new device: its owner's other devices are told in `self`. */
void node_device_added(struct node *n, uint64_t user, uint32_t dev,
                       struct span name);
/* End all memberships of the user (appends leave entries), then the store's
 * USER_DELETE; done(ctx, rc) when finished. */
void node_user_delete(struct node *n, uint64_t user,
                      void (*done)(void *ctx, int rc), void *ctx);

/* Which node is home to the conversation now. */
int node_home_of(const struct node *n, uint64_t conv);

struct node_stats {
    int64_t conns, users, homes, lives, behind, pending;
};
void node_stats(const struct node *n, struct node_stats *out);
/* Operations that the store has of this node: it must not be freed before. */
int node_store_pending(const struct node *n);
/* Any thread may read these two while the node lives. */
struct metrics *node_metrics(struct node *n);
const struct timing *
node_sent_hist(const struct node *n); /* send -> sent, us */

/* ---- connections ---- */

enum conn_type {
    CONN_SOCKET, /* WebSocket: hello first, takes over its device */
    CONN_POST,   /* POST /v1/frames: requests and answers, no pushes */
    CONN_STREAM, /* GET /v1/stream: pushes only, one entry per frame */
    CONN_POLL,   /* GET /v1/poll: pushes only, ends when something came */
};

/* A new connection. NULL: draining, no lease, or over a bound. */
struct conn *conn_open(struct node *n, void *peer, enum conn_type type);

/* For the HTTP kinds: who it is. token, and for a stream `Last-Event-ID`
 * (conv, seq; conv 0: none); auto_ack: an event counts as acknowledged once
 * the next one has been pulled. Frames given earlier wait for it. A refused
 * token closes with 4401. */
void conn_login(struct conn *c, struct span token, struct mark last,
                bool auto_ack);

/* Bytes of a message; last: it is complete now. The core joins pieces, bounded
 * by limits.h, and handles the objects in it. 0, or negative: the connection
 * is closing (transport->close was or will be called). */
int conn_receive(struct conn *c, const void *bytes, size_t n, bool last);

/* What to write next, one object. NULL: nothing more now. Valid until
 * conn_took(). */
struct wire;
const struct wire *conn_next(struct conn *c);
void conn_took(struct conn *c); /* it was written (or copied) */

/* Join queued objects with LF into out, at most max bytes and
 * LIMIT_FRAME_OBJECTS, and take them. Returns the length, 0: nothing, or the
 * next object is larger than max (then use conn_next). */
size_t conn_pull(struct conn *c, char *out, size_t max);

/* Nothing was read or written to the socket and it is gone (or the shell has
 * closed it). Frees c: do not touch it again. */
void conn_lost(struct conn *c);

uint64_t conn_id(const struct conn *c);
uint64_t conn_user(const struct conn *c); /* 0: not logged in */

/* c is about to be used, and then its user: bring them into the caches, c
 * first. NULL: nothing. */
void conn_fetch(const struct conn *c);
void conn_fetch_user(const struct conn *c);

#endif
