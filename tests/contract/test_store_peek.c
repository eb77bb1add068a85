/* Reads that the asking thread answers itself: they see what was written, they
 * keep the log from being moved under them, and what they cannot do a reader
 * does. */
#include "contract/store_kit.h"

#include <fcntl.h>

#include "store/sqlite_gate.h"
#include "store/sqlite_peek.h"

static struct kit *k;

static void setup(void)
{
    k = kit_open("sqlite");
    kit_people(k);
}

static void teardown(void)
{
    kit_close(k);
}

static void path_of(char out[192])
{
    snprintf(out, 192, "%s/confab.db", k->dir);
}

/* Some file systems cannot say that a read would wait: no peeking there. */
static bool can_peek(void)
{
    char path[192];

    path_of(path);
    return gate_allow(path);
}

static int login(struct store_op *op, uint8_t token)
{
    store_op_init(op, STORE_TOKEN, kit_done, NULL);
    memset(op->hash, token, TOKEN_HASH);
    op->limit = 200;
    return kit_run(k, op);
}

static int64_t head_at_login(uint8_t token)
{
    struct store_op op;
    int64_t head = -1;

    ck_assert_int_eq(login(&op, token), 0);
    if (op.member_count > 0)
        head = op.members[0].c.head;
    store_op_release(&op);
    return head;
}

START_TEST(a_login_is_answered_here)
{
    int64_t before = peek_count();

    ck_assert_int_eq(head_at_login(0x22), 1);
    ck_assert_int_eq(peek_count() - before, can_peek() ? 1 : 0);
}
END_TEST

/* Each time what the write before left; a checkpoint in between as well. */
START_TEST(it_sees_what_was_written)
{
    char path[192];
    sqlite3 *other;
    int64_t before = peek_count();

    path_of(path);
    ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
    for (int64_t seq = 2; seq < 60; seq++) {
        ck_assert_int_eq(kit_say(k, 50, 1, NULL, "{}"), seq);
        ck_assert_int_eq(head_at_login(0x22), seq);
        if (seq % 10 == 0)
            ck_assert_int_eq(sqlite3_wal_checkpoint_v2(
                                 other, NULL, SQLITE_CHECKPOINT_RESTART, 0, 0),
                             SQLITE_OK);
        ck_assert_int_eq(head_at_login(0x22), seq);
    }
    ck_assert(!can_peek() || peek_count() - before == 116);
    sqlite3_close(other);
}
END_TEST

START_TEST(a_revoked_token_opens_nothing)
{
    struct store_op op;

    ck_assert_int_eq(head_at_login(0x22), 1);
    store_op_init(&op, STORE_DEVICE_REVOKE, kit_done, NULL);
    op.user = 2;
    op.dev = 1;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(login(&op, 0x22), -CF_NOT_FOUND);
    ck_assert_uint_eq(op.user, 0);
    ck_assert_int_eq(login(&op, 0x99), -CF_NOT_FOUND);
}
END_TEST

/* What is written after the read is said to have moved, and only that. */
START_TEST(its_stamp_is_from_before_the_read)
{
    struct store_op op;

    ck_assert_int_eq(kit_say(k, 50, 1, NULL, "{}"), 2);
    ck_assert_int_eq(login(&op, 0x22), 0);
    ck_assert(!store_moved(k->port, 50, op.stamp));
    ck_assert(!store_moved(k->port, 2, op.stamp));
    ck_assert_int_eq(kit_say(k, 50, 1, NULL, "{}"), 3);
    ck_assert(store_moved(k->port, 50, op.stamp));
    store_op_release(&op);
}
END_TEST

START_TEST(many_conversations_are_a_readers_work)
{
    struct store_op op;
    int64_t before;

    for (uint64_t i = 0; i < PEEK_ROWS; i++)
        ck_assert_int_eq(kit_group(k, 100 + i, 2), 0);
    before = peek_count();
    ck_assert_int_eq(login(&op, 0x22), 0);
    ck_assert_int_eq(op.member_count, PEEK_ROWS + 1);
    ck_assert_uint_eq(op.members[PEEK_ROWS].conv, 100 + PEEK_ROWS - 1);
    ck_assert_int_eq(peek_count(), before);
    store_op_release(&op);
}
END_TEST

/* ---- the connection by itself ---- */

#define ROWS 400 /* of a page each */

static sqlite3 *database(const char *vfs, int flags)
{
    char path[192];
    sqlite3 *db;

    path_of(path);
    ck_assert_int_eq(sqlite3_open_v2(path, &db, flags, vfs), SQLITE_OK);
    sqlite3_busy_timeout(db, 0);
    return db;
}

static void run(sqlite3 *db, const char *sql)
{
    ck_assert_msg(sqlite3_exec(db, sql, 0, 0, 0) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(db));
}

static sqlite3 *make_rows(void)
{
    sqlite3 *db = database(NULL, SQLITE_OPEN_READWRITE);

    run(db, "PRAGMA wal_autocheckpoint = 0");
    run(db, "CREATE TABLE t (id INTEGER PRIMARY KEY, n, pad)");
    run(db, "WITH RECURSIVE c (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c"
            " WHERE i < 400) INSERT INTO t SELECT i, 1, zeroblob(3000) FROM c");
    return db;
}

static int checkpoint(sqlite3 *db)
{
    return sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_RESTART, 0, 0);
}

