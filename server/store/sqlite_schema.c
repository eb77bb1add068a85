#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "store/sqlite.h"

/* "cnfb": whose file this is, for file(1) and for us. */
#define APPLICATION_ID 0x636e6662

/* Step i makes version i + 1 out of version i. Steps are never changed, only
 * added. */
static const char *const migrations[] = {
    /* Rows of entries in the order of time: a batch writes the end of the
     * table and one leaf of each index per row. */
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE users (user INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " display TEXT NOT NULL, contact TEXT NOT NULL, pwhash TEXT NOT NULL,"
    " created INTEGER NOT NULL, deleted INTEGER NOT NULL,"
    " last_dev INTEGER NOT NULL);"
    "CREATE TABLE devices (user INTEGER NOT NULL, dev INTEGER NOT NULL,"
    " name TEXT NOT NULL, created INTEGER NOT NULL, seen INTEGER NOT NULL,"
    " revoked INTEGER NOT NULL, hash BLOB UNIQUE, PRIMARY KEY (user, dev))"
    " WITHOUT ROWID;"
    "CREATE TABLE convs (conv INTEGER PRIMARY KEY, kind INTEGER NOT NULL,"
    " mode INTEGER NOT NULL, term INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " members INTEGER NOT NULL, a INTEGER NOT NULL, b INTEGER NOT NULL,"
    " created INTEGER NOT NULL, title TEXT NOT NULL);"
    "CREATE UNIQUE INDEX convs_direct ON convs (a, b, mode) WHERE kind = 1;"
    "CREATE TABLE creates (user INTEGER NOT NULL, cid BLOB NOT NULL,"
    " conv INTEGER NOT NULL, PRIMARY KEY (user, cid)) WITHOUT ROWID;"
    "CREATE TABLE entries (id INTEGER PRIMARY KEY, conv INTEGER NOT NULL,"
    " seq INTEGER NOT NULL, ts INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " sender INTEGER NOT NULL, dev INTEGER NOT NULL, target INTEGER NOT NULL,"
    " thread INTEGER NOT NULL, reply INTEGER NOT NULL,"
    " expires INTEGER NOT NULL, deleted INTEGER NOT NULL,"
    " trace INTEGER NOT NULL, hash INTEGER NOT NULL, gone INTEGER NOT NULL,"
    " cid BLOB, body BLOB, mention BLOB);"
    "CREATE UNIQUE INDEX entries_seq ON entries (conv, seq);"
    "CREATE UNIQUE INDEX entries_cid ON entries (conv, sender, cid);"
    "CREATE TABLE members (conv INTEGER NOT NULL, user INTEGER NOT NULL,"
    " role INTEGER NOT NULL, joined INTEGER NOT NULL, parted INTEGER NOT NULL,"
    " delivered INTEGER NOT NULL, seen INTEGER NOT NULL,"
    " PRIMARY KEY (conv, user)) WITHOUT ROWID;"
    "CREATE INDEX members_user ON members (user, conv);"
    "CREATE TABLE acks (user INTEGER NOT NULL, dev INTEGER NOT NULL,"
    " conv INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " PRIMARY KEY (user, dev, conv)) WITHOUT ROWID;"
    "CREATE TABLE blocks (user INTEGER NOT NULL, other INTEGER NOT NULL,"
    " PRIMARY KEY (user, other)) WITHOUT ROWID;"
    "CREATE TABLE invites (hash BLOB PRIMARY KEY, user INTEGER NOT NULL,"
    " expires INTEGER NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE audit (line INTEGER PRIMARY KEY, ts INTEGER NOT NULL,"
    " who TEXT NOT NULL, what TEXT NOT NULL, about TEXT NOT NULL);",
    /* What few rows are found by. */
    "CREATE INDEX entries_thread ON entries (conv, thread, seq)"
    " WHERE thread > 0;"
    "CREATE INDEX entries_edit ON entries (conv, target) WHERE kind = 2;"
    "CREATE INDEX entries_expires ON entries (expires)"
    " WHERE expires > 0 AND deleted = 0;"
    "CREATE INDEX entries_gone ON entries (gone)"
    " WHERE gone > 0 AND cid IS NOT NULL;",
    /* The marks of a user's devices with their membership, as text of pairs
     * "device:seq": a receipt writes one row instead of two. */
    "ALTER TABLE members ADD COLUMN acks TEXT;"
    "UPDATE members SET acks = a.pairs FROM (SELECT user, conv,"
    " group_concat(dev || ':' || seq, ' ') AS pairs FROM acks"
    " GROUP BY user, conv) AS a"
    " WHERE a.conv = members.conv AND a.user = members.user;"
    "DROP TABLE acks;",
};

