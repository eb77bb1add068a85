/* shard.h - one node as a thread: a loop, a descriptor table of its own, a
 * libwebsockets context and its listeners. */
#ifndef SERVER_SHARD_H
#define SERVER_SHARD_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/map.h"
#include "core/node.h"
#include "server.h"

struct lws_context;
struct lws_vhost;
struct listener;
struct sockets;

struct shard {
    struct server *server;
    int number; /* also the node's */
    pthread_t thread;
    pid_t tid;               /* of the thread, for /proc */
    struct loop *loop;       /* made in main */
    struct loop_timer *tick; /* when the node wants to run */
    int64_t tick_at;
    struct node *node;
    struct store_port *port; /* the shell's own: accounts */
    struct rng rng;
    struct lws_context *lws;
    struct lws_vhost *plain, *secure;
    struct sockets *sockets; /* WebSockets over plain TCP (socket.h) */
    struct listener *listeners;
    int listener_count;
    struct link kicked;    /* peers with something to write */
    struct link waiting;   /* those that a large fan-out left over */
    int kicked_count;      /* since the last flush */
    struct link lingering; /* sockets at their end (linger.h) */
    int lingering_count;
    struct loop_timer *closing; /* drained: how long for closing sockets */
    struct strmap addresses;    /* connections before login, by address */
    char *out;                  /* one write: LWS_PRE + SHARD_OUT bytes */
    int peak;                   /* most connections since the last trim */
    atomic_int connections;     /* sockets open */
    atomic_bool serving;        /* listening */
    atomic_bool ended; /* takes no posts any more; written under lock */
    pthread_mutex_t lock;
    int accounts;   /* requests of accounts.h under way */
    bool own_table; /* unshare worked */
    bool draining;
    int64_t spread_ms;
};

#define SHARD_OUT (320 * 1024)

/* Make the shard; its loop is created here, in main's thread. */
struct shard *shard_new(struct server *s, int number);
/* Start the thread; everything of it (table, context, node, listeners) is set
 * up there. serving becomes true, or *failed is set and logged. */
int shard_start(struct shard *sh, struct error *err);
/* Accept from now on. From main, when every shard has started: a node that
 * accepts before all are on the ring sees homes move among its first sends. */
void shard_listen(struct shard *sh);
/* From main: drain with retry windows over spread_ms, then end the thread. */
void shard_stop(struct shard *sh, int64_t spread_ms);
/* End the thread at once, whatever is still open. */
void shard_kill(struct shard *sh);
void shard_join(struct shard *sh);
/* Node and loop live until here, so that main may read the node's metrics at
 * any time. After shard_join(). */
void shard_free(struct shard **sh);

/* Run fn(arg) on the shard's thread, where the node is there. False: the shard
 * has ended, fn will not run. Any thread; the one way in from others. */
bool shard_post(struct shard *sh, void (*fn)(void *), void *arg);

/* Reload the certificate. Any thread. */
void shard_reload(struct shard *sh);

#endif
