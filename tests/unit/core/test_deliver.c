/* Entries on their way out: pushed, fed, held back by credit, cut at the
 * removal, never twice. */
#include <stdio.h>
#include <string.h>

#include "core/conn.h"
#include "harness.h"
#include "suite.h"

static const uint64_t trio[] = {1, 2, 3, 0};
static struct rig *r;

static void begin(void)
{
    r = rig_new(1, NULL);
    for (uint64_t u = 1; u <= 4; u++)
        rig_user(r, u);
    rig_conv(r, 100, CONV_GROUP, trio);
}

static int64_t add(uint64_t from)
{
    return rig_append(r, 100, from, "{\"text\":\"hello\"}");
}

START_TEST(what_fits_is_pushed_and_the_sender_sees_its_cid)
{
    struct seat *a, *b;

    begin();
    a = seat_login(r, 0, 1, 1, "");
    b = seat_login(r, 0, 2, 1, "");
    rig_deliver(r, 0, 100, add(1));
    rig_deliver(r, 0, 100, add(2));
    ck_assert_str_eq(seat_log(a, 100), "1 2 3");
    ck_assert_str_eq(seat_log(b, 100), "1 2 3");
    ck_assert_int_eq(seat_count(a, "\"t\":\"entry\""), 2);
    seat_free(&a);
    seat_free(&b);
    rig_free(&r);
}
END_TEST

START_TEST(one_wire_is_shared_by_all)
{
    struct seat *a, *b;

    begin();
    a = seat_login(r, 0, 2, 1, "");
    b = seat_login(r, 0, 3, 1, "");
    a->slow = b->slow = true;
    rig_deliver(r, 0, 100, add(1));
    ck_assert_ptr_eq(conn_next(a->conn), conn_next(b->conn));
    ck_assert_uint_eq(conn_next(a->conn)->refs, 2);
    seat_free(&a);
    seat_free(&b);
    rig_free(&r);
}
END_TEST

