#include "store/sqlite.h"

/* One page walks at most this much of a log. */
#define EXPORT_WINDOW 5000

static int page_limit(const struct store_op *op)
{
    return op->limit > 0 ? op->limit : STORE_LIST_DEFAULT;
}

static bool room(const struct store_op *op, int lines)
{
    return lines < page_limit(op) && op->out.len < EXPORT_PAGE_BYTES;
}

static int export_user(struct db *d, struct store_op *op)
{
    sqlite3_stmt *s = db_start(d, SQL_USER, "i", (int64_t)op->user);
    struct user_row u = {0};

    if (!db_row(d, s))
        return -CF_NOT_FOUND;
    row_user(s, &u);
    db_stop(s);
    return store_export_user(&op->out, &u);
}

static int export_devices(struct db *d, struct store_op *op, int *lines)
{
    sqlite3_stmt *s = db_start(d, SQL_DEVICES, "i", (int64_t)op->user);
    int rc = 0;

    while (rc == 0 && db_row(d, s)) {
        struct device_row row = {0};

        row_device(s, &row);
        rc = store_export_device(&op->out, &row);
        ++*lines;
    }
    db_stop(s);
    return rc;
}

static int export_members(struct db *d, struct store_op *op,
                          struct export_cursor *at, int *lines)
{
    sqlite3_stmt *s = db_start(d, SQL_CONVS_OF, "iii", (int64_t)op->user,
                               (int64_t)at->conv, (int64_t)page_limit(op));
    int rc = 0;
    bool more = false;

    while (rc == 0 && (more = db_row(d, s)) && room(op, *lines)) {
        struct membership m = {0};

        row_member(s, &m);
        row_conv(s, 10, &m.c);
        at->conv = m.conv;
        rc = store_export_member(&op->out, &m);
        ++*lines;
    }
    db_stop(s);
    if (!more && *lines < page_limit(op))
        *at = (struct export_cursor){.stage = 3};
    return rc;
}

/* The conversation to go on in: the one begun, or the next. */
static bool next_conv(struct db *d, const struct store_op *op,
                      struct export_cursor *at)
{
    sqlite3_stmt *s =
        db_start(d, SQL_CONVS_EVER, "ii", (int64_t)op->user, (int64_t)at->conv);
    bool more = db_row(d, s);

    if (more)
        *at = (struct export_cursor){
            .stage = 3, .conv = (uint64_t)sqlite3_column_int64(s, 0)};
    else
        at->stage = 4;
    db_stop(s);
    return more;
}

static int64_t head_of(struct db *d, uint64_t conv)
{
    sqlite3_stmt *s = db_start(d, SQL_HEAD, "i", (int64_t)conv);
    int64_t head = db_row(d, s) ? sqlite3_column_int64(s, 0) : 0;

    db_stop(s);
    return head;
}

/* Own entries of at->conv in (at->seq, at->seq + EXPORT_WINDOW]. */
static int export_window(struct db *d, struct store_op *op,
                         struct export_cursor *at, int *lines)
{
    int64_t end = at->seq + EXPORT_WINDOW;
    sqlite3_stmt *s = db_start(d, SQL_EXPORT_ENTRIES, "iiii", (int64_t)at->conv,
                               at->seq, end, (int64_t)op->user);
    int rc = 0;
    bool more = false;

    while (rc == 0 && room(op, *lines) && (more = db_row(d, s))) {
        struct entry e = {0};

        row_entry(s, &e);
        at->seq = e.seq;
        rc = store_export_entry(&op->out, &e);
        ++*lines;
    }
    db_stop(s);
    if (!more && room(op, *lines))
        at->seq = end;
    return rc;
}

static int export_logs(struct db *d, struct store_op *op,
                       struct export_cursor *at, int *lines)
{
    int windows = 0, rc = 0;

    while (rc == 0 && d->rc == SQLITE_OK && room(op, *lines) && windows < 8) {
        if (at->conv == 0 || at->seq >= head_of(d, at->conv)) {
            if (!next_conv(d, op, at))
                break;
            continue;
        }
        rc = export_window(d, op, at, lines);
        windows++;
    }
    return rc;
}

int sqlite_export(struct db *d, struct store_op *op)
{
    struct export_cursor at;
    int lines = 0, rc = store_export_begin(op, &at);

    if (rc == 0 && at.stage == 0) {
        rc = export_user(d, op);
        lines = 1;
        at.stage = 1;
    }
    if (rc == 0 && at.stage == 1) {
        rc = export_devices(d, op, &lines);
        at.stage = 2;
    }
    if (rc == 0 && at.stage == 2 && room(op, lines))
        rc = export_members(d, op, &at, &lines);
    if (rc == 0 && at.stage == 3 && room(op, lines))
        rc = export_logs(d, op, &at, &lines);
    return rc == 0 ? store_export_end(op, &at) : rc;
}
