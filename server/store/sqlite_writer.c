#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/sqlite.h"

/* One round: everything that waits, at most SQLITE_BATCH_OPS. The window for
 * more is the time the commit before took, and a little more under load. */
struct batch {
    struct store_op *ops[SQLITE_BATCH_OPS];
    int results[SQLITE_BATCH_OPS];
    int count;
};

static void answer(struct batch *b, int i, int rc)
{
    struct store_op *op = b->ops[i];
    struct sqlite_store *ss = op->port->store->priv;

    if (rc == -CF_UNKNOWN || rc == -CF_UNAVAILABLE || rc == -CF_FULL)
        op->entry.seq = 0; /* what a lost transaction said counts nothing */
    atomic_fetch_sub(&ss->write_count, 1); /* before the caller knows */
    store_done(op, rc);
}

static void answer_all(struct batch *b, int rc)
{
    for (int i = 0; i < b->count; i++)
        answer(b, i, rc == 0 ? b->results[i] : rc);
    b->count = 0;
}

static size_t op_bytes(const struct store_op *op)
{
    return 128 + op->entry.body.n + op->text.n +
           (size_t)op->mark_count * sizeof(struct mark_row) +
           (size_t)op->change_count * 64;
}

/* Something waits: under load let more come. Only what was sent tells, since
 * marks come in bursts and nobody counts the time of theirs. The lock is
 * held. */
static void gather(struct sqlite_store *ss)
{
    uint64_t due = gather_until(&ss->gather, clock_ns());
    int64_t before = ss->appends;
    struct timespec until = {.tv_sec = (time_t)(due / 1000000000),
                             .tv_nsec = (long)(due % 1000000000)};

    if (due == 0)
        return;
    pthread_mutex_unlock(&ss->lock);
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    pthread_mutex_lock(&ss->lock);
    gather_came(&ss->gather, clock_ns(), ss->appends - before);
}

/* Take what waits. False: the store closes. */
static bool batch_take(struct sqlite_store *ss, struct batch *b)
{
    size_t bytes = 0;
    struct link *l;

    pthread_mutex_lock(&ss->lock);
    while (list_empty(&ss->writes) && !ss->stopping)
        pthread_cond_wait(&ss->wake_writer, &ss->lock);
    if (!ss->stopping && ss->sync)
        gather(ss);
    b->count = 0;
    while (!ss->stopping && b->count < SQLITE_BATCH_OPS &&
           bytes < SQLITE_BATCH_BYTES && (l = list_pop(&ss->writes)) != NULL) {
        b->ops[b->count] = container_of(l, struct store_op, link);
        bytes += op_bytes(b->ops[b->count++]);
    }
    pthread_mutex_unlock(&ss->lock);
    return b->count > 0;
}

/* Answer and take out those that keep() does not keep. */
static void batch_drop(struct batch *b, int rc,
                       bool keep(const struct store_op *, int64_t), int64_t arg)
{
    int kept = 0;

    for (int i = 0; i < b->count; i++) {
        if (keep(b->ops[i], arg))
            b->ops[kept++] = b->ops[i];
        else
            answer(b, i, rc);
    }
    b->count = kept;
}

static bool in_time(const struct store_op *op, int64_t now)
{
    return op->due >= now;
}

static bool allowed_when_full(const struct store_op *op, int64_t unused)
{
    return reserve_allows(op);
}

/* ---- the transaction ---- */

static void roll_back(struct sqlite_store *ss)
{
    if (sqlite3_get_autocommit(ss->write.handle) == 0) {
        ss->write.rc = SQLITE_OK;
        db_run(&ss->write, SQL_ROLLBACK, "");
    }
    sqlite_forget_convs(ss);
    ss->entries = ss->entries_stored;
}

static void run_ops(struct sqlite_store *ss, struct batch *b)
{
    struct db *d = &ss->write;

    d->rc = SQLITE_OK;
    db_run(d, SQL_BEGIN, "");
    for (int i = 0; i < b->count && d->rc == SQLITE_OK; i++)
        b->results[i] = sqlite_write(ss, b->ops[i]);
    if (ss->entries != ss->entries_stored)
        db_run(d, SQL_META_SET, "ti", "entries", ss->entries);
}

/* After an error: what to tell everybody. A sync is never tried again: the
 * kernel may have dropped the pages and the second one would lie. */
static int give_up(struct sqlite_store *ss, int sqlite_rc, bool at_commit)
{
    roll_back(ss);
    if ((sqlite_rc & 0xff) == SQLITE_FULL)
        return -CF_FULL;
    if ((sqlite_rc & 0xff) == SQLITE_BUSY && !at_commit)
        return -CF_BUSY;
    if ((sqlite_rc & 0xff) == SQLITE_CONSTRAINT) {
        log_error("store: an operation broke a constraint: batch undone");
        return -CF_UNAVAILABLE;
    }
    atomic_store(&ss->store->failed, true);
    log_error("store: cannot write (%s %d): nothing is accepted any more",
              at_commit ? "commit" : "sqlite", sqlite_rc);
    return at_commit ? -CF_UNKNOWN : -CF_UNAVAILABLE;
}

/* 0 when the batch is durable, else one result for all. */
static int commit_batch(struct sqlite_store *ss, struct batch *b)
{
    struct db *d = &ss->write;

    run_ops(ss, b);
    if (d->rc != SQLITE_OK)
        return give_up(ss, d->rc, false);
    db_run(d, SQL_COMMIT, "");
    if (d->rc != SQLITE_OK)
        return give_up(ss, d->rc, true);
    ss->entries_stored = ss->entries;
    atomic_fetch_add(&ss->commits, 1);
    atomic_fetch_add(&ss->rows, b->count);
    return 0;
}

/* Disk full: refuse what grows; the rest runs on the reserve. */
static int commit_when_full(struct sqlite_store *ss, struct batch *b)
{
    ss->full = true;
    batch_drop(b, -CF_FULL, allowed_when_full, 0);
    if (b->count == 0)
        return 0;
    reserve_drop(ss);
    return commit_batch(ss, b);
}

static void batch_run(struct sqlite_store *ss, struct batch *b)
{
    int rc;

    if (store_failed(ss->store)) {
        answer_all(b, -CF_UNAVAILABLE);
        return;
    }
    batch_drop(b, -CF_TIMEOUT, in_time, clock_mono(ss->store->clock));
    if (ss->full && reserve_regain(ss))
        ss->full = false;
    rc = ss->full ? -CF_FULL : commit_batch(ss, b);
    if (rc == -CF_FULL)
        rc = commit_when_full(ss, b);
    answer_all(b, rc);
}

/* The checkpointer copied nearly all but never meets the end of a log that
 * grows meanwhile: do the small rest while nothing is written, so that the
 * next commit starts the log anew. */
static void catch_up(struct sqlite_store *ss)
{
    if (!atomic_exchange(&ss->catch_up, false) || store_failed(ss->store))
        return;
    (void)sqlite3_wal_checkpoint_v2(ss->write.handle, NULL,
                                    SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

void *writer_main(void *arg)
{
    struct sqlite_store *ss = arg;
    struct batch b = {.count = 0};

    while (batch_take(ss, &b)) {
        batch_run(ss, &b);
        catch_up(ss);
    }
    return NULL;
}
