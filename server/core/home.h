/* home.h - the home side of a node, for its own files (home.c, append.c,
 * fanout.c, receipts.c, route.c, peer.c, cmd_*.c): what happens at the one
 * node that is home to a conversation, and on the way there.
 *
 * Handlers run on what is known: when a check needs something that is not
 * (a membership of a big conversation, what stands between two users) the
 * request is parked, the home stalls, the read is made, and the handler runs
 * again from its start. So a handler reads from top to bottom, and the order
 * of requests is kept. */
#ifndef CORE_HOME_H
#define CORE_HOME_H

#include "core/core.h"
#include "core/peer_codec.h"

#define HOME_MAX 20000        /* idle homes kept */
#define HOME_WAITING_MAX 1000 /* requests waiting for one home */
#define HOME_LOOKED 16        /* memberships remembered, big conversations */
#define HOME_PAIR_MS 10000    /* how long a look at two users counts */
#define HOME_RECENT 16        /* senders with counts of receipts */
#define HOME_RETRIES 3
#define HOME_RETRY_MS 400 /* until an entry that may be untold is known */
#define RECEIPT_ECHO_MS \
    10000 /* receipts this young are repeated after a loss */
#define ROUTE_HOPS 3
#define ROUTE_AWAY_MS 8000 /* a request on another node without an answer */
#define ROUTE_GONE_MS 1000 /* the same when that node has left the ring */
#define ROSTER_BATCH 500   /* members read at a time */
#define VIEW_TTL_MS 60000
#define VIEW_REPEAT_MS 20000
#define MARKS_SAID 512 /* marks that can be said again */
#define MARKS_SAID_MS 60000
#define NOTICE_MARK (UINT64_C(1) << 63) /* request.conn: number of a notice */
#define NOTICE_REPEAT_MS 2000
#define NOTICE_TRIES 30

/* ---- what the home side keeps per node ---- */

struct home_side {
    struct link tasks;   /* struct task: freed with the node */
    struct link pushes;  /* struct push (push.c) */
    struct link notices; /* struct notice (notice.c) */
    struct map notice_by_id;
    struct link asks;         /* struct ask (heads.c) */
    struct link kicks;        /* struct kick (kick.c) */
    struct map away;          /* rid -> struct away (away.c) */
    struct map away_convs;    /* struct away_conv, by conversation */
    struct map bounced;       /* struct bounced, by round */
    uint64_t last_number;     /* of rids, notices, asks */
    uint64_t ring_changes;    /* how often the ring of nodes has changed */
    struct buf wire;          /* one message for the bus */
    struct buf answer;        /* one answer; see answer_buf() */
    struct peer_lists *lists; /* of the message being read */
    int64_t next_views;       /* mono ms: interest is repeated then */
    uint64_t sabotage_count, receipt_count;
    struct mark_row *said; /* a ring of marks told to homes */
    int64_t *said_at;      /* mono ms */
    int said_count, said_next;
    bool say_again; /* the ring of nodes has changed */
};
struct home_side *side_of(struct node *n);
uint64_t side_number(struct node *n);
/* Empty, for one answer: filled and handed on at once. */
struct buf *answer_buf(struct node *n);

static inline int64_t node_mono(const struct node *n)
{
    return clock_mono(n->env.clock);
}

static inline int64_t node_wall(const struct node *n)
{
    return clock_wall(n->env.clock);
}

static inline void list_ready(struct link *head)
{
    if (head->next == NULL)
        list_init(head);
}

int node_live_members(const struct node *n);
/* 200..1000 ms, so that those who were refused come back apart. */
int64_t retry_jitter(struct node *n);

/* ---- tasks: store operations that end once ---- */

struct task {
    struct link link; /* in side->tasks */
    struct node *node;
    struct home *home;               /* held; or NULL */
    struct request *rq;              /* owned; or NULL */
    void (*done)(struct task *t);    /* ends in task_free() or task_submit() */
    void (*release)(struct task *t); /* frees what is beyond this struct */
    struct store_op op;
    void *extra; /* free()d */
};
/* size: of the struct that begins with a task. h is held until task_free(),
 * rq is taken. */
void *task_new(size_t size, struct node *n, struct home *h, struct request *rq,
               enum store_verb verb, void (*done)(struct task *t));
