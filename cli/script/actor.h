/* actor.h - somebody in a script: a real client, what it was told (the event
 * log), and the network between it and the server. */
#ifndef SCRIPT_ACTOR_H
#define SCRIPT_ACTOR_H

#include "ast.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/map.h"
#include "base/rng.h"
#include "client/client.h"
#include "fixture.h"
#include "proxy.h"

#define ACTOR_EVENTS 1000000 /* more is a flood: the test fails */

struct actor;

/* One thing an actor saw. value is what patterns are held against. */
struct event {
    json_t *value; /* owned */
    enum event_kind kind;
    bool consumed;
    uint64_t at_ns;    /* clock_ns() when it came */
    uint64_t cause_ns; /* the last action before it; 0: none */
    uint64_t conv;     /* 0: none */
    uint64_t user;     /* from, by, of: the other one; 0: none */
    uint64_t subject;  /* member: who it is about */
    uint32_t dev;      /* device of the sender */
    int64_t seq;
    const char *cid; /* in value; NULL: none */
};

/* Known to all actors of a test. */
struct stage {
    struct loop *loop;
    struct clock_shifted clock;
    struct rng rng;
    struct actor **actors;
    int count;
    /* A message is stored: when did its action begin? */
    void (*stored)(void *ctx, struct actor *a, uint64_t conv, int64_t seq,
                   const char *cid);
    void *ctx;
    uint64_t began_ns;       /* of the test */
    uint64_t last_action_ns; /* when the last action began; 0: none */
};

/* A message of one's own: receipts turn into events of messages. */
struct own_message {
    uint64_t conv;
    int64_t seq;
    uint64_t id;
};

struct mark_of { /* what another user has of a conversation */
    uint64_t conv, user;
    int64_t delivered, read;
};

struct actor {
    const char *name;
    struct stage *stage;
    struct account account;
    struct actor *device_of; /* NULL: an account of its own */
    struct client *client;   /* NULL: never connected */
    struct proxy *proxy;     /* NULL: straight to the server */
    bool cut;                /* nothing passes */
    bool stopped;            /* said bye */
    bool away; /* the script broke its link; until it is up again */
    struct event *events;
    int count, room;
    int first;       /* all before it are consumed */
    bool flood;      /* had to drop events */
    int synced;      /* how often */
    char ended[160]; /* why the link ended for good; "" */
    struct own_message *own;
    int own_count;
    struct mark_of *marks;
    int mark_count;
    json_t **captures;
    int capture_count;
    json_t *answering; /* the capture of a repetition that is answered */
};

/* Make the client, when there is none, and connect. url as the client is to
 * see it. */
int actor_connect(struct actor *a, const char *url, struct error *err);
void actor_release(struct actor *a);

/* Is it connected, with a network that lets things through? */
bool actor_reachable(const struct actor *a);

/* Has it lost its link, although the script did nothing to it? It comes back
 * by itself, and may have missed something until then. */
bool actor_lost(const struct actor *a);

/* A capture of something sent: id, seq, ts and dup are filled in when the
 * answer comes ("pending" goes). Takes no reference of its own beyond what it
 * needs. */
void actor_watch(struct actor *a, const char *cid, json_t *capture);

/* Take it into the outbox and watch its answer in capture. A key that was
 * used before goes to the server once more. cid[65] gets the key. As
 * client_send(). */
int actor_send(struct actor *a, const struct client_send *send, json_t *capture,
               char *cid);
/* The answer to a request of ours was an error: an event. */
void actor_refused(struct actor *a, const json_t *answer, const char *what);
/* The direct conversation with user that it knows; 0: none. */
uint64_t actor_direct(const struct actor *a, uint64_t user);
void actor_add(struct actor *a, enum event_kind kind, json_t *value,
               const struct event *more);

/* The actor of a user (and device, when it matters); NULL: nobody here. */
struct actor *stage_actor(const struct stage *s, uint64_t user, uint32_t dev);
struct actor *stage_named(const struct stage *s, const char *name);
/* "alice", or the account's name when it is nobody of the script. */
const char *stage_user_name(struct actor *a, uint64_t user, uint32_t dev,
                            char out[40]);

bool event_strict(enum event_kind kind);

/* actor_event.c: turn what a client says into events. */
void actor_event(void *ctx, const struct client_event *ev);

#endif
