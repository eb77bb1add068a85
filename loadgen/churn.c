/* churn.c - clients that come and go: connects by an open loop, sessions of
 * random length, and an end by `bye`, by RST or in silence. Who has a stream
 * or a seat in a conversation stays; the others come and go. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "engine_inside.h"
#include "proto/encode.h"
#include "proto/limits.h"
#include "shard.h"

static bool has_churn(const struct shard *sh)
{
    return sh->engine->scenario->churn.connects > 0;
}

static bool comes_and_goes(const struct shard *sh, const struct client *c)
{
    const struct plan *p = &sh->engine->plan;

    for (uint32_t i = 0; i < c->nseats; i++) {
        uint32_t conv = sh->seats[c->first_seat + i].conv;

        if (!p->convs[conv].quiet || sh->seats[c->first_seat + i].place == 0)
            return false;
    }
    return true;
}

static int64_t session_ms(struct shard *sh)
{
    double mean = (double)sh->engine->scenario->churn.session_ms;

    return 1 + (int64_t)(-log1p(-rng_unit(&sh->rng)) * mean);
}

/* ---- the start: as many are there as will be later, by Little's law ---- */

static void mark(struct shard *sh)
{
    sh->away = mem_array(sh->nclients, sizeof(*sh->away));
    for (uint32_t i = 0; i < sh->nclients; i++)
        if (comes_and_goes(sh, &sh->clients[i])) {
            sh->clients[i].flags |= FLAG_CHURN;
            sh->away[sh->naway++] = i;
        }
}

static uint32_t take_away(struct shard *sh)
{
    uint32_t at = (uint32_t)rng_below(&sh->rng, sh->naway);
    uint32_t client = sh->away[at];

    sh->away[at] = sh->away[--sh->naway];
    return client;
}

void churn_make(struct shard *sh)
{
    const struct scenario *s = sh->engine->scenario;
    struct traffic t = {.arrivals = ARRIVE_POISSON};
    double share, there;
    uint32_t pool;

    if (!has_churn(sh))
        return;
    mark(sh);
    pool = sh->naway;
    share = (double)sh->nclients / (double)sh->engine->plan.users;
    there = s->churn.connects * share * (double)s->churn.session_ms / 1000;
    while (sh->naway > 0 && pool - sh->naway < (uint32_t)there) {
        struct client *c = &sh->clients[take_away(sh)];

        c->flags &= (uint16_t)~FLAG_CHURN; /* comes with the first round */
        c->flags |= FLAG_GUEST;
    }
    atomic_store(&sh->residents, sh->nclients - sh->naway);
    schedule_init(&sh->churn, &t, s->churn.connects * share, 0, 0, 0, &sh->rng);
}

void churn_start(struct shard *sh, uint64_t start)
{
    if (!has_churn(sh))
        return;
    sh->churn.start = start;
    for (uint32_t i = 0; i < sh->nclients; i++) {
        struct client *c = &sh->clients[i];

        if (!(c->flags & FLAG_GUEST))
            continue;
        c->flags |= FLAG_CHURN;
        c->ends = sh->now_ms + session_ms(sh);
        if (c->state == CLIENT_READY)
            client_set_timer(sh, c);
    }
}

/* ---- coming ---- */

uint64_t churn_run(struct shard *sh)
{
    uint64_t due = UINT64_MAX;

    if (!has_churn(sh))
        return due;
    while ((due = schedule_due(&sh->churn)) <= sh->now) {
        struct client *c;

        schedule_step(&sh->churn);
        if (sh->naway == 0) {
            tally_count(sh, COUNT_ERRORS, 1);
            shard_trouble(sh, "churn: no user is away: more connects than "
                              "users.count allows");
            continue;
        }
        c = &sh->clients[take_away(sh)];
        c->flags |= FLAG_GUEST;
        c->ends = sh->now_ms + session_ms(sh);
        client_connect(sh, c, due);
        shard_slots(sh);
    }
    return due;
}

/* ---- going ---- */

void churn_gone(struct shard *sh, struct client *c)
{
    if (!(c->flags & FLAG_GUEST))
        return;
    c->ends = 0;
    c->flags &= (uint16_t)~FLAG_GUEST;
    sh->away[sh->naway++] = client_index(sh, c);
}

static void say_bye(struct shard *sh, struct client *c)
{
    enc_request(wire_begin(sh), 0, FRAME_BYE, (struct span){0});
    if (wire_send(sh, c, WS_TEXT))
        client_close(sh, c, END_FIN, false);
}

/* The socket stays open and says nothing: the server has to find out. */
static void fall_silent(struct shard *sh, struct client *c)
{
    atomic_fetch_sub(&sh->ready, 1);
    copies_live(sh, c, false);
    c->state = CLIENT_SILENT;
    presence_life(sh, c, false);
    timer_set(&sh->wheel, &c->timer, sh->now_ms + 2 * LIMIT_TTL_PRESENCE_MS);
}

void churn_end(struct shard *sh, struct client *c)
{
    const struct scenario *s = sh->engine->scenario;
    double which = rng_unit(&sh->rng);

    if (c->state == CLIENT_SILENT) {
        shard_trouble(sh, "a silent client was not closed after the TTL");
        client_close(sh, c, END_RST, false);
    } else if (which < s->churn.fin) {
        say_bye(sh, c);
    } else if (which < s->churn.fin + s->churn.rst) {
        presence_life(sh, c, false);
        client_close(sh, c, END_RST, false);
    } else {
        fall_silent(sh, c);
    }
}
