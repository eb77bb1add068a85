/* What only the store on disk promises: it is there after a restart, it can be
 * copied while it runs, one process owns it, and pages are ranges of an
 * index. */
#include "contract/store_kit.h"

#include <sys/stat.h>

#include "store/sqlite_sql.h"

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

static int64_t head_of(uint64_t conv)
{
    struct store_op op;
    int rc;

    store_op_init(&op, STORE_CONV, kit_done, NULL);
    op.conv = conv;
    rc = kit_run(k, &op);
    return rc == 0 ? op.row.head : rc;
}

START_TEST(a_restart_keeps_everything)
{
    char name[33];
    struct store_op op;
    struct mark_row r;

    snprintf(name, sizeof(name), "%s", store_name(k->store));
    ck_assert_int_eq(kit_say(k, 50, 1, "c-1", "{\"text\":\"hi\"}"), 2);
    ck_assert_int_eq(kit_mark(k, &r, 50, 2, 1, 2, 1), 0);
    kit_stop(k);
    kit_start(k);
    ck_assert_str_eq(store_name(k->store), name);
    ck_assert_int_eq(kit_say(k, 50, 1, "c-1", "{\"text\":\"hi\"}"), 2);
    ck_assert_int_eq(kit_say(k, 50, 1, "c-2", "{}"), 3);
    ck_assert_int_eq(kit_member(k, &op, 50, 2, 1), 0);
    ck_assert_int_eq(op.members[0].acked, 2);
    ck_assert_int_eq(op.members[0].read, 1);
    store_op_release(&op);
    store_op_init(&op, STORE_STATS, kit_done, NULL);
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.stats[2], 3);
}
END_TEST

START_TEST(a_backup_is_the_same_data_under_a_new_name)
{
    char backup[96], restored[96], name[33];
    struct error err = {0};
    struct store_op op;
    char *dir = mem_text(k->dir);

    snprintf(backup, sizeof(backup), "%s/backup", dir);
    snprintf(restored, sizeof(restored), "%s/restored", dir);
    snprintf(name, sizeof(name), "%s", store_name(k->store));
    ck_assert_int_eq(kit_say(k, 50, 1, NULL, "{\"text\":\"hi\"}"), 2);
    ck_assert_msg(store_backup(k->store, backup, &err) == 0, "%s", err.text);
    ck_assert_int_eq(store_backup(k->store, backup, &err), -CF_EXISTS);
    ck_assert_int_eq(kit_say(k, 50, 1, NULL, "{\"text\":\"after\"}"), 3);
    ck_assert_int_eq(store_sqlite_restore(dir, backup, &err), -CF_EXISTS);
    ck_assert_int_eq(store_sqlite_restore("/nonexistent", restored, &err),
                     -CF_NOT_FOUND);
    ck_assert_msg(store_sqlite_restore(backup, restored, &err) == 0, "%s",
                  err.text);
    kit_stop(k);
    snprintf(k->dir, sizeof(k->dir), "%s", restored);
    kit_start(k);
    ck_assert_str_ne(store_name(k->store), name);
    ck_assert_int_eq(head_of(50), 2);
    ck_assert_int_eq(kit_page(k, &op, 50, 1, 0, 5, true), 0);
    ck_assert(span_is(op.entries[0].body, "{\"text\":\"hi\"}"));
    store_op_release(&op);
    snprintf(k->dir, sizeof(k->dir), "%s", dir);
    free(dir);
}
END_TEST

START_TEST(one_process_owns_a_store)
{
    struct store *second = NULL;
    struct error err = {0};
    struct store_config cfg = {.backend = "sqlite", .dir = k->dir};

    ck_assert_int_eq(store_open(&second, &cfg, &err), -CF_EXISTS);
    ck_assert_ptr_null(second);
    ck_assert_ptr_nonnull(strstr(err.text, "one process"));
}
END_TEST

