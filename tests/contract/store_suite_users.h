/* store_suite_users.h - second half of test_store.c: users, devices, queues,
 * and the list of all tests. */

/* ---- users and devices ---- */

static int user_op(struct store_op *op, enum store_verb verb, uint64_t user)
{
    store_op_init(op, verb, kit_done, NULL);
    op->user = user;
    return 0;
}

static void run_names_and_numbers_are_unique(void)
{
    struct store_op op;

    ck_assert_int_eq(kit_user(k, 4, "alice", 0x44), -CF_EXISTS);
    ck_assert_int_eq(kit_user(k, 1, "dave", 0x44), -CF_EXISTS);
    ck_assert_int_eq(kit_user(k, 4, "dave", 0x11), -CF_EXISTS);
    ck_assert_int_eq(kit_user(k, 4, "", 0x44), -CF_INVALID);
    ck_assert_int_eq(kit_user(k, 0, "dave", 0x44), -CF_INVALID);
    ck_assert_int_eq(kit_user(k, 4, "dave", 0), 0);
    user_op(&op, STORE_USER, 0);
    op.name = "alice";
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_uint_eq(op.users[0].user, 1);
    ck_assert_str_eq(op.users[0].display, "alice");
    ck_assert_str_eq(op.users[0].contact, "open");
    ck_assert_str_eq(op.users[0].pwhash, "");
    ck_assert_int_eq(op.users[0].created, 5000);
    store_op_release(&op);
    op.name = "nobody";
    ck_assert_int_eq(kit_run(k, &op), -CF_NOT_FOUND);
}

static void run_user_set_changes_what_is_given(void)
{
    const uint64_t ids[] = {2, 99, 1};
    struct store_op op;

    user_op(&op, STORE_USER_SET, 1);
    op.text = SPAN("Alice A.");
    op.has_text = true;
    ck_assert_int_eq(kit_run(k, &op), 0);
    user_op(&op, STORE_USER_SET, 1);
    op.contact = "closed";
    op.pwhash = "$argon2id$x";
    ck_assert_int_eq(kit_run(k, &op), 0);
    user_op(&op, STORE_USER_SET, 99);
    ck_assert_int_eq(kit_run(k, &op), -CF_NOT_FOUND);
    user_op(&op, STORE_USERS, 0);
    op.ids = ids;
    op.id_count = 3;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.user_count, 2);
    ck_assert_uint_eq(op.users[0].user, 2);
    ck_assert_str_eq(op.users[1].display, "Alice A.");
    ck_assert_str_eq(op.users[1].contact, "closed");
    ck_assert_str_eq(op.users[1].pwhash, "$argon2id$x");
    store_op_release(&op);
}

static int token(struct store_op *op, uint8_t byte)
{
    user_op(op, STORE_TOKEN, 0);
    memset(op->hash, byte, TOKEN_HASH);
    return kit_run(k, op);
}

static int add_device(struct store_op *op, uint8_t byte)
{
    user_op(op, STORE_DEVICE_ADD, 1);
    op->text = SPAN("phone");
    op->now = 6000;
    memset(op->hash, byte, TOKEN_HASH);
    return kit_run(k, op);
}

static void run_devices_come_and_go(void)
{
    struct store_op op;

    ck_assert_int_eq(add_device(&op, 0x12), 0);
    ck_assert_uint_eq(op.dev, 2);
    ck_assert_int_eq(token(&op, 0x12), 0);
    ck_assert(op.user == 1 && op.dev == 2);
    ck_assert_int_eq(token(&op, 0x13), -CF_NOT_FOUND);
    user_op(&op, STORE_DEVICE_SET, 1);
    op.dev = 2;
    op.text = SPAN("tablet");
    op.has_text = true;
    op.now = 9000;
    ck_assert_int_eq(kit_run(k, &op), 0);
    op.dev = 9;
    ck_assert_int_eq(kit_run(k, &op), -CF_NOT_FOUND);
    user_op(&op, STORE_DEVICES, 1);
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.device_count, 2);
    ck_assert_str_eq(op.devices[0].name, "laptop");
    ck_assert_str_eq(op.devices[1].name, "tablet");
    ck_assert_int_eq(op.devices[1].seen, 9000);
    store_op_release(&op);
    user_op(&op, STORE_DEVICE_REVOKE, 0); /* by token: logout */
    memset(op.hash, 0x12, TOKEN_HASH);
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert(op.user == 1 && op.dev == 2);
    ck_assert_int_eq(kit_run(k, &op), -CF_NOT_FOUND);
    ck_assert_int_eq(token(&op, 0x12), -CF_NOT_FOUND);
    ck_assert_int_eq(add_device(&op, 0x14), 0);
    ck_assert_uint_eq(op.dev, 3); /* numbers are not used again */
    ck_assert_int_eq(add_device(&op, 0x14), -CF_EXISTS);
}

