#include "peer.h"

#include "base/mem.h"

/* Peers a turn: some 2 ms of sends. */
#define TURN 256

static void peer_kick(void *peer)
{
    struct peer *p = peer;

    struct shard *sh = p->shard;
    bool listed = p->kicked.next != NULL;

    /* Who waits goes in front, unless this is one more large fan-out: then all
     * keep their places, or the last ones would wait for ever. */
    if (listed && (!p->waits || sh->kicked_count >= TURN))
        return;
    if (listed)
        list_remove(&p->kicked);
    p->waits = false;
    list_push(&sh->kicked, &p->kicked);
    sh->kicked_count++;
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

/* At most n of the list; how many were left of n. */
static int flush_some(struct link *list, int n)
{
    struct link *l;

    while (n > 0 && (l = list_pop(list)) != NULL) {
        struct peer *p = container_of(l, struct peer, kicked);

        if (!list_empty(list))
            peer_fetch(list->next);
        p->waits = false;
        p->ops->flush(p);
        n--;
    }
    return n;
}

static void put_off(struct shard *sh)
{
    struct link *l;

    while ((l = list_pop(&sh->kicked)) != NULL) {
        container_of(l, struct peer, kicked)->waits = true;
        list_push(&sh->waiting, l);
    }
}

void peer_flush_all(struct shard *sh)
{
    int left = flush_some(&sh->kicked, TURN);

    put_off(sh);
    sh->kicked_count = 0;
    flush_some(&sh->waiting, left > TURN / 2 ? left : TURN / 2);
    if (!list_empty(&sh->waiting))
        loop_again(sh->loop);
}

void peer_gone(struct peer *p)
{
    struct conn *c = p->conn;

    p->conn = NULL;
    list_remove(&p->kicked);
    if (c != NULL)
        conn_lost(c);
}
