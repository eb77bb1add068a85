/* backlog.c - messages that wait for users who are away: they leave, others
 * write to them as fast as the server takes it, and then they come back by an
 * open loop. Backlog users are the first of the plan. */
#include "engine_inside.h"
#include "proto/encode.h"
#include "shard.h"

#define OPEN_MESSAGES 256 /* without an answer, of one shard */
#define AT_ONCE 256       /* handshakes, when no rate was asked for */

static const struct scenario *scenario_of(const struct shard *sh)
{
    return sh->engine->scenario;
}

/* How many clients of this shard are backlog users. */
static uint32_t own_users(const struct shard *sh)
{
    int64_t n = scenario_of(sh)->backlog.users - (int64_t)sh->first_user;

    return n < 0 ? 0 : n > sh->nclients ? sh->nclients : (uint32_t)n;
}

static uint32_t each(const struct shard *sh)
{
    const struct scenario *s = scenario_of(sh);
    int64_t n = s->backlog.messages / s->backlog.users;

    return n < 1 ? 1 : (uint32_t)n;
}

void backlog_leave(struct shard *sh)
{
    for (uint32_t i = 0; i < own_users(sh); i++) {
        struct client *c = &sh->clients[i];

        acks_write(sh, c);
        if (c->fd >= 0) {
            enc_request(wire_begin(sh), 0, FRAME_BYE, (struct span){0});
            if (wire_send(sh, c, WS_TEXT))
                client_close(sh, c, END_FIN, false);
        }
    }
}

void backlog_fill(struct shard *sh)
{
    struct flow *flow = &sh->flows[sh->engine->plan.backlog_traffic];
    uint32_t full = 0, want = each(sh);

    while (full < flow->count && atomic_load(&sh->pending) < OPEN_MESSAGES) {
        uint32_t at = flow->at;

        flow->at = at + 1 == flow->count ? 0 : at + 1;
        if (sh->outflows[flow->outflows[at]].ledger.next > want) {
            full++;
            continue;
        }
        full = 0;
        outflow_add(sh, flow->outflows[at], sh->now);
    }
    if (full >= flow->count && atomic_load(&sh->pending) == 0)
        atomic_store(&sh->filled, 1);
}

void backlog_start(struct shard *sh, uint64_t start)
{
    const struct scenario *s = scenario_of(sh);
    struct traffic t = {.arrivals = ARRIVE_POISSON};
    double share = s->backlog.users > 0
                       ? (double)own_users(sh) / (double)s->backlog.users
                       : 0;

    schedule_init(&sh->returns, &t, s->backlog.rate * share, 0, start, start,
                  &sh->rng);
}

static void come_back(struct shard *sh, uint64_t due)
{
    struct client *c = &sh->clients[sh->to_return++];

    if (c->state == CLIENT_AWAY)
        client_connect(sh, c, due);
    shard_slots(sh);
}

uint64_t backlog_run(struct shard *sh)
{
    uint32_t all = own_users(sh);
    uint64_t due = UINT64_MAX;

    if (sh->to_return >= all)
        return due;
    if (scenario_of(sh)->backlog.rate <= 0) {
        while (sh->to_return < all && sh->handshakes < AT_ONCE)
            come_back(sh, sh->now);
        return due;
    }
    while ((due = schedule_due(&sh->returns)) <= sh->now &&
           sh->to_return < all) {
        schedule_step(&sh->returns);
        come_back(sh, due);
    }
    return due;
}
