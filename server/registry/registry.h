/* registry.h - which nodes there are, with leases, and which node has which
 * user. Soft but for leases: without a lease a node makes no ids.
 *
 * Operations are asynchronous like the store's: `done` runs once, on the
 * port's thread, never inside the call, in order of submission. */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"

struct registry;
struct registry_port;
struct registry_op;

struct registry_config {
    const char *backend; /* "local": a table shared by the process's nodes */
    const struct clock *clock;
    int64_t lease_ms; /* how long a silent node is kept; default 5000 */
};

int registry_open(struct registry **out, const struct registry_config *cfg,
                  struct error *err);
void registry_close(struct registry **r);

struct registry_events {
    /* The set of nodes changed: their numbers, rising. */
    void (*nodes)(void *ctx, const uint16_t *nodes, int count);
    /* The own lease is lost (another node has the number, or time ran out):
     * stop assigning at once. */
    void (*lost)(void *ctx);
    void *ctx;
};

/* The door of node number `node`. Closing it gives the lease back at once. What
 * is under way then is forgotten: its `done` does not run. */
struct registry_port *
registry_port_new(struct registry *r, int node,
                  void (*post)(void *post_ctx, void (*fn)(void *), void *arg),
                  void *post_ctx, const struct registry_events *ev);
void registry_port_free(struct registry_port **p);

enum registry_verb {
    REGISTRY_JOIN,    /* take the number of the port. Result: lease (rises).
                         -CF_EXISTS: another holder is alive */
    REGISTRY_RENEW,   /* keep the lease. -CF_STALE: lost */
    REGISTRY_LEAVE,   /* give it back, with the routes; leaving: only take it
                         off the set of nodes, the lease goes on */
    REGISTRY_ROUTE,   /* user is on this node (on) or no longer (off).
                         -CF_STALE: no lease */
    REGISTRY_CLAIM,   /* user's device is served by connection conn now; on: and
                         the user is on this node, as with ROUTE. Result:
                         prev_node, prev_conn (node -1: none, or this   very
                         connection). -CF_STALE: no lease */
    REGISTRY_RELEASE, /* ... no longer, if it is still (conn compares) */
    REGISTRY_WHERE,   /* for each of ids: the nodes it is routed to. Result:
                         pairs, rising by index, then node */
};

struct registry_pair {
    uint32_t index; /* into ids */
    uint16_t node;
};

struct registry_op {
    enum registry_verb verb;
    int rc;
    void (*done)(struct registry_op *op);
    void *ctx;
    uint64_t user;
    uint32_t dev;
    bool on, leaving;
    uint64_t conn;
    int64_t lease;
    int prev_node;
    uint64_t prev_conn;
    const uint64_t *ids; /* the caller's, until done */
    int id_count;
    struct registry_pair *pairs; /* freed by registry_op_release() */
    int pair_count;
    /* the registry's own */
    struct registry_port *port;
    struct registry_op *next;
};

void registry_op_init(struct registry_op *op, enum registry_verb verb,
                      void (*done)(struct registry_op *op), void *ctx);
void registry_op_release(struct registry_op *op);
void registry_submit(struct registry_port *p, struct registry_op *op);

/* Expire leases; call about once a second on any node. */
void registry_tick(struct registry_port *p);

/* The process of this node died (simulation): its lease runs out in silence,
 * its routes stay until then. Frees the port. */
void registry_crash(struct registry_port **p);

#endif
