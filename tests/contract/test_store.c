/* The store's contract: every test runs over every backend. */
#include "contract/store_kit.h"

static const char *const backends[] = {"memory", "sqlite"};

static struct kit *k;

#define STORE_TEST(name)            \
    START_TEST(name)                \
    {                               \
        k = kit_open(backends[_i]); \
        kit_people(k);              \
        run_##name();               \
        kit_close(k);               \
    }                               \
    END_TEST

/* ---- appending ---- */

static void run_seq_is_dense_and_head_follows(void)
{
    struct store_op op;

    for (int i = 2; i <= 20; i++)
        ck_assert_int_eq(kit_say(k, 50, 1, NULL, "{}"), i);
    store_op_init(&op, STORE_CONV, kit_done, NULL);
    op.conv = 50;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.row.head, 20);
    ck_assert_uint_eq(op.row.last_id, k->next_id);
    ck_assert_int_eq(op.row.members, 2);
    ck_assert_str_eq(op.row.title, "ops");
    op.conv = 51;
    ck_assert_int_eq(kit_run(k, &op), -CF_NOT_FOUND);
    ck_assert_int_eq(kit_say(k, 51, 1, "a", "{}"), -CF_NOT_FOUND);
}

static void run_same_cid_gives_the_same_entry(void)
{
    struct store_op op;
    int64_t seq = kit_say(k, 50, 1, "c-1", "{\"text\":\"hi\"}");
    uint64_t id = k->next_id;

    ck_assert_int_eq(seq, 2);
    kit_message(k, &op, 50, 1, "c-1", "{\"text\":\"hi\"}");
    op.refuse = -CF_DENIED; /* the duplicate is looked up before */
    op.term = 99;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert(op.dup);
    ck_assert_int_eq(op.entry.seq, 2);
    ck_assert_uint_eq(op.entry.id, id);
    ck_assert_int_eq(op.entry.ts, 7000);
    ck_assert_int_eq(kit_say(k, 50, 2, "c-1", "{}"), 3); /* another sender */
}

static void run_other_body_under_a_cid_conflicts(void)
{
    struct store_op op;

    ck_assert_int_eq(kit_say(k, 50, 1, "c-1", "{\"text\":\"hi\"}"), 2);
    kit_message(k, &op, 50, 1, "c-1", "{\"text\":\"ho\"}");
    ck_assert_int_eq(kit_run(k, &op), -CF_CONFLICT);
    ck_assert_int_eq(op.entry.seq, 2);
    kit_message(k, &op, 50, 1, "c-1", "{\"text\":\"hi\"}");
    op.entry.reply = 1;
    ck_assert_int_eq(kit_run(k, &op), -CF_CONFLICT);
    ck_assert_int_eq(kit_say(k, 50, 1, "c-2", "{}"), 3);
}

static void run_refuse_writes_nothing(void)
{
    struct store_op op;

    kit_message(k, &op, 50, 1, "c-1", "{}");
    op.refuse = -CF_BLOCKED;
    op.term = 99;
    ck_assert_int_eq(kit_run(k, &op), -CF_BLOCKED);
    ck_assert_int_eq(kit_say(k, 50, 1, "c-1", "{\"other\":1}"), 2);
}

static void run_old_terms_are_refused(void)
{
    struct store_op op;

    store_op_init(&op, STORE_OPEN, kit_done, NULL);
    op.conv = 50;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.row.term, 2);
    ck_assert_int_eq(op.row.head, 1);
    ck_assert_uint_eq(op.row.last_id, k->next_id);
    ck_assert_int_eq(kit_say(k, 50, 1, NULL, "{}"), -CF_STALE);
    kit_message(k, &op, 50, 1, NULL, "{}");
    op.term = 2;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.entry.seq, 2);
    op.entry.seq = 0; /* the same id again */
    ck_assert_int_eq(kit_run(k, &op), -CF_STALE);
    store_op_init(&op, STORE_OPEN, kit_done, NULL);
    op.conv = 77;
    ck_assert_int_eq(kit_run(k, &op), -CF_NOT_FOUND);
}

