#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine_inside.h"
#include "io_uring.h"
#include "tls.h"

/* The same for all connections: it hides nothing, and its answer has to be
 * computed once. */
#define KEY "Y29uZmFiLWxvYWQtMTIzNA=="
#define STACK (512 * 1024)

static int resolve(struct engine *e, struct error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    char port[16];
    int rc;

    snprintf(port, sizeof(port), "%d", e->cfg->port);
    rc = getaddrinfo(e->cfg->host, port, &hints, &list);
    if (rc != 0)
        return error_set(err, CF_UNAVAILABLE, "%s: %s", e->cfg->host,
                         gai_strerror(rc));
    memcpy(&e->server, list->ai_addr, list->ai_addrlen);
    e->server_length = list->ai_addrlen;
    freeaddrinfo(list);
    return 0;
}

/* "127.1.0.0/16": the first address of the net, 0: none was given. */
static uint32_t source_net(const struct engine *e)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&e->server;
    char text[sizeof(e->scenario->users.source_ips)];
    struct in_addr a;

    snprintf(text, sizeof(text), "%s", e->scenario->users.source_ips);
    text[strcspn(text, "/")] = '\0';
    if (text[0] != '\0' && inet_pton(AF_INET, text, &a) == 1)
        return ntohl(a.s_addr);
    /* Ports run out, and all of 127/8 is local. */
    if (e->plan.users > SOURCE_CLIENTS && in->sin_family == AF_INET &&
        ntohl(in->sin_addr.s_addr) >> 24 == 127)
        return UINT32_C(0x7f010000);
    return 0;
}

static void make_shards(struct engine *e)
{
    uint32_t users = e->plan.users, at = 0;
    int needed = (int)((users + SHARD_CLIENTS - 1) / SHARD_CLIENTS);

    e->nshards = e->cfg->shards > needed ? e->cfg->shards : needed;
    if ((uint32_t)e->nshards > users)
        e->nshards = (int)users;
    e->shards = mem_array((size_t)e->nshards, sizeof(*e->shards));
    for (int i = 0; i < e->nshards; i++) {
        uint32_t end = (uint32_t)((uint64_t)users * (uint64_t)(i + 1) /
                                  (uint64_t)e->nshards);

        if (i < e->nshards - 1)
            end &= ~1U; /* pairs stay together */
        shard_make(&e->shards[i], e, i, at, end - at);
        at = end;
    }
}

static void raise_limit(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
}

static int check(const struct engine_config *cfg, struct error *err)
{
    int64_t users = cfg->scenario->users.count;

    if (users < 1 || users > UINT32_MAX / 2)
        return error_set(err, CF_INVALID, "users.count %" PRId64 ": from 1 on",
                         users);
    if (accounts_count(cfg->accounts) < users)
        return error_set(err, CF_INVALID,
                         "%" PRId64 " users are asked for, and there are "
                         "%" PRId64 " accounts",
                         users, accounts_count(cfg->accounts));
    return 0;
}

/* ---- what follows from the scenario ---- */

/* Time runs faster: more happens, and it is over sooner. Heartbeats stay as
 * they are, since the server's TTL does. */
static void speed_up(struct scenario *s)
{
    double by = s->speed > 0 ? s->speed : 1;

    for (int i = 0; i < s->ntraffic; i++) {
        s->traffic[i].rate *= by;
        s->traffic[i].rate_end *= by;
    }
    s->churn.connects *= by;
    s->churn.session_ms = (int64_t)((double)s->churn.session_ms / by);
    s->backlog.rate *= by;
    s->phases.measure_ms = (int64_t)((double)s->phases.measure_ms / by);
}

/* Presence comes of users with whom one shares a conversation: circles of
 * that size, in which nothing is said. */
static int add_circles(struct scenario *s, struct error *err)
{
    int64_t circle = s->presence.contacts + 1;
    struct traffic *t = &s->traffic[s->ntraffic];

    if (circle < 2)
        return 0;
    if (circle > s->users.count)
        return error_set(err, CF_INVALID,
                         "presence.contacts %" PRId64 ": there are %" PRId64
                         " users",
                         circle - 1, s->users.count);
    if (s->ntraffic == SCENARIO_TRAFFICS)
        return error_set(err, CF_LIMIT,
                         "presence needs one traffic of its own, and %d are "
                         "the most",
                         SCENARIO_TRAFFICS);
    *t = (struct traffic){.name = "circles",
                          .kind = TRAFFIC_GROUP,
                          .members = circle,
                          .groups = (s->users.count + circle - 1) / circle};
    s->ntraffic++;
    return 0;
}

