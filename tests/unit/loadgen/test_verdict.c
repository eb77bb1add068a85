/* The equation at the end, for what can become of a message and its copy. An
 * honest server is never accused: what has no answer, or a refusal that came
 * after the connection was lost once, may be there or not. */
#include "driver_kit.h"
#include "result.h"

static struct outflow *mine; /* of c, the sender */
static struct client *other; /* who gets it */
static struct seat *seat;

static void begin(void)
{
    kit_begin(NULL);
    sh->stage = STAGE_TRAFFIC;
    c->state = CLIENT_READY;
    mine = &sh->outflows[c->first_stream];
    other = &sh->clients[1];
    other->flags |= FLAG_PRESENT;
    seat = &sh->seats[other->first_seat];
    atomic_store(&kit_engine.plan.convs[seat->conv].id, 77);
    memset(sh->tally->counts, 0, sizeof(sh->tally->counts));
}

static void end(void)
{
    sh->stage = STAGE_STOP;
    kit_end();
}

/* ---- what happens ---- */

static void acked(uint32_t number, int64_t seq)
{
    struct object o = {.re = outflow_request(0, number), .seq = seq};

    outflow_sent(sh, c, &o);
}

static void refused(uint32_t number, const char *code)
{
    struct object o = {.re = outflow_request(0, number), .code = span_of(code)};

    outflow_refused(sh, c, &o);
}

static void comes(uint32_t number, int64_t seq)
{
    static char body[100];
    struct marker m = {KIT_RUN, mine->stream, number, 1, 1};
    struct object o = {.is_message = true,
                       .conv = 77,
                       .seq = seq,
                       .id = (uint64_t)seq,
                       .from = account_user(kit_accounts, 0)};

    o.body = span_make(body, marker_write(body, sizeof(body), &m));
    copies_entry(sh, other, seat, &o, SOURCE_LIVE);
}

static void lose_connection(void)
{
    outflow_lost(sh, c);
    outflow_pump(sh, c); /* and it is back */
}

/* ---- the end ---- */

static struct engine_outcome outcome;

static struct accounting judged(void)
{
    struct accounting a;
    struct collect all;

    collect_init(&all);
    memcpy(all.all, sh->tally->counts, sizeof(all.all));
    outcome = (struct engine_outcome){0};
    verdict_judge(&kit_engine, &all, &outcome);
    accounting_of(&a, &all);
    collect_release(&all);
    ck_assert_msg(a.balanced && a.copies_balanced, "%d %d", a.balanced,
                  a.copies_balanced);
    return a;
}

/* Lost, and copies that nobody is owed. */
static void ck_judged(uint64_t lost, uint64_t unacked, int64_t unanswered)
{
    struct accounting a = judged();

    ck_assert_uint_eq(a.lost, lost);
    ck_assert_uint_eq(a.unacked, unacked);
    ck_assert_int_eq(outcome.unanswered, unanswered);
    ck_assert_msg(outcome.violated == (lost > 0), "%s", outcome.verdict);
}

enum answer { GOT_NONE, GOT_ACK, GOT_REFUSAL, GOT_TIMEOUT };

static void answer(enum answer a, uint32_t number, int64_t seq)
{
    if (a == GOT_ACK)
        acked(number, seq);
    else if (a == GOT_REFUSAL)
        refused(number, "rate");
    else if (a == GOT_TIMEOUT)
        refused(number, "timeout"); /* and it goes out again */
}

/* One message; lost: the connection went before an answer; copy: it came. */
static void one(enum answer a, bool lost, bool copy)
{
    begin();
    kit_send();
    if (lost)
        lose_connection();
    if (copy)
        comes(1, 5);
    answer(a, 1, 5);
    ck_judged(a == GOT_ACK && !copy, a != GOT_ACK && copy,
              a == GOT_NONE || a == GOT_TIMEOUT);
    end();
}

START_TEST(every_fate_adds_up)
{
    for (int a = GOT_NONE; a <= GOT_TIMEOUT; a++)
        for (int k = 0; k < 4; k++)
            one((enum answer)a, k & 1, k & 2);
}
END_TEST

START_TEST(what_was_never_written_owes_nothing)
{
    begin();
    c->state = CLIENT_AWAY;
    kit_send();
    ck_judged(0, 0, 1);
    ck_assert_uint_eq(kit_count(COUNT_SENT), 0);
    end();
}
END_TEST

/* Among many: 1 refused and stored, 2 acked, 3 acked and lost, 4 unknown and
 * stored, 5 refused and not stored, 6 acked. */
START_TEST(mixed_fates_add_up)
{
    begin();
    for (int i = 0; i < 6; i++)
        kit_send();
    lose_connection();
    comes(1, 11);
    comes(2, 12);
    comes(4, 13);
    comes(6, 14);
    refused(1, "rate");
    acked(2, 12);
    acked(3, 15);
    refused(5, "rate");
    acked(6, 14);
    ck_judged(1, 2, 1);
    ck_assert_ptr_nonnull(strstr(outcome.verdict, "message 3"));
    end();
}
END_TEST

/* 1 was refused, which was lost; 2 was stored. Then 1 is taken. */
START_TEST(a_lost_refusal_changes_the_order)
{
    begin();
    kit_send();
    kit_send();
    lose_connection();
    comes(2, 11);
    comes(1, 12);
    acked(1, 12);
    acked(2, 11);
    ck_judged(0, 0, 0);
    end();
}
END_TEST

START_TEST(a_timeout_changes_the_order)
{
    begin();
    kit_send();
    kit_send();
    refused(1, "timeout");
    comes(2, 11);
    comes(1, 12);
    acked(2, 11);
    acked(1, 12);
    ck_judged(0, 0, 0);
    end();
}
END_TEST

static void ck_reordered(void)
{
    judged();
    ck_assert(outcome.violated);
    ck_assert_ptr_nonnull(strstr(outcome.verdict, "reordered"));
}

/* But not against what was written behind it on the new connection, nor what
 * was answered before. */
START_TEST(and_no_more_than_that)
{
    begin();
    kit_send();
    kit_send();
    lose_connection();
    kit_send(); /* 3, behind 1 and 2 */
    comes(2, 11);
    comes(3, 12);
    comes(1, 13);
    for (uint32_t n = 1; n <= 3; n++)
        acked(n, n == 1 ? 13 : 9 + n);
    ck_reordered();
    end();
    begin();
    kit_send();
    acked(1, 11);
    kit_send();
    kit_send();
    lose_connection();
    comes(2, 12);
    comes(1, 13); /* it was acknowledged before */
    comes(3, 14);
    acked(2, 12);
    acked(3, 14);
    ck_reordered();
    end();
}
END_TEST

/* One alone is overtaken by nobody. */
START_TEST(one_that_was_alone_is_in_no_doubt)
{
    begin();
    kit_send();
    lose_connection();
    kit_send();
    comes(2, 11);
    comes(1, 12);
    acked(1, 12);
    acked(2, 11);
    ck_reordered();
    end();
}
END_TEST

SUITE("verdict", every_fate_adds_up, what_was_never_written_owes_nothing,
      mixed_fates_add_up, a_lost_refusal_changes_the_order,
      a_timeout_changes_the_order, and_no_more_than_that,
      one_that_was_alone_is_in_no_doubt)
