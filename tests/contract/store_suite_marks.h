/* store_suite_marks.h - for test_store.c only: each device has a mark of its
 * own in each conversation, and nothing of it outlives the device. */
#ifndef CONTRACT_STORE_SUITE_MARKS_H
#define CONTRACT_STORE_SUITE_MARKS_H

#include "contract/store_kit.h"

static int64_t device_mark(uint64_t conv, uint64_t user, uint32_t dev)
{
    struct store_op op;
    int64_t acked;

    ck_assert_int_eq(kit_member(k, &op, conv, user, dev), 0);
    acked = op.members[0].acked;
    store_op_release(&op);
    return acked;
}

static void device_new(uint64_t user, uint8_t token, uint32_t expected)
{
    struct store_op op;

    store_op_init(&op, STORE_DEVICE_ADD, kit_done, NULL);
    op.user = user;
    op.text = SPAN("phone");
    memset(op.hash, token, TOKEN_HASH);
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_uint_eq(op.dev, expected);
}

static void device_gone(uint64_t user, uint32_t dev)
{
    struct store_op op;

    store_op_init(&op, STORE_DEVICE_REVOKE, kit_done, NULL);
    op.user = user;
    op.dev = dev;
    ck_assert_int_eq(kit_run(k, &op), 0);
}

/* As many devices as there may be, each with another mark. */
static void run_each_device_has_its_mark(void)
{
    struct mark_row r;

    for (int i = 2; i <= LIMIT_DEVICES; i++)
        device_new(2, (uint8_t)(0x80 + i), (uint32_t)i);
    for (int i = 0; i < LIMIT_DEVICES + 9; i++)
        kit_say(k, 50, 1, NULL, "{}");
    for (int i = LIMIT_DEVICES; i >= 1; i--) {
        ck_assert_int_eq(kit_mark(k, &r, 50, 2, (uint32_t)i, i + 4, 0), 0);
        ck_assert(r.moved);
        ck_assert_int_eq(r.delivered_now, LIMIT_DEVICES + 4);
    }
    ck_assert_int_eq(kit_mark(k, &r, 50, 2, 3, 2, 0), 0);
    ck_assert(!r.moved);
    for (int i = 1; i <= LIMIT_DEVICES; i++)
        ck_assert_int_eq(device_mark(50, 2, (uint32_t)i), i + 4);
    ck_assert_int_eq(kit_mark(k, &r, 50, 2, 99, 9, 0), 0); /* no device */
    ck_assert(!r.moved);
    ck_assert_int_eq(device_mark(50, 2, 99), -1);
}

static void run_a_revoked_device_leaves_no_mark(void)
{
    struct mark_row r;

    ck_assert_int_eq(kit_group(k, 51, 2), 0);
    device_new(2, 0x82, 2);
    device_new(2, 0x83, 3);
    for (uint32_t dev = 1; dev <= 3; dev++) {
        ck_assert_int_eq(kit_mark(k, &r, 50, 2, dev, 1, 0), 0);
        ck_assert(dev != 2 || kit_mark(k, &r, 51, 2, dev, 1, 0) == 0);
    }
    device_gone(2, 2);
    ck_assert_int_eq(device_mark(50, 2, 1), 1);
    ck_assert_int_eq(device_mark(50, 2, 2), -1);
    ck_assert_int_eq(device_mark(50, 2, 3), 1);
    ck_assert_int_eq(device_mark(51, 2, 2), -1);
    ck_assert_int_eq(kit_mark(k, &r, 50, 2, 2, 1, 0), 0); /* on its way */
    ck_assert(!r.moved);
    ck_assert_int_eq(r.delivered_now, 1); /* the user's own stays */
    ck_assert_int_eq(device_mark(50, 2, 2), -1);
    device_new(2, 0x84, 4); /* there is room for it */
    ck_assert_int_eq(kit_mark(k, &r, 51, 2, 4, 1, 0), 0);
    ck_assert_int_eq(device_mark(51, 2, 4), 1);
}

static void run_marks_stay_over_leaving_and_end_with_the_user(void)
{
    struct store_op op;
    struct mark_row r;

    ck_assert_int_eq(kit_mark(k, &r, 50, 2, 1, 1, 0), 0);
    ck_assert_int_eq(change(&op, 2, ROLE_NONE), 0);
    ck_assert_int_eq(change(&op, 2, ROLE_MEMBER), 0);
    ck_assert_int_eq(device_mark(50, 2, 1), 1);
    store_op_init(&op, STORE_USER_DELETE, kit_done, NULL);
    op.user = 2;
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert_int_eq(device_mark(50, 2, 1), -1);
    ck_assert_int_eq(kit_mark(k, &r, 50, 2, 1, 2, 0), 0);
    ck_assert_int_eq(device_mark(50, 2, 1), -1);
}

/* Rows of one operation, of several users and conversations, repeated ones
 * among them: as if each came alone. */
static void run_marks_of_many_in_one_operation(void)
{
    struct mark_row rows[] = {
        {.conv = 50, .user = 1, .dev = 1, .acked = 2},
        {.conv = 50, .user = 2, .dev = 1, .acked = 3, .read = 2},
        {.conv = 50, .user = 2, .dev = 1, .acked = 1},
        {.conv = 50, .user = 3, .dev = 1, .acked = 3},
        {.conv = 51, .user = 2, .dev = 1, .read = 9},
    };
    struct store_op op;

    ck_assert_int_eq(kit_group(k, 51, 2), 0);
    kit_say(k, 50, 1, NULL, "{}");
    kit_say(k, 50, 1, NULL, "{}");
    store_op_init(&op, STORE_MARKS, kit_done, NULL);
    op.marks = rows;
    op.mark_count = (int)COUNT_OF(rows);
    ck_assert_int_eq(kit_run(k, &op), 0);
    ck_assert(rows[0].moved && rows[0].delivered_now == 2);
    ck_assert(rows[1].moved && rows[1].delivered_now == 3);
    ck_assert(!rows[2].moved && rows[2].delivered_now == 3);
    ck_assert(!rows[3].moved && rows[3].delivered_now == 0);
    ck_assert(rows[4].moved && rows[4].read_now == 1);
    ck_assert_int_eq(device_mark(50, 1, 1), 2);
    ck_assert_int_eq(device_mark(50, 2, 1), 3);
    ck_assert_int_eq(device_mark(51, 2, 1), 1);
}

#endif
