/* bus.h - messages between nodes. Soft: a message may be lost, doubled or
 * late; the core numbers what it sends and repairs holes from the store
 * (core/peer.h). Between two nodes order is kept as long as nothing is lost.
 *
 * One `struct bus` per process, one `struct bus_port` per node. */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include <stdint.h>

#include "base/error.h"
#include "base/span.h"

struct bus;
struct bus_port;

#define BUS_QUEUE_MAX (64u * 1024 * 1024) /* bytes waiting for one node */

struct bus_config {
    const char *backend; /* "local" (threads of one process), "memory" (sim) */
    void *sim;           /* memory: struct bus_memory_sim * */
};

int bus_open(struct bus **out, const struct bus_config *cfg, struct error *err);
/* Ports first; nothing that was posted for them may run afterwards. */
void bus_close(struct bus **b);

struct bus_events {
    /* A message from node `from`; bytes live until return. */
    void (*message)(void *ctx, int from, struct span bytes);
    /* Something from `from` (-1: from anybody) was lost and will not come:
     * compare heads. */
    void (*gap)(void *ctx, int from);
    void *ctx;
};

/* The door of node number `node` (0 <= node < ID_NODES); it replaces an older
 * one of that number. Events run on the port's thread through post, none after
 * bus_port_free(), which belongs to that thread too. */
struct bus_port *bus_port_new(struct bus *b, int node,
                              void (*post)(void *post_ctx, void (*fn)(void *),
                                           void *arg),
                              void *post_ctx, const struct bus_events *ev);
void bus_port_free(struct bus_port **p);

/* Copy bytes and send them to node `to` (also oneself). 0; -CF_NOT_FOUND: no
 * such node now; -CF_BUSY: its queue (BUS_QUEUE_MAX) is full: the message is
 * lost and the receiver gets a gap notice. */
int bus_send(struct bus_port *p, int to, struct span bytes);

#endif
