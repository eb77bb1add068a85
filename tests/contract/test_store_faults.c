/* A disk that fails at every single read, write and sync in turn: what was
 * acknowledged is there afterwards, what was refused is not, and the database
 * is whole. */
#include "contract/store_kit.h"

#include <fcntl.h>

#include "base/log.h"
#include "shim/fault_vfs.h"

#define SENDS 8

/* What one round said to its caller. */
struct round {
    int rc[SENDS];
    int64_t seq[SENDS];
    int marks, deleted, other;
};

static char template_dir[] = "/tmp/confab-faults-XXXXXX";

static void cid_of(int i, char out[16])
{
    snprintf(out, 16, "round-%d", i);
}

static void copy_file(const char *from, const char *to)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    char block[65536];
    size_t n;

    ck_assert(in != NULL && out != NULL);
    while ((n = fread(block, 1, sizeof(block), in)) > 0)
        ck_assert_uint_eq(fwrite(block, 1, n, out), n);
    fclose(in);
    fclose(out);
}

static void copy_template(const char *dir)
{
    char from[192], to[192];

    snprintf(from, sizeof(from), "%s/confab.db", template_dir);
    snprintf(to, sizeof(to), "%s/confab.db", dir);
    copy_file(from, to);
}

/* A kit on a copy of the template, not started. */
static struct kit *new_kit(void)
{
    struct kit *k = kit_open("sqlite");

    kit_stop(k);
    copy_template(k->dir);
    return k;
}

static void make_template(void)
{
    struct kit *k = kit_open("sqlite");
    char from[192], to[192];

    kit_people(k);
    ck_assert_int_eq(kit_say(k, 50, 1, "target", "{\"text\":\"x\"}"), 2);
    kit_stop(k);
    snprintf(from, sizeof(from), "%s/confab.db", k->dir);
    snprintf(to, sizeof(to), "%s/confab.db", template_dir);
    copy_file(from, to);
    kit_start(k);
    kit_close(k);
}

/* Half of the sends one by one, half at once, a mark and a deletion. */
static void play(struct kit *k, struct round *r)
{
    struct store_op ops[SENDS], op;
    struct mark_row mark;
    bool done[SENDS] = {false};
    char cid[SENDS][16];

    k->next_id = 50000;
    for (int i = 0; i < SENDS; i++) {
        cid_of(i, cid[i]);
        kit_message(k, &ops[i], 50, 1, cid[i], "{\"text\":\"hello\"}");
        ops[i].ctx = &done[i];
        store_submit(k->port, &ops[i]);
        if (i < SENDS / 2)
            kit_wait(k, &done[i]);
    }
    for (int i = 0; i < SENDS; i++) {
        kit_wait(k, &done[i]);
        r->rc[i] = ops[i].rc;
        r->seq[i] = ops[i].entry.seq;
    }
    r->marks = kit_mark(k, &mark, 50, 2, 1, 2, 2);
    kit_message(k, &op, 50, 1, NULL, "{}");
    op.entry.kind = ENTRY_DELETE;
    op.entry.of = 2;
    r->deleted = kit_run(k, &op);
    r->other = kit_page(k, &op, 50, 0, 0, 50, false);
    ck_assert(r->other != 0 || op.entry_count > 0);
    store_op_release(&op);
}

static int find_cid(struct kit *k, int i, int64_t *seq)
{
    struct store_op op;
    char cid[16];
    int rc;

    cid_of(i, cid);
    store_op_init(&op, STORE_CID, kit_done, NULL);
    op.conv = 50;
    op.user = 1;
    op.entry.cid = span_of(cid);
    rc = kit_run(k, &op);
    *seq = op.entry.seq;
    store_op_release(&op);
    return rc;
}