START_TEST(files_are_for_the_owner_only)
{
    static const char *const names[] = {"confab.db", "confab.db-wal", "lock",
                                        "reserve"};
    char path[192];
    struct stat st;

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", k->dir, names[i]);
        ck_assert_msg(stat(path, &st) == 0, "%s", path);
        ck_assert_msg((st.st_mode & 077) == 0, "%s", path);
    }
    ck_assert_int_eq(st.st_size, 64 * 1024 * 1024);
}
END_TEST

/* ---- the shape of reads ---- */

static void plan_of(sqlite3 *db, const char *sql, char *out, size_t size)
{
    char text[1024];
    sqlite3_stmt *s;
    size_t n = 0;

    snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s", sql);
    ck_assert_msg(sqlite3_prepare_v2(db, text, -1, &s, NULL) == SQLITE_OK, "%s",
                  sqlite3_errmsg(db));
    out[0] = '\0';
    while (sqlite3_step(s) == SQLITE_ROW && n < size)
        n += (size_t)snprintf(out + n, size - n, "%s; ",
                              (const char *)sqlite3_column_text(s, 3));
    sqlite3_finalize(s);
}

START_TEST(reads_are_ranges_of_an_index)
{
    static const struct {
        enum sql_id sql;
        const char *index;
    } want[] = {
        {SQL_PAGE_DOWN, "entries_seq (conv=? AND seq>? AND seq<?)"},
        {SQL_PAGE_UP, "entries_seq (conv=? AND seq>? AND seq<?)"},
        {SQL_THREAD_DOWN, "entries_thread (conv=? AND thread=?"},
        {SQL_HEAD, "entries_seq (conv=?)"},
        {SQL_KEY, "entries_cid (conv=? AND sender=? AND cid=?)"},
        {SQL_CONVS_OF, "members_user (user=? AND conv>?)"},
        {SQL_CONV, "entries_seq (conv=?)"},
        {SQL_SHARES, "members_user (user=?)"},
        {SQL_SAID, "entries_cid (conv=? AND sender=?)"},
        {SQL_ROSTER, "(conv=? AND user>?)"},
        {SQL_EXPIRED, "entries_expires (expires>? AND expires<?)"},
        {SQL_DROP_KEYS, "entries_gone (gone>? AND gone<?)"},
        {SQL_BLANK_EDITS, "entries_edit (conv=? AND target=?)"},
        {SQL_DELETE_BODIES, "entries_cid (conv=? AND sender=?)"},
    };
    char path[192], plan[2048];
    sqlite3 *db;

    snprintf(path, sizeof(path), "%s/confab.db", k->dir);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        plan_of(db, sql_text[want[i].sql], plan, sizeof(plan));
        ck_assert_msg(strstr(plan, want[i].index) != NULL, "%zu: %s", i, plan);
        ck_assert_msg(strstr(plan, "SCAN") == NULL, "%zu: %s", i, plan);
        ck_assert_msg(strstr(plan, "TEMP B-TREE") == NULL, "%zu: %s", i, plan);
    }
    sqlite3_close(db);
}
END_TEST

/* ---- schema versions ---- */

static void exec_offline(const char *sql)
{
    char path[192];
    sqlite3 *db;

    snprintf(path, sizeof(path), "%s/confab.db", k->dir);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, 0, 0, 0) == SQLITE_OK, "%s",
                  sqlite3_errmsg(db));
    sqlite3_close(db);
}

static int try_open(struct error *err)
{
    struct store *s = NULL;
    struct store_config cfg = {.backend = "sqlite", .dir = k->dir};
    int rc = store_open(&s, &cfg, err);

    store_close(&s);
    return rc;
}

START_TEST(foreign_and_newer_files_are_left_alone)
{
    struct error err = {0};

    kit_stop(k);
    exec_offline("PRAGMA user_version = 99");
    ck_assert_int_eq(try_open(&err), -CF_VERSION);
    ck_assert_ptr_nonnull(strstr(err.text, "newer"));
    exec_offline("PRAGMA user_version = 3; PRAGMA application_id = 5");
    ck_assert_int_eq(try_open(&err), -CF_VERSION);
    exec_offline("PRAGMA application_id = 1668179554");
    kit_start(k);
}
END_TEST

