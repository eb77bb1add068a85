/* client.h - a device of an account: connects, catches up, sends from a
 * durable outbox, dedupes, acknowledges, and says what happens in events. No
 * terminal, no argv. One thread: that of its loop.
 *
 * What it promises: an entry is in the archive before it is acknowledged and
 * before its event; each entry gives one MESSAGE event at most, in order of
 * seq; a send that client_send() took is sent until the server answers it,
 * also after a crash of this process. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/rng.h"
#include "base/span.h"
#include "client/archive.h"
#include "proto/frame.h"
#include "proto/limits.h"

struct client;
struct link_stand_in;

enum client_link {
    LINK_DOWN,
    LINK_CONNECTING,
    LINK_SYNCING,
    LINK_UP,
    LINK_RETRYING,
    LINK_ENDED
};

enum client_event_kind {
    EV_LINK,     /* link, delay_ms (retrying), code (close code), text */
    EV_MESSAGE,  /* entry (any kind but account), fresh: came live */
    EV_SENT,     /* conv, cid, seq, id, ts, dup */
    EV_REFUSED,  /* conv, cid, code, text: will not be repeated */
    EV_RECEIPT,  /* conv, user, delivered, read; or seq, delivered_n, read_n */
    EV_PRESENCE, /* user, state, last */
    EV_TYPING,   /* conv, user, on */
    EV_CONV,     /* conv: title, roster or kind is known (changed) */
    EV_GAP,      /* conv, from, to, code (why) */
    EV_HEAD,     /* conv, seq: more in a big conversation */
    EV_SYNCED,   /* replayed: entries that came before */
    EV_ERROR,    /* code, text: an error without a request */
    /* What no server may do within one connection (harmless here, but a test
     * wants to know). conv, seq, code: "repeated" an entry came twice, "order"
     * a lower one after a higher, "hole" one is missing and nothing said why,
     * "synced" it came twice, "frame" what came is none (text: why). */
    EV_ODD,
};

struct client_event {
    enum client_event_kind kind;
    enum client_link link;
    int64_t delay_ms;
    int attempt;
    const char *code, *text;
    uint64_t conv, user;
    const struct entry *entry;
    bool fresh, dup, on;
    const char *cid;
    int64_t seq, ts, from, to, delivered, read, delivered_n, read_n, last;
    uint64_t id;
    enum presence_state state;
    int replayed;
};

typedef void client_event_fn(void *ctx, const struct client_event *ev);

struct client_config {
    struct loop *loop;
    const struct clock *clock;
    struct rng *rng;
    const char *server; /* URL */
    const char *dir;    /* the archive lives here; NULL: in memory */
    const char *token;
    uint32_t dev;
    uint64_t user;
    const char *ua;
    const char *ca_file;
    client_event_fn *event;
    void *ctx;
    /* A server that is played: no socket, see client/link.h; what it says
     * comes by client_feed(). */
    const struct link_stand_in *instead;
    bool read_nothing; /* do not acknowledge (tail --ack stdin) */
    /* Other processes may use dir at the same time: one has the connection and
     * lends it to the others; when it ends another takes over. Without an
     * owner that answers within 5 s: EV_LINK ended with the code "busy". */
    bool share;
};

int client_new(struct client **out, const struct client_config *cfg,
               struct error *err);
void client_free(struct client **c);
void client_start(struct client *c); /* connect and keep connected */
void client_stop(struct client *c);  /* bye, then EV_LINK ended */
void client_retry_now(struct client *c);
/* The link breaks now, without a word to the server, and is tried again. */
void client_reconnect(struct client *c);
/* Ask for what comes after seq once more with the next hello (scripts): it
 * gives no second event. */
void client_rewind(struct client *c, uint64_t conv, int64_t seq);
/* Has every send been answered? */
bool client_outbox_empty(struct client *c);
/* Conversations that are known here; at most room. Returns how many. */
int client_convs(struct client *c, uint64_t *convs, int room);
enum client_link client_link_state(const struct client *c);
struct archive *client_archive(struct client *c);
uint64_t client_user(const struct client *c);
/* Why the link went down last. */
const struct error *client_last_error(const struct client *c);

/* With a stand-in alone: a message of the server; the end of the connection. */
void client_feed(struct client *c, struct span text);
void client_feed_end(struct client *c, int code);

/* Take a message into the outbox (durable when this returns) and send it now
 * or when the link is up. cid NULL: a random one; cid_out[65] gets it.
 * body: raw JSON. 0; -CF_EXISTS: cid known, its state is in the archive. */
struct client_send {
    uint64_t conv;
    const char *cid;
    struct span body;
    int64_t thread, reply, ttl;
    struct span mention;
    enum frame_kind kind; /* FRAME_SEND (0), EDIT, DELETE, REACT */
    int64_t of;           /* edit, delete, react */
    struct span emoji;
    bool on;
};
int client_send(struct client *c, const struct client_send *s, char *cid_out);

/* The person saw everything up to seq. */
void client_read(struct client *c, uint64_t conv, int64_t seq);
void client_typing(struct client *c, uint64_t conv, bool on);
void client_view(struct client *c, const uint64_t *convs, int nconvs,
                 const uint64_t *users, int nusers);
/* Acknowledge by hand, when cfg.read_nothing. */
void client_ack(struct client *c, uint64_t conv, int64_t seq);
/* Is the person there? Goes with the heartbeat. */
void client_active(struct client *c, bool active);

/* Any request. done runs once: with the answer (ok, batch, sent, err), or with
 * frame NULL when the link went down first (unknown). members: raw JSON
 * members, absent: none. */
typedef void client_done_fn(void *ctx, const struct frame *answer);
void client_request(struct client *c, enum frame_kind kind, struct span members,
                    client_done_fn *done, void *ctx);

/* Send a text as it is, for tests of servers. An object without "n" gets one
 * and done runs with its answer; what has no answer (no object, an own n, ack,
 * read, typing, bye) is done with NULL when the server has gone past it. */
void client_raw(struct client *c, struct span text, client_done_fn *done,
                void *ctx);

/* name -> user, and user or group title or id ("c5") -> conversation; asks the
 * server when the archive does not know, and opens the direct conversation
 * when it is a user. done(ctx, 0 or -CF_*, id). */
void client_find_user(struct client *c, const char *name,
                      void (*done)(void *ctx, int rc, uint64_t user),
                      void *ctx);
void client_find_conv(struct client *c, const char *name, bool open,
                      void (*done)(void *ctx, int rc, uint64_t conv),
                      void *ctx);
/* Ask for the names of those of the users (at most LIMIT_USERS) that the
 * archive does not know; done(ctx) when it has what there is, perhaps at
 * once. */
void client_learn_users(struct client *c, const uint64_t *users, int count,
                        void (*done)(void *ctx), void *ctx);
/* Older history into the archive: before (0: newest). */
void client_history(struct client *c, uint64_t conv, int64_t before,
                    int64_t after, int limit,
                    void (*done)(void *ctx, int rc, int count), void *ctx);

/* Accounts over HTTP, blocking: register or login. */
struct account_answer {
    uint64_t user;
    uint32_t dev;
    char token[136];
};
int account_register(const char *server, const char *name, struct span password,
                     const char *device, const char *invite,
                     const char *ca_file, struct account_answer *out,
                     struct error *err);
int account_login(const char *server, const char *name, struct span password,
                  const char *device, const char *ca_file,
                  struct account_answer *out, struct error *err);
int account_logout(const char *server, const char *token, const char *ca_file,
                   struct error *err);

#endif
