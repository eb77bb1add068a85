#include "base/log.h"
#include "store/sqlite.h"

int checkpoint_hook(void *arg, sqlite3 *db, const char *name, int frames)
{
    struct sqlite_store *ss = arg;

    if (frames < SQLITE_CHECKPOINT_FRAMES)
        return SQLITE_OK;
    pthread_mutex_lock(&ss->lock);
    if (!ss->checkpoint_wanted) {
        ss->checkpoint_wanted = true;
        pthread_cond_signal(&ss->wake_checkpoint);
    }
    pthread_mutex_unlock(&ss->lock);
    return SQLITE_OK;
}

/* A failed checkpoint loses nothing (the log still has it all) unless its
 * sync failed: then the database file cannot be trusted to be written. */
static void judge(struct sqlite_store *ss, int rc)
{
    static struct log_gate gate;

    if (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
        return;
    if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC) {
        atomic_store(&ss->store->failed, true);
        log_error("store: a sync of the database failed");
    } else if (log_gate(&gate, 10000)) {
        log_warn("store: checkpoint: %s", sqlite3_errstr(rc));
    }
}

void *checkpoint_main(void *arg)
{
    struct sqlite_store *ss = arg;

    pthread_mutex_lock(&ss->lock);
    while (!ss->stopping) {
        int frames = 0, done = 0, rc;

        if (!ss->checkpoint_wanted) {
            pthread_cond_wait(&ss->wake_checkpoint, &ss->lock);
            continue;
        }
        pthread_mutex_unlock(&ss->lock);
        rc = sqlite3_wal_checkpoint_v2(
            ss->check.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, &done);
        if (rc != SQLITE_OK)
            rc = sqlite3_extended_errcode(ss->check.handle);
        judge(ss, rc);
        if (frames > SQLITE_CATCH_UP_FRAMES)
            atomic_store(&ss->catch_up, true);
        pthread_mutex_lock(&ss->lock);
        ss->checkpoint_wanted = false;
    }
    pthread_mutex_unlock(&ss->lock);
    return NULL;
}