START_TEST(a_damaged_file_is_refused)
{
    struct error err = {0};
    char path[192], junk[4096];
    FILE *f;

    for (int i = 0; i < 200; i++)
        kit_say(k, 50, 1, NULL, "{\"text\":\"some bytes\"}");
    kit_stop(k);
    snprintf(path, sizeof(path), "%s/confab.db", k->dir);
    memset(junk, 0x5a, sizeof(junk));
    f = fopen(path, "r+");
    ck_assert_ptr_nonnull(f);
    for (long page = 2; page < 40; page++) {
        fseek(f, page * 4096, SEEK_SET);
        fwrite(junk, 1, sizeof(junk), f);
    }
    fclose(f);
    ck_assert_int_eq(try_open(&err), -CF_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "damaged"));
    kit_remove_tree(k->dir);
    kit_start(k);
}
END_TEST

/* ---- threads ---- */

enum { THREADS = 4, EACH = 300 };

struct sender {
    pthread_t thread;
    struct kit_queue queue;
    struct store_op ops[EACH];
    int done;
    uint64_t user;
};

static _Atomic uint64_t sender_id;

static void sender_done(struct store_op *op)
{
    ++*(int *)op->ctx;
}

/* Many threads, each with a port of its own, in one conversation. An id that
 * is too low when its turn comes is refused as old; it is tried again. */
static void *sender_main(void *arg)
{
    struct sender *s = arg;
    struct store_port *port = store_port_new(k->store, kit_post, &s->queue);

    for (int i = 0; i < EACH; i++) {
        struct store_op *op = &s->ops[i];

        store_op_init(op, STORE_APPEND, sender_done, &s->done);
        op->conv = 50;
        op->term = 1;
        op->entry = (struct entry){
            .kind = ENTRY_MSG, .from = s->user, .body = SPAN("{}")};
        do {
            int before = s->done;

            op->entry.id = atomic_fetch_add(&sender_id, 1);
            store_submit(port, op);
            while (s->done == before)
                kit_queue_run(&s->queue, true);
        } while (op->rc == -CF_STALE);
    }
    store_port_free(&port);
    return NULL;
}

START_TEST(threads_get_dense_seqs)
{
    struct sender *s = mem_array(THREADS, sizeof(*s));
    bool *seen = mem_array(THREADS * EACH + 2, sizeof(bool));

    atomic_store(&sender_id, 100000);
    for (int t = 0; t < THREADS; t++) {
        kit_queue_init(&s[t].queue);
        s[t].user = (uint64_t)t % 2 + 1;
        pthread_create(&s[t].thread, NULL, sender_main, &s[t]);
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(s[t].thread, NULL);
    for (int i = 0; i < THREADS * EACH; i++) {
        struct store_op *op = &s[i / EACH].ops[i % EACH];

        ck_assert_int_eq(op->rc, 0);
        ck_assert(op->entry.seq >= 2 && op->entry.seq <= THREADS * EACH + 1);
        ck_assert(!seen[op->entry.seq]);
        seen[op->entry.seq] = true;
    }
    free(seen);
    free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("store on disk");
    TCase *t = tcase_create("sqlite");

    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_restart_keeps_everything);
    tcase_add_test(t, a_backup_is_the_same_data_under_a_new_name);
    tcase_add_test(t, one_process_owns_a_store);
    tcase_add_test(t, files_are_for_the_owner_only);
    tcase_add_test(t, reads_are_ranges_of_an_index);
    tcase_add_test(t, foreign_and_newer_files_are_left_alone);
    tcase_add_test(t, a_damaged_file_is_refused);
    tcase_add_test(t, threads_get_dense_seqs);
    suite_add_tcase(s, t);
    return kit_check_main(s);
}
