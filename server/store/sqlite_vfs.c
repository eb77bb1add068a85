/* sqlite_vfs.c - the file system as the writer's connection sees it. SQLite
 * writes two pieces for each page of its log, one after the other in the file:
 * a frame's header and the page. Here they are gathered and written at once,
 * at the latest before the sync of the commit. Nobody reads them earlier: the
 * index of the log names them to other connections only after that sync.
 * So this is for synchronous = FULL alone.
 *
 * Everything but the log is the system's own. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/sqlite.h"

/* 31 frames: SQLite's VFS for Unix writes less than 128 KiB in one go, and a
 * multiple of that not at all. */
#define GATHER_BYTES ((sqlite3_int64)31 * (4096 + 24))

struct gathered_file {
    sqlite3_file base;
    char *buf;
    sqlite3_int64 at; /* where the buffer belongs in the file */
    sqlite3_int64 n;
};

static sqlite3_vfs *parent; /* the system's; set once */

/* The system's file lies behind ours. */
static sqlite3_file *inner_of(sqlite3_file *f)
{
    return (sqlite3_file *)((char *)f + sizeof(struct gathered_file));
}

/* An error is told to who caused the writing; what was gathered is gone, as
 * after a write that failed: SQLite undoes the transaction. */
static int flush(sqlite3_file *f)
{
    struct gathered_file *g = (struct gathered_file *)f;
    sqlite3_file *in = inner_of(f);
    int n = (int)g->n;

    g->n = 0;
    return n > 0 ? in->pMethods->xWrite(in, g->buf, n, g->at) : SQLITE_OK;
}

static int log_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    struct gathered_file *g = (struct gathered_file *)f;
    sqlite3_file *in = inner_of(f);
    int rc = SQLITE_OK;

    if (g->n > 0 && (at != g->at + g->n || g->n + n > GATHER_BYTES))
        rc = flush(f);
    if (rc != SQLITE_OK)
        return rc;
    if (n > GATHER_BYTES)
        return in->pMethods->xWrite(in, p, n, at);
    if (g->n == 0)
        g->at = at;
    memcpy(g->buf + g->n, p, (size_t)n);
    g->n += n;
    return SQLITE_OK;
}

static int log_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    sqlite3_file *in = inner_of(f);
    int rc = flush(f);

    return rc == SQLITE_OK ? in->pMethods->xRead(in, p, n, at) : rc;
}

static int log_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    sqlite3_file *in = inner_of(f);
    int rc = flush(f);

    return rc == SQLITE_OK ? in->pMethods->xTruncate(in, size) : rc;
}

static int log_sync(sqlite3_file *f, int flags)
{
    sqlite3_file *in = inner_of(f);
    int rc = flush(f);

    return rc == SQLITE_OK ? in->pMethods->xSync(in, flags) : rc;
}

static int log_size(sqlite3_file *f, sqlite3_int64 *size)
{
    sqlite3_file *in = inner_of(f);
    int rc = flush(f);

    return rc == SQLITE_OK ? in->pMethods->xFileSize(in, size) : rc;
}

static int log_close(sqlite3_file *f)
{
    struct gathered_file *g = (struct gathered_file *)f;
    sqlite3_file *in = inner_of(f);
    int rc = flush(f), closed = in->pMethods->xClose(in);

    free(g->buf);
    return rc == SQLITE_OK ? closed : rc;
}

static int log_lock(sqlite3_file *f, int lock)
{
    sqlite3_file *in = inner_of(f);

    return in->pMethods->xLock(in, lock);
}

static int log_unlock(sqlite3_file *f, int lock)
{
    sqlite3_file *in = inner_of(f);

    return in->pMethods->xUnlock(in, lock);
}

static int log_reserved(sqlite3_file *f, int *out)
{
    sqlite3_file *in = inner_of(f);

    return in->pMethods->xCheckReservedLock(in, out);
}

static int log_control(sqlite3_file *f, int op, void *arg)
{
    sqlite3_file *in = inner_of(f);

    return in->pMethods->xFileControl(in, op, arg);
}

static int log_sector(sqlite3_file *f)
{
    sqlite3_file *in = inner_of(f);

    return in->pMethods->xSectorSize(in);
}

static int log_character(sqlite3_file *f)
{
    sqlite3_file *in = inner_of(f);

    return in->pMethods->xDeviceCharacteristics(in);
}

static const sqlite3_io_methods log_methods = {
    .iVersion = 1,
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_size,
    .xLock = log_lock,
    .xUnlock = log_unlock,
    .xCheckReservedLock = log_reserved,
    .xFileControl = log_control,
    .xSectorSize = log_sector,
    .xDeviceCharacteristics = log_character,
};

static int gather_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f,
                       int flags, int *out_flags)
{
    struct gathered_file *g = (struct gathered_file *)f;
    int rc;

    if ((flags & SQLITE_OPEN_WAL) == 0)
        return parent->xOpen(parent, name, f, flags, out_flags);
    memset(g, 0, sizeof(*g));
    rc = parent->xOpen(parent, name, inner_of(f), flags, out_flags);
    if (rc != SQLITE_OK)
        return rc;
    g->buf = mem_alloc((size_t)GATHER_BYTES);
    g->base.pMethods = &log_methods;
    return SQLITE_OK;
}

const char *gather_vfs(void)
{
    static sqlite3_vfs vfs;

    if (parent == NULL) {
        parent = sqlite3_vfs_find(NULL);
        vfs = *parent;
        vfs.zName = "confab";
        vfs.pNext = NULL;
        vfs.szOsFile += (int)sizeof(struct gathered_file);
        vfs.xOpen = gather_open;
        sqlite3_vfs_register(&vfs, 0);
    }
    return vfs.zName;
}
