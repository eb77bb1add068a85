#include "shard.h"

#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth.h"
#include "base/log.h"
#include "base/mem.h"
#include "linger.h"
#include "listen.h"
#include "net.h"
#include "peer.h"
#include "proto/limits.h"
#include "socket.h"

#define FAST_TICK_MS 50
#define JOIN_TURNS 1000 /* of the loop, until the node is on the ring */
#define CLOSING_MS (2 * LINGER_MS) /* goodbyes, at the end of a drain */

struct shard *shard_new(struct server *s, int number)
{
    struct shard *sh = mem_alloc(sizeof(*sh));

    sh->server = s;
    sh->number = number;
    sh->loop = loop_new();
    list_init(&sh->kicked);
    list_init(&sh->waiting);
    list_init(&sh->lingering);
    strmap_init(&sh->addresses);
    rng_init_system(&sh->rng);
    pthread_mutex_init(&sh->lock, NULL);
    return sh;
}

bool shard_post(struct shard *sh, void (*fn)(void *), void *arg)
{
    bool open;

    pthread_mutex_lock(&sh->lock);
    open = !atomic_load(&sh->ended);
    if (open)
        loop_post(sh->loop, fn, arg);
    pthread_mutex_unlock(&sh->lock);
    return open;
}

static void post_to_loop(void *ctx, void (*fn)(void *), void *arg)
{
    loop_post(ctx, fn, arg);
}

/* ---- a turn of the loop ---- */

static void rearm(struct shard *sh)
{
    int64_t next = node_next(sh->node);
    int64_t now = clock_mono(&sh->server->clock.base);

    if (next == sh->tick_at)
        return;
    sh->tick_at = next;
    if (next == INT64_MAX)
        loop_timer_cancel(sh->tick);
    else
        loop_timer_set(sh->tick, next > now ? next - now : 0);
}

static void tick(void *arg)
{
    struct shard *sh = arg;

    sh->tick_at = -1;
    if (!atomic_load(&sh->server->holding))
        node_tick(sh->node);
}

#define MANY 4096 /* connections: fewer are not worth a walk of the heap */

/* After a mass leave their memory stays resident until it is asked for. */
static void trim(struct shard *sh)
{
    int now = atomic_load(&sh->connections);

    if (now > sh->peak)
        sh->peak = now;
    if (sh->peak < MANY || now > sh->peak / 4)
        return;
    sh->peak = now;
#ifndef __SANITIZE_ADDRESS__ /* there the heap is not glibc's */
    malloc_trim(0);
#endif
}

static void closed_long_enough(void *arg)
{
    struct shard *sh = arg;

    loop_stop(sh->loop);
}

/* The node has ended; the last bytes are on their way. Sockets of people who
 * do not close theirs get some time, not all. */
static void close_sockets(struct shard *sh)
{
    if (atomic_load(&sh->connections) == 0 && sh->lingering_count == 0) {
        loop_stop(sh->loop);
    } else if (sh->closing == NULL) {
        sh->closing = loop_timer_new(sh->loop, closed_long_enough, sh);
        loop_timer_set(sh->closing, CLOSING_MS);
    }
}

static void turn_end(void *arg)
{
    struct shard *sh = arg;

    if (sh->node == NULL)
        return;
    do {
        node_turn_end(sh->node);
        peer_flush_all(sh);
    } while (sockets_reap(sh));
    rearm(sh);
    trim(sh);
    if (sh->draining && node_drained(sh->node))
        close_sockets(sh);
}

/* ---- starting ---- */

static int make_node(struct shard *sh, struct error *err)
{
    struct server *s = sh->server;
    static const struct node_config zero;
    struct node_config cfg = zero;
    struct node_env env = {
        .number = sh->number,
        .clock = &s->clock.base,
        .rng = &sh->rng,
        .store = s->store,
        .bus = s->bus,
        .registry = s->registry,
        .presence = s->presence,
        .transport = &peer_transport,
        .post = post_to_loop,
        .post_ctx = sh->loop,
        .token_hash = auth_token_hash,
        .config = &cfg,
        .sabotage = s->settings.sabotage != NULL ? &s->sabotage : NULL,
    };

    cfg.live_members = (int)s->settings.live_members;
    cfg.no_budgets = s->settings.no_budgets;
    cfg.fold_ms = s->settings.fold_ms;
    if (cfg.fold_ms < LIMIT_TICK_MS) /* counts of groups go with the tick */
        cfg.tick_ms = cfg.fold_ms > FAST_TICK_MS ? cfg.fold_ms : FAST_TICK_MS;
    sh->node = node_new(&env, err);
    return sh->node != NULL ? 0 : -err->code;
}

