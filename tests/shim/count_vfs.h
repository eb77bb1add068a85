/* count_vfs.h - counts sync calls and bytes written. */
#ifndef SHIM_COUNT_VFS_H
#define SHIM_COUNT_VFS_H

#include <stdatomic.h>

#include "shim/shim_vfs.h"

static _Atomic long count_syncs_now, count_bytes_now;

static inline long count_vfs_syncs(void)
{
    return atomic_load(&count_syncs_now);
}

static inline long count_vfs_bytes(void)
{
    return atomic_load(&count_bytes_now);
}

static inline int count_sync(sqlite3_file *f, int flags)
{
    atomic_fetch_add(&count_syncs_now, 1);
    return shim_sync(f, flags);
}

static inline int count_write(sqlite3_file *f, const void *p, int n,
                              sqlite3_int64 at)
{
    atomic_fetch_add(&count_bytes_now, n);
    return shim_write(f, p, n, at);
}

static inline int count_open(sqlite3_vfs *v, const char *name, sqlite3_file *f,
                             int flags, int *out)
{
    static sqlite3_io_methods methods = SHIM_METHODS;

    methods.xSync = count_sync;
    methods.xWrite = count_write;
    return shim_open(v, name, f, flags, out, &methods);
}

static inline void count_vfs_install(void)
{
    static sqlite3_vfs vfs;

    shim_install(&vfs, "count", count_open);
}

#endif
