/* The contract of registry.h over every backend. */
#include <check.h>
#include <string.h>

#include "posts.h"
#include "registry/registry.h"

static const char *const backends[] = {"local"};

struct end {
    struct posts posts;
    struct registry_port *port;
    uint16_t nodes[8];
    int count, lost, changes;
};

static struct registry *registry;
static struct clock_manual clk;
static struct end ends[3];

static void on_nodes(void *ctx, const uint16_t *nodes, int count)
{
    struct end *e = ctx;

    ck_assert_int_le(count, 8);
    memcpy(e->nodes, nodes, (size_t)count * sizeof(*nodes));
    e->count = count;
    e->changes++;
}

static void on_lost(void *ctx)
{
    ((struct end *)ctx)->lost++;
}

static void end_open(int i)
{
    struct registry_events ev = {on_nodes, on_lost, &ends[i]};

    ends[i].port =
        registry_port_new(registry, i, posts_add, &ends[i].posts, &ev);
}

static void run(void)
{
    for (int i = 0; i < 3; i++)
        posts_run(&ends[i].posts);
}

static void on_done(struct registry_op *op)
{
    (*(int *)op->ctx)++;
}

static int submit(int i, struct registry_op *op)
{
    int done = 0;

    op->done = on_done;
    op->ctx = &done;
    registry_submit(ends[i].port, op);
    ck_assert_int_eq(done, 0); /* never inside the call */
    run();
    ck_assert_int_eq(done, 1);
    return op->rc;
}

static int verb(int i, enum registry_verb v, int64_t *lease)
{
    struct registry_op op;
    int rc;

    registry_op_init(&op, v, NULL, NULL);
    rc = submit(i, &op);
    if (lease != NULL)
        *lease = op.lease;
    return rc;
}

static int route(int i, uint64_t user, bool on)
{
    struct registry_op op;

    registry_op_init(&op, REGISTRY_ROUTE, NULL, NULL);
    op.user = user;
    op.on = on;
    return submit(i, &op);
}

static int device(int i, enum registry_verb v, uint64_t user, uint32_t dev,
                  uint64_t conn, uint64_t *prev)
{
    struct registry_op op;

    registry_op_init(&op, v, NULL, NULL);
    op.user = user;
    op.dev = dev;
    op.conn = conn;
    ck_assert_int_eq(submit(i, &op), 0);
    if (prev != NULL)
        *prev = op.prev_conn;
    return op.prev_node;
}

/* Nodes of a user as bits. */
static unsigned where(uint64_t user)
{
    struct registry_op op;
    uint64_t ids[2] = {999, user};
    unsigned bits = 0;
    int last = -1;

    registry_op_init(&op, REGISTRY_WHERE, NULL, NULL);
    op.ids = ids;
    op.id_count = 2;
    ck_assert_int_eq(submit(0, &op), 0);
    for (int i = 0; i < op.pair_count; i++) {
        ck_assert_uint_eq(op.pairs[i].index, 1);
        ck_assert_int_gt(op.pairs[i].node, last);
        last = op.pairs[i].node;
        bits |= 1u << op.pairs[i].node;
    }
    registry_op_release(&op);
    return bits;
}

static void setup(int backend)
{
    struct registry_config cfg = {.backend = backends[backend],
                                  .clock = &clk.base};
    struct error err;

    clock_manual_init(&clk, 1000000);
    ck_assert_int_eq(registry_open(&registry, &cfg, &err), 0);
    for (int i = 0; i < 3; i++) {
        memset(&ends[i], 0, sizeof(ends[i]));
        posts_init(&ends[i].posts);
        end_open(i);
    }
}

static void setup_joined(int backend)
{
    setup(backend);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(verb(i, REGISTRY_JOIN, NULL), 0);
}

static void teardown(void)
{
    for (int i = 0; i < 3; i++)
        registry_port_free(&ends[i].port);
    run();
    registry_close(&registry);
    for (int i = 0; i < 3; i++)
        posts_release(&ends[i].posts);
}

