/* store_suite_stamp.h - for test_store.c only: what a login relies on when it
 * takes an earlier read for a new one. */
#ifndef CONTRACT_STORE_SUITE_STAMP_H
#define CONTRACT_STORE_SUITE_STAMP_H

#include "contract/store_kit.h"

/* What the next read of the user's conversations is stamped with. */
static int64_t stamp_now(void)
{
    struct store_op op;

    store_op_init(&op, STORE_CONVS_OF, kit_done, NULL);
    op.user = 2;
    ck_assert_int_eq(kit_run(k, &op), 0);
    store_op_release(&op);
    return op.stamp;
}

static void run_moved_tells_what_a_write_touched(void)
{
    int64_t at = stamp_now();
    struct store_op op;
    struct mark_row r;

    ck_assert(!store_moved(k->port, 50, at));
    ck_assert(!store_moved(k->port, 2, at));
    ck_assert_int_eq(kit_say(k, 50, 1, NULL, "{}"), 2);
    ck_assert(store_moved(k->port, 50, at));
    ck_assert(!store_moved(k->port, 2, at));
    ck_assert_int_eq(kit_mark(k, &r, 50, 2, 1, 1, 0), 0);
    ck_assert(store_moved(k->port, 2, at));
    at = stamp_now();
    ck_assert(!store_moved(k->port, 50, at));
    ck_assert(!store_moved(k->port, 2, at));
    ck_assert_int_eq(change(&op, 3, ROLE_MEMBER), 0);
    ck_assert(store_moved(k->port, 50, at));
    ck_assert(store_moved(k->port, 3, at));
    ck_assert(!store_moved(k->port, 2, at));
    make_direct(&op, 60, 1, 2, MODE_OPEN);
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert(store_moved(k->port, 2, at));
    ck_assert(store_moved(k->port, 60, at));
}

static void run_token_brings_the_first_conversations(void)
{
    struct store_op op;
    int64_t at = stamp_now();

    store_op_init(&op, STORE_TOKEN, kit_done, NULL);
    memset(op.hash, 0x22, TOKEN_HASH);
    op.limit = 200;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_uint_eq(op.user, 2);
    ck_assert_int_eq(op.member_count, 1);
    ck_assert_uint_eq(op.members[0].conv, 50);
    ck_assert_int_eq(op.members[0].c.head, 1);
    ck_assert_int_eq(op.stamp, at);
    store_op_release(&op);
}

#endif
