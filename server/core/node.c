/* node.c - a node: its ports, its timers, its place among the others, its end.
 * Everything that runs in it is called from here or from a port. */
#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/conn.h"
#include "store/store_memory.h"

#define SCRATCH_MAX (2 * 1024 * 1024)
#define SCRATCH_KEEP (64 * 1024) /* memory kept between turns */

/* ---- operations under way ---- */

void node_op_begin(struct node *n, struct node_op *op,
                   void (*release)(struct node_op *op))
{
    op->node = n;
    op->release = release;
    list_push(&n->ops, &op->link);
    n->pending++;
}

void node_op_end(struct node_op *op)
{
    list_remove(&op->link);
    op->node->pending--;
    op->release(op);
}

/* ---- lease and ring ---- */

static void lease_release(struct node_op *op)
{
    struct lease_op *l = container_of(op, struct lease_op, op);

    registry_op_release(&l->reg);
    free(l);
}

void node_ask_registry(struct node *n, enum registry_verb verb, bool leaving,
                       void (*done)(struct registry_op *op))
{
    struct lease_op *l = mem_alloc(sizeof(*l));

    registry_op_init(&l->reg, verb, done, l);
    l->reg.leaving = leaving;
    node_op_begin(n, &l->op, lease_release);
    registry_submit(n->registry, &l->reg);
}

static void lease_gone(struct node *n)
{
    if (!n->ready)
        return;
    log_warn("node %d: the lease is lost", n->env.number);
    n->ready = false;
    n->lost = true;
    n->lease = 0;
    home_ring_changed(n);
}

static void joined(struct registry_op *reg)
{
    struct lease_op *l = reg->ctx;
    struct node *n = l->op.node;

    n->asking = false;
    if (reg->rc == 0) {
        n->lease = reg->lease;
        n->ready = true;
        if (n->lost)
            users_tell_again(n);
        n->lost = false;
        home_ring_changed(n);
    }
    node_op_end(&l->op);
}

static void renewed(struct registry_op *reg)
{
    struct lease_op *l = reg->ctx;
    struct node *n = l->op.node;

    n->asking = false;
    if (reg->rc == -CF_STALE)
        lease_gone(n);
    node_op_end(&l->op);
}

static void keep_lease(struct node *n)
{
    if (n->asking || n->drain != DRAIN_NOT)
        return;
    n->asking = true;
    node_ask_registry(n, n->ready ? REGISTRY_RENEW : REGISTRY_JOIN, false,
                      n->ready ? renewed : joined);
}

/* Whenever the set of nodes changed, also when a node is back so soon that
 * the set is the same: what one of them had committed and not told is in the
 * store. */
static void nodes_changed(void *ctx, const uint16_t *nodes, int count)
{
    struct node *n = ctx;

    free(n->nodes);
    n->nodes = mem_array((size_t)count + 1, sizeof(*nodes));
    for (int i = 0; i < count; i++)
        n->nodes[i] = nodes[i];
    n->node_count = count;
    ring_set(&n->ring, nodes, count);
    home_ring_changed(n);
    repair_from_store(n, -1);
}

static void lease_lost(void *ctx)
{
    lease_gone(ctx);
}

int node_home_of(const struct node *n, uint64_t conv)
{
    return ring_node(&n->ring, conv);
}

uint64_t node_make_id(struct node *n)
{
    return n->ready ? id_next(&n->ids, clock_wall(n->env.clock)) : 0;
}

bool node_ready(const struct node *n)
{
    return n->ready;
}

/* ---- timers ---- */

static void second(struct timer *t, void *node)
{
    struct node *n = node;

    timer_set(&n->wheel, t, now_mono(n) + n->config.tick_ms);
    keep_lease(n);
    registry_tick(n->registry);
    if (!SABOTAGED(n, presence_no_ttl))
        presence_tick(n->presence);
    peer_tick(n);
    marks_pace(n);
    homes_tick(n);
    node_drain_step(n);
}

static void fold(struct timer *t, void *node)
{
    marks_fold(node);
    view_tick(node);
}

void node_tick(struct node *n)
{
    wheel_advance(&n->wheel, now_mono(n));
}

int64_t node_next(const struct node *n)
{
    return wheel_next(&n->wheel);
}

void node_turn_end(struct node *n)
{
    marks_turn(n);
    node_drain_step(n);
    if (n->scratch.cap > SCRATCH_KEEP)
        buf_release(&n->scratch);
}

/* ---- beginning ---- */

static void default_to(int64_t *v, int64_t value)
{
    if (*v == 0)
        *v = value;
}

static void default_int(int *v, int value)
{
    if (*v == 0)
        *v = value;
}

static void set_config(struct node *n)
{
    struct node_config *c = &n->config;

    if (n->env.config != NULL)
        *c = *n->env.config;
    default_int(&c->live_members, LIMIT_LIVE_MEMBERS);
    default_to(&c->backlog, LIMIT_BACKLOG);
    default_to(&c->hello_ms, LIMIT_HELLO_MS);
    default_to(&c->heartbeat_ms, LIMIT_HEARTBEAT_MS);
    default_to(&c->ttl_ms, LIMIT_TTL_PRESENCE_MS);
    default_to(&c->stall_ms, LIMIT_STALL_MS);
    default_to(&c->fold_ms, LIMIT_MARK_FOLD_MS);
    default_to(&c->head_ms, LIMIT_HEAD_MS);
    default_to(&c->tick_ms, LIMIT_TICK_MS);
    default_int(&c->sends_rate, LIMIT_SENDS_RATE);
    default_int(&c->sends_burst, LIMIT_SENDS_BURST);
    default_int(&c->control_rate, LIMIT_CONTROL_RATE);
    default_int(&c->control_burst, LIMIT_CONTROL_BURST);
}

