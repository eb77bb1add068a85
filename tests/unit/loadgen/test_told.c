/* What a sender has to be told of what the other one acknowledged. */
#include "receipts.h"

#include "driver_kit.h"

#define S UINT64_C(1000000000)

static struct outflow *mine;     /* of c, the sender */
static const struct seat *other; /* of the one who acknowledges */

static void begin(void)
{
    kit_begin(NULL);
    sh->stage = STAGE_TRAFFIC;
    kit_engine.own.traffic[0].read = 1;
    mine = &sh->outflows[c->first_stream];
    other = &sh->seats[sh->clients[1].first_seat];
    sh->now = 10 * S;
    receipts_here(sh, c);
    mine->root = 5;
    receipts_sent(sh, mine, 5);
    receipts_sent(sh, mine, 6);
}

static void end(void)
{
    sh->stage = STAGE_STOP;
    kit_end();
}

static void ck_owed(uint64_t at, uint64_t owed, uint64_t lost)
{
    struct receipts found;

    receipts_judge(&kit_engine, at, &found);
    ck_assert_uint_eq(found.owed, owed);
    ck_assert_uint_eq(found.lost, lost);
    ck_assert(lost == 0 || strstr(found.first, "delivered up to seq 6"));
}

/* Of the two, delivered is told. */
static void ck_read(uint64_t lost)
{
    struct receipts found;

    receipts_judge(&kit_engine, 20 * S, &found);
    ck_assert_uint_eq(found.owed, 2);
    ck_assert_uint_eq(found.lost, lost);
    ck_assert(lost == 0 || strstr(found.first, "read up to seq 6"));
}

START_TEST(a_mark_has_to_be_told)
{
    begin();
    ck_owed(UINT64_MAX, 0, 0); /* nobody has anything yet */
    sh->now = 11 * S;
    receipts_acked(sh, other, 6, false);
    ck_owed(UINT64_MAX, 1, 1);
    ck_owed(12 * S, 0, 0); /* it may still be gathered */
    ck_owed(15 * S, 1, 1);
    kit_config.fold_ms = 5000; /* and then be counted */
    ck_owed(21 * S, 0, 0);
    ck_owed(23 * S, 1, 1);
    kit_config.fold_ms = 10;
    ck_owed(13 * S, 0, 0);
    mine->delivered = 5;
    receipts_told(sh, mine);
    ck_owed(15 * S, 1, 1);
    mine->delivered = 6;
    receipts_told(sh, mine);
    ck_owed(15 * S, 1, 0);
    ck_owed(12 * S, 1, 0);
    end();
}
END_TEST

START_TEST(and_so_does_what_was_read)
{
    begin();
    mine->delivered = 6;
    receipts_told(sh, mine);
    sh->now = 11 * S;
    receipts_acked(sh, other, 6, true);
    ck_read(1);
    mine->read = 6;
    receipts_told(sh, mine);
    ck_read(0);
    end();
}
END_TEST

START_TEST(who_went_away_is_owed_nothing)
{
    begin();
    sh->now = 11 * S;
    receipts_acked(sh, other, 6, false);
    sh->now = 12 * S;
    receipts_here(sh, c); /* it came back, or fell behind, after the mark */
    ck_owed(20 * S, 0, 0);
    sh->now = 13 * S;
    receipts_acked(sh, other, 6, false);
    ck_owed(20 * S, 1, 1);
    receipts_lost(sh, &sh->clients[1]); /* with what was not stored */
    ck_owed(20 * S, 0, 0);
    receipts_acked(sh, other, 6, false);
    receipts_lost(sh, c);
    ck_owed(20 * S, 0, 0);
    end();
}
END_TEST

static uint64_t wrong(int64_t delivered, int64_t read)
{
    struct object o = {.user = account_user(kit_accounts, 1),
                       .delivered = delivered,
                       .read = read};

    sh->tally->counts[COUNT_RECEIPTS_WRONG] = 0;
    receipts_check(sh, mine, &o);
    return sh->tally->counts[COUNT_RECEIPTS_WRONG];
}

START_TEST(a_receipt_says_what_is)
{
    begin();
    receipts_acked(sh, other, 6, false);
    ck_assert_uint_eq(wrong(6, 0), 0);
    ck_assert_uint_eq(wrong(7, 0), 1); /* more than was acknowledged */
    ck_assert_uint_eq(wrong(6, 6), 1); /* nobody read it */
    ck_assert_uint_eq(wrong(4, 4), 0); /* of an earlier run */
    mine->told_here = 6;
    ck_assert_uint_eq(wrong(5, 0), 1);  /* it fell */
    receipts_lost(sh, &sh->clients[1]); /* what it once had, it had */
    mine->told_here = 0;
    ck_assert_uint_eq(wrong(6, 0), 0);
    end();
}
END_TEST

static uint64_t wrong_count(int64_t seq, int64_t delivered_n, int64_t read_n)
{
    struct object o = {
        .seq = seq, .delivered_n = delivered_n, .read_n = read_n};

    sh->tally->counts[COUNT_RECEIPTS_WRONG] = 0;
    receipts_check(sh, mine, &o);
    return sh->tally->counts[COUNT_RECEIPTS_WRONG];
}

START_TEST(a_count_is_of_those_who_have_it)
{
    begin();
    receipts_acked(sh, other, 5, true);
    receipts_acked(sh, other, 6, false);
    ck_assert_uint_eq(wrong_count(5, 1, 1), 0);
    ck_assert_uint_eq(wrong_count(6, 1, 0), 0);
    ck_assert_uint_eq(wrong_count(6, 1, 1), 1); /* it was read up to 5 */
    ck_assert_uint_eq(wrong_count(7, 1, 0), 1);
    ck_assert_uint_eq(wrong_count(5, 2, 0), 1); /* there is one other member */
    ck_assert_uint_eq(wrong_count(4, 2, 2), 0); /* of an earlier run */
    receipts_lost(sh, &sh->clients[1]);
    ck_assert_uint_eq(wrong_count(6, 1, 0), 0);
    end();
}
END_TEST

SUITE("receipts", a_mark_has_to_be_told, and_so_does_what_was_read,
      who_went_away_is_owed_nothing, a_receipt_says_what_is,
      a_count_is_of_those_who_have_it)