START_TEST(nodes_join_and_leave)
{
    int64_t first, second;
    struct registry_op op;

    setup(_i);
    ck_assert_int_eq(verb(1, REGISTRY_JOIN, &first), 0);
    ck_assert_int_eq(verb(0, REGISTRY_JOIN, &second), 0);
    ck_assert_int_gt(second, first);
    ck_assert_int_eq(ends[2].count, 2); /* whoever listens hears it */
    ck_assert_int_eq(ends[2].nodes[0], 0);
    ck_assert_int_eq(ends[2].nodes[1], 1);
    registry_op_init(&op, REGISTRY_LEAVE, NULL, NULL);
    op.leaving = true;
    ck_assert_int_eq(submit(1, &op), 0);
    ck_assert_int_eq(ends[0].count, 1);
    ck_assert_int_eq(route(1, 5, true), 0); /* still there for its users */
    ck_assert_int_eq(verb(1, REGISTRY_RENEW, NULL), 0);
    ck_assert_int_eq(verb(1, REGISTRY_LEAVE, NULL), 0);
    ck_assert_uint_eq(where(5), 0);
    ck_assert_int_eq(verb(1, REGISTRY_RENEW, NULL), -CF_STALE);
    teardown();
}
END_TEST

START_TEST(lease_runs_out)
{
    setup_joined(_i);
    ck_assert_int_eq(route(1, 5, true), 0);
    clock_manual_advance(&clk, 4000);
    ck_assert_int_eq(verb(0, REGISTRY_RENEW, NULL), 0);
    ck_assert_int_eq(verb(2, REGISTRY_RENEW, NULL), 0);
    clock_manual_advance(&clk, 999);
    registry_tick(ends[0].port);
    run();
    ck_assert_int_eq(ends[0].count, 3);
    ck_assert_uint_eq(where(5), 2);
    clock_manual_advance(&clk, 1);
    registry_tick(ends[0].port);
    run();
    ck_assert_int_eq(ends[0].count, 2);
    ck_assert_int_eq(ends[1].lost, 1);
    ck_assert_int_eq(ends[0].lost, 0);
    ck_assert_uint_eq(where(5), 0);
    ck_assert_int_eq(verb(1, REGISTRY_RENEW, NULL), -CF_STALE);
    ck_assert_int_eq(route(1, 5, true), -CF_STALE);
    ck_assert_int_eq(verb(1, REGISTRY_JOIN, NULL), 0);
    ck_assert_int_eq(route(1, 5, true), 0);
    teardown();
}
END_TEST

START_TEST(one_holder_of_a_number)
{
    setup_joined(_i);
    ck_assert_int_eq(route(1, 5, true), 0);
    registry_crash(&ends[1].port);
    end_open(1);
    ck_assert_int_eq(verb(1, REGISTRY_JOIN, NULL), -CF_EXISTS);
    ck_assert_uint_eq(where(5), 2); /* the dead one's route is still there */
    ck_assert_int_eq(ends[0].count, 3);
    clock_manual_advance(&clk, 5000);
    ck_assert_int_eq(verb(1, REGISTRY_JOIN, NULL), 0);
    ck_assert_uint_eq(where(5), 0);
    teardown();
}
END_TEST

START_TEST(closing_gives_the_lease_back)
{
    setup_joined(_i);
    ck_assert_int_eq(route(1, 5, true), 0);
    registry_port_free(&ends[1].port);
    run();
    ck_assert_int_eq(ends[0].count, 2);
    ck_assert_uint_eq(where(5), 0);
    end_open(1);
    ck_assert_int_eq(verb(1, REGISTRY_JOIN, NULL), 0);
    teardown();
}
END_TEST

START_TEST(routes_are_sets)
{
    setup_joined(_i);
    ck_assert_int_eq(route(2, 5, true), 0);
    ck_assert_int_eq(route(0, 5, true), 0);
    ck_assert_int_eq(route(0, 5, true), 0);
    ck_assert_uint_eq(where(5), 5);
    ck_assert_int_eq(route(0, 5, false), 0);
    ck_assert_int_eq(route(1, 5, false), 0);
    ck_assert_uint_eq(where(5), 4);
    ck_assert_uint_eq(where(6), 0);
    teardown();
}
END_TEST

