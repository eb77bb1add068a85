/* harness.c - events, backends and nodes. */
#include "harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/hash.h"
#include "base/mem.h"

struct rig_event {
    struct rig_event *next;
    int64_t at;
    void (*fn)(void *);
    void *arg;
};

/* ---- events ---- */

void rig_event(struct rig *r, int64_t at, void (*fn)(void *), void *arg)
{
    struct rig_event *e = mem_alloc(sizeof(*e)), **p = &r->events;

    e->at = at;
    e->fn = fn;
    e->arg = arg;
    while (*p != NULL && (*p)->at <= at)
        p = &(*p)->next;
    e->next = *p;
    *p = e;
}

static void after(void *ctx, int64_t delay, void (*fn)(void *), void *arg)
{
    struct rig *r = ctx;

    rig_event(r, r->clock.mono_ms + delay, fn, arg);
}

static void post(void *ctx, void (*fn)(void *), void *arg)
{
    after(ctx, ((struct rig *)ctx)->post_ms, fn, arg);
}

static int64_t store_delay(void *ctx, bool write)
{
    struct rig *r = ctx;

    return write ? r->write_ms : r->read_ms;
}

static int store_fault(void *ctx, enum store_verb verb, bool *happens)
{
    struct rig *r = ctx;

    *happens = false;
    return r->fault;
}

static int read_fault(void *ctx, enum store_verb verb)
{
    struct rig *r = ctx;

    return verb == r->fault_verb ? r->read_fault : 0;
}

static int bus_fate(void *ctx, int from, int to, int64_t *delays)
{
    struct rig *r = ctx;

    delays[0] = 0;
    return r->bus_down && from != to ? 0 : 1;
}

static void end_turn(struct rig *r)
{
    for (int i = 0; i < r->node_count; i++) {
        if (r->nodes[i] != NULL)
            node_turn_end(r->nodes[i]);
    }
}

static int64_t next_time(const struct rig *r)
{
    int64_t next = r->events != NULL ? r->events->at : INT64_MAX;

    for (int i = 0; i < r->node_count; i++) {
        int64_t t = r->nodes[i] != NULL ? node_next(r->nodes[i]) : INT64_MAX;

        if (t < next)
            next = t;
    }
    return next;
}

static void run_due(struct rig *r)
{
    int64_t now = r->clock.mono_ms;

    for (int i = 0; i < r->node_count; i++) {
        if (r->nodes[i] != NULL && node_next(r->nodes[i]) <= now)
            node_tick(r->nodes[i]);
    }
    end_turn(r);
    while (r->events != NULL && r->events->at <= now) {
        struct rig_event *e = r->events;

        r->events = e->next;
        e->fn(e->arg);
        free(e);
        end_turn(r);
    }
}

void rig_run(struct rig *r, int64_t ms)
{
    int64_t end = r->clock.mono_ms + ms;

    run_due(r);
    while (next_time(r) <= end) {
        int64_t at = next_time(r);

        if (at > r->clock.mono_ms)
            clock_manual_advance(&r->clock, at - r->clock.mono_ms);
        run_due(r);
    }
    if (end > r->clock.mono_ms)
        clock_manual_advance(&r->clock, end - r->clock.mono_ms);
    run_due(r);
}

/* ---- the rig ---- */

void rig_token_hash(struct span token, uint8_t out[TOKEN_HASH])
{
    uint64_t h = hash_stable(token.p, token.n);

    memset(out, 0, TOKEN_HASH);
    memcpy(out, &h, sizeof(h));
}

static void open_backends(struct rig *r)
{
    struct store_config store = {
        .backend = "memory", .clock = &r->clock.base, .sim = &r->store_sim};
    struct bus_config bus = {.backend = "memory", .sim = &r->bus_sim};
    struct registry_config reg = {.clock = &r->clock.base};
    struct presence_config pres = {.clock = &r->clock.base};
    struct error err = {0};

    r->store_sim = (struct store_memory_sim){.after = after,
                                             .ctx = r,
                                             .delay = store_delay,
                                             .fault = store_fault,
                                             .read_fault = read_fault};
    r->bus_sim =
        (struct bus_memory_sim){.after = after, .fate = bus_fate, .ctx = r};
    store_backend_add(&store_memory);
    ck_assert_msg(store_open(&r->store, &store, &err) == 0, "%s", err.text);
    ck_assert_msg(bus_open(&r->bus, &bus, &err) == 0, "%s", err.text);
    ck_assert_msg(registry_open(&r->registry, &reg, &err) == 0, "%s", err.text);
    ck_assert_msg(presence_open(&r->presence, &pres, &err) == 0, "%s",
                  err.text);
    r->port = store_port_new(r->store, post, r);
}

static void add_node(struct rig *r)
{
    struct node_env env = {
        .number = r->node_count,
        .clock = &r->clock.base,
        .rng = &r->rng,
        .store = r->store,
        .bus = r->bus,
        .registry = r->registry,
        .presence = r->presence,
        .transport = &rig_transport,
        .post = post,
        .post_ctx = r,
        .token_hash = rig_token_hash,
        .config = &r->config,
        .sabotage = &r->sabotage,
    };
    struct error err = {0};

    r->nodes[r->node_count] = node_new(&env, &err);
    ck_assert_msg(r->nodes[r->node_count] != NULL, "%s", err.text);
    r->node_count++;
}

struct rig *rig_new(int nodes, void (*adjust)(struct rig *r))
{
    struct rig *r = mem_alloc(sizeof(*r));

    clock_manual_init(&r->clock, INT64_C(1764000000000));
    rng_init_seeded(&r->rng, 1);
    r->write_ms = 1;
    if (adjust != NULL)
        adjust(r);
    open_backends(r);
    for (int i = 0; i < nodes; i++)
        add_node(r);
    rig_run(r, 10);
    for (int i = 0; i < nodes; i++)
        ck_assert(node_ready(r->nodes[i]));
    return r;
}

void rig_free(struct rig **rp)
{
    struct rig *r = *rp;

    r->fault = 0;
    rig_run(r, 5000);
    for (int i = 0; i < r->node_count; i++)
        node_crash(&r->nodes[i]);
    rig_run(r, 10);
    store_port_free(&r->port);
    presence_close(&r->presence);
    registry_close(&r->registry);
    bus_close(&r->bus);
    store_close(&r->store);
    while (r->events != NULL) {
        struct rig_event *e = r->events;

        r->events = e->next;
        free(e);
    }
    free(r);
    *rp = NULL;
}
