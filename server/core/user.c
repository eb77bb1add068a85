/* user.c - users who are connected to this node, and their budgets. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/conn.h"

struct user *user_find(struct node *n, uint64_t id)
{
    return map_get(&n->users, id);
}

struct user *user_get(struct node *n, uint64_t id)
{
    struct user *u = user_find(n, id);
    uint32_t now = (uint32_t)now_mono(n);

    if (u != NULL)
        return u;
    u = mem_alloc(sizeof(*u));
    u->id = id;
    list_init(&u->conns);
    u->sends = (struct bucket){n->config.sends_burst * 1000, now};
    u->control = (struct bucket){n->config.control_burst * 1000, now};
    u->history = (struct bucket){LIMIT_HISTORY_BURST * 1000, now};
    map_put(&n->users, id, u);
    return u;
}

void user_join(struct user *u, struct conn *c)
{
    c->user = u;
    list_push(&u->conns, &c->of_user);
}

/* ---- the registry's knowledge of c ---- */

struct told_op {
    struct node_op op;
    struct registry_op reg;
};

static void told_release(struct node_op *op)
{
    struct told_op *t = container_of(op, struct told_op, op);

    registry_op_release(&t->reg);
    free(t);
}

static void told(struct registry_op *reg)
{
    struct told_op *t = reg->ctx;

    node_op_end(&t->op);
}

static void submit(struct node *n, enum registry_verb verb, uint64_t user,
                   bool on, const struct conn *c,
                   void (*done)(struct registry_op *op))
{
    struct told_op *t;

    if (n->ending)
        return;
    t = mem_alloc(sizeof(*t));
    registry_op_init(&t->reg, verb, done, t);
    t->reg.user = user;
    t->reg.dev = c != NULL ? c->dev : 0;
    t->reg.conn = c != NULL ? c->id : 0;
    t->reg.on = on;
    node_op_begin(n, &t->op, told_release);
    registry_submit(n->registry, &t->reg);
}

static void tell(struct conn *c, enum registry_verb verb)
{
    submit(c->node, verb, c->user->id, false, c, told);
}

/* ---- after a lease was lost: the registry has forgotten all of us ---- */

/* Somebody took the device meanwhile: the younger connection stays. Ids of
 * connections begin with the time. */
static void claimed_again(struct registry_op *reg)
{
    struct told_op *t = reg->ctx;
    struct node *n = t->op.node;

    if (reg->rc == 0 && reg->prev_node >= 0) {
        bool younger = reg->prev_conn > reg->conn;

        route_kick(n, younger ? n->env.number : reg->prev_node,
                   younger ? reg->conn : reg->prev_conn, reg->user, reg->dev,
                   4409);
    }
    node_op_end(&t->op);
}

/* Entries find the way here again: fetch those that did not. */
static void routed_again(struct registry_op *reg)
{
    struct told_op *t = reg->ctx;

    repair_from_store(t->op.node, -1);
    node_op_end(&t->op);
}

void users_tell_again(struct node *n)
{
    for (uint32_t i = 0; i < n->conns.len; i++) {
        struct conn *c = n->conns.entries[i].value;

        if (c->claimed && c->state != CONN_CLOSED)
            submit(n, REGISTRY_CLAIM, c->user->id, false, c, claimed_again);
    }
    for (uint32_t i = n->users.len; i-- > 0;) {
        struct user *u = n->users.entries[i].value;

        if (u->routed)
            submit(n, REGISTRY_ROUTE, u->id, true, NULL,
                   i == 0 ? routed_again : told);
        else if (i == 0)
            repair_from_store(n, -1);
    }
}

void user_leave(struct conn *c)
{
    struct node *n = c->node;
    struct user *u = c->user;
    bool last;

    if (u == NULL)
        return;
    list_remove(&c->of_user);
    if (c->claimed)
        tell(c, REGISTRY_RELEASE);
    last = list_empty(&u->conns);
    if (u->routed && (last || SABOTAGED(n, late_close_wins))) {
        tell(c, REGISTRY_ROUTE);
        u->routed = false;
    }
    c->user = NULL;
    if (!last)
        return;
    marks_orphan(n, u);
    map_remove(&n->users, u->id);
    free(u);
}

void users_free(struct node *n)
{
    for (uint32_t i = 0; i < n->users.len; i++)
        free(n->users.entries[i].value);
    map_release(&n->users);
}

bool bucket_take(struct node *n, struct bucket *b, int rate, int burst)
{
    uint32_t now = (uint32_t)now_mono(n);
    int64_t tokens = b->tokens + (int64_t)(now - b->at) * rate;

    if (n->config.no_budgets)
        return true;
    if (tokens > (int64_t)burst * 1000)
        tokens = (int64_t)burst * 1000;
    b->at = now;
    b->tokens = (int32_t)tokens;
    if (tokens < 1000)
        return false;
    b->tokens -= 1000;
    return true;
}
