/* client.h - a simulated device, for the files client*.c and finish.c. */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include "sim.h"

enum client_state {
    CLIENT_AWAY,  /* not connected; tries at `retry_at` (0: not at all) */
    CLIENT_HELLO, /* hello is on its way */
    CLIENT_SYNC,  /* welcome came */
    CLIENT_READY, /* synced */
};

/* How far a device is in one conversation. */
struct place {
    uint64_t conv;
    enum conv_kind kind; /* 0: not known */
    uint64_t peer;       /* direct: the other one */
    uint8_t *seen;       /* by seq: 1 rendered, 2 explained */
    int64_t cap;
    int64_t base;        /* nothing below it concerns this device */
    int64_t cursor;      /* all up to it is here or explained */
    int64_t head;        /* as far as it knows */
    int64_t acked, read; /* said to the server */
    int64_t told;        /* acknowledged on this connection */
    int64_t ask_at;      /* a hole is there: ask then; 0: none */
    int64_t asked;       /* request number of the question under way; 0 */
    int asks;            /* in a row without progress */
    uint64_t removed;    /* whom this device took out of it last */
    bool out;            /* this user is no member now */
    int64_t peer_delivered, peer_read; /* from receipts */
};

enum want { /* what an `ok` or `sent` is for */
            WANT_SENT,
            WANT_CONV, /* conv.open, conv.create: a conversation */
            WANT_NOTHING,
};

struct outgoing {
    struct link link;
    int64_t n;
    enum want want;
    uint64_t conv, peer;
    char cid[24];
    int64_t sent_at;     /* 0: not on this connection */
    int64_t retry_at;    /* not before */
    int64_t first, last; /* writes of the device; 0: not yet written */
    uint64_t disordered; /* world->disordered at the last */
    const struct station *station; /* asked, and no answer yet */
    bool old;                      /* it had been stored before */
    size_t len;
    char bytes[];
};

struct placed { /* an acknowledged request, for order.c */
    uint64_t conv;
    int64_t first, last, seq;
};

struct acked_send { /* to say it again one day */
    int64_t seq;
    uint64_t conv;
    size_t len;
    char *bytes;
    char cid[24];
    int64_t n;
};

#define AGAIN_MAX 8
#define WATCH_MAX 8

struct client {
    struct world *world;
    int index;
    uint64_t user;
    uint32_t dev;
    enum client_state state;
    struct pipe *pipe;  /* NULL: none */
    struct pipe *pipes; /* all it ever had, newest first */
    struct rng rng;
    int64_t wake_at; /* the wake that is scheduled; 0 */
    int64_t retry_at, act_at, beat_at, ack_at, heard_at, hello_at;
    int failures;
    bool active; /* heartbeats with act */
    bool dead;   /* stays away for good */
    int64_t win, last_n;
    struct map places; /* conv -> place */
    struct link outbox;
    int outgoing;
    struct acked_send again[AGAIN_MAX];
    int again_count, again_next;
    uint64_t watch[WATCH_MAX];
    uint8_t watched[WATCH_MAX];     /* state as told; 0xff: not told */
    int64_t watch_since[WATCH_MAX]; /* when it was told */
    int watch_count;
    int64_t last_data; /* when the server last got something from it */
    uint64_t made;     /* cids */
    int64_t writes;    /* of requests that have a place in a log */
    struct placed *placed;
    int placed_count, placed_cap;
    uint64_t rush; /* the conversation of a rush (rush.c) */
    int rush_left; /* so many times more */
    struct buf buf;
};

void clients_start(struct world *w);
void clients_free(struct world *w);

/* From the pipe. */
void client_opened(struct client *c, struct pipe *p);
void client_message(struct client *c, struct pipe *p, struct span message);
void client_closed(struct client *c, struct pipe *p, int code);

/* client.c */
void client_wake_at(struct client *c, int64_t at);
void client_connect(struct client *c);
/* How a connection ends from this side. */
enum leaving { LEAVE_BYE, LEAVE_RESET, LEAVE_HANG };
void client_leave(struct client *c, enum leaving how, int64_t back_at);
void client_say(struct client *c, struct span message);

/* client_out.c */
struct outgoing *client_queue(struct client *c, enum want want, uint64_t conv,
                              int64_t n, const char *cid);
void client_flush(struct client *c);
void client_sent(struct client *c, const struct frame *f);
void client_ok(struct client *c, const struct frame *f);
void client_error(struct client *c, const struct frame *f);
int64_t client_next_retry(const struct client *c);
void client_cid(struct client *c, char cid[24]);
void outgoing_free(struct outgoing *o);

/* order.c */
/* o is written now. */
void order_wrote(struct client *c, struct outgoing *o);
/* o was acknowledged: it must not have changed places with another. */
void order_stored(struct client *c, const struct outgoing *o, int64_t seq);

/* client_place.c */
struct place *place_find(struct client *c, uint64_t conv);
struct place *place_get(struct client *c, uint64_t conv, int64_t first);
void place_entry(struct client *c, const struct entry *e);
void place_batch(struct client *c, const struct frame *f);
void place_gap(struct client *c, const struct frame *f);
void place_head(struct client *c, uint64_t conv, int64_t head);
void places_due(struct client *c); /* questions and acks */
int64_t places_next(const struct client *c);
void places_reconnect(struct client *c); /* nothing is under way any more */
void places_forget(struct client *c);    /* lost what was not acknowledged */
void place_error(struct client *c, const struct frame *f);

/* client_act.c */
void client_act(struct client *c);
void client_send_text(struct client *c, uint64_t conv, const char *text);
void client_view(struct client *c);
void client_read(struct client *c, struct place *p);
/* A conversation where something may be sent; NULL: none yet. */
struct place *client_any_place(struct client *c);

/* rush.c */
/* Some devices write a lot now, each to one conversation. */
void clients_rush(struct world *w);
/* Instead of another act while c->rush_left > 0. */
void client_rush_on(struct client *c);

#endif
