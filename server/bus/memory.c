/* memory.c - the bus of the simulation: each message meets a fate, and comes
 * when virtual time says so. One thread. */
#include "bus/bus_memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "bus/bus_backend.h"

#define COPIES_MAX 4

struct memory {
    const struct bus_memory_sim *sim;
    struct map ports;   /* node + 1 -> bus_port */
    struct link flying; /* struct flight */
    uint64_t born;      /* ports so far */
};

struct flight {
    struct link link;
    struct memory *bus;
    int from, to;
    uint64_t born; /* of the port it is for: not for its successor */
    size_t len;
    char bytes[];
};

static int memory_open(struct bus *b, const struct bus_config *cfg,
                       struct error *err)
{
    struct memory *m;

    if (cfg->sim == NULL)
        return error_set(err, CF_INVALID,
                         "the memory bus needs a simulation around it");
    m = mem_alloc(sizeof(*m));
    m->sim = cfg->sim;
    map_init(&m->ports);
    list_init(&m->flying);
    b->priv = m;
    return 0;
}

static void memory_close(struct bus *b)
{
    struct memory *m = b->priv;
    struct link *l;

    while ((l = list_pop(&m->flying)) != NULL)
        free(container_of(l, struct flight, link));
    map_release(&m->ports);
    free(m);
}

static void memory_port_open(struct bus_port *p)
{
    struct memory *m = p->bus->priv;

    m->born++;
    p->priv = (void *)(uintptr_t)m->born;
    map_put(&m->ports, (uint64_t)p->node + 1, p);
}

static void memory_port_close(struct bus_port *p)
{
    struct memory *m = p->bus->priv;

    if (map_get(&m->ports, (uint64_t)p->node + 1) == p)
        map_remove(&m->ports, (uint64_t)p->node + 1);
}

/* The port that the message was sent to; NULL: it has closed since. */
static struct bus_port *destination(const struct flight *f)
{
    struct bus_port *p = map_get(&f->bus->ports, (uint64_t)f->to + 1);

    return p != NULL && (uintptr_t)p->priv == f->born ? p : NULL;
}

static void hand_over(void *arg)
{
    struct flight *f = arg;
    struct bus_port *p = destination(f);

    list_remove(&f->link);
    if (p != NULL)
        p->events.message(p->events.ctx, f->from, span_make(f->bytes, f->len));
    free(f);
}

static void arrive(void *arg)
{
    struct flight *f = arg;
    struct bus_port *p = destination(f);

    if (p != NULL) {
        p->post(p->post_ctx, hand_over, f);
        return;
    }
    list_remove(&f->link);
    free(f);
}

static int memory_send(struct bus_port *p, int to, struct span bytes)
{
    struct memory *m = p->bus->priv;
    struct bus_port *dest = map_get(&m->ports, (uint64_t)to + 1);
    int64_t delays[COPIES_MAX];
    int copies;

    if (dest == NULL)
        return -CF_NOT_FOUND;
    copies = m->sim->fate(m->sim->ctx, p->node, to, delays);
    for (int i = 0; i < copies && i < COPIES_MAX; i++) {
        struct flight *f = mem_alloc(sizeof(*f) + bytes.n);

        f->bus = m;
        f->from = p->node;
        f->to = to;
        f->born = (uintptr_t)dest->priv;
        f->len = bytes.n;
        if (bytes.n > 0)
            memcpy(f->bytes, bytes.p, bytes.n);
        list_push(&m->flying, &f->link);
        m->sim->after(m->sim->ctx, delays[i], arrive, f);
    }
    return 0;
}

const struct bus_backend bus_memory = {
    .name = "memory",
    .open = memory_open,
    .close = memory_close,
    .port_open = memory_port_open,
    .port_close = memory_port_close,
    .send = memory_send,
};
