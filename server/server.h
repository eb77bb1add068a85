/* server.h - the process: its store, bus, registry and presence, the shards
 * that carry the nodes, and main's own loop. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <stdatomic.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/worker.h"
#include "core/node.h"
#include "settings.h"

struct shard;
struct admin;
struct record;

struct server {
    struct settings settings;
    struct options options;
    struct clock_shifted clock; /* moves ahead only with --test-clock */
    struct loop *loop;          /* main's: signals, admin */
    struct store *store;
    struct store_port *port; /* main's own */
    struct bus *bus;
    struct registry *registry;
    struct presence *presence;
    struct worker_pool *hashing; /* Argon2id: one thread, short queue */
    struct worker_pool *files;   /* backup and the like */
    struct sabotage sabotage;
    struct shard **shards;
    int shard_count;
    struct admin *admin;
    struct record *record; /* NULL: nothing is recorded */
    int cap;               /* connections of one shard */
    int reserved[16];      /* bound descriptors that hold the ports */
    int reserved_count;
    char addresses[16][80]; /* the same as text, with the real ports */
    char url[128];          /* ws://... of the first listener */
    char tls_url[128];      /* wss://... of the first TLS listener, or "" */
    char data[4096];        /* the data directory in use */
    bool throw_away;        /* remove data at the end */
    int64_t started;        /* wall ms */
    atomic_bool draining;
    atomic_bool holding;          /* the test clock jumps: no timer runs */
    bool ending;                  /* no command is taken any more */
    atomic_int shards_left;       /* shards that have not ended yet */
    struct loop_timer *hard_stop; /* of a drain */
    struct loop_timer *watch;     /* is the store still good? */
    unsigned watched;             /* how often that was asked */
};

/* Bring everything up; the shards serve when it returns 0. */
int server_start(struct server *s, struct error *err);
/* Say bye, let the shards finish, stop the loop. Main thread. */
void server_drain(struct server *s);
/* End a drain: cut what is still there. */
void server_hurry(struct server *s);
/* After server_start() failed: end the shards that did start. */
void server_abort(struct server *s);
void server_free(struct server *s);

/* Called by each shard's thread as its last word. */
void server_shard_ended(struct server *s);

/* The shard that serves work without a connection (admin): the first that has
 * not ended. */
struct shard *server_any_shard(struct server *s);

#endif
