/* shim_vfs.h - a VFS over SQLite's own: each file is the real one with a table
 * of methods in which a test replaces what it wants. */
#ifndef SHIM_SHIM_VFS_H
#define SHIM_SHIM_VFS_H

#include <sqlite3.h>
#include <string.h>

struct shim_file {
    sqlite3_file base;
    void *state;        /* the shim's, per file */
    sqlite3_file *real; /* lies behind this struct */
};

static inline sqlite3_file *shim_real(sqlite3_file *f)
{
    return ((struct shim_file *)f)->real;
}

static inline sqlite3_vfs *shim_under(sqlite3_vfs *v)
{
    return v->pAppData;
}

static inline int shim_close(sqlite3_file *f)
{
    return shim_real(f)->pMethods->xClose(shim_real(f));
}

static inline int shim_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return shim_real(f)->pMethods->xRead(shim_real(f), p, n, at);
}

static inline int shim_write(sqlite3_file *f, const void *p, int n,
                             sqlite3_int64 at)
{
    return shim_real(f)->pMethods->xWrite(shim_real(f), p, n, at);
}

static inline int shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return shim_real(f)->pMethods->xTruncate(shim_real(f), size);
}

static inline int shim_sync(sqlite3_file *f, int flags)
{
    return shim_real(f)->pMethods->xSync(shim_real(f), flags);
}

static inline int shim_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return shim_real(f)->pMethods->xFileSize(shim_real(f), size);
}

static inline int shim_lock(sqlite3_file *f, int level)
{
    return shim_real(f)->pMethods->xLock(shim_real(f), level);
}

static inline int shim_unlock(sqlite3_file *f, int level)
{
    return shim_real(f)->pMethods->xUnlock(shim_real(f), level);
}

static inline int shim_reserved(sqlite3_file *f, int *out)
{
    return shim_real(f)->pMethods->xCheckReservedLock(shim_real(f), out);
}

static inline int shim_control(sqlite3_file *f, int op, void *arg)
{
    return shim_real(f)->pMethods->xFileControl(shim_real(f), op, arg);
}

static inline int shim_sector(sqlite3_file *f)
{
    return shim_real(f)->pMethods->xSectorSize(shim_real(f));
}

static inline int shim_device(sqlite3_file *f)
{
    return shim_real(f)->pMethods->xDeviceCharacteristics(shim_real(f));
}

static inline int shim_shm_map(sqlite3_file *f, int page, int size, int extend,
                               void volatile **out)
{
    return shim_real(f)->pMethods->xShmMap(shim_real(f), page, size, extend,
                                           out);
}

static inline int shim_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return shim_real(f)->pMethods->xShmLock(shim_real(f), offset, n, flags);
}

static inline void shim_shm_barrier(sqlite3_file *f)
{
    shim_real(f)->pMethods->xShmBarrier(shim_real(f));
}

static inline int shim_shm_unmap(sqlite3_file *f, int remove)
{
    return shim_real(f)->pMethods->xShmUnmap(shim_real(f), remove);
}

/* Methods of version 2 (no mmap) that all pass through. */
#define SHIM_METHODS                                                          \
    {                                                                         \
        .iVersion = 2, .xClose = shim_close, .xRead = shim_read,              \
        .xWrite = shim_write, .xTruncate = shim_truncate, .xSync = shim_sync, \
        .xFileSize = shim_size, .xLock = shim_lock, .xUnlock = shim_unlock,   \
        .xCheckReservedLock = shim_reserved, .xFileControl = shim_control,    \
        .xSectorSize = shim_sector, .xDeviceCharacteristics = shim_device,    \
        .xShmMap = shim_shm_map, .xShmLock = shim_shm_lock,                   \
        .xShmBarrier = shim_shm_barrier, .xShmUnmap = shim_shm_unmap          \
    }

/* Open the real file behind f and give f the methods. */
static inline int shim_open(sqlite3_vfs *v, const char *name, sqlite3_file *f,
                            int flags, int *out_flags,
                            const sqlite3_io_methods *methods)
{
    struct shim_file *s = (struct shim_file *)f;
    int rc;

    memset(s, 0, sizeof(*s));
    s->real = (sqlite3_file *)(s + 1);
    rc = shim_under(v)->xOpen(shim_under(v), name, s->real, flags, out_flags);
    if (rc == SQLITE_OK && s->real->pMethods != NULL)
        s->base.pMethods = methods;
    return rc;
}

/* Make v a copy of the default VFS with another name and xOpen, and make it
 * the default. */
static inline void shim_install(sqlite3_vfs *v, const char *name,
                                int (*open)(sqlite3_vfs *, const char *,
                                            sqlite3_file *, int, int *))
{
    sqlite3_vfs *under = sqlite3_vfs_find(NULL);

    *v = *under;
    v->zName = name;
    v->pNext = NULL;
    v->pAppData = under;
    v->szOsFile = (int)sizeof(struct shim_file) + under->szOsFile;
    v->xOpen = open;
    sqlite3_vfs_register(v, 1);
}

#endif
