/* The numbers of a conversation at one member: holes, what fills them, and
 * what comes by history later. */
#include <stdlib.h>
#include <string.h>

#include "engine_inside.h"
#include "unit/base/suite.h"

static struct engine engine;
static struct plan_conv conv;
static struct shard shard;
static struct tally tally;
static struct client client;
static struct seat seat;

static void begin(void)
{
    memset(&tally, 0, sizeof(tally));
    free(shard.watches);
    shard = (struct shard){.engine = &engine,
                           .tally = &tally,
                           .clients = &client,
                           .nclients = 1,
                           .seats = &seat,
                           .nseats = 1};
    client = (struct client){.fd = -1, .nseats = 1};
    seat = (struct seat){.late = 1};
    conv = (struct plan_conv){.id = 5};
    engine.plan.convs = &conv;
    engine.plan.nconvs = 1;
}

static void takes(int64_t seq, enum seat_fit want)
{
    ck_assert_int_eq(seat_take(&shard, &seat, seq), want);
}

START_TEST(in_order_and_twice)
{
    begin();
    for (int64_t seq = 7; seq < 300; seq++)
        takes(seq, SEAT_NEXT);
    ck_assert_int_eq(seat.next, 300);
    takes(299, SEAT_TWICE);
    takes(7, SEAT_TWICE);
    ck_assert_uint_eq(tally.counts[COUNT_GAPS], 0);
}
END_TEST

START_TEST(what_comes_early_waits)
{
    begin();
    takes(1, SEAT_NEXT);
    takes(3, SEAT_AHEAD);
    takes(5, SEAT_AHEAD);
    takes(5, SEAT_TWICE);
    takes(4, SEAT_FILL);
    ck_assert_int_eq(seat.next, 2); /* an ack goes no further than 1 */
    takes(2, SEAT_FILL);
    ck_assert_int_eq(seat.next, 6);
    takes(6, SEAT_NEXT);
    ck_assert_uint_eq(seat.ahead, 0);
}
END_TEST

/* R6: after 500 ms it is a hole, counted, and asked for. */
START_TEST(a_hole_that_stays)
{
    begin();
    takes(1, SEAT_NEXT);
    takes(4, SEAT_AHEAD);
    takes(7, SEAT_AHEAD);
    shard.now_ms = 499;
    seat_holes(&shard);
    ck_assert_uint_eq(tally.counts[COUNT_GAPS], 0);
    shard.now_ms = 500;
    seat_holes(&shard);
    ck_assert_uint_eq(tally.counts[COUNT_GAPS], 1);
    ck_assert_int_eq(seat.late, 2);
    ck_assert_int_eq(seat.late_to, 3);
    ck_assert_int_eq(seat.next, 5);
    shard.now_ms = 1000; /* the second one is watched from then on */
    seat_holes(&shard);
    ck_assert_int_eq(seat.late_to, 6);
    ck_assert_int_eq(seat.next, 8);
    takes(3, SEAT_FILL);
    takes(8, SEAT_NEXT);
}
END_TEST

START_TEST(a_hole_that_closes_is_none)
{
    begin();
    takes(1, SEAT_NEXT);
    takes(3, SEAT_AHEAD);
    takes(2, SEAT_FILL);
    shard.now_ms = 10000;
    seat_holes(&shard);
    ck_assert_uint_eq(tally.counts[COUNT_GAPS], 0);
    ck_assert_int_eq(seat.next, 4);
}
END_TEST

START_TEST(far_ahead_is_fetched)
{
    begin();
    takes(1, SEAT_NEXT);
    takes(1000, SEAT_NEXT);
    ck_assert_uint_eq(tally.counts[COUNT_GAPS], 1);
    ck_assert_int_eq(seat.late, 2);
    ck_assert_int_eq(seat.late_to, 999);
    ck_assert_int_eq(seat.next, 1001);
}
END_TEST

START_TEST(what_a_head_told_is_no_hole)
{
    struct object o = {.kind = OBJECT_HEAD, .conv = 5, .seq = 40};

    begin();
    takes(1, SEAT_NEXT);
    seat_head(&shard, &client, &o);
    takes(41, SEAT_NEXT);
    ck_assert_uint_eq(tally.counts[COUNT_GAPS], 0);
    ck_assert_int_eq(seat.late, 2);
    ck_assert_int_eq(seat.late_to, 40);
}
END_TEST

START_TEST(gaps_explain)
{
    struct object o = {.kind = OBJECT_GAP, .conv = 5, .from_seq = 2, .to = 9};

    begin();
    takes(1, SEAT_NEXT);
    o.why = SPAN("expired");
    seat_gap(&shard, &client, &o);
    ck_assert_int_eq(seat.next, 10);
    ck_assert(!seat_behind(&shard, &client));
    o.from_seq = 10;
    o.to = 19;
    o.why = SPAN("deferred");
    seat_gap(&shard, &client, &o);
    ck_assert_int_eq(seat.next, 20);
    ck_assert_int_eq(seat.late, 10);
    ck_assert_int_eq(seat.late_to, 19);
    takes(12, SEAT_FILL);
    takes(5, SEAT_TWICE);
}
END_TEST

START_TEST(where_it_stands_for_hello)
{
    struct mark marks[4];

    begin();
    ck_assert_int_eq(seat_last_seen(&shard, &client, marks, 4), 0);
    takes(1, SEAT_NEXT);
    takes(2, SEAT_NEXT);
    takes(4, SEAT_AHEAD);
    ck_assert_int_eq(seat_last_seen(&shard, &client, marks, 4), 1);
    ck_assert_uint_eq(marks[0].conv, 5);
    ck_assert_int_eq(marks[0].seq, 2);
    free(shard.watches);
    shard.watches = NULL;
}
END_TEST

SUITE("seat", in_order_and_twice, what_comes_early_waits, a_hole_that_stays,
      a_hole_that_closes_is_none, far_ahead_is_fetched,
      what_a_head_told_is_no_hole, gaps_explain, where_it_stands_for_hello)
