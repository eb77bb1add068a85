/* core.h - the structures of a node, for the files of core/ only.
 *
 *   conn   a connection                       (conn.c, outq.c, dispatch.c)
 *   user   a user who is connected here       (user.c)
 *   live   a conversation with connected members here; its subs (live.c)
 *   sub    one connection's place in one conversation's log     (live.c)
 *   home   a conversation this node is home to                  (home.c)
 *   peer   the numbered link to another node                    (peer.c)
 *
 * Delivery is one idea: live.head is how far the log is known to go, sub.sent
 * how far it was handed to the connection. An entry that fits exactly
 * (seq == sent + 1), with credit and room, is pushed; whatever else happens
 * (a hole, a slow reader, a backlog, a lost bus message) leaves sent < head,
 * and the feeder brings the rest from the store at the reader's speed. */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "base/ring.h"
#include "base/timer.h"
#include "core/node.h"
#include "core/wire.h"
#include "proto/encode.h"
#include "proto/frame.h"
#include "proto/ids.h"

/* ---- connections ---- */

enum conn_state {
    CONN_NEW,   /* no hello yet */
    CONN_LOGIN, /* hello or token is being looked up */
    CONN_SYNC,  /* backlog on its way */
    CONN_READY,
    CONN_CLOSED, /* transport->close was called; freed by conn_lost() */
};
#define IN(state) (1u << (state))

struct bucket { /* token bucket in thousandths */
    int32_t tokens;
    uint32_t at; /* low bits of mono ms of the last refill */
};

/* Entries handed over in one wire and not yet acknowledged: they hold credit
 * until the last of them is. */
struct credit_item {
    uint64_t conv; /* 0: given back */
    int64_t seq;   /* the last one */
    uint32_t bytes;
    uint32_t count;
};

/* What each copy and each acknowledgement touch comes first, in order not to
 * touch more lines of the caches than need be. */
struct conn {
    struct node *node;
    void *peer;
    struct user *user; /* NULL until logged in */
    uint8_t state, type;
    bool strict, auto_ack, claimed, paused, feed_busy, feed_blocked, synced,
        handling;
    bool heads_shed;  /* the queue was too long for a `head` */
    uint16_t pending; /* requests without an answer yet */

    uint16_t out_head, out_len, out_cap;
    uint16_t credit_head, credit_len, credit_cap;
    uint16_t win_entries, credit_entries;
    uint32_t out_bytes;
    uint32_t credit_bytes;
    uint32_t win_bytes;
    uint32_t seen;          /* mono s of the last bytes received */
    uint32_t moved;         /* mono s when the queue began, or last went on */
    union {                 /* NULL while empty */
        struct wire *only;  /* out_cap 1: no ring */
        struct wire **outq; /* ring buffer */
    };
    struct credit_item *credit; /* ring buffer; NULL while nothing is owed, or
                                   a little later */
    struct link behind;         /* subs the feeder works for, by of_behind */
    struct fence *fences;       /* waiting for subs to get somewhere */

    struct link subs;      /* by sub.of_conn */
    struct link of_user;   /* in user->conns */
    struct timer deadline; /* hello, then heartbeat; stall is checked there */
    uint64_t id;           /* never re-used in this node's life */
    uint32_t dev;
    uint32_t rx_since; /* mono s when the message in rx began */
    uint32_t since;    /* mono s when bad_frames, rate_errors began */
    uint16_t rate_errors;
    uint8_t bad_frames;
    struct buf *rx;    /* a message in pieces; NULL while idle */
    struct view *view; /* what it looks at; NULL: nothing */
    struct sync *sync; /* the hello under way; NULL after synced */
#ifdef CONFAB_SABOTAGE
    uint64_t sabotage_id; /* cursor_by_id: the one cursor */
#endif
};

struct user {
    uint64_t id;
    struct link conns;
    struct bucket sends, control, history;
    uint32_t beat; /* mono s of the last presence_beat() */
    bool routed, act;
    struct marks *marks; /* folded marks waiting to be stored; or NULL */
};

/* What a connection looks at. */
struct view {
    struct conn *conn;
    uint64_t *convs, *users;
    bool *visible; /* by user: may be seen by this one */
    bool watching; /* visible is known, presence is being watched */
    int conv_count, user_count;
    struct link waiting;          /* in node->view_dirty */
    struct presence_row *changed; /* to be sent at the next tick */
    int changed_count;
    int changed_cap;
    int64_t next;   /* mono ms: not before */
    int64_t re;     /* the snapshot that is owed; -1: none */
    int unknown;    /* users of it whose state has not come yet */
    uint32_t round; /* a newer view makes older answers void */
};

/* ---- conversations as connected members see them ---- */

