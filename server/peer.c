#include "peer.h"

#include "base/mem.h"

static void peer_kick(void *peer)
{
    struct peer *p = peer;

    if (p->kicked.next == NULL)
        list_push(&p->shard->kicked, &p->kicked);
}

static void peer_close(void *peer, int code, const char *why)
{
    struct peer *p = peer;

    if (p->close_code != 0)
        return;
    p->close_code = (uint16_t)code;
    p->close_why = why;
    peer_kick(p);
    p->ops->closing(p);
}

static void peer_pause(void *peer, bool on)
{
    struct peer *p = peer;

    p->ops->pause(p, on);
}

static void peer_settled(void *peer)
{
    struct peer *p = peer;

    if (p->ops->settled != NULL)
        p->ops->settled(p);
}

const struct transport peer_transport = {
    .kick = peer_kick,
    .close = peer_close,
    .pause = peer_pause,
    .settled = peer_settled,
};

/* Into the caches while another one is written to. */
static void peer_fetch(const struct link *l)
{
    const struct peer *p = container_of(l, struct peer, kicked);

    __builtin_prefetch((const char *)p + 64);
    __builtin_prefetch((const char *)p + 128);
    conn_fetch(p->conn);
}

void peer_flush_all(struct shard *sh)
{
    struct link *l;

    while ((l = list_pop(&sh->kicked)) != NULL) {
        struct peer *p = container_of(l, struct peer, kicked);

        if (!list_empty(&sh->kicked))
            peer_fetch(sh->kicked.next);
        p->ops->flush(p);
    }
}

void peer_gone(struct peer *p)
{
    struct conn *c = p->conn;

    p->conn = NULL;
    list_remove(&p->kicked);
    if (c != NULL)
        conn_lost(c);
}
