/* sync.c - from a token to `synced`: who is it, claim the device, list the
 * conversations, bring the backlog.
 *
 * The order matters: the registry leads entries to this node before the heads
 * are read, and the heads are read once more after the subs are there, so that
 * no entry can fall between the two. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/conn.h"

#define SYNC_RETRY_MS 300
#define NEW_DEVICE_ENTRIES 50

struct sync_op {
    struct node_op op;
    struct store_op store;
    struct registry_op reg;
    struct timer again;
    void (*step)(struct sync_op *o); /* submit once more */
    uint64_t conn;
    uint64_t after; /* conversation of the last page */
    struct mark_row *heads;
    int head_count;
};

static void sync_release(struct node_op *op)
{
    struct sync_op *o = container_of(op, struct sync_op, op);

    timer_cancel(&op->node->wheel, &o->again);
    store_op_release(&o->store);
    registry_op_release(&o->reg);
    free(o->heads);
    free(o);
}

static struct conn *conn_of(const struct sync_op *o)
{
    return conn_find(o->op.node, o->conn);
}

static void step_again(struct timer *t, void *node)
{
    struct sync_op *o = container_of(t, struct sync_op, again);

    if (conn_of(o) == NULL)
        node_op_end(&o->op);
    else
        o->step(o);
}

/* The step failed; it is worth another try a little later. */
static void sync_retry(struct sync_op *o, void (*step)(struct sync_op *o))
{
    struct node *n = o->op.node;

    o->step = step;
    timer_set(&n->wheel, &o->again, now_mono(n) + SYNC_RETRY_MS);
}

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
    s = sub_add(c, m->conv, m->c.kind, low, start);
    s->until = m->left;
    s->live->big = m->c.members > n->config.live_members;
    if (m->c.head > s->live->head)
        s->live->head = m->c.head;
    if (deferred) {
        s->sent = low - 1;
        feed_gap(s, low, start, "deferred");
        s->sent = s->acked = start;
    }
    set_goal(s, m);
    sub_quiet(s);
    sub_update(s);
    return true;
}

static void seen_too_high(struct conn *c)
{
    conn_error(c, c->sync->re, "bad_frame", 0,
               "last_seen is above the head of a conversation");
    conn_close(c, 1008, "last_seen above head");
}

static void list_convs(struct sync_op *o);

/* Heads once more, now that entries find their subs. */
static void heads_known(struct store_op *op)
{
    struct sync_op *o = op->ctx;
    struct node *n = o->op.node;
    struct conn *c = conn_of(o);
    struct live *l;

    for (int i = 0; i < o->head_count && op->rc == 0; i++) {
        l = live_find(n, o->heads[i].conv);
        if (l == NULL || o->heads[i].acked <= l->head)
            continue;
        l->head = o->heads[i].acked;
        list_each (&l->subs, k, next)
            feed_sub(container_of(k, struct sub, of_live));
    }
    store_op_release(op);
    if (c == NULL) {
        node_op_end(&o->op);
        return;
    }
    feed_conn(c);
    if (o->after != 0) {
        list_convs(o);
        return;
    }
    c->sync->listed = true;
    sync_check(c);
    node_op_end(&o->op);
}

static void ask_heads(struct sync_op *o)
{
    store_op_init(&o->store, STORE_HEADS, heads_known, o);
    o->store.marks = o->heads;
    o->store.mark_count = o->head_count;
    store_submit(o->op.node->store, &o->store);
}

static void keep_heads(struct sync_op *o)
{
    const struct store_op *op = &o->store;

    free(o->heads);
    o->heads = mem_array((size_t)op->member_count, sizeof(*o->heads));
    o->head_count = op->member_count;
    for (int i = 0; i < op->member_count; i++)
        o->heads[i].conv = op->members[i].conv;
    o->after = op->member_count == op->limit
                   ? op->members[op->member_count - 1].conv
                   : 0;
}

static void convs_known(struct store_op *op)
{
    struct sync_op *o = op->ctx;
    struct conn *c = conn_of(o);
    bool fine = true;

    if (c == NULL) {
        node_op_end(&o->op);
        return;
    }
    if (op->rc < 0) {
        store_op_release(op);
        sync_retry(o, list_convs);
        return;
    }
    for (int i = 0; i < op->member_count && fine; i++)
        fine = add_conv(c, &op->members[i]);
    if (!fine) {
        seen_too_high(c);
        node_op_end(&o->op);
        return;
    }
    if (op->member_count == 0) {
        c->sync->listed = true;
        sync_check(c);
        node_op_end(&o->op);
        return;
    }
    keep_heads(o);
    store_op_release(op);
    ask_heads(o);
}