struct live {
    uint64_t conv;
    enum conv_kind kind;
    bool big;          /* more than live_members */
    int64_t head;      /* highest seq known to be committed */
    int64_t announced; /* ... told to those who do not look, of a big one */
    struct link subs;  /* by sub.of_live */
    uint16_t viewers;  /* connections with it in their view */
    struct told *told; /* marks that receipts told here (receipts.c) */
    int told_count;
};

struct sub {
    struct live *live;
    struct conn *conn;
    struct link of_live;
    int64_t sent;  /* handed over up to here */
    int64_t acked; /* acknowledged on this connection: may be above
                      sent, by history; costs no credit */
    int64_t until; /* left: may see up to here; 0: member */
    bool behind;   /* sent < head and the feeder has to work */
    bool syncing;  /* synced waits for it */
    bool quiet;    /* big, not viewed: gets head, not entries */
    bool viewing;  /* in the connection's view */
    int64_t defer; /* while syncing: the head behind goal; 0: none deferred */
    int64_t goal;  /* ... and where the backlog ends */
    struct link of_conn;
    struct link of_behind;
    int64_t join;   /* may see from here */
    int64_t rejoin; /* added again while it still was behind; or 0 */
};

/* ---- conversations this node is home to ---- */

struct member {
    uint64_t user;
    int64_t delivered, read, join;
    enum role role;
    bool told; /* a receipt went out since the roster was read */
};

/* LOADING: a fresh term is being taken. CHANGING: what was begun decides about
 * everything after it (a change of the roster, a read that a check needs), so
 * requests queue. LOST: another node is home now; what is under way ends. */
enum home_state { HOME_LOADING, HOME_READY, HOME_CHANGING, HOME_LOST };

struct viewer_node { /* a node with viewers of a big conversation */
    uint16_t node;
    int64_t until; /* mono ms */
};

struct task; /* a store operation under way (home.h) */

struct home {
    struct node *node;
    uint64_t conv;
    enum home_state state;
    struct conv_row row;   /* head, term, last_id, epoch, members as known */
    struct member *roster; /* live members, rising by user; NULL: big or not
                              loaded */
    int roster_count;
    struct link waiting; /* struct request, until READY */
    int under_way;       /* appends without an answer */
    struct link lru;
    struct link dirty;               /* in node->receipts_dirty */
    struct home_pair *pair;          /* direct: blocks and contact, cached */
    struct home_recent *recent;      /* last messages, for group receipts */
    int64_t next_receipt, next_head; /* mono ms: not before */
    int64_t head_announced;
    int holds; /* tasks and fan-outs that point here */
    int waiting_count;
    int parked;         /* requests that come again when a read is done */
    bool leaving;       /* what waits is being handed to another home */
    uint64_t turns;     /* numbers requests in the order they came */
    struct task *stall; /* what CHANGING waits for */
    int64_t recheck;    /* after an unknown outcome: look above this seq
                           for entries nobody was told of; -1: no need */
    int64_t retry_at;   /* mono ms: open it or look again then; 0: no */
    struct link fans;   /* committed, on their way out, in order */
    struct viewer_node *viewers;
    int viewer_count;
    struct member *looked; /* big: members looked up lately, a ring */
    int looked_count, looked_next;
    bool announcing; /* a `head` is looking for its nodes */
    int64_t used;    /* mono ms of the last request */
    int64_t told;    /* mono ms of the last receipt */
};

/* A command on its way to the home of its conversation. Owned by whoever holds
 * it; one allocation, the frame's bytes behind it. */
struct request {
    struct link link;
    int origin;    /* node of the connection */
    uint64_t conn; /* its id there; 0: from the server itself */
    uint64_t user;
    uint32_t dev;
    uint64_t conv;    /* what routes it */
    bool over_budget; /* answer `rate` unless it is a duplicate */
    uint8_t hops;
    uint8_t retries;    /* after an old term was refused */
    bool internal;      /* made by the server: no client frame behind */
    uint64_t rid;       /* at origin: finds it again when the answer comes;
                           0: came from this node */
    uint64_t round;     /* of away.c */
    uint64_t lease;     /* of the home that the round began with; 0: unknown */
    uint64_t turn;      /* order of arrival at the home */
    int64_t started;    /* mono ns at origin, for the histogram; or 0 */
    struct frame frame; /* spans into bytes */
    uint32_t len;
    char bytes[];
};

/* ---- the node ---- */

/* An operation under way, at the head of every struct that store or registry
 * hold for us: when the process dies (node_crash) or the node ends nobody
 * completes it, and release() frees it. */
struct node_op {
    struct link link; /* in node->ops */
    struct node *node;
    void (*release)(struct node_op *op); /* frees it with all it owns */
};
/* Count it as pending and remember it. */
void node_op_begin(struct node *n, struct node_op *op,
                   void (*release)(struct node_op *op));