static void open_ports(struct node *n)
{
    const struct node_env *env = &n->env;
    struct bus_events bus = {peer_message, peer_gap, n};
    struct registry_events reg = {nodes_changed, lease_lost, n};

    n->store = store_port_new(env->store, env->post, env->post_ctx);
    n->bus =
        bus_port_new(env->bus, env->number, env->post, env->post_ctx, &bus);
    n->registry = registry_port_new(env->registry, env->number, env->post,
                                    env->post_ctx, &reg);
    n->presence = presence_port_new(env->presence, env->number, env->post,
                                    env->post_ctx, view_changed, n);
}

static void init_lists(struct node *n)
{
    map_init(&n->conns);
    map_init(&n->users);
    map_init(&n->lives);
    map_init(&n->homes);
    map_init(&n->peers);
    map_init(&n->watched);
    list_init(&n->ops);
    list_init(&n->home_lru);
    list_init(&n->receipts_dirty);
    marks_pace(n);
    list_init(&n->view_dirty);
    list_init(&n->marks_now);
    list_init(&n->marks_soon);
    list_init(&n->marks_dirty);
}

struct node *node_new(const struct node_env *env, struct error *err)
{
    struct node *n;

    if (env->number < 0 || env->number >= ID_NODES) {
        error_set(err, CF_INVALID, "a node's number is 0 to %d, not %d",
                  ID_NODES - 1, env->number);
        return NULL;
    }
    n = mem_alloc(sizeof(*n));
    n->env = *env;
    set_config(n);
    init_lists(n);
    wheel_init(&n->wheel, now_mono(n), n);
    id_maker_init(&n->ids, (uint16_t)env->number);
    ring_init(&n->ring);
    buf_init(&n->scratch, SCRATCH_MAX);
    metrics_init(&n->metrics, node_metric_defs, NM_COUNT);
    timer_init(&n->second, second);
    timer_init(&n->fold, fold);
    /* Ids of connections name one life of one node. */
    n->next_conn = (uint64_t)clock_wall(env->clock) << 20;
    open_ports(n);
    keep_lease(n);
    timer_set(&n->wheel, &n->second, now_mono(n) + n->config.tick_ms);
    return n;
}

/* ---- ending ---- */

static void free_conns(struct node *n)
{
    for (uint32_t i = 0; i < n->conns.len; i++) {
        struct conn *c = n->conns.entries[i].value;

        c->state = CONN_CLOSED;
        fence_free(c);
        sync_free(c);
        conn_end(c);
    }
    for (uint32_t i = 0; i < n->conns.len; i++)
        conn_free(n->conns.entries[i].value);
    map_release(&n->conns);
}

static void free_ops(struct node *n)
{
    struct link *k;

    while ((k = list_first(&n->ops)) != NULL)
        node_op_end(container_of(k, struct node_op, link));
}

static void free_rest(struct node *n)
{
    homes_free(n);
    peers_free(n);
    free_ops(n);
    marks_all_free(n);
    users_free(n);
    lives_free(n);
    watched_free(n);
    map_release(&n->homes);
    map_release(&n->peers);
    ring_release(&n->ring);
    metrics_release(&n->metrics);
    buf_release(&n->scratch);
    free(n->nodes);
    free(n);
}

static void end(struct node **np, bool crashed)
{
    struct node *n = *np;

    if (n == NULL)
        return;
    *np = NULL;
    n->ending = true;
    free_conns(n);
    if (crashed) {
        store_memory_crash(n->env.store, &n->store, 1);
        registry_crash(&n->registry);
    } else {
        registry_port_free(&n->registry);
        store_port_free(&n->store);
    }
    presence_port_free(&n->presence);
    bus_port_free(&n->bus);
    free_rest(n);
}

void node_free(struct node **n)
{
    end(n, false);
}

void node_crash(struct node **n)
{
    end(n, true);
}

/* ---- from the shell ---- */

void node_revoke(struct node *n, uint64_t user, uint32_t dev)
{
    conn_kick(n, 0, user, dev, 4401);
    for (int i = 0; i < n->node_count; i++) {
        if (n->nodes[i] != n->env.number)
            route_kick(n, n->nodes[i], 0, user, dev, 4401);
    }
}

void node_stats(const struct node *n, struct node_stats *out)
{
    *out = (struct node_stats){
        .conns = n->conns.len,
        .users = n->users.len,
        .homes = n->homes.len,
        .lives = n->lives.len,
        .behind = n->behind,
        .pending = n->pending,
    };
}

int node_store_pending(const struct node *n)
{
    return store_port_pending(n->store);
}

struct metrics *node_metrics(struct node *n)
{
    return &n->metrics;
}

const struct timing *node_sent_hist(const struct node *n)
{
    return &n->sent_hist;
}
