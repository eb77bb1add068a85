/* The contract of bus.h over every backend. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bus/bus.h"
#include "bus/bus_memory.h"
#include "posts.h"

static const char *const backends[] = {"local", "memory"};

struct got {
    int from;
    char text[32];
};

struct end {
    struct posts posts;
    struct bus_port *port;
    struct got got[64];
    int count, gaps, gap_from;
    uint32_t next[8]; /* threaded: the number expected from each node */
    long total;
    struct bus_port **close_on; /* close this port inside an event */
};

static struct bus *bus;
static struct posts flying; /* memory: virtual time stands in a queue */
static int fate_copies;
static struct end ends[3];

static void sim_after(void *ctx, int64_t delay, void (*fn)(void *), void *arg)
{
    posts_add(&flying, fn, arg);
}

static int sim_fate(void *ctx, int from, int to, int64_t *delays)
{
    for (int i = 0; i < fate_copies; i++)
        delays[i] = i;
    return fate_copies;
}

static struct bus_memory_sim sim = {sim_after, sim_fate, NULL};

static void on_message(void *ctx, int from, struct span bytes)
{
    struct end *e = ctx;
    struct got *g = &e->got[e->count % 64];

    g->from = from;
    snprintf(g->text, sizeof(g->text), "%.*s",
             (int)(bytes.n < 31 ? bytes.n : 31), bytes.n > 0 ? bytes.p : "");
    e->count++;
    if (e->close_on != NULL)
        bus_port_free(e->close_on);
}

static void on_gap(void *ctx, int from)
{
    struct end *e = ctx;

    e->gaps++;
    e->gap_from = from;
}

static void end_open(int i)
{
    struct bus_events ev = {on_message, on_gap, &ends[i]};

    ends[i].port = bus_port_new(bus, i, posts_add, &ends[i].posts, &ev);
}

static void setup(int backend)
{
    struct bus_config cfg = {.backend = backends[backend], .sim = &sim};
    struct error err;

    fate_copies = 1;
    posts_init(&flying);
    ck_assert_int_eq(bus_open(&bus, &cfg, &err), 0);
    for (int i = 0; i < 3; i++) {
        memset(&ends[i], 0, sizeof(ends[i]));
        posts_init(&ends[i].posts);
        end_open(i);
    }
}

static void run(void)
{
    bool again = true;

    while (again) {
        again = posts_step(&flying, false);
        for (int i = 0; i < 3; i++)
            again |= posts_step(&ends[i].posts, false);
    }
}

static void teardown(void)
{
    for (int i = 0; i < 3; i++)
        bus_port_free(&ends[i].port);
    run();
    bus_close(&bus);
    for (int i = 0; i < 3; i++)
        posts_release(&ends[i].posts);
    posts_release(&flying);
}

START_TEST(messages_come_in_order)
{
    char text[16];

    setup(_i);
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof(text), "m%d", i);
        ck_assert_int_eq(bus_send(ends[0].port, 1, span_of(text)), 0);
    }
    ck_assert_int_eq(ends[1].count, 0); /* never inside the call */
    run();
    ck_assert_int_eq(ends[1].count, 20);
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof(text), "m%d", i);
        ck_assert_str_eq(ends[1].got[i].text, text);
        ck_assert_int_eq(ends[1].got[i].from, 0);
    }
    ck_assert_int_eq(ends[0].count + ends[2].count, 0);
    teardown();
}
END_TEST

START_TEST(bytes_are_copied_and_may_be_empty)
{
    char text[] = "first";

    setup(_i);
    ck_assert_int_eq(bus_send(ends[0].port, 0, span_of(text)), 0);
    memcpy(text, "XXXXX", 5);
    ck_assert_int_eq(bus_send(ends[0].port, 0, span_make(NULL, 0)), 0);
    run();
    ck_assert_int_eq(ends[0].count, 2); /* to oneself */
    ck_assert_str_eq(ends[0].got[0].text, "first");
    ck_assert_str_eq(ends[0].got[1].text, "");
    teardown();
}
END_TEST

START_TEST(nobody_there)
{
    setup(_i);
    ck_assert_int_eq(bus_send(ends[0].port, 7, SPAN("x")), -CF_NOT_FOUND);
    ck_assert_int_eq(bus_send(ends[0].port, -1, SPAN("x")), -CF_NOT_FOUND);
    ck_assert_int_eq(bus_send(ends[0].port, 1 << 20, SPAN("x")), -CF_NOT_FOUND);
    bus_port_free(&ends[1].port);
    ck_assert_int_eq(bus_send(ends[0].port, 1, SPAN("x")), -CF_NOT_FOUND);
    teardown();
}
END_TEST

START_TEST(a_closed_port_hears_nothing)
{
    setup(_i);
    bus_send(ends[0].port, 1, SPAN("late"));
    bus_port_free(&ends[1].port);
    end_open(1); /* a successor with its number does not get it either */
    run();
    ck_assert_int_eq(ends[1].count, 0);
    bus_send(ends[0].port, 1, SPAN("new"));
    run();
    ck_assert_int_eq(ends[1].count, 1);
    ck_assert_str_eq(ends[1].got[0].text, "new");
    teardown();
}
END_TEST

