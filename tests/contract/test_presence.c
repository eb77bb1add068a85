/* The contract of presence.h over every backend. */
#include <check.h>
#include <string.h>

#include "posts.h"
#include "presence/presence.h"

static const char *const backends[] = {"local"};

enum { ALICE = 7, BOB = 8, USERS = 70000 };

struct end {
    struct posts posts;
    struct presence_port *port;
    uint8_t state[USERS];
    int64_t last;
    int changes;
};

static struct presence *presence;
static struct clock_manual clk;
static struct end ends[2];

static void on_change(void *ctx, uint64_t user, enum presence_state state,
                      int64_t last)
{
    struct end *e = ctx;

    ck_assert_uint_lt(user, USERS);
    e->state[user] = (uint8_t)state;
    e->last = last;
    e->changes++;
}

static void run(void)
{
    posts_run(&ends[0].posts);
    posts_run(&ends[1].posts);
}

static void setup(int backend)
{
    struct presence_config cfg = {.backend = backends[backend],
                                  .clock = &clk.base};
    struct error err;

    clock_manual_init(&clk, 5000000);
    ck_assert_int_eq(presence_open(&presence, &cfg, &err), 0);
    for (int i = 0; i < 2; i++) {
        memset(&ends[i], 0, sizeof(ends[i]));
        memset(ends[i].state, 0xff, sizeof(ends[i].state));
        posts_init(&ends[i].posts);
        ends[i].port = presence_port_new(presence, i, posts_add, &ends[i].posts,
                                         on_change, &ends[i]);
    }
}

static void teardown(void)
{
    for (int i = 0; i < 2; i++)
        presence_port_free(&ends[i].port);
    run();
    presence_close(&presence);
    for (int i = 0; i < 2; i++)
        posts_release(&ends[i].posts);
}

/* Time in steps of a second, with a tick after each. */
static void pass(int64_t ms)
{
    while (ms > 0) {
        int64_t step = ms < 1000 ? ms : 1000;

        clock_manual_advance(&clk, step);
        presence_tick(ends[1].port);
        ms -= step;
    }
    run();
}

START_TEST(first_answer_then_changes)
{
    setup(_i);
    presence_watch(ends[0].port, ALICE);
    ck_assert_int_eq(ends[0].changes, 0); /* never inside the call */
    run();
    ck_assert_int_eq(ends[0].changes, 1);
    ck_assert_uint_eq(ends[0].state[ALICE], PRESENCE_OFF);
    ck_assert_int_eq(ends[0].last, 0);
    presence_beat(ends[1].port, ALICE, true);
    run();
    ck_assert_uint_eq(ends[0].state[ALICE], PRESENCE_ON);
    ck_assert_int_eq(ends[0].last, 5000000);
    presence_beat(ends[1].port, ALICE, true);
    run();
    ck_assert_int_eq(ends[0].changes, 2); /* nothing changed */
    presence_beat(ends[1].port, ALICE, false);
    run();
    ck_assert_uint_eq(ends[0].state[ALICE], PRESENCE_AWAY);
    presence_watch(ends[1].port, ALICE);
    run();
    ck_assert_uint_eq(ends[1].state[ALICE], PRESENCE_AWAY);
    ck_assert_int_eq(ends[0].changes, 3);
    teardown();
}
END_TEST

START_TEST(expires_without_heartbeat)
{
    setup(_i);
    presence_watch(ends[0].port, ALICE);
    presence_beat(ends[0].port, ALICE, true);
    pass(30000);
    presence_beat(ends[0].port, ALICE, true);
    pass(45000);
    ck_assert_uint_eq(ends[0].state[ALICE], PRESENCE_ON);
    pass(1300);
    ck_assert_uint_eq(ends[0].state[ALICE], PRESENCE_OFF);
    ck_assert_int_ge(ends[0].last, 5030000 - 32);
    ck_assert_int_le(ends[0].last, 5030000 + 32);
    presence_beat(ends[0].port, ALICE, true);
    run();
    ck_assert_uint_eq(ends[0].state[ALICE], PRESENCE_ON);
    teardown();
}
END_TEST

START_TEST(beats_for_hours)
{
    setup(_i);
    presence_watch(ends[0].port, ALICE);
    for (int i = 0; i < 500; i++) {
        presence_beat(ends[0].port, ALICE, true);
        pass(30000);
    }
    ck_assert_uint_eq(ends[0].state[ALICE], PRESENCE_ON);
    ck_assert_int_eq(ends[0].changes, 2);
    clock_manual_advance(&clk, 7200000); /* no tick for two hours */
    presence_tick(ends[0].port);
    run();
    ck_assert_uint_eq(ends[0].state[ALICE], PRESENCE_OFF);
    teardown();
}
END_TEST

START_TEST(two_nodes)
{
    setup(_i);
    presence_watch(ends[0].port, ALICE);
    presence_beat(ends[0].port, ALICE, true);
    pass(1000);
    presence_beat(ends[1].port, ALICE, false);
    run();
    ck_assert_uint_eq(ends[0].state[ALICE], PRESENCE_AWAY); /* the last beat */
    presence_leave(ends[1].port, ALICE);
    run();
    ck_assert_uint_eq(ends[0].state[ALICE], PRESENCE_ON); /* still on node 0 */
    presence_leave(ends[1].port, ALICE);
    presence_leave(ends[1].port, BOB);
    presence_leave(ends[0].port, ALICE);
    run();
    ck_assert_uint_eq(ends[0].state[ALICE], PRESENCE_OFF);
    pass(60000);
    ck_assert_uint_eq(ends[0].state[ALICE], PRESENCE_OFF);
    ck_assert_int_eq(ends[0].changes, 5);
    teardown();
}
END_TEST

