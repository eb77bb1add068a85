#include "presence/presence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "presence/presence_backend.h"
#include "proto/limits.h"

static const struct presence_backend *const backends[] = {&presence_local};

static int unknown_backend(const char *name, struct error *err)
{
    char list[160] = "";
    size_t n = 0;

    for (size_t i = 0; i < COUNT_OF(backends) && n < sizeof(list); i++)
        n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s",
                              i > 0 ? ", " : "", backends[i]->name);
    return error_set(err, CF_INVALID, "no presence backend '%s'; there are: %s",
                     name, list);
}

static const struct presence_backend *backend_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(backends); i++) {
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    }
    return NULL;
}

int presence_open(struct presence **out, const struct presence_config *cfg,
                  struct error *err)
{
    const char *name = cfg->backend != NULL ? cfg->backend : "local";
    const struct presence_backend *b = backend_find(name);
    struct presence *p;
    int rc;

    *out = NULL;
    if (b == NULL)
        return unknown_backend(name, err);
    p = mem_alloc(sizeof(*p));
    p->backend = b;
    p->clock = cfg->clock != NULL ? cfg->clock : clock_system();
    p->ttl_ms = cfg->ttl_ms > 0 ? cfg->ttl_ms : LIMIT_TTL_PRESENCE_MS;
    rc = b->open(p, cfg, err);
    if (rc < 0) {
        free(p);
        return rc;
    }
    pthread_mutex_init(&p->lock, NULL);
    *out = p;
    return 0;
}

void presence_close(struct presence **p)
{
    if (*p == NULL)
        return;
    (*p)->backend->close(*p);
    while ((*p)->all != NULL) {
        struct presence_port *port = (*p)->all;

        (*p)->all = port->older;
        pthread_mutex_destroy(&port->lock);
        free(port);
    }
    pthread_mutex_destroy(&(*p)->lock);
    free(*p);
    *p = NULL;
}

/* ---- ports ---- */

struct presence_port *
presence_port_new(struct presence *p, int node,
                  void (*post)(void *post_ctx, void (*fn)(void *), void *arg),
                  void *post_ctx, presence_change_fn *change, void *ctx)
{
    struct presence_port *port = mem_alloc(sizeof(*port));

    port->presence = p;
    port->node = node;
    port->post = post;
    port->post_ctx = post_ctx;
    port->change = change;
    port->ctx = ctx;
    map_init(&port->watched);
    pthread_mutex_init(&port->lock, NULL);
    pthread_mutex_lock(&p->lock);
    port->older = p->all;
    p->all = port;
    pthread_mutex_unlock(&p->lock);
    return port;
}

void presence_port_free(struct presence_port **p)
{
    if (*p == NULL)
        return;
    pthread_mutex_lock(&(*p)->lock);
    (*p)->closed = true;
    map_release(&(*p)->watched);
    free((*p)->news);
    (*p)->news = NULL;
    (*p)->news_count = (*p)->news_cap = 0;
    pthread_mutex_unlock(&(*p)->lock);
    *p = NULL;
}

void presence_beat(struct presence_port *p, uint64_t user, bool act)
{
    p->presence->backend->beat(p, user, act);
}

void presence_leave(struct presence_port *p, uint64_t user)
{
    p->presence->backend->leave(p, user);
}

void presence_watch(struct presence_port *p, uint64_t user)
{
    p->presence->backend->watch(p, user);
}

void presence_tick(struct presence_port *p)
{
    p->presence->backend->tick(p);
}

/* ---- who watches ---- */

static void watch_count(struct presence_port *p, uint64_t user, int step)
{
    uintptr_t count;

    pthread_mutex_lock(&p->lock);
    count = (uintptr_t)map_get(&p->watched, user);
    if (step > 0 || count > 1)
        map_put(&p->watched, user, (void *)(count + (uintptr_t)step));
    else
        map_remove(&p->watched, user);
    pthread_mutex_unlock(&p->lock);
}

void presence_watch_add(struct presence_port *p, uint64_t user)
{
    watch_count(p, user, 1);
}

void presence_unwatch(struct presence_port *p, uint64_t user)
{
    watch_count(p, user, -1);
}

/* ---- changes ---- */

/* On the port's thread, the only one that closes it. */
static void hand_over(void *arg)
{
    struct presence_port *p = arg;
    struct presence_news *news;
    int count;

    pthread_mutex_lock(&p->lock);
    news = p->news;
    count = p->news_count;
    p->news = NULL;
    p->news_count = p->news_cap = 0;
    p->posted = false;
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < count && !p->closed; i++)
        p->change(p->ctx, news[i].user, news[i].state, news[i].last);
    free(news);
}

static void news_add(struct presence_port *p, const struct presence_news *n)
{
    if (p->news_count == p->news_cap) {
        p->news_cap = p->news_cap > 0 ? 2 * p->news_cap : 8;
        p->news = mem_grow(p->news, (size_t)p->news_cap, sizeof(*p->news));
    }
    p->news[p->news_count++] = *n;
    if (!p->posted)
        p->post(p->post_ctx, hand_over, p);
    p->posted = true;
}

void presence_answer(struct presence_port *p, const struct presence_news *n)
{
    pthread_mutex_lock(&p->lock);
    if (!p->closed)
        news_add(p, n);
    pthread_mutex_unlock(&p->lock);
}

void presence_tell(struct presence *p, const struct presence_news *n)
{
    pthread_mutex_lock(&p->lock);
    for (struct presence_port *port = p->all; port != NULL;
         port = port->older) {
        pthread_mutex_lock(&port->lock);
        if (!port->closed && map_get(&port->watched, n->user) != NULL)
            news_add(port, n);
        pthread_mutex_unlock(&port->lock);
    }
    pthread_mutex_unlock(&p->lock);
}
