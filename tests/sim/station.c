/* station.c - a server node in the simulation: it starts, dies, drains,
 * pauses, and comes back under the same number. */
#include "client.h"
#include "sim.h"
#include "stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

void station_at(struct station *s, int64_t at, void (*fn)(void *arg), void *arg,
                void (*drop)(void *arg))
{
    struct event e = {at, 0, s->index, s->lives, fn, drop, arg};

    sched_add(&s->world->sched, &e);
}

static void life_post(void *ctx, void (*fn)(void *), void *arg)
{
    struct life *l = ctx;
    struct station *s = l->station;
    struct world *w = s->world;
    int64_t lag = w->weather.lag[s->index], at = w->sched.now;
    struct event e = {.owner = s->index, .life = l->number, .fn = fn};

    if (lag > 0)
        at += between(&w->rng, 0, lag);
    if (s->post_at < at)
        s->post_at = at;
    e.at = s->post_at; /* in order */
    e.arg = arg;
    sched_add(&w->sched, &e);
}

static void token_hash(struct span token, uint8_t out[TOKEN_HASH])
{
    memset(out, 0, TOKEN_HASH);
    memcpy(out, token.p, token.n < TOKEN_HASH ? token.n : TOKEN_HASH);
}

static void tick(void *arg)
{
    struct station *s = arg;

    s->tick_at = 0;
    node_tick(s->node);
}

void station_settle(struct station *s)
{
    int64_t next;

    if (s->node == NULL)
        return;
    node_turn_end(s->node);
    next = node_next(s->node);
    if (next == INT64_MAX)
        return;
    next -= clock_mono(&s->clock.base) - s->world->sched.now;
    if (next <= s->world->sched.now)
        next = s->world->sched.now + 1;
    if (s->tick_at == 0 || next < s->tick_at) {
        s->tick_at = next;
        station_at(s, next, tick, s, NULL);
    }
}

void station_init(struct world *w, int index)
{
    struct station *s = &w->stations[index];

    *s = (struct station){.world = w, .index = index};
    list_init(&s->pipes);
    rng_init_seeded(&s->rng, rng_u64(&w->rng));
}

void station_start(struct station *s)
{
    struct world *w = s->world;
    struct node_env env = {
        .number = s->index + 1,
        .clock = &s->clock.base,
        .rng = &s->rng,
        .store = w->store,
        .bus = w->bus,
        .registry = w->registry,
        .presence = w->presence,
        .transport = &pipe_transport,
        .post = life_post,
        .token_hash = token_hash,
        .config = &w->config,
        .sabotage = &w->sabotage,
        .seen = stats_count,
    };
    struct error err;

    s->lives++;
    s->life = mem_alloc(sizeof(*s->life));
    *s->life = (struct life){s, s->lives, w->lives};
    w->lives = s->life;
    s->draining = false;
    s->paused_until = s->tick_at = 0;
    env.post_ctx = s->life;
    world_trace(w, s->index, "start", SPAN(""));
    s->node = node_new(&env, &err);
    if (s->node == NULL)
        world_break(w, "start", "node %d: %s", env.number, err.text);
    station_settle(s);
    if (!w->calm)
        clients_rush(w);
}

static void orphan_pipes(struct station *s, bool loud)
{
    list_each (&s->pipes, l, tmp)
        pipe_orphan(container_of(l, struct pipe, of_station), loud);
    list_init(&s->pipes);
}

void station_crash(struct station *s, bool loud)
{
    if (s->node == NULL)
        return;
    if (!s->world->ending)
        world_trace(s->world, s->index, "crash", SPAN(""));
    node_crash(&s->node);
    orphan_pipes(s, loud);
    s->world->verdict->crashes++;
}

/* Wait for the end of the drain, then stop in order. */
static void drain_look(void *arg)
{
    struct station *s = arg;

    if (!node_drained(s->node)) {
        station_at(s, s->world->sched.now + 50, drain_look, s, NULL);
        return;
    }
    world_trace(s->world, s->index, "drained", SPAN(""));
    node_free(&s->node);
    orphan_pipes(s, true);
}

void station_drain(struct station *s)
{
    if (s->node == NULL || s->draining)
        return;
    world_trace(s->world, s->index, "drain", SPAN(""));
    s->draining = true;
    node_drain(s->node, 3000);
    station_settle(s);
    station_at(s, s->world->sched.now + 50, drain_look, s, NULL);
}
