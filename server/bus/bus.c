#include "bus/bus.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bus/bus_backend.h"
#include "proto/ids.h"

static const struct bus_backend *const backends[] = {&bus_local, &bus_memory};

static int unknown_backend(const char *name, struct error *err)
{
    char list[160] = "";
    size_t n = 0;

    for (size_t i = 0; i < COUNT_OF(backends) && n < sizeof(list); i++)
        n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s",
                              i > 0 ? ", " : "", backends[i]->name);
    return error_set(err, CF_INVALID, "no bus backend '%s'; there are: %s",
                     name, list);
}

int bus_open(struct bus **out, const struct bus_config *cfg, struct error *err)
{
    const char *name = cfg->backend != NULL ? cfg->backend : "local";
    struct bus *b;
    int rc;

    *out = NULL;
    for (size_t i = 0; i < COUNT_OF(backends); i++) {
        if (strcmp(backends[i]->name, name) != 0)
            continue;
        b = mem_alloc(sizeof(*b));
        b->backend = backends[i];
        rc = b->backend->open(b, cfg, err);
        if (rc < 0)
            free(b);
        else
            *out = b;
        return rc;
    }
    return unknown_backend(name, err);
}

void bus_close(struct bus **b)
{
    if (*b == NULL)
        return;
    (*b)->backend->close(*b);
    free(*b);
    *b = NULL;
}

struct bus_port *bus_port_new(struct bus *b, int node,
                              void (*post)(void *post_ctx, void (*fn)(void *),
                                           void *arg),
                              void *post_ctx, const struct bus_events *ev)
{
    struct bus_port *p = mem_alloc(sizeof(*p));

    assert(node >= 0 && node < ID_NODES);
    p->bus = b;
    p->node = node;
    p->post = post;
    p->post_ctx = post_ctx;
    p->events = *ev;
    b->backend->port_open(p);
    return p;
}

void bus_port_free(struct bus_port **p)
{
    if (*p == NULL)
        return;
    (*p)->bus->backend->port_close(*p);
    free(*p);
    *p = NULL;
}

int bus_send(struct bus_port *p, int to, struct span bytes)
{
    if (to < 0 || to >= ID_NODES)
        return -CF_NOT_FOUND;
    return p->bus->backend->send(p, to, bytes);
}
