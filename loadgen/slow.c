/* slow.c - clients that stop reading in the measured phase, and read on in the
 * drain. They go on saying that they live; senders are never among them. */
#include <sys/epoll.h>

#include "engine_inside.h"
#include "shard.h"

void slow_mark(struct shard *sh)
{
    double share = sh->engine->scenario->slow;

    for (uint32_t i = 0; share > 0 && i < sh->nclients; i++) {
        struct client *c = &sh->clients[i];

        if (c->nstreams == 0 && rng_unit(&sh->rng) < share)
            c->flags |= FLAG_SLOW;
    }
}

static void set_deaf(struct shard *sh, struct client *c, bool deaf)
{
    struct epoll_event ev = {.data.u32 = client_index(sh, c)};

    if (c->state != CLIENT_READY || ((c->flags & FLAG_DEAF) != 0) == deaf)
        return;
    c->flags ^= FLAG_DEAF;
    ev.events =
        (deaf ? 0 : EPOLLIN) | (c->flags & FLAG_OUT_WANTED ? EPOLLOUT : 0);
    epoll_ctl(sh->ep, EPOLL_CTL_MOD, c->fd, &ev);
    copies_live(sh, c, !deaf);
}

void slow_see(struct shard *sh)
{
    bool deaf = atomic_load(&sh->engine->deaf);

    if (deaf == sh->deaf)
        return;
    sh->deaf = deaf;
    for (uint32_t i = 0; i < sh->nclients; i++)
        if (sh->clients[i].flags & FLAG_SLOW)
            set_deaf(sh, &sh->clients[i], deaf);
}

void slow_ready(struct shard *sh, struct client *c)
{
    if (sh->deaf && c->flags & FLAG_SLOW)
        set_deaf(sh, c, true);
}
