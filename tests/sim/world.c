#include "sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "client.h"
#include "stats.h"

#define WALL_START INT64_C(1764000000000)

static int64_t clock_of_wall(const struct clock *c)
{
    const struct sim_clock *clock = container_of(c, struct sim_clock, base);

    return WALL_START + clock->sched->now + clock->skew;
}

static int64_t clock_of_mono(const struct clock *c)
{
    const struct sim_clock *clock = container_of(c, struct sim_clock, base);

    return 1000 + clock->sched->now;
}

/* ---- events ---- */

void world_at(struct world *w, int64_t at, void (*fn)(void *arg), void *arg,
              void (*drop)(void *arg))
{
    struct event e = {
        .at = at, .owner = NOBODY, .fn = fn, .arg = arg, .drop = drop};

    sched_add(&w->sched, &e);
}

void world_trace(struct world *w, int who, const char *what, struct span text)
{
    struct trace_row *row = &w->trace[w->traced++ % TRACE_ROWS];

    row->at = w->sched.now;
    row->who = who;
    snprintf(row->what, sizeof(row->what), "%s", what);
    row->len = (uint16_t)(text.n < TRACE_TEXT ? text.n : TRACE_TEXT);
    if (row->len > 0)
        memcpy(row->text, text.p, row->len);
    w->hash ^= hash_stable(row->what, sizeof(row->what)) + (uint64_t)row->at;
    w->hash *= UINT64_C(0x9e3779b97f4a7c15);
    w->hash ^= (uint64_t)who ^ (text.n > 0 ? hash_stable(text.p, text.n) : 0);
    w->hash *= UINT64_C(0xbf58476d1ce4e5b9);
    w->hash ^= w->hash >> 29;
    if (w->plan->verbose)
        fprintf(stderr, "%9.3f %4d %-10s %.*s\n", (double)row->at / 1000, who,
                what, (int)text.n, text.n > 0 ? text.p : "");
}

void world_break(struct world *w, const char *invariant, const char *fmt, ...)
{
    struct verdict *v = w->verdict;
    va_list args;

    if (world_broken(w))
        return;
    snprintf(v->broken, sizeof(v->broken), "%s", invariant);
    va_start(args, fmt);
    vsnprintf(v->text, sizeof(v->text), fmt, args);
    va_end(args);
}

/* The node does nothing for a while: its events wait, in order. */
static bool put_off(struct world *w, const struct event *e)
{
    const struct station *s = &w->stations[e->owner];
    struct event later = *e;

    if (s->paused_until <= w->sched.now)
        return false;
    later.at = s->paused_until;
    sched_put_off(&w->sched, &later);
    return true;
}

static void run_event(struct world *w, const struct event *e)
{
    struct station *s;

    if (e->owner == NOBODY) {
        e->fn(e->arg);
        return;
    }
    s = &w->stations[e->owner];
    if (s->node == NULL || s->lives != e->life) {
        if (e->drop != NULL)
            e->drop(e->arg);
    } else if (!put_off(w, e)) {
        e->fn(e->arg);
        station_settle(s);
    }
}

void world_until(struct world *w, int64_t at)
{
    struct event e;

    while (!world_broken(w) && w->sched.len > 0 && w->sched.heap[0].at <= at) {
        sched_next(&w->sched, &e);
        w->verdict->events++;
        run_event(w, &e);
        model_catch_up(w);
    }
    if (w->sched.now < at && !world_broken(w))
        w->sched.now = at;
}

/* ---- the services ---- */

static void service_after(void *ctx, int64_t delay, void (*fn)(void *),
                          void *arg)
{
    struct world *w = ctx;

    world_at(w, w->sched.now + delay, fn, arg, NULL);
}

static int64_t store_delay(void *ctx, bool write)
{
    struct world *w = ctx;
    const struct weather *now = &w->weather;
    bool slow = !write && now->read_max > 0 && chance(&w->rng, 333);

    return write ? between(&w->rng, now->write_min, now->write_max)
                 : between(&w->rng, 0, slow ? now->read_max : 3);
}

static void count_fault(int rc, bool happens)
{
    switch (-rc) {
    case CF_FULL:
        stats_count("store: full");
        break;
    case CF_TIMEOUT:
        stats_count("store: timeout");
        break;
    case CF_BUSY:
        stats_count("store: busy");
        break;
    default:
        stats_count(happens ? "store: not known, done"
                            : "store: not known, not done");
    }
}

static int store_fault(void *ctx, enum store_verb verb, bool *happens)
{
    static const int faults[] = {-CF_FULL, -CF_UNKNOWN, -CF_UNKNOWN,
                                 -CF_TIMEOUT, -CF_BUSY};
    struct world *w = ctx;
    int rc;

    *happens = false;
    w->committed |= verb != STORE_MARKS;
    if (w->weather.store_fault == 0 || !chance(&w->rng, w->weather.store_fault))
        return 0;
    rc = faults[rng_below(&w->rng, COUNT_OF(faults))];
    if (rc == -CF_UNKNOWN)
        *happens = chance(&w->rng, 500);
    count_fault(rc, *happens);
    return rc;
}

