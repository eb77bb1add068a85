/* local.c - the registry of one process: a table of users in shards, each
 * under a mutex, and the few nodes under another.
 *
 * One row of 24 bytes serves a device and, marked, its user's route to the
 * node; a user with one device has one row. */
#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/table.h"
#include "proto/ids.h"
#include "registry/registry_backend.h"

#define SHARDS 64

struct row {
    uint64_t user;
    uint64_t conn;
    uint32_t dev; /* 0: a route only */
    uint16_t node;
    uint16_t routed; /* this row is also the user's route to the node */
};

struct shard {
    pthread_mutex_t lock;
    struct table rows;
};

struct holder {
    uint16_t node;
    bool leaving;
    int64_t lease;
    int64_t until;              /* mono ms */
    struct registry_port *port; /* NULL: crashed */
};

struct local {
    struct shard shards[SHARDS];
    pthread_mutex_t lock; /* of what follows; taken before a shard's */
    struct map holders;   /* node + 1 -> holder */
    struct map ports;     /* address -> port: who hears of changes */
    int64_t leases;
};

static struct shard *shard_of(struct local *l, uint64_t user)
{
    return &l->shards[(user ^ user >> 8 ^ user >> 22) % SHARDS];
}

/* ---- rows of a user, under the shard's lock ---- */

static struct row *row_find(const struct shard *s, uint64_t user, uint32_t dev,
                            int node)
{
    struct row *r = table_first(&s->rows, user);

    while (r != NULL && (r->dev != dev || (node >= 0 && r->node != node)))
        r = table_next(&s->rows, r);
    return r;
}

static struct row *route_find(const struct shard *s, uint64_t user, int node)
{
    struct row *r = table_first(&s->rows, user);

    while (r != NULL && (r->node != node || !r->routed))
        r = table_next(&s->rows, r);
    return r;
}

static void route_on(struct shard *s, uint64_t user, int node)
{
    struct row *r = table_first(&s->rows, user);

    if (route_find(s, user, node) != NULL)
        return;
    while (r != NULL && r->node != node)
        r = table_next(&s->rows, r);
    if (r == NULL) {
        r = table_add(&s->rows, user);
        r->node = (uint16_t)node;
    }
    r->routed = 1;
}

static void route_off(struct shard *s, uint64_t user, int node)
{
    struct row *r = route_find(s, user, node);

    if (r == NULL)
        return;
    r->routed = 0;
    if (r->dev == 0)
        table_remove(&s->rows, r);
}

/* The device's row goes; a route that it carried stays. */
static void device_off(struct shard *s, struct row *r)
{
    uint64_t user = r->user;
    int node = r->node;
    bool routed = r->routed;

    table_remove(&s->rows, r);
    if (routed)
        route_on(s, user, node);
}

static void claim(struct shard *s, int node, struct registry_op *op)
{
    struct row *r = row_find(s, op->user, op->dev, -1);

    op->prev_node = -1;
    if (r != NULL && (r->node != node || r->conn != op->conn)) {
        op->prev_node = r->node;
        op->prev_conn = r->conn;
    }
    if (r != NULL && r->node != node) {
        device_off(s, r);
        r = NULL;
    }
    if (r == NULL)
        r = row_find(s, op->user, 0, node); /* its route: one row for both */
    if (r == NULL)
        r = table_add(&s->rows, op->user);
    r->dev = op->dev;
    r->node = (uint16_t)node;
    r->conn = op->conn;
}

static void release(struct shard *s, int node, const struct registry_op *op)
{
    struct row *r = row_find(s, op->user, op->dev, node);

    if (r != NULL && op->dev != 0 && r->conn == op->conn)
        device_off(s, r);
}

static void where_add(struct registry_op *op, uint32_t index, uint16_t node)
{
    int i = op->pair_count++;

    if ((i & (i - 1)) == 0) /* full at each power of two */
        op->pairs =
            mem_grow(op->pairs, i > 0 ? (size_t)i * 2 : 1, sizeof(*op->pairs));
    while (i > 0 && op->pairs[i - 1].index == index &&
           op->pairs[i - 1].node > node) {
        op->pairs[i] = op->pairs[i - 1];
        i--;
    }
    op->pairs[i] = (struct registry_pair){index, node};
}