static void run_open_makes_self(void)
{
    struct store_op op;

    store_op_init(&op, STORE_OPEN, kit_done, NULL);
    op.conv = 3;
    op.now = 8000;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.row.kind, CONV_SELF);
    ck_assert_int_eq(op.row.term, 1);
    ck_assert_int_eq(op.row.head, 0);
    ck_assert_int_eq(op.row.members, 1);
    ck_assert_int_eq(kit_member(k, &op, 3, 3, 0), 0);
    ck_assert_int_eq(op.members[0].role, ROLE_OWNER);
    ck_assert_int_eq(op.members[0].join, 1);
    store_op_release(&op);
    store_op_init(&op, STORE_CONVS_OF, kit_done, NULL);
    op.user = 3;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.member_count, 0); /* empty: not listed */
    store_op_release(&op);
    ck_assert_int_eq(kit_say(k, 3, 3, NULL, "{}"), 1);
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.member_count, 1);
    store_op_release(&op);
}

/* ---- edits, deletions, reactions ---- */

static int about(enum entry_kind kind, uint64_t from, int64_t of, bool may)
{
    struct store_op op;

    kit_message(k, &op, 50, from, NULL, "{\"text\":\"new\"}");
    op.entry.kind = kind;
    op.entry.of = of;
    op.may_delete = may;
    return kit_run(k, &op);
}

static void expect_body(int64_t seq, const char *body)
{
    struct store_op op;

    store_op_init(&op, STORE_ENTRY, kit_done, NULL);
    op.conv = 50;
    op.entry.seq = seq;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert(op.entry.deleted == (body == NULL));
    ck_assert(body == NULL ? op.entry.body.p == NULL
                           : span_is(op.entry.body, body));
    store_op_release(&op);
}

static void run_edit_and_delete_have_rules(void)
{
    ck_assert_int_eq(kit_say(k, 50, 1, NULL, "{\"text\":\"hi\"}"), 2);
    ck_assert_int_eq(about(ENTRY_EDIT, 2, 2, false), -CF_DENIED);
    ck_assert_int_eq(about(ENTRY_DELETE, 2, 2, false), -CF_DENIED);
    ck_assert_int_eq(about(ENTRY_EDIT, 1, 9, false), -CF_NOT_FOUND);
    ck_assert_int_eq(about(ENTRY_EDIT, 1, 0, false), -CF_NOT_FOUND);
    ck_assert_int_eq(about(ENTRY_EDIT, 1, 1, false), -CF_NOT_FOUND);
    ck_assert_int_eq(about(ENTRY_EDIT, 1, 2, false), 0);
    ck_assert_int_eq(about(ENTRY_REACT, 2, 2, false), 0);
    expect_body(2, "{\"text\":\"hi\"}"); /* the original stays */
    expect_body(3, "{\"text\":\"new\"}");
    ck_assert_int_eq(about(ENTRY_DELETE, 2, 2, true), 0);
    expect_body(2, NULL);
    expect_body(3, NULL);
    ck_assert_int_eq(about(ENTRY_REACT, 2, 2, false), -CF_NOT_FOUND);
    ck_assert_int_eq(about(ENTRY_EDIT, 1, 2, false), -CF_NOT_FOUND);
}

static void run_title_is_set_with_its_entry(void)
{
    struct store_op op;

    kit_message(k, &op, 50, 1, NULL, "{\"title\":\"new ops\"}");
    op.entry.kind = ENTRY_TITLE;
    op.text = SPAN("new ops");
    op.has_text = true;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_str_eq(op.row.title, "new ops");
    store_op_init(&op, STORE_CONV, kit_done, NULL);
    op.conv = 50;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_str_eq(op.row.title, "new ops");
}

/* ---- creating ---- */

