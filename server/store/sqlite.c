#include "store/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/sqlite_gate.h"
#include "store/sqlite_peek.h"

/* ---- submitting: any thread ---- */

static int enqueue_write(struct sqlite_store *ss, struct store_op *op)
{
    int rc = 0;

    pthread_mutex_lock(&ss->lock);
    if (ss->stopping) {
        rc = -CF_UNAVAILABLE;
    } else if (atomic_load(&ss->write_count) >= LIMIT_STORE_QUEUE) {
        rc = -CF_BUSY;
    } else {
        list_push(&ss->writes, &op->link);
        atomic_fetch_add(&ss->write_count, 1);
        ss->appends += op->verb == STORE_APPEND;
        pthread_cond_signal(&ss->wake_writer);
    }
    pthread_mutex_unlock(&ss->lock);
    return rc;
}

static void sqlite_submit(struct store_port *p, struct store_op *op)
{
    struct sqlite_store *ss = p->store->priv;
    int rc;

    if (peek_read(p, op))
        return;
    rc = store_verb_is_write(op->verb) ? enqueue_write(ss, op)
                                       : sqlite_enqueue_read(ss, op);
    if (rc < 0)
        store_done(op, rc);
}

/* ---- closing ---- */

static void fail_list(struct link *list)
{
    struct link *l;

    while ((l = list_pop(list)) != NULL)
        store_done(container_of(l, struct store_op, link), -CF_UNAVAILABLE);
}

static void stop_threads(struct sqlite_store *ss)
{
    pthread_mutex_lock(&ss->lock);
    ss->stopping = true;
    pthread_cond_broadcast(&ss->wake_writer);
    pthread_cond_broadcast(&ss->wake_checkpoint);
    pthread_mutex_unlock(&ss->lock);
    sqlite_stop_readers(ss);
    if (ss->have_writer)
        pthread_join(ss->writer, NULL);
    if (ss->have_checkpointer)
        pthread_join(ss->checkpointer, NULL);
    for (int i = 0; i < ss->have_readers; i++)
        pthread_join(ss->reader_threads[i], NULL);
    fail_list(&ss->writes);
    fail_list(&ss->reads);
}

/* The last connection moves the log into the database and removes it. After a
 * failed sync it must not: what the log holds is not known. */
static void close_connections(struct sqlite_store *ss)
{
    if (ss->write.handle != NULL && store_failed(ss->store))
        sqlite3_db_config(ss->write.handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
                          (int *)NULL);
    for (int i = 0; i < SQLITE_READERS; i++)
        db_close(&ss->readers[i].db);
    db_close(&ss->check);
    db_close(&ss->write);
}

static void sqlite_free(struct sqlite_store *ss)
{
    stop_threads(ss);
    close_connections(ss);
    sqlite_forget_convs(ss);
    if (ss->lock_fd >= 0)
        close(ss->lock_fd);
    pthread_mutex_destroy(&ss->lock);
    pthread_mutex_destroy(&ss->read_lock);
    pthread_cond_destroy(&ss->wake_writer);
    pthread_cond_destroy(&ss->wake_readers);
    pthread_cond_destroy(&ss->wake_checkpoint);
    free(ss->dir);
    free(ss);
}

static void sqlite_close(struct store *s)
{
    sqlite_free(s->priv);
}

/* ---- opening ---- */

static struct sqlite_store *sqlite_new(struct store *s, const char *dir)
{
    struct sqlite_store *ss = mem_alloc(sizeof(*ss));

    ss->store = s;
    ss->dir = mem_text(dir);
    ss->lock_fd = -1;
    ss->sync = strcmp(s->durability, "fsync") == 0;
    pthread_mutex_init(&ss->lock, NULL);
    pthread_mutex_init(&ss->read_lock, NULL);
    pthread_cond_init(&ss->wake_writer, NULL);
    pthread_cond_init(&ss->wake_readers, NULL);
    pthread_cond_init(&ss->wake_checkpoint, NULL);
    list_init(&ss->writes);
    list_init(&ss->reads);
    map_init(&ss->convs);
    return ss;
}

static int open_connections(struct sqlite_store *ss, struct error *err)
{
    char path[4096];
    int rc;

    gate_install();
    peek_install();
    snprintf(path, sizeof(path), "%s/" SQLITE_FILE, ss->dir);
    rc = db_open(&ss->write, path, ss->sync, true, err);
    if (rc == 0)
        rc = schema_prepare(ss, &ss->write, err);
    if (rc == 0)
        rc = db_open(&ss->check, path, ss->sync, false, err);
    for (int i = 0; rc == 0 && i < SQLITE_READERS; i++) {
        ss->readers[i].ss = ss;
        rc = db_open(&ss->readers[i].db, path, ss->sync, false, err);
        if (rc == 0)
            (void)db_exec(&ss->readers[i].db, "PRAGMA query_only = 1");
    }
    if (rc == 0)
        sqlite3_wal_hook(ss->write.handle, checkpoint_hook, ss);
    if (rc == 0 && !gate_allow(path))
        log_debug("store: nothing is read without a reader here");
    return rc;
}

static int start_threads(struct sqlite_store *ss, struct error *err)
{
    ss->have_writer = pthread_create(&ss->writer, NULL, writer_main, ss) == 0;
    ss->have_checkpointer =
        pthread_create(&ss->checkpointer, NULL, checkpoint_main, ss) == 0;
    for (int i = 0; i < SQLITE_READERS; i++) {
        if (pthread_create(&ss->reader_threads[i], NULL, reader_main,
                           &ss->readers[i]) != 0)
            break;
        ss->have_readers++;
    }
    if (!ss->have_writer || !ss->have_checkpointer ||
        ss->have_readers < SQLITE_READERS)
        return error_set(err, CF_IO, "store: cannot start its threads");
    pthread_setname_np(ss->writer, "store-write");
    pthread_setname_np(ss->checkpointer, "store-check");
    for (int i = 0; i < SQLITE_READERS; i++)
        pthread_setname_np(ss->reader_threads[i], "store-read");
    return 0;
}

static int sqlite_open(struct store *s, const struct store_config *cfg,
                       struct error *err)
{
    struct sqlite_store *ss;
    int rc;

    if (cfg->dir == NULL || cfg->dir[0] == '\0')
        return error_set(err, CF_INVALID,
                         "the sqlite store needs a data directory");
    ss = sqlite_new(s, cfg->dir);
    rc = lock_take(ss, err);
    if (rc == 0 && reserve_make(ss) < 0) {
        log_warn("store: the disk is full: there is no room for the reserve");
        ss->full = true;
    }
    if (rc == 0)
        rc = open_connections(ss, err);
    if (rc == 0)
        rc = start_threads(ss, err);
    if (rc < 0) {
        sqlite_free(ss);
        return rc;
    }
    s->priv = ss;
    return 0;
}

const struct store_backend store_sqlite = {
    .name = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .port_close = peek_close,
    .submit = sqlite_submit,
    .backup = sqlite_backup,
};