START_TEST(a_dead_node_is_forgotten_alone)
{
    setup(_i);
    presence_watch(ends[0].port, ALICE);
    presence_beat(ends[0].port, ALICE, true);
    pass(20000);
    presence_beat(ends[1].port, ALICE, true);
    pass(30000); /* node 0's beat is too old now */
    ck_assert_uint_eq(ends[0].state[ALICE], PRESENCE_ON);
    presence_leave(ends[1].port, ALICE);
    run();
    ck_assert_uint_eq(ends[0].state[ALICE], PRESENCE_OFF);
    presence_beat(ends[0].port, ALICE, true);
    pass(44000);
    ck_assert_uint_eq(ends[0].state[ALICE], PRESENCE_ON);
    pass(2000);
    ck_assert_uint_eq(ends[0].state[ALICE], PRESENCE_OFF);
    teardown();
}
END_TEST

START_TEST(watches_are_counted)
{
    setup(_i);
    presence_watch(ends[0].port, ALICE);
    presence_watch(ends[0].port, ALICE);
    run();
    ck_assert_int_eq(ends[0].changes, 2);
    presence_unwatch(ends[0].port, ALICE);
    presence_beat(ends[1].port, ALICE, true);
    run();
    ck_assert_int_eq(ends[0].changes, 3);
    presence_unwatch(ends[0].port, ALICE);
    presence_leave(ends[1].port, ALICE);
    run();
    ck_assert_int_eq(ends[0].changes, 3);
    presence_watch(ends[0].port, ALICE);
    presence_port_free(&ends[0].port);
    run();
    ck_assert_int_eq(ends[0].changes, 3);
    teardown();
}
END_TEST

START_TEST(many_users)
{
    setup(_i);
    for (uint64_t u = 1; u < USERS; u++) {
        presence_watch(ends[0].port, u);
        presence_beat(ends[u % 2].port, u, u % 3 != 0);
    }
    pass(20000);
    for (uint64_t u = 1; u < USERS; u += 2)
        presence_beat(ends[u % 2].port, u, true);
    for (uint64_t u = 2; u < USERS; u += 4)
        presence_leave(ends[u % 2].port, u);
    pass(20000);
    for (uint64_t u = 1; u < USERS; u++) {
        enum presence_state want = u % 2 == 1   ? PRESENCE_ON
                                   : u % 4 == 2 ? PRESENCE_OFF
                                   : u % 3 == 0 ? PRESENCE_AWAY
                                                : PRESENCE_ON;

        ck_assert_uint_eq(ends[0].state[u], want);
    }
    pass(6300); /* 46.3 s after the first beats, 26.3 after the others */
    for (uint64_t u = 1; u < USERS; u++)
        ck_assert_uint_eq(ends[0].state[u],
                          u % 2 == 1 ? PRESENCE_ON : PRESENCE_OFF);
    teardown();
}
END_TEST

START_TEST(unknown_backend_lists_the_names)
{
    struct presence_config cfg = {.backend = "smoke"};
    struct error err;
    struct presence *none;

    ck_assert_int_eq(presence_open(&none, &cfg, &err), -CF_INVALID);
    ck_assert_ptr_null(none);
    ck_assert_ptr_nonnull(strstr(err.text, "'smoke'; there are: local"));
}
END_TEST

static void *work(void *arg)
{
    struct end *e = arg;

    for (uint64_t i = 0; i < 30000; i++) {
        presence_watch(e->port, 1 + i % 97);
        presence_beat(e->port, 1 + i % 89, i % 2 == 0);
        if (i % 3 == 0)
            presence_leave(e->port, 1 + i % 83);
        if (i % 64 == 0)
            presence_tick(e->port);
        posts_step(&e->posts, false);
    }
    for (uint64_t i = 0; i < 30000; i++)
        presence_unwatch(e->port, 1 + i % 97);
    for (uint64_t u = 1; u < 200; u++) {
        presence_watch(e->port, u);
        presence_leave(e->port, u);
    }
    return NULL;
}

START_TEST(threads)
{
    pthread_t ids[2];

    setup(_i);
    for (int i = 0; i < 2; i++)
        pthread_create(&ids[i], NULL, work, &ends[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(ids[i], NULL);
    run();
    for (uint64_t u = 1; u < 200; u++) {
        ck_assert_uint_eq(ends[0].state[u], PRESENCE_OFF);
        ck_assert_uint_eq(ends[1].state[u], PRESENCE_OFF);
    }
    teardown();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("presence");
    TCase *t = tcase_create("contract");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, first_answer_then_changes, 0, 1);
    tcase_add_loop_test(t, expires_without_heartbeat, 0, 1);
    tcase_add_loop_test(t, beats_for_hours, 0, 1);
    tcase_add_loop_test(t, two_nodes, 0, 1);
    tcase_add_loop_test(t, a_dead_node_is_forgotten_alone, 0, 1);
    tcase_add_loop_test(t, watches_are_counted, 0, 1);
    tcase_add_loop_test(t, many_users, 0, 1);
    tcase_add_loop_test(t, threads, 0, 1);
    tcase_add_test(t, unknown_backend_lists_the_names);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
