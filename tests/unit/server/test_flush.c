/* Who is written to at the end of a turn, and who in the next one. */
#include "peer.h"

#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"
#include "unit/base/suite.h"

#define MANY 1000
#define TURN 256

/* ---- the connection behind a peer ---- */

void conn_fetch(const struct conn *c)
{
}

void conn_lost(struct conn *c)
{
}

/* ---- */

static struct shard sh;
static struct peer peers[MANY];
static int order[4 * MANY], count;

static void flush(struct peer *p)
{
    order[count++] = (int)(p - peers);
}

static const struct peer_ops ops = {.flush = flush};

static void begin(void)
{
    memset(&sh, 0, sizeof(sh));
    list_init(&sh.kicked);
    list_init(&sh.waiting);
    sh.loop = loop_new();
    count = 0;
    for (int i = 0; i < MANY; i++)
        peers[i] = (struct peer){.ops = &ops, .shard = &sh};
}

static void end(void)
{
    loop_free(&sh.loop);
}

static void kick(int from, int to)
{
    for (int i = from; i < to; i++)
        peer_transport.kick(&peers[i]);
}

START_TEST(a_few_are_written_to_at_once)
{
    begin();
    kick(0, 3);
    kick(1, 2);
    peer_flush_all(&sh);
    ck_assert_int_eq(count, 3);
    ck_assert_int_eq(order[2], 2);
    peer_flush_all(&sh);
    ck_assert_int_eq(count, 3);
    end();
}
END_TEST

START_TEST(many_take_several_turns)
{
    begin();
    kick(0, MANY);
    peer_flush_all(&sh);
    ck_assert_int_eq(count, TURN + TURN / 2);
    for (int i = 0; i < 3; i++)
        peer_flush_all(&sh);
    ck_assert_int_eq(count, MANY);
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(order[i], i);
    end();
}
END_TEST

START_TEST(who_is_kicked_again_goes_in_front)
{
    begin();
    kick(0, MANY);
    peer_flush_all(&sh);
    count = 0;
    kick(900, 902);
    peer_flush_all(&sh);
    ck_assert_int_eq(order[0], 900);
    ck_assert_int_eq(order[1], 901);
    ck_assert_int_eq(order[2], TURN + TURN / 2);
    while (count < MANY - TURN - TURN / 2)
        peer_flush_all(&sh);
    for (int i = 2; i < count; i++)
        ck_assert_int_ne(order[i], 900); /* once is enough */
    end();
}
END_TEST

/* One fan-out to all after the other, faster than they go out. */
START_TEST(nobody_waits_for_ever)
{
    bool seen[MANY] = {false};
    int turns = 0, missing = MANY;

    begin();
    while (missing > 0 && turns++ < 100) {
        kick(0, MANY);
        count = 0;
        peer_flush_all(&sh);
        for (int i = 0; i < count; i++) {
            missing -= !seen[order[i]];
            seen[order[i]] = true;
        }
    }
    ck_assert_int_eq(missing, 0);
    ck_assert_int_lt(turns, 10);
    end();
}
END_TEST

START_TEST(who_is_gone_is_not_written_to)
{
    begin();
    kick(0, MANY);
    peer_flush_all(&sh);
    count = 0;
    peer_gone(&peers[TURN + TURN / 2]);
    peer_gone(&peers[999]);
    for (int i = 0; i < 4; i++)
        peer_flush_all(&sh);
    ck_assert_int_eq(count, MANY - TURN - TURN / 2 - 2);
    ck_assert_int_eq(order[0], TURN + TURN / 2 + 1);
    end();
}
END_TEST

static void stop_when_all(struct peer *p)
{
    flush(p);
    if (count == MANY)
        loop_stop(sh.loop);
}

static void flush_turn(void *arg)
{
    peer_flush_all(arg);
}

static void too_late(void *arg)
{
    loop_stop(arg);
}

/* Nothing else happens, and yet the rest goes out. */
START_TEST(the_rest_needs_no_event)
{
    static const struct peer_ops stopping = {.flush = stop_when_all};
    struct loop_timer *guard;

    begin();
    guard = loop_timer_new(sh.loop, too_late, sh.loop);
    loop_timer_set(guard, 5000);
    for (int i = 0; i < MANY; i++)
        peers[i].ops = &stopping;
    kick(0, MANY);
    loop_on_turn_end(sh.loop, flush_turn, &sh);
    loop_run(sh.loop);
    ck_assert_int_eq(count, MANY);
    loop_timer_free(&guard);
    end();
}
END_TEST

SUITE("flush", a_few_are_written_to_at_once, many_take_several_turns,
      who_is_kicked_again_goes_in_front, nobody_waits_for_ever,
      who_is_gone_is_not_written_to, the_rest_needs_no_event)
