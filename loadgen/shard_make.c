#include <stdlib.h>

#include "base/mem.h"
#include "engine_inside.h"
#include "fold.h"
#include "shard.h"

#define FINE_SHARDS 8 /* with more of them, two digits have to do */

static struct tally *tally_new(const struct engine *e)
{
    struct tally *t = mem_alloc(sizeof(*t));

    tally_init(t, e->nshards <= FINE_SHARDS ? 3 : 2);
    return t;
}

static void tally_free(struct tally *t)
{
    if (t == NULL)
        return;
    tally_release(t);
    free(t);
}

static bool is_mine(const struct shard *sh, uint32_t user)
{
    return user >= sh->first_user && user - sh->first_user < sh->nclients;
}

/* How many seats and streams each client has; then where they begin. */
static void count_seats(struct shard *sh)
{
    const struct plan *p = &sh->engine->plan;

    for (uint32_t i = 0; i < p->nmembers; i++)
        if (is_mine(sh, p->members[i]))
            sh->clients[p->members[i] - sh->first_user].nseats++;
    for (uint32_t i = 0; i < p->nstreams; i++)
        if (is_mine(sh, p->streams[i].user))
            sh->clients[p->streams[i].user - sh->first_user].nstreams++;
    for (uint32_t i = 0; i < sh->nclients; i++) {
        struct client *c = &sh->clients[i];

        c->first_seat = sh->nseats;
        c->first_stream = sh->noutflows;
        sh->nseats += c->nseats;
        sh->noutflows += c->nstreams;
        c->nseats = c->nstreams = 0;
    }
}

static void place_seats(struct shard *sh)
{
    const struct plan *p = &sh->engine->plan;

    sh->seats = mem_array(sh->nseats + 1, sizeof(*sh->seats));
    for (uint32_t i = 0; i < p->nconvs; i++) {
        const struct plan_conv *conv = &p->convs[i];

        for (uint32_t m = 0; m < conv->members; m++) {
            uint32_t user = p->members[conv->first_member + m];
            struct client *c;
            struct seat *s;

            if (!is_mine(sh, user))
                continue;
            c = &sh->clients[user - sh->first_user];
            s = &sh->seats[c->first_seat + c->nseats++];
            *s = (struct seat){.conv = i,
                               .place = m,
                               .client = user - sh->first_user,
                               .late = 1,
                               .first_window = sh->nwindows};
            sh->nwindows += conv->streams;
        }
    }
    sh->windows = mem_array(sh->nwindows + 1, sizeof(*sh->windows));
    for (uint32_t i = 0; i < sh->nwindows; i++)
        window_init(&sh->windows[i]);
}

static void place_streams(struct shard *sh)
{
    const struct plan *p = &sh->engine->plan;

    sh->outflows = mem_array(sh->noutflows + 1, sizeof(*sh->outflows));
    for (uint32_t i = 0; i < p->nstreams; i++) {
        uint32_t user = p->streams[i].user, at;
        struct flow *flow = &sh->flows[p->convs[p->streams[i].conv].traffic];
        struct client *c;

        if (!is_mine(sh, user))
            continue;
        c = &sh->clients[user - sh->first_user];
        at = c->first_stream + c->nstreams++;
        sh->outflows[at].stream = i;
        sh->outflows[at].client = user - sh->first_user;
        ledger_init(&sh->outflows[at].ledger);
        if ((flow->count & (flow->count - 1)) == 0)
            flow->outflows =
                mem_grow(flow->outflows, flow->count ? flow->count * 2 : 1,
                         sizeof(flow->outflows[0]));
        flow->outflows[flow->count++] = at;
    }
}

/* Slots go round; mixed up, so that neighbours do not speak in turn. */
static void shuffle(struct shard *sh)
{
    for (int i = 0; i < SCENARIO_TRAFFICS; i++) {
        struct flow *f = &sh->flows[i];

        for (uint32_t n = f->count; n > 1; n--) {
            uint32_t at = (uint32_t)rng_below(&sh->rng, n);
            uint32_t other = f->outflows[n - 1];

            f->outflows[n - 1] = f->outflows[at];
            f->outflows[at] = other;
        }
    }
}

void shard_make(struct shard *sh, struct engine *e, int index,
                uint32_t first_user, uint32_t nclients)
{
    struct traffic connects = {.arrivals = ARRIVE_POISSON};
    double share = (double)nclients / (double)e->plan.users;

    sh->engine = e;
    sh->index = index;
    sh->first_user = first_user;
    sh->nclients = nclients;
    pthread_mutex_init(&sh->turn, NULL);
    rng_init_seeded(&sh->rng, e->cfg->seed * 1000003u + (uint64_t)index);
    sh->clients = mem_array(nclients, sizeof(*sh->clients));
    for (uint32_t i = 0; i < nclients; i++) {
        sh->clients[i].fd = -1;
        timer_init(&sh->clients[i].timer, client_timer);
    }
    atomic_store(&sh->residents, nclients);
    count_seats(sh);
    place_seats(sh);
    place_streams(sh);
    shuffle(sh);
    sh->receive = mem_alloc(SHARD_RECEIVE);
    buf_init(&sh->send, SHARD_RECEIVE);
    sh->tally = tally_new(e);
    sh->spare = tally_new(e);
    churn_make(sh);
    slow_mark(sh);
    schedule_init(&sh->connects, &connects,
                  e->scenario->users.connect_rate * share, 0, e->begin,
                  e->begin, &sh->rng);
}

void shard_release(struct shard *sh)
{
    while (sh->pool != NULL) {
        struct box *b = sh->pool;

        sh->pool = b->next;
        buf_release(&b->in);
        buf_release(&b->out);
        buf_release(&b->parts.message);
        free(b);
    }
    for (uint32_t i = 0; i < sh->noutflows; i++)
        ledger_release(&sh->outflows[i].ledger);
    for (int i = 0; i < SCENARIO_TRAFFICS; i++)
        free(sh->flows[i].outflows);
    holes_release(&sh->holes);
    pthread_mutex_destroy(&sh->turn);
    tally_free(sh->tally);
    tally_free(sh->spare);
    buf_release(&sh->send);
    free(sh->receive);
    free(sh->away);
    free(sh->ack_now.clients);
    free(sh->ack_later.clients);
    free(sh->watches);
    free(sh->clients);
    free(sh->seats);
    free(sh->windows);
    free(sh->outflows);
}

uint64_t shard_bytes(const struct shard *sh)
{
    uint64_t boxes = 0;

    for (const struct box *b = sh->pool; b != NULL; b = b->next)
        boxes += sizeof(*b) + b->in.cap + b->out.cap + b->parts.message.cap;
    return sh->nclients * sizeof(*sh->clients) +
           sh->nseats * sizeof(*sh->seats) +
           sh->nwindows * sizeof(*sh->windows) +
           sh->noutflows * sizeof(*sh->outflows) + boxes + SHARD_RECEIVE;
}
