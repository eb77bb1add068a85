/* store_kit.h - what the store's suites share: a clock that stands still, a
 * queue that stands for a port's thread, and one-line operations. */
#ifndef CONTRACT_STORE_KIT_H
#define CONTRACT_STORE_KIT_H

#include <check.h>
#include <ftw.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/store.h"
#include "store/store_memory.h"

struct kit_call {
    void (*fn)(void *);
    void *arg;
};

/* Posted calls, run by whoever waits. */
struct kit_queue {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct kit_call calls[8192];
    int head, tail;
};

struct kit_clock {
    struct clock base;
    _Atomic int64_t now;
};

struct kit {
    const char *backend;
    char dir[128];
    struct kit_clock clock;
    struct kit_queue queue;
    struct store_memory_sim sim;
    struct kit_call events[8192]; /* of the simulation */
    int event_count;
    bool stalled;
    sqlite3 *blocker;
    struct store *store;
    struct store_port *port;
    uint64_t next_id;
};

static inline int64_t kit_now(const struct clock *c)
{
    return atomic_load(&((const struct kit_clock *)c)->now);
}

static inline void kit_queue_init(struct kit_queue *q)
{
    memset(q, 0, sizeof(*q));
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->wake, NULL);
}

static inline void kit_post(void *ctx, void (*fn)(void *), void *arg)
{
    struct kit_queue *q = ctx;

    pthread_mutex_lock(&q->lock);
    q->calls[q->tail++ % 8192] = (struct kit_call){fn, arg};
    pthread_cond_signal(&q->wake);
    pthread_mutex_unlock(&q->lock);
}

/* Run one posted call; with wait, sleep until there is one. */
static inline bool kit_queue_run(struct kit_queue *q, bool wait)
{
    struct kit_call call;

    pthread_mutex_lock(&q->lock);
    while (wait && q->head == q->tail)
        pthread_cond_wait(&q->wake, &q->lock);
    if (q->head == q->tail) {
        pthread_mutex_unlock(&q->lock);
        return false;
    }
    call = q->calls[q->head++ % 8192];
    pthread_mutex_unlock(&q->lock);
    call.fn(call.arg);
    return true;
}

static inline void kit_after(void *ctx, int64_t ms, void (*fn)(void *),
                             void *arg)
{
    struct kit *k = ctx;

    ck_assert_int_lt(k->event_count, 8192);
    k->events[k->event_count++] = (struct kit_call){fn, arg};
}

static inline int64_t kit_delay(void *ctx, bool write)
{
    return 1;
}

static inline void kit_events(struct kit *k)
{
    while (!k->stalled && k->event_count > 0) {
        struct kit_call call = k->events[0];

        memmove(k->events, k->events + 1,
                (size_t)--k->event_count * sizeof(call));
        call.fn(call.arg);
    }
}

static inline void kit_done(struct store_op *op)
{
    *(bool *)op->ctx = true;
}

static inline bool kit_is_sqlite(const struct kit *k)
{
    return strcmp(k->backend, "sqlite") == 0;
}

static inline void kit_start(struct kit *k)
{
    struct error err = {0};
    struct store_config cfg = {.backend = k->backend,
                               .dir = k->dir,
                               .clock = &k->clock.base,
                               .sim = &k->sim};
    int rc = store_open(&k->store, &cfg, &err);

    ck_assert_msg(rc == 0, "%s", err.text);
    k->port = store_port_new(k->store, kit_post, &k->queue);
}

static inline void kit_stop(struct kit *k)
{
    store_port_free(&k->port);
    store_close(&k->store);
}

