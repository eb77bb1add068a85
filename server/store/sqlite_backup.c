#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite.h"

static int sync_path(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;

    if (fd < 0 || fsync(fd) != 0)
        rc = error_set(err, CF_IO, "backup: cannot sync %s: %s", path,
                       strerror(errno));
    if (fd >= 0)
        close(fd);
    return rc;
}

/* All pages of one moment, copied in one go: the read transaction of the
 * source holds the moment while the writer goes on in the log. */
static int copy_pages(sqlite3 *to, sqlite3 *from, struct error *err)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    int rc;

    if (b == NULL)
        return error_set(err, CF_IO, "backup: %s", sqlite3_errmsg(to));
    (void)sqlite3_backup_step(b, -1);
    rc = sqlite3_backup_finish(b);
    if (rc == SQLITE_FULL)
        return error_set(err, CF_FULL, "backup: the disk is full");
    if (rc != SQLITE_OK)
        return error_set(err, CF_IO, "backup: %s", sqlite3_errstr(rc));
    return 0;
}

static int open_plain(sqlite3 **db, const char *path, int flags,
                      struct error *err)
{
    int rc = sqlite3_open_v2(path, db, flags | SQLITE_OPEN_NOMUTEX, NULL);

    if (rc != SQLITE_OK)
        return error_set(err, CF_IO, "cannot open %s: %s", path,
                         sqlite3_errstr(rc));
    sqlite3_busy_timeout(*db, 5000);
    return 0;
}

/* A fresh file, so that nothing is ever overwritten. */
static int make_file(const char *path, struct error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return error_set(err, errno == EEXIST ? CF_EXISTS : CF_IO,
                         "cannot make %s: %s", path, strerror(errno));
    close(fd);
    return 0;
}

static int make_dir(const char *dir, struct error *err)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return error_set(err, CF_IO, "cannot make %s: %s", dir,
                         strerror(errno));
    return 0;
}

/* Copy the database at from to the new file in the directory to. */
static int copy_store(const char *from, const char *to, struct error *err)
{
    char path[4096];
    sqlite3 *source = NULL, *target = NULL;
    int rc = make_dir(to, err);

    snprintf(path, sizeof(path), "%s/" SQLITE_FILE, to);
    if (rc == 0)
        rc = make_file(path, err);
    if (rc < 0)
        return rc;
    rc = open_plain(&source, from, SQLITE_OPEN_READWRITE, err);
    if (rc == 0)
        rc = open_plain(&target, path, SQLITE_OPEN_READWRITE, err);
    if (rc == 0)
        rc = copy_pages(target, source, err);
    sqlite3_close(target);
    sqlite3_close(source);
    if (rc == 0)
        rc = sync_path(path, err);
    if (rc == 0)
        rc = sync_path(to, err);
    if (rc < 0)
        unlink(path);
    return rc;
}

int sqlite_backup(struct store *s, const char *dir, struct error *err)
{
    struct sqlite_store *ss = s->priv;
    char from[4096];

    snprintf(from, sizeof(from), "%s/" SQLITE_FILE, ss->dir);
    return copy_store(from, dir, err);
}

int store_sqlite_restore(const char *backup_dir, const char *data_dir,
                         struct error *err)
{
    char from[4096], to[4096], name[33] = "";
    struct db d;
    int rc;

    snprintf(from, sizeof(from), "%s/" SQLITE_FILE, backup_dir);
    snprintf(to, sizeof(to), "%s/" SQLITE_FILE, data_dir);
    if (access(from, R_OK) != 0)
        return error_set(err, CF_NOT_FOUND, "no backup in %s", backup_dir);
    rc = copy_store(from, data_dir, err);
    if (rc < 0)
        return rc;
    /* Numbers of the old life may be used again: another name tells clients
     * that what they remember is of another one. */
    rc = db_open(&d, to, true, false, err);
    if (rc < 0)
        return rc;
    rc = schema_rename(&d, name, err);
    db_close(&d);
    return rc;
}