void task_submit(struct task *t);
/* Take the request out of the task. */
struct request *task_request(struct task *t);
void task_free(struct task *t);
/* Without a word to its home: the node ends. */
void task_destroy(struct task *t);

/* ---- home.c ---- */

/* Hand what waits to another home, and end when nothing is under way. */
void home_drop(struct home *h);
void home_free(struct home *h);

bool home_is_ours(const struct node *n, uint64_t conv);
/* A request of a conversation that this node is home to. Takes rq. */
void home_request(struct node *n, struct request *rq);
/* Run rq now, or put it in its place among the waiting. Takes rq. */
void home_run(struct home *h, struct request *rq);
/* Another node is home now, and something that came before rq may still be
 * under way here: rq waits for it, else it would overtake it. False: nothing
 * is, rq stays the caller's. */
bool home_holds_back(struct node *n, struct request *rq);
/* Put rq back where it was in the order and take a fresh term. Takes rq
 * (NULL: none). */
void home_reload(struct home *h);
void home_requeue(struct home *h, struct request *rq);
/* At the tick: what has to be tried again. */
void home_retry(struct home *h);
/* Everything waits until home_resume(h, t). */
void home_stall(struct home *h, struct task *t);
/* The same for a read, after which the request of t comes again: also when
 * the home is taken over meanwhile, nothing passes it. home_unpark() is called
 * before home_resume(). */
void home_park(struct home *h, struct task *t);
void home_unpark(struct home *h);
void home_resume(struct home *h, struct task *t);
/* A conversation that was made here just now. */
struct home *home_adopt(struct node *n, const struct conv_row *row,
                        const struct roster_change *changes, int count);
void home_release_hold(struct home *h);
void home_touch(struct home *h);

static inline bool home_is_big(const struct home *h)
{
    return h->row.members > node_live_members(h->node);
}

/* ---- roster.c ---- */

/* Read the roster (small conversations), then done(h, rc). */
void roster_load(struct home *h, void (*done)(struct home *h, int rc));
void roster_apply(struct home *h, const struct roster_change *changes,
                  int count, int64_t seq);
void roster_clear(struct home *h);
/* The membership of user. 0 with *out (NULL: not a member), or 1: it is being
 * read, rq is taken and will come again. */
int roster_need(struct home *h, struct request *rq, uint64_t user,
                const struct member **out);
int roster_owners(const struct home *h, uint64_t except);
/* Who becomes owner when `except` leaves: the oldest admin, else the oldest
 * member; 0: nobody is left. */
uint64_t roster_heir(const struct home *h, uint64_t except);

/* ---- may.c ---- */

enum action {
    MAY_READ,
    MAY_SEND,
    MAY_EDIT,
    MAY_REACT,
    MAY_TYPE,
    MAY_ADD,
    MAY_REMOVE,
    MAY_ROLE,
    MAY_RENAME,
    MAY_LEAVE
};
/* 0; -CF_NOT_FOUND: not a member (or no such conversation, which looks the
 * same); -CF_DENIED: the role is too low; -CF_INVALID: there is no such thing
 * in this kind of conversation. */
int may(const struct home *h, const struct member *m, enum action a);
/* May actor take target out, or change its role? */
int may_over(const struct member *actor, const struct member *target);

/* ---- block.c: what stands between the two of a direct conversation ---- */

struct pair_side {
    int64_t until; /* mono ms; 0: not known */
    bool blocked;  /* the other one blocks this one */
    bool gone;     /* the other one's account is deleted */
    bool request;  /* the other one wants to be asked first */
    bool sent;     /* this one has a message here */
};
struct home_pair {
    struct pair_side side[2];
};
/* May user send in this direct conversation? 0 with *refuse (0, or a CF_*
 * negative), or 1: it is being read, rq is taken. */
int pair_need(struct home *h, struct request *rq, int *refuse);
void pair_sent(struct home *h, uint64_t user);
void pair_forget(struct node *n, uint64_t user, uint64_t other);
/* Look at the actor and each of users (a JSON list) in turn, then done(c, rc,
 * who): 0 or the first reason against and whom it concerns. For adding to
 * groups, and (open) for opening a direct conversation. */
struct pair_check;
void pair_check(struct node *n, struct home *h, struct request *rq,
                uint64_t actor, const uint64_t *users, int count, bool open,
                void (*done)(struct pair_check *c));
