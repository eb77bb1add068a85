/* shard.h - one thread with a descriptor table of its own, and the clients
 * that live in it; for the files of the engine. A client is a row of an array,
 * without a buffer while it is idle; all clients of a shard share one receive
 * and one send buffer. */
#ifndef LOAD_SHARD_H
#define LOAD_SHARD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "accounts.h"
#include "base/buf.h"
#include "base/rng.h"
#include "base/timer.h"
#include "codec.h"
#include "engine.h"
#include "ledger.h"
#include "object.h"
#include "plan.h"
#include "proto/frame.h"
#include "refusals.h"
#include "schedule.h"
#include "window.h"

#define SHARD_CLIENTS 18000 /* descriptors of one table: 20,000 */
#define SHARD_RECEIVE (256 * 1024)
#define NONE UINT32_MAX

enum client_state {
    CLIENT_AWAY,       /* no connection, and none is wanted now */
    CLIENT_WAITING,    /* the timer will connect */
    CLIENT_CONNECTING, /* TCP (and TLS) under way */
    CLIENT_UPGRADING,
    CLIENT_HELLO,   /* hello written */
    CLIENT_SYNCING, /* welcome came */
    CLIENT_READY,   /* synced came */
    CLIENT_SILENT   /* sends no sign of life any more (churn) */
};

enum client_flag {
    FLAG_BEATING = 1,      /* a heartbeat has no answer yet */
    FLAG_OUT_WANTED = 2,   /* epoll watches for room to write */
    FLAG_ACK_LISTED = 4,   /* in one of the lists of acks */
    FLAG_SLOW = 8,         /* stops reading in the measured phase */
    FLAG_DEAF = 16,        /* ... and does so now */
    FLAG_CHURN = 32,       /* comes and goes */
    FLAG_CATCHING = 64,    /* has a backlog to get before it is back */
    FLAG_BEEN_READY = 128, /* was synced once */
    FLAG_PRESENT = 256,    /* was ready when the run ended */
    FLAG_LOOKING = 512,    /* a view has no answer yet */
    FLAG_SENDING = 2048,   /* has bytes in the ring */
    FLAG_GUEST = 1024,     /* here for a session (churn) */
    FLAG_AWAY = 4096,      /* was away when the drain ended */
    FLAG_RECALLED = 8192,  /* ... and is asked to come back */
    FLAG_BACK = 16384      /* ... and has all that waited for it */
};

/* Bytes that wait for one client; borrowed from the shard's pool. */
struct box {
    struct buf in; /* the start of a frame */
    struct ws_parts parts;
    struct buf out;
    struct box *next; /* in the pool */
};

struct client {
    struct timer timer; /* what it waits for, by state */
    struct box *box;    /* NULL: nothing waits */
    void *tls;
    uint64_t since; /* ns: connect due, then hello written */
    uint64_t lost;  /* ns: when it lost its connection to a fault, 0 */
    int64_t beat;   /* ms: the next heartbeat */
    int64_t ends;   /* ms: the session's end, 0: none (churn) */
    int fd;         /* -1: none */
    uint32_t first_seat, first_stream; /* in the shard's arrays */
    uint32_t unacked_bytes;
    uint32_t acked_at; /* ms, low bits: when acks were written last */
    uint32_t said_at;  /* ms, low bits: the last frame */
    uint16_t nseats, nstreams;
    uint16_t unacked; /* entries since the last ack */
    uint8_t state;
    uint8_t attempts; /* connects that failed in a row */
    uint16_t flags;
};

/* A client in a conversation. */
struct seat {
    int64_t next;   /* the seq that comes next; 0: none came yet */
    uint64_t ahead; /* bit i: next + 1 + i has come before next did */
    uint64_t order; /* sum of a hash of (seq, id) over our messages */
    int64_t acked;  /* written in an ack */
    int64_t head;   /* the highest seq that a `head` told */
    int64_t live;   /* the first that came live on this connection, 0: none */
    int64_t late, late_to; /* a range below next, to be asked for by history:
                              late <= late_to */
    uint32_t conv, place;  /* place among the members */
    uint32_t first_window; /* one for each stream of the conversation */
    uint32_t client;
    bool read;    /* say read, not ack */
    bool asked;   /* for a page that has not come */
    bool removed; /* an outsider after its removal */
};

