/* conn.h - what the files of the connection side tell each other. */
#ifndef CORE_CONN_H
#define CORE_CONN_H

#include "core/core.h"

static inline int64_t now_mono(const struct node *n)
{
    return clock_mono(n->env.clock);
}

static inline uint32_t now_seconds(const struct node *n)
{
    return (uint32_t)(now_mono(n) / 1000);
}

/* Logged in, and neither closed nor closing. */
static inline bool conn_open_for_user(const struct conn *c)
{
    return c->state == CONN_SYNC || c->state == CONN_READY;
}

/* Gets entries: everything but POST. */
static inline bool conn_takes_entries(const struct conn *c)
{
    return conn_open_for_user(c) && c->type != CONN_POST;
}

/* ---- conn.c ---- */

/* An answer has gone out: count it, resume reading, say settled. */
void conn_answered(struct conn *c);
/* Stop or resume reading, by what is in work. */
void conn_pressure(struct conn *c);
/* CONN_POST with all answers given: say so. */
void conn_settled(struct conn *c);
/* receive.c: free the pieces of a message. */
void conn_drop_pieces(struct buf **rx);
/* The first piece of a message is in c->rx: it has 10 s to become whole. */
void conn_message_began(struct conn *c);
/* Handle complete messages that waited for the login. */
void conn_held(struct conn *c, struct span bytes, size_t whole);
/* A wrong frame: `err`, and close when there are too many. */
void conn_bad_frame(struct conn *c, int64_t re, const char *code,
                    const char *msg);
/* Over budget once more: close when there are too many. */
void conn_over_budget(struct conn *c);
/* Somebody is there: tell presence, at most every 10 s. */
void conn_beat(struct conn *c, bool act);
/* Say `bye` with a retry window and close with 4000. */
void conn_drain(struct conn *c, int64_t retry_min, int64_t retry_max);
/* Let go of everything but the queue: no user, no subs any more. */
void conn_end(struct conn *c);
/* Free an ended connection. */
void conn_free(struct conn *c);

/* ---- node.c, drain.c ---- */

/* A question to the registry about the node itself; ctx is the lease_op. */
struct lease_op {
    struct node_op op;
    struct registry_op reg;
};
void node_ask_registry(struct node *n, enum registry_verb verb, bool leaving,
                       void (*done)(struct registry_op *op));
/* The next step of a drain, if it is time for one. */
void node_drain_step(struct node *n);

/* ---- node_metrics.c ---- */
extern const struct metric_def node_metric_defs[NM_COUNT];

/* ---- outq.c ---- */

/* Would an entry of len bytes be taken now? */
bool outq_room(const struct conn *c, size_t len);
bool outq_push(struct conn *c, struct wire *w);
void outq_purge(struct conn *c, uint64_t conv, int64_t above);
void outq_release(struct conn *c);

/* ---- credit.c ---- */

/* May count entries of bytes together be handed over? */
bool credit_allows(const struct conn *c, size_t bytes, int count);
/* Largest number of entries and bytes that may be handed over now (at least
 * one entry while nothing is outstanding). */
int credit_entries(const struct conn *c);
size_t credit_bytes(const struct conn *c);
void credit_take(struct conn *c, uint64_t conv, int64_t seq, size_t bytes,
                 int count);
/* The device has conv up to seq: give back what it held. */
void credit_ack(struct conn *c, uint64_t conv, int64_t seq);
/* Now and then: let go of memory when nothing is owed. */
void credit_rest(struct conn *c);
void credit_release(struct conn *c);

/* ---- user.c ---- */

struct user *user_get(struct node *n, uint64_t id); /* made when needed */
/* c is the user's now; user_leave() frees a user without connections. */
void user_join(struct user *u, struct conn *c);
void user_leave(struct conn *c);
void users_free(struct node *n);
/* The node has a lease again: its users and devices are named anew. */
void users_tell_again(struct node *n);

/* ---- live.c ---- */

