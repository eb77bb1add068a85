/* The queue of a connection: bounds, order, shedding, purge, joining. */
#include "core/conn.h"

#include <string.h>

#include "harness.h"
#include "suite.h"

static struct rig *r;
static struct seat *s;

static void begin(void)
{
    static const uint64_t users[] = {1, 2, 0};

    r = rig_new(1, NULL);
    rig_user(r, 1);
    rig_user(r, 2);
    rig_conv(r, 100, CONV_GROUP, users);
    s = seat_login(r, 0, 1, 1, "");
    ck_assert_int_eq(s->count, 3); /* welcome, batch, synced */
    s->slow = true;
}

static void finish(void)
{
    seat_free(&s);
    rig_free(&r);
}

static bool push(enum wire_class class, uint64_t conv, int64_t seq,
                 const char *text)
{
    return conn_put(s->conn, class, conv, seq, span_of(text));
}

static bool push_bytes(enum wire_class class, size_t n)
{
    char *text = calloc(1, n);
    bool pushed;

    memset(text, 'x', n);
    pushed = conn_put(s->conn, class, 0, 0, span_make(text, n));
    free(text);
    return pushed;
}

START_TEST(objects_are_joined_and_kept_in_order)
{
    char out[32];
    size_t n;

    begin();
    ck_assert(push(WIRE_ANSWER, 0, 0, "one"));
    ck_assert(push(WIRE_ENTRY, 5, 1, "two"));
    ck_assert(push(WIRE_SHED, 0, 0, "three"));
    n = conn_pull(s->conn, out, 7); /* no room for the third */
    ck_assert_mem_eq(out, "one\ntwo", 7);
    ck_assert_uint_eq(n, 7);
    ck_assert_uint_eq(conn_pull(s->conn, out, 4), 0);
    n = conn_pull(s->conn, out, sizeof(out));
    ck_assert_uint_eq(n, 5);
    ck_assert_mem_eq(out, "three", 5);
    ck_assert_uint_eq(conn_pull(s->conn, out, sizeof(out)), 0);
    ck_assert_ptr_null(s->conn->outq);
    finish();
}
END_TEST

START_TEST(at_most_64_objects_in_one_pull)
{
    char out[1024];

    begin();
    for (int i = 0; i < 65; i++)
        ck_assert(push(WIRE_ANSWER, 0, 0, "a"));
    ck_assert_uint_eq(conn_pull(s->conn, out, sizeof(out)),
                      2 * LIMIT_FRAME_OBJECTS - 1);
    ck_assert_uint_eq(conn_pull(s->conn, out, sizeof(out)), 1);
    finish();
}
END_TEST

START_TEST(kick_comes_once_until_it_is_empty)
{
    begin();
    s->kicked = false;
    push(WIRE_ANSWER, 0, 0, "one");
    ck_assert(s->kicked);
    s->kicked = false;
    push(WIRE_ANSWER, 0, 0, "two");
    ck_assert(!s->kicked);
    seat_pull(s);
    push(WIRE_ANSWER, 0, 0, "three");
    ck_assert(s->kicked);
    finish();
}
END_TEST

START_TEST(a_full_queue_sheds_typing_then_hints_and_refuses_entries)
{
    begin();
    ck_assert(push(WIRE_SHED, 0, 0, "typing"));
    ck_assert(push(WIRE_HINT, 100, 0, "receipt"));
    ck_assert(push_bytes(WIRE_ENTRY, LIMIT_OUTQ_BYTES - 100));
    ck_assert(push_bytes(WIRE_ENTRY, 90)); /* the typing goes for it */
    ck_assert_int_eq(metrics_get(node_metrics(r->nodes[0]), NM_SHED), 1);
    ck_assert(push_bytes(WIRE_ENTRY, 10)); /* and now the receipt */
    ck_assert_int_eq(metrics_get(node_metrics(r->nodes[0]), NM_SHED), 2);
    ck_assert(!push_bytes(WIRE_ENTRY, 10));
    ck_assert(!push(WIRE_SHED, 0, 0, "typing"));
    ck_assert(push(WIRE_ANSWER, 0, 0, "answer"));
    seat_pull(s);
    ck_assert_int_eq(seat_count(s, "typing"), 0);
    ck_assert_int_eq(seat_count(s, "receipt"), 0);
    ck_assert_int_eq(seat_count(s, "answer"), 1);
    finish();
}
END_TEST

START_TEST(one_wire_always_fits_an_empty_queue)
{
    begin();
    ck_assert(push_bytes(WIRE_ENTRY, LIMIT_OUTQ_BYTES + 5000));
    ck_assert(!push_bytes(WIRE_ENTRY, 1));
    finish();
}
END_TEST

START_TEST(answers_without_end_close_the_connection)
{
    begin();
    for (int i = 0; i < 4 && s->code == 0; i++) {
        push_bytes(WIRE_ANSWER, LIMIT_OUTQ_BYTES);
        conn_answer(s->conn, SPAN("{}"));
    }
    ck_assert(s->paused); /* it was asked to read no more long before */
    push_bytes(WIRE_ANSWER, 100);
    ck_assert_int_eq(s->code, 4002);
    finish();
}
END_TEST

