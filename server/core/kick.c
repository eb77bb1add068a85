/* Closing connections on other nodes: a device was taken over or revoked. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/home.h"

#define KICK_REPEATS 3 /* the bus may lose one; a second kick does nothing */

struct kick {
    struct link link; /* in side->kicks */
    int node, code, left;
    uint64_t conn, user;
    uint32_t dev;
};

static void kick_send(struct node *n, const struct kick *k)
{
    struct peer_message m = {
        .conn = k->conn, .user = k->user, .dev = k->dev, .code = k->code};

    peer_send(n, k->node, PEER_KICK, &m);
}

void route_kick(struct node *n, int node, uint64_t conn, uint64_t user,
                uint32_t dev, int code)
{
    struct kick *k;

    if (node == n->env.number) {
        conn_kick(n, conn, user, dev, code);
        return;
    }
    k = mem_alloc(sizeof(*k));
    *k = (struct kick){.node = node,
                       .code = code,
                       .left = KICK_REPEATS,
                       .conn = conn,
                       .user = user,
                       .dev = dev};
    list_push(&side_of(n)->kicks, &k->link);
    kick_send(n, k);
}

void kicks_tick(struct node *n)
{
    list_each (&side_of(n)->kicks, l, tmp) {
        struct kick *k = container_of(l, struct kick, link);

        kick_send(n, k);
        if (--k->left > 0)
            continue;
        list_remove(l);
        free(k);
    }
}

void kicks_free(struct node *n)
{
    struct link *l;

    while ((l = list_pop(&side_of(n)->kicks)) != NULL)
        free(container_of(l, struct kick, link));
}
