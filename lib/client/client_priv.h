/* client_priv.h - the inside of a client, for client*.c only.
 *
 * For each conversation three numbers move in step:
 *   prefix  everything up to here is in the archive (acknowledged)
 *   told    everything up to here gave its event
 *   head    the server has said that the log goes this far
 * prefix < head is a hole, asked for by `history` after 500 ms; told < prefix
 * waits for a name that is being looked up. */
#ifndef CLIENT_CLIENT_PRIV_H
#define CLIENT_CLIENT_PRIV_H

#include "base/json.h"
#include "base/list.h"
#include "base/map.h"
#include "client/client.h"
#include "client/link.h"
#include "proto/encode.h"
#include "proto/ids.h"
#include "proto/limits.h"

#define GAP_WAIT_MS 500
#define RETRY_FIRST_MS 500
#define RETRY_MAX_MS 60000
#define HEALTHY_MS 60000
#define BYE_WAIT_MS 1000   /* for the server to close */
#define HELLO_SEEN_MAX 250 /* keeps hello under 8 KiB */

struct place { /* a conversation */
    struct archive_conv row;
    int64_t prefix, told;
    int64_t deferred; /* fetch by history up to here */
    int64_t wire;     /* highest seq pushed on this connection; 0: none */
    bool known;       /* kind, title and peer are */
    bool asking;      /* conv.list is under way */
    bool unlisted;    /* the server does not own up to it: told all the same */
    bool fetching;    /* history is under way */
    bool hole;        /* the gap timer runs for it */
    bool sending;     /* one send is under way: keeps their order */
    bool acked;       /* prefix moved: to be acknowledged */
};

struct pending { /* a request without an answer yet */
    client_done_fn *done;
    void *ctx;
    uint64_t conv; /* of a send from the outbox; 0: not one */
    char cid[LIMIT_CID + 1];
};

struct owner;
struct guest;

struct client {
    struct client_config cfg;
    struct archive *archive;
    struct chat_link *link;
    enum client_link state;
    char *server, *token;
    struct loop_timer *retry, *beat, *silence, *gap, *outbox, *pump;
    struct loop_timer *again_due;
    struct link again;  /* struct ask: refused as busy, asked once more */
    struct map pending; /* n -> struct pending */
    struct map places;  /* conv -> struct place */
    struct map asked;   /* user -> struct naming: on this connection */
    int64_t next_n;
    int attempt;
    int64_t up_since;             /* mono ms */
    int64_t retry_min, retry_max; /* from bye; 0: none */
    int64_t heard;                /* mono ms of the last message */
    bool stopping, active, no_last_seen, synced;
    bool at_once; /* asked for: the next attempt does not wait */
    int replayed;
    struct error last_error;
    struct buf out; /* one request at a time */
    /* Of several processes (cfg.share): the lock of the account, -1: not held;
     * a guest until then. guest stays until the first link of its own is up:
     * it holds what was asked. */
    int lock;
    struct owner *owner;
    struct guest *guest;
    bool listed;      /* EV_SYNCED came on this connection */
    bool active_said; /* client_active() was called */
    bool active_sent;
};

/* Does another process have the connection? */
static inline bool client_is_guest(const struct client *c)
{
    return c->guest != NULL && c->lock < 0;
}

/* client_share.c */
/* With cfg.share and without the lock: look for it or for its owner. True:
 * the caller need not connect. */
bool client_shares(struct client *c);
/* The lock is ours: listen, connect. told: events have come, go on there. */
void client_own(struct client *c, int lock, bool told);
bool client_is_active(const struct client *c);
/* Send a heartbeat now when what it says has changed. */
void client_beat_now(struct client *c);

/* client.c */
void client_emit(struct client *c, struct client_event *ev);
void client_link_event(struct client *c, enum client_link state, int64_t delay,
                       int code, const char *text);
void client_drop(struct client *c, int code); /* close and try again */
struct place *place_get(struct client *c, uint64_t conv);
int place_save(struct client *c, struct place *p);
/* Send what is in c->out; clears it. */
int client_write(struct client *c);
void client_start_beating(struct client *c);

/* client_in.c */
void client_message(struct client *c, struct span text);
void client_entry(struct client *c, const struct entry *e);
void client_send_acks(struct client *c);
void client_fill_hole(struct client *c, struct place *p);
void client_synced(struct client *c);
/* The numbers of all conversations mean nothing any more; event: EV_ERROR of
 * this code. */
#define CLIENT_RESTORED "restored"
void client_forget_marks(struct client *c);

/* client_names.c */
/* Emit what can be emitted of every conversation. */
void client_pump(struct client *c);
void client_pump_later(struct client *c);
void client_list_convs(struct client *c);
/* The object of an `ok` answer as a tree, to be released; NULL: it is none. */
json_t *client_tree(const struct frame *f);
/* The id in member key ("u5", "c5"); 0: none. */
uint64_t client_tree_id(const json_t *o, const char *key, char prefix);
/* Keep the names of a user object. */
void client_learn_user(struct client *c, const json_t *u);
/* A guest: emit what the archive has up to seq and was not emitted yet. */
void client_tell_held(struct client *c, struct place *p, int64_t seq,
                      bool fresh);

/* client_ask.c */
/* client_request() for what is asked of our own accord and may be asked twice:
 * an error that passes ("temp") is not given to done, the question is put again
 * when the server said. */
void client_ask(struct client *c, enum frame_kind kind, struct span members,
                client_done_fn *done, void *ctx);
/* The time has come. ctx: the client. */
void client_ask_again(void *ctx);
/* Those that wait are done with NULL, as the link is gone. */
void client_ask_forget(struct client *c);

/* client_out.c */
void client_flush_outbox(struct client *c);
void client_outbox_answer(struct client *c, const struct pending *p,
                          const struct frame *f);
void client_forget_requests(struct client *c);
struct pending *client_pending_new(struct client *c, int64_t *n);

#endif
