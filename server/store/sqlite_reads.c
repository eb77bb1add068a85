#include "base/mem.h"

#include "store/sqlite.h"

/* Copy the bytes of a row that was just read into op->out; its spans become
 * offsets. */
static int keep_bytes(struct store_op *op, struct entry *e)
{
    int rc = store_out_bytes(op, &e->cid, e->cid.p, e->cid.n);

    if (rc == 0)
        rc = store_out_bytes(op, &e->body, e->body.p, e->body.n);
    if (rc == 0)
        rc = store_out_bytes(op, &e->mention, e->mention.p, e->mention.n);
    return rc;
}

static void reverse(struct entry *items, int n)
{
    for (int i = 0; i < n / 2; i++) {
        struct entry e = items[i];

        items[i] = items[n - 1 - i];
        items[n - 1 - i] = e;
    }
}

/* The last 50, or any page: one range of the index (conv, seq). */
static sqlite3_stmt *start_page(struct db *d, const struct store_op *op)
{
    int64_t before = op->before > 0 ? op->before : INT64_MAX;
    enum sql_id id = op->forward ? SQL_PAGE_UP : SQL_PAGE_DOWN;

    if (op->thread == 0)
        return db_start(d, id, "iiii", (int64_t)op->conv, op->after, before,
                        (int64_t)op->limit);
    id = op->forward ? SQL_THREAD_UP : SQL_THREAD_DOWN;
    return db_start(d, id, "iiiii", (int64_t)op->conv, op->after, before,
                    (int64_t)op->limit, op->thread);
}

static int read_page(struct db *d, struct store_op *op)
{
    sqlite3_stmt *s = start_page(d, op);
    struct store_rows rows = {0};
    size_t size = 0;
    int rc = 0;

    op->cut = false;
    while (rc == 0 && db_row(d, s)) {
        struct entry *e = store_rows_add(&rows, sizeof(*e));

        row_entry(s, e);
        size += store_entry_size(e);
        op->cut = rows.count > 1 && op->max_bytes > 0 && size > op->max_bytes;
        if (op->cut) {
            rows.count--;
            break;
        }
        rc = keep_bytes(op, e);
    }
    db_stop(s);
    if (!op->forward)
        reverse(rows.items, rows.count);
    if (rc == 0)
        rc = store_out_entries(op, rows.items, rows.count);
    store_rows_release(&rows);
    return rc;
}

static int read_one(struct db *d, struct store_op *op, sqlite3_stmt *s)
{
    int rc;

    if (!db_row(d, s))
        return -CF_NOT_FOUND;
    row_entry(s, &op->entry);
    rc = keep_bytes(op, &op->entry);
    db_stop(s);
    if (rc == 0)
        store_out_entry(op, &op->entry);
    return rc;
}

static int read_entry(struct db *d, struct store_op *op)
{
    return read_one(
        d, op, db_start(d, SQL_ENTRY, "ii", (int64_t)op->conv, op->entry.seq));
}

static int read_cid(struct db *d, struct store_op *op)
{
    return read_one(d, op,
                    db_start(d, SQL_ENTRY_CID, "iib", (int64_t)op->conv,
                             (int64_t)op->user, op->entry.cid));
}

static int read_heads(struct db *d, struct store_op *op)
{
    for (int i = 0; i < op->mark_count; i++) {
        sqlite3_stmt *s =
            db_start(d, SQL_HEAD, "i", (int64_t)op->marks[i].conv);

        op->marks[i].acked = db_row(d, s) ? sqlite3_column_int64(s, 0) : 0;
        db_stop(s);
    }
    return 0;
}

static int read_conv(struct db *d, struct store_op *op)
{
    sqlite3_stmt *s = db_start(d, SQL_CONV, "i", (int64_t)op->conv);

    if (!db_row(d, s))
        return -CF_NOT_FOUND;
    row_conv(s, 0, &op->row);
    db_stop(s);
    return 0;
}

/* ---- memberships ---- */

static void row_member_full(sqlite3_stmt *s, uint32_t dev, struct membership *m)
{
    row_member(s, m);
    m->acked = sqlite_device_mark((const char *)sqlite3_column_text(s, 7), dev);
    m->peer_delivered = sqlite3_column_int64(s, 8);
    m->peer_read = sqlite3_column_int64(s, 9);
    row_conv(s, 10, &m->c);
}

static int put_members(struct store_op *op, struct store_rows *rows)
{
    op->members = store_out_array(
        op, rows->items, (size_t)rows->count * sizeof(struct membership));
    op->member_count = op->members != NULL ? rows->count : 0;
    store_rows_release(rows);
    return op->members != NULL || op->member_count == 0 ? 0 : -CF_TOO_BIG;
}

static int64_t list_limit(const struct store_op *op)
{
    return op->limit > 0 ? op->limit : STORE_LIST_DEFAULT;
}

int sqlite_convs_of(struct db *d, struct store_op *op)
{
    sqlite3_stmt *s = db_start(d, SQL_CONVS_OF, "iii", (int64_t)op->user,
                               (int64_t)op->conv, list_limit(op));
    struct store_rows rows = {0};

    while (db_row(d, s))
        row_member_full(s, op->dev,
                        store_rows_add(&rows, sizeof(struct membership)));
    return put_members(op, &rows);
}