START_TEST(a_claim_names_the_one_before)
{
    uint64_t prev = 0;

    setup_joined(_i);
    ck_assert_int_eq(device(0, REGISTRY_CLAIM, 5, 1, 100, NULL), -1);
    ck_assert_int_eq(device(0, REGISTRY_CLAIM, 5, 1, 100, NULL), -1);
    ck_assert_int_eq(device(0, REGISTRY_CLAIM, 5, 2, 101, NULL), -1);
    ck_assert_int_eq(device(0, REGISTRY_CLAIM, 5, 1, 102, &prev), 0);
    ck_assert_uint_eq(prev, 100);
    ck_assert_int_eq(device(1, REGISTRY_CLAIM, 5, 1, 7, &prev), 0);
    ck_assert_uint_eq(prev, 102);
    ck_assert_int_eq(device(2, REGISTRY_CLAIM, 5, 1, 8, &prev), 1);
    ck_assert_uint_eq(prev, 7);
    teardown();
}
END_TEST

START_TEST(a_late_release_touches_nothing)
{
    uint64_t prev = 0;

    setup_joined(_i);
    device(0, REGISTRY_CLAIM, 5, 1, 100, NULL);
    device(1, REGISTRY_CLAIM, 5, 1, 7, NULL);
    device(0, REGISTRY_RELEASE, 5, 1, 100, NULL);
    device(1, REGISTRY_RELEASE, 5, 1, 6, NULL);
    ck_assert_int_eq(device(0, REGISTRY_CLAIM, 5, 1, 103, &prev), 1);
    ck_assert_uint_eq(prev, 7);
    device(0, REGISTRY_RELEASE, 5, 1, 103, NULL);
    ck_assert_int_eq(device(0, REGISTRY_CLAIM, 5, 1, 104, NULL), -1);
    teardown();
}
END_TEST

/* Claims and routes share rows: each must survive the other's end. */
START_TEST(claims_and_routes_are_independent)
{
    setup_joined(_i);
    ck_assert_int_eq(route(0, 5, true), 0);
    device(0, REGISTRY_CLAIM, 5, 1, 100, NULL);
    device(0, REGISTRY_CLAIM, 5, 2, 101, NULL);
    device(0, REGISTRY_RELEASE, 5, 1, 100, NULL);
    ck_assert_uint_eq(where(5), 1);
    device(1, REGISTRY_CLAIM, 5, 2, 9, NULL);
    ck_assert_uint_eq(where(5), 1); /* a claim is no route */
    ck_assert_int_eq(route(0, 5, false), 0);
    ck_assert_uint_eq(where(5), 0);
    ck_assert_int_eq(device(1, REGISTRY_CLAIM, 5, 2, 10, NULL), 1);
    ck_assert_int_eq(route(1, 5, true), 0);
    ck_assert_int_eq(route(1, 5, false), 0);
    ck_assert_int_eq(device(1, REGISTRY_CLAIM, 5, 2, 11, NULL), 1);
    teardown();
}
END_TEST

START_TEST(a_claim_can_be_a_route_too)
{
    struct registry_op op;

    setup_joined(_i);
    registry_op_init(&op, REGISTRY_CLAIM, NULL, NULL);
    op.user = 5;
    op.dev = 1;
    op.conn = 100;
    op.on = true;
    ck_assert_int_eq(submit(0, &op), 0);
    ck_assert_int_eq(op.prev_node, -1);
    ck_assert_uint_eq(where(5), 1);
    device(0, REGISTRY_RELEASE, 5, 1, 100, NULL);
    ck_assert_uint_eq(where(5), 1);
    ck_assert_int_eq(route(0, 5, false), 0);
    ck_assert_uint_eq(where(5), 0);
    teardown();
}
END_TEST

START_TEST(many_users)
{
    struct registry_op op;
    uint64_t *ids = calloc(20000, sizeof(*ids));

    setup_joined(_i);
    for (uint64_t u = 1; u <= 20000; u++) {
        route((int)(u % 3), u << 8, true);
        device((int)(u % 3), REGISTRY_CLAIM, u << 8, 1, u, NULL);
        ids[u - 1] = u << 8;
    }
    for (uint64_t u = 2; u <= 20000; u += 2) {
        device((int)(u % 3), REGISTRY_RELEASE, u << 8, 1, u, NULL);
        route((int)(u % 3), u << 8, false);
    }
    registry_port_free(&ends[1].port);
    registry_op_init(&op, REGISTRY_WHERE, NULL, NULL);
    op.ids = ids;
    op.id_count = 20000;
    ck_assert_int_eq(submit(0, &op), 0);
    for (int i = 0; i < op.pair_count; i++) {
        uint64_t u = ids[op.pairs[i].index] >> 8;

        ck_assert_uint_eq(u % 2, 1);
        ck_assert_uint_eq(u % 3, op.pairs[i].node);
        ck_assert_uint_ne(op.pairs[i].node, 1);
    }
    ck_assert_int_eq(op.pair_count, 6666); /* odd and not 1 mod 3 */
    registry_op_release(&op);
    free(ids);
    teardown();
}
END_TEST

