/* sim.h - a whole cluster and its clients on virtual time, from one seed.
 *
 *   world    one run: time, randomness, the shared services   (world.c)
 *   station  one server node and its lives                    (station.c)
 *   pipe     a connection between a client and a node         (pipe.c)
 *   tap      what is checked on each connection               (tap*.c)
 *   model    what the store has committed, as checkers see it (model.c)
 *   client   a device that follows the protocol      (client*.c, rush.c)
 *   order    what one device wrote keeps its order            (order.c)
 *   nemesis  what goes wrong                                  (nemesis.c)
 *   finish   healing, quiet, and what must hold then          (finish.c) */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "base/rng.h"
#include "bus/bus.h"
#include "bus/bus_memory.h"
#include "core/node.h"
#include "presence/presence.h"
#include "proto/encode.h"
#include "proto/frame.h"
#include "registry/registry.h"
#include "sched.h"
#include "store/store_memory.h"

#define STATIONS_MAX 8
#define TRACE_ROWS 512
#define TRACE_TEXT 140
#define USER_FIRST UINT64_C(1000) /* numbers of the users, from here */

struct world;
struct client;
struct pipe;

/* ---- what a run is made of ---- */

struct plan {
    uint64_t seed;
    int stations, clients; /* 0: from the seed */
    const char *sabotage;  /* NULL: honest */
    bool verbose;
    bool quiet; /* no last events when something breaks */
};

struct verdict {
    uint64_t seed, hash;
    char broken[16]; /* invariant; "": none */
    char text[400];
    int64_t events, sends, delivered, crashes;
};

/* One run; the last events go to stderr when something breaks. */
void world_run(const struct plan *plan, struct verdict *v);

struct sim_clock {
    struct clock base;
    const struct sched *sched;
    int64_t skew; /* of the wall clock, ms */
};

struct life { /* what a node's callbacks hold on to */
    struct station *station;
    uint32_t number;
    struct life *older;
};

struct station {
    struct world *world;
    int index;
    struct node *node; /* NULL: down */
    struct life *life;
    uint32_t lives;
    struct sim_clock clock;
    struct rng rng;
    bool draining;
    int64_t paused_until;
    int64_t post_at; /* the last that was posted to it */
    int64_t tick_at; /* the tick that is scheduled; 0: none */
    struct link pipes;
};

struct trace_row {
    int64_t at;
    int who;
    char what[12];
    uint16_t len;
    char text[TRACE_TEXT];
};

struct weather {             /* what the network and the store do now */
    int loss, dup, disorder; /* of bus messages, per mille */
    int64_t bus_min, bus_max, write_min, write_max;
    int store_fault;           /* per mille */
    int read_fault;            /* the same of reads */
    int64_t read_max;          /* of one read in three */
    int64_t lag[STATIONS_MAX]; /* until a node looks at what is posted to it */
    bool cut[STATIONS_MAX][STATIONS_MAX];
    int64_t last_bus[STATIONS_MAX][STATIONS_MAX];
};

struct world {
    const struct plan *plan;
    struct sched sched;
    struct rng rng;
    struct sim_clock clock; /* of the services */
    struct store *store;
    struct store_memory_sim store_sim;
    struct bus *bus;
    struct bus_memory_sim bus_sim;
    struct registry *registry;
    struct presence *presence;
    struct sabotage sabotage;
    struct node_config config;
    struct weather weather;
    struct station stations[STATIONS_MAX];
    int station_count;
    struct life *lives;
    struct client *clients;
    int client_count, user_count;
    struct pipe *pipes; /* all there ever were */
    uint32_t pipe_count;
    struct model *model;
    struct map blocked;  /* pairs with a block, now or once; see pair_key() */
    struct map groups;   /* conversations known to be groups -> anything */
    uint64_t disordered; /* bus messages that passed an earlier one */
    bool committed;      /* the log may have grown since model_catch_up() */
    bool calm;           /* no more faults */
    bool silent;         /* clients start nothing new */
    bool ending;
    int64_t chaos_ms;
    int acting_per_second; /* thousandths of an action per client */
    uint64_t hash;
    struct trace_row *trace;
    uint64_t traced;
    struct verdict *verdict;
    struct buf scratch;
};

static inline int64_t world_now(const struct world *w)
{
    return w->sched.now;
}

/* low <= result <= high */
static inline int64_t between(struct rng *r, int64_t low, int64_t high)
{
    return low + (int64_t)rng_below(r, (uint64_t)(high - low) + 1);
}

static inline bool chance(struct rng *r, int per_mille)
{
    return (int)rng_below(r, 1000) < per_mille;
}

/* The same for both orders. */
static inline uint64_t pair_key(uint64_t a, uint64_t b)
{
    return a < b ? a << 32 | b : b << 32 | a;
}