START_TEST(an_event_may_close_the_port)
{
    setup(_i);
    ends[1].close_on = &ends[1].port;
    bus_send(ends[0].port, 1, SPAN("a"));
    bus_send(ends[0].port, 1, SPAN("b"));
    run();
    ck_assert_int_eq(ends[1].count, 1);
    teardown();
}
END_TEST

START_TEST(unknown_backend_lists_the_names)
{
    struct bus_config cfg = {.backend = "pigeon"};
    struct error err;
    struct bus *none;

    ck_assert_int_eq(bus_open(&none, &cfg, &err), -CF_INVALID);
    ck_assert_ptr_null(none);
    ck_assert_ptr_nonnull(strstr(err.text, "pigeon"));
    ck_assert_ptr_nonnull(strstr(err.text, "local, memory"));
    bus_close(&none);
}
END_TEST

START_TEST(memory_fates)
{
    setup(1);
    fate_copies = 0;
    ck_assert_int_eq(bus_send(ends[0].port, 1, SPAN("lost")), 0);
    fate_copies = 2;
    ck_assert_int_eq(bus_send(ends[0].port, 1, SPAN("twice")), 0);
    run();
    ck_assert_int_eq(ends[1].count, 2);
    ck_assert_str_eq(ends[1].got[0].text, "twice");
    bus_send(ends[0].port, 1, SPAN("in the air at the end"));
    bus_port_free(&ends[1].port);
    teardown();
}
END_TEST

START_TEST(local_one_post_for_a_burst)
{
    setup(0);
    for (int i = 0; i < 50; i++)
        bus_send(ends[0].port, 1, SPAN("x"));
    ck_assert_int_eq(ends[1].posts.count, 1);
    run();
    ck_assert_int_eq(ends[1].count, 50);
    bus_send(ends[0].port, 1, SPAN("x"));
    ck_assert_int_eq(ends[1].posts.count, 2);
    teardown();
}
END_TEST

START_TEST(local_full_queue_is_a_gap)
{
    size_t n = 8u * 1024 * 1024;
    char *big = calloc(1, n);

    setup(0);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(bus_send(ends[0].port, 1, span_make(big, n)), 0);
    ck_assert_int_eq(bus_send(ends[2].port, 1, SPAN("x")), -CF_BUSY);
    ck_assert_int_eq(bus_send(ends[2].port, 1, SPAN("x")), -CF_BUSY);
    run();
    ck_assert_int_eq(ends[1].count, 8);
    ck_assert_int_eq(ends[1].gaps, 1);
    ck_assert_int_eq(ends[1].gap_from, 2);
    ck_assert_int_eq(bus_send(ends[2].port, 1, SPAN("x")), 0);
    run();
    ck_assert_int_eq(ends[1].count, 9);
    ck_assert_int_eq(ends[1].gaps, 1);
    free(big);
    teardown();
}
END_TEST

/* ---- threads ---- */

#define ROUNDS 20000

static void on_number(void *ctx, int from, struct span bytes)
{
    struct end *e = ctx;
    uint32_t number;

    ck_assert_uint_eq(bytes.n, sizeof(number));
    memcpy(&number, bytes.p, sizeof(number));
    ck_assert_uint_eq(number, e->next[from]);
    e->next[from]++;
    e->total++;
}

static void *talk(void *arg)
{
    struct end *e = arg;
    struct bus_events ev = {on_number, on_gap, e};
    int self = (int)(e - ends);

    for (uint32_t i = 0; i < ROUNDS; i++) {
        for (int to = 0; to < 3; to++)
            ck_assert_int_eq(bus_send(e->port, to, span_make(&i, sizeof(i))),
                             0);
        posts_step(&e->posts, false);
    }
    while (e->total < 3L * ROUNDS)
        posts_step(&e->posts, true);
    if (self == 2) { /* come and go while nobody else uses the number */
        for (int i = 0; i < 100; i++) {
            struct bus_port *p =
                bus_port_new(bus, 5, posts_add, &e->posts, &ev);

            bus_port_free(&p);
        }
    }
    return NULL;
}

START_TEST(local_threads)
{
    pthread_t threads[3];

    setup(0);
    for (int i = 0; i < 3; i++) {
        struct bus_events ev = {on_number, on_gap, &ends[i]};

        bus_port_free(&ends[i].port);
        ends[i].port = bus_port_new(bus, i, posts_add, &ends[i].posts, &ev);
    }
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, talk, &ends[i]);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(ends[i].total, 3 * ROUNDS);
        ck_assert_int_eq(ends[i].gaps, 0);
    }
    teardown();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bus");
    TCase *each = tcase_create("contract"), *own = tcase_create("backends");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(each, messages_come_in_order, 0, 2);
    tcase_add_loop_test(each, bytes_are_copied_and_may_be_empty, 0, 2);
    tcase_add_loop_test(each, nobody_there, 0, 2);
    tcase_add_loop_test(each, a_closed_port_hears_nothing, 0, 2);
    tcase_add_loop_test(each, an_event_may_close_the_port, 0, 2);
    tcase_add_test(own, unknown_backend_lists_the_names);
    tcase_add_test(own, memory_fates);
    tcase_add_test(own, local_one_post_for_a_burst);
    tcase_add_test(own, local_full_queue_is_a_gap);
    tcase_add_test(own, local_threads);
    tcase_set_timeout(own, 60);
    suite_add_tcase(s, each);
    suite_add_tcase(s, own);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
