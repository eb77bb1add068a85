#include <string.h>

#include "store/sqlite.h"

static struct span hash_of(const struct store_op *op)
{
    return span_make(op->hash, TOKEN_HASH);
}

static bool exists(struct db *d, sqlite3_stmt *s)
{
    bool yes = db_row(d, s);

    db_stop(s);
    return yes;
}

static int64_t number(struct db *d, sqlite3_stmt *s)
{
    int64_t n = db_row(d, s) ? sqlite3_column_int64(s, 0) : 0;

    db_stop(s);
    return n;
}

static bool user_live(struct db *d, uint64_t user)
{
    return exists(d, db_start(d, SQL_USER_LIVE, "i", (int64_t)user));
}

static bool token_taken(struct db *d, const struct store_op *op)
{
    return exists(d, db_start(d, SQL_TOKEN, "b", hash_of(op)));
}

static int device_add(struct db *d, struct store_op *op)
{
    char name[LIMIT_DEVICE_NAME + 1];

    if (token_taken(d, op))
        return -CF_EXISTS;
    if (number(d, db_start(d, SQL_DEVICE_COUNT, "i", (int64_t)op->user)) >=
        LIMIT_DEVICES)
        return -CF_LIMIT;
    op->dev = (uint32_t)number(
        d, db_start(d, SQL_USER_NEXT_DEV, "i", (int64_t)op->user));
    store_copy_text(name, sizeof(name), op->text.p, op->text.n);
    db_run(d, SQL_DEVICE_ADD, "iitib", (int64_t)op->user, (int64_t)op->dev,
           name, op->now, hash_of(op));
    return 0;
}

static int user_add(struct db *d, struct store_op *op)
{
    bool device = !store_hash_is_zero(op->hash);

    if (op->name == NULL || op->name[0] == '\0' || op->user == 0)
        return -CF_INVALID;
    if (exists(d,
               db_start(d, SQL_USER_TAKEN, "it", (int64_t)op->user, op->name)))
        return -CF_EXISTS;
    if (device && token_taken(d, op))
        return -CF_EXISTS;
    db_run(d, SQL_USER_ADD, "ittti", (int64_t)op->user, op->name,
           op->contact != NULL ? op->contact : "open",
           op->pwhash != NULL ? op->pwhash : "", op->now);
    return device ? device_add(d, op) : 0;
}

static int user_set(struct db *d, struct store_op *op)
{
    char display[LIMIT_DISPLAY + 1];

    store_copy_text(display, sizeof(display), op->text.p, op->text.n);
    db_run(d, SQL_USER_SET, "ittt", (int64_t)op->user,
           op->has_text ? display : NULL, op->contact, op->pwhash);
    return 0;
}

static int user_delete(struct db *d, struct store_op *op)
{
    int64_t user = (int64_t)op->user, conv = 0;

    db_run(d, SQL_USER_DELETE, "i", user);
    db_run(d, SQL_DELETE_DEVICES, "i", user);
    db_run(d, SQL_DELETE_ACKS, "i", user);
    db_run(d, SQL_DELETE_BLOCKS, "i", user);
    db_run(d, SQL_DELETE_SELF, "ii", user, op->now);
    while ((conv = number(d, db_start(d, SQL_CONVS_EVER, "ii", user, conv))) !=
           0)
        db_run(d, SQL_DELETE_BODIES, "iii", conv, user, op->now);
    return 0;
}

static int device_set(struct db *d, struct store_op *op)
{
    char name[LIMIT_DEVICE_NAME + 1];

    store_copy_text(name, sizeof(name), op->text.p, op->text.n);
    if (db_run(d, SQL_DEVICE_SET, "iiti", (int64_t)op->user, (int64_t)op->dev,
               op->has_text ? name : NULL, op->now) == 0)
        return -CF_NOT_FOUND;
    return 0;
}

