/* member.c - one membership, asked of the store: who may read what. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/conn.h"

struct member_op {
    struct node_op op;
    struct store_op store;
    uint64_t conn;
    member_done_fn *done;
    void *ctx;
};

static void member_release(struct node_op *op)
{
    struct member_op *m = container_of(op, struct member_op, op);

    store_op_release(&m->store);
    free(m->ctx);
    free(m);
}

static void member_known(struct store_op *op)
{
    struct member_op *m = op->ctx;
    struct node *n = m->op.node;
    const struct membership *row =
        op->rc == 0 && op->member_count == 1 ? op->members : NULL;
    void *ctx = m->ctx;

    m->ctx = NULL;
    m->done(n, conn_find(n, m->conn), ctx, op->rc, row);
    node_op_end(&m->op);
}

void member_ask(struct conn *c, uint64_t conv, member_done_fn *done, void *ctx)
{
    struct member_op *m = mem_alloc(sizeof(*m));

    m->conn = c->id;
    m->done = done;
    m->ctx = ctx;
    store_op_init(&m->store, STORE_MEMBER, member_known, m);
    m->store.conv = conv;
    m->store.user = c->user->id;
    m->store.dev = c->dev;
    node_op_begin(c->node, &m->op, member_release);
    store_submit(c->node->store, &m->store);
}

int64_t member_low(const struct membership *m)
{
    if (m->c.kind == CONV_CHANNEL || m->join < 1)
        return 1;
    return m->join;
}

int64_t member_high(const struct membership *m)
{
    return m->left > 0 ? m->left : m->c.head;
}