/* The last traffic stands for it: bodies of the first one's size. */
static int add_backlog(struct scenario *s, struct error *err)
{
    struct traffic *t = &s->traffic[s->ntraffic];

    if (s->backlog.messages <= 0)
        return 0;
    if (s->ntraffic == SCENARIO_TRAFFICS || s->backlog.users <= 0)
        return error_set(err, CF_LIMIT,
                         "a backlog needs users, and one traffic of its own "
                         "(%d are the most)",
                         SCENARIO_TRAFFICS);
    *t = (struct traffic){.name = "backlog", .kind = TRAFFIC_DIRECT};
    t->body_bytes = s->ntraffic > 0 ? s->traffic[0].body_bytes : 200;
    s->ntraffic++;
    return 0;
}

static int choose_io(struct engine *e, struct error *err)
{
    const char *io = e->cfg->io;

    e->uring = io != NULL && strcmp(io, "uring") == 0;
    if (io == NULL || strcmp(io, "auto") == 0)
        e->uring = uring_pays();
    else if (e->uring && !uring_offered())
        return error_set(err, CF_UNAVAILABLE,
                         "io_uring is not offered here; try --io epoll");
    return 0;
}

static void make_lives(struct engine *e)
{
    map_init(&e->users);
    if (e->scenario->presence.contacts <= 0)
        return;
    e->lives = mem_array(e->plan.users, sizeof(*e->lives));
    for (size_t i = 0; i < e->plan.users; i++)
        map_put(&e->users, account_user(e->cfg->accounts, (int64_t)i),
                (void *)(i + 1));
}

/* Empty for a protocol that goes straight over TCP. */
static void make_upgrade(struct engine *e)
{
    const struct engine_config *cfg = e->cfg;

    if (cfg->driver == NULL)
        ws_upgrade(&e->upgrade, cfg->host, cfg->port, "/v1/chat", "confab.v1",
                   KEY);
    else if (cfg->driver->path != NULL)
        ws_upgrade(&e->upgrade, cfg->host, cfg->port, cfg->driver->path, NULL,
                   KEY);
}

/* Topics need not be made, and nobody is ever removed from one. */
static void make_topics(struct plan *p)
{
    for (uint32_t i = 0; i < p->nconvs; i++) {
        struct plan_conv *conv = &p->convs[i];

        atomic_store(&conv->id, (uint64_t)i + 1);
        conv->members -= conv->outsider ? 1 : 0;
        conv->outsider = false;
        conv->added = conv->members;
    }
    atomic_store(&p->made, p->nconvs);
}

int engine_make(struct engine *e, const struct engine_config *cfg,
                struct error *err)
{
    int rc = check(cfg, err);

    memset(e, 0, sizeof(*e));
    if (rc < 0)
        return rc;
    e->cfg = cfg;
    e->own = *cfg->scenario;
    e->scenario = &e->own;
    speed_up(&e->own);
    e->server_pid = cfg->server_pid;
    e->begin = clock_ns();
    rc = resolve(e, err);
    if (rc == 0)
        rc = add_circles(&e->own, err);
    if (rc == 0)
        rc = add_backlog(&e->own, err);
    if (rc == 0)
        rc = plan_make(&e->plan, e->scenario, err);
    if (rc == 0)
        rc = choose_io(e, err);
    if (rc == 0 && cfg->tls)
        rc = tls_context_new(&e->tls, cfg->ca_file, err);
    if (rc < 0) {
        plan_release(&e->plan);
        return rc;
    }
    raise_limit();
    buf_init(&e->upgrade, 4096);
    make_upgrade(e);
    if (cfg->driver != NULL)
        make_topics(&e->plan);
    tls_accept_key(KEY, e->accept);
    make_lives(e);
    e->source_net = source_net(e);
    make_shards(e);
    return 0;
}

void engine_release(struct engine *e)
{
    for (int i = 0; i < e->nshards; i++)
        shard_release(&e->shards[i]);
    free(e->shards);
    plan_release(&e->plan);
    buf_release(&e->upgrade);
    map_release(&e->users);
    free(e->lives);
    if (e->tls != NULL)
        tls_context_free(&e->tls);
}

int engine_start(struct engine *e, struct error *err)
{
    pthread_attr_t attr;
    sigset_t all, old;
    int rc = 0;

    /* Signals are main's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    for (int i = 0; i < e->nshards && rc == 0; i++) {
        struct shard *sh = &e->shards[i];

        rc = pthread_create(&sh->thread, &attr, shard_run, sh);
        sh->running = rc == 0;
    }
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc != 0)
        return error_set(err, CF_IO, "thread: %s", strerror(rc));
    return 0;
}

void engine_stop(struct engine *e)
{
    atomic_store(&e->stage, STAGE_STOP);
    for (int i = 0; i < e->nshards; i++)
        if (e->shards[i].running)
            pthread_join(e->shards[i].thread, NULL);
    for (int i = 0; i < e->nshards; i++)
        e->shards[i].running = false;
}