static void run_devices_are_limited(void)
{
    struct store_op op;

    for (int i = 1; i < LIMIT_DEVICES; i++)
        ck_assert_int_eq(add_device(&op, (uint8_t)(0x80 + i)), 0);
    ck_assert_int_eq(add_device(&op, 0x70), -CF_LIMIT);
    user_op(&op, STORE_DEVICE_REVOKE, 1);
    op.dev = 5;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(add_device(&op, 0x70), 0);
}

static void run_a_deleted_user_leaves_no_data(void)
{
    struct mark_row r;
    struct store_op op;

    kit_say(k, 50, 1, NULL, "{\"text\":\"mine\"}");
    kit_say(k, 50, 2, NULL, "{\"text\":\"theirs\"}");
    ck_assert_int_eq(kit_mark(k, &r, 50, 1, 1, 2, 0), 0);
    user_op(&op, STORE_USER_DELETE, 1);
    op.now = 9000;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(kit_run(k, &op), -CF_NOT_FOUND);
    expect_body(2, NULL);
    expect_body(3, "{\"text\":\"theirs\"}");
    ck_assert_int_eq(token(&op, 0x11), -CF_NOT_FOUND);
    user_op(&op, STORE_USER, 1);
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert(op.users[0].deleted);
    ck_assert_str_eq(op.users[0].name, "");
    store_op_release(&op);
    user_op(&op, STORE_USER, 0);
    op.name = "alice";
    ck_assert_int_eq(kit_run(k, &op), -CF_NOT_FOUND);
    ck_assert_int_eq(kit_user(k, 4, "alice", 0x44), -CF_EXISTS);
    user_op(&op, STORE_DEVICES, 1);
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.device_count, 0);
    store_op_release(&op);
}

static int block(uint64_t user, uint64_t other, bool on, bool *was)
{
    struct store_op op;
    int rc;

    user_op(&op, STORE_BLOCK, user);
    op.other = other;
    op.on = on;
    rc = kit_run(k, &op);
    *was = op.dup;
    return rc;
}

static void run_blocks_stand_between_two(void)
{
    struct store_op op;
    bool was;

    ck_assert_int_eq(block(1, 2, true, &was), 0);
    ck_assert(!was);
    ck_assert_int_eq(block(1, 2, true, &was), 0);
    ck_assert(was);
    ck_assert_int_eq(block(1, 99, true, &was), -CF_NOT_FOUND);
    ck_assert_int_eq(block(1, 3, true, &was), 0);
    user_op(&op, STORE_BLOCKS, 1);
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.block_count, 2);
    ck_assert(op.blocks[0] == 2 && op.blocks[1] == 3);
    store_op_release(&op);
    user_op(&op, STORE_PAIR, 2);
    op.other = 1;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert(op.blocked_by_other && !op.blocks_other);
    ck_assert_str_eq(op.users[0].contact, "open");
    store_op_release(&op);
    ck_assert_int_eq(block(1, 2, false, &was), 0);
    ck_assert(!was);
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert(!op.blocked_by_other);
    store_op_release(&op);
    kit_say(k, 50, 2, NULL, "{}");
    op.conv = 50; /* user 1 made the group and said nothing */
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert(op.user_sent && !op.other_sent);
    store_op_release(&op);
    op.other = 99;
    ck_assert_int_eq(kit_run(k, &op), -CF_NOT_FOUND);
}