START_TEST(nothing_runs_after_closing)
{
    struct registry_op op;
    int done = 0;

    setup_joined(_i);
    registry_op_init(&op, REGISTRY_RENEW, on_done, &done);
    registry_submit(ends[1].port, &op);
    registry_crash(&ends[1].port);
    run();
    ck_assert_int_eq(done, 0);
    teardown();
}
END_TEST

START_TEST(unknown_backend_lists_the_names)
{
    struct registry_config cfg = {.backend = "phonebook"};
    struct error err;
    struct registry *none;

    ck_assert_int_eq(registry_open(&none, &cfg, &err), -CF_INVALID);
    ck_assert_ptr_null(none);
    ck_assert_ptr_nonnull(strstr(err.text, "'phonebook'; there are: local"));
}
END_TEST

/* ---- threads: each node moves its users and asks for all ---- */

#define ROUNDS 3000

struct worker {
    int node;
    int under_way;
};

static void op_free(struct registry_op *op)
{
    struct worker *w = op->ctx;

    w->under_way--;
    registry_op_release(op);
    free(op);
}

static void worker_submit(struct worker *w, enum registry_verb v,
                          const uint64_t *ids, uint64_t user, uint64_t conn)
{
    struct registry_op *op = malloc(sizeof(*op));

    registry_op_init(op, v, op_free, w);
    op->ids = ids;
    op->id_count = ids != NULL ? 64 : 0;
    op->user = user;
    op->dev = 1;
    op->conn = conn;
    op->on = true;
    w->under_way++;
    registry_submit(ends[w->node].port, op);
}

static void *work(void *arg)
{
    static const uint64_t ids[64] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct worker *w = arg;

    for (uint64_t i = 0; i < ROUNDS; i++) {
        worker_submit(w, REGISTRY_ROUTE, NULL, 1 + i % 64, 0);
        worker_submit(w, REGISTRY_CLAIM, NULL, 1 + i % 64, i);
        worker_submit(w, REGISTRY_WHERE, ids, 0, 0);
        worker_submit(w, REGISTRY_RELEASE, NULL, 1 + i % 64, i);
        worker_submit(w, REGISTRY_RENEW, NULL, 0, 0);
        registry_tick(ends[w->node].port);
        posts_step(&ends[w->node].posts, false);
    }
    while (w->under_way > 0)
        posts_step(&ends[w->node].posts, true);
    return NULL;
}

START_TEST(threads)
{
    pthread_t ids[3];
    struct worker workers[3];

    setup_joined(_i);
    for (int i = 0; i < 3; i++) {
        workers[i] = (struct worker){i, 0};
        pthread_create(&ids[i], NULL, work, &workers[i]);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(ids[i], NULL);
    run();
    ck_assert_uint_eq(where(1), 7);
    ck_assert_uint_eq(where(64), 7);
    teardown();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("registry");
    TCase *t = tcase_create("contract");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, nodes_join_and_leave, 0, 1);
    tcase_add_loop_test(t, lease_runs_out, 0, 1);
    tcase_add_loop_test(t, one_holder_of_a_number, 0, 1);
    tcase_add_loop_test(t, closing_gives_the_lease_back, 0, 1);
    tcase_add_loop_test(t, routes_are_sets, 0, 1);
    tcase_add_loop_test(t, a_claim_names_the_one_before, 0, 1);
    tcase_add_loop_test(t, a_late_release_touches_nothing, 0, 1);
    tcase_add_loop_test(t, claims_and_routes_are_independent, 0, 1);
    tcase_add_loop_test(t, a_claim_can_be_a_route_too, 0, 1);
    tcase_add_loop_test(t, many_users, 0, 1);
    tcase_add_loop_test(t, nothing_runs_after_closing, 0, 1);
    tcase_add_loop_test(t, threads, 0, 1);
    tcase_add_test(t, unknown_backend_lists_the_names);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
