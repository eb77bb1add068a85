/* When a writer waits for more to commit together. */
#include <check.h>
#include <stdlib.h>

#include "store/store_gather.h"

#define MS ((uint64_t)1000000)

static struct gather g;
static uint64_t now;

static void setup(void)
{
    g = (struct gather){0};
    now = 1000 * MS;
    ck_assert_uint_eq(gather_until(&g, now), 0);
}

/* A batch soon after the last one, whose wait brings so many messages if it
 * waits. Whether it waited. */
static bool batch(int64_t messages)
{
    uint64_t due = gather_until(&g, now += MS / 4);

    if (due == 0)
        return false;
    ck_assert_uint_gt(due, now);
    ck_assert_uint_le(due, now + GATHER_NS);
    gather_came(&g, now = due, messages);
    return true;
}

START_TEST(one_alone_never_waits)
{
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_eq(gather_until(&g, now += MS), 0);
}
END_TEST

START_TEST(many_wait_for_each_other)
{
    for (int i = 0; i < 1000; i++)
        ck_assert(batch(3));
}
END_TEST

START_TEST(what_brings_nothing_is_tried_once_in_a_rest)
{
    int waits = 0;

    for (int i = 0; i < 10 * (GATHER_REST + 1); i++)
        waits += batch(0);
    ck_assert_int_eq(waits, 10);
}
END_TEST

START_TEST(one_more_is_not_worth_it)
{
    ck_assert(batch(1));
    ck_assert(!batch(1));
}
END_TEST

START_TEST(a_wait_in_vain_among_many_is_forgiven)
{
    for (int i = 0; i < 10; i++)
        ck_assert(batch(4));
    ck_assert(batch(0));
    ck_assert(batch(4));
}
END_TEST

/* Load that ends, and comes again. */
START_TEST(it_follows_the_load)
{
    int waits = 0;

    for (int i = 0; i < 10; i++)
        ck_assert(batch(1000));
    for (int i = 0; i < GATHER_REST; i++)
        waits += batch(0);
    ck_assert_int_le(waits, 6);
    for (int i = 0; i < GATHER_REST; i++)
        batch(4);
    ck_assert(batch(4));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gather");
    TCase *t = tcase_create("gather");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, one_alone_never_waits);
    tcase_add_test(t, many_wait_for_each_other);
    tcase_add_test(t, what_brings_nothing_is_tried_once_in_a_rest);
    tcase_add_test(t, one_more_is_not_worth_it);
    tcase_add_test(t, a_wait_in_vain_among_many_is_forgiven);
    tcase_add_test(t, it_follows_the_load);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