/* While it reads, the log stays where it is: the rest of the rows are those of
 * the same moment, though all were overwritten and a checkpoint was asked
 * for. */
START_TEST(the_log_waits_for_who_reads_it)
{
    sqlite3 *writer = make_rows(), *peek;
    sqlite3_stmt *s;
    int n = 0;

    if (can_peek()) {
        ck_assert_int_eq(checkpoint(writer), SQLITE_OK);
        peek = database(PEEK_VFS, SQLITE_OPEN_READONLY);
        run(peek, "PRAGMA cache_size = 10");
        peek_begin();
        sqlite3_prepare_v2(peek, "SELECT n FROM t ORDER BY id", -1, &s, NULL);
        ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
        run(writer, "UPDATE t SET n = 2");
        ck_assert_int_eq(checkpoint(writer), SQLITE_BUSY);
        do {
            ck_assert_int_eq(sqlite3_column_int(s, 0), 1);
            n++;
        } while (sqlite3_step(s) == SQLITE_ROW);
        ck_assert_int_eq(n, ROWS);
        ck_assert_int_eq(sqlite3_finalize(s), SQLITE_OK);
        ck_assert_int_eq(checkpoint(writer), SQLITE_OK);
        sqlite3_close(peek);
    }
    sqlite3_close(writer);
}
END_TEST

/* Nothing is read that the kernel does not have, and then it is there. */
START_TEST(it_does_not_wait_for_the_disk)
{
    sqlite3 *writer = make_rows(), *peek;
    char path[192], block[4096];
    int fd, rc;

    path_of(path);
    fd = open(path, O_RDONLY);
    if (can_peek()) {
        ck_assert_int_eq(checkpoint(writer), SQLITE_OK);
        peek = database(PEEK_VFS, SQLITE_OPEN_READONLY);
        run(peek, "SELECT count(*) FROM sqlite_schema");
        ck_assert_int_eq(fsync(fd), 0);
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        peek_begin();
        rc = sqlite3_exec(peek, "SELECT sum(n) FROM t", 0, 0, 0);
        ck_assert(rc == SQLITE_IOERR && peek_would_wait());
        while (read(fd, block, sizeof(block)) > 0)
            ;
        peek_begin();
        run(peek, "SELECT sum(n) FROM t");
        ck_assert(!peek_would_wait());
        ck_assert_int_ne(sqlite3_exec(peek, "DELETE FROM t", 0, 0, 0), 0);
        sqlite3_close(peek);
    }
    close(fd);
    sqlite3_close(writer);
}
END_TEST

/* ---- all at once ---- */

static _Atomic bool over;
static _Atomic int written;

static void *check_all_the_time(void *arg)
{
    while (!atomic_load(&over))
        (void)checkpoint(arg);
    return NULL;
}

static void *peek_all_the_time(void *unused)
{
    sqlite3 *db = database(PEEK_VFS, SQLITE_OPEN_READONLY);
    sqlite3_stmt *s;
    int seen = 0;

    run(db, "PRAGMA cache_size = 20");
    sqlite3_prepare_v2(db, "SELECT min(n), max(n), count(*) FROM t", -1, &s,
                       NULL);
    while (!atomic_load(&over)) {
        int least = atomic_load(&written);

        peek_begin();
        if (sqlite3_step(s) == SQLITE_ROW) {
            ck_assert_int_eq(sqlite3_column_int(s, 0),
                             sqlite3_column_int(s, 1));
            ck_assert_int_eq(sqlite3_column_int(s, 2), ROWS);
            ck_assert_int_ge(sqlite3_column_int(s, 0), least);
            seen++;
        }
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    sqlite3_close(db);
    ck_assert_int_gt(seen, 0);
    return NULL;
}

START_TEST(nothing_is_torn)
{
    sqlite3 *writer = make_rows();
    sqlite3 *mover = database(NULL, SQLITE_OPEN_READWRITE);
    pthread_t threads[3];

    if (can_peek()) {
        run(writer, "PRAGMA synchronous = OFF");
        sqlite3_busy_timeout(writer, 5000);
        pthread_create(&threads[0], NULL, check_all_the_time, mover);
        pthread_create(&threads[1], NULL, peek_all_the_time, NULL);
        pthread_create(&threads[2], NULL, peek_all_the_time, NULL);
        for (int i = 0; i < 300; i++) {
            run(writer, "UPDATE t SET n = n + 1");
            atomic_fetch_add(&written, 1);
        }
        atomic_store(&over, true);
        for (int i = 0; i < 3; i++)
            pthread_join(threads[i], NULL);
    }
    sqlite3_close(mover);
    sqlite3_close(writer);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("reads without a reader");
    TCase *t = tcase_create("peek");

    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_login_is_answered_here);
    tcase_add_test(t, it_sees_what_was_written);
    tcase_add_test(t, a_revoked_token_opens_nothing);
    tcase_add_test(t, its_stamp_is_from_before_the_read);
    tcase_add_test(t, many_conversations_are_a_readers_work);
    tcase_add_test(t, the_log_waits_for_who_reads_it);
    tcase_add_test(t, it_does_not_wait_for_the_disk);
    tcase_add_test(t, nothing_is_torn);
    suite_add_tcase(s, t);
    return kit_check_main(s);
}