static void where(struct local *l, struct registry_op *op)
{
    for (int i = 0; i < op->id_count; i++) {
        struct shard *s = shard_of(l, op->ids[i]);
        struct row *r;

        pthread_mutex_lock(&s->lock);
        r = table_first(&s->rows, op->ids[i]);
        for (; r != NULL; r = table_next(&s->rows, r)) {
            if (r->routed)
                where_add(op, (uint32_t)i, r->node);
        }
        pthread_mutex_unlock(&s->lock);
    }
}

/* Forget everything that leads to a node that is no more. */
static void forget_node(struct local *l, int node)
{
    for (int k = 0; k < SHARDS; k++) {
        struct table *t = &l->shards[k].rows;

        pthread_mutex_lock(&l->shards[k].lock);
        for (uint32_t i = 0; i < t->cap;) {
            struct row *r = table_at(t, i);

            if (r != NULL && r->node == node)
                table_remove(t, r);
            else
                i++;
        }
        pthread_mutex_unlock(&l->shards[k].lock);
    }
}

/* ---- nodes, under l->lock ---- */

static struct holder *holder_of(struct local *l, int node)
{
    return map_get(&l->holders, (uint64_t)node + 1);
}

static void tell_all(struct local *l)
{
    for (uint32_t i = 0; i < l->ports.len; i++)
        registry_nodes_changed(l->ports.entries[i].value);
}

/* The holder's time is over: its number is free, its routes are gone. */
static void holder_end(struct local *l, struct holder *h)
{
    map_remove(&l->holders, (uint64_t)h->node + 1);
    forget_node(l, h->node);
    free(h);
    tell_all(l);
}

static void expire(struct registry *r)
{
    struct local *l = r->priv;
    int64_t now = clock_mono(r->clock);

    for (uint32_t i = l->holders.len; i-- > 0;) {
        struct holder *h = l->holders.entries[i].value;

        if (h->until > now)
            continue;
        if (h->port != NULL)
            registry_lost(h->port);
        holder_end(l, h);
    }
}

static int join(struct registry_port *p, struct registry_op *op)
{
    struct local *l = p->registry->priv;
    struct holder *h;

    expire(p->registry);
    h = holder_of(l, p->node);
    if (h != NULL && h->port != p)
        return -CF_EXISTS;
    if (h == NULL) {
        h = mem_alloc(sizeof(*h));
        h->node = (uint16_t)p->node;
        h->port = p;
        map_put(&l->holders, (uint64_t)p->node + 1, h);
    }
    h->leaving = false;
    h->lease = ++l->leases;
    h->until = clock_mono(p->registry->clock) + p->registry->lease_ms;
    op->lease = h->lease;
    tell_all(l);
    return 0;
}

static bool holds(struct registry_port *p)
{
    struct holder *h = holder_of(p->registry->priv, p->node);

    return h != NULL && h->port == p &&
           h->until > clock_mono(p->registry->clock);
}

static int renew(struct registry_port *p, struct registry_op *op)
{
    struct holder *h = holder_of(p->registry->priv, p->node);

    if (!holds(p))
        return -CF_STALE;
    h->until = clock_mono(p->registry->clock) + p->registry->lease_ms;
    op->lease = h->lease;
    return 0;
}

static int leave(struct registry_port *p, const struct registry_op *op)
{
    struct local *l = p->registry->priv;
    struct holder *h = holder_of(l, p->node);

    if (!holds(p))
        return -CF_STALE;
    if (!op->leaving) {
        holder_end(l, h);
        return 0;
    }
    h->leaving = true;
    tell_all(l);
    return 0;
}

/* ---- the backend's functions ---- */

static int local_open(struct registry *r, const struct registry_config *cfg,
                      struct error *err)
{
    struct local *l = mem_alloc(sizeof(*l));

