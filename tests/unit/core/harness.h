/* harness.h - a few nodes, a store in memory and clients made of text, on a
 * clock that stands until it is moved: for the unit tests of the core. */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include "base/clock.h"
#include "base/rng.h"
#include "bus/bus_memory.h"
#include "core/core.h"
#include "store/store_memory.h"

#define RIG_NODES 4

struct rig_event;

struct rig {
    struct clock_manual clock;
    struct rng rng;
    struct rig_event *events; /* by time, then order */
    uint64_t numbered;
    int64_t write_ms, read_ms; /* delays of the store */
    int64_t post_ms;           /* until what is done elsewhere is heard of */
    int fault;                 /* next writes end so; 0: none */
    int read_fault;            /* the same for reads of */
    enum store_verb fault_verb;
    bool bus_down; /* messages are lost */
    struct store_memory_sim store_sim;
    struct bus_memory_sim bus_sim;
    struct store *store;
    struct store_port *port; /* for the test itself */
    struct bus *bus;
    struct registry *registry;
    struct presence *presence;
    struct node_config config;
    struct sabotage sabotage;
    struct node *nodes[RIG_NODES];
    int node_count;
};

/* For the files of the harness. */
void rig_event(struct rig *r, int64_t at, void (*fn)(void *), void *arg);
void rig_token_hash(struct span token, uint8_t out[TOKEN_HASH]);
extern const struct transport rig_transport;

/* nodes nodes that are ready. config may be changed in adjust (NULL: not). */
struct rig *rig_new(int nodes, void (*adjust)(struct rig *r));
void rig_free(struct rig **r);

/* Move the clock by ms and do all that becomes due. 0: what is due now. */
void rig_run(struct rig *r, int64_t ms);

/* Accounts and conversations straight in the store. The token of device d of
 * user u is "token-u-d" in decimal; devices count from 1. */
void rig_user(struct rig *r, uint64_t user);
uint32_t rig_device(struct rig *r, uint64_t user);
void rig_block(struct rig *r, uint64_t user, uint64_t other);
/* kind with these members (0-terminated); seq 1 is its creation. */
void rig_conv(struct rig *r, uint64_t conv, enum conv_kind kind,
              const uint64_t *users);
/* Commit an entry past all homes and tell no node. Returns its seq. */
int64_t rig_append(struct rig *r, uint64_t conv, uint64_t from,
                   const char *body);
/* A member entry: op "add" or "remove". */
int64_t rig_change(struct rig *r, uint64_t conv, uint64_t user, bool in);
/* Tell node about a committed entry, as a home's fan-out would. */
void rig_deliver(struct rig *r, int node, uint64_t conv, int64_t seq);
struct membership rig_member(struct rig *r, uint64_t conv, uint64_t user,
                             uint32_t dev);

/* A client: what it was sent, object by object. */
struct seat {
    struct rig *rig;
    struct conn *conn; /* NULL: gone */
    char **lines;
    int count, cap;
    int read; /* seat_next() has looked so far */
    bool kicked, slow, paused, settled;
    int code; /* it was closed with; 0: open */
};

struct seat *seat_new(struct rig *r, int node, enum conn_type type);
void seat_free(struct seat **s);
/* Send one message. */
void seat_say(struct seat *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* hello as device dev of user, with more members (", ..." or ""), and run. */
struct seat *seat_login(struct rig *r, int node, uint64_t user, uint32_t dev,
                        const char *more);
/* Take everything that is queued, also of a slow client. */
void seat_pull(struct seat *s);
/* Take one object only. */
void seat_pull_one(struct seat *s);
/* The socket is gone. */
void seat_lose(struct seat *s);

/* The next unread line with text in it; NULL: there is none. */
const char *seat_next(struct seat *s, const char *text);
/* How many lines hold text, of all so far. */
int seat_count(const struct seat *s, const char *text);
/* The last line with text in it, or NULL. */
const char *seat_last(const struct seat *s, const char *text);
/* Every seq of conv the client was sent as entry, alone or in a batch, in
 * order, as "1 2 3"; gaps as "4-6:why". Static memory. */
const char *seat_log(const struct seat *s, uint64_t conv);

#endif
