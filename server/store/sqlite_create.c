#include <string.h>

#include "store/sqlite.h"

/* The number of the conversation that this creation made before, 0: none. */
static uint64_t find_created(struct db *d, const struct store_op *op,
                             const uint64_t pair[2])
{
    sqlite3_stmt *s;
    uint64_t conv = 0;

    if (op->kind == CONV_DIRECT)
        s = db_start(d, SQL_CONV_DIRECT, "iii", (int64_t)pair[0],
                     (int64_t)pair[1], (int64_t)op->mode);
    else if (op->entry.cid.p != NULL)
        s = db_start(d, SQL_CREATED, "ib", (int64_t)op->entry.from,
                     op->entry.cid);
    else
        return 0;
    if (db_row(d, s))
        conv = (uint64_t)sqlite3_column_int64(s, 0);
    db_stop(s);
    return conv;
}

/* The first entry says whether it is the same creation. */
static int created_before(struct sqlite_store *ss, struct store_op *op,
                          uint64_t conv)
{
    struct db *d = &ss->write;
    struct conv_row *c = sqlite_conv(ss, conv);
    sqlite3_stmt *s;
    struct entry first = {0};
    bool same;

    if (c == NULL)
        return -CF_UNAVAILABLE;
    op->conv = conv;
    op->row = *c;
    op->entry.seq = 1;
    s = db_start(d, SQL_ENTRY, "ii", (int64_t)conv, (int64_t)1);
    if (!db_row(d, s))
        return -CF_UNAVAILABLE;
    row_entry(s, &first);
    same = op->kind == CONV_DIRECT ||
           store_entry_hash(&first) == store_entry_hash(&op->entry);
    db_stop(s);
    if (!same)
        return -CF_CONFLICT;
    op->entry.id = first.id;
    op->entry.ts = first.ts;
    op->dup = true;
    return 0;
}

static bool id_is_taken(struct sqlite_store *ss, const struct store_op *op)
{
    return sqlite_conv(ss, op->conv) != NULL;
}

int sqlite_create(struct sqlite_store *ss, struct store_op *op)
{
    struct db *d = &ss->write;
    struct conv_row row = {.conv = op->conv,
                           .kind = op->kind,
                           .mode = op->mode,
                           .term = 1,
                           .created = op->now};
    struct conv_row *c;
    uint64_t pair[2] = {0, 0}, conv;
    int rc;

    store_pair(op, pair);
    conv = find_created(d, op, pair);
    if (conv != 0)
        return created_before(ss, op, conv);
    if (op->refuse != 0)
        return op->refuse;
    if (id_is_taken(ss, op))
        return -CF_EXISTS;
    store_copy_text(row.title, sizeof(row.title), op->text.p, op->text.n);
    if (op->kind == CONV_DIRECT)
        memcpy(row.pair, pair, sizeof(pair));
    c = sqlite_conv_add(ss, &row);
    rc = sqlite_insert_entry(ss, c, op);
    if (rc < 0) {
        sqlite_forget_convs(ss);
        return rc;
    }
    db_run(d, SQL_CONV_ADD, "iiiiiiit", (int64_t)row.conv, (int64_t)row.kind,
           (int64_t)row.mode, row.term, (int64_t)row.pair[0],
           (int64_t)row.pair[1], row.created, row.title);
    if (op->kind != CONV_DIRECT && op->entry.cid.p != NULL)
        db_run(d, SQL_CREATED_ADD, "ibi", (int64_t)op->entry.from,
               op->entry.cid, (int64_t)row.conv);
    sqlite_change_roster(ss, c, op, 1);
    op->row = *c;
    return 0;
}

/* ---- retention ---- */

int sqlite_expire(struct sqlite_store *ss, struct store_op *op)
{
    const int64_t keep = INT64_C(86400000) * LIMIT_CID_DAYS;
    int64_t limit = op->limit > 0 ? op->limit : 1000;
    struct db *d = &ss->write;

    op->stats[0] = op->stats[1] = 0;
    while (op->stats[0] < limit) {
        sqlite3_stmt *s = db_start(d, SQL_EXPIRED, "ii", op->now, (int64_t)1);
        int64_t conv, seq;

        if (!db_row(d, s))
            break;
        conv = sqlite3_column_int64(s, 0);
        seq = sqlite3_column_int64(s, 1);
        db_stop(s);
        sqlite_blank(d, (uint64_t)conv, seq, op->now);
        op->stats[0]++;
    }
    op->stats[1] = db_run(d, SQL_DROP_KEYS, "ii", op->now - keep, limit);
    return 0;
}
