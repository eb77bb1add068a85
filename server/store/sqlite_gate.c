#include "store/sqlite_gate.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"

#define GATE_ALONE (-1)

/* The database's file as SQLite sees it; the system's lies behind. */
struct gated_file {
    sqlite3_file base;
    struct gate *gate;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct gate *gates;
static sqlite3_vfs *parent; /* set once */

static sqlite3_file *inner_of(sqlite3_file *f)
{
    return (sqlite3_file *)((char *)f + sizeof(struct gated_file));
}

static struct gate *gate_of(sqlite3_file *f)
{
    return ((struct gated_file *)f)->gate;
}

/* ---- gates: under the lock ---- */

static bool is_path(const char *path, const struct gate *g)
{
    size_t n = strlen(g->path);

    return strncmp(path, g->path, n) == 0 &&
           (path[n] == '\0' || strcmp(path + n, "-wal") == 0);
}

static struct gate *find(const char *path)
{
    struct gate *g = gates;

    while (g != NULL && !is_path(path, g))
        g = g->next;
    return g;
}

static struct gate *make(const char *path)
{
    struct gate *g = mem_alloc(sizeof(*g));

    g->path = mem_text(path);
    g->database = g->log = -1;
    g->next = gates;
    gates = g;
    return g;
}

static void unmake(struct gate *g)
{
    struct gate **at = &gates;

    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    if (g->database >= 0)
        close(g->database);
    if (g->log >= 0)
        close(g->log);
    free(g->path);
    free(g);
}

static uint64_t inode_of(int fd)
{
    struct stat st;

    return fd >= 0 && fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* In another table the same numbers may be something else. */
static bool is_here(const struct gate *g)
{
    return inode_of(g->database) == g->inodes[0] &&
           inode_of(g->log) == g->inodes[1];
}

struct gate *gate_hold(const char *path)
{
    struct gate *g;

    pthread_mutex_lock(&lock);
    g = find(path);
    if (g != NULL && g->allowed && is_here(g))
        g->refs++;
    else
        g = NULL;
    pthread_mutex_unlock(&lock);
    return g;
}

void gate_drop(struct gate *g)
{
    pthread_mutex_lock(&lock);
    if (--g->refs == 0)
        unmake(g);
    pthread_mutex_unlock(&lock);
}

static struct gate *enter(const char *path, sqlite3_file *file)
{
    struct gate *g;

    pthread_mutex_lock(&lock);
    g = find(path);
    if (g == NULL)
        g = make(path);
    if (g->refs++ == 0)
        g->first = file;
    pthread_mutex_unlock(&lock);
    return g;
}

/* ---- locks ---- */

bool gate_share(struct gate *g, int i)
{
    int now = atomic_load(&g->locks[i]);

    while (now != GATE_ALONE)
        if (atomic_compare_exchange_weak(&g->locks[i], &now, now + 1))
            return true;
    return false;
}

void gate_unshare(struct gate *g, int i)
{
    atomic_fetch_sub(&g->locks[i], 1);
}

static void open_up(struct gate *g, int from, int to)
{
    for (int i = from; i < to; i++) {
        int alone = GATE_ALONE;

        (void)atomic_compare_exchange_strong(&g->locks[i], &alone, 0);
    }
}

/* Those from up to to; false: none, since they are shared here. */
static bool shut(struct gate *g, int from, int to)
{
    for (int i = from; i < to; i++) {
        int none = 0;

        if (atomic_compare_exchange_strong(&g->locks[i], &none, GATE_ALONE))
            continue;
        open_up(g, from, i);
        return false;
    }
    return true;
}

/* Whoever wants a lock alone gets it here first, and gives it back last. */
static int gated_lock(sqlite3_file *f, int from, int n, int flags)
{
    sqlite3_file *in = inner_of(f);
    struct gate *g = gate_of(f);
    bool alone = flags & SQLITE_SHM_EXCLUSIVE;
    int rc;

    if (alone && (flags & SQLITE_SHM_LOCK) && !shut(g, from, from + n))
        return SQLITE_BUSY;
    rc = in->pMethods->xShmLock(in, from, n, flags);
    if (alone && ((flags & SQLITE_SHM_UNLOCK) || rc != SQLITE_OK))
        open_up(g, from, from + n);
    return rc;
}

/* ---- handed on as it is ---- */

static int gated_close(sqlite3_file *f)
{
    sqlite3_file *in = inner_of(f);
    struct gate *g = gate_of(f);
    int rc;

    if (g->first == in)
        g->first = NULL;
    rc = in->pMethods->xClose(in);
    gate_drop(g);
    return rc;
}

static int gated_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    sqlite3_file *in = inner_of(f);

    return in->pMethods->xRead(in, p, n, at);
}

static int gated_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    sqlite3_file *in = inner_of(f);

    return in->pMethods->xWrite(in, p, n, at);
}

static int gated_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    sqlite3_file *in = inner_of(f);

    return in->pMethods->xTruncate(in, size);
}

