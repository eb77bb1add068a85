/* nemesis.c - what goes wrong, one thing every few seconds, often several at
 * a time: nodes die, stop, drain; the bus loses, doubles, delays, splits; the
 * store is slow or fails; clocks jump; crowds of clients fall off; homes of
 * conversations move while people write. */
#include "client.h"
#include "sim.h"
#include "stats.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const struct weather fair = {
    .bus_max = 3,
    .write_min = 1,
    .write_max = 6,
};

static void strike(void *arg);

static struct station *any_station(struct world *w)
{
    return &w->stations[rng_below(&w->rng, (uint64_t)w->station_count)];
}

static void restart(void *arg)
{
    struct station *s = arg;

    if (s->node == NULL)
        station_start(s);
}

static void restart_after_drain(void *arg)
{
    struct station *s = arg;

    if (s->node == NULL)
        station_start(s);
    else if (s->draining)
        world_at(s->world, world_now(s->world) + 500, restart_after_drain, s,
                 NULL);
}

static void do_crash(struct world *w)
{
    struct station *s = any_station(w);
    int64_t pause = chance(&w->rng, 500) ? between(&w->rng, 50, 500)
                                         : between(&w->rng, 1000, 9000);

    station_crash(s, !chance(&w->rng, 200));
    world_at(w, world_now(w) + pause, restart, s, NULL);
}

static void crash_another(void *arg)
{
    struct world *w = arg;

    if (!w->calm)
        do_crash(w);
}

/* Several within a second. */
static void do_crashes(struct world *w)
{
    int more = (int)between(&w->rng, 1, 2);

    do_crash(w);
    for (int i = 0; i < more; i++)
        world_at(w, world_now(w) + between(&w->rng, 1, 800), crash_another, w,
                 NULL);
}

static void do_drain(struct world *w)
{
    struct station *s = any_station(w);

    station_drain(s);
    world_at(w, world_now(w) + 1000, restart_after_drain, s, NULL);
}

static void do_pause(struct world *w)
{
    struct station *s = any_station(w);
    int64_t until;

    world_trace(w, s->index, "pause", SPAN(""));
    until = world_now(w) + (chance(&w->rng, 300) ? between(&w->rng, 4000, 12000)
                                                 : between(&w->rng, 50, 2000));
    if (until > s->paused_until)
        s->paused_until = until;
}

/* ---- spells of bad weather ---- */

static void clear_bus(void *arg)
{
    struct world *w = arg;

    w->weather.loss = w->weather.dup = w->weather.disorder = 0;
    w->weather.bus_max = fair.bus_max;
    w->weather.bus_min = 0;
}

static void clear_store(void *arg)
{
    struct world *w = arg;

    w->weather.write_min = fair.write_min;
    w->weather.write_max = fair.write_max;
    w->weather.read_max = 0;
    w->weather.store_fault = w->weather.read_fault = 0;
}

static void clear_cuts(void *arg)
{
    struct world *w = arg;

    for (int i = 0; i < STATIONS_MAX * STATIONS_MAX; i++)
        w->weather.cut[i / STATIONS_MAX][i % STATIONS_MAX] = false;
}

static void spell(struct world *w, void (*end)(void *arg))
{
    world_at(w, world_now(w) + between(&w->rng, 1000, 12000), end, w, NULL);
}

static void clear_lag(void *arg)
{
    struct world *w = arg;

    memset(w->weather.lag, 0, sizeof(w->weather.lag));
}

/* A node is slow to look at answers, and at who is there. */
static void do_lag(struct world *w)
{
    w->weather.lag[any_station(w)->index] =
        between(&w->rng, 1, chance(&w->rng, 300) ? 1000 : 60);
    spell(w, clear_lag);
}

static void do_loss(struct world *w)
{
    w->weather.loss = (int)between(&w->rng, 5, 400);
    spell(w, clear_bus);
}

static void do_disorder(struct world *w)
{
    w->weather.dup = (int)between(&w->rng, 0, 300);
    w->weather.disorder = (int)between(&w->rng, 0, 300);
    w->weather.bus_max = w->weather.bus_min + between(&w->rng, 3, 200);
    spell(w, clear_bus);
}

static void do_slow_bus(struct world *w)
{
    w->weather.bus_min = between(&w->rng, 0, 1500);
    w->weather.bus_max = w->weather.bus_min + between(&w->rng, 0, 1500);
    spell(w, clear_bus);
}

static void do_cut(struct world *w)
{
    int a = any_station(w)->index, b = any_station(w)->index;

    w->weather.cut[a][b] = true;
    if (chance(&w->rng, 700))
        w->weather.cut[b][a] = true;
    spell(w, clear_cuts);
}

static void do_slow_store(struct world *w)
{
    w->weather.write_min = between(&w->rng, 1, 200);
    w->weather.write_max =
        w->weather.write_min +
        between(&w->rng, 0, chance(&w->rng, 200) ? 7000 : 800);
    spell(w, clear_store);
}

static void do_bad_store(struct world *w)
{
    w->weather.store_fault = (int)between(&w->rng, 5, 300);
    spell(w, clear_store);
}