#define VERSION ((int64_t)COUNT_OF(migrations))

/* The one integer that sql yields; -1 on error. */
static int64_t one_number(struct db *d, const char *sql)
{
    sqlite3_stmt *s = NULL;
    int64_t value = -1;

    if (sqlite3_prepare_v2(d->handle, sql, -1, &s, NULL) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW)
        value = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return value;
}

static int migrate_step(struct db *d, int64_t from)
{
    char mark[96];
    int rc;

    snprintf(mark, sizeof(mark),
             "PRAGMA application_id = %d; PRAGMA user_version = %" PRId64,
             APPLICATION_ID, from + 1);
    rc = db_exec(d, "BEGIN IMMEDIATE");
    if (rc == SQLITE_OK)
        rc = db_exec(d, migrations[from]);
    if (rc == SQLITE_OK)
        rc = db_exec(d, mark);
    if (rc == SQLITE_OK)
        rc = db_exec(d, "COMMIT");
    if (rc != SQLITE_OK && sqlite3_get_autocommit(d->handle) == 0)
        (void)db_exec(d, "ROLLBACK");
    return rc;
}

static int migrate(struct db *d, struct error *err)
{
    int64_t version = one_number(d, "PRAGMA user_version");
    int64_t owner = one_number(d, "PRAGMA application_id");
    int64_t tables = one_number(d, "SELECT count(*) FROM sqlite_schema");

    if (version < 0 || owner < 0 || tables < 0)
        return db_error(err, d, "cannot read the schema");
    if (tables > 0 && owner != APPLICATION_ID)
        return error_set(err, CF_VERSION, "store: the file is no confab store");
    if (version > VERSION)
        return error_set(err, CF_VERSION,
                         "store: made by a newer confab (schema %" PRId64
                         ", this one knows %" PRId64 ")",
                         version, VERSION);
    for (; version < VERSION; version++) {
        if (migrate_step(d, version) != SQLITE_OK)
            return db_error(err, d, "cannot bring the schema up to date");
    }
    return 0;
}

static int quick_check(struct db *d, struct error *err)
{
    sqlite3_stmt *s = NULL;
    char said[120] = "cannot be read";
    int rc =
        sqlite3_prepare_v2(d->handle, "PRAGMA quick_check(1)", -1, &s, NULL);

    if (rc == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
        col_text(s, 0, said, sizeof(said));
    sqlite3_finalize(s);
    if (strcmp(said, "ok") == 0)
        return 0;
    return error_set(err, CF_IO,
                     "store: the database is damaged (%s): restore a backup",
                     said);
}

static void random_name(char name[33])
{
    uint8_t bytes[8];
    struct rng rng;

    rng_init_system(&rng);
    rng_bytes(&rng, bytes, sizeof(bytes));
    name[0] = 's';
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(name + 1 + 2 * i, 3, "%02x", bytes[i]);
}

int schema_rename(struct db *d, char name[33], struct error *err)
{
    random_name(name);
    d->rc = SQLITE_OK;
    db_run(d, SQL_META_SET, "tt", "name", name);
    return d->rc == SQLITE_OK ? 0 : db_error(err, d, "cannot write");
}

static int64_t meta_number(struct db *d, const char *key)
{
    sqlite3_stmt *s = db_start(d, SQL_META, "t", key);
    int64_t value = 0;

    if (db_row(d, s))
        value = sqlite3_column_int64(s, 0);
    db_stop(s);
    return value;
}

int schema_prepare(struct sqlite_store *ss, struct db *d, struct error *err)
{
    char *name = ss->store->name;
    sqlite3_stmt *s;
    int rc = quick_check(d, err);

    if (rc == 0)
        rc = migrate(d, err);
    if (rc < 0)
        return rc;
    s = db_start(d, SQL_META, "t", "name");
    if (db_row(d, s))
        col_text(s, 0, name, sizeof(ss->store->name));
    db_stop(s);
    if (name[0] == '\0' && d->rc == SQLITE_OK)
        rc = schema_rename(d, name, err);
    ss->entries = ss->entries_stored = meta_number(d, "entries");
    if (d->rc != SQLITE_OK)
        return db_error(err, d, "cannot read");
    return rc;
}