static const char *const read_names[STORE_VERBS] = {
    [STORE_PAGE] = "read fails: page",
    [STORE_ENTRY] = "read fails: entry",
    [STORE_CID] = "read fails: cid",
    [STORE_HEADS] = "read fails: heads",
    [STORE_CONV] = "read fails: conversation",
    [STORE_CONVS_OF] = "read fails: conversations of a user",
    [STORE_ROSTER] = "read fails: roster",
    [STORE_MEMBER] = "read fails: member",
    [STORE_USER] = "read fails: user",
    [STORE_USERS] = "read fails: users",
    [STORE_DEVICES] = "read fails: devices",
    [STORE_TOKEN] = "read fails: token",
    [STORE_BLOCKS] = "read fails: blocks",
    [STORE_PAIR] = "read fails: pair",
    [STORE_VISIBLE] = "read fails: visible",
    [STORE_AUDIT_READ] = "read fails: audit",
    [STORE_EXPORT] = "read fails: export",
    [STORE_STATS] = "read fails: counts",
};

static int store_read_fault(void *ctx, enum store_verb verb)
{
    static const int faults[] = {-CF_BUSY, -CF_TIMEOUT, -CF_UNAVAILABLE};
    struct world *w = ctx;

    if (w->weather.read_fault == 0 || !chance(&w->rng, w->weather.read_fault))
        return 0;
    stats_count(read_names[verb]);
    return faults[rng_below(&w->rng, COUNT_OF(faults))];
}

/* Order between two nodes is kept, except in bad weather. */
static int bus_fate(void *ctx, int from, int to, int64_t *delays)
{
    struct world *w = ctx;
    struct weather *now = &w->weather;
    int a = from - 1, b = to - 1, copies = 1;
    int64_t at;

    if (a != b && (now->cut[a][b] || chance(&w->rng, now->loss)))
        return 0;
    if (a != b && chance(&w->rng, now->dup))
        copies = 2;
    for (int i = 0; i < copies; i++) {
        at = w->sched.now +
             (a == b ? 0 : between(&w->rng, now->bus_min, now->bus_max));
        if (now->last_bus[a][b] > at) {
            if (chance(&w->rng, now->disorder))
                w->disordered++;
            else
                at = now->last_bus[a][b];
        }
        if (at > now->last_bus[a][b])
            now->last_bus[a][b] = at;
        delays[i] = at - w->sched.now;
    }
    return copies;
}

static void open_services(struct world *w)
{
    struct store_config store = {
        .backend = "memory", .clock = &w->clock.base, .sim = &w->store_sim};
    struct bus_config bus = {.backend = "memory", .sim = &w->bus_sim};
    struct registry_config registry = {.clock = &w->clock.base};
    struct presence_config presence = {.clock = &w->clock.base};
    struct error err;

    w->store_sim = (struct store_memory_sim){
        .after = service_after,
        .ctx = w,
        .delay = store_delay,
        .fault = store_fault,
        .read_fault = store_read_fault,
        .ack_before_commit = w->sabotage.ack_before_commit,
        .no_dedupe = w->sabotage.no_dedupe,
    };
    w->bus_sim = (struct bus_memory_sim){service_after, bus_fate, w};
    if (store_open(&w->store, &store, &err) < 0 ||
        bus_open(&w->bus, &bus, &err) < 0 ||
        registry_open(&w->registry, &registry, &err) < 0 ||
        presence_open(&w->presence, &presence, &err) < 0)
        world_break(w, "start", "%s", err.text);
}

/* ---- users ---- */

static void user_post(void *ctx, void (*fn)(void *), void *arg)
{
    service_after(ctx, 0, fn, arg);
}

static void user_added(struct store_op *op)
{
    if (op->rc < 0)
        world_break(op->ctx, "start", "no user: %s", error_name(op->rc));
}

static void token_hash(struct span token, uint8_t out[TOKEN_HASH])
{
    memset(out, 0, TOKEN_HASH);
    memcpy(out, token.p, token.n < TOKEN_HASH ? token.n : TOKEN_HASH);
}

/* One device, as the store learns of it: with its user the first time. */
static void add_device(struct world *w, struct store_port *port,
                       struct client *c, bool first)
{
    struct store_op op;
    char token[32], name[16];

