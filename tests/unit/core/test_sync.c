/* From hello to synced: who is let in, where backlogs start and end. */
#include <stdio.h>
#include <string.h>

#include "core/conn.h"
#include "harness.h"
#include "suite.h"

static const uint64_t pair[] = {1, 2, 0};
static const uint64_t others[] = {1, 3, 0};
static const uint64_t trio[] = {1, 2, 3, 0};

static struct rig *begin(int nodes, void (*adjust)(struct rig *r))
{
    struct rig *r = rig_new(nodes, adjust);

    for (uint64_t u = 1; u <= 3; u++)
        rig_user(r, u);
    return r;
}

static void fill(struct rig *r, uint64_t conv, int count)
{
    for (int i = 0; i < count; i++)
        rig_append(r, conv, 1, "{\"text\":\"hello\"}");
}

static void short_backlog(struct rig *r)
{
    r->config.backlog = 10;
}

START_TEST(hello_gives_welcome_backlog_synced)
{
    struct rig *r = begin(1, NULL);
    struct seat *s;

    rig_conv(r, 100, CONV_DIRECT, pair);
    fill(r, 100, 3);
    s = seat_login(r, 0, 2, 1, "");
    ck_assert_int_eq(s->count, 3);
    ck_assert_ptr_nonnull(strstr(s->lines[0], "\"t\":\"welcome\""));
    ck_assert_ptr_nonnull(strstr(s->lines[0], "\"user\":\"u2\""));
    ck_assert_ptr_nonnull(strstr(s->lines[1], "\"t\":\"batch\""));
    ck_assert_ptr_nonnull(strstr(s->lines[2], "\"t\":\"synced\""));
    ck_assert_str_eq(seat_log(s, 100), "1 2 3 4");
    ck_assert_int_eq(s->conn->state, CONN_READY);
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(wrong_tokens_and_versions_are_refused)
{
    struct rig *r = begin(1, NULL);
    struct seat *s = seat_new(r, 0, CONN_SOCKET);

    seat_say(s, "{\"t\":\"hello\",\"n\":1,\"ver\":[1],\"dev\":\"d1\","
                "\"token\":\"token-1-9\"}");
    rig_run(r, 10);
    ck_assert_int_eq(seat_count(s, "\"code\":\"auth\""), 1);
    ck_assert_int_eq(s->code, 4401);
    seat_free(&s);
    s = seat_new(r, 0, CONN_SOCKET); /* another device's token */
    seat_say(s, "{\"t\":\"hello\",\"n\":1,\"ver\":[1],\"dev\":\"d2\","
                "\"token\":\"token-1-1\"}");
    rig_run(r, 10);
    ck_assert_int_eq(s->code, 4401);
    seat_free(&s);
    s = seat_new(r, 0, CONN_SOCKET);
    seat_say(s, "{\"t\":\"hello\",\"n\":1,\"ver\":[2],\"dev\":\"d1\","
                "\"token\":\"token-1-1\"}");
    rig_run(r, 10);
    ck_assert_int_eq(seat_count(s, "\"code\":\"version\""), 1);
    ck_assert_int_eq(s->code, 4426);
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(no_hello_in_time_closes_4003)
{
    struct rig *r = begin(1, NULL);
    struct seat *s = seat_new(r, 0, CONN_SOCKET);

    rig_run(r, LIMIT_HELLO_MS - 100);
    ck_assert_int_eq(s->code, 0);
    rig_run(r, 200);
    ck_assert_int_eq(s->code, 4003);
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(silence_closes_4001_and_any_frame_is_life)
{
    struct rig *r = begin(1, NULL);
    struct seat *s = seat_login(r, 0, 1, 1, "");

    rig_run(r, 40000);
    seat_say(s, "{\"t\":\"ack\",\"at\":[[\"c100\",1]]}");
    rig_run(r, 44000);
    ck_assert_int_eq(s->code, 0);
    rig_run(r, 3000);
    ck_assert_int_eq(s->code, 4001);
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(a_stalled_reader_is_closed_4002)
{
    struct rig *r = begin(1, NULL);
    struct seat *s;

    rig_conv(r, 100, CONV_DIRECT, pair);
    s = seat_login(r, 0, 1, 1, "");
    s->slow = true;
    seat_say(s, "{\"t\":\"hb\",\"n\":2}");
    for (int i = 0; i < 5; i++) {
        rig_run(r, 10000);
        seat_say(s, "{\"t\":\"ack\",\"at\":[[\"c100\",1]]}");
    }
    ck_assert_int_eq(s->code, 0);
    rig_run(r, 13000);
    ck_assert_int_eq(s->code, 4002);
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(last_seen_says_where_to_start)
{
    struct rig *r = begin(1, NULL);
    struct seat *s;

    rig_conv(r, 100, CONV_DIRECT, pair);
    fill(r, 100, 5);
    s = seat_login(r, 0, 2, 1, ",\"last_seen\":{\"c100\":4}");
    ck_assert_str_eq(seat_log(s, 100), "5 6");
    seat_free(&s);
    s = seat_login(r, 0, 2, 1, ",\"last_seen\":{\"c100\":7}");
    ck_assert_int_eq(seat_count(s, "\"code\":\"bad_frame\""), 1);
    ck_assert_int_ne(s->code, 0);
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(the_stored_mark_resumes_on_any_node)
{
    struct rig *r = begin(2, NULL);
    struct seat *s;

    rig_conv(r, 100, CONV_DIRECT, pair);
    fill(r, 100, 5);
    s = seat_login(r, 0, 2, 1, "");
    seat_say(s, "{\"t\":\"ack\",\"at\":[[\"c100\",3]]}");
    rig_run(r, 10);
    seat_free(&s);
    s = seat_login(r, 1, 2, 1, "");
    ck_assert_str_eq(seat_log(s, 100), "4 5 6");
    seat_free(&s);
    /* below the stored mark, which it does not lower */
    s = seat_login(r, 1, 2, 1, ",\"last_seen\":{\"c100\":1}");
    ck_assert_str_eq(seat_log(s, 100), "2 3 4 5 6");
    seat_free(&s);
    ck_assert_int_eq(rig_member(r, 100, 2, 1).acked, 3);
    rig_free(&r);
}
END_TEST

START_TEST(a_new_device_starts_near_the_head)
{
    struct rig *r = begin(1, NULL);
    struct seat *s;
    char want[400] = "1-10:deferred";
    size_t n = strlen(want);

    rig_conv(r, 100, CONV_DIRECT, pair);
    fill(r, 100, 59);
    for (int i = 11; i <= 60; i++)
        n += (size_t)snprintf(want + n, sizeof(want) - n, " %d", i);
    s = seat_login(r, 0, 2, 1, "");
    ck_assert_str_eq(seat_log(s, 100), want);
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(the_backlog_stops_at_its_limit)
{
    struct rig *r = begin(1, short_backlog);
    struct seat *s;
    int64_t seq;

    rig_conv(r, 100, CONV_DIRECT, pair);
    fill(r, 100, 19);
    s = seat_login(r, 0, 2, 1, ",\"last_seen\":{\"c100\":5}");
    ck_assert_str_eq(seat_log(s, 100),
                     "6 7 8 9 10 11 12 13 14 15 16-20:deferred");
    ck_assert_ptr_nonnull(strstr(seat_last(s, "synced"), "[[\"c100\",20]]"));
    seq = rig_append(r, 100, 1, "{\"text\":\"x\"}"); /* live goes on */
    rig_deliver(r, 0, 100, seq);
    ck_assert_ptr_nonnull(seat_last(s, "\"t\":\"entry\""));
    ck_assert_int_eq(seat_count(s, "synced"), 1);
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(credit_bounds_the_backlog)
{
    struct rig *r = begin(1, NULL);
    struct seat *s;

    rig_conv(r, 100, CONV_DIRECT, pair);
    fill(r, 100, 9);
    s = seat_login(r, 0, 2, 1, ",\"win\":{\"entries\":4,\"bytes\":10000}");
    ck_assert_str_eq(seat_log(s, 100), "1 2 3 4");
    ck_assert_int_eq(seat_count(s, "synced"), 0);
    seat_say(s, "{\"t\":\"ack\",\"at\":[[\"c100\",4]]}");
    rig_run(r, 10);
    ck_assert_str_eq(seat_log(s, 100), "1 2 3 4 5 6 7 8");
    seat_say(s, "{\"t\":\"ack\",\"at\":[[\"c100\",8]]}");
    rig_run(r, 10);
    ck_assert_str_eq(seat_log(s, 100), "1 2 3 4 5 6 7 8 9 10");
    ck_assert_int_eq(seat_count(s, "synced"), 1); /* without its ack */
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(a_member_who_left_gets_the_rest_once)
{
    struct rig *r = begin(1, NULL);
    struct seat *s;

    rig_conv(r, 100, CONV_GROUP, trio);
    fill(r, 100, 2);
    rig_change(r, 100, 3, false); /* 4 */
    fill(r, 100, 2);
    s = seat_login(r, 0, 3, 1, "");
    ck_assert_str_eq(seat_log(s, 100), "1 2 3 4");
    ck_assert_int_eq(seat_count(s, "synced"), 1);
    ck_assert_ptr_null(sub_find(s->conn, 100));
    seat_say(s, "{\"t\":\"ack\",\"at\":[[\"c100\",4]]}");
    rig_run(r, 10);
    seat_free(&s);
    rig_run(r, 10);
    s = seat_login(r, 0, 3, 1, "");
    ck_assert_str_eq(seat_log(s, 100), "");
    ck_assert_int_eq(seat_count(s, "synced"), 1);
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(what_lies_before_the_join_is_not_shown)
{
    struct rig *r = begin(1, NULL);
    struct seat *s;

    rig_conv(r, 100, CONV_GROUP, pair);
    fill(r, 100, 3);
    rig_change(r, 100, 3, true); /* 5 */
    fill(r, 100, 1);
    s = seat_login(r, 0, 3, 1, "");
    ck_assert_str_eq(seat_log(s, 100), "1-4:not_member 5 6");
    seat_free(&s);
    s = seat_login(r, 0, 3, 1, ",\"last_seen\":{\"c100\":2}");
    ck_assert_str_eq(seat_log(s, 100), "3-4:not_member 5 6");
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(a_second_login_takes_over)
{
    struct rig *r = begin(2, NULL);
    struct seat *old = seat_login(r, 0, 1, 1, "");
    struct seat *here = seat_login(r, 0, 1, 1, "");
    struct seat *there;

    ck_assert_int_eq(old->code, 4409);
    ck_assert_int_eq(here->code, 0);
    there = seat_login(r, 1, 1, 1, "");
    rig_run(r, 100);
    ck_assert_int_eq(here->code, 4409);
    ck_assert_int_eq(there->code, 0);
    seat_free(&old);
    seat_free(&here);
    seat_free(&there);
    rig_free(&r);
}
END_TEST

START_TEST(a_late_end_of_the_old_one_touches_nothing)
{
    struct rig *r = begin(2, NULL);
    struct seat *old, *new;
    int64_t seq;

    rig_conv(r, 100, CONV_DIRECT, pair);
    old = seat_login(r, 0, 1, 1, "");
    old->slow = true;
    new = seat_login(r, 0, 1, 1, "");
    seat_free(&old);
    rig_run(r, 100);
    ck_assert_int_eq(new->code, 0);
    seq = rig_append(r, 100, 2, "{\"text\":\"x\"}");
    rig_deliver(r, 0, 100, seq);
    ck_assert_str_eq(seat_log(new, 100), "1 2");
    seat_free(&new);
    rig_free(&r);
}
END_TEST

/* The token of u2 has been read, and it is not known here yet. */
static struct seat *half_login(struct rig *r)
{
    struct seat *s = seat_new(r, 0, CONN_SOCKET);

    r->post_ms = 50;
    seat_say(s, "{\"t\":\"hello\",\"n\":1,\"ver\":[1],\"dev\":\"d1\","
                "\"token\":\"token-2-1\"}");
    rig_run(r, 10);
    r->post_ms = 0;
    ck_assert_int_eq(s->conn->state, CONN_LOGIN);
    ck_assert_ptr_null(user_find(r->nodes[0], 2));
    return s;
}

START_TEST(one_visit_to_the_store_is_a_login)
{
    struct rig *r = begin(1, NULL);
    struct seat *s;

    rig_conv(r, 100, CONV_DIRECT, pair);
    r->read_ms = 50;
    s = seat_new(r, 0, CONN_SOCKET);
    seat_say(s, "{\"t\":\"hello\",\"n\":1,\"ver\":[1],\"dev\":\"d1\","
                "\"token\":\"token-2-1\",\"last_seen\":{\"c100\":1}}");
    rig_run(r, 60);
    ck_assert_int_eq(s->conn->state, CONN_READY);
    ck_assert_ptr_nonnull(sub_find(s->conn, 100));
    ck_assert_int_eq(seat_count(s, "synced"), 1);
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(an_entry_between_token_and_route_is_not_lost)
{
    struct rig *r = begin(1, NULL);
    struct seat *s;

    rig_conv(r, 100, CONV_DIRECT, pair);
    s = half_login(r);
    rig_append(r, 100, 1, "{\"text\":\"x\"}"); /* its home finds no node */
    rig_run(r, 100);
    ck_assert_str_eq(seat_log(s, 100), "1 2");
    seat_free(&s);
    rig_free(&r);
}
END_TEST

/* A store that is busy does not say that nothing has moved. */
START_TEST(heads_that_cannot_be_read_are_asked_again)
{
    struct rig *r = begin(1, NULL);
    struct seat *s;

    rig_conv(r, 100, CONV_DIRECT, pair);
    s = half_login(r);
    rig_append(r, 100, 1, "{\"text\":\"x\"}");
    r->read_fault = -CF_BUSY;
    r->fault_verb = STORE_HEADS;
    rig_run(r, 100);
    ck_assert_int_eq(seat_count(s, "synced"), 0);
    r->read_fault = 0;
    rig_run(r, 1000);
    ck_assert_str_eq(seat_log(s, 100), "1 2");
    ck_assert_int_eq(seat_count(s, "synced"), 1);
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(a_membership_between_token_and_route_is_not_lost)
{
    struct rig *r = begin(1, NULL);
    struct seat *s;

    rig_conv(r, 100, CONV_GROUP, pair);
    rig_conv(r, 101, CONV_GROUP, others);
    s = half_login(r);
    rig_change(r, 100, 2, false);
    rig_change(r, 101, 2, true);
    rig_run(r, 100);
    ck_assert_str_eq(seat_log(s, 100), "1 2");
    ck_assert_ptr_null(sub_find(s->conn, 100));
    ck_assert_str_eq(seat_log(s, 101), "1-1:not_member 2");
    ck_assert_ptr_nonnull(sub_find(s->conn, 101));
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(an_entry_between_list_and_subs_is_not_lost)
{
    struct rig *r = begin(1, NULL);
    struct seat *s;
    int64_t seq;

    rig_conv(r, 101, CONV_GROUP, others);
    s = half_login(r);
    rig_conv(r, 100, CONV_DIRECT, pair);
    r->read_ms = 50;
    rig_run(r, 60); /* the conversations are being read once more */
    r->read_ms = 0;
    ck_assert_int_eq(s->conn->state, CONN_SYNC);
    ck_assert_ptr_null(sub_find(s->conn, 100));
    seq = rig_append(r, 100, 1, "{\"text\":\"x\"}");
    rig_deliver(r, 0, 100, seq);
    rig_run(r, 200);
    ck_assert_str_eq(seat_log(s, 100), "1 2");
    seat_free(&s);
    rig_free(&r);
}
END_TEST

START_TEST(frames_behind_hello_wait_for_the_login)
{
    struct rig *r = begin(1, NULL);
    struct seat *s = seat_new(r, 0, CONN_SOCKET);

    seat_say(s, "{\"t\":\"hello\",\"n\":1,\"ver\":[1],\"dev\":\"d1\","
                "\"token\":\"token-1-1\"}\n{\"t\":\"hb\",\"n\":2}\n");
    conn_receive(s->conn, "{\"t\":\"hb\",", 10, false);
    rig_run(r, 20);
    ck_assert_int_eq(seat_count(s, "\"t\":\"hb\""), 1);
    conn_receive(s->conn, "\"n\":3}", 6, true);
    rig_run(r, 0);
    ck_assert_int_eq(seat_count(s, "\"t\":\"hb\""), 2);
    seat_free(&s);
    rig_free(&r);
}
END_TEST

static struct seat *http(struct rig *r, enum conn_type type, uint64_t user,
                         struct mark last, bool auto_ack)
{
    struct seat *s = seat_new(r, 0, type);
    char token[32];

    snprintf(token, sizeof(token), "token-%d-1", (int)user);
    conn_login(s->conn, span_of(token), last, auto_ack);
    return s;
}

START_TEST(post_answers_and_settles)
{
    struct rig *r = begin(1, NULL);
    struct seat *s, *socket = seat_login(r, 0, 1, 1, "");

    rig_conv(r, 100, CONV_DIRECT, pair);
    s = http(r, CONN_POST, 1, (struct mark){0}, false);
    seat_say(s, "{\"t\":\"hb\",\"n\":1}\n"
                "{\"t\":\"history\",\"n\":2,\"conv\":\"c100\"}\n");
    rig_run(r, 20);
    ck_assert(s->settled);
    ck_assert_int_eq(s->count, 2);
    ck_assert_int_eq(socket->code, 0); /* it takes nothing over */
    seat_free(&s);
    seat_free(&socket);
    rig_free(&r);
}
END_TEST

START_TEST(a_stream_gets_entries_one_by_one_and_acks_by_itself)
{
    struct rig *r = begin(1, NULL);
    struct seat *s;

    rig_conv(r, 100, CONV_DIRECT, pair);
    fill(r, 100, 3);
    s = http(r, CONN_STREAM, 2, (struct mark){100, 1}, true);
    rig_run(r, 20);
    ck_assert_str_eq(seat_log(s, 100), "2 3 4");
    ck_assert_int_eq(seat_count(s, "\"t\":\"entry\""), 3);
    ck_assert_int_eq(seat_count(s, "welcome"), 0);
    rig_run(r, 2000);
    ck_assert_int_eq(rig_member(r, 100, 2, 1).acked, 3);
    seat_free(&s);
    rig_free(&r);
}
END_TEST

int main(void)
{
    const TTest *const cases[] = {
        hello_gives_welcome_backlog_synced,
        wrong_tokens_and_versions_are_refused,
        no_hello_in_time_closes_4003,
        silence_closes_4001_and_any_frame_is_life,
        a_stalled_reader_is_closed_4002,
        last_seen_says_where_to_start,
        the_stored_mark_resumes_on_any_node,
        a_new_device_starts_near_the_head,
        the_backlog_stops_at_its_limit,
        credit_bounds_the_backlog,
        a_member_who_left_gets_the_rest_once,
        what_lies_before_the_join_is_not_shown,
        a_second_login_takes_over,
        a_late_end_of_the_old_one_touches_nothing,
        one_visit_to_the_store_is_a_login,
        an_entry_between_token_and_route_is_not_lost,
        heads_that_cannot_be_read_are_asked_again,
        a_membership_between_token_and_route_is_not_lost,
        an_entry_between_list_and_subs_is_not_lost,
        frames_behind_hello_wait_for_the_login,
        post_answers_and_settles,
        a_stream_gets_entries_one_by_one_and_acks_by_itself,
    };

    return RUN_CASES("sync", cases);
}