START_TEST(duplicates_are_skipped)
{
    struct seat *s;
    int64_t seq;

    begin();
    s = seat_login(r, 0, 2, 1, "");
    seq = add(1);
    rig_deliver(r, 0, 100, seq);
    rig_deliver(r, 0, 100, seq);
    rig_deliver(r, 0, 100, 1);
    ck_assert_str_eq(seat_log(s, 100), "1 2");
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(a_hole_is_fed_before_what_follows)
{
    struct seat *s;

    begin();
    s = seat_login(r, 0, 2, 1, "");
    add(1);
    add(1);
    rig_deliver(r, 0, 100, add(1)); /* 2 and 3 were lost */
    rig_run(r, 10);
    ck_assert_str_eq(seat_log(s, 100), "1 2 3 4");
    ck_assert_int_eq(metrics_get(node_metrics(r->nodes[0]), NM_HOLES), 1);
    rig_deliver(r, 0, 100, add(1));
    ck_assert_str_eq(seat_log(s, 100), "1 2 3 4 5");
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(live_entries_wait_for_the_feeder)
{
    struct seat *s;

    begin();
    s = seat_login(r, 0, 2, 1, "");
    r->read_ms = 20;
    add(1);
    rig_deliver(r, 0, 100, add(1)); /* 3: being fed */
    rig_deliver(r, 0, 100, add(1)); /* 4 */
    rig_deliver(r, 0, 100, add(1)); /* 5 */
    rig_run(r, 200);
    ck_assert_str_eq(seat_log(s, 100), "1 2 3 4 5");
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(no_more_than_the_window)
{
    struct seat *s;

    begin();
    s = seat_login(r, 0, 2, 1, ",\"win\":{\"entries\":3,\"bytes\":100000}");
    for (int i = 0; i < 6; i++)
        rig_deliver(r, 0, 100, add(1));
    rig_run(r, 100);
    ck_assert_str_eq(seat_log(s, 100), "1 2 3");
    ck_assert(sub_find(s->conn, 100)->behind);
    seat_say(s, "{\"t\":\"ack\",\"at\":[[\"c100\",2]]}");
    rig_run(r, 10);
    ck_assert_str_eq(seat_log(s, 100), "1 2 3 4 5");
    seat_say(s, "{\"t\":\"ack\",\"at\":[[\"c100\",5]]}");
    rig_run(r, 10);
    ck_assert_str_eq(seat_log(s, 100), "1 2 3 4 5 6 7");
    ck_assert(!sub_find(s->conn, 100)->behind);
    rig_deliver(r, 0, 100, add(1)); /* live again */
    ck_assert_int_eq(seat_count(s, "\"t\":\"entry\""), 3);
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(one_entry_may_pass_however_large)
{
    static char body[9000];
    struct seat *s;

    begin();
    s = seat_login(r, 0, 2, 1, ",\"win\":{\"entries\":3,\"bytes\":2000}");
    seat_say(s, "{\"t\":\"ack\",\"at\":[[\"c100\",1]]}");
    snprintf(body, sizeof(body), "{\"text\":\"%08000d\"}", 1);
    rig_deliver(r, 0, 100, rig_append(r, 100, 1, body));
    rig_deliver(r, 0, 100, rig_append(r, 100, 1, body));
    rig_run(r, 100);
    ck_assert_str_eq(seat_log(s, 100), "1 2");
    seat_say(s, "{\"t\":\"ack\",\"at\":[[\"c100\",2]]}");
    rig_run(r, 10);
    ck_assert_str_eq(seat_log(s, 100), "1 2 3");
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(a_slow_reader_holds_a_queue_and_no_more)
{
    static char body[40100];
    struct seat *s;
    int64_t most = 0;

    begin();
    s = seat_login(r, 0, 2, 1, "");
    s->slow = true;
    snprintf(body, sizeof(body), "{\"text\":\"%040000d\"}", 1);
    for (int i = 0; i < 20; i++) {
        rig_deliver(r, 0, 100, rig_append(r, 100, 1, body));
        most = s->conn->out_bytes > most ? s->conn->out_bytes : most;
    }
    ck_assert_int_le(most, LIMIT_OUTQ_BYTES);
    for (int i = 0; i < 30; i++) {
        seat_pull(s);
        rig_run(r, 10);
        seat_say(s, "{\"t\":\"ack\",\"at\":[[\"c100\",%lld]]}",
                 (long long)sub_find(s->conn, 100)->sent);
        rig_run(r, 10);
    }
    ck_assert_str_eq(seat_log(s, 100),
                     "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21");
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(an_added_member_gets_its_own_entry_first)
{
    struct seat *s;

    begin();
    s = seat_login(r, 0, 4, 1, "");
    rig_deliver(r, 0, 100, add(1));
    rig_deliver(r, 0, 100, rig_change(r, 100, 4, true)); /* 3 */
    rig_deliver(r, 0, 100, add(1));
    ck_assert_str_eq(seat_log(s, 100), "1-2:not_member 3 4");
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(a_removed_member_sees_its_removal_and_nothing_above)
{
    struct seat *s;

    begin();
    s = seat_login(r, 0, 3, 1, "");
    s->slow = true;
    rig_deliver(r, 0, 100, add(1));
    rig_deliver(r, 0, 100, rig_change(r, 100, 3, false)); /* 3 */
    rig_deliver(r, 0, 100, add(1));
    seat_pull(s);
    ck_assert_str_eq(seat_log(s, 100), "1 2 3");
    ck_assert_ptr_null(sub_find(s->conn, 100));
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(the_feeder_stops_at_a_removal_nobody_told_of)
{
    struct seat *s;

    begin();
    s = seat_login(r, 0, 3, 1, "");
    add(1);
    rig_change(r, 100, 3, false); /* 3, lost on the way */
    add(1);
    rig_deliver(r, 0, 100, add(1)); /* 5 */
    rig_run(r, 10);
    ck_assert_str_eq(seat_log(s, 100), "1 2 3");
    ck_assert_ptr_null(sub_find(s->conn, 100));
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(removed_while_behind_and_added_again)
{
    struct seat *s;

    begin();
    s = seat_login(r, 0, 3, 1, ",\"win\":{\"entries\":1,\"bytes\":100000}");
    rig_deliver(r, 0, 100, add(1));
    rig_deliver(r, 0, 100, rig_change(r, 100, 3, false)); /* 3 */
    rig_deliver(r, 0, 100, add(1));
    rig_deliver(r, 0, 100, rig_change(r, 100, 3, true)); /* 5 */
    rig_deliver(r, 0, 100, add(1));                      /* 6 */
    for (int i = 1; i <= 6; i++) {
        seat_say(s, "{\"t\":\"ack\",\"at\":[[\"c100\",%d]]}", i);
        rig_run(r, 10);
    }
    ck_assert_str_eq(seat_log(s, 100), "1 2 3 4-4:not_member 5 6");
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(self_is_found_on_demand)
{
    struct seat *s;
    struct delivery d = {.kind = CONV_SELF};

    begin();
    s = seat_login(r, 0, 2, 1, "");
    d.entry = (struct entry){.conv = 2,
                             .seq = 1,
                             .id = 77,
                             .ts = r->clock.wall_ms,
                             .kind = ENTRY_ACCOUNT,
                             .from = 2,
                             .body = SPAN("{\"op\":\"set\"}")};
    deliver_entry(r->nodes[0], &d);
    rig_run(r, 0);
    ck_assert_str_eq(seat_log(s, 2), "1");
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(big_conversations_push_heads_to_those_who_do_not_look)
{
    struct seat *a, *b;
    struct delivery d = {.kind = CONV_GROUP, .big = true};
    int count;

    begin();
    a = seat_login(r, 0, 2, 1, "");
    b = seat_login(r, 0, 3, 1, "");
    seat_say(a, "{\"t\":\"view\",\"n\":5,\"convs\":[\"c100\"],\"users\":[]}");
    rig_run(r, 5);
    add(1);
    d.entry = store_memory_log(r->store, 100, &count)[1];
    deliver_entry(r->nodes[0], &d);
    deliver_head(r->nodes[0], 100, 2);
    rig_run(r, 10);
    ck_assert_str_eq(seat_log(a, 100), "1 2");
    ck_assert_int_eq(seat_count(a, "\"t\":\"head\""), 0);
    ck_assert_str_eq(seat_log(b, 100), "1");
    ck_assert_int_eq(seat_count(b, "\"t\":\"head\""), 1);
    /* looking now: the log goes on from here */
    seat_say(b, "{\"t\":\"view\",\"n\":5,\"convs\":[\"c100\"],\"users\":[]}");
    ck_assert_str_eq(seat_log(b, 100), "1 2-2:deferred");
    add(1);
    d.entry = store_memory_log(r->store, 100, &count)[2];
    deliver_entry(r->nodes[0], &d);
    rig_run(r, 10);
    ck_assert_str_eq(seat_log(b, 100), "1 2-2:deferred 3");
    seat_free(&a);
    seat_free(&b);
    rig_free(&r);
}
END_TEST

START_TEST(looking_goes_on_behind_what_history_brought)
{
    struct seat *s;
    struct delivery d = {.kind = CONV_GROUP, .big = true};
    int count;

    begin();
    s = seat_login(r, 0, 2, 1, "");
    for (int i = 1; i <= 2; i++) {
        add(1);
        d.entry = store_memory_log(r->store, 100, &count)[i];
        deliver_entry(r->nodes[0], &d);
    }
    seat_say(s, "{\"t\":\"ack\",\"at\":[[\"c100\",3]]}");
    seat_say(s, "{\"t\":\"view\",\"n\":5,\"convs\":[\"c100\"],\"users\":[]}");
    ck_assert_str_eq(seat_log(s, 100), "1");
    add(1);
    d.entry = store_memory_log(r->store, 100, &count)[3];
    deliver_entry(r->nodes[0], &d);
    rig_run(r, 10);
    ck_assert_str_eq(seat_log(s, 100), "1 4");
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(repair_finds_what_the_bus_lost)
{
    static const uint64_t other[] = {1, 4, 0};
    struct seat *s;

    begin();
    s = seat_login(r, 0, 4, 1, "");
    rig_conv(r, 101, CONV_GROUP, other); /* nobody told node 0 */
    rig_append(r, 101, 1, "{\"text\":\"x\"}");
    repair_from_store(r->nodes[0], -1);
    rig_run(r, 50);
    ck_assert_str_eq(seat_log(s, 101), "1 2");
    rig_append(r, 101, 1, "{\"text\":\"x\"}");
    repair_from_store(r->nodes[0], -1);
    rig_run(r, 50);
    ck_assert_str_eq(seat_log(s, 101), "1 2 3");
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(sabotage_is_visible)
{
    struct seat *s;

    begin();
    s = seat_login(r, 0, 3, 1, "");
    ck_assert(sabotage_set(&r->sabotage, "double_delivery"));
    ck_assert(!sabotage_set(&r->sabotage, "no_such_thing"));
    add(1);
    rig_deliver(r, 0, 100, 2);
    rig_deliver(r, 0, 100, add(1));
    ck_assert_str_eq(seat_log(s, 100), "1 2 3 3");
    seat_free(&s);
    rig_free(&r);
}
END_TEST

int main(void)
{
    const TTest *const cases[] = {
        what_fits_is_pushed_and_the_sender_sees_its_cid,
        one_wire_is_shared_by_all,
        duplicates_are_skipped,
        a_hole_is_fed_before_what_follows,
        live_entries_wait_for_the_feeder,
        no_more_than_the_window,
        one_entry_may_pass_however_large,
        a_slow_reader_holds_a_queue_and_no_more,
        an_added_member_gets_its_own_entry_first,
        a_removed_member_sees_its_removal_and_nothing_above,
        the_feeder_stops_at_a_removal_nobody_told_of,
        removed_while_behind_and_added_again,
        self_is_found_on_demand,
        big_conversations_push_heads_to_those_who_do_not_look,
        looking_goes_on_behind_what_history_brought,
        repair_finds_what_the_bus_lost,
        sabotage_is_visible,
    };

    return RUN_CASES("deliver", cases);
}
