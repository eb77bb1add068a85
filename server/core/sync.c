/* sync.c - the backlog: the conversations of a user become subs, what they
 * miss is fed, and `synced` follows.
 *
 * The order matters: the registry leads entries to this node before the heads
 * are read (login.c), and the heads are read once more after the subs are
 * there, so that no entry can fall between the two.
 *
 * "Read" is also: known to be what reading would say. A write is counted under
 * its keys before its `done` runs, so before its home asks the registry and
 * before anything of it arrives here. What was read with a stamp that
 * store_moved() does not contradict is thus as good as read at this moment:
 * either an entry was in it, or its home has yet to ask the registry and finds
 * this node, and a sub when it arrives. Most logins so need the one visit to
 * the store that looks up the token. */
#include "core/sync.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define NEW_DEVICE_ENTRIES 50

/* ---- step 5: everything is listed; synced when the backlogs are out ---- */

static void push_synced(struct conn *c)
{
    struct sync *sy = c->sync;
    struct buf *out = &c->node->scratch;
    int count = sy->more_count < LIMIT_MARKS ? sy->more_count : LIMIT_MARKS;

    buf_clear(out);
    if (enc_synced(out, sy->more, count) == 0)
        conn_put(c, WIRE_ANSWER, 0, 0, buf_span(out));
    if (SABOTAGED(c->node, synced_twice))
        conn_put(c, WIRE_ANSWER, 0, 0, buf_span(out));
}

/* All conversations are known; its own log may have begun meanwhile. */
static void set_listed(struct conn *c)
{
    uint64_t self = c->user->id;

    c->sync->listed = true;
    if (c->sync->repair)
        repair_from_store(c->node, -1);
    if (c->sync->self_head == 0 || sub_find(c, self) != NULL)
        return;
    sub_add(c, self, CONV_SELF, 1, 0);
    deliver_head(c->node, self, c->sync->self_head);
}

static void sync_check(struct conn *c)
{
    struct sync *sy = c->sync;

    if (sy == NULL || !sy->listed || sy->left > 0 || c->state != CONN_SYNC)
        return;
    if (c->type != CONN_POLL)
        push_synced(c);
    if (c->state != CONN_SYNC)
        return;
    c->synced = true;
    sync_free(c);
    conn_set_state(c, CONN_READY);
}

void sync_reached(struct sub *s)
{
    struct conn *c = s->conn;

    s->syncing = false;
    if (c->sync == NULL)
        return;
    sub_tell_head(s);
    c->sync->left--;
    sync_check(c);
}

void sync_more(struct conn *c, uint64_t conv, int64_t head)
{
    struct sync *sy = c->sync;

    if (sy == NULL)
        return;
    if (sy->more_count == sy->more_cap) {
        sy->more_cap = sy->more_cap > 0 ? sy->more_cap * 2 : 4;
        sy->more = mem_grow(sy->more, (size_t)sy->more_cap, sizeof(*sy->more));
    }
    sy->more[sy->more_count++] = (struct mark){conv, head};
}

void sync_free(struct conn *c)
{
    struct sync *sy = c->sync;

    if (sy == NULL)
        return;
    c->sync = NULL;
    buf_release(&sy->held);
    free(sy->seen);
    free(sy->more);
    free(sy);
}

/* ---- step 4: a page of conversations becomes subs ---- */