/* It is over: forget and release it. */
void node_op_end(struct node_op *op);

struct node {
    struct node_env env;
    struct node_config config;
    struct store_port *store;
    struct bus_port *bus;
    struct registry_port *registry;
    struct presence_port *presence;
    struct wheel wheel;
    struct id_maker ids;
    struct ring ring;
    uint16_t *nodes; /* live ones, rising */
    int node_count;
    int64_t lease;
    bool ready, draining, lost;
    bool asking; /* a join or renewal is under way */
    bool ending; /* being freed: tell nobody anything */
    uint64_t next_conn;
    struct map conns; /* id -> conn */
    struct map users; /* id -> user */
    struct map lives; /* conv -> live */
    struct map homes; /* conv -> home */
    struct map peers; /* node + 1 -> peer */
    struct link ops;  /* struct node_op: under way */
    int behind;       /* subs that are behind */
    struct link home_lru;
    struct link receipts_dirty;
    struct link view_dirty;
    struct map watched; /* user -> struct watched (who looks) */
    uint32_t view_round;
    uint64_t fences;     /* numbers them */
    struct timer second; /* once a second: ticks of all kinds */
    struct timer fold;
    struct link marks_now;   /* struct marks to be stored at the end of turn */
    struct link marks_soon;  /* struct marks that are quick */
    struct link marks_dirty; /* struct marks that take their time */
    int64_t fold_ms;         /* how long they are folded now */
    int64_t mark_rows;       /* stored in this tick */
    struct repair *repair;   /* heads being compared; NULL: none */
    int pending;             /* operations under way, for drain */
    int64_t drain_from, drain_until, drain_spread;
    enum { DRAIN_NOT, DRAIN_LEAVING, DRAIN_BYE, DRAIN_GONE } drain;
    struct metrics metrics;
    struct timing sent_hist;
    struct home_side *side; /* the home side's own; made on first use */
    struct buf scratch;     /* for encoding; never kept across a call out */
};

enum node_metric {
    NM_CONNS,
    NM_FRAMES_IN,
    NM_FRAMES_OUT,
    NM_BYTES_IN,
    NM_BYTES_OUT,
    NM_SENDS,
    NM_DUPS,
    NM_ENTRIES_DELIVERED,
    NM_RECEIPTS,
    NM_ERRORS,
    NM_BEHIND,
    NM_FED,
    NM_HOLES,
    NM_REPAIRS,
    NM_TAKEOVERS,
    NM_HEARTBEATS,
    NM_PRESENCE,
    NM_SHED,
    NM_CLOSED,
    NM_BUS_OUT,
    NM_BUS_IN,
    NM_COUNT
};

/* ================= connection side (conn.c, live.c, feed.c ...) ========== */

/* conn.c */
void conn_set_state(struct conn *c, enum conn_state next); /* checked */
struct conn *conn_find(struct node *n, uint64_t id);       /* NULL: gone */
/* Queue w (a reference is taken). A full queue sheds hints; an entry that does
 * not fit is refused: false (the caller leaves it to the feeder). */
bool conn_push(struct conn *c, struct wire *w);
/* Encode-once helpers for answers: bytes are copied into a wire. */
void conn_answer(struct conn *c, struct span bytes);
void conn_error(struct conn *c, int64_t re, const char *code, int64_t retry,
                const char *msg);
void conn_close(struct conn *c, int code, const char *why);
/* What a route_kick() does where the connection is: close connection id if it
 * is this user's (and this device's, unless dev is 0); conn 0: all of them. */
void conn_kick(struct node *n, uint64_t conn, uint64_t user, uint32_t dev,
               int code);
/* Queue a copy of bytes that answers no request. */
bool conn_put(struct conn *c, enum wire_class class, uint64_t conv, int64_t seq,
              struct span bytes);
/* An answer (or error) for a request of connection id, from wherever; counts
 * down pending. Gone: nothing. */
void node_answer(struct node *n, uint64_t conn, struct span bytes);
/* Take queued entries of conv above seq out of the queue (R15). */
void conn_purge(struct conn *c, uint64_t conv, int64_t above);

/* dispatch.c: one row per kind. where LOCAL: handler(conn, frame). HOME: the
 * request goes to the home of frame->conv, home_handler(home, request). */
typedef void conn_handler(struct conn *c, const struct frame *f);
typedef void home_handler(struct home *h, struct request *rq);
struct command {
    enum frame_kind kind;
    conn_handler *local;
    home_handler *home;
    unsigned states; /* IN(...) where it is allowed */
    unsigned budget; /* which bucket: 0 none, 1 sends, 2 control,
                        3 history */
};
const struct command *command_of(enum frame_kind k); /* NULL: not a command */
void dispatch(struct conn *c, struct span object);

