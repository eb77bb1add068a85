#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/sqlite.h"

/* Whatever may fail is decided by reads before the first write of an
 * operation: so one transaction holds many of them without savepoints. */

void sqlite_forget_convs(struct sqlite_store *ss)
{
    for (uint32_t i = 0; i < ss->convs.len; i++)
        free(ss->convs.entries[i].value);
    map_release(&ss->convs);
    map_init(&ss->convs);
}

struct conv_row *sqlite_conv_add(struct sqlite_store *ss,
                                 const struct conv_row *row)
{
    struct conv_row *c = mem_copy(row, sizeof(*row));

    if (ss->convs.len >= SQLITE_CONV_CACHE)
        sqlite_forget_convs(ss);
    free(map_put(&ss->convs, c->conv, c));
    return c;
}

struct conv_row *sqlite_conv(struct sqlite_store *ss, uint64_t conv)
{
    struct conv_row *c = map_get(&ss->convs, conv);
    struct conv_row row = {0};
    sqlite3_stmt *s;

    if (c != NULL)
        return c;
    s = db_start(&ss->write, SQL_CONV, "i", (int64_t)conv);
    if (!db_row(&ss->write, s))
        return NULL;
    row_conv(s, 0, &row);
    db_stop(s);
    return sqlite_conv_add(ss, &row);
}

/* ---- append ---- */

/* Step 1: the same thing said twice is one entry. True: answered. */
static bool find_duplicate(struct db *d, struct store_op *op, int *rc)
{
    struct entry *e = &op->entry;
    sqlite3_stmt *s;

    if (e->cid.p == NULL)
        return false;
    s = db_start(d, SQL_KEY, "iib", (int64_t)op->conv, (int64_t)e->from,
                 e->cid);
    if (!db_row(d, s))
        return false;
    e->seq = sqlite3_column_int64(s, 0);
    if ((uint64_t)sqlite3_column_int64(s, 3) == store_entry_hash(e)) {
        e->id = (uint64_t)sqlite3_column_int64(s, 1);
        e->ts = sqlite3_column_int64(s, 2);
        op->dup = true;
        *rc = 0;
    } else {
        *rc = -CF_CONFLICT;
    }
    db_stop(s);
    return true;
}

/* Step 2: the target of an edit, deletion or reaction. */
static int check_target(struct db *d, const struct store_op *op)
{
    const struct entry *e = &op->entry;
    sqlite3_stmt *s;
    int rc = 0;

    if (e->kind != ENTRY_EDIT && e->kind != ENTRY_DELETE &&
        e->kind != ENTRY_REACT)
        return 0;
    s = db_start(d, SQL_TARGET, "ii", (int64_t)op->conv, e->of);
    if (!db_row(d, s))
        return -CF_NOT_FOUND;
    if (sqlite3_column_int(s, 0) != ENTRY_MSG || sqlite3_column_int(s, 2) != 0)
        rc = -CF_NOT_FOUND;
    else if (e->kind != ENTRY_REACT && !op->may_delete &&
             (uint64_t)sqlite3_column_int64(s, 1) != e->from)
        rc = -CF_DENIED;
    db_stop(s);
    return rc;
}

int sqlite_insert_entry(struct sqlite_store *ss, struct conv_row *c,
                        struct store_op *op)
{
    struct db *d = &ss->write;
    struct entry *e = &op->entry;
    int64_t seq = c->head + 1;

    db_run(d, SQL_ENTRY_ADD, "iiiiiiiiiiiiibbb", (int64_t)e->id,
           (int64_t)c->conv, seq, e->ts, (int64_t)e->kind, (int64_t)e->from,
           (int64_t)e->dev, e->of, e->thread, e->reply, e->expires,
           (int64_t)e->trace, (int64_t)store_entry_hash(e), e->cid, e->body,
           e->mention);
    if ((d->rc & 0xff) == SQLITE_CONSTRAINT) {
        /* The id is taken, by another conversation: a maker of ids that does
         * not hold its lease. Nothing was written yet. */
        d->rc = SQLITE_OK;
        return -CF_STALE;
    }
    e->conv = c->conv;
    e->seq = c->head = seq;
    c->last_id = e->id;
    ss->entries++;
    return 0;
}

static bool member_live(struct db *d, uint64_t conv, uint64_t user)
{
    sqlite3_stmt *s =
        db_start(d, SQL_MEMBER_STATE, "ii", (int64_t)conv, (int64_t)user);
    bool live = db_row(d, s) && sqlite3_column_int(s, 0) != ROLE_NONE;

    db_stop(s);
    return live;
}

