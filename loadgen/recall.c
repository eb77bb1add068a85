/* recall.c - after the drain, users who are away log in again, so that what
 * lies in the log for them is seen and not believed. A sample of them, when
 * they are many; their times are ours and go into no histogram. */
#include "engine_inside.h"
#include "shard.h"

#define AT_ONCE 64 /* handshakes */

static bool has_copies(const struct shard *sh, const struct client *c)
{
    const struct plan *p = &sh->engine->plan;

    for (uint32_t i = 0; i < c->nseats; i++) {
        const struct seat *s = &sh->seats[c->first_seat + i];

        if (p->convs[s->conv].streams > 0 &&
            plan_in_audience(&p->convs[s->conv], s->place))
            return true;
    }
    return false;
}

static bool is_away(const struct client *c)
{
    return c->state != CLIENT_READY && c->state != CLIENT_SILENT &&
           !(c->flags & FLAG_GUEST);
}

/* Every n-th of those who are away, so that the sample is spread. */
static void choose(struct shard *sh, uint32_t away)
{
    uint32_t most = RECALL_MOST / (uint32_t)sh->engine->nshards, n = 0;
    uint32_t step = most > 0 ? (away + most - 1) / most : away;

    for (uint32_t i = 0; i < sh->nclients; i++) {
        struct client *c = &sh->clients[i];

        if (!(c->flags & FLAG_AWAY) || n++ % step != 0)
            continue;
        c->flags |= FLAG_RECALLED;
        atomic_fetch_add(&sh->recalling, 1);
    }
}

void recall_start(struct shard *sh)
{
    uint32_t away = 0;

    for (uint32_t i = 0; i < sh->nclients; i++) {
        struct client *c = &sh->clients[i];

        if (!is_away(c) || !has_copies(sh, c))
            continue;
        c->flags |= FLAG_AWAY;
        away++;
    }
    if (away > 0 && sh->engine->cfg->driver == NULL)
        choose(sh, away);
    atomic_store(&sh->recalled, 1);
}

void recall_run(struct shard *sh)
{
    while (sh->to_recall < sh->nclients && sh->handshakes < AT_ONCE) {
        struct client *c = &sh->clients[sh->to_recall++];

        if (!(c->flags & FLAG_RECALLED))
            continue;
        c->attempts = 0; /* the next pauses are short ones */
        if (c->state <= CLIENT_WAITING)
            client_connect(sh, c, sh->now);
    }
}

void recall_done(struct shard *sh, struct client *c)
{
    if ((c->flags & (FLAG_RECALLED | FLAG_BACK)) != FLAG_RECALLED)
        return;
    c->flags |= FLAG_BACK;
    sh->progressed = true;
    atomic_fetch_sub(&sh->recalling, 1);
}