struct pair_check {
    struct task task;
    uint64_t actor;
    bool open;
    int at, count;
    uint64_t *users;
    bool *member; /* big h: is a member already */
    int rc;
    void (*ready)(struct pair_check *c);
};

/* ---- append.c ---- */

enum append_answer { APPEND_SENT, APPEND_OK, APPEND_SILENT };

/* One entry on its way: to the store, then out to everybody. */
struct append {
    struct task task;
    enum append_answer answer;
    const char *refuse_code; /* goes with task.op.refuse */
    const char *refuse_text;
    bool changing;
    bool adds; /* the changes with a role are new members */
    struct buf body, title;
    char cid[64];
    struct span asked_cid; /* no_dedupe: of the frame, while the store works */
    struct roster_change *changes;
    int change_count;
    /* the fan-out (fanout.c) */
    struct link of_home; /* in home->fans */
    bool ready;
    bool everywhere; /* the registry does not know: to all nodes */
    int64_t epoch;
    struct registry_op where;
    uint64_t *ids;
    int id_count;
    uint16_t *nodes;
    int node_count;
};

/* An entry that is committed already, without a request; and its content. */
struct append *append_blank(struct home *h);
void append_copy(struct append *a, const struct entry *e);
/* Begin an entry of h for rq (taken). cid: of the frame, or random. */
struct append *append_new(struct home *h, struct request *rq,
                          enum entry_kind kind);
/* Refuse it, unless it is a duplicate. The first reason counts. */
void append_refuse(struct append *a, int cf, const char *code,
                   const char *text);
void append_change(struct append *a, uint64_t user, enum role role);
void append_submit(struct append *a);
void append_free(struct append *a);
/* The code and text for a refusal by may(). */
void append_refuse_role(struct append *a, int cf);

/* Tell those who were added or removed, in their `self`. */
void account_changes(const struct append *a);
void account_tell(struct node *n, const struct entry *e,
                  const struct roster_change *changes, int count, bool added);

/* ---- fanout.c ---- */

/* a is committed: find the nodes, then hand it to them in order. Takes a. */
void fanout_start(struct append *a);
/* An entry read back from the store: to everybody, duplicates do no harm. */
void fanout_again(struct home *h, const struct entry *e);
void fanout_heads(struct home *h); /* big: `head` if there is news */

/* ---- push.c: a frame for a few users, wherever they are ---- */

void push_users(struct node *n, enum wire_class class, uint64_t conv,
                const uint64_t *users, int count, struct span bytes);
/* A receipt: the marks of `of`, for the connections of `to`. */
void push_receipt(struct node *n, uint64_t conv, uint64_t to,
                  const struct member *of);
/* Typing: to the nodes of these users, for the viewers there. */
void push_typing(struct node *n, uint64_t conv, uint64_t user, bool on,
                 const uint64_t *users, int count);
void pushes_free(struct node *n);

/* ---- receipts.c ---- */

struct recent_message {
    uint64_t from;
    int64_t seq;
    int64_t delivered_n, read_n; /* as last told */
};
struct home_recent {
    struct recent_message rows[HOME_RECENT];
    int count, next;
};
void receipts_mark(struct home *h, const struct mark_row *row, bool again);
void receipts_sent(struct home *h, uint64_t from, int64_t seq);
void receipts_tick(struct node *n);
void receipts_again(struct node *n); /* a node lost something from here */

/* Marks from another node; again: told before, and perhaps lost. */
void marks_from(struct node *n, const struct mark_row *rows, int count,
                bool again);
/* Say again the latest marks whose home is node `home` (-1: any). */
void marks_again(struct node *n, int home);

/* ---- requests of the server itself, run at the home ---- */

void home_mark(struct home *h, struct request *rq);
void home_typing(struct home *h, struct request *rq);
void home_view(struct home *h, struct request *rq);
void home_ask(struct home *h, struct request *rq);
void home_account(struct home *h, struct request *rq);
/* A request without a frame: kind says which of the above. */
struct request *request_internal(struct node *n, enum frame_kind kind,
                                 uint64_t conv, uint64_t user);
/* The same with a cid and a body behind it. */
struct request *request_internal_body(struct node *n, enum frame_kind kind,
                                      uint64_t conv, uint64_t user,
                                      struct span cid, struct span body);