static int open_listeners(struct shard *sh, const struct option_list *list,
                          bool secure, struct error *err)
{
    for (int i = 0; i < list->count; i++) {
        struct sockaddr_storage at;
        int rc = listen_parse(list->items[i], &at, err);

        if (rc == 0)
            rc = listen_open(sh, &at, secure, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int set_up(struct shard *sh, struct error *err)
{
    const struct settings *cfg = &sh->server->settings;
    int rc;

    sh->own_table = unshare(CLONE_FILES) == 0;
    if (!sh->own_table)
        log_warn("node %d shares its descriptor table: %s; all nodes together "
                 "hold at most %d connections",
                 sh->number, strerror(errno), sh->server->cap);
    sh->tick = loop_timer_new(sh->loop, tick, sh);
    sh->port = store_port_new(sh->server->store, post_to_loop, sh->loop);
    rc = net_open(sh, err);
    if (rc == 0)
        rc = sockets_open(sh, err);
    if (rc == 0)
        rc = make_node(sh, err);
    if (rc == 0)
        rc = open_listeners(sh, &cfg->listen, false, err);
    if (rc == 0)
        rc = open_listeners(sh, &cfg->listen_tls, true, err);
    if (rc < 0)
        return rc;
    loop_on_turn_end(sh->loop, turn_end, sh);
    for (int i = 0; i < JOIN_TURNS && !node_ready(sh->node); i++)
        loop_run_once(sh->loop, true);
    return 0;
}

/* Do the store and the workers still hold something that is ours? */
static bool held(const struct shard *sh)
{
    return sh->accounts > 0 || store_port_pending(sh->port) > 0 ||
           (sh->node != NULL && node_store_pending(sh->node) > 0);
}

/* What others posted before still runs; node and loop stay for shard_free(). */
static void tear_down(struct shard *sh)
{
    pthread_mutex_lock(&sh->lock);
    atomic_store(&sh->ended, true);
    pthread_mutex_unlock(&sh->lock);
    loop_on_turn_end(sh->loop, NULL, NULL);
    loop_run_once(sh->loop, false);
    listen_close_all(sh);
    sockets_close(sh);
    net_close(sh);
    linger_end(sh);
    while (held(sh))
        loop_run_once(sh->loop, true);
    loop_timer_free(&sh->closing);
    loop_timer_free(&sh->tick);
}

struct starting {
    struct shard *shard;
    struct error err;
    int rc;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool finished;
};

static void started(struct starting *st, int rc)
{
    pthread_mutex_lock(&st->lock);
    st->rc = rc;
    st->finished = true;
    pthread_cond_signal(&st->done);
    pthread_mutex_unlock(&st->lock);
}

static void *run(void *arg)
{
    struct starting *st = arg;
    struct shard *sh = st->shard;
    char name[16];
    int rc;

    snprintf(name, sizeof(name), "node-%d", sh->number);
    pthread_setname_np(pthread_self(), name);
    sh->tid = gettid();
    rc = set_up(sh, &st->err);
    atomic_store(&sh->serving, rc == 0);
    started(st, rc);
    if (rc == 0)
        loop_run(sh->loop);
    tear_down(sh);
    atomic_store(&sh->serving, false);
    if (rc == 0)
        server_shard_ended(sh->server);
    return NULL;
}

int shard_start(struct shard *sh, struct error *err)
{
    struct starting st = {.shard = sh};
    sigset_t all, old;

    pthread_mutex_init(&st.lock, NULL);
    pthread_cond_init(&st.done, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are main's */
    if (pthread_create(&sh->thread, NULL, run, &st) != 0) {
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        return error_set(err, CF_IO, "no thread for node %d", sh->number);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_mutex_lock(&st.lock);
    while (!st.finished)
        pthread_cond_wait(&st.done, &st.lock);
    pthread_mutex_unlock(&st.lock);
    if (st.rc < 0)
        *err = st.err;
    return st.rc;
}

static void begin_to_listen(void *arg)
{
    listen_start(arg);
}

void shard_listen(struct shard *sh)
{
    shard_post(sh, begin_to_listen, sh);
}

/* ---- stopping ---- */

static void drain(void *arg)
{
    struct shard *sh = arg;

    listen_close_all(sh);
    node_drain(sh->node, sh->spread_ms);
    sh->draining = true;
}

void shard_stop(struct shard *sh, int64_t spread_ms)
{
    sh->spread_ms = spread_ms;
    shard_post(sh, drain, sh);
}

static void kill_now(void *arg)
{
    struct shard *sh = arg;

    loop_stop(sh->loop);
}

void shard_kill(struct shard *sh)
{
    shard_post(sh, kill_now, sh);
}

void shard_join(struct shard *sh)
{
    pthread_join(sh->thread, NULL);
}

static void reload(void *arg)
{
    net_reload(arg);
}

void shard_reload(struct shard *sh)
{
    shard_post(sh, reload, sh);
}

void shard_free(struct shard **shp)
{
    struct shard *sh = *shp;

    if (sh == NULL)
        return;
    node_free(&sh->node);
    if (sh->port != NULL)
        store_port_free(&sh->port);
    loop_free(&sh->loop);
    pthread_mutex_destroy(&sh->lock);
    strmap_release(&sh->addresses);
    free(sh);
    *shp = NULL;
}
