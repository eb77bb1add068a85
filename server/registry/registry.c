#include "registry/registry.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proto/ids.h"
#include "registry/registry_backend.h"

static const struct registry_backend *const backends[] = {&registry_local};

static int unknown_backend(const char *name, struct error *err)
{
    char list[160] = "";
    size_t n = 0;

    for (size_t i = 0; i < COUNT_OF(backends) && n < sizeof(list); i++)
        n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s",
                              i > 0 ? ", " : "", backends[i]->name);
    return error_set(err, CF_INVALID, "no registry backend '%s'; there are: %s",
                     name, list);
}

static const struct registry_backend *backend_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(backends); i++) {
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    }
    return NULL;
}

int registry_open(struct registry **out, const struct registry_config *cfg,
                  struct error *err)
{
    const char *name = cfg->backend != NULL ? cfg->backend : "local";
    const struct registry_backend *b = backend_find(name);
    struct registry *r;
    int rc;

    *out = NULL;
    if (b == NULL)
        return unknown_backend(name, err);
    r = mem_alloc(sizeof(*r));
    r->backend = b;
    r->clock = cfg->clock != NULL ? cfg->clock : clock_system();
    r->lease_ms = cfg->lease_ms > 0 ? cfg->lease_ms : REGISTRY_LEASE_MS;
    rc = b->open(r, cfg, err);
    if (rc < 0) {
        free(r);
        return rc;
    }
    pthread_mutex_init(&r->lock, NULL);
    *out = r;
    return 0;
}

void registry_close(struct registry **r)
{
    if (*r == NULL)
        return;
    (*r)->backend->close(*r);
    while ((*r)->all != NULL) {
        struct registry_port *p = (*r)->all;

        (*r)->all = p->older;
        pthread_mutex_destroy(&p->lock);
        free(p);
    }
    pthread_mutex_destroy(&(*r)->lock);
    free(*r);
    *r = NULL;
}

/* ---- ports ---- */

struct registry_port *
registry_port_new(struct registry *r, int node,
                  void (*post)(void *post_ctx, void (*fn)(void *), void *arg),
                  void *post_ctx, const struct registry_events *ev)
{
    struct registry_port *p = mem_alloc(sizeof(*p));

    assert(node >= 0 && node < ID_NODES);
    p->registry = r;
    p->node = node;
    p->post = post;
    p->post_ctx = post_ctx;
    p->events = *ev;
    p->last = &p->first;
    pthread_mutex_init(&p->lock, NULL);
    pthread_mutex_lock(&r->lock);
    p->older = r->all;
    r->all = p;
    pthread_mutex_unlock(&r->lock);
    r->backend->port_open(p);
    return p;
}

static void port_end(struct registry_port **p, bool crashed)
{
    if (*p == NULL)
        return;
    (*p)->registry->backend->port_close(*p, crashed);
    pthread_mutex_lock(&(*p)->lock);
    (*p)->closed = true;
    pthread_mutex_unlock(&(*p)->lock);
    *p = NULL;
}

void registry_port_free(struct registry_port **p)
{
    port_end(p, false);
}

void registry_crash(struct registry_port **p)
{
    port_end(p, true);
}

void registry_tick(struct registry_port *p)
{
    p->registry->backend->tick(p);
}

/* ---- operations and events ---- */

void registry_op_init(struct registry_op *op, enum registry_verb verb,
                      void (*done)(struct registry_op *op), void *ctx)
{
    memset(op, 0, sizeof(*op));
    op->verb = verb;
    op->done = done;
    op->ctx = ctx;
    op->prev_node = -1;
}

void registry_op_release(struct registry_op *op)
{
    free(op->pairs);
    op->pairs = NULL;
    op->pair_count = 0;
}

void registry_submit(struct registry_port *p, struct registry_op *op)
{
    op->port = p;
    op->next = NULL;
    op->rc = 0;
    p->registry->backend->submit(p, op);
}

static void run_done(struct registry_port *p, struct registry_op *op)
{
    while (op != NULL && !p->closed) {
        struct registry_op *next = op->next;

        op->next = NULL;
        op->done(op);
        op = next;
    }
}

static void tell_nodes(struct registry_port *p)
{
    uint16_t *nodes = mem_array(ID_NODES, sizeof(*nodes));
    int count = p->registry->backend->nodes(p->registry, nodes);

    p->events.nodes(p->events.ctx, nodes, count);
    free(nodes);
}

/* On the port's thread, the only one that closes it: `closed` may be read
 * there without the lock. */
static void hand_over(void *arg)
{
    struct registry_port *p = arg;
    struct registry_op *ops;
    bool nodes, lost;

    pthread_mutex_lock(&p->lock);
    ops = p->first;
    p->first = NULL;
    p->last = &p->first;
    nodes = p->nodes_changed;
    lost = p->lost;
    p->posted = p->nodes_changed = p->lost = false;
    pthread_mutex_unlock(&p->lock);
    if (lost && !p->closed)
        p->events.lost(p->events.ctx);
    run_done(p, ops);
    if (nodes && !p->closed)
        tell_nodes(p);
}

/* Under the port's lock: one post for all that gathers until it runs. */
static void wake(struct registry_port *p)
{
    if (!p->posted && !p->closed)
        p->post(p->post_ctx, hand_over, p);
    p->posted = true;
}

void registry_done(struct registry_op *op, int rc)
{
    struct registry_port *p = op->port;

    op->rc = rc;
    pthread_mutex_lock(&p->lock);
    *p->last = op;
    p->last = &op->next;
    wake(p);
    pthread_mutex_unlock(&p->lock);
}

void registry_nodes_changed(struct registry_port *p)
{
    pthread_mutex_lock(&p->lock);
    p->nodes_changed = true;
    wake(p);
    pthread_mutex_unlock(&p->lock);
}

void registry_lost(struct registry_port *p)
{
    pthread_mutex_lock(&p->lock);
    p->lost = true;
    wake(p);
    pthread_mutex_unlock(&p->lock);
}
