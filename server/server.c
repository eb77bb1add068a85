#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin.h"
#include "auth.h"
#include "base/log.h"
#include "base/mem.h"
#include "listen.h"
#include "ready.h"
#include "record.h"
#include "shard.h"

#ifdef CONFAB_TEST_SHIM
bool lossy_install(void); /* tests/shim/lossy_vfs.h */
#endif

#define WATCH_STORE_MS 1000
#define EXPIRE_EVERY 60 /* of those */
#define SPARE_DESCRIPTORS 64
#define HASH_QUEUE LIMIT_LOGIN_QUEUE

/* ---- how many nodes ---- */

static int descriptors_per_table(void)
{
    struct rlimit lim = {0};

    if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < lim.rlim_max) {
        lim.rlim_cur = lim.rlim_max;
        setrlimit(RLIMIT_NOFILE, &lim);
    }
    if (getrlimit(RLIMIT_NOFILE, &lim) < 0 || lim.rlim_cur > 1048576)
        return 1048576;
    return (int)lim.rlim_cur;
}

/* The number of nodes asked for, or more when the connections need them: the
 * limit on descriptors is per table, and each node has its own. */
static void choose_nodes(struct server *s)
{
    struct settings *cfg = &s->settings;
    int64_t nodes = cfg->nodes > 0 ? cfg->nodes : sysconf(_SC_NPROCESSORS_ONLN);
    int64_t need;

    s->cap = descriptors_per_table() - SPARE_DESCRIPTORS;
    need = (cfg->connections + s->cap - 1) / s->cap;
    if (nodes < 1)
        nodes = 1;
    if (need > nodes) {
        log_info("%lld nodes instead of %lld: %lld connections, at most %d in "
                 "each",
                 (long long)need, (long long)nodes, (long long)cfg->connections,
                 s->cap);
        nodes = need;
    }
    s->shard_count = (int)nodes;
}

/* ---- data directory ---- */

static int open_data(struct server *s, struct error *err)
{
    const char *dir = s->settings.data;

    if (dir == NULL) {
        const char *tmp = getenv("TMPDIR");

        snprintf(s->data, sizeof(s->data), "%s/confabd-XXXXXX",
                 tmp != NULL && tmp[0] != '\0' ? tmp : "/tmp");
        if (mkdtemp(s->data) == NULL)
            return error_set(err, CF_IO, "%s: %s", s->data, strerror(errno));
        s->throw_away = true;
        return 0;
    }
    snprintf(s->data, sizeof(s->data), "%s", dir);
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return error_set(err, CF_IO, "%s: %s", dir, strerror(errno));
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *ftw)
{
    return remove(path);
}

/* ---- the parts ---- */

static int open_store(struct server *s, struct error *err)
{
    struct store_config cfg = {
        .backend = s->settings.store,
        .dir = s->data,
        /* Its deadlines are about a disk that is slow: real time. */
        .clock = clock_system(),
        .durability = s->settings.durability,
    };

#ifdef CONFAB_TEST_SHIM
    if (lossy_install())
        log_warn("test build: the disk loses what was not synced");
#endif
    store_backend_add(&store_sqlite);
    return store_open(&s->store, &cfg, err);
}

static void post_to_main(void *ctx, void (*fn)(void *), void *arg)
{
    loop_post(ctx, fn, arg);
}

static void expired(struct store_op *op)
{
    if (op->rc < 0)
        log_warn("expiry: %s", error_name(op->rc));
    store_op_release(op);
    free(op);
}

/* Blank the bodies whose time is over, drop the keys that outlived theirs. */
static void expire(struct server *s)
{
    struct store_op *op = mem_alloc(sizeof(*op));

    store_op_init(op, STORE_EXPIRE, expired, s);
    op->now = clock_wall(&s->clock.base);
    store_submit(s->port, op);
}

/* A store whose sync failed takes nothing any more; nobody knows what is on
 * the disk. A new process reads what is really there. */
static void watch_store(void *arg)
{
    struct server *s = arg;

    if (s->watched++ % EXPIRE_EVERY == 0)
        expire(s);

    if (store_failed(s->store)) {
        log_error("the store has failed: ending");
        _exit(74);
    }
    loop_timer_set(s->watch, WATCH_STORE_MS);
}

static int open_parts(struct server *s, struct error *err)
{
    struct bus_config bus = {.backend = "local"};
    /* Leases are about processes that live or not: real time. */
    struct registry_config reg = {.backend = "local", .clock = clock_system()};
    struct presence_config pre = {.backend = "local", .clock = &s->clock.base};
    int rc = open_store(s, err);

    if (rc == 0 && s->settings.record != NULL)
        rc = record_start(&s->record, s->store, s->settings.record, err);
    if (rc == 0)
        rc = bus_open(&s->bus, &bus, err);
    if (rc == 0)
        rc = registry_open(&s->registry, &reg, err);
    if (rc == 0)
        rc = presence_open(&s->presence, &pre, err);
    if (rc < 0)
        return rc;
    s->port = store_port_new(s->store, post_to_main, s->loop);
    s->hashing = worker_pool_new("argon2id", 1, HASH_QUEUE);
    s->files = worker_pool_new("files", 1, 16);
    s->watch = loop_timer_new(s->loop, watch_store, s);
    loop_timer_set(s->watch, WATCH_STORE_MS);
    return 0;
}

/* ---- ports ---- */

static void note_url(struct server *s, bool secure, const char *at)
{
    char *first = secure ? s->tls_url : s->url;
    size_t size = secure ? sizeof(s->tls_url) : sizeof(s->url);

    log_info("listening on %s://%s", secure ? "wss" : "ws", at);
    if (first[0] == '\0')
        snprintf(first, size, "%s://%s", secure ? "wss" : "ws", at);
}

