#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/sqlite.h"

static void path_of(const struct sqlite_store *ss, const char *name,
                    char out[4096])
{
    snprintf(out, 4096, "%s/%s", ss->dir, name);
}

/* Zeros, where the file system has no fallocate. */
static int write_zeros(int fd, long bytes)
{
    static const char zeros[65536];

    for (long done = 0; done < bytes; done += (long)sizeof(zeros)) {
        if (pwrite(fd, zeros, sizeof(zeros), done) != (ssize_t)sizeof(zeros))
            return -CF_FULL;
    }
    return 0;
}

int reserve_make(struct sqlite_store *ss)
{
    char path[4096];
    int fd, rc = 0;

    path_of(ss, "reserve", path);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -CF_IO;
    if (fallocate(fd, 0, 0, SQLITE_RESERVE_BYTES) != 0)
        rc = errno == EOPNOTSUPP ? write_zeros(fd, SQLITE_RESERVE_BYTES)
                                 : -CF_FULL;
    close(fd);
    if (rc < 0)
        unlink(path);
    return rc;
}

void reserve_drop(struct sqlite_store *ss)
{
    static struct log_gate gate;
    char path[4096];

    path_of(ss, "reserve", path);
    if (unlink(path) == 0 && log_gate(&gate, 10000))
        log_warn("store: disk full: the reserve is used for what must go on");
}

bool reserve_regain(struct sqlite_store *ss)
{
    struct statvfs v;

    if (statvfs(ss->dir, &v) != 0 || (int64_t)v.f_bavail * (int64_t)v.f_frsize <
                                         (int64_t)SQLITE_RESERVE_BYTES * 2)
        return false;
    return reserve_make(ss) == 0;
}

bool reserve_allows(const struct store_op *op)
{
    switch (op->verb) {
    case STORE_CREATE:
    case STORE_USER_ADD:
    case STORE_DEVICE_ADD:
    case STORE_INVITE_ADD:
        return false;
    case STORE_APPEND:
        return op->entry.kind == ENTRY_DELETE ||
               (op->change_count > 0 && op->changes[0].role == ROLE_NONE);
    default:
        return true;
    }
}

/* The database for the owner only; its log gets the same mode. Before any
 * connection: closing a descriptor of the file drops SQLite's locks. */
static int make_private(const struct sqlite_store *ss, struct error *err)
{
    char path[4096];
    int fd;

    path_of(ss, SQLITE_FILE, path);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(err, CF_IO, "store: cannot open %s: %s", path,
                         strerror(errno));
    close(fd);
    return 0;
}

int lock_take(struct sqlite_store *ss, struct error *err)
{
    char path[4096];

    if (mkdir(ss->dir, 0700) != 0 && errno != EEXIST)
        return error_set(err, CF_IO, "store: cannot make %s: %s", ss->dir,
                         strerror(errno));
    path_of(ss, "lock", path);
    ss->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (ss->lock_fd < 0)
        return error_set(err, CF_IO, "store: cannot open %s: %s", path,
                         strerror(errno));
    if (flock(ss->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return error_set(err, CF_EXISTS,
                         "store: another process uses %s: one process owns "
                         "a store",
                         ss->dir);
    return make_private(ss, err);
}