    for (int i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&l->shards[i].lock, NULL);
        table_init(&l->shards[i].rows, sizeof(struct row));
    }
    pthread_mutex_init(&l->lock, NULL);
    map_init(&l->holders);
    map_init(&l->ports);
    r->priv = l;
    return 0;
}

static void local_close(struct registry *r)
{
    struct local *l = r->priv;

    for (int i = 0; i < SHARDS; i++) {
        pthread_mutex_destroy(&l->shards[i].lock);
        table_release(&l->shards[i].rows);
    }
    for (uint32_t i = 0; i < l->holders.len; i++)
        free(l->holders.entries[i].value);
    map_release(&l->holders);
    map_release(&l->ports);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static void local_port_open(struct registry_port *p)
{
    struct local *l = p->registry->priv;

    pthread_mutex_lock(&l->lock);
    map_put(&l->ports, (uintptr_t)p, p);
    pthread_mutex_unlock(&l->lock);
}

static void local_port_close(struct registry_port *p, bool crashed)
{
    struct local *l = p->registry->priv;
    struct holder *h;

    pthread_mutex_lock(&l->lock);
    map_remove(&l->ports, (uintptr_t)p);
    h = holder_of(l, p->node);
    if (h != NULL && h->port == p) {
        h->port = NULL;
        if (!crashed)
            holder_end(l, h);
    }
    pthread_mutex_unlock(&l->lock);
}

static int node_verb(struct registry_port *p, struct registry_op *op)
{
    switch (op->verb) {
    case REGISTRY_JOIN:
        return join(p, op);
    case REGISTRY_RENEW:
        return renew(p, op);
    default:
        return leave(p, op);
    }
}

static void user_verb(struct registry_port *p, struct registry_op *op)
{
    struct shard *s = shard_of(p->registry->priv, op->user);

    pthread_mutex_lock(&s->lock);
    if (op->verb == REGISTRY_CLAIM)
        claim(s, p->node, op);
    if (op->verb == REGISTRY_RELEASE)
        release(s, p->node, op);
    else if (op->on)
        route_on(s, op->user, p->node);
    else if (op->verb == REGISTRY_ROUTE)
        route_off(s, op->user, p->node);
    pthread_mutex_unlock(&s->lock);
}

static bool needs_lease(const struct registry_op *op)
{
    return op->verb == REGISTRY_CLAIM || (op->verb == REGISTRY_ROUTE && op->on);
}

static void local_submit(struct registry_port *p, struct registry_op *op)
{
    struct local *l = p->registry->priv;
    int rc = 0;

    if (op->verb == REGISTRY_WHERE) {
        where(l, op);
        registry_done(op, 0);
        return;
    }
    /* The lease cannot end between the question and the row. */
    pthread_mutex_lock(&l->lock);
    if (op->verb <= REGISTRY_LEAVE)
        rc = node_verb(p, op);
    else if (needs_lease(op) && !holds(p))
        rc = -CF_STALE;
    else
        user_verb(p, op);
    pthread_mutex_unlock(&l->lock);
    registry_done(op, rc);
}

static void local_tick(struct registry_port *p)
{
    struct local *l = p->registry->priv;

    pthread_mutex_lock(&l->lock);
    expire(p->registry);
    pthread_mutex_unlock(&l->lock);
}

static int by_number(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

static int local_nodes(struct registry *r, uint16_t *nodes)
{
    struct local *l = r->priv;
    int count = 0;

    pthread_mutex_lock(&l->lock);
    for (uint32_t i = 0; i < l->holders.len; i++) {
        const struct holder *h = l->holders.entries[i].value;

        if (!h->leaving)
            nodes[count++] = h->node;
    }
    pthread_mutex_unlock(&l->lock);
    qsort(nodes, (size_t)count, sizeof(*nodes), by_number);
    return count;
}

const struct registry_backend registry_local = {
    .name = "local",
    .open = local_open,
    .close = local_close,
    .port_open = local_port_open,
    .port_close = local_port_close,
    .submit = local_submit,
    .tick = local_tick,
    .nodes = local_nodes,
};