START_TEST(a_newer_head_takes_the_place_of_the_older)
{
    begin();
    push(WIRE_HINT, 100, 5, "head 5");
    push(WIRE_HINT, 101, 5, "other");
    push(WIRE_ENTRY, 100, 1, "entry");
    push(WIRE_HINT, 100, 6, "head 6");
    seat_pull(s);
    ck_assert_int_eq(seat_count(s, "head 5"), 0);
    ck_assert_int_eq(seat_count(s, "head 6"), 1);
    ck_assert_int_eq(seat_count(s, "other"), 1);
    /* Not in its place: who is added has to see that first. */
    ck_assert_str_eq(s->lines[s->count - 1], "head 6");
    finish();
}
END_TEST

START_TEST(a_head_that_was_shed_is_said_again)
{
    begin();
    sub_find(s->conn, 100)->quiet = true;
    deliver_head(r->nodes[0], 100, 9);
    ck_assert(push_bytes(WIRE_ENTRY, LIMIT_OUTQ_BYTES - 10));
    deliver_head(r->nodes[0], 100, 10); /* no room for this one either */
    seat_pull(s);
    ck_assert_int_eq(seat_count(s, "\"t\":\"head\""), 1);
    ck_assert_ptr_nonnull(strstr(seat_last(s, "\"t\":\"head\""), "10"));
    finish();
}
END_TEST

START_TEST(purge_takes_entries_of_one_conversation_above_a_seq)
{
    begin();
    push(WIRE_ENTRY, 100, 5, "five");
    push(WIRE_ENTRY, 100, 6, "six");
    push(WIRE_ENTRY, 101, 7, "elsewhere");
    push(WIRE_ANSWER, 100, 8, "answer");
    conn_purge(s->conn, 100, 5);
    seat_pull(s);
    ck_assert_int_eq(seat_count(s, "five"), 1);
    ck_assert_int_eq(seat_count(s, "six"), 0);
    ck_assert_int_eq(seat_count(s, "elsewhere"), 1);
    ck_assert_int_eq(seat_count(s, "answer"), 1);
    finish();
}
END_TEST

START_TEST(one_wire_waits_without_a_ring)
{
    begin();
    push(WIRE_ENTRY, 100, 5, "five");
    ck_assert_uint_eq(s->conn->out_cap, 1);
    conn_purge(s->conn, 100, 4); /* the queue is empty, its place stays */
    ck_assert_uint_eq(s->conn->out_len, 0);
    push(WIRE_ENTRY, 100, 6, "six");
    push(WIRE_ENTRY, 100, 7, "seven"); /* now it needs one */
    ck_assert_uint_gt(s->conn->out_cap, 1);
    seat_pull(s);
    ck_assert_int_eq(seat_count(s, "five"), 0);
    ck_assert_ptr_nonnull(strstr(s->lines[s->count - 2], "six"));
    ck_assert_ptr_nonnull(strstr(s->lines[s->count - 1], "seven"));
    ck_assert_ptr_null(s->conn->outq);
    finish();
}
END_TEST

START_TEST(a_small_ring_of_credit_goes_with_the_deadline)
{
    begin();
    s->slow = false;
    rig_deliver(r, 0, 100, rig_append(r, 100, 2, "{\"text\":\"hi\"}"));
    ck_assert_uint_gt(s->conn->credit_len, 0);
    seat_say(s, "{\"t\":\"ack\",\"at\":[[\"c100\",2]]}");
    ck_assert_uint_eq(s->conn->credit_len, 0);
    ck_assert_uint_eq(s->conn->credit_bytes, 0);
    ck_assert_ptr_nonnull(s->conn->credit); /* for the next one */
    for (int i = 0; i < 4; i++) {
        rig_run(r, LIMIT_TTL_PRESENCE_MS / 2);
        seat_say(s, "{\"t\":\"hb\",\"n\":1,\"act\":true}");
    }
    ck_assert_int_eq(s->code, 0);
    ck_assert_ptr_null(s->conn->credit);
    finish();
}
END_TEST

START_TEST(an_idle_connection_is_small)
{
    printf("sizeof: conn %zu, user %zu, live %zu, sub %zu, sync %zu\n",
           sizeof(struct conn), sizeof(struct user), sizeof(struct live),
           sizeof(struct sub), sizeof(struct sync));
    begin();
    ck_assert_ptr_null(s->conn->outq);
    ck_assert_ptr_null(s->conn->rx);
    ck_assert_ptr_null(s->conn->sync);
    ck_assert_ptr_null(s->conn->view);
    ck_assert_uint_le(sizeof(struct conn) + sizeof(struct user), 400);
    finish();
}
END_TEST

int main(void)
{
    const TTest *const cases[] = {
        objects_are_joined_and_kept_in_order,
        at_most_64_objects_in_one_pull,
        kick_comes_once_until_it_is_empty,
        a_full_queue_sheds_typing_then_hints_and_refuses_entries,
        one_wire_always_fits_an_empty_queue,
        answers_without_end_close_the_connection,
        a_newer_head_takes_the_place_of_the_older,
        a_head_that_was_shed_is_said_again,
        purge_takes_entries_of_one_conversation_above_a_seq,
        one_wire_waits_without_a_ring,
        a_small_ring_of_credit_goes_with_the_deadline,
        an_idle_connection_is_small,
    };

    return RUN_CASES("outq", cases);
}
