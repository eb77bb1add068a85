/* rush.c - people who write fast while homes move: each several messages at
 * a time to one conversation, again and again, without waiting for answers. */
#include "client.h"

#define RUSHERS 6

void client_rush_on(struct client *c)
{
    int count = (int)between(&c->rng, 1, 3);

    for (int i = 0; i < count; i++)
        client_send_text(c, c->rush, "rush");
    c->rush_left--;
    c->act_at = world_now(c->world) + between(&c->rng, 1, 300);
}

void clients_rush(struct world *w)
{
    for (int i = 0; i < RUSHERS; i++) {
        struct client *c =
            &w->clients[rng_below(&w->rng, (uint64_t)w->client_count)];
        struct place *p = client_any_place(c);

        if (c->state != CLIENT_READY || c->rush_left > 0 || p == NULL)
            continue;
        c->rush = p->conv;
        c->rush_left = (int)between(&c->rng, 2, 8);
        c->act_at = world_now(w) + 1;
        client_wake_at(c, c->act_at);
    }
}