/* ---- notice.c: requests of the server that must not get lost ---- */

/* Repeated with the same cid until answered. done(ctx, rc) or NULL. */
void notice_send(struct node *n, struct request *rq,
                 void (*done)(void *ctx, int rc), void *ctx);
/* An account entry in user's `self`. cid "": a random one. */
void notice_account(struct node *n, uint64_t user, struct span cid,
                    struct span body);
void notice_answer(struct node *n, uint64_t number, struct span bytes);
void notices_tick(struct node *n);
void notices_free(struct node *n);

/* ---- route.c ---- */

/* Answer with the error for a result of the store, and free rq. seq: of a
 * conflict, or 0. */
void request_failed(struct node *n, struct request *rq, int rc, int64_t seq,
                    const char *text);
/* Answer rq and keep it: the caller frees it. */
void request_answer_keep(struct node *n, struct request *rq, struct span bytes);
/* A request from another node, made again from its bytes. NULL: unreadable. */
struct request *request_received(struct node *n, const struct peer_message *m);
/* Send rq to another node as it is. Takes rq. */
void route_send(struct node *n, struct request *rq, int to);
/* An answer for a connection of this node, or for a notice. */
void request_answer_here(struct node *n, uint64_t conn, int64_t started,
                         struct span bytes);

/* ---- away.c: what is under way to homes elsewhere ---- */

/* Something went to another home than this one and may go on to a third: rq
 * is taken and waits for it. False: rq stays the caller's. */
bool away_holds_back(struct node *n, struct request *rq, int home);
/* rq leaves for that home now. */
void away_add(struct node *n, struct request *rq, int home);
/* An answer came back. */
void route_answer(struct node *n, uint64_t rid, uint64_t conn,
                  struct span bytes);
/* The request itself came back: that node was not home. Takes rq. */
void away_back(struct node *n, struct request *rq);
/* A request of another node that this one cannot take in its order: rq is
 * taken and goes back. False: rq stays the caller's. */
bool away_bounces(struct node *n, struct request *rq, int home);
/* That node has begun anew: it will not answer what it was asked before. */
void away_gone(struct node *n, int node);
/* Who has left the ring has died, or ends what it has and answers soon. */
void away_ring_changed(struct node *n);
void away_tick(struct node *n);
void away_free(struct node *n);

/* ---- peer.c ---- */

/* Encode m and send it to node `to`. 0; -CF_NOT_FOUND: no such node. */
int peer_send(struct node *n, int to, enum peer_type type,
              const struct peer_message *m);
/* The lease under which that node spoke last; 0: it has not spoken. */
uint64_t peer_lease(struct node *n, int node);
/* The same for several nodes: encoded once. This node is left out. */
void peer_send_all(struct node *n, const uint16_t *nodes, int count,
                   enum peer_type type, const struct peer_message *m);

/* ---- heads.c, viewers.c, kick.c ---- */

void ask_told(struct node *n, uint64_t number, uint32_t index, int64_t head);
void ask_from(struct node *n, int from, uint64_t number, uint32_t index,
              uint64_t user, uint64_t conv);
void ask_refused(struct node *n, struct request *rq, int rc);
void asks_tick(struct node *n);
void asks_free(struct node *n);
/* Another node's interest, on its way to the home. */
void view_from(struct node *n, int from, uint64_t conv, bool on);
/* To the viewers here. */
void typing_here(struct node *n, uint64_t conv, uint64_t user, bool on);
void viewers_set(struct home *h, int node, bool on);
void views_tick(struct node *n);
void kicks_tick(struct node *n);
void kicks_free(struct node *n);

/* ---- commands ---- */

/* A store operation for a command at the connection's node. */
struct task *command_task(struct conn *c, const struct frame *f,
                          enum store_verb verb, void (*done)(struct task *t));
/* Answer ok with members (may be empty), or the error for rc, and free t. */
void command_ok(struct task *t, const struct buf *members);
void command_failed(struct task *t, int rc, const char *text);
/* Append "key":["u1",...]. */
int enc_member_users(struct buf *b, const char *key, const uint64_t *users,
                     int count);
/* The users of a JSON list without repetitions and without `except`; out has
 * room for LIMIT_USERS. */
int users_of(struct span list, uint64_t except, uint64_t *out);

void conv_create_request(struct node *n, struct request *rq);

#endif
