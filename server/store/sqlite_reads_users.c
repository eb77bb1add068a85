#include <string.h>

#include "store/sqlite.h"

static int put_users(struct store_op *op, struct store_rows *rows)
{
    op->users = store_out_array(op, rows->items,
                                (size_t)rows->count * sizeof(struct user_row));
    op->user_count = op->users != NULL ? rows->count : 0;
    store_rows_release(rows);
    return op->users != NULL || op->user_count == 0 ? 0 : -CF_TOO_BIG;
}

static bool add_user(struct db *d, sqlite3_stmt *s, struct store_rows *rows)
{
    if (!db_row(d, s))
        return false;
    row_user(s, store_rows_add(rows, sizeof(struct user_row)));
    db_stop(s);
    return true;
}

static int read_user(struct db *d, struct store_op *op)
{
    struct store_rows rows = {0};
    sqlite3_stmt *s;

    if (op->user != 0)
        s = db_start(d, SQL_USER, "i", (int64_t)op->user);
    else
        s = db_start(d, SQL_USER_NAME, "t", op->name);
    if (!add_user(d, s, &rows))
        return -CF_NOT_FOUND;
    return put_users(op, &rows);
}

static int read_users(struct db *d, struct store_op *op)
{
    struct store_rows rows = {0};

    for (int i = 0; i < op->id_count; i++)
        (void)add_user(d, db_start(d, SQL_USER, "i", (int64_t)op->ids[i]),
                       &rows);
    return put_users(op, &rows);
}

static int read_devices(struct db *d, struct store_op *op)
{
    sqlite3_stmt *s = db_start(d, SQL_DEVICES, "i", (int64_t)op->user);
    struct store_rows rows = {0};

    while (db_row(d, s))
        row_device(s, store_rows_add(&rows, sizeof(struct device_row)));
    op->devices = store_out_array(
        op, rows.items, (size_t)rows.count * sizeof(struct device_row));
    op->device_count = op->devices != NULL ? rows.count : 0;
    store_rows_release(&rows);
    return 0;
}

static int read_token(struct db *d, struct store_op *op)
{
    sqlite3_stmt *s =
        db_start(d, SQL_TOKEN, "b", span_make(op->hash, TOKEN_HASH));
    int rc = 0;

    if (!db_row(d, s))
        return -CF_NOT_FOUND;
    op->user = (uint64_t)sqlite3_column_int64(s, 0);
    op->dev = (uint32_t)sqlite3_column_int64(s, 1);
    if (op->limit > 0) /* the open statement keeps it one transaction */
        rc = sqlite_convs_of(d, op);
    db_stop(s);
    return rc;
}

static int read_blocks(struct db *d, struct store_op *op)
{
    sqlite3_stmt *s = db_start(d, SQL_BLOCKS, "i", (int64_t)op->user);
    struct store_rows rows = {0};

    while (db_row(d, s)) {
        uint64_t *other = store_rows_add(&rows, sizeof(*other));

        *other = (uint64_t)sqlite3_column_int64(s, 0);
    }
    op->blocks =
        store_out_array(op, rows.items, (size_t)rows.count * sizeof(uint64_t));
    op->block_count = op->blocks != NULL ? rows.count : 0;
    store_rows_release(&rows);
    return 0;
}

static bool blocks(struct db *d, uint64_t user, uint64_t other)
{
    sqlite3_stmt *s =
        db_start(d, SQL_BLOCKED, "ii", (int64_t)user, (int64_t)other);
    bool yes = db_row(d, s);

    db_stop(s);
    return yes;
}

static bool has_said(struct db *d, uint64_t conv, uint64_t user)
{
    sqlite3_stmt *s;
    bool yes;

    if (conv == 0)
        return false;
    s = db_start(d, SQL_SAID, "ii", (int64_t)conv, (int64_t)user);
    yes = db_row(d, s);
    db_stop(s);
    return yes;
}