struct hole_watch {
    uint32_t seat, since; /* ms, low bits */
};

/* A stream at its sender. */
struct outflow {
    struct ledger ledger;
    uint32_t stream, client; /* of the plan; of the shard */
    int64_t delivered, read; /* marks that the receipts told */
    int64_t told_here;       /* delivered, on this connection */
    int64_t root; /* seq of its first message: what threads hang on */
};

/* What a shard does for one traffic. */
struct flow {
    struct schedule schedule;
    uint32_t *outflows; /* owned: its streams of that traffic */
    uint32_t count, at;
};

struct ack_list {
    uint32_t *clients; /* owned */
    uint32_t count, room;
};

struct engine;
struct uring;

struct shard {
    struct engine *engine;
    int index;
    pthread_t thread;
    bool running, own_table;
    int ep;
    pthread_mutex_t turn; /* held by whom all of this belongs to: the shard,
                             while it does not wait, or its guard */
    pthread_t guard;
    bool guarded;
    int bell; /* eventfd: the guard changed what the shard waits for */

    uint32_t first_user, nclients; /* of the accounts */
    struct client *clients;        /* owned, as are the next three */
    struct seat *seats;
    struct window *windows;
    struct outflow *outflows;
    uint32_t nseats, nwindows, noutflows;
    struct holes holes;
    struct hole_watch *watches; /* owned: seats with a hole, oldest first */
    uint32_t nwatches, watches_room;
    struct flow flows[SCENARIO_TRAFFICS];
    _Atomic uint64_t slot_due; /* ns: none of flows is due before; 0: look */
    bool in_slots;             /* they are being taken */

    struct wheel wheel;
    struct rng rng;
    uint64_t now; /* ns, read after each wait */
    int64_t now_ms;
    char *receive; /* SHARD_RECEIVE bytes, owned */
    struct buf send;
    int slices;          /* of receive, that wait in the ring */
    struct uring *uring; /* NULL: a system call for each send and receive */
    struct box *pool;
    uint64_t pooled; /* bytes of memory in boxes */
    struct ack_list ack_now, ack_later;
    bool flooded; /* the last look brought as many events as it can */
    int64_t ack_tick;

    uint32_t to_connect; /* the next client of the first round */
    uint32_t handshakes; /* under way */
    struct schedule connects, churn, returns;
    uint32_t to_return;        /* backlog: the next client to come back */
    uint32_t to_recall;        /* the next client to look at */
    _Atomic int recalled;      /* STAGE_RECALL was acted on */
    _Atomic int64_t recalling; /* that are not back */
    _Atomic int filled;        /* backlog: all was written and answered */
    uint32_t *away;            /* owned: churn clients that are away */
    uint32_t naway;
    uint32_t setup_at, setup_open; /* conversations: looked at, under way */
    uint64_t paused_at;            /* ns: no message is due since; 0: none */
    bool ramped;                   /* the ramp has begun */
    bool deaf;                     /* slow clients do not read now */
    int stage;                     /* the one acted on */
    _Atomic int looked;            /* STAGE_LOOK was acted on */
    _Atomic int64_t looking;       /* views without an answer */
    uint64_t dropped_at;           /* the last drop that was seen */

    struct tally *tally;        /* the one that is written */
    struct tally *spare;        /* main's, between two folds */
    _Atomic uint32_t fold_done; /* answers engine.fold_wanted */
    _Atomic int64_t conns, ready;
    _Atomic int64_t residents;    /* clients that come first and stay */
    _Atomic int64_t pending;      /* messages without a fate */
    _Atomic int64_t copies, owed; /* delivered, and due for what is acked */
    _Atomic uint64_t progress;    /* ns: the last answer or copy */
    bool progressed;              /* in this turn */
    struct refusals refusals;     /* by code */
    char trouble[160];            /* the first odd thing that was seen */
    char fault[160]; /* the first fault of the server, for the verdict */
    enum count fault_kind;
};

/* ---- shard.c, shard_make.c ---- */
void shard_make(struct shard *sh, struct engine *e, int index,
                uint32_t first_user, uint32_t nclients);
void shard_release(struct shard *sh);
uint64_t shard_bytes(const struct shard *sh);
void *shard_run(void *arg);
void shard_clock(struct shard *sh); /* read it */
/* Between two steps of a piece of work: send what is due. It may close any
 * client, and it overwrites the send buffer. */