/* user.c */
struct user *user_find(struct node *n, uint64_t id);
bool bucket_take(struct node *n, struct bucket *b, int rate, int burst);

/* live.c */
struct live *live_find(struct node *n, uint64_t conv);
struct sub *sub_find(struct conn *c, uint64_t conv);
/* Subscribe c; sent: where to start. Idempotent. */
struct sub *sub_add(struct conn *c, uint64_t conv, enum conv_kind kind,
                    int64_t join, int64_t sent);
void sub_remove(struct sub *s);

/* deliver.c: called by the home's fan-out, here or through the bus. */
struct delivery {
    struct entry entry;
    enum conv_kind kind;
    bool big;
    int64_t epoch;
    const struct roster_change *changes; /* with the entry, if any */
    int change_count;
};
void deliver_entry(struct node *n, const struct delivery *d);
/* A frame for these users' connections here (except: a conn id, or 0).
 * to NULL: for the viewers of conv (typing), all but `user`. */
void deliver_push(struct node *n, enum wire_class class, uint64_t conv,
                  const uint64_t *to, int count, uint64_t except,
                  struct span bytes);
/* `head` for members here of a big conversation who do not view it. */
void deliver_head(struct node *n, uint64_t conv, int64_t head);

/* feed.c */
void feed_sub(struct sub *s);   /* it may be behind now */
void feed_conn(struct conn *c); /* credit or room came back */
/* Compare heads with the store for conversations whose home is node `home`
 * (-1: all), and the changes counters of users: repairs lost messages. */
void repair_from_store(struct node *n, int home);

/* marks.c (node side): fold, store, then tell the home. */
void marks_ack(struct conn *c, uint64_t conv, int64_t seq, bool read);

/* view.c */
void view_changed(void *node, uint64_t user, enum presence_state state,
                  int64_t last); /* presence_change_fn */
void view_tick(struct node *n);
void view_free(struct conn *c);

/* ================= home side (home.c, fanout.c, peer.c ...) ============== */

/* route.c: send rq to the home of rq->conv, here or over the bus. Takes rq. */
void route_request(struct node *n, struct request *rq);
struct request *request_new(struct conn *c, const struct frame *f,
                            uint64_t conv, bool over_budget);
void request_free(struct request **rq);
/* Answer rq's connection, wherever it is, and free rq. */
void request_answer(struct node *n, struct request *rq, struct span bytes);
void request_error(struct node *n, struct request *rq, const char *code,
                   int64_t retry, int64_t seq, const char *msg);

/* home.c */
struct home *home_get(struct node *n, uint64_t conv); /* loads if needed */
void home_ring_changed(struct node *n);
struct member *home_member(struct home *h, uint64_t user); /* roster only */

/* Marks that are durable now, from any node: receipts go out. */
void home_marks(struct node *n, const struct mark_row *rows, int count);
/* Tell the home of each row's conversation (bus or call). */
void route_marks(struct node *n, const struct mark_row *rows, int count);

/* Heads of conversations as their homes know them, for fence: done(ctx) when
 * all have answered, found[i] = head, or -1: not a member. */
void route_ask_heads(struct node *n, uint64_t user, const uint64_t *convs,
                     int count,
                     void (*done)(void *ctx, const int64_t *heads, int count),
                     void *ctx);
/* A receipt with the marks of user `of`, for the connections of `to` here:
 * whatever passes each other on the way here, marks never fall. */
void receipt_here(struct node *n, uint64_t conv, uint64_t of, uint64_t to,
                  int64_t delivered, int64_t read);
/* The same from what a repair read in the store: only if it is news. */
void receipt_repaired(struct node *n, const struct membership *m);
/* typing, from a member here, to viewers on all nodes. */
void route_typing(struct node *n, uint64_t conv, uint64_t user, bool on);
/* This node has (or has no more) viewers of conv. Soft, repeated. */
void route_view(struct node *n, uint64_t conv, bool on);
/* Close a connection on another node: takeover (4409), revoke (4401). */
void route_kick(struct node *n, int node, uint64_t conn, uint64_t user,
                uint32_t dev, int code);
/* Forget what is cached about the direct conversation of two users. */
void route_forget_pair(struct node *n, uint64_t user, uint64_t other);

/* peer.c */
void peer_message(void *node, int from, struct span bytes); /* bus events */
void peer_gap(void *node, int from);
void peer_tick(struct node *n); /* numbers again when idle */
void peers_free(struct node *n);

void homes_tick(struct node *n); /* receipts, heads, eviction */
void homes_free(struct node *n);

#endif
