/* Acknowledgements: folded, stored, told only when they are durable. */
#include <string.h>

#include "core/conn.h"
#include "harness.h"
#include "suite.h"

static const uint64_t pair[] = {1, 2, 0};
static struct rig *r;
static struct seat *a, *b;

static void begin_with(enum conv_kind kind)
{
    r = rig_new(1, NULL);
    rig_user(r, 1);
    rig_user(r, 2);
    rig_conv(r, 100, kind, pair);
    for (int i = 0; i < 9; i++)
        rig_append(r, 100, 1, "{\"text\":\"x\"}");
    a = seat_login(r, 0, 1, 1, "");
    b = seat_login(r, 0, 2, 1, "");
}

static void begin(void)
{
    begin_with(CONV_DIRECT);
}

static void finish(void)
{
    seat_free(&a);
    seat_free(&b);
    rig_free(&r);
}

static void ack(const char *kind, int seq)
{
    seat_say(b, "{\"t\":\"%s\",\"at\":[[\"c100\",%d]]}", kind, seq);
}

START_TEST(few_of_a_direct_conversation_are_quick)
{
    begin();
    ack("ack", 2);
    rig_run(r, 15);
    ck_assert_int_eq(rig_member(r, 100, 2, 1).acked, 2);
    ack("ack", 3);
    ack("ack", 5);
    rig_run(r, 5);
    ck_assert_int_eq(rig_member(r, 100, 2, 1).acked, 2);
    rig_run(r, 30);
    ck_assert_int_eq(rig_member(r, 100, 2, 1).acked, 5);
    finish();
}
END_TEST

START_TEST(those_of_a_group_take_a_second)
{
    begin_with(CONV_GROUP);
    ack("ack", 2);
    rig_run(r, 20);
    ck_assert_int_eq(rig_member(r, 100, 2, 1).acked, 2);
    ack("ack", 3);
    rig_run(r, 800);
    ck_assert_int_eq(rig_member(r, 100, 2, 1).acked, 2);
    rig_run(r, 300);
    ck_assert_int_eq(rig_member(r, 100, 2, 1).acked, 3);
    finish();
}
END_TEST

START_TEST(a_fence_does_not_wait_for_their_time)
{
    begin_with(CONV_GROUP);
    ack("ack", 2);
    rig_run(r, 20);
    ack("ack", 3);
    seat_say(b, "{\"t\":\"fence\",\"n\":9}");
    ck_assert_int_eq(seat_count(b, "\"re\":9"), 0);
    rig_run(r, 20);
    ck_assert_int_eq(seat_count(b, "\"re\":9"), 1);
    ck_assert_int_eq(rig_member(r, 100, 2, 1).acked, 3);
    finish();
}
END_TEST

START_TEST(marks_only_rise_and_never_above_the_head)
{
    begin();
    ack("ack", 8);
    ack("ack", 3);
    rig_run(r, 1100);
    ck_assert_int_eq(rig_member(r, 100, 2, 1).acked, 8);
    ack("ack", 4000);
    rig_run(r, 1100);
    ck_assert_int_eq(rig_member(r, 100, 2, 1).acked, 10);
    finish();
}
END_TEST

START_TEST(read_implies_ack)
{
    begin();
    ack("read", 6);
    rig_run(r, 15);
    ck_assert_int_eq(rig_member(r, 100, 2, 1).acked, 6);
    ck_assert_int_eq(rig_member(r, 100, 2, 1).read, 6);
    ck_assert_int_eq(rig_member(r, 100, 2, 1).delivered, 6);
    finish();
}
END_TEST

/* The home of the conversation is there, and has said its receipts. */
static void warm_up(void)
{
    ack("ack", 2);
    rig_run(r, 5000);
    ck_assert_int_ge(seat_count(a, "\"delivered\":2"), 1);
}

START_TEST(a_receipt_waits_for_the_store)
{
    begin();
    warm_up();
    r->write_ms = 300;
    ack("ack", 4);
    rig_run(r, 250);
    ck_assert_int_eq(seat_count(a, "\"delivered\":4"), 0);
    rig_run(r, 2000);
    ck_assert_int_ge(seat_count(a, "\"delivered\":4"), 1);
    finish();
}
END_TEST

START_TEST(sabotaged_a_receipt_does_not_wait)
{
    begin();
    warm_up();
    r->sabotage.receipt_before_durable = true;
    r->write_ms = 300;
    ack("ack", 4);
    rig_run(r, 250);
    ck_assert_int_ge(seat_count(a, "\"delivered\":4"), 1);
    finish();
}
END_TEST

START_TEST(what_could_not_be_stored_is_stored_later)
{
    begin();
    r->fault = -CF_BUSY;
    ack("ack", 4);
    rig_run(r, 100);
    r->fault = 0;
    ck_assert_int_eq(rig_member(r, 100, 2, 1).acked, -1);
    rig_run(r, 1500);
    ck_assert_int_eq(rig_member(r, 100, 2, 1).acked, 4);
    finish();
}
END_TEST

START_TEST(folded_marks_outlive_the_connection)
{
    begin();
    ack("ack", 2);
    ack("ack", 7);
    seat_lose(b);
    ck_assert_ptr_null(user_find(r->nodes[0], 2));
    rig_run(r, 1500);
    ck_assert_int_eq(rig_member(r, 100, 2, 1).acked, 7);
    finish();
}
END_TEST

int main(void)
{
    const TTest *const cases[] = {
        few_of_a_direct_conversation_are_quick,
        those_of_a_group_take_a_second,
        a_fence_does_not_wait_for_their_time,
        marks_only_rise_and_never_above_the_head,
        read_implies_ack,
        a_receipt_waits_for_the_store,
        sabotaged_a_receipt_does_not_wait,
        what_could_not_be_stored_is_stored_later,
        folded_marks_outlive_the_connection,
    };

    return RUN_CASES("marks", cases);
}