/* Run fn(arg) at time `at`, outside any node. */
void world_at(struct world *w, int64_t at, void (*fn)(void *arg), void *arg,
              void (*drop)(void *arg));
/* Something that happened: part of the trace and of its hash. */
void world_trace(struct world *w, int who, const char *what, struct span text);
/* An invariant does not hold. The first one counts. */
void world_break(struct world *w, const char *invariant, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static inline bool world_broken(const struct world *w)
{
    return w->verdict->broken[0] != '\0';
}
/* Run until time or until something breaks. */
void world_until(struct world *w, int64_t at);

/* ---- nodes ---- */

void station_init(struct world *w, int index);
void station_start(struct station *s);
/* At once. loud: the clients' sockets are reset; else they hang. */
void station_crash(struct station *s, bool loud);
void station_drain(struct station *s);
/* An event that belongs to the node as it lives now. */
void station_at(struct station *s, int64_t at, void (*fn)(void *arg), void *arg,
                void (*drop)(void *arg));
/* After anything that was done to the node. */
void station_settle(struct station *s);
static inline bool station_serves(const struct station *s)
{
    return s->node != NULL && !s->draining && node_ready(s->node);
}

/* ---- connections ---- */

struct held { /* a message that waits for pipe->paused to end */
    struct link link;
    size_t len;
    char bytes[];
};

struct pipe {
    struct world *world;
    uint32_t id;
    struct client *client;
    struct station *station;
    struct pipe *older, *older_of_client;
    struct link of_station;
    struct conn *conn; /* NULL: not yet, or no longer */
    struct tap *tap;
    bool opened, hung; /* hung: nothing arrives any more, either way */
    bool pulling, stalled, closing, paused, left, told;
    int close_code;
    int64_t latency, jitter;
    int64_t per_kib;     /* ms for a KiB on the way down */
    int64_t stall_until; /* the client does not read until then */
    int64_t last_up, last_down;
    int64_t window, in_flight; /* bytes on the way down */
    struct link held;
};

struct pipe *pipe_open(struct client *c, struct station *s);
void pipe_send(struct pipe *p, struct span message);
/* The client's end is gone: the node hears of it after `delay`. */
void pipe_leave(struct pipe *p, int64_t delay);
/* The node died. */
void pipe_orphan(struct pipe *p, bool loud);
void pipes_free(struct world *w);
extern const struct transport pipe_transport;

/* ---- checks ---- */

/* What the store has committed. */
struct model *model_new(struct world *w);
void model_free(struct model **m);
/* Read what was committed since the last call. */
void model_catch_up(struct world *w);
/* May user see seq? Also true for former stays. */
bool model_visible(struct world *w, uint64_t conv, uint64_t user, int64_t seq);
/* The stay that seq belongs to, or the next one; false: none. left 0: still a
 * member. */
bool model_stay(struct world *w, uint64_t conv, uint64_t user, int64_t seq,
                int64_t *join, int64_t *left);
/* The same for the last stay alone: a former one ends for good when the user
 * is added again (the store keeps one). */
bool model_due(struct world *w, uint64_t conv, uint64_t user, int64_t seq);
/* Is user a member now? */
bool model_live(struct world *w, uint64_t conv, uint64_t user);
int64_t model_head(struct world *w, uint64_t conv);
const struct entry *model_entry(struct world *w, uint64_t conv, int64_t seq);
/* The seq of the entry with this cid; 0: none. */
int64_t model_cid(struct world *w, uint64_t conv, uint64_t user,
                  struct span cid);
/* A device has told the server so. */
void model_said(struct world *w, uint64_t conv, uint64_t user, int64_t acked,
                int64_t read);
void model_may_mark(struct world *w, uint64_t conv, uint64_t user,
                    int64_t *acked, int64_t *read);
/* How many members have the entry (or have read it), by durable marks. */
int64_t model_count(struct world *w, uint64_t conv, int64_t seq, bool read,
                    uint64_t except);
/* Marks never fall, and never pass what was said. */
void model_marks(struct world *w);
/* When all is quiet: the mark of each member that is here is what it said. */
void model_marks_settled(struct world *w);
/* The live members one after the other, from i = 0; 0: no more. */
uint64_t model_member(struct world *w, uint64_t conv, int i);
/* The faults are over: was an entry committed afterwards? */
void model_calm(struct world *w);
bool model_since_calm(struct world *w, uint64_t conv, int64_t seq);
/* Was the conversation ever too big for pushes? */
bool model_big(struct world *w, uint64_t conv);

struct tap *tap_new(struct pipe *p);
void tap_free(struct tap **t);
void tap_in(struct pipe *p, struct span message);
void tap_out(struct pipe *p, struct span message);

/* ---- the end ---- */

void nemesis_start(struct world *w);
void nemesis_stop(struct world *w);
void finish(struct world *w);

#endif
