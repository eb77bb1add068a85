/* presence.h - who is there, by heartbeat and time to live. Soft: it comes
 * back with the next heartbeats.
 *
 * A user is `on` from a beat with act, `away` from one without, `off` when no
 * beat came for 45 s or after leave(). A user may beat on several nodes; the
 * last beat counts, and leave() of one node does not take it off while another
 * beats. */
#ifndef PRESENCE_PRESENCE_H
#define PRESENCE_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "proto/entry.h"

struct presence;
struct presence_port;

struct presence_config {
    const char *backend; /* "local" */
    const struct clock *clock;
    int64_t ttl_ms; /* default 45000 */
};

int presence_open(struct presence **out, const struct presence_config *cfg,
                  struct error *err);
void presence_close(struct presence **p);

/* change: a watched user's state, first as an answer to presence_watch() and
 * then at each change. Runs on the port's thread through post. */
typedef void presence_change_fn(void *ctx, uint64_t user,
                                enum presence_state state, int64_t last_wall);

struct presence_port *
presence_port_new(struct presence *p, int node,
                  void (*post)(void *post_ctx, void (*fn)(void *), void *arg),
                  void *post_ctx, presence_change_fn *change, void *ctx);
void presence_port_free(struct presence_port **p);

void presence_beat(struct presence_port *p, uint64_t user, bool act);
/* The user said bye on this node and has no other connection here. */
void presence_leave(struct presence_port *p, uint64_t user);
/* Counted: as many unwatch as watch. */
void presence_watch(struct presence_port *p, uint64_t user);
void presence_unwatch(struct presence_port *p, uint64_t user);

/* Expire what ran out of time; call about once a second. */
void presence_tick(struct presence_port *p);

#endif
