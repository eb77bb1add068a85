/* bus_backend.h - for the files of bus/ only: what a backend provides. */
#ifndef BUS_BUS_BACKEND_H
#define BUS_BUS_BACKEND_H

#include "bus/bus.h"

struct bus {
    const struct bus_backend *backend;
    void *priv; /* the backend's */
};

struct bus_port {
    struct bus *bus;
    int node;
    void (*post)(void *ctx, void (*fn)(void *), void *arg);
    void *post_ctx;
    struct bus_events events;
    void *priv; /* the backend's, per port */
};

struct bus_backend {
    const char *name;
    int (*open)(struct bus *b, const struct bus_config *cfg, struct error *err);
    void (*close)(struct bus *b);
    void (*port_open)(struct bus_port *p);
    /* No event of the port may run after it, whatever was posted. */
    void (*port_close)(struct bus_port *p);
    int (*send)(struct bus_port *p, int to, struct span bytes);
};

extern const struct bus_backend bus_local, bus_memory;

#endif
