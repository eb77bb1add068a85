/* login.c - from a token to a connection that is let in: who is it, lead its
 * entries here, claim the device. */
#include "core/sync.h"

#include <stdlib.h>

#include "base/mem.h"

#define SYNC_RETRY_MS 300

static void sync_release(struct node_op *op)
{
    struct sync_op *o = container_of(op, struct sync_op, op);

    timer_cancel(&op->node->wheel, &o->again);
    store_op_release(&o->store);
    registry_op_release(&o->reg);
    free(o->heads);
    free(o);
}

static void step_again(struct timer *t, void *node)
{
    struct sync_op *o = container_of(t, struct sync_op, again);

    if (sync_conn(o) == NULL)
        node_op_end(&o->op);
    else
        o->step(o);
}

void sync_retry(struct sync_op *o, void (*step)(struct sync_op *o))
{
    struct node *n = o->op.node;

    o->step = step;
    timer_set(&n->wheel, &o->again, now_mono(n) + SYNC_RETRY_MS);
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
        sync_first(o);
    }
    conn_held(c, span_make(held.data, held.len), whole);
    buf_release(&held);
}

static void claimed(struct registry_op *reg)
{
    struct sync_op *o = reg->ctx;
    struct node *n = o->op.node;
    struct conn *c = sync_conn(o);

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

/* Only a socket is the device's one connection. */
static void submit_registry(struct sync_op *o, struct conn *c)
{
    c->user->routed = true;
    c->claimed = c->type == CONN_SOCKET;
    registry_op_init(&o->reg, c->claimed ? REGISTRY_CLAIM : REGISTRY_ROUTE,
                     claimed, o);
    o->reg.user = c->user->id;
    o->reg.dev = c->dev;
    o->reg.conn = c->id;
    o->reg.on = true;
    registry_submit(o->op.node->registry, &o->reg);
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
    struct conn *c = sync_conn(o);

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
    submit_registry(o, c);
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
    if (c->type != CONN_POST)
        o->store.limit = LIMIT_PAGE; /* the list that follows, for sync_list */
    node_op_begin(n, &o->op, sync_release);
    store_submit(n->store, &o->store);
}