/* How far s has to be brought by the feeder. */
int64_t sub_target(const struct sub *s);
/* Put s into or out of the work of the feeder, as sent and target say. */
void sub_update(struct sub *s);
/* sent has risen: syncs and fences may be waiting for it. */
void sub_moved(struct sub *s);
void sub_quiet(struct sub *s);
/* The conversation is big, or is so no longer: for all subs of it here. Call it
 * before a sub is added, which takes it as it is. */
void live_set_big(struct node *n, uint64_t conv, bool big);
/* Push `head` to a quiet sub that has less. */
void sub_tell_head(struct sub *s);
void subs_free(struct conn *c);
void lives_free(struct node *n);
/* What a committed roster entry means for user: +1 added, -1 removed, 0. */
int entry_moves_user(const struct entry *e, uint64_t user);

/* ---- deliver.c ---- */

/* The removal at seq is the last thing s sees. May free s. */
void deliver_left(struct sub *s, int64_t seq);

/* ---- feed.c ---- */

/* An entry on its way to many. */
struct copies {
    const struct entry *entry;
    const struct user *author; /* NULL: not connected here */
    struct wire *wires[2];     /* as encoded so far; [1] with cid */
};
/* Push the entry to s: it follows sent. False: no credit or room, nothing
 * done. */
bool feed_push(struct sub *s, struct copies *copies);
/* Queue `gap` from..to of s and move sent behind it. */
bool feed_gap(struct sub *s, int64_t from, int64_t to, const char *why);
/* s is new, its user joined at s->join: say that nothing below is for it. */
void feed_joined(struct sub *s);
void repair_free(struct node *n);

/* ---- sync.c ---- */

/* Ask who token is; then go on with the hello or HTTP login in c->sync. */
void sync_start(struct conn *c, struct span token);
/* s has got where its backlog ends. */
void sync_reached(struct sub *s);
/* s stopped at the backlog limit: list it in synced.more. */
void sync_more(struct conn *c, uint64_t conv, int64_t head);
void sync_free(struct conn *c);

struct sync {
    int64_t re;
    struct mark *seen; /* last_seen, rising by conv */
    int seen_count;
    struct mark *more;
    int more_count, more_cap;
    int left;          /* subs that have not reached their goal */
    bool listed;       /* all conversations are known */
    bool repair;       /* something was lost while they were being listed */
    int64_t self_head; /* heard of before that; 0: nothing */
    struct buf held;   /* objects that came before the login was through */
    size_t held_whole; /* bytes of complete messages in it */
};

/* ---- marks.c ---- */

/* Are all acknowledgements of the user stored, and told to the homes? */
bool marks_settled(const struct user *u);
/* Store them at once; fence_settle() of its connections follows. */
void marks_flush(struct node *n, struct user *u);
void fence_settle(struct conn *c);
void marks_turn(struct node *n); /* end of a turn: store what is due */
void marks_fold(struct node *n); /* the fold timer */
void marks_pace(struct node *n); /* each tick: how long marks are folded */
bool marks_waiting(const struct node *n); /* is anything not stored yet? */
void marks_all_free(struct node *n);
/* The user is gone; its folded marks are stored all the same. */
void marks_orphan(struct node *n, struct user *u);

/* ---- view.c ---- */

void watched_free(struct node *n);
/* A sub appeared or goes: the view of its connection may name it. */
void view_sub_added(struct sub *s);
void view_sub_removed(struct sub *s);

/* ---- cmd_fence.c ---- */

void fence_check(struct conn *c);
void fence_free(struct conn *c);

/* ---- member.c ---- */

/* Look up the membership of the connection's user in conv, from the store.
 * done runs later with the row (freed after it); m is NULL when there is none
 * (rc -CF_NOT_FOUND) or it could not be read (rc). c is NULL when the
 * connection is gone. ctx is released with free() when done will not run. */
typedef void member_done_fn(struct node *n, struct conn *c, void *ctx, int rc,
                            const struct membership *m);
void member_ask(struct conn *c, uint64_t conv, member_done_fn *done, void *ctx);

/* The lowest and highest seq that m lets its user read. */
int64_t member_low(const struct membership *m);
int64_t member_high(const struct membership *m);

#endif