static void change_one(struct db *d, struct conv_row *c,
                       const struct roster_change *change, int64_t seq)
{
    bool live = member_live(d, c->conv, change->user);

    if (change->role == ROLE_NONE) {
        if (!live)
            return;
        db_run(d, SQL_MEMBER_LEFT, "iii", (int64_t)c->conv,
               (int64_t)change->user, seq);
        c->members--;
        return;
    }
    db_run(d, SQL_MEMBER_PUT, "iiii", (int64_t)c->conv, (int64_t)change->user,
           (int64_t)change->role, seq);
    c->members += !live;
}

void sqlite_change_roster(struct sqlite_store *ss, struct conv_row *c,
                          const struct store_op *op, int64_t seq)
{
    if (op->change_count == 0)
        return;
    for (int i = 0; i < op->change_count; i++)
        change_one(&ss->write, c, &op->changes[i], seq);
    c->epoch++;
    db_run(&ss->write, SQL_CONV_ROSTER, "iii", (int64_t)c->conv, c->epoch,
           c->members);
}

void sqlite_blank(struct db *d, uint64_t conv, int64_t seq, int64_t now)
{
    db_run(d, SQL_BLANK, "iii", (int64_t)conv, seq, now);
    db_run(d, SQL_BLANK_EDITS, "iii", (int64_t)conv, seq, now);
}

static void set_title(struct db *d, struct conv_row *c,
                      const struct store_op *op)
{
    store_copy_text(c->title, sizeof(c->title), op->text.p, op->text.n);
    db_run(d, SQL_CONV_TITLE, "it", (int64_t)c->conv, c->title);
}

static int append(struct sqlite_store *ss, struct store_op *op)
{
    struct db *d = &ss->write;
    struct conv_row *c;
    int rc = 0;

    if (find_duplicate(d, op, &rc))
        return rc;
    if (op->refuse != 0)
        return op->refuse;
    c = sqlite_conv(ss, op->conv);
    if (c == NULL)
        return -CF_NOT_FOUND;
    if (op->term != c->term || op->entry.id <= c->last_id)
        return -CF_STALE;
    rc = check_target(d, op);
    if (rc == 0)
        rc = sqlite_insert_entry(ss, c, op);
    if (rc < 0)
        return rc;
    sqlite_change_roster(ss, c, op, op->entry.seq);
    if (op->entry.kind == ENTRY_DELETE)
        sqlite_blank(d, op->conv, op->entry.of, op->entry.ts);
    if (op->entry.kind == ENTRY_TITLE && op->has_text)
        set_title(d, c, op);
    if (op->change_count > 0 || op->entry.kind == ENTRY_TITLE)
        op->row = *c;
    return 0;
}

/* ---- taking over ---- */

/* The user's own conversation, made when it is first opened. */
static struct conv_row *make_self(struct sqlite_store *ss, struct store_op *op)
{
    struct db *d = &ss->write;
    struct roster_change owner = {.user = op->conv, .role = ROLE_OWNER};
    struct store_op self = {.changes = &owner, .change_count = 1};
    struct conv_row row = {.conv = op->conv,
                           .kind = CONV_SELF,
                           .mode = MODE_OPEN,
                           .created = op->now};
    sqlite3_stmt *s = db_start(d, SQL_USER_LIVE, "i", (int64_t)op->conv);
    struct conv_row *c;

    if (!db_row(d, s))
        return NULL;
    db_stop(s);
    db_run(d, SQL_CONV_ADD, "iiiiiiit", (int64_t)row.conv, (int64_t)row.kind,
           (int64_t)row.mode, row.term, (int64_t)0, (int64_t)0, row.created,
           "");
    c = sqlite_conv_add(ss, &row);
    sqlite_change_roster(ss, c, &self, 1);
    return c;
}

static int take_over(struct sqlite_store *ss, struct store_op *op)
{
    struct conv_row *c = sqlite_conv(ss, op->conv);

    if (c == NULL)
        c = make_self(ss, op);
    if (c == NULL)
        return -CF_NOT_FOUND;
    c->term++;
    db_run(&ss->write, SQL_CONV_TERM, "ii", (int64_t)c->conv, c->term);
    op->row = *c;
    op->term = c->term;
    return 0;
}

int sqlite_write(struct sqlite_store *ss, struct store_op *op)
{
    switch (op->verb) {
    case STORE_APPEND:
        return append(ss, op);
    case STORE_OPEN:
        return take_over(ss, op);
    case STORE_CREATE:
        return sqlite_create(ss, op);
    case STORE_EXPIRE:
        return sqlite_expire(ss, op);
    case STORE_MARKS:
        for (int i = 0; i < op->mark_count; i++)
            sqlite_raise_marks(ss, &op->marks[i]);
        return 0;
    default:
        return sqlite_write_user(ss, op);
    }
}