static void make_direct(struct store_op *op, uint64_t conv, uint64_t a,
                        uint64_t b, enum conv_mode mode)
{
    static struct roster_change changes[2];

    changes[0] = (struct roster_change){a, ROLE_MEMBER};
    changes[1] = (struct roster_change){b, ROLE_MEMBER};
    store_op_init(op, STORE_CREATE, kit_done, NULL);
    op->conv = conv;
    op->kind = CONV_DIRECT;
    op->mode = mode;
    op->user = a;
    op->other = b;
    op->changes = changes;
    op->change_count = 2;
    kit_entry(k, &op->entry, a, NULL, "{\"op\":\"create\"}");
    op->entry.kind = ENTRY_MEMBER;
}

static void run_direct_exists_once_per_pair_and_mode(void)
{
    struct store_op op;

    make_direct(&op, 60, 2, 1, MODE_OPEN);
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert(!op.dup);
    ck_assert_uint_eq(op.row.pair[0], 1);
    ck_assert_uint_eq(op.row.pair[1], 2);
    ck_assert_int_eq(op.row.term, 1);
    ck_assert_int_eq(op.row.epoch, 1);
    make_direct(&op, 61, 1, 2, MODE_OPEN);
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert(op.dup);
    ck_assert_uint_eq(op.conv, 60);
    ck_assert_uint_eq(op.row.conv, 60);
    make_direct(&op, 61, 1, 2, MODE_E2EE);
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert(!op.dup);
    make_direct(&op, 61, 1, 3, MODE_OPEN);
    ck_assert_int_eq(kit_run(k, &op), -CF_EXISTS);
    op.refuse = -CF_BLOCKED;
    ck_assert_int_eq(kit_run(k, &op), -CF_BLOCKED);
}

static int create_group(struct store_op *op, uint64_t conv, const char *body)
{
    static const struct roster_change change = {1, ROLE_OWNER};

    store_op_init(op, STORE_CREATE, kit_done, NULL);
    op->conv = conv;
    op->kind = CONV_GROUP;
    op->mode = MODE_OPEN;
    op->changes = &change;
    op->change_count = 1;
    kit_entry(k, &op->entry, 1, "make-1", body);
    op->entry.kind = ENTRY_MEMBER;
    return kit_run(k, op);
}

static void run_group_creation_is_idempotent(void)
{
    struct store_op op;

    ck_assert_int_eq(create_group(&op, 70, "{\"op\":\"create\"}"), 0);
    ck_assert(!op.dup);
    ck_assert_int_eq(op.entry.seq, 1);
    ck_assert_int_eq(create_group(&op, 71, "{\"op\":\"create\"}"), 0);
    ck_assert(op.dup);
    ck_assert_uint_eq(op.conv, 70);
    ck_assert_int_eq(create_group(&op, 71, "{\"op\":\"x\"}"), -CF_CONFLICT);
    ck_assert_uint_eq(op.conv, 70);
}

/* ---- the roster ---- */

static int change(struct store_op *op, uint64_t user, enum role role)
{
    static struct roster_change c;

    c = (struct roster_change){user, role};
    kit_message(k, op, 50, 1, NULL, "{\"op\":\"add\"}");
    op->entry.kind = ENTRY_MEMBER;
    op->changes = &c;
    op->change_count = 1;
    return kit_run(k, op);
}