static void run_who_shares_a_conversation_is_visible(void)
{
    const uint64_t ids[] = {3, 2, 99, 1};
    struct store_op op;
    bool was;

    user_op(&op, STORE_VISIBLE, 1);
    op.ids = ids;
    op.id_count = 4;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.block_count, 2);
    ck_assert(op.blocks[0] == 2 && op.blocks[1] == 1);
    store_op_release(&op);
    ck_assert_int_eq(block(2, 1, true, &was), 0);
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.block_count, 1);
    store_op_release(&op);
    ck_assert_int_eq(block(2, 1, false, &was), 0);
    ck_assert_int_eq(change(&op, 2, ROLE_NONE), 0);
    user_op(&op, STORE_VISIBLE, 1);
    op.ids = ids;
    op.id_count = 3;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.block_count, 0);
    store_op_release(&op);
}

static int invite(enum store_verb verb, uint8_t byte, int64_t expires,
                  int64_t now)
{
    struct store_op op;

    user_op(&op, verb, 1);
    memset(op.hash, byte, TOKEN_HASH);
    op.expires = expires;
    op.now = now;
    return kit_run(k, &op);
}

static void run_an_invite_is_used_once(void)
{
    ck_assert_int_eq(invite(STORE_INVITE_ADD, 7, 5000, 1000), 0);
    ck_assert_int_eq(invite(STORE_INVITE_ADD, 7, 5000, 1000), -CF_EXISTS);
    ck_assert_int_eq(invite(STORE_INVITE_USE, 8, 0, 2000), -CF_NOT_FOUND);
    ck_assert_int_eq(invite(STORE_INVITE_USE, 7, 0, 5000), -CF_EXPIRED);
    ck_assert_int_eq(invite(STORE_INVITE_USE, 7, 0, 4999), 0);
    ck_assert_int_eq(invite(STORE_INVITE_USE, 7, 0, 4999), -CF_NOT_FOUND);
}

static void run_audit_keeps_order(void)
{
    struct audit_row row = {.ts = 1, .who = "root", .what = "user add"};
    struct store_op op;

    for (int i = 0; i < 5; i++) {
        row.ts = i;
        user_op(&op, STORE_AUDIT, 0);
        op.audits = &row;
        op.audit_count = 1;
        ck_assert_int_eq(kit_run(k, &op), 0);
    }
    user_op(&op, STORE_AUDIT_READ, 0);
    op.limit = 3;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.audit_count, 3);
    ck_assert_int_eq(op.audits[0].ts, 2);
    ck_assert_int_eq(op.audits[2].ts, 4);
    ck_assert_str_eq(op.audits[2].what, "user add");
    store_op_release(&op);
}

static int64_t reserve(int64_t value)
{
    struct store_op op;

    user_op(&op, STORE_RESERVE, 0);
    op.reserve = value;
    ck_assert_int_eq(kit_run(k, &op), 0);
    return op.reserve;
}

static void run_reserve_and_stats(void)
{
    struct store_op op;

    ck_assert_int_eq(reserve(500), 500);
    ck_assert_int_eq(reserve(300), 500);
    ck_assert_int_eq(reserve(900), 900);
    user_op(&op, STORE_STATS, 0);
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(op.stats[0], 3);
    ck_assert_int_eq(op.stats[1], 1);
    ck_assert_int_eq(op.stats[2], 1);
    ck_assert_int_gt(op.stats[3], 0);
    ck_assert_int_eq(op.stats[4], 3);
}

static int count_lines(struct span rows, const char *what)
{
    char *text = mem_text_n(rows.p, rows.n);
    int n = 0;

    for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
        n++;
    free(text);
    return n;
}