/* "127.0.0.1:0" becomes the port that the system chose, for all nodes. */
static int reserve(struct server *s, struct option_list *list,
                   struct error *err)
{
    for (int i = 0; i < list->count; i++) {
        struct sockaddr_storage at;
        char text[80];
        int fd, rc = listen_parse(list->items[i], &at, err);

        if (rc < 0)
            return rc;
        if (s->reserved_count == (int)COUNT_OF(s->reserved))
            return error_set(err, CF_LIMIT, "at most %d addresses to listen on",
                             (int)COUNT_OF(s->reserved));
        fd = listen_reserve(&at, err);
        if (fd < 0)
            return fd;
        s->reserved[s->reserved_count++] = fd;
        listen_format(&at, text, sizeof(text));
        snprintf(s->addresses[s->reserved_count - 1], sizeof(s->addresses[0]),
                 "%s", text);
        list->items[i] = s->addresses[s->reserved_count - 1];
        note_url(s, list == &s->settings.listen_tls, text);
    }
    return 0;
}

static int start_shards(struct server *s, struct error *err)
{
    s->shards = mem_array((size_t)s->shard_count, sizeof(*s->shards));
    for (int i = 0; i < s->shard_count; i++)
        s->shards[i] = shard_new(s, i);
    for (int i = 0; i < s->shard_count; i++) {
        int rc = shard_start(s->shards[i], err);

        if (rc < 0)
            return rc;
        atomic_fetch_add(&s->shards_left, 1);
    }
    for (int i = 0; i < s->shard_count; i++)
        shard_listen(s->shards[i]);
    return 0;
}

int server_start(struct server *s, struct error *err)
{
    int rc;

    s->started = clock_wall(&s->clock.base);
    choose_nodes(s);
    rc = auth_init(err);
    if (rc == 0)
        rc = open_data(s, err);
    if (rc == 0)
        rc = open_parts(s, err);
    if (rc == 0)
        rc = reserve(s, &s->settings.listen, err);
    if (rc == 0)
        rc = reserve(s, &s->settings.listen_tls, err);
    if (rc == 0 && s->url[0] == '\0')
        memcpy(s->url, s->tls_url, sizeof(s->url)); /* TLS alone */
    if (rc == 0)
        rc = start_shards(s, err);
    if (rc == 0)
        rc = admin_open(s, err);
    if (rc == 0)
        rc = ready_write(s, err);
    if (rc == 0)
        log_info("serving %s with %d node(s), at most %d connections each; "
                 "data in %s",
                 s->url, s->shard_count, s->cap, s->data);
    return rc;
}

/* ---- the end ---- */

static void all_ended(void *arg)
{
    struct server *s = arg;

    loop_stop(s->loop);
}

void server_shard_ended(struct server *s)
{
    if (atomic_fetch_sub(&s->shards_left, 1) == 1)
        loop_post(s->loop, all_ended, s);
}

void server_hurry(struct server *s)
{
    for (int i = 0; i < s->shard_count; i++)
        shard_kill(s->shards[i]);
}

static void hard_stop(void *arg)
{
    log_warn("drain took too long, stopping now");
    server_hurry(arg);
}

void server_drain(struct server *s)
{
    int64_t conns = 0, spread;

    if (atomic_exchange(&s->draining, true))
        return;
    for (int i = 0; i < s->shard_count; i++)
        conns += atomic_load(&s->shards[i]->connections);
    spread = conns > 30000 ? conns : 30000; /* n / 1,000 a second, >= 30 s */
    log_info("draining %lld connections", (long long)conns);
    s->hard_stop = loop_timer_new(s->loop, hard_stop, s);
    loop_timer_set(s->hard_stop, s->settings.drain_ms);
    for (int i = 0; i < s->shard_count; i++)
        shard_stop(s->shards[i], s->settings.dev ? 1000 : spread);
}

void server_abort(struct server *s)
{
    for (int i = 0; s->shards != NULL && i < s->shard_count; i++)
        if (atomic_load(&s->shards[i]->serving))
            shard_kill(s->shards[i]);
}

struct shard *server_any_shard(struct server *s)
{
    for (int i = 0; i < s->shard_count; i++)
        if (!atomic_load(&s->shards[i]->ended))
            return s->shards[i];
    return s->shards[0];
}

static void join_shards(struct server *s)
{
    for (int i = 0; s->shards != NULL && i < s->shard_count; i++)
        if (s->shards[i]->thread != 0)
            shard_join(s->shards[i]);
}

static void free_shards(struct server *s)
{
    for (int i = 0; s->shards != NULL && i < s->shard_count; i++)
        shard_free(&s->shards[i]);
    free(s->shards);
    s->shards = NULL;
}

/* Let commands that are under way come to their end: what shards and workers
 * posted last, and what the store has of main. */
static void finish_commands(struct server *s)
{
    loop_run_once(s->loop, false);
    while (s->port != NULL && store_port_pending(s->port) > 0)
        loop_run_once(s->loop, true);
}

void server_free(struct server *s)
{
    s->ending = true;
    loop_timer_free(&s->hard_stop);
    loop_timer_free(&s->watch);
    join_shards(s);
    worker_pool_free(&s->hashing);
    worker_pool_free(&s->files);
    finish_commands(s);
    admin_close(s);
    free_shards(s);
    for (int i = 0; i < s->reserved_count; i++)
        close(s->reserved[i]);
    if (s->port != NULL)
        store_port_free(&s->port);
    presence_close(&s->presence);
    registry_close(&s->registry);
    bus_close(&s->bus);
    store_close(&s->store);
    record_free(&s->record);
    if (s->throw_away)
        nftw(s->data, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