static bool seen_of(const struct sync *sy, uint64_t conv, int64_t *seq)
{
    for (int i = 0; i < sy->seen_count; i++) {
        if (sy->seen[i].conv == conv) {
            *seq = sy->seen[i].seq;
            return true;
        }
    }
    return false;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Where c starts in m's log, and whether what lies below is deferred. A
 * negative answer: last_seen is above the head. */
static int64_t start_of(const struct conn *c, const struct membership *m,
                        bool *deferred)
{
    int64_t top = member_high(m), low = member_low(m) - 1, seen;

    *deferred = false;
    if (seen_of(c->sync, m->conv, &seen)) {
        if (seen > m->c.head)
            return -1;
        return seen < top ? seen : top;
    }
    if (m->acked >= 0)
        return m->acked < top ? larger(m->acked, low) : top;
    *deferred = top - NEW_DEVICE_ENTRIES > low;
    return larger(low, top - NEW_DEVICE_ENTRIES);
}

/* Bound the backlog, and say that synced waits for it. */
static void set_goal(struct sub *s, const struct membership *m)
{
    struct conn *c = s->conn;
    int64_t top = member_high(m), most = c->node->config.backlog;
    int64_t from = larger(s->sent, s->join - 1);

    s->goal = top;
    if (top - from > most) {
        s->goal = from + most;
        s->defer = top;
    }
    if (s->sent < top) {
        s->syncing = true;
        c->sync->left++;
    }
}

/* What the client can know of lies at or below this, unless it said so. */
static int64_t known_to(const struct conn *c, const struct membership *m,
                        int64_t start)
{
    int64_t seen;

    if (seen_of(c->sync, m->conv, &seen))
        return start;
    return m->acked > 0 ? m->acked : 0;
}

/* No hole without a reason: before the join, and what is put off. */
static void explain_start(struct sub *s, const struct membership *m,
                          int64_t start, bool deferred)
{
    int64_t known = known_to(s->conn, m, start);

    if (known < s->join - 1 && start >= s->join - 1) {
        s->sent = known;
        feed_gap(s, known + 1, s->join - 1, "not_member");
    }
    if (deferred)
        feed_gap(s, s->join, start, "deferred");
    s->sent = start;
}

static bool add_conv(struct conn *c, const struct membership *m)
{
    struct node *n = c->node;
    bool deferred;
    int64_t low = member_low(m), start = start_of(c, m, &deferred);
    struct sub *s;

    if (start < 0)
        return false;
    if (m->left > 0 && (start >= m->left || c->type == CONN_POST))
        return true; /* it has seen its removal */
    if (sub_find(c, m->conv) != NULL)
        return true;
    live_set_big(n, m->conv, m->c.members > n->config.live_members);
    s = sub_add(c, m->conv, m->c.kind, low, start);
    s->until = m->left;
    s->live->big = m->c.members > n->config.live_members;
    explain_start(s, m, start, deferred);
    set_goal(s, m);
    sub_quiet(s);
    sub_update(s);
    if (m->c.head > s->live->head)
        deliver_head(n, m->conv, m->c.head);
    return true;
}

static void seen_too_high(struct conn *c)
{
    conn_error(c, c->sync->re, "bad_frame", 0,
               "last_seen is above the head of a conversation");
    conn_close(c, 1008, "last_seen above head");
}

static void sync_list(struct sync_op *o);
static void ask_heads(struct sync_op *o);

/* The page is through: the next one, or the end. */
static void page_done(struct sync_op *o, struct conn *c)
{
    feed_conn(c);
    if (o->after != 0) {
        sync_list(o);
        return;
    }
    set_listed(c);
    sync_check(c);
    node_op_end(&o->op);
}

/* Heads once more, now that entries find their subs. */
static void heads_known(struct store_op *op)
{
    struct sync_op *o = op->ctx;
    struct node *n = o->op.node;
    struct conn *c = sync_conn(o);
    struct live *l;

    if (op->rc < 0 && c != NULL && !SABOTAGED(n, unread_is_same)) {
        SEEN(n, "login: heads again");
        /* Not known is not unchanged: nobody would ever tell. */
        store_op_release(op);
        sync_retry(o, ask_heads);
        return;
    }
    for (int i = 0; i < o->head_count && op->rc == 0; i++) {
        l = live_find(n, o->heads[i].conv);
        if (l == NULL || o->heads[i].acked <= l->head)
            continue;
        deliver_head(n, l->conv, o->heads[i].acked);
    }
    store_op_release(op);
    if (c == NULL)
        node_op_end(&o->op);
    else
        page_done(o, c);
}

static void ask_heads(struct sync_op *o)
{
    store_op_init(&o->store, STORE_HEADS, heads_known, o);
    o->store.marks = o->heads;
    o->store.mark_count = o->head_count;
    store_submit(o->op.node->store, &o->store);
}

/* Those whose head is not what the page says any more. */
static void keep_moved(struct sync_op *o)
{
    const struct store_op *op = &o->store;

    o->head_count = 0;
    for (int i = 0; i < op->member_count; i++) {
        uint64_t conv = op->members[i].conv;

        if (!store_moved(op->port, conv, op->stamp))
            continue;
        if (o->heads == NULL)
            o->heads = mem_array(LIMIT_PAGE, sizeof(*o->heads));
        o->heads[o->head_count++] = (struct mark_row){.conv = conv};
    }
    o->after = op->member_count == op->limit
                   ? op->members[op->member_count - 1].conv
                   : 0;
}

static void page_known(struct sync_op *o, struct conn *c)
{
    struct store_op *op = &o->store;
    bool fine = true;

    for (int i = 0; i < op->member_count && fine; i++)
        fine = add_conv(c, &op->members[i]);
    if (!fine) {
        seen_too_high(c);
        node_op_end(&o->op);
        return;
    }
    keep_moved(o);
    store_op_release(op);
    if (o->head_count > 0)
        ask_heads(o);
    else
        page_done(o, c);
}

static void convs_known(struct store_op *op)
{
    struct sync_op *o = op->ctx;
    struct conn *c = sync_conn(o);

    if (c == NULL) {
        node_op_end(&o->op);
    } else if (op->rc < 0) {
        SEEN(c->node, "login: list again");
        store_op_release(op);
        sync_retry(o, sync_list);
    } else {
        page_known(o, c);
    }
}

static void sync_list(struct sync_op *o)
{
    struct conn *c = sync_conn(o);

    store_op_init(&o->store, STORE_CONVS_OF, convs_known, o);
    o->store.user = c->user->id;
    o->store.dev = c->dev;
    o->store.conv = o->after;
    o->store.limit = LIMIT_PAGE;
    store_submit(o->op.node->store, &o->store);
}

/* The first page came with the token. It was read before the registry led
 * entries here, so it counts only if the user's memberships are still those. */
void sync_first(struct sync_op *o)
{
    struct conn *c = sync_conn(o);
    struct store_op *op = &o->store;

    if (!store_moved(op->port, c->user->id, op->stamp)) {
        page_known(o, c);
        return;
    }
    store_op_release(op);
    sync_list(o);
}
