/* repair.c - what the bus lost is found by comparing with the store: for every
 * user connected here the conversations with their heads. Users one after the
 * other, so that a repair never floods the store. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/conn.h"

#define REPAIR_RETRY_MS 300

struct repair {
    struct node_op op;
    struct store_op store;
    struct timer again;
    uint64_t *users; /* those connected when it began */
    int count, at;
    bool once_more; /* something else was lost meanwhile */
};

static void repair_release(struct node_op *op)
{
    struct repair *r = container_of(op, struct repair, op);

    timer_cancel(&op->node->wheel, &r->again);
    if (op->node->repair == r)
        op->node->repair = NULL;
    store_op_release(&r->store);
    free(r->users);
    free(r);
}

/* A conversation of u as the store knows it, for one connection. */
static void repair_conn(struct conn *c, const struct membership *m)
{
    bool big = m->c.members > c->node->config.live_members;
    struct sub *s;

    if (c->sync != NULL && !c->sync->listed) {
        c->sync->repair = true; /* its list is older than the loss, perhaps */
        return;
    }
    s = sub_find(c, m->conv);
    if (m->left > 0) {
        /* The feeder meets the removal in the log; nobody feeds a quiet one. */
        if (s != NULL && s->quiet && m->left > s->join)
            deliver_left(s, m->left);
        return;
    }
    if (s == NULL) {
        live_set_big(c->node, m->conv, big);
        s = sub_add(c, m->conv, m->c.kind, m->join, 0);
        feed_joined(s);
        s->live->big = big;
        sub_quiet(s);
        sub_tell_head(s);
    } else if (s->until > 0 && m->join > s->until) {
        s->rejoin = m->join;
    }
    feed_sub(s); /* the head may be known from others */
}

static void repair_member(struct node *n, struct user *u,
                          const struct membership *m)
{
    struct live *l;

    list_each (&u->conns, k, next) {
        struct conn *c = container_of(k, struct conn, of_user);

        if (conn_takes_entries(c))
            repair_conn(c, m);
    }
    receipt_repaired(n, m);
    l = live_find(n, m->conv);
    if (l == NULL ||
        (m->c.head <= l->head && (!l->big || m->c.head <= l->announced)))
        return;
    metrics_add(&n->metrics, NM_REPAIRS, 1);
    deliver_head(n, m->conv, m->c.head);
}

static void repair_page(struct repair *r, uint64_t after);

static void repair_next_user(struct repair *r)
{
    struct node *n = r->op.node;

    while (r->at < r->count && user_find(n, r->users[r->at]) == NULL)
        r->at++;
    if (r->at < r->count) {
        repair_page(r, 0);
        return;
    }
    if (r->once_more) {
        node_op_end(&r->op);
        repair_from_store(n, -1);
        return;
    }
    node_op_end(&r->op);
}

static void repair_page_again(struct timer *t, void *node)
{
    repair_next_user(container_of(t, struct repair, again));
}

static void repair_page_done(struct store_op *op)
{
    struct repair *r = op->ctx;
    struct node *n = r->op.node;
    struct user *u = user_find(n, r->users[r->at]);
    uint64_t last;

    if (op->rc < 0) {
        SEEN(n, "repair: list again");
        store_op_release(op);
        timer_set(&n->wheel, &r->again, now_mono(n) + REPAIR_RETRY_MS);
        return;
    }
    for (int i = 0; u != NULL && i < op->member_count; i++)
        repair_member(n, u, &op->members[i]);
    last = op->member_count == op->limit
               ? op->members[op->member_count - 1].conv
               : 0;
    store_op_release(op);
    if (last != 0) {
        repair_page(r, last);
        return;
    }
    r->at++;
    repair_next_user(r);
}

static void repair_page(struct repair *r, uint64_t after)
{
    struct node *n = r->op.node;

    store_op_init(&r->store, STORE_CONVS_OF, repair_page_done, r);
    r->store.user = r->users[r->at];
    r->store.conv = after;
    r->store.limit = LIMIT_PAGE;
    store_submit(n->store, &r->store);
}

void repair_from_store(struct node *n, int home)
{
    struct repair *r = n->repair;

    if (SABOTAGED(n, bus_loss_unrepaired) || n->users.len == 0)
        return;
    if (r != NULL) {
        r->once_more = true;
        return;
    }
    r = mem_alloc(sizeof(*r));
    r->users = mem_array(n->users.len, sizeof(*r->users));
    for (uint32_t i = 0; i < n->users.len; i++)
        r->users[r->count++] = n->users.entries[i].key;
    timer_init(&r->again, repair_page_again);
    n->repair = r;
    node_op_begin(n, &r->op, repair_release);
    repair_next_user(r);
}