static int gated_sync(sqlite3_file *f, int flags)
{
    sqlite3_file *in = inner_of(f);

    return in->pMethods->xSync(in, flags);
}

static int gated_size(sqlite3_file *f, sqlite3_int64 *size)
{
    sqlite3_file *in = inner_of(f);

    return in->pMethods->xFileSize(in, size);
}

static int gated_file_lock(sqlite3_file *f, int level)
{
    sqlite3_file *in = inner_of(f);

    return in->pMethods->xLock(in, level);
}

static int gated_file_unlock(sqlite3_file *f, int level)
{
    sqlite3_file *in = inner_of(f);

    return in->pMethods->xUnlock(in, level);
}

static int gated_reserved(sqlite3_file *f, int *out)
{
    sqlite3_file *in = inner_of(f);

    return in->pMethods->xCheckReservedLock(in, out);
}

static int gated_control(sqlite3_file *f, int op, void *arg)
{
    sqlite3_file *in = inner_of(f);

    return in->pMethods->xFileControl(in, op, arg);
}

static int gated_sector(sqlite3_file *f)
{
    sqlite3_file *in = inner_of(f);

    return in->pMethods->xSectorSize(in);
}

static int gated_character(sqlite3_file *f)
{
    sqlite3_file *in = inner_of(f);

    return in->pMethods->xDeviceCharacteristics(in);
}

static int gated_map(sqlite3_file *f, int region, int size, int extend,
                     void volatile **out)
{
    sqlite3_file *in = inner_of(f);

    return in->pMethods->xShmMap(in, region, size, extend, out);
}

static void gated_barrier(sqlite3_file *f)
{
    sqlite3_file *in = inner_of(f);

    in->pMethods->xShmBarrier(in);
}

static int gated_unmap(sqlite3_file *f, int delete)
{
    sqlite3_file *in = inner_of(f);

    return in->pMethods->xShmUnmap(in, delete);
}

/* Version 2: nobody maps the database itself. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = gated_close,
    .xRead = gated_read,
    .xWrite = gated_write,
    .xTruncate = gated_truncate,
    .xSync = gated_sync,
    .xFileSize = gated_size,
    .xLock = gated_file_lock,
    .xUnlock = gated_file_unlock,
    .xCheckReservedLock = gated_reserved,
    .xFileControl = gated_control,
    .xSectorSize = gated_sector,
    .xDeviceCharacteristics = gated_character,
    .xShmMap = gated_map,
    .xShmLock = gated_lock,
    .xShmBarrier = gated_barrier,
    .xShmUnmap = gated_unmap,
};

/* ---- the file system ---- */

static int gated_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f,
                      int flags, int *out_flags)
{
    struct gated_file *g = (struct gated_file *)f;
    int rc;

    if ((flags & SQLITE_OPEN_MAIN_DB) == 0 || name == NULL)
        return parent->xOpen(parent, name, f, flags, out_flags);
    memset(g, 0, sizeof(*g));
    rc = parent->xOpen(parent, name, inner_of(f), flags, out_flags);
    if (rc != SQLITE_OK) {
        if (inner_of(f)->pMethods != NULL)
            inner_of(f)->pMethods->xClose(inner_of(f));
        return rc;
    }
    g->gate = enter(name, inner_of(f));
    g->base.pMethods = &methods;
    return SQLITE_OK;
}

/* A test's file system keeps things that the files do not show: none then. */
void gate_install(void)
{
    static sqlite3_vfs vfs;
    sqlite3_vfs *usual = sqlite3_vfs_find(NULL);

    if (parent != NULL || usual == NULL || strcmp(usual->zName, "unix") != 0)
        return;
    parent = usual;
    vfs = *parent;
    vfs.zName = "confab-gate";
    vfs.pNext = NULL;
    vfs.szOsFile += (int)sizeof(struct gated_file);
    vfs.xOpen = gated_open;
    sqlite3_vfs_register(&vfs, 1);
}

static bool reads_without_waiting(int fd)
{
    char byte;
    struct iovec to = {&byte, 1};

    return preadv2(fd, &to, 1, 0, RWF_NOWAIT) >= 0 || errno == EAGAIN;
}

bool gate_allow(const char *path)
{
    sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
    char full[4096], log[4100];
    bool allowed;
    struct gate *g;

    if (parent == NULL || usual == NULL || usual->xOpen != gated_open ||
        usual->xFullPathname(usual, path, sizeof(full), full) != SQLITE_OK)
        return false;
    snprintf(log, sizeof(log), "%s-wal", full);
    pthread_mutex_lock(&lock);
    g = find(full);
    if (g != NULL && g->database < 0) {
        g->database = open(full, O_RDONLY | O_CLOEXEC);
        g->log = open(log, O_RDONLY | O_CLOEXEC);
        g->inodes[0] = inode_of(g->database);
        g->inodes[1] = inode_of(g->log);
        g->allowed = g->log >= 0 && reads_without_waiting(g->database);
    }
    allowed = g != NULL && g->allowed;
    pthread_mutex_unlock(&lock);
    return allowed;
}
