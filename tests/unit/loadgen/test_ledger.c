#include "ledger.h"

#include "unit/base/suite.h"

static struct ledger l;

static void write_all(void)
{
    while (ledger_to_write(&l) != NULL)
        ledger_wrote(&l);
}

static void answer(uint32_t n, enum fate fate)
{
    struct sent *s = ledger_at(&l, n);

    ck_assert_ptr_nonnull(s);
    s->fate = (uint8_t)fate;
    s->seq = n + 100;
    ledger_settle(&l, false, false);
}

START_TEST(every_number_has_a_fate)
{
    ledger_init(&l);
    for (int i = 0; i < 100; i++)
        ledger_add(&l, 10, 54);
    for (int i = 0; i < 60; i++)
        ledger_wrote(&l);
    for (uint32_t n = 1; n <= 50; n++)
        answer(n, n % 10 == 0 ? FATE_REFUSED : FATE_ACKED);
    for (uint32_t n = 1; n <= 100; n++)
        ck_assert_int_eq(ledger_fate(&l, n), n > 60        ? FATE_WAITING
                                             : n > 50      ? FATE_UNKNOWN
                                             : n % 10 == 0 ? FATE_REFUSED
                                                           : FATE_ACKED);
    ck_assert_uint_eq(ledger_open(&l), 50);
    ck_assert_uint_eq(l.first, 51);
    ledger_release(&l);
}
END_TEST

/* What had no answer goes out again, in order; what had one does not. */
START_TEST(again_after_a_lost_connection)
{
    ledger_init(&l);
    for (int i = 0; i < 5; i++)
        ledger_add(&l, 10, 54);
    write_all();
    answer(1, FATE_ACKED);
    answer(3, FATE_ACKED);
    ledger_rewind(&l);
    ck_assert_ptr_eq(ledger_to_write(&l), ledger_at(&l, 2));
    ck_assert(ledger_to_write(&l)->tried);
    ck_assert(!ledger_to_write(&l)->on_wire);
    ledger_wrote(&l);
    ck_assert_ptr_eq(ledger_to_write(&l), ledger_at(&l, 4));
    write_all();
    answer(2, FATE_ACKED);
    ck_assert_uint_eq(l.first, 4);
    ledger_release(&l);
}
END_TEST

START_TEST(acked_ones_wait_for_their_receipt)
{
    ledger_init(&l);
    for (int i = 0; i < 3; i++)
        ledger_add(&l, 10, 54);
    write_all();
    for (uint32_t n = 1; n <= 3; n++)
        ledger_at(&l, n)->fate = FATE_ACKED;
    ledger_settle(&l, true, false);
    ck_assert_uint_eq(l.first, 1);
    l.receipted = 3;
    ledger_settle(&l, true, false);
    ck_assert_uint_eq(l.first, 3);
    ledger_settle(&l, true, true);
    ck_assert_uint_eq(l.first, 3);
    ledger_release(&l);
}
END_TEST

START_TEST(receipts_that_never_come_cost_no_memory)
{
    ledger_init(&l);
    for (uint32_t n = 1; n <= 100000; n++) {
        ledger_add(&l, 10, 54);
        ledger_wrote(&l);
        ledger_at(&l, n)->fate = FATE_ACKED;
        ledger_settle(&l, true, true);
    }
    ck_assert_uint_le(l.mask + 1, 4 * LEDGER_KEPT);
    ledger_release(&l);
}
END_TEST

/* By looking at each refused number in turn this would take an hour. */
START_TEST(a_million_refused_are_found_at_once)
{
    const uint32_t many = 1000000;

    ledger_init(&l);
    for (uint32_t n = 1; n <= many; n++) {
        ledger_add(&l, 10, 54);
        ledger_wrote(&l);
        answer(n, n % 3 == 0 ? FATE_ACKED : FATE_REFUSED);
    }
    for (uint32_t n = 1; n <= many; n++)
        ck_assert(ledger_fate(&l, n) ==
                  (n % 3 == 0 ? FATE_ACKED : FATE_REFUSED));
    ledger_release(&l);
}
END_TEST

SUITE("ledger", every_number_has_a_fate, again_after_a_lost_connection,
      acked_ones_wait_for_their_receipt,
      receipts_that_never_come_cost_no_memory,
      a_million_refused_are_found_at_once)
