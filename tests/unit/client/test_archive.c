#include "client/archive.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"

static char dir[64];
static struct archive *a;

static void open_it(void)
{
    struct error err = {0};

    ck_assert_msg(archive_open(&a, dir, &err) == 0, "%s", err.text);
}

static void set_up(void)
{
    snprintf(dir, sizeof(dir), "/tmp/confab-archive-%d", (int)getpid());
    open_it();
}

static void tear_down(void)
{
    static const char *const names[] = {"archive.db", "archive.db-wal",
                                        "archive.db-shm"};
    char path[128];

    archive_close(&a);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

static int put(uint64_t conv, int64_t seq)
{
    struct entry e = {.conv = conv,
                      .seq = seq,
                      .id = conv * 1000 + (uint64_t)seq,
                      .ts = 5,
                      .kind = ENTRY_MSG,
                      .from = 7,
                      .body = SPAN("{\"text\":\"x\"}")};

    return archive_put(a, &e);
}

struct gathered {
    int64_t seqs[16];
    int count;
};

static bool gather(void *ctx, const struct entry *e)
{
    struct gathered *g = ctx;

    g->seqs[g->count++] = e->seq;
    return true;
}

START_TEST(an_entry_is_kept_once)
{
    ck_assert_int_eq(put(1, 1), 1);
    ck_assert_int_eq(put(1, 1), 0);
    ck_assert_int_eq(put(2, 1), 1);
}
END_TEST

START_TEST(the_same_id_elsewhere_is_no_new_entry)
{
    struct entry e = {.conv = 1, .seq = 9, .id = 1001, .kind = ENTRY_MSG};

    ck_assert_int_eq(put(1, 1), 1); /* id 1001 */
    ck_assert_int_eq(archive_put(a, &e), 0);
}
END_TEST

START_TEST(the_prefix_stops_at_a_hole)
{
    put(1, 1);
    put(1, 2);
    put(1, 4);
    ck_assert_int_eq(archive_prefix_from(a, 1, 0), 2);
    ck_assert_int_eq(archive_prefix_from(a, 1, 2), 2);
    put(1, 3);
    ck_assert_int_eq(archive_prefix_from(a, 1, 0), 4);
    ck_assert_int_eq(archive_prefix_from(a, 2, 0), 0);
}
END_TEST

START_TEST(ranges_come_in_rising_order)
{
    struct gathered up = {.count = 0}, down = {.count = 0};

    for (int64_t seq = 1; seq <= 6; seq++)
        put(1, seq);
    archive_entries(a, 1, 2, 0, 2, true, gather, &up);
    archive_entries(a, 1, 0, 6, 2, false, gather, &down);
    ck_assert_int_eq(up.count, 2);
    ck_assert_int_eq(up.seqs[0], 3);
    ck_assert_int_eq(up.seqs[1], 4);
    ck_assert_int_eq(down.count, 2);
    ck_assert_int_eq(down.seqs[0], 4);
    ck_assert_int_eq(down.seqs[1], 5);
}
END_TEST

static bool is_deleted(void *ctx, const struct entry *e)
{
    *(bool *)ctx = e->deleted && e->body.p == NULL;
    return true;
}

START_TEST(a_deletion_blanks_its_target)
{
    struct entry e = {
        .conv = 1, .seq = 2, .id = 99, .kind = ENTRY_DELETE, .of = 1};
    bool blank = false;

    put(1, 1);
    ck_assert_int_eq(archive_put(a, &e), 1);
    ck_assert_int_eq(archive_entry(a, 1, 1, is_deleted, &blank), 0);
    ck_assert(blank);
}
END_TEST

static bool first_cid(void *ctx, const struct outbox_item *i)
{
    snprintf(ctx, 65, "%s", i->cid);
    return false;
}

START_TEST(the_outbox_keeps_order_keys_and_states)
{
    struct outbox_item one = {.conv = 1, .cid = "one", .state = OUT_QUEUED};
    struct outbox_item two = {.conv = 1, .cid = "two", .state = OUT_QUEUED};
    struct outbox_item again = one, got;
    char cid[65] = "";

    one.frame = two.frame = again.frame = SPAN("\"body\":{}");
    ck_assert_int_eq(archive_outbox_add(a, &one), 0);
    ck_assert_int_eq(archive_outbox_add(a, &two), 0);
    ck_assert_int_eq(archive_outbox_add(a, &again), -CF_EXISTS);
    archive_outbox(a, first_cid, cid);
    ck_assert_str_eq(cid, "one");
    archive_outbox_set(a, 1, "one", OUT_STORED, 5, 55, NULL);
    archive_outbox(a, first_cid, cid);
    ck_assert_str_eq(cid, "two");
    ck_assert_int_eq(archive_outbox_get(a, 1, "one", &got), 0);
    ck_assert_int_eq(got.state, OUT_STORED);
    ck_assert_int_eq(got.seq, 5);
    archive_outbox_set(a, 1, "two", OUT_FAILED, 0, 0, "blocked");
    ck_assert_int_eq(archive_outbox(a, first_cid, cid), 0);
}
END_TEST

START_TEST(all_of_it_is_there_after_reopening)
{
    struct archive_conv c = {.conv = 4, .kind = CONV_GROUP, .acked = 9};
    struct archive_conv got;
    char name[33], value[8];

    snprintf(c.title, sizeof(c.title), "ops");
    archive_begin(a);
    put(4, 9);
    archive_conv_put(a, &c);
    archive_user_put(a, 7, "alice", NULL);
    archive_set(a, "store", "s1");
    ck_assert_int_eq(archive_commit(a), 0);
    archive_close(&a);
    open_it();
    ck_assert_int_eq(archive_conv_get(a, 4, &got), 0);
    ck_assert_int_eq(got.acked, 9);
    ck_assert_str_eq(got.title, "ops");
    ck_assert_int_eq(archive_user_name(a, 7, name), 0);
    ck_assert_str_eq(name, "alice");
    ck_assert_int_eq(archive_get(a, "store", value, sizeof(value)), 0);
    ck_assert_str_eq(value, "s1");
}
END_TEST

START_TEST(a_restored_server_starts_over)
{
    struct archive_conv c = {.conv = 4, .head = 9, .acked = 9, .read = 9}, got;
    struct entry e = {.conv = 4, .seq = 9, .id = 77, .kind = ENTRY_MSG};
    char value[16];

    put(4, 9);
    archive_conv_put(a, &c);
    archive_set(a, "cursor:x:c4", "9");
    archive_set(a, "store", "s1");
    ck_assert_int_eq(archive_start_over(a), 0);
    ck_assert_int_eq(archive_conv_get(a, 4, &got), 0);
    ck_assert_int_eq(got.acked, 0);
    ck_assert_int_eq(got.read, 0);
    ck_assert_int_lt(archive_get(a, "cursor:x:c4", value, sizeof(value)), 0);
    ck_assert_int_eq(archive_get(a, "store", value, sizeof(value)), 0);
    /* Another message has the place now; the old one is not forgotten. */
    ck_assert_int_eq(archive_put(a, &e), 1);
    ck_assert(!archive_is_former(a, 77));
    ck_assert(archive_is_former(a, 4009));
    ck_assert_int_eq(archive_start_over(a), 0);
    ck_assert(archive_is_former(a, 77));
    ck_assert(archive_is_former(a, 4009));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("archive");
    TCase *t = tcase_create("archive");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, an_entry_is_kept_once);
    tcase_add_test(t, the_same_id_elsewhere_is_no_new_entry);
    tcase_add_test(t, the_prefix_stops_at_a_hole);
    tcase_add_test(t, ranges_come_in_rising_order);
    tcase_add_test(t, a_deletion_blanks_its_target);
    tcase_add_test(t, the_outbox_keeps_order_keys_and_states);
    tcase_add_test(t, all_of_it_is_there_after_reopening);
    tcase_add_test(t, a_restored_server_starts_over);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
