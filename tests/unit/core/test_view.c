/* Presence and typing for those who look, and for nobody else. */
#include <string.h>

#include "core/conn.h"
#include "harness.h"
#include "suite.h"

static const uint64_t pair[] = {1, 2, 0};
static struct rig *r;
static struct seat *a, *b;

static void begin(void)
{
    r = rig_new(2, NULL);
    for (uint64_t u = 1; u <= 3; u++)
        rig_user(r, u);
    rig_conv(r, 100, CONV_DIRECT, pair);
    a = seat_login(r, 0, 1, 1, "");
    b = seat_login(r, 1, 2, 1, "");
}

static void finish(void)
{
    seat_free(&a);
    seat_free(&b);
    rig_free(&r);
}

static void look(void)
{
    seat_say(a, "{\"t\":\"view\",\"n\":5,\"convs\":[\"c100\"],"
                "\"users\":[\"u2\",\"u3\",\"u99\"]}");
    rig_run(r, 20);
}

START_TEST(the_snapshot_tells_only_what_may_be_seen)
{
    struct seat *c;

    begin();
    c = seat_login(r, 0, 3, 1, ""); /* on, but shares nothing with u1 */
    look();
    ck_assert_int_eq(seat_count(a, "\"t\":\"presence\""), 1);
    ck_assert_ptr_nonnull(strstr(seat_last(a, "presence"), "\"re\":5"));
    ck_assert_ptr_nonnull(strstr(seat_last(a, "presence"), "[\"u2\",\"on\","));
    ck_assert_ptr_nonnull(
        strstr(seat_last(a, "presence"), "[\"u3\",\"off\",0]"));
    ck_assert_ptr_nonnull(
        strstr(seat_last(a, "presence"), "[\"u99\",\"off\",0]"));
    seat_free(&c);
    finish();
}
END_TEST

/* Nobody is off because the store was busy. */
START_TEST(what_could_not_be_read_is_read_again)
{
    begin();
    r->read_fault = -CF_BUSY;
    r->fault_verb = STORE_VISIBLE;
    look();
    ck_assert_int_eq(seat_count(a, "\"t\":\"presence\""), 0);
    r->read_fault = 0;
    rig_run(r, 1000);
    ck_assert_ptr_nonnull(strstr(seat_last(a, "presence"), "\"re\":5"));
    ck_assert_ptr_nonnull(strstr(seat_last(a, "presence"), "[\"u2\",\"on\","));
    finish();
}
END_TEST

START_TEST(who_blocks_me_is_off)
{
    begin();
    rig_block(r, 2, 1);
    look();
    ck_assert_ptr_nonnull(
        strstr(seat_last(a, "presence"), "[\"u2\",\"off\",0]"));
    finish();
}
END_TEST

START_TEST(bye_is_seen_at_once_a_lost_socket_by_ttl)
{
    begin();
    look();
    rig_run(r, 2000);
    seat_say(b, "{\"t\":\"bye\"}");
    rig_run(r, 1100);
    ck_assert_int_eq(seat_count(a, "[[\"u2\",\"off\""), 1);
    seat_free(&b);
    b = seat_login(r, 1, 2, 1, "");
    rig_run(r, 1100);
    ck_assert_int_eq(seat_count(a, "[[\"u2\",\"on\""), 2); /* and the first */
    seat_lose(b);
    for (int i = 0; i < 4; i++) {
        seat_say(a, "{\"t\":\"hb\",\"n\":1,\"act\":true}");
        rig_run(r, 10000);
        ck_assert_int_eq(seat_count(a, "[[\"u2\",\"off\""), 1);
    }
    seat_say(a, "{\"t\":\"hb\",\"n\":1,\"act\":true}");
    rig_run(r, 7000);
    ck_assert_int_eq(seat_count(a, "[[\"u2\",\"off\""), 2);
    finish();
}
END_TEST

START_TEST(changes_come_once_a_second_at_most)
{
    begin();
    look();
    rig_run(r, 2000);
    for (int i = 0; i < 10; i++) {
        seat_say(b, "{\"t\":\"hb\",\"n\":1,\"act\":%s}",
                 i & 1 ? "true" : "false");
        rig_run(r, 100);
    }
    rig_run(r, 2000);
    ck_assert_int_le(seat_count(a, "\"t\":\"presence\""), 3);
    ck_assert_ptr_nonnull(strstr(seat_last(a, "presence"), "[\"u2\",\"on\","));
    finish();
}
END_TEST

START_TEST(a_new_view_replaces_the_old_one)
{
    begin();
    look();
    seat_say(a, "{\"t\":\"view\",\"n\":6,\"convs\":[],\"users\":[]}");
    rig_run(r, 2000);
    seat_say(b, "{\"t\":\"bye\"}");
    rig_run(r, 3000);
    ck_assert_int_eq(seat_count(a, "[[\"u2\",\"off\""), 0);
    ck_assert_uint_eq(r->nodes[0]->watched.len, 0);
    ck_assert_int_eq(live_find(r->nodes[0], 100)->viewers, 0);
    finish();
}
END_TEST

START_TEST(typing_goes_to_viewers_on_other_nodes)
{
    begin();
    look();
    rig_run(r, 100);
    seat_say(b, "{\"t\":\"typing\",\"conv\":\"c100\",\"on\":true}");
    rig_run(r, 100);
    ck_assert_int_eq(seat_count(a, "\"t\":\"typing\""), 1);
    ck_assert_int_eq(seat_count(b, "\"t\":\"typing\""), 0);
    seat_say(b, "{\"t\":\"typing\",\"n\":8,\"conv\":\"c555\",\"on\":true}");
    ck_assert_ptr_nonnull(seat_last(b, "not_found"));
    finish();
}
END_TEST

int main(void)
{
    const TTest *const cases[] = {
        the_snapshot_tells_only_what_may_be_seen,
        what_could_not_be_read_is_read_again,
        who_blocks_me_is_off,
        bye_is_seen_at_once_a_lost_socket_by_ttl,
        changes_come_once_a_second_at_most,
        a_new_view_replaces_the_old_one,
        typing_goes_to_viewers_on_other_nodes,
    };

    return RUN_CASES("view", cases);
}