static void run_roster_changes_with_entries(void)
{
    struct store_op op;

    ck_assert_int_eq(change(&op, 3, ROLE_MEMBER), 0);
    ck_assert_int_eq(op.row.epoch, 2);
    ck_assert_int_eq(op.row.members, 3);
    ck_assert_int_eq(change(&op, 3, ROLE_ADMIN), 0);
    ck_assert_int_eq(op.row.members, 3);
    ck_assert_int_eq(change(&op, 3, ROLE_NONE), 0);
    ck_assert_int_eq(op.row.epoch, 4);
    ck_assert_int_eq(op.row.members, 2);
    ck_assert_int_eq(kit_member(k, &op, 50, 3, 1), 0);
    ck_assert_int_eq(op.members[0].role, ROLE_NONE);
    ck_assert_int_eq(op.members[0].join, 2);
    ck_assert_int_eq(op.members[0].left, 4);
    ck_assert_int_eq(op.members[0].c.head, 4);
    store_op_release(&op);
    ck_assert_int_eq(change(&op, 3, ROLE_MEMBER), 0);
    ck_assert_int_eq(kit_member(k, &op, 50, 3, 1), 0);
    ck_assert_int_eq(op.members[0].join, 5);
    ck_assert_int_eq(op.members[0].left, 0);
    store_op_release(&op);
    ck_assert_int_eq(kit_member(k, &op, 50, 9, 1), -CF_NOT_FOUND);
}

static void run_roster_comes_in_batches(void)
{
    struct store_op op;
    uint64_t after = 0;
    int seen = 0;

    ck_assert_int_eq(kit_group(k, 80, 25), 0);
    do {
        store_op_init(&op, STORE_ROSTER, kit_done, NULL);
        op.conv = 80;
        op.other = after;
        op.limit = 10;
        ck_assert_int_eq(kit_run(k, &op), 0);
        for (int i = 0; i < op.member_count; i++, seen++) {
            ck_assert_uint_eq(op.members[i].user, (uint64_t)seen + 1);
            after = op.members[i].user;
        }
        store_op_release(&op);
    } while (after < 25);
    ck_assert_int_eq(seen, 25);
    store_op_init(&op, STORE_ROSTER, kit_done, NULL);
    op.conv = 81;
    ck_assert_int_eq(kit_run(k, &op), -CF_NOT_FOUND);
}

static void run_convs_of_lists_joined_and_left(void)
{
    struct store_op op;
    struct mark_row r;

    make_direct(&op, 60, 1, 2, MODE_OPEN);
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(change(&op, 2, ROLE_NONE), 0);
    ck_assert_int_eq(kit_mark(k, &r, 60, 1, 1, 1, 1), 0);
    store_op_init(&op, STORE_CONVS_OF, kit_done, NULL);
    op.user = 2;
    op.dev = 1;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.member_count, 2);
    ck_assert_uint_eq(op.members[0].conv, 50);
    ck_assert_int_eq(op.members[0].left, 2);
    ck_assert_int_eq(op.members[0].acked, -1);
    ck_assert_uint_eq(op.members[1].conv, 60);
    ck_assert_int_eq(op.members[1].peer_delivered, 1);
    ck_assert_int_eq(op.members[1].peer_read, 1);
    ck_assert_int_eq(op.members[1].c.kind, CONV_DIRECT);
    store_op_release(&op);
    op.conv = 50; /* the page after that one */
    op.limit = 1;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.member_count, 1);
    ck_assert_uint_eq(op.members[0].conv, 60);
    store_op_release(&op);
}

/* ---- marks ---- */

static void run_marks_only_rise(void)
{
    struct mark_row r;
    struct store_op op;

    for (int i = 0; i < 9; i++)
        kit_say(k, 50, 1, NULL, "{}");
    ck_assert_int_eq(kit_mark(k, &r, 50, 2, 1, 5, 0), 0);
    ck_assert(r.moved && r.delivered_now == 5 && r.read_now == 0);
    ck_assert_int_eq(kit_mark(k, &r, 50, 2, 1, 3, 0), 0);
    ck_assert(!r.moved && r.delivered_now == 5);
    ck_assert_int_eq(kit_mark(k, &r, 50, 2, 1, 0, 7), 0);
    ck_assert(r.moved && r.delivered_now == 7 && r.read_now == 7);
    ck_assert_int_eq(kit_mark(k, &r, 50, 2, 1, 99, 99), 0);
    ck_assert(r.delivered_now == 10 && r.read_now == 10); /* the head */
    ck_assert_int_eq(kit_member(k, &op, 50, 2, 1), 0);
    ck_assert_int_eq(op.members[0].acked, 10);
    ck_assert_int_eq(op.members[0].delivered, 10);
    store_op_release(&op);
    ck_assert_int_eq(kit_member(k, &op, 50, 2, 2), 0);
    ck_assert_int_eq(op.members[0].acked, -1);
    store_op_release(&op);
}