void shard_slots(struct shard *sh);
/* ---- shard_wake.c ---- */
/* Let the calling thread wake on time beside threads that are busy. */
void shard_wake_promptly(void);
/* The slice that it asks for, ns; 0: this kernel knows none of a thread. */
int64_t shard_slice_ns(void);
/* ---- shard_guard.c ---- */
/* From the first slot to the drain; its end is waited for. */
void guard_start(struct shard *sh);
void guard_join(struct shard *sh);
static inline void tally_count(struct shard *sh, enum count c, uint64_t n)
{
    sh->tally->counts[c] += n;
}
/* Count a fault of the server, and describe the first one. */
void shard_fault(struct shard *sh, enum count which, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Note what first went wrong. */
void shard_trouble(struct shard *sh, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static inline uint32_t client_index(const struct shard *sh,
                                    const struct client *c)
{
    return (uint32_t)(c - sh->clients);
}

static inline uint32_t client_user(const struct shard *sh,
                                   const struct client *c)
{
    return sh->first_user + client_index(sh, c);
}

/* ---- client.c: connections ---- */
void client_connect(struct shard *sh, struct client *c, uint64_t due);
void client_event(struct shard *sh, struct client *c, unsigned events);
enum client_end { END_FIN, END_RST, END_LOST };
/* Close, and by `again` come back later (the client's own backoff). */
void client_close(struct shard *sh, struct client *c, enum client_end how,
                  bool again);
/* A time of c, unless it was we who called it back. */
static inline void client_time(struct shard *sh, const struct client *c,
                               enum metric m, uint64_t ns)
{
    if (!(c->flags & FLAG_RECALLED))
        hist_add(&sh->tally->hists[m], ns);
}
/* All that belongs to a login is here. */
void client_synced(struct shard *sh, struct client *c);
/* The server answered 101: say hello. False: the connection is gone. */
bool client_upgraded(struct shard *sh, struct client *c);
void client_timer(struct timer *t, void *ctx);
void client_set_timer(struct shard *sh, struct client *c);

/* ---- wire.c: bytes in and out ---- */
/* The send buffer, empty, with room for a frame's header in front. */
struct buf *wire_begin(struct shard *sh);
/* Send what was written there as one frame. False: the connection is gone. */
bool wire_send(struct shard *sh, struct client *c, enum ws_op op);
bool wire_raw(struct shard *sh, struct client *c, const char *p, size_t n);
/* Room to write again. False: gone. */
bool wire_flush(struct shard *sh, struct client *c);
/* Do what is queued in the ring. */
void wire_submit(struct shard *sh);
/* Receive of these clients in one call; false: it needs client_event(). */
bool wire_queue_receive(struct shard *sh, struct client *c, unsigned events);
/* Receive once and hand each message to client_message(). */
void wire_receive(struct shard *sh, struct client *c);
struct box *wire_box(struct shard *sh, struct client *c);
void wire_unbox(struct shard *sh, struct client *c); /* when it is empty */
void wire_drop_box(struct shard *sh, struct client *c);

/* ---- client_in.c: what the server says ---- */
/* False: the connection is gone. */
bool client_message(struct shard *sh, struct client *c,
                    const struct ws_message *m);
struct seat *client_seat(struct shard *sh, struct client *c, uint64_t conv);
/* Nothing that it missed is still to come. */
void client_caught_up(struct shard *sh, struct client *c);

/* ---- copies.c: entries ---- */
enum source {
    SOURCE_LIVE,   /* an `entry` of its own */
    SOURCE_BATCH,  /* pushed by the server to who was behind */
    SOURCE_HISTORY /* asked for */
};
void copies_entry(struct shard *sh, struct client *c, struct seat *s,
                  const struct object *o, enum source source);
/* An entry of a conversation that c has no part in. */
void copies_stray(struct shard *sh, struct client *c, uint64_t conv,
                  const struct object *o);
/* The seats of c begin or cease to get live copies. */
void copies_live(struct shard *sh, struct client *c, bool on);

/* ---- seat.c: the numbers of a conversation at one member ---- */
enum seat_fit {
    SEAT_NEXT,  /* above all that came before, without a hole */
    SEAT_AHEAD, /* above all, and something between is missing */
    SEAT_FILL,  /* fills a hole */
    SEAT_TWICE  /* was here before */
};
enum seat_fit seat_take(struct shard *sh, struct seat *s, int64_t seq);
void seat_batch(struct shard *sh, struct client *c, const struct object *o);
void seat_gap(struct shard *sh, struct client *c, const struct object *o);
void seat_head(struct shard *sh, struct client *c, const struct object *o);
/* Where c stands, for `hello`. Returns how many. */
int seat_last_seen(struct shard *sh, struct client *c, struct mark *marks,
                   int room);
/* Is a range still to be asked for? */
bool seat_behind(struct shard *sh, struct client *c);
/* Holes that stayed for 500 ms: count them and ask (rule R6). */
void seat_holes(struct shard *sh);
/* The connection is gone, and with it what was asked. */
void seat_lost(struct shard *sh, struct client *c);

/* ---- acks.c ---- */
void acks_note(struct shard *sh, struct client *c, size_t bytes);
void acks_flush(struct shard *sh);
void acks_write(struct shard *sh, struct client *c);
/* For a conversation without a seat: at once. */
void acks_direct(struct shard *sh, struct client *c, uint64_t conv,
                 int64_t seq);

/* ---- outflow.c: messages and their answers ---- */
void outflow_start(struct shard *sh, uint64_t start);
void outflow_ramp(struct shard *sh, uint64_t from, uint64_t to);
/* A message is due in that outflow. */
void outflow_add(struct shard *sh, uint32_t outflow, uint64_t due);
/* Take every slot that is due; returns when the next one is. */
uint64_t outflow_run(struct shard *sh);
void outflow_factor(struct shard *sh); /* the rates were changed */
/* The number of a request that sends: stream of the client, its number. */
int64_t outflow_request(uint32_t slot, uint32_t number);
void outflow_pump(struct shard *sh, struct client *c);
void outflow_lost(struct shard *sh, struct client *c);
void outflow_sent(struct shard *sh, struct client *c, const struct object *o);
/* The own copy of a message came, as seq: its answer must say the same. */
void outflow_echo(struct shard *sh, struct client *c, uint32_t stream,
                  uint32_t number, int64_t seq);
void outflow_refused(struct shard *sh, struct client *c,
                     const struct object *o);
void outflow_receipt(struct shard *sh, struct client *c,
                     const struct object *o);

/* ---- setup.c: conversations ---- */
#define REQUEST_HELLO 1
#define REQUEST_VIEW 2
#define REQUEST_HISTORY 3
#define REQUEST_SETUP 16                /* + index of the conversation */
#define REQUEST_SEND (INT64_C(1) << 32) /* x (1 + stream of the client) */
void setup_run(struct shard *sh);
void setup_lost(struct shard *sh, struct client *c);
void setup_answer(struct shard *sh, struct client *c, const struct object *o);

/* ---- churn.c: who comes and goes ---- */
void churn_make(struct shard *sh);
void churn_start(struct shard *sh, uint64_t start);
uint64_t churn_run(struct shard *sh);                /* when it is due again */
void churn_end(struct shard *sh, struct client *c);  /* its session is over */
void churn_gone(struct shard *sh, struct client *c); /* it is closed */

/* ---- slow.c: clients that stop reading ---- */
void slow_mark(struct shard *sh);
void slow_see(struct shard *sh); /* what main wants */
void slow_ready(struct shard *sh, struct client *c);

/* ---- backlog.c ---- */
void backlog_leave(struct shard *sh);
void backlog_fill(struct shard *sh); /* sets filled when all is answered */
void backlog_start(struct shard *sh, uint64_t start);
uint64_t backlog_run(struct shard *sh); /* when it is due again */

/* ---- recall.c: who was away at the end ---- */
#define RECALL_MOST 1000 /* users, of all shards */
void recall_start(struct shard *sh);
void recall_run(struct shard *sh);
void recall_done(struct shard *sh, struct client *c); /* all is there */

/* ---- presence.c ---- */
/* All clients of the shard say what they view. */
void presence_look_all(struct shard *sh);
void presence_look(struct shard *sh, struct client *c);
void presence_lost(struct shard *sh, struct client *c);
void presence_came(struct shard *sh, struct client *c, const struct object *o);
/* c comes with this `hello`; or this is the last that is heard of it. */
void presence_life(struct shard *sh, struct client *c, bool on);

#endif