static inline struct kit *kit_open(const char *backend)
{
    struct kit *k = mem_alloc(sizeof(*k));

    store_backend_add(&store_sqlite);
    k->backend = backend;
    snprintf(k->dir, sizeof(k->dir), "/tmp/confab-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(k->dir));
    k->clock.base = (struct clock){kit_now, kit_now};
    atomic_store(&k->clock.now, 1000000);
    k->sim = (struct store_memory_sim){
        .after = kit_after, .delay = kit_delay, .ctx = k};
    kit_queue_init(&k->queue);
    k->next_id = 1000;
    kit_start(k);
    return k;
}

static inline int kit_unlink(const char *path, const struct stat *st, int flag,
                             struct FTW *ftw)
{
    return remove(path);
}

static inline void kit_remove_tree(const char *dir)
{
    nftw(dir, kit_unlink, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void kit_close(struct kit *k)
{
    kit_stop(k);
    kit_remove_tree(k->dir);
    free(k);
}

/* No write is committed until kit_go(). */
static inline void kit_stall(struct kit *k)
{
    char path[192];

    k->stalled = true;
    if (!kit_is_sqlite(k))
        return;
    snprintf(path, sizeof(path), "%s/confab.db", k->dir);
    ck_assert_int_eq(sqlite3_open(path, &k->blocker), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(k->blocker, "BEGIN IMMEDIATE", 0, 0, 0),
                     SQLITE_OK);
}

static inline void kit_go(struct kit *k)
{
    k->stalled = false;
    if (k->blocker != NULL) {
        sqlite3_exec(k->blocker, "COMMIT", 0, 0, 0);
        sqlite3_close(k->blocker);
        k->blocker = NULL;
    }
}

static inline void kit_wait(struct kit *k, const bool *done)
{
    while (!*done) {
        kit_events(k);
        kit_queue_run(&k->queue, kit_is_sqlite(k));
    }
}

/* Submit and wait; op->ctx and done are used here. */
static inline int kit_run(struct kit *k, struct store_op *op)
{
    bool done = false;

    op->done = kit_done;
    op->ctx = &done;
    store_submit(k->port, op);
    ck_assert_msg(!done, "done ran inside store_submit()");
    kit_wait(k, &done);
    return op->rc;
}

/* ---- one-line operations ---- */

static inline int kit_user(struct kit *k, uint64_t user, const char *name,
                           uint8_t token)
{
    struct store_op op;
    int rc;

    store_op_init(&op, STORE_USER_ADD, kit_done, NULL);
    op.user = user;
    op.name = name;
    op.now = 5000;
    op.text = SPAN("laptop");
    memset(op.hash, token, token != 0 ? TOKEN_HASH : 0);
    rc = kit_run(k, &op);
    ck_assert(rc != 0 || token == 0 || op.dev == 1);
    return rc;
}

static inline void kit_entry(struct kit *k, struct entry *e, uint64_t from,
                             const char *cid, const char *body)
{
    e->id = ++k->next_id;
    e->ts = 7000;
    e->kind = ENTRY_MSG;
    e->from = from;
    e->cid = span_of(cid);
    e->body = span_of(body);
}

/* A group of the users 1..n with user 1 as its owner; term 1. */
static inline int kit_group(struct kit *k, uint64_t conv, int n)
{
    struct roster_change changes[64];
    struct store_op op;

    store_op_init(&op, STORE_CREATE, kit_done, NULL);
    op.conv = conv;
    op.kind = CONV_GROUP;
    op.mode = MODE_OPEN;
    op.text = SPAN("ops");
    op.now = 6000;
    for (int i = 0; i < n; i++)
        changes[i] = (struct roster_change){(uint64_t)i + 1,
                                            i == 0 ? ROLE_OWNER : ROLE_MEMBER};
    op.changes = changes;
    op.change_count = n;
    kit_entry(k, &op.entry, 1, NULL, "{\"op\":\"create\"}");
    op.entry.kind = ENTRY_MEMBER;
    return kit_run(k, &op);
}

/* Prepare an append at term 1; free nothing. */
static inline void kit_message(struct kit *k, struct store_op *op,
                               uint64_t conv, uint64_t from, const char *cid,
                               const char *body)
{
    store_op_init(op, STORE_APPEND, kit_done, NULL);
    op->conv = conv;
    op->term = 1;
    kit_entry(k, &op->entry, from, cid, body);
}

static inline int64_t kit_say(struct kit *k, uint64_t conv, uint64_t from,
                              const char *cid, const char *body)
{
    struct store_op op;
    int rc;

    kit_message(k, &op, conv, from, cid, body);
    rc = kit_run(k, &op);
    return rc == 0 ? op.entry.seq : rc;
}

/* The three users alice 1, bob 2, carol 3 with a device each, and the group
 * 50 of the first two. */
static inline void kit_people(struct kit *k)
{
    ck_assert_int_eq(kit_user(k, 1, "alice", 0x11), 0);
    ck_assert_int_eq(kit_user(k, 2, "bob", 0x22), 0);
    ck_assert_int_eq(kit_user(k, 3, "carol", 0x33), 0);
    ck_assert_int_eq(kit_group(k, 50, 2), 0);
}

static inline int kit_page(struct kit *k, struct store_op *op, uint64_t conv,
                           int64_t after, int64_t before, int limit,
                           bool forward)
{
    store_op_init(op, STORE_PAGE, kit_done, NULL);
    op->conv = conv;
    op->after = after;
    op->before = before;
    op->limit = limit;
    op->forward = forward;
    return kit_run(k, op);
}

static inline int kit_member(struct kit *k, struct store_op *op, uint64_t conv,
                             uint64_t user, uint32_t dev)
{
    store_op_init(op, STORE_MEMBER, kit_done, NULL);
    op->conv = conv;
    op->user = user;
    op->dev = dev;
    return kit_run(k, op);
}

static inline int kit_mark(struct kit *k, struct mark_row *r, uint64_t conv,
                           uint64_t user, uint32_t dev, int64_t acked,
                           int64_t seen)
{
    struct store_op op;

    *r = (struct mark_row){
        .conv = conv, .user = user, .dev = dev, .acked = acked, .read = seen};
    store_op_init(&op, STORE_MARKS, kit_done, NULL);
    op.marks = r;
    op.mark_count = 1;
    return kit_run(k, &op);
}

static inline int kit_check_main(Suite *s)
{
    SRunner *r = srunner_create(s);
    int failed;

    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
