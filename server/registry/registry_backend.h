/* registry_backend.h - for the files of registry/ only. */
#ifndef REGISTRY_REGISTRY_BACKEND_H
#define REGISTRY_REGISTRY_BACKEND_H

#include <pthread.h>

#include "registry/registry.h"

#define REGISTRY_LEASE_MS 5000

struct registry {
    const struct registry_backend *backend;
    const struct clock *clock;
    int64_t lease_ms;
    void *priv; /* the backend's */
    pthread_mutex_t lock;
    struct registry_port *all; /* every port there ever was */
};

/* Ports live until the registry is closed: what was posted for a closed one
 * may still run, and finds it closed. */
struct registry_port {
    struct registry *registry;
    int node;
    void (*post)(void *ctx, void (*fn)(void *), void *arg);
    void *post_ctx;
    struct registry_events events;
    struct registry_port *older;
    void *priv; /* the backend's */
    /* Under the lock. */
    pthread_mutex_t lock;
    struct registry_op *first, **last; /* finished, oldest first */
    bool closed, posted, nodes_changed, lost;
};

struct registry_backend {
    const char *name;
    int (*open)(struct registry *r, const struct registry_config *cfg,
                struct error *err);
    void (*close)(struct registry *r);
    void (*port_open)(struct registry_port *p);
    void (*port_close)(struct registry_port *p, bool crashed);
    /* Take the op; call registry_done() once, from any thread. */
    void (*submit)(struct registry_port *p, struct registry_op *op);
    void (*tick)(struct registry_port *p);
    /* The numbers of the nodes now, rising, into nodes[ID_NODES]. */
    int (*nodes)(struct registry *r, uint16_t *nodes);
};

/* From any thread: the event or the op's `done` runs on the port's. */
void registry_done(struct registry_op *op, int rc);
void registry_nodes_changed(struct registry_port *p);
void registry_lost(struct registry_port *p);

extern const struct registry_backend registry_local;

#endif