/* After a restart on a healthy disk. */
static void verify(struct kit *k, const struct round *r, const char *what)
{
    struct store_op op;
    int64_t seq;

    for (int i = 0; i < SENDS; i++) {
        int rc = find_cid(k, i, &seq);

        if (r->rc[i] == 0)
            ck_assert_msg(rc == 0 && seq == r->seq[i],
                          "%s: send %d was acknowledged and is lost", what, i);
        else if (r->rc[i] != -CF_UNKNOWN)
            ck_assert_msg(rc == -CF_NOT_FOUND, "%s: send %d: %s, but stored",
                          what, i, error_name(r->rc[i]));
    }
    ck_assert_int_eq(kit_member(k, &op, 50, 2, 1), 0);
    ck_assert_msg(r->marks != 0 || op.members[0].read == 2,
                  "%s: the mark is lost", what);
    store_op_release(&op);
    store_op_init(&op, STORE_ENTRY, kit_done, NULL);
    op.conv = 50;
    op.entry.seq = 2;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_msg(r->deleted != 0 || op.entry.deleted,
                  "%s: the deletion is lost", what);
    store_op_release(&op);
    ck_assert_int_eq(kit_page(k, &op, 50, 0, 0, 50, true), 0);
    for (int i = 0; i < op.entry_count; i++)
        ck_assert_msg(op.entries[i].seq == i + 1, "%s: a hole", what);
    store_op_release(&op);
}

/* One round with the n-th call failing. False: it never came to that. */
static bool one_round(enum fault_call call, int error, long n, bool stays)
{
    struct kit *k = new_kit();
    struct round r = {.marks = 0};
    char what[64];
    bool hit, unknown = false;

    snprintf(what, sizeof(what), "call %d error %d n %ld%s", call, error, n,
             stays ? " and later" : "");
    kit_start(k);
    fault_arm(call, error, n, stays);
    play(k, &r);
    for (int i = 0; i < SENDS; i++)
        unknown |= r.rc[i] == -CF_UNKNOWN;
    unknown |= r.marks == -CF_UNKNOWN || r.deleted == -CF_UNKNOWN;
    ck_assert_msg(!unknown || store_failed(k->store), "%s", what);
    kit_stop(k);
    hit = atomic_load(&fault.failed) > 0;
    fault_disarm();
    kit_start(k);
    verify(k, &r, what);
    kit_close(k);
    return hit;
}

static int all_rounds(enum fault_call call, int error, bool stays)
{
    long n = 1;

    while (one_round(call, error, n, stays))
        n++;
    return (int)n - 1;
}

START_TEST(every_call_fails_once)
{
    static const struct {
        enum fault_call call;
        int error;
        int least; /* the loop must have had something to do */
    } kinds[] = {
        {FAULT_WRITE, SQLITE_IOERR_WRITE, 12},
        {FAULT_WRITE, SQLITE_FULL, 12},
        {FAULT_SYNC, SQLITE_IOERR_FSYNC, 6},
        {FAULT_READ, SQLITE_IOERR_READ, 3},
    };
    int rounds =
        all_rounds(kinds[_i / 2].call, kinds[_i / 2].error, _i % 2 == 1);

    ck_assert_msg(rounds >= kinds[_i / 2].least, "only %d rounds", rounds);
}
END_TEST

/* Pages and the headers of their frames, gathered until the sync. */
START_TEST(a_commit_writes_once)
{
    struct kit *k = new_kit();
    long calls = 1000000;

    kit_start(k);
    k->next_id = 50000; /* above those of the template */
    fault_arm(FAULT_WRITE, SQLITE_IOERR_WRITE, calls, false);
    ck_assert_int_gt(kit_say(k, 50, 1, "c-1", "{}"), 0);
    ck_assert_int_le(calls - atomic_load(&fault.left), 2); /* and the header */
    fault_disarm();
    kit_close(k);
}
END_TEST

