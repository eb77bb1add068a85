#include "base/error.h"
#include "engine_inside.h"
#include "proto/encode.h"
#include "proto/limits.h"
#include "shard.h"

#define TTL_NS ((uint64_t)LIMIT_TTL_PRESENCE_MS * 1000000)

/* ---- what is viewed ---- */

/* The big conversations that c looks at. */
static int viewed_convs(struct shard *sh, const struct client *c,
                        uint64_t *convs)
{
    const struct engine *e = sh->engine;
    int n = 0;

    for (uint32_t i = 0; i < c->nseats && n < LIMIT_VIEW; i++) {
        const struct seat *s = &sh->seats[c->first_seat + i];
        const struct plan_conv *conv = &e->plan.convs[s->conv];
        const struct traffic *t = &e->scenario->traffic[conv->traffic];

        if (t->kind == TRAFFIC_CHANNEL && plan_in_audience(conv, s->place))
            convs[n++] = atomic_load(&conv->id);
    }
    return n;
}

/* The contacts of c that are on its screen: the next ones of its circle. */
static int viewed_users(struct shard *sh, const struct client *c,
                        uint64_t *users)
{
    const struct engine *e = sh->engine;
    int64_t circle = e->scenario->presence.contacts + 1;
    int64_t me = client_user(sh, c), first = me - me % circle;
    double share = e->scenario->presence.visible;
    int64_t wanted = (int64_t)(share * (double)(circle - 1) + 0.5);
    int n = 0;

    if (circle < 2)
        return 0;
    for (int64_t i = 1; i < circle && n < wanted && n < LIMIT_VIEW; i++)
        users[n++] =
            account_user(e->cfg->accounts,
                         (first + (me - first + i) % circle) % e->plan.users);
    return n;
}

void presence_look(struct shard *sh, struct client *c)
{
    uint64_t convs[LIMIT_VIEW], users[LIMIT_VIEW];
    int nconvs = viewed_convs(sh, c, convs);
    int nusers = viewed_users(sh, c, users);

    if (sh->stage < STAGE_LOOK || nconvs + nusers == 0 ||
        c->flags & FLAG_LOOKING)
        return;
    c->flags |= FLAG_LOOKING;
    atomic_fetch_add(&sh->looking, 1);
    enc_view(wire_begin(sh), REQUEST_VIEW, convs, nconvs, users, nusers);
    wire_send(sh, c, WS_TEXT);
}

void presence_look_all(struct shard *sh)
{
    for (uint32_t i = 0; i < sh->nclients; i++)
        if (sh->clients[i].state == CLIENT_READY)
            presence_look(sh, &sh->clients[i]);
    atomic_store(&sh->looked, 1);
}

void presence_lost(struct shard *sh, struct client *c)
{
    if (c->flags & FLAG_LOOKING)
        atomic_fetch_sub(&sh->looking, 1);
    c->flags &= (uint16_t)~FLAG_LOOKING;
}

/* ---- what is seen ---- */

void presence_life(struct shard *sh, struct client *c, bool on)
{
    struct user_life *life = sh->engine->lives;
    uint64_t silent = (uint32_t)sh->now_ms - c->said_at;

    if (life == NULL)
        return;
    life += client_user(sh, c);
    if (on)
        atomic_store(&life->on_at, sh->now);
    atomic_store(&life->last_at, on ? 0 : sh->now - silent * 1000000);
}

static void saw(struct shard *sh, const struct object_row *row)
{
    struct engine *e = sh->engine;
    size_t index = (size_t)map_get(&e->users, row->id);
    const struct user_life *life;
    uint64_t at;

    if (index == 0 || e->lives == NULL)
        return;
    life = &e->lives[index - 1];
    if (span_is(row->state, "on")) {
        at = atomic_load(&life->on_at);
        if (at > 0 && sh->now > at)
            hist_add(&sh->tally->hists[METRIC_ONLINE], sh->now - at);
    } else if (span_is(row->state, "off")) {
        at = atomic_load(&life->last_at);
        if (at > 0 && sh->now > at + TTL_NS)
            hist_add(&sh->tally->hists[METRIC_OFFLINE], sh->now - at - TTL_NS);
    }
}

void presence_came(struct shard *sh, struct client *c, const struct object *o)
{
    struct span rows = o->at;
    struct object_row row;

    if (o->re == REQUEST_VIEW) {
        presence_lost(sh, c); /* it is answered: the states as they are */
        return;
    }
    while (object_next_row(&rows, &row)) {
        tally_count(sh, COUNT_NOTICES, 1);
        saw(sh, &row);
    }
}
