/* A frame for a few users, wherever they are connected: the registry says
 * where, each node gets one message. Nothing is kept for those who are not
 * there. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/home.h"

struct push {
    struct link link; /* in side->pushes */
    struct node *node;
    struct registry_op where;
    enum wire_class class;
    uint64_t conv;
    uint64_t typing_user; /* not 0: typing, for the viewers there */
    uint64_t of;          /* not 0: a receipt with the marks of this user */
    int64_t delivered, read;
    bool on;
    int count;
    uint32_t len;
    uint64_t *users; /* behind this struct, then the bytes */
    char *bytes;
};

static void push_to(struct push *p, int node)
{
    struct node *n = p->node;
    struct peer_message m = {.class = p->class,
                             .conv = p->conv,
                             .users = p->users,
                             .count = p->count};

    m.bytes = span_make(p->bytes, p->len);
    if (p->of != 0) {
        m.user = p->of;
        m.other = p->users[0];
        m.delivered = p->delivered;
        m.read = p->read;
        if (node == n->env.number)
            receipt_here(n, p->conv, p->of, m.other, p->delivered, p->read);
        else
            peer_send(n, node, PEER_RECEIPT, &m);
    } else if (p->typing_user != 0) {
        m.user = p->typing_user;
        m.on = p->on;
        m.at_viewers = true;
        if (node == n->env.number)
            typing_here(n, p->conv, p->typing_user, p->on);
        else
            peer_send(n, node, PEER_TYPING, &m);
    } else if (node == n->env.number) {
        deliver_push(n, p->class, p->conv, p->users, p->count, 0, m.bytes);
    } else {
        peer_send(n, node, PEER_PUSH, &m);
    }
}

static bool is_among(const struct registry_op *op, int node)
{
    for (int i = 0; i < op->pair_count; i++) {
        if (op->pairs[i].node == node)
            return true;
    }
    return false;
}

static void push_found(struct registry_op *op)
{
    struct push *p = op->ctx;
    struct node *n = p->node;

    n->pending--;
    for (int i = 0; i < n->node_count; i++) {
        if (op->rc != 0 || is_among(op, n->nodes[i]))
            push_to(p, n->nodes[i]);
    }
    list_remove(&p->link);
    registry_op_release(op);
    free(p);
}

static struct push *push_new(struct node *n, const uint64_t *users, int count,
                             struct span bytes)
{
    size_t ids = (size_t)count * sizeof(uint64_t);
    struct push *p = mem_alloc(sizeof(*p) + ids + bytes.n);

    p->node = n;
    p->users = (uint64_t *)(p + 1);
    p->bytes = (char *)(p + 1) + ids;
    p->count = count;
    p->len = (uint32_t)bytes.n;
    memcpy(p->users, users, ids);
    if (bytes.n > 0)
        memcpy(p->bytes, bytes.p, bytes.n);
    list_push(&side_of(n)->pushes, &p->link);
    registry_op_init(&p->where, REGISTRY_WHERE, push_found, p);
    p->where.ids = p->users;
    p->where.id_count = count;
    return p;
}

static void push_start(struct push *p)
{
    p->node->pending++;
    registry_submit(p->node->registry, &p->where);
}

void push_users(struct node *n, enum wire_class class, uint64_t conv,
                const uint64_t *users, int count, struct span bytes)
{
    struct push *p;

    if (count <= 0 || count > PEER_USERS_MAX)
        return;
    p = push_new(n, users, count, bytes);
    p->class = class;
    p->conv = conv;
    push_start(p);
}

void push_typing(struct node *n, uint64_t conv, uint64_t user, bool on,
                 const uint64_t *users, int count)
{
    struct push *p;

    if (count <= 0)
        return;
    p = push_new(n, users, count, (struct span){NULL, 0});
    p->conv = conv;
    p->typing_user = user;
    p->on = on;
    push_start(p);
}

void push_receipt(struct node *n, uint64_t conv, uint64_t to,
                  const struct member *of)
{
    struct push *p = push_new(n, &to, 1, (struct span){NULL, 0});

    p->conv = conv;
    p->of = of->user;
    p->delivered = of->delivered;
    p->read = of->read;
    push_start(p);
}

void pushes_free(struct node *n)
{
    struct link *l;

    while ((l = list_pop(&side_of(n)->pushes)) != NULL) {
        struct push *p = container_of(l, struct push, link);

        registry_op_release(&p->where);
        free(p);
    }
}