START_TEST(a_failed_sync_ends_the_store)
{
    struct kit *k = new_kit();
    struct store_op op;

    kit_start(k);
    k->next_id = 50000;
    fault_arm(FAULT_SYNC, SQLITE_IOERR_FSYNC, 1, false);
    ck_assert_int_eq(kit_say(k, 50, 1, "a", "{}"), -CF_UNKNOWN);
    ck_assert(store_failed(k->store));
    ck_assert_int_eq(kit_say(k, 50, 1, "b", "{}"), -CF_UNAVAILABLE);
    store_op_init(&op, STORE_CONV, kit_done, NULL);
    op.conv = 50;
    ck_assert_int_eq(kit_run(k, &op), -CF_UNAVAILABLE);
    ck_assert_int_eq(atomic_load(&fault.failed), 1);
    kit_close(k);
}
END_TEST

START_TEST(a_full_disk_refuses_sends_and_goes_on_with_the_rest)
{
    struct kit *k = new_kit();
    struct mark_row mark;
    struct store_op op;
    char reserve[192];

    kit_start(k);
    k->next_id = 50000;
    snprintf(reserve, sizeof(reserve), "%s/reserve", k->dir);
    /* The disk has as much room as the reserve holds. */
    fault_arm(FAULT_WRITE, SQLITE_FULL, 1, true);
    fault.while_file = reserve;
    ck_assert_int_eq(kit_say(k, 50, 1, "a", "{}"), -CF_FULL);
    ck_assert(!store_failed(k->store));
    ck_assert_int_eq(kit_page(k, &op, 50, 0, 0, 50, true), 0);
    ck_assert_int_eq(op.entry_count, 2);
    store_op_release(&op);
    ck_assert_int_eq(kit_mark(k, &mark, 50, 2, 1, 2, 2), 0);
    ck_assert(mark.moved);
    kit_message(k, &op, 50, 1, NULL, "{}");
    op.entry.kind = ENTRY_DELETE;
    op.entry.of = 2;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(kit_say(k, 50, 1, "b", "{}"), -CF_FULL);
    fault_disarm(); /* there is room again */
    ck_assert_int_eq(kit_say(k, 50, 1, "a", "{}"), 4);
    ck_assert_int_eq(access(reserve, F_OK), 0);
    kit_close(k);
}
END_TEST

START_TEST(opening_on_a_failing_disk_is_an_error_and_harms_nothing)
{
    for (long n = 1;; n++) {
        struct kit *k = new_kit();
        struct store_config cfg = {.backend = "sqlite", .dir = k->dir};
        struct error err = {0};
        struct store *s = NULL;
        bool hit;
        int rc;

        fault_arm(_i == 0 ? FAULT_READ : FAULT_WRITE,
                  _i == 0 ? SQLITE_IOERR_READ : SQLITE_IOERR_WRITE, n, true);
        rc = store_open(&s, &cfg, &err);
        store_close(&s);
        hit = atomic_load(&fault.failed) > 0;
        fault_disarm();
        ck_assert(rc == 0 || err.text[0] != '\0');
        kit_start(k);
        ck_assert_int_eq(kit_say(k, 50, 1, "target", "{\"text\":\"x\"}"), 2);
        kit_close(k);
        if (!hit)
            break;
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("store on a failing disk");
    TCase *t = tcase_create("faults");
    int failed;

    log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    fault_vfs_install();
    if (mkdtemp(template_dir) == NULL)
        return EXIT_FAILURE;
    tcase_set_timeout(t, 300);
    tcase_add_unchecked_fixture(t, make_template, NULL);
    tcase_add_loop_test(t, every_call_fails_once, 0, 8);
    tcase_add_test(t, a_commit_writes_once);
    tcase_add_test(t, a_failed_sync_ends_the_store);
    tcase_add_test(t, a_full_disk_refuses_sends_and_goes_on_with_the_rest);
    tcase_add_loop_test(
        t, opening_on_a_failing_disk_is_an_error_and_harms_nothing, 0, 2);
    suite_add_tcase(s, t);
    failed = kit_check_main(s);
    kit_remove_tree(template_dir);
    return failed;
}