static void run_marks_know_strangers_and_leavers(void)
{
    struct mark_row r;
    struct store_op op;

    ck_assert_int_eq(kit_mark(k, &r, 50, 3, 1, 1, 1), 0);
    ck_assert(!r.moved && r.delivered_now == 0);
    ck_assert_int_eq(kit_mark(k, &r, 99, 1, 1, 1, 1), 0);
    ck_assert(!r.moved);
    ck_assert_int_eq(change(&op, 2, ROLE_NONE), 0);
    kit_say(k, 50, 1, NULL, "{}");
    ck_assert_int_eq(kit_mark(k, &r, 50, 2, 1, 3, 0), 0);
    ck_assert_int_eq(r.delivered_now, 2); /* the removal, nothing above */
    ck_assert_int_eq(kit_mark(k, &r, 50, 1, 0, 0, 2), 0);
    ck_assert(r.moved && r.delivered_now == 2 && r.read_now == 2);
}

/* ---- pages ---- */

static void expect_page(int64_t after, int64_t before, int limit, bool forward,
                        int64_t first, int count)
{
    struct store_op op;

    ck_assert_int_eq(kit_page(k, &op, 50, after, before, limit, forward), 0);
    ck_assert_int_eq(op.entry_count, count);
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(op.entries[i].seq, first + i);
        ck_assert_uint_eq(op.entries[i].conv, 50);
    }
    store_op_release(&op);
}

static void run_pages_take_ranges(void)
{
    for (int i = 2; i <= 100; i++)
        kit_say(k, 50, 1, NULL, "{\"text\":\"x\"}");
    expect_page(0, 0, 50, false, 51, 50);
    expect_page(0, 51, 50, false, 1, 50);
    expect_page(0, 0, 50, true, 1, 50);
    expect_page(90, 0, 50, true, 91, 10);
    expect_page(90, 95, 50, true, 91, 4);
    expect_page(90, 95, 2, false, 93, 2);
    expect_page(100, 0, 50, true, 0, 0);
    expect_page(50, 51, 50, true, 0, 0);
    expect_page(0, 1000, 3, false, 98, 3);
}

static void run_pages_stop_at_bytes_and_keep_content(void)
{
    struct store_op op;
    char body[1001];

    memset(body, 'x', 1000);
    body[1000] = '\0';
    for (int i = 2; i <= 10; i++)
        kit_say(k, 50, 1, i == 10 ? "last" : NULL, body);
    store_op_init(&op, STORE_PAGE, kit_done, NULL);
    op.conv = 50;
    op.after = 1;
    op.limit = 50;
    op.forward = true;
    op.max_bytes = 3500;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.entry_count, 3);
    ck_assert(op.cut);
    ck_assert_int_eq(op.entries[2].seq, 4);
    ck_assert(span_is(op.entries[2].body, body));
    ck_assert(op.entries[2].cid.p == NULL);
    store_op_release(&op);
    op.max_bytes = 1; /* one always passes */
    op.forward = false;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.entry_count, 1);
    ck_assert_int_eq(op.entries[0].seq, 10);
    ck_assert(op.cut);
    ck_assert(span_is(op.entries[0].cid, "last"));
    store_op_release(&op);
    op.max_bytes = 1000000;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert(!op.cut);
    store_op_release(&op);
}

static void run_pages_of_threads(void)
{
    struct store_op op;

    for (int i = 2; i <= 9; i++) {
        kit_message(k, &op, 50, 1, NULL, "{}");
        op.entry.thread = i % 2 == 0 ? 1 : 0;
        ck_assert_int_eq(kit_run(k, &op), 0);
    }
    store_op_init(&op, STORE_PAGE, kit_done, NULL);
    op.conv = 50;
    op.thread = 1;
    op.limit = 3;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.entry_count, 3);
    ck_assert_int_eq(op.entries[0].seq, 4);
    ck_assert_int_eq(op.entries[2].seq, 8);
    store_op_release(&op);
    op.forward = true;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.entries[0].seq, 2);
    store_op_release(&op);
}