static void list_convs(struct sync_op *o)
{
    struct conn *c = conn_of(o);

    store_op_init(&o->store, STORE_CONVS_OF, convs_known, o);
    o->store.user = c->user->id;
    o->store.dev = c->dev;
    o->store.conv = o->after;
    o->store.limit = LIMIT_PAGE;
    store_submit(o->op.node->store, &o->store);
}

/* ---- step 3: the device is ours; welcome ---- */

static void push_welcome(struct conn *c)
{
    struct node *n = c->node;
    struct welcome w = {
        .user = c->user->id,
        .dev = c->dev,
        .node = n->env.number,
        .store = store_name(n->env.store),
        .lease = n->lease,
        .now = clock_wall(n->env.clock),
        .durability = store_durability(n->env.store),
        .live_members = n->config.live_members,
    };

    buf_clear(&n->scratch);
    if (enc_welcome(&n->scratch, c->sync->re, &w) == 0)
        conn_answer(c, buf_span(&n->scratch));
}

/* What came before the login was through is handled now. */
static void let_in(struct sync_op *o, struct conn *c)
{
    struct buf held = c->sync->held;
    size_t whole = c->sync->held_whole;

    buf_init(&c->sync->held, LIMIT_RX);
    c->sync->held_whole = 0;
    conn_set_state(c, CONN_SYNC);
    if (c->type == CONN_SOCKET) {
        push_welcome(c);
        conn_beat(c, true);
    }
    if (c->type == CONN_POST) {
        sync_free(c);
        conn_set_state(c, CONN_READY);
        node_op_end(&o->op);
    } else {
        list_convs(o);
    }
    conn_held(c, span_make(held.data, held.len), whole);
    buf_release(&held);
}

static void claimed(struct registry_op *reg)
{
    struct sync_op *o = reg->ctx;
    struct node *n = o->op.node;
    struct conn *c = conn_of(o);

    if (c == NULL) {
        node_op_end(&o->op);
        return;
    }
    if (reg->rc < 0) {
        conn_error(c, c->sync->re, "unavailable", 1000, "no lease");
        conn_close(c, 1011, "no lease");
        node_op_end(&o->op);
        return;
    }
    if (reg->verb == REGISTRY_CLAIM && reg->prev_node >= 0) {
        metrics_add(&n->metrics, NM_TAKEOVERS, 1);
        route_kick(n, reg->prev_node, reg->prev_conn, c->user->id, c->dev,
                   4409);
    }
    let_in(o, c);
}

/* ---- step 2: the user is known; entries shall come here ---- */

static void submit_registry(struct sync_op *o, struct conn *c,
                            enum registry_verb verb,
                            void (*done)(struct registry_op *op))
{
    registry_op_init(&o->reg, verb, done, o);
    o->reg.user = c->user->id;
    o->reg.dev = c->dev;
    o->reg.conn = c->id;
    o->reg.on = true;
    registry_submit(o->op.node->registry, &o->reg);
}

static void routed(struct registry_op *reg)
{
    struct sync_op *o = reg->ctx;
    struct conn *c = conn_of(o);

    if (c == NULL || reg->rc < 0 || c->type != CONN_SOCKET) {
        claimed(reg);
        return;
    }
    c->claimed = true;
    submit_registry(o, c, REGISTRY_CLAIM, claimed);
}

static void token_refused(struct sync_op *o, struct conn *c, int rc)
{
    if (rc == -CF_NOT_FOUND) {
        conn_error(c, c->sync->re, "auth", 0, "this token is not valid");
        conn_close(c, 4401, "token refused");
    } else {
        conn_error(c, c->sync->re, err_code_of(rc), 1000,
                   "the token could not be looked up");
        conn_close(c, 1011, "store");
    }
    node_op_end(&o->op);
}

static void token_known(struct store_op *op)
{
    struct sync_op *o = op->ctx;
    struct node *n = o->op.node;
    struct conn *c = conn_of(o);

    if (c == NULL) {
        node_op_end(&o->op);
        return;
    }
    if (op->rc < 0 || (c->dev != 0 && c->dev != op->dev)) {
        token_refused(o, c, op->rc < 0 ? op->rc : -CF_NOT_FOUND);
        return;
    }
    c->dev = op->dev;
    user_join(user_get(n, op->user), c);
    if (c->type == CONN_POST) {
        let_in(o, c);
        return;
    }
    c->user->routed = true;
    submit_registry(o, c, REGISTRY_ROUTE, routed);
}

/* ---- step 1: ---- */

void sync_start(struct conn *c, struct span token)
{
    struct node *n = c->node;
    struct sync_op *o = mem_alloc(sizeof(*o));

    conn_set_state(c, CONN_LOGIN);
    o->conn = c->id;
    timer_init(&o->again, step_again);
    store_op_init(&o->store, STORE_TOKEN, token_known, o);
    n->env.token_hash(token, o->store.hash);
    node_op_begin(n, &o->op, sync_release);
    store_submit(n->store, &o->store);
}
