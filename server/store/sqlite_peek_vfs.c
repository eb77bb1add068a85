/* sqlite_peek_vfs.c - the file system as a peeking connection sees it: two
 * descriptors that the gate has, read with RWF_NOWAIT; the log's index as the
 * first connection mapped it; locks that are the gate's. Nothing is opened,
 * written or locked in the kernel, so it works on a thread whose descriptors
 * are its own. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "store/sqlite_gate.h"
#include "store/sqlite_peek.h"

struct peek_file {
    sqlite3_file base;
    struct gate *gate;
    int fd;
};

static _Thread_local bool waits;

void peek_begin(void)
{
    waits = false;
}

bool peek_would_wait(void)
{
    return waits;
}

static struct peek_file *file_of(sqlite3_file *f)
{
    return (struct peek_file *)f;
}

static int give_up(void)
{
    waits = true;
    return SQLITE_IOERR_BLOCKED;
}

/* ---- bytes ---- */

static int peek_xread(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    char *to = p;

    while (n > 0) {
        struct iovec v = {to, (size_t)n};
        ssize_t got = preadv2(file_of(f)->fd, &v, 1, at, RWF_NOWAIT);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno == EAGAIN ? give_up() : SQLITE_IOERR_READ;
        if (got == 0) {
            memset(to, 0, (size_t)n);
            return SQLITE_IOERR_SHORT_READ;
        }
        to += got;
        at += got;
        n -= (int)got;
    }
    return SQLITE_OK;
}

static int peek_size(sqlite3_file *f, sqlite3_int64 *size)
{
    struct stat st;

    if (fstat(file_of(f)->fd, &st) != 0)
        return SQLITE_IOERR_FSTAT;
    *size = st.st_size;
    return SQLITE_OK;
}

static int peek_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    return SQLITE_READONLY;
}

static int peek_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return SQLITE_READONLY;
}

static int peek_sync(sqlite3_file *f, int flags)
{
    return SQLITE_OK;
}

static int peek_xclose(sqlite3_file *f)
{
    gate_drop(file_of(f)->gate);
    return SQLITE_OK;
}

/* ---- locks of the database: the first connection holds the shared one ---- */

static int peek_lock(sqlite3_file *f, int level)
{
    return level <= SQLITE_LOCK_SHARED ? SQLITE_OK : SQLITE_BUSY;
}

static int peek_unlock(sqlite3_file *f, int level)
{
    return SQLITE_OK;
}

static int peek_reserved(sqlite3_file *f, int *out)
{
    *out = 0;
    return SQLITE_OK;
}

/* ---- the log's index ---- */

/* What is not mapped yet would have to be mapped by a descriptor that only the
 * writer's thread is sure to have; but whoever adds to the log maps it before
 * anybody reads of it. */
static int peek_map(sqlite3_file *f, int region, int size, int extend,
                    void volatile **out)
{
    sqlite3_file *first = file_of(f)->gate->first;

    *out = NULL;
    if (first == NULL)
        return SQLITE_IOERR_SHMMAP;
    return first->pMethods->xShmMap(first, region, size, 0, out);
}

/* Alone: never. A lock that another has alone is short; the reader waits. */
static int peek_index_lock(sqlite3_file *f, int from, int n, int flags)
{
    struct gate *g = file_of(f)->gate;

    if (flags & SQLITE_SHM_EXCLUSIVE)
        return flags & SQLITE_SHM_LOCK ? SQLITE_BUSY : SQLITE_OK;
    if (flags & SQLITE_SHM_UNLOCK) {
        gate_unshare(g, from);
        return SQLITE_OK;
    }
    if (waits)
        return SQLITE_IOERR_SHMLOCK;
    return gate_share(g, from) ? SQLITE_OK : SQLITE_BUSY;
}

static void peek_barrier(sqlite3_file *f)
{
    atomic_thread_fence(memory_order_seq_cst);
}

static int peek_unmap(sqlite3_file *f, int remove)
{
    return SQLITE_OK;
}

/* ---- the rest ---- */

static int peek_control(sqlite3_file *f, int op, void *arg)
{
    return SQLITE_NOTFOUND;
}

static int peek_sector(sqlite3_file *f)
{
    return 4096;
}

static int peek_character(sqlite3_file *f)
{
    return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = peek_xclose,
    .xRead = peek_xread,
    .xWrite = peek_write,
    .xTruncate = peek_truncate,
    .xSync = peek_sync,
    .xFileSize = peek_size,
    .xLock = peek_lock,
    .xUnlock = peek_unlock,
    .xCheckReservedLock = peek_reserved,
    .xFileControl = peek_control,
    .xSectorSize = peek_sector,
    .xDeviceCharacteristics = peek_character,
    .xShmMap = peek_map,
    .xShmLock = peek_index_lock,
    .xShmBarrier = peek_barrier,
    .xShmUnmap = peek_unmap,
};

static int peek_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f,
                     int flags, int *out_flags)
{
    struct peek_file *p = file_of(f);

    memset(p, 0, sizeof(*p));
    if ((flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) == 0 || name == NULL)
        return SQLITE_CANTOPEN;
    p->gate = gate_hold(name);
    if (p->gate == NULL)
        return SQLITE_CANTOPEN;
    p->fd = flags & SQLITE_OPEN_WAL ? p->gate->log : p->gate->database;
    p->base.pMethods = &methods;
    if (out_flags != NULL)
        *out_flags = (flags & ~SQLITE_OPEN_READWRITE) | SQLITE_OPEN_READONLY;
    return SQLITE_OK;
}

static int peek_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    return SQLITE_READONLY;
}

/* SQLite sleeps when somebody is in its way. */
static int peek_sleep(sqlite3_vfs *vfs, int us)
{
    waits = true;
    return 0;
}

void peek_install(void)
{
    static sqlite3_vfs vfs;

    if (vfs.zName != NULL)
        return;
    vfs = *sqlite3_vfs_find("unix");
    vfs.zName = PEEK_VFS;
    vfs.pNext = NULL;
    vfs.szOsFile = (int)sizeof(struct peek_file);
    vfs.xOpen = peek_open;
    vfs.xDelete = peek_delete;
    vfs.xSleep = peek_sleep;
    sqlite3_vfs_register(&vfs, 0);
}
