/* A client among several processes of its account. */
#include "client_priv.h"

#include "guest.h"
#include "owner.h"

bool client_shares(struct client *c)
{
    if (!c->cfg.share || c->cfg.dir == NULL || c->lock >= 0)
        return false;
    if (c->guest == NULL)
        c->guest = guest_new(c);
    guest_join(c->guest);
    return true;
}

struct reloading {
    struct client *client;
    bool told;
};

/* What others have written since it was read here. */
static bool reload(void *ctx, const struct archive_conv *row)
{
    struct reloading *r = ctx;
    bool held = map_get(&r->client->places, row->conv) != NULL;
    struct place *p = place_get(r->client, row->conv);

    p->row = *row;
    p->known = row->kind != 0;
    p->prefix = row->acked;
    if (!r->told)
        p->told = row->acked;
    else if (!held)
        p->told = row->low; /* it is younger than this process */
    return true;
}

void client_own(struct client *c, int lock, bool told)
{
    struct reloading r = {c, told};

    c->lock = lock;
    c->state = LINK_DOWN;
    c->owner = owner_new(c);
    archive_convs(c->archive, reload, &r);
    client_pump_later(c);
    loop_timer_set(c->retry, 0);
}

bool client_is_active(const struct client *c)
{
    return c->owner != NULL ? owner_active(c->owner, c->active) : c->active;
}

void client_beat_now(struct client *c)
{
    if (c->state == LINK_UP && client_is_active(c) != c->active_sent)
        loop_timer_set(c->beat, 0);
}
