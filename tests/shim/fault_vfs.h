/* fault_vfs.h - a disk that fails: the n-th read, write or sync, once or from
 * then on, with an error of the caller's choice. */
#ifndef SHIM_FAULT_VFS_H
#define SHIM_FAULT_VFS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "shim/shim_vfs.h"

enum fault_call { FAULT_READ, FAULT_WRITE, FAULT_SYNC };

struct fault {
    enum fault_call call;
    int error;              /* SQLite's code */
    bool stays;             /* every later one too */
    const char *while_file; /* full only as long as this file is there */
    _Atomic long left;      /* calls until it fails; <= 0: not armed */
    _Atomic long failed;    /* calls that failed */
};

static struct fault fault;

static inline void fault_arm(enum fault_call call, int error, long n,
                             bool stays)
{
    fault.call = call;
    fault.error = error;
    fault.stays = stays;
    fault.while_file = NULL;
    atomic_store(&fault.failed, 0);
    atomic_store(&fault.left, n);
}

static inline void fault_disarm(void)
{
    atomic_store(&fault.left, 0);
}

static inline bool fault_now(enum fault_call call)
{
    long left = atomic_load(&fault.left);

    if (left <= 0 || call != fault.call)
        return false;
    if (fault.while_file != NULL && access(fault.while_file, F_OK) != 0)
        return false;
    if (left > 1) {
        atomic_fetch_sub(&fault.left, 1);
        return false;
    }
    if (!fault.stays)
        atomic_store(&fault.left, 0);
    atomic_fetch_add(&fault.failed, 1);
    return true;
}

static inline int fault_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return fault_now(FAULT_READ) ? fault.error : shim_read(f, p, n, at);
}

/* Half of what is written arrives: a torn write. */
static inline int fault_write(sqlite3_file *f, const void *p, int n,
                              sqlite3_int64 at)
{
    if (!fault_now(FAULT_WRITE))
        return shim_write(f, p, n, at);
    if (n > 1)
        (void)shim_write(f, p, n / 2, at);
    return fault.error;
}

static inline int fault_sync(sqlite3_file *f, int flags)
{
    return fault_now(FAULT_SYNC) ? fault.error : shim_sync(f, flags);
}

static inline int fault_open(sqlite3_vfs *v, const char *name, sqlite3_file *f,
                             int flags, int *out)
{
    static sqlite3_io_methods methods = SHIM_METHODS;

    methods.xRead = fault_read;
    methods.xWrite = fault_write;
    methods.xSync = fault_sync;
    return shim_open(v, name, f, flags, out, &methods);
}

static inline void fault_vfs_install(void)
{
    static sqlite3_vfs vfs;

    shim_install(&vfs, "fault", fault_open);
}

#endif