/* Some of all reads for a while, or all of them for a moment. */
static void do_bad_reads(struct world *w)
{
    if (chance(&w->rng, 300)) {
        w->weather.read_fault = 1000;
        world_at(w, world_now(w) + between(&w->rng, 20, 3000), clear_store, w,
                 NULL);
    } else {
        w->weather.read_fault = (int)between(&w->rng, 5, 500);
        spell(w, clear_store);
    }
    if (chance(&w->rng, 300))
        clients_rush(w);
}

static void do_clock(struct world *w)
{
    int64_t far = chance(&w->rng, 200) ? 60000 : 4000;

    any_station(w)->clock.skew += between(&w->rng, -far, far);
}

/* Many clients lose their connections at once. */
static void do_herd(struct world *w)
{
    for (int i = 0; i < w->client_count; i++) {
        struct client *c = &w->clients[i];

        if (c->pipe != NULL && chance(&w->rng, 400))
            client_leave(c, chance(&w->rng, 500) ? LEAVE_RESET : LEAVE_HANG,
                         world_now(w) + between(&c->rng, 1, 3000));
    }
}

/* ---- homes of conversations that move with much under way ---- */

static void flap_end(void *arg)
{
    struct station *s = arg;

    if (s->world->calm)
        return;
    station_drain(s);
    restart_after_drain(s);
}

static void flap_begin(void *arg)
{
    struct station *s = arg;
    struct world *w = s->world;

    if (w->calm)
        return;
    restart(s);
    world_at(w, world_now(w) + between(&w->rng, 20, 500), flap_end, s, NULL);
}

/* It comes for a moment: homes move to it and back within one slow read. */
static void flap(void *arg)
{
    struct station *s = arg;
    struct world *w = s->world;

    if (w->calm)
        return;
    if (s->draining && s->node != NULL) {
        world_at(w, world_now(w) + 500, flap, s, NULL);
        return;
    }
    w->weather.read_max = between(&w->rng, 500, 4000);
    spell(w, clear_store);
    if (chance(&w->rng, 500)) {
        w->weather.bus_max = w->weather.bus_min + between(&w->rng, 50, 1500);
        spell(w, clear_bus);
    }
    clients_rush(w);
    world_at(w, world_now(w) + between(&w->rng, 1, 300), flap_begin, s, NULL);
}

/* A node goes and comes back while checks are being read and people write. */
static void do_move(struct world *w)
{
    struct station *s = any_station(w);

    w->weather.read_max = between(&w->rng, 100, 3000);
    if (chance(&w->rng, 500))
        w->weather.bus_max = w->weather.bus_min + between(&w->rng, 3, 400);
    if (chance(&w->rng, 500))
        w->weather.store_fault = (int)between(&w->rng, 5, 100);
    spell(w, clear_store);
    spell(w, clear_bus);
    clients_rush(w);
    station_drain(s);
    world_at(w, world_now(w) + 1000,
             chance(&w->rng, 700) ? flap : restart_after_drain, s, NULL);
}

/* ---- which and when ---- */

static const struct {
    const char *name;
    int weight;
    void (*act)(struct world *w);
} evils[] = {
    {"evil: crash", 200, do_crash},
    {"evil: crashes", 40, do_crashes},
    {"evil: drain", 60, do_drain},
    {"evil: pause", 90, do_pause},
    {"evil: lag", 90, do_lag},
    {"evil: loss", 130, do_loss},
    {"evil: disorder", 90, do_disorder},
    {"evil: slow bus", 70, do_slow_bus},
    {"evil: cut", 110, do_cut},
    {"evil: slow store", 60, do_slow_store},
    {"evil: bad store", 90, do_bad_store},
    {"evil: bad reads", 90, do_bad_reads},
    {"evil: move", 90, do_move},
    {"evil: clock", 60, do_clock},
    {"evil: herd", 40, do_herd},
};

static void strike(void *arg)
{
    struct world *w = arg;
    int total = 0, at;

    if (w->calm)
        return;
    for (size_t i = 0; i < COUNT_OF(evils); i++)
        total += evils[i].weight;
    at = (int)rng_below(&w->rng, (uint64_t)total);
    for (size_t i = 0; i < COUNT_OF(evils); i++) {
        at -= evils[i].weight;
        if (at < 0) {
            world_trace(w, 0, "evil", span_of(evils[i].name));
            stats_count(evils[i].name);
            evils[i].act(w);
            break;
        }
    }
    world_at(w, world_now(w) + between(&w->rng, 200, 6000), strike, w, NULL);
}

void nemesis_start(struct world *w)
{
    w->weather = fair;
    world_at(w, world_now(w) + 8000, strike, w, NULL);
}

void nemesis_stop(struct world *w)
{
    struct weather calm = fair;

    /* What is on its way is still not overtaken. */
    memcpy(calm.last_bus, w->weather.last_bus, sizeof(calm.last_bus));
    w->calm = true;
    w->weather = calm;
    /* Pauses end at their time: what was put off must not be overtaken. */
    for (int i = 0; i < w->station_count; i++)
        restart_after_drain(&w->stations[i]);
    for (struct pipe *p = w->pipes; p != NULL; p = p->older) {
        p->stall_until = 0;
        p->per_kib = 0;
    }
}