static void run_export_pages_hold_everything_once(void)
{
    struct store_op op;
    char cursor[128] = "";
    int entries = 0, members = 0, users = 0, pages = 0;

    for (int i = 0; i < 7; i++) {
        kit_say(k, 50, 1, NULL, "{\"text\":\"mine\"}");
        kit_say(k, 50, 2, NULL, "{\"text\":\"theirs\"}");
    }
    ck_assert_int_eq(kit_group(k, 51, 1), 0);
    ck_assert_int_eq(kit_say(k, 51, 1, NULL, "{\"text\":\"mine\"}"), 2);
    do {
        user_op(&op, STORE_EXPORT, 1);
        op.limit = 3;
        op.cursor = cursor[0] != '\0' ? span_of(cursor) : (struct span){0};
        ck_assert_int_eq(kit_run(k, &op), 0);
        entries += count_lines(op.rows, "\"text\":\"mine\"");
        ck_assert_int_eq(count_lines(op.rows, "theirs"), 0);
        members += count_lines(op.rows, "\"what\":\"member\"");
        users += count_lines(op.rows, "\"name\":\"alice\"");
        snprintf(cursor, sizeof(cursor), "%.*s", (int)op.cursor.n,
                 op.cursor.p != NULL ? op.cursor.p : "");
        store_op_release(&op);
        ck_assert_int_lt(++pages, 50);
    } while (cursor[0] != '\0');
    ck_assert_int_eq(entries, 8);
    ck_assert_int_eq(members, 2);
    ck_assert_int_eq(users, 1);
    user_op(&op, STORE_EXPORT, 1);
    op.cursor = SPAN("9.x");
    ck_assert_int_eq(kit_run(k, &op), -CF_INVALID);
}

/* ---- queues and deadlines ---- */

static void run_a_passed_deadline_writes_nothing(void)
{
    struct store_op op;

    kit_message(k, &op, 50, 1, "late", "{}");
    op.deadline = 999999;
    ck_assert_int_eq(kit_run(k, &op), -CF_TIMEOUT);
    ck_assert_int_eq(kit_say(k, 50, 1, "late", "{\"other\":1}"), 2);
    store_op_init(&op, STORE_CONV, kit_done, NULL);
    op.conv = 50;
    op.deadline = 999999;
    ck_assert_int_eq(kit_run(k, &op), -CF_TIMEOUT);
    op.deadline = 1000000;
    ck_assert_int_eq(kit_run(k, &op), 0);
}

struct many {
    struct store_op op;
    int *order;
    int *count;
    int index;
};

static void many_done(struct store_op *op)
{
    struct many *m = op->ctx;

    m->order[(*m->count)++] = m->index;
}

static void many_wait(int *count, int n)
{
    while (*count < n) {
        kit_events(k);
        kit_queue_run(&k->queue, kit_is_sqlite(k) && !k->stalled);
    }
}

static void run_a_full_queue_says_busy(void)
{
    enum { N = LIMIT_STORE_QUEUE + 5 };
    struct many *m = mem_array(N, sizeof(*m));
    int *order = mem_array(N, sizeof(int)), count = 0, busy = 0;

    kit_stall(k);
    for (int i = 0; i < N; i++) {
        m[i] = (struct many){.order = order, .count = &count, .index = i};
        kit_message(k, &m[i].op, 50, 1, NULL, "{}");
        m[i].op.done = many_done;
        m[i].op.ctx = &m[i];
        store_submit(k->port, &m[i].op);
    }
    many_wait(&count, 5);
    ck_assert_int_eq(store_port_pending(k->port), LIMIT_STORE_QUEUE);
    kit_go(k);
    many_wait(&count, N);
    for (int i = 0; i < N; i++)
        busy += m[i].op.rc == -CF_BUSY;
    ck_assert_int_eq(busy, 5);
    ck_assert_int_eq(m[LIMIT_STORE_QUEUE - 1].op.entry.seq,
                     LIMIT_STORE_QUEUE + 1);
    ck_assert_int_eq(store_port_pending(k->port), 0);
    free(order);
    free(m);
}

static void run_many_ports_get_dense_ordered_seqs(void)
{
    enum { PORTS = 4, EACH = 200, N = PORTS * EACH };
    struct store_port *ports[PORTS];
    struct many *m = mem_array(N, sizeof(*m));
    int *order = mem_array(N, sizeof(int)), count = 0;
    bool *seen = mem_array(N + 2, sizeof(bool));

    for (int i = 0; i < PORTS; i++)
        ports[i] = store_port_new(k->store, kit_post, &k->queue);
    for (int i = 0; i < N; i++) {
        m[i] = (struct many){.order = order, .count = &count, .index = i};
        kit_message(k, &m[i].op, 50, 1, NULL, "{}");
        m[i].op.done = many_done;
        m[i].op.ctx = &m[i];
        store_submit(ports[i % PORTS], &m[i].op);
    }
    many_wait(&count, N);
    for (int i = 0; i < N; i++) {
        int64_t seq = m[i].op.entry.seq;

        ck_assert_int_eq(m[i].op.rc, 0);
        ck_assert(seq >= 2 && seq <= N + 1 && !seen[seq]);
        seen[seq] = true;
        if (i >= PORTS) /* of one port: in the order of submission */
            ck_assert_int_gt(seq, m[i - PORTS].op.entry.seq);
    }
    for (int i = 0; i < PORTS; i++)
        store_port_free(&ports[i]);
    free(seen);
    free(order);
    free(m);
}