    snprintf(token, sizeof(token), "t-%" PRIu64 "-%u", c->user,
             (unsigned)c->dev);
    snprintf(name, sizeof(name), "user%" PRIu64, c->user);
    store_op_init(&op, first ? STORE_USER_ADD : STORE_DEVICE_ADD, user_added,
                  w);
    op.user = c->user;
    op.name = name;
    op.text = SPAN("device");
    op.now = WALL_START;
    token_hash(span_of(token), op.hash);
    store_submit(port, &op);
    world_until(w, w->sched.now + 3);
    if (op.dev != c->dev && !world_broken(w))
        world_break(w, "start", "device %u instead of %u", (unsigned)op.dev,
                    (unsigned)c->dev);
    store_op_release(&op);
}

static void make_users(struct world *w)
{
    struct store_port *port = store_port_new(w->store, user_post, w);

    w->weather = (struct weather){.write_max = 1};
    for (int i = 0; i < w->client_count && !world_broken(w); i++)
        add_device(w, port, &w->clients[i], i < w->user_count);
    world_until(w, w->sched.now + 10);
    store_port_free(&port);
}

/* ---- a run ---- */

static void set_size(struct world *w)
{
    const struct plan *p = w->plan;

    w->station_count =
        p->stations > 0 ? p->stations : (int)between(&w->rng, 2, 4);
    w->client_count =
        p->clients > 0 ? p->clients : (int)between(&w->rng, 20, 160);
    w->user_count = w->client_count * 3 / 4;
    if (w->user_count < 2)
        w->user_count = w->client_count;
    w->chaos_ms = between(&w->rng, 40000, 80000);
    w->acting_per_second =
        (int)(INT64_C(500) * 1000 * 1000 / (w->chaos_ms * w->client_count)) + 1;
    w->config = (struct node_config){
        .live_members = chance(&w->rng, 300) ? 12 : 512,
        .backlog = chance(&w->rng, 300) ? 30 : 0,
    };
}

static void world_init(struct world *w, const struct plan *plan,
                       struct verdict *v)
{
    *w = (struct world){.plan = plan, .verdict = v, .hash = plan->seed};
    *v = (struct verdict){.seed = plan->seed};
    sched_init(&w->sched);
    rng_init_seeded(&w->rng, plan->seed);
    w->trace = mem_array(TRACE_ROWS, sizeof(*w->trace));
    w->clock = (struct sim_clock){{clock_of_wall, clock_of_mono}, &w->sched, 0};
    buf_init(&w->scratch, LIMIT_FRAME + LIMIT_ENTRY_WIRE);
    if (plan->sabotage != NULL)
        sabotage_set(&w->sabotage, plan->sabotage);
    set_size(w);
    open_services(w);
    w->model = model_new(w);
    map_init(&w->groups);
    map_init(&w->blocked);
    for (int i = 0; i < w->station_count; i++) {
        station_init(w, i);
        w->stations[i].clock = w->clock;
    }
    clients_start(w);
}

static void print_trace(const struct world *w)
{
    uint64_t from = w->traced > 60 ? w->traced - 60 : 0;

    fprintf(stderr, "seed %" PRIu64 ": %s broken: %s\n", w->plan->seed,
            w->verdict->broken, w->verdict->text);
    for (uint64_t i = from; i < w->traced; i++) {
        const struct trace_row *row = &w->trace[i % TRACE_ROWS];

        fprintf(stderr, "%9.3f %4d %-10s %.*s\n", (double)row->at / 1000,
                row->who, row->what, (int)row->len, row->text);
    }
}

static void world_release(struct world *w)
{
    w->ending = true;
    for (int i = 0; i < w->station_count; i++) {
        if (w->stations[i].node != NULL)
            station_crash(&w->stations[i], false);
    }
    sched_release(&w->sched);
    pipes_free(w);
    clients_free(w);
    model_free(&w->model);
    map_release(&w->groups);
    map_release(&w->blocked);
    presence_close(&w->presence);
    registry_close(&w->registry);
    bus_close(&w->bus);
    store_close(&w->store);
    while (w->lives != NULL) {
        struct life *l = w->lives;

        w->lives = l->older;
        free(l);
    }
    buf_release(&w->scratch);
    free(w->trace);
}

static void start_one(void *arg)
{
    struct station *s = arg;

    if (s->node == NULL)
        station_start(s);
}

/* All at once, or one after the other while people write already. */
static void start_stations(struct world *w)
{
    bool slowly = chance(&w->rng, 400);

    if (slowly)
        stats_count("start: one node after the other");
    for (int i = 0; i < w->station_count && !world_broken(w); i++)
        world_at(w, world_now(w) + (slowly ? between(&w->rng, 0, 12000) : 0),
                 start_one, &w->stations[i], NULL);
}

void world_run(const struct plan *plan, struct verdict *v)
{
    static struct world w;

    stats_run();
    world_init(&w, plan, v);
    make_users(&w);
    start_stations(&w);
    nemesis_start(&w);
    world_until(&w, w.sched.now + w.chaos_ms);
    finish(&w);
    v->hash = w.hash;
    if (world_broken(&w) && !plan->quiet)
        print_trace(&w);
    world_release(&w);
}
