#include "store/sqlite_peek.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/sqlite.h"

#define TRIES 8 /* failures in a row that are not a matter of waiting */

/* A port's connection. */
struct peek {
    struct db db;
    int failures; /* in a row; TRIES: it is not tried again */
};

static _Atomic int64_t answered;

int64_t peek_count(void)
{
    return atomic_load(&answered);
}

/* ---- the connection ---- */

/* The smallest of caches: each commit empties it, and the kernel's is near. */
static int open_peek(struct db *d, const char *dir)
{
    char path[4096];
    int rc;

    snprintf(path, sizeof(path), "%s/" SQLITE_FILE, dir);
    rc = sqlite3_open_v2(path, &d->handle,
                         SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX |
                             SQLITE_OPEN_PRIVATECACHE,
                         PEEK_VFS);
    if (rc == SQLITE_OK)
        rc = db_exec(d, "PRAGMA cache_size = -512");
    if (rc == SQLITE_OK)
        rc = db_exec(d, "PRAGMA temp_store = MEMORY");
    if (rc != SQLITE_OK)
        db_close(d);
    return rc;
}

static void note(struct peek *k, bool fine)
{
    k->failures = fine ? 0 : k->failures + 1;
}

/* NULL: not now, or not at all. */
static struct peek *peek_of(struct store_port *p)
{
    const struct sqlite_store *ss = p->store->priv;
    struct peek *k = p->priv;

    if (k == NULL)
        k = p->priv = mem_alloc(sizeof(*k));
    if (k->failures >= TRIES || store_failed(p->store))
        return NULL;
    peek_begin();
    if (k->db.handle == NULL && open_peek(&k->db, ss->dir) != SQLITE_OK) {
        note(k, false);
        return NULL;
    }
    return k;
}

void peek_close(struct store_port *p)
{
    struct peek *k = p->priv;

    if (k != NULL)
        db_close(&k->db);
    free(k);
    p->priv = NULL;
}

/* ---- reading ---- */

static void forget(struct store_op *op)
{
    store_op_release(op);
    op->user = 0;
    op->dev = 0;
    op->members = NULL;
    op->member_count = 0;
}

/* The list may be cut: then it is not the answer. */
static bool is_whole(const struct store_op *op, int limit)
{
    return op->member_count < PEEK_ROWS || limit <= PEEK_ROWS;
}

static bool answer(struct store_port *p, struct peek *k, struct store_op *op)
{
    int limit = op->limit, rc;
    bool whole;

    if (limit > PEEK_ROWS)
        op->limit = PEEK_ROWS;
    k->db.rc = SQLITE_OK;
    store_stamp(p->store, op);
    rc = sqlite_read(p->store->priv, &k->db, op);
    whole = is_whole(op, limit);
    op->limit = limit;
    note(k, k->db.rc == SQLITE_OK || peek_would_wait());
    if (k->db.rc != SQLITE_OK || !whole || (rc < 0 && rc != -CF_NOT_FOUND)) {
        forget(op);
        return false;
    }
    atomic_fetch_add_explicit(&answered, 1, memory_order_relaxed);
    store_done(op, rc);
    return true;
}

bool peek_read(struct store_port *p, struct store_op *op)
{
    struct peek *k = op->verb == STORE_TOKEN ? peek_of(p) : NULL;

    return k != NULL && answer(p, k, op);
}
