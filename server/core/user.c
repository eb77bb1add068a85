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

static void tell(struct conn *c, enum registry_verb verb)
{
    struct told_op *t;

    if (c->node->ending)
        return;
    t = mem_alloc(sizeof(*t));
    registry_op_init(&t->reg, verb, told, t);
    t->reg.user = c->user->id;
    t->reg.dev = c->dev;
    t->reg.conn = c->id;
    t->reg.on = false;
    node_op_begin(c->node, &t->op, told_release);
    registry_submit(c->node->registry, &t->reg);
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
