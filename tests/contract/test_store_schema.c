/* Stores made by older versions: what they hold is there after the first start
 * of this one. */
#include "contract/store_kit.h"

#include <sys/stat.h>

/* The first two schemas as they were. They never change. */
static const char schema_1[] =
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
    " who TEXT NOT NULL, what TEXT NOT NULL, about TEXT NOT NULL);";

static const char schema_2[] =
    "CREATE INDEX entries_thread ON entries (conv, thread, seq)"
    " WHERE thread > 0;"
    "CREATE INDEX entries_edit ON entries (conv, target) WHERE kind = 2;"
    "CREATE INDEX entries_expires ON entries (expires)"
    " WHERE expires > 0 AND deleted = 0;"
    "CREATE INDEX entries_gone ON entries (gone)"
    " WHERE gone > 0 AND cid IS NOT NULL;";

/* Two users and a stranger; bob has two devices, and one that was revoked. */
static const char rows[] =
    "PRAGMA application_id = 1668179554;"
    "INSERT INTO meta VALUES ('name', 's0123456789abcdef'), ('entries', 3);"
    "INSERT INTO users VALUES (1, 'alice', 'alice', 'open', '', 5, 0, 1),"
    " (2, 'bob', 'bob', 'open', '', 5, 0, 3);"
    "INSERT INTO devices VALUES (1, 1, 'a', 5, 5, 0, x'11'),"
    " (2, 1, 'b', 5, 5, 0, x'21'), (2, 2, 'c', 5, 5, 1, NULL),"
    " (2, 3, 'd', 5, 5, 0, x'23');"
    "INSERT INTO convs VALUES (50, 2, 1, 1, 1, 2, 0, 0, 6, 'ops'),"
    " (51, 2, 1, 1, 1, 1, 0, 0, 6, 'more');"
    "INSERT INTO entries VALUES"
    " (101, 50, 1, 7, 3, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, NULL, x'7b7d', NULL),"
    " (102, 50, 2, 7, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, NULL, x'7b7d', NULL),"
    " (103, 50, 3, 7, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, NULL, x'7b7d', NULL),"
    " (104, 51, 1, 7, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, NULL, x'7b7d', NULL);"
    "INSERT INTO members VALUES (50, 1, 3, 1, 0, 0, 0),"
    " (50, 2, 1, 1, 0, 3, 2), (51, 2, 3, 1, 0, 1, 0);"
    "INSERT INTO acks VALUES (2, 1, 50, 3), (2, 3, 50, 2), (2, 3, 51, 1);";

static struct kit *k;

static void setup(void)
{
    k = kit_open("sqlite");
    kit_stop(k);
}

static void teardown(void)
{
    kit_close(k);
}

static void exec(sqlite3 *db, const char *sql)
{
    ck_assert_msg(sqlite3_exec(db, sql, 0, 0, 0) == SQLITE_OK, "%s",
                  sqlite3_errmsg(db));
}

/* In place of the store: one of the old schema. */
static void make_old(bool second)
{
    char path[192];
    sqlite3 *db;

    kit_remove_tree(k->dir);
    ck_assert_int_eq(mkdir(k->dir, 0700), 0);
    snprintf(path, sizeof(path), "%s/confab.db", k->dir);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    exec(db, schema_1);
    exec(db, second ? schema_2 : "");
    exec(db, rows);
    exec(db, second ? "PRAGMA user_version = 2" : "PRAGMA user_version = 1");
    sqlite3_close(db);
}

static int64_t mark_of(uint64_t conv, uint64_t user, uint32_t dev)
{
    struct store_op op;
    int64_t acked;

    ck_assert_int_eq(kit_member(k, &op, conv, user, dev), 0);
    acked = op.members[0].acked;
    store_op_release(&op);
    return acked;
}

static void expect_rows(void)
{
    struct store_op op;

    ck_assert_str_eq(store_name(k->store), "s0123456789abcdef");
    ck_assert_int_eq(kit_page(k, &op, 50, 1, 0, 5, true), 0);
    ck_assert_int_eq(op.entry_count, 2);
    ck_assert(span_is(op.entries[0].body, "{}"));
    store_op_release(&op);
    ck_assert_int_eq(kit_member(k, &op, 50, 2, 1), 0);
    ck_assert_int_eq(op.members[0].delivered, 3);
    ck_assert_int_eq(op.members[0].read, 2);
    ck_assert_int_eq(op.members[0].acked, 3);
    store_op_release(&op);
    ck_assert_int_eq(mark_of(50, 2, 2), -1);
    ck_assert_int_eq(mark_of(50, 2, 3), 2);
    ck_assert_int_eq(mark_of(51, 2, 1), -1);
    ck_assert_int_eq(mark_of(51, 2, 3), 1);
    ck_assert_int_eq(mark_of(50, 1, 1), -1);
}

START_TEST(marks_of_devices_are_carried_over)
{
    struct mark_row r;

    make_old(_i == 1);
    kit_start(k);
    expect_rows();
    kit_stop(k);
    kit_start(k); /* nothing is left to do */
    expect_rows();
    ck_assert_int_eq(kit_mark(k, &r, 50, 2, 3, 3, 3), 0);
    ck_assert(r.moved && r.delivered_now == 3 && r.read_now == 3);
    ck_assert_int_eq(kit_mark(k, &r, 50, 2, 1, 2, 0), 0);
    ck_assert(!r.moved);
    ck_assert_int_eq(mark_of(50, 2, 1), 3);
    ck_assert_int_eq(mark_of(50, 2, 3), 3);
}
END_TEST

/* A backup that an older version made. */
START_TEST(an_old_backup_can_be_restored)
{
    struct error err = {0};
    char backup[160];

    make_old(true);
    snprintf(backup, sizeof(backup), "%s.old", k->dir);
    ck_assert_int_eq(rename(k->dir, backup), 0);
    ck_assert_msg(store_sqlite_restore(backup, k->dir, &err) == 0, "%s",
                  err.text);
    kit_remove_tree(backup);
    kit_start(k);
    ck_assert_str_ne(store_name(k->store), "s0123456789abcdef");
    ck_assert_int_eq(mark_of(50, 2, 3), 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("stores of older versions");
    TCase *t = tcase_create("schema");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, marks_of_devices_are_carried_over, 0, 2);
    tcase_add_test(t, an_old_backup_can_be_restored);
    suite_add_tcase(s, t);
    return kit_check_main(s);
}