static int read_pair(struct db *d, struct store_op *op)
{
    struct store_rows rows = {0};

    if (!add_user(d, db_start(d, SQL_USER, "i", (int64_t)op->other), &rows))
        return -CF_NOT_FOUND;
    if (((struct user_row *)rows.items)->deleted) {
        store_rows_release(&rows);
        return -CF_NOT_FOUND;
    }
    op->blocks_other = blocks(d, op->user, op->other);
    op->blocked_by_other = blocks(d, op->other, op->user);
    op->user_sent = has_said(d, op->conv, op->user);
    op->other_sent = has_said(d, op->conv, op->other);
    return put_users(op, &rows);
}

static bool visible(struct db *d, uint64_t user, uint64_t other)
{
    sqlite3_stmt *s =
        db_start(d, SQL_SHARES, "ii", (int64_t)user, (int64_t)other);
    bool yes = db_row(d, s);

    db_stop(s);
    return yes && !blocks(d, other, user);
}

static int read_visible(struct db *d, struct store_op *op)
{
    struct store_rows rows = {0};

    for (int i = 0; i < op->id_count; i++) {
        if (visible(d, op->user, op->ids[i]))
            *(uint64_t *)store_rows_add(&rows, sizeof(uint64_t)) = op->ids[i];
    }
    op->blocks =
        store_out_array(op, rows.items, (size_t)rows.count * sizeof(uint64_t));
    op->block_count = op->blocks != NULL ? rows.count : 0;
    store_rows_release(&rows);
    return 0;
}

static void row_audit(sqlite3_stmt *s, struct audit_row *a)
{
    a->ts = sqlite3_column_int64(s, 0);
    col_text(s, 1, a->who, sizeof(a->who));
    col_text(s, 2, a->what, sizeof(a->what));
    col_text(s, 3, a->about, sizeof(a->about));
}

static int read_audit(struct db *d, struct store_op *op)
{
    int64_t limit = op->limit > 0 ? op->limit : STORE_LIST_DEFAULT;
    sqlite3_stmt *s = db_start(d, SQL_AUDIT, "i", limit);
    struct store_rows rows = {0};
    struct audit_row *a, swap;

    while (db_row(d, s))
        row_audit(s, store_rows_add(&rows, sizeof(*a)));
    a = rows.items;
    for (int i = 0; i < rows.count / 2; i++) { /* oldest first */
        swap = a[i];
        a[i] = a[rows.count - 1 - i];
        a[rows.count - 1 - i] = swap;
    }
    op->audits =
        store_out_array(op, a, (size_t)rows.count * sizeof(struct audit_row));
    op->audit_count = op->audits != NULL ? rows.count : 0;
    store_rows_release(&rows);
    return 0;
}

static int read_stats(struct sqlite_store *ss, struct db *d,
                      struct store_op *op)
{
    sqlite3_stmt *s = db_start(d, SQL_STATS, "");

    memset(op->stats, 0, sizeof(op->stats));
    if (db_row(d, s)) {
        for (int i = 0; i < 5; i++)
            op->stats[i] = sqlite3_column_int64(s, i);
    }
    db_stop(s);
    op->stats[5] = atomic_load(&ss->write_count) + atomic_load(&ss->read_count);
    op->stats[6] = atomic_load(&ss->commits);
    op->stats[7] = atomic_load(&ss->rows);
    return 0;
}

int sqlite_read_user(struct sqlite_store *ss, struct db *d, struct store_op *op)
{
    switch (op->verb) {
    case STORE_USER:
        return read_user(d, op);
    case STORE_USERS:
        return read_users(d, op);
    case STORE_DEVICES:
        return read_devices(d, op);
    case STORE_TOKEN:
        return read_token(d, op);
    case STORE_BLOCKS:
        return read_blocks(d, op);
    case STORE_PAIR:
        return read_pair(d, op);
    case STORE_VISIBLE:
        return read_visible(d, op);
    case STORE_AUDIT_READ:
        return read_audit(d, op);
    case STORE_EXPORT:
        return sqlite_export(d, op);
    case STORE_STATS:
        return read_stats(ss, d, op);
    default:
        return -CF_INVALID;
    }
}