static int read_roster(struct db *d, struct store_op *op)
{
    sqlite3_stmt *s = db_start(d, SQL_ROSTER, "iii", (int64_t)op->conv,
                               (int64_t)op->other, list_limit(op));
    struct store_rows rows = {0};

    while (db_row(d, s))
        row_member(s, store_rows_add(&rows, sizeof(struct membership)));
    if (rows.count == 0 && read_conv(d, op) == -CF_NOT_FOUND)
        return -CF_NOT_FOUND;
    return put_members(op, &rows);
}

static int read_member(struct db *d, struct store_op *op)
{
    sqlite3_stmt *s =
        db_start(d, SQL_MEMBER, "ii", (int64_t)op->conv, (int64_t)op->user);
    struct store_rows rows = {0};

    if (!db_row(d, s))
        return -CF_NOT_FOUND;
    row_member_full(s, op->dev,
                    store_rows_add(&rows, sizeof(struct membership)));
    db_stop(s);
    return put_members(op, &rows);
}

int sqlite_read(struct sqlite_store *ss, struct db *d, struct store_op *op)
{
    switch (op->verb) {
    case STORE_PAGE:
        return read_page(d, op);
    case STORE_ENTRY:
        return read_entry(d, op);
    case STORE_CID:
        return read_cid(d, op);
    case STORE_HEADS:
        return read_heads(d, op);
    case STORE_CONV:
        return read_conv(d, op);
    case STORE_CONVS_OF:
        return sqlite_convs_of(d, op);
    case STORE_ROSTER:
        return read_roster(d, op);
    case STORE_MEMBER:
        return read_member(d, op);
    default:
        return sqlite_read_user(ss, d, op);
    }
}

/* ---- the queue ---- */

/* Under the lock: is a reader to be woken? Whoever gets true does it after the
 * lock, so that the one who wakes does not wait at once. */
static bool call_reader(struct sqlite_store *ss)
{
    if (list_empty(&ss->reads) || ss->readers_asleep == 0 || ss->reader_called)
        return false;
    ss->reader_called = true;
    return true;
}

int sqlite_enqueue_read(struct sqlite_store *ss, struct store_op *op)
{
    bool call = false;
    int rc = 0;

    pthread_mutex_lock(&ss->read_lock);
    if (ss->readers_stop) {
        rc = -CF_UNAVAILABLE;
    } else if (atomic_load(&ss->read_count) >= LIMIT_STORE_QUEUE) {
        rc = -CF_BUSY;
    } else {
        list_push(&ss->reads, &op->link);
        atomic_fetch_add(&ss->read_count, 1);
        call = call_reader(ss);
    }
    pthread_mutex_unlock(&ss->read_lock);
    if (call)
        pthread_cond_signal(&ss->wake_readers);
    return rc;
}

void sqlite_stop_readers(struct sqlite_store *ss)
{
    pthread_mutex_lock(&ss->read_lock);
    ss->readers_stop = true;
    pthread_cond_broadcast(&ss->wake_readers);
    pthread_mutex_unlock(&ss->read_lock);
}

static void sleep_until_called(struct sqlite_store *ss)
{
    ss->readers_asleep++;
    pthread_cond_wait(&ss->wake_readers, &ss->read_lock);
    ss->readers_asleep--;
    ss->reader_called = false;
}

static struct store_op *take(struct sqlite_store *ss)
{
    struct link *l;
    bool call;

    pthread_mutex_lock(&ss->read_lock);
    while (list_empty(&ss->reads) && !ss->readers_stop)
        sleep_until_called(ss);
    l = ss->readers_stop ? NULL : list_pop(&ss->reads);
    if (l != NULL)
        atomic_fetch_sub(&ss->read_count, 1);
    call = call_reader(ss);
    pthread_mutex_unlock(&ss->read_lock);
    if (call)
        pthread_cond_signal(&ss->wake_readers);
    return l != NULL ? container_of(l, struct store_op, link) : NULL;
}

/* ---- the thread ---- */

static int run(struct sqlite_store *ss, struct db *d, struct store_op *op)
{
    int rc;

    if (store_failed(ss->store))
        return -CF_UNAVAILABLE;
    if (op->due < clock_mono(ss->store->clock))
        return -CF_TIMEOUT;
    d->rc = SQLITE_OK;
    store_stamp(ss->store, op);
    rc = sqlite_read(ss, d, op);
    if (d->rc == SQLITE_OK)
        return rc;
    /* What came before the error is half an answer: none. */
    op->entry_count = op->member_count = op->user_count = 0;
    op->device_count = op->block_count = op->audit_count = 0;
    return -CF_IO;
}

void *reader_main(void *arg)
{
    struct sqlite_reader *r = arg;
    struct store_op *op;

    while ((op = take(r->ss)) != NULL)
        store_done(op, run(r->ss, &r->db, op));
    return NULL;
}