static void run_reads_see_what_was_done(void)
{
    for (int i = 2; i < 60; i++) {
        struct store_op op;

        ck_assert_int_eq(kit_say(k, 50, 1, NULL, "{}"), i);
        ck_assert_int_eq(kit_page(k, &op, 50, 0, 0, 1, false), 0);
        ck_assert_int_eq(op.entries[0].seq, i);
        store_op_release(&op);
    }
}

static void run_unknown_backends_name_the_known(void)
{
    struct store *s = NULL;
    struct error err = {0};
    struct store_config cfg = {.backend = "oracle"};

    ck_assert_int_eq(store_open(&s, &cfg, &err), -CF_INVALID);
    ck_assert_ptr_null(s);
    ck_assert_ptr_nonnull(strstr(err.text, "memory"));
    ck_assert_ptr_nonnull(strstr(err.text, "sqlite"));
    cfg = (struct store_config){.backend = "memory", .durability = "maybe"};
    ck_assert_int_eq(store_open(&s, &cfg, &err), -CF_INVALID);
    ck_assert_str_eq(store_backend_name(k->store), k->backend);
    ck_assert_str_eq(store_durability(k->store), "fsync");
    ck_assert(!store_failed(k->store));
    for (int v = 0; v < STORE_VERBS; v++)
        ck_assert_str_ne(store_verb_name((enum store_verb)v), "unknown");
}

/* It moves the backslashes of this macro with each run. */
/* clang-format off */
#define ALL_TESTS(X)                                                          \
    X(seq_is_dense_and_head_follows)                                          \
    X(same_cid_gives_the_same_entry)                                          \
    X(other_body_under_a_cid_conflicts)                                       \
    X(refuse_writes_nothing)                                                  \
    X(old_terms_are_refused)                                                  \
    X(open_makes_self)                                                        \
    X(edit_and_delete_have_rules)                                             \
    X(title_is_set_with_its_entry)                                            \
    X(direct_exists_once_per_pair_and_mode)                                   \
    X(group_creation_is_idempotent)                                           \
    X(roster_changes_with_entries)                                            \
    X(roster_comes_in_batches)                                                \
    X(moved_tells_what_a_write_touched)                                       \
    X(token_brings_the_first_conversations)                                   \
    X(convs_of_lists_joined_and_left)                                         \
    X(marks_only_rise)                                                        \
    X(marks_know_strangers_and_leavers)                                       \
    X(each_device_has_its_mark)                                               \
    X(a_revoked_device_leaves_no_mark)                                        \
    X(marks_stay_over_leaving_and_end_with_the_user)                          \
    X(marks_of_many_in_one_operation)                                         \
    X(pages_take_ranges)                                                      \
    X(pages_stop_at_bytes_and_keep_content)                                   \
    X(pages_of_threads)                                                       \
    X(entries_are_found_one_by_one)                                           \
    X(expire_blanks_and_drops_keys)                                           \
    X(names_and_numbers_are_unique)                                           \
    X(user_set_changes_what_is_given)                                         \
    X(devices_come_and_go)                                                    \
    X(devices_are_limited)                                                    \
    X(a_deleted_user_leaves_no_data)                                          \
    X(blocks_stand_between_two)                                               \
    X(who_shares_a_conversation_is_visible)                                   \
    X(an_invite_is_used_once)                                                 \
    X(audit_keeps_order)                                                      \
    X(reserve_and_stats) X(export_pages_hold_everything_once)                 \
        X(a_passed_deadline_writes_nothing) X(a_full_queue_says_busy)         \
            X(many_ports_get_dense_ordered_seqs) X(reads_see_what_was_done)   \
                X(unknown_backends_name_the_known)

/* clang-format on */

ALL_TESTS(STORE_TEST)