static void run_entries_are_found_one_by_one(void)
{
    struct store_op op;
    struct mark_row heads[2] = {{.conv = 50}, {.conv = 99, .acked = 5}};

    kit_message(k, &op, 50, 1, "c-1", "{\"text\":\"hi\"}");
    op.entry.mention = SPAN("[\"u2\"]");
    op.entry.dev = 7;
    op.entry.expires = 123456;
    op.entry.reply = 1;
    op.entry.trace = true;
    ck_assert_int_eq(kit_run(k, &op), 0);
    store_op_init(&op, STORE_CID, kit_done, NULL);
    op.conv = 50;
    op.user = 1;
    op.entry.cid = SPAN("c-1");
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.entry.seq, 2);
    ck_assert(span_is(op.entry.body, "{\"text\":\"hi\"}"));
    ck_assert(span_is(op.entry.mention, "[\"u2\"]"));
    ck_assert(span_is(op.entry.cid, "c-1"));
    ck_assert(op.entry.dev == 7 && op.entry.expires == 123456);
    ck_assert(op.entry.reply == 1 && op.entry.trace && op.entry.from == 1);
    store_op_release(&op);
    op.user = 2;
    op.entry.cid = SPAN("c-1");
    ck_assert_int_eq(kit_run(k, &op), -CF_NOT_FOUND);
    store_op_init(&op, STORE_ENTRY, kit_done, NULL);
    op.conv = 50;
    op.entry.seq = 3;
    ck_assert_int_eq(kit_run(k, &op), -CF_NOT_FOUND);
    store_op_init(&op, STORE_HEADS, kit_done, NULL);
    op.marks = heads;
    op.mark_count = 2;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(heads[0].acked, 2);
    ck_assert_int_eq(heads[1].acked, 0);
}

/* ---- retention ---- */

static void run_expire_blanks_and_drops_keys(void)
{
    const int64_t day = 86400000;
    struct store_op op, x;

    kit_message(k, &op, 50, 1, "c-1", "{\"text\":\"soon gone\"}");
    op.entry.expires = 10000;
    ck_assert_int_eq(kit_run(k, &op), 0);
    store_op_init(&x, STORE_EXPIRE, kit_done, NULL);
    x.now = 9999;
    ck_assert_int_eq(kit_run(k, &x), 0);
    ck_assert_int_eq(x.stats[0], 0);
    x.now = 10000;
    ck_assert_int_eq(kit_run(k, &x), 0);
    ck_assert_int_eq(x.stats[0], 1);
    expect_body(2, NULL);
    /* The key outlives the body by 30 days. */
    x.now = 10000 + 30 * day - 1;
    ck_assert_int_eq(kit_run(k, &x), 0);
    ck_assert_int_eq(kit_say(k, 50, 1, "c-1", "{\"text\":\"soon gone\"}"), 2);
    x.now = 10000 + 30 * day;
    ck_assert_int_eq(kit_run(k, &x), 0);
    ck_assert_int_eq(x.stats[1], 1);
    ck_assert_int_eq(kit_say(k, 50, 1, "c-1", "{}"), 3);
}

#include "contract/store_suite_marks.h"
#include "contract/store_suite_stamp.h"
#include "contract/store_suite_users.h"

static Suite *suite(void)
{
    Suite *s = suite_create("store");
    TCase *t = tcase_create("contract");
    int n = (int)COUNT_OF(backends);

    tcase_set_timeout(t, 120);
#define ADD(name) tcase_add_loop_test(t, name, 0, n);
    ALL_TESTS(ADD)
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return kit_check_main(suite());
}
