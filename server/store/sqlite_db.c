#include <stdarg.h>
#include <string.h>

#include "store/sqlite.h"

/* Temporary tables in memory, no mmap: a read error must be an error and not
 * a signal. The checkpointer moves the WAL, so nobody else does. */
static const char common_pragmas[] = "PRAGMA journal_mode = WAL;"
                                     "PRAGMA wal_autocheckpoint = 0;"
                                     "PRAGMA mmap_size = 0;"
                                     "PRAGMA temp_store = MEMORY;"
                                     "PRAGMA foreign_keys = OFF;"
                                     "PRAGMA journal_size_limit = 268435456;";

int db_error(struct error *err, struct db *d, const char *what)
{
    int code = d->handle != NULL ? sqlite3_extended_errcode(d->handle) : 0;

    if ((code & 0xff) == SQLITE_FULL)
        return error_set(err, CF_FULL, "store: %s: the disk is full", what);
    return error_set(err, CF_IO, "store: %s: %s", what,
                     d->handle != NULL ? sqlite3_errmsg(d->handle)
                                       : "no memory");
}

int db_exec(struct db *d, const char *sql)
{
    return sqlite3_exec(d->handle, sql, NULL, NULL, NULL);
}

int db_open(struct db *d, const char *path, bool sync, bool writes,
            struct error *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    int rc;

    memset(d, 0, sizeof(*d));
    rc = sqlite3_open_v2(path, &d->handle, flags,
                         sync && writes ? gather_vfs() : NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(d->handle, 5000);
    if (rc == SQLITE_OK)
        rc = db_exec(d, common_pragmas);
    if (rc == SQLITE_OK)
        rc = db_exec(d, sync ? "PRAGMA synchronous = FULL"
                             : "PRAGMA synchronous = NORMAL");
    if (rc == SQLITE_OK)
        rc = db_exec(d, writes ? "PRAGMA cache_size = -16384"
                               : "PRAGMA cache_size = -1024");
    if (rc == SQLITE_OK)
        return 0;
    rc = db_error(err, d, path);
    db_close(d);
    return rc;
}

void db_close(struct db *d)
{
    for (int i = 0; i < SQL_COUNT; i++) {
        sqlite3_finalize(d->stmts[i]);
        d->stmts[i] = NULL;
    }
    sqlite3_close(d->handle);
    d->handle = NULL;
}

static void set_rc(struct db *d, int rc)
{
    if (d->rc == SQLITE_OK)
        d->rc = rc;
}

static sqlite3_stmt *db_get(struct db *d, enum sql_id id)
{
    int rc;

    if (d->stmts[id] != NULL)
        return d->stmts[id];
    rc = sqlite3_prepare_v3(d->handle, sql_text[id], -1,
                            SQLITE_PREPARE_PERSISTENT, &d->stmts[id], NULL);
    if (rc != SQLITE_OK)
        set_rc(d, rc);
    return d->stmts[id];
}

static int bind_blob(sqlite3_stmt *s, int i, struct span b)
{
    if (b.p == NULL)
        return sqlite3_bind_null(s, i);
    return sqlite3_bind_blob64(s, i, b.n > 0 ? b.p : "", b.n, SQLITE_STATIC);
}

static int bind_all(sqlite3_stmt *s, const char *types, va_list args)
{
    int rc = SQLITE_OK;

    for (int i = 1; rc == SQLITE_OK && types[i - 1] != '\0'; i++) {
        switch (types[i - 1]) {
        case 'i':
            rc = sqlite3_bind_int64(s, i, va_arg(args, int64_t));
            break;
        case 't':
            rc = sqlite3_bind_text(s, i, va_arg(args, const char *), -1,
                                   SQLITE_STATIC);
            break;
        default:
            rc = bind_blob(s, i, va_arg(args, struct span));
            break;
        }
    }
    return rc;
}

static sqlite3_stmt *start(struct db *d, enum sql_id id, const char *types,
                           va_list args)
{
    sqlite3_stmt *s = db_get(d, id);
    int rc;

    if (s == NULL)
        return NULL;
    sqlite3_reset(s);
    rc = bind_all(s, types, args);
    if (rc != SQLITE_OK)
        set_rc(d, rc);
    return s;
}

sqlite3_stmt *db_start(struct db *d, enum sql_id id, const char *types, ...)
{
    sqlite3_stmt *s;
    va_list args;

    va_start(args, types);
    s = start(d, id, types, args);
    va_end(args);
    return s;
}

bool db_row(struct db *d, sqlite3_stmt *s)
{
    int rc;

    if (d->rc != SQLITE_OK || s == NULL)
        return false;
    rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        return true;
    sqlite3_reset(s);
    if (rc != SQLITE_DONE)
        set_rc(d, sqlite3_extended_errcode(d->handle));
    return false;
}

void db_stop(sqlite3_stmt *s)
{
    if (s != NULL)
        sqlite3_reset(s);
}

int db_run(struct db *d, enum sql_id id, const char *types, ...)
{
    sqlite3_stmt *s;
    va_list args;
    int changes;

    if (d->rc != SQLITE_OK)
        return 0;
    va_start(args, types);
    s = start(d, id, types, args);
    va_end(args);
    if (s == NULL || d->rc != SQLITE_OK)
        return 0;
    if (db_row(d, s))
        sqlite3_reset(s);
    changes = sqlite3_changes(d->handle);
    return d->rc == SQLITE_OK ? changes : 0;
}

/* ---- columns ---- */

void col_text(sqlite3_stmt *s, int i, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(s, i);

    store_copy_text(out, size, text, (size_t)sqlite3_column_bytes(s, i));
}

struct span col_blob(sqlite3_stmt *s, int i)
{
    const char *p;

    if (sqlite3_column_type(s, i) == SQLITE_NULL)
        return (struct span){NULL, 0};
    p = sqlite3_column_blob(s, i);
    return span_make(p != NULL ? p : "", (size_t)sqlite3_column_bytes(s, i));
}

void row_conv(sqlite3_stmt *s, int at, struct conv_row *row)
{
    row->conv = (uint64_t)sqlite3_column_int64(s, at++);
    row->kind = (enum conv_kind)sqlite3_column_int(s, at++);
    row->mode = (enum conv_mode)sqlite3_column_int(s, at++);
    row->head = sqlite3_column_int64(s, at++);
    row->last_id = (uint64_t)sqlite3_column_int64(s, at++);
    row->term = sqlite3_column_int64(s, at++);
    row->epoch = sqlite3_column_int64(s, at++);
    row->members = sqlite3_column_int64(s, at++);
    row->pair[0] = (uint64_t)sqlite3_column_int64(s, at++);
    row->pair[1] = (uint64_t)sqlite3_column_int64(s, at++);
    row->created = sqlite3_column_int64(s, at++);
    col_text(s, at, row->title, sizeof(row->title));
}

void row_member(sqlite3_stmt *s, struct membership *m)
{
    m->conv = (uint64_t)sqlite3_column_int64(s, 0);
    m->user = (uint64_t)sqlite3_column_int64(s, 1);
    m->role = (enum role)sqlite3_column_int(s, 2);
    m->join = sqlite3_column_int64(s, 3);
    m->left = sqlite3_column_int64(s, 4);
    m->delivered = sqlite3_column_int64(s, 5);
    m->read = sqlite3_column_int64(s, 6);
    m->acked = -1;
}

void row_user(sqlite3_stmt *s, struct user_row *u)
{
    u->user = (uint64_t)sqlite3_column_int64(s, 0);
    col_text(s, 1, u->name, sizeof(u->name));
    col_text(s, 2, u->display, sizeof(u->display));
    col_text(s, 3, u->contact, sizeof(u->contact));
    col_text(s, 4, u->pwhash, sizeof(u->pwhash));
    u->created = sqlite3_column_int64(s, 5);
    u->deleted = sqlite3_column_int(s, 6) != 0;
}

void row_device(sqlite3_stmt *s, struct device_row *d)
{
    d->user = (uint64_t)sqlite3_column_int64(s, 0);
    d->dev = (uint32_t)sqlite3_column_int64(s, 1);
    col_text(s, 2, d->name, sizeof(d->name));
    d->created = sqlite3_column_int64(s, 3);
    d->seen = sqlite3_column_int64(s, 4);
    d->revoked = sqlite3_column_int(s, 5) != 0;
}

void row_entry(sqlite3_stmt *s, struct entry *e)
{
    e->id = (uint64_t)sqlite3_column_int64(s, 0);
    e->conv = (uint64_t)sqlite3_column_int64(s, 1);
    e->seq = sqlite3_column_int64(s, 2);
    e->ts = sqlite3_column_int64(s, 3);
    e->kind = (enum entry_kind)sqlite3_column_int(s, 4);
    e->from = (uint64_t)sqlite3_column_int64(s, 5);
    e->dev = (uint32_t)sqlite3_column_int64(s, 6);
    e->of = sqlite3_column_int64(s, 7);
    e->thread = sqlite3_column_int64(s, 8);
    e->reply = sqlite3_column_int64(s, 9);
    e->expires = sqlite3_column_int64(s, 10);
    e->deleted = sqlite3_column_int(s, 11) != 0;
    e->trace = sqlite3_column_int(s, 12) != 0;
    e->cid = col_blob(s, 13);
    e->body = col_blob(s, 14);
    e->mention = col_blob(s, 15);
}