static int device_revoke(struct db *d, struct store_op *op)
{
    if (op->dev == 0) {
        sqlite3_stmt *s = db_start(d, SQL_TOKEN, "b", hash_of(op));

        if (!db_row(d, s))
            return -CF_NOT_FOUND;
        op->user = (uint64_t)sqlite3_column_int64(s, 0);
        op->dev = (uint32_t)sqlite3_column_int64(s, 1);
        db_stop(s);
    }
    if (db_run(d, SQL_DEVICE_REVOKE, "ii", (int64_t)op->user,
               (int64_t)op->dev) == 0)
        return -CF_NOT_FOUND;
    sqlite_drop_marks(d, op->user, op->dev);
    return 0;
}

static int block(struct db *d, struct store_op *op)
{
    int64_t user = (int64_t)op->user, other = (int64_t)op->other;
    bool is = exists(d, db_start(d, SQL_BLOCKED, "ii", user, other));

    op->dup = is == op->on;
    if (op->dup)
        return 0;
    if (!op->on) {
        db_run(d, SQL_BLOCK_DROP, "ii", user, other);
        return 0;
    }
    if (!user_live(d, op->other))
        return -CF_NOT_FOUND;
    if (number(d, db_start(d, SQL_BLOCK_COUNT, "i", user)) >= LIMIT_BLOCKS)
        return -CF_LIMIT;
    db_run(d, SQL_BLOCK_ADD, "ii", user, other);
    return 0;
}

static int invite_add(struct db *d, struct store_op *op)
{
    if (exists(d, db_start(d, SQL_INVITE, "b", hash_of(op))))
        return -CF_EXISTS;
    db_run(d, SQL_INVITE_ADD, "biii", hash_of(op), (int64_t)op->user,
           op->expires, op->now);
    return 0;
}

static int invite_use(struct db *d, struct store_op *op)
{
    sqlite3_stmt *s = db_start(d, SQL_INVITE, "b", hash_of(op));
    int64_t expires;

    if (!db_row(d, s))
        return -CF_NOT_FOUND;
    expires = sqlite3_column_int64(s, 0);
    db_stop(s);
    if (expires > 0 && expires <= op->now)
        return -CF_EXPIRED;
    db_run(d, SQL_INVITE_DROP, "b", hash_of(op));
    return 0;
}

static int audit(struct db *d, struct store_op *op)
{
    const struct audit_row *a = &op->audits[0];

    db_run(d, SQL_AUDIT_ADD, "ittt", a->ts, a->who, a->what, a->about);
    return 0;
}

static int reserve(struct db *d, struct store_op *op)
{
    int64_t stored = number(d, db_start(d, SQL_META, "t", "reserve"));

    if (op->reserve > stored)
        db_run(d, SQL_META_SET, "ti", "reserve", op->reserve);
    else
        op->reserve = stored;
    return 0;
}

/* Writes that change a user who must exist. */
static int write_of_user(struct db *d, struct store_op *op)
{
    if (!user_live(d, op->user))
        return -CF_NOT_FOUND;
    switch (op->verb) {
    case STORE_USER_SET:
        return user_set(d, op);
    case STORE_USER_DELETE:
        return user_delete(d, op);
    case STORE_DEVICE_ADD:
        return device_add(d, op);
    case STORE_DEVICE_SET:
        return device_set(d, op);
    default:
        return block(d, op);
    }
}

int sqlite_write_user(struct sqlite_store *ss, struct store_op *op)
{
    struct db *d = &ss->write;

    switch (op->verb) {
    case STORE_USER_ADD:
        return user_add(d, op);
    case STORE_DEVICE_REVOKE:
        return device_revoke(d, op);
    case STORE_INVITE_ADD:
        return invite_add(d, op);
    case STORE_INVITE_USE:
        return invite_use(d, op);
    case STORE_AUDIT:
        return audit(d, op);
    case STORE_RESERVE:
        return reserve(d, op);
    default:
        return write_of_user(d, op);
    }
}
