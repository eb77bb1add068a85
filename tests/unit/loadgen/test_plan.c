#include <math.h>

#include "../base/suite.h"
#include "planner_measure.h"

static void world(struct cost_vector *v, struct plan_demand *d,
                  struct plan_node *n)
{
    cost_defaults(v);
    demand_defaults(d);
    node_defaults(n);
}

static struct plan_answer solved(const struct cost_vector *v,
                                 const struct plan_demand *d,
                                 const struct plan_node *n)
{
    struct plan_answer a;

    plan_solve(&a, v, d, n, 1, 60);
    return a;
}

START_TEST(flows)
{
    struct cost_vector v;
    struct plan_demand d;
    struct plan_node n;
    struct plan_answer a;

    world(&v, &d, &n);
    d.users = 86400000;
    d.messages = 10;
    d.peak = 2;
    d.online = 0.5;
    a = solved(&v, &d, &n);
    ck_assert(fabs(a.messages_s - 20000) < 1);
    ck_assert(fabs(a.copies_s - 60000) < 1);
    ck_assert(a.conns == 43200000);
    ck_assert(fabs(a.heartbeats_s - 1440000) < 1);
    ck_assert(fabs(a.bytes_day - 8.64e8 * (1024 + v.items[COST_DISK].mid) *
                                     d.replicas) < 1e6);
    ck_assert(fabs(a.demand[RESOURCE_MEMORY].mid -
                   43200000 * v.items[COST_CONN].mid) < 1);
}
END_TEST

/* Each resource made scarce binds, and the nodes follow from it. */
START_TEST(binds)
{
    struct cost_vector v;
    struct plan_demand d;
    struct plan_node n;
    struct plan_answer a;

    world(&v, &d, &n);
    n.memory = 1e9;
    d.days = 1;
    a = solved(&v, &d, &n);
    ck_assert_int_eq(a.binds, RESOURCE_MEMORY);
    ck_assert(a.total.mid ==
              ceil(3e6 * v.items[COST_CONN].mid / (1e9 * n.target)));
    ck_assert(a.total.low <= a.total.mid && a.total.mid <= a.total.high);
    world(&v, &d, &n);
    n.disk = 1e11;
    ck_assert_int_eq(solved(&v, &d, &n).binds, RESOURCE_DISK);
    world(&v, &d, &n);
    d.days = 0;
    n.fds = 20000;
    a = solved(&v, &d, &n);
    ck_assert_int_eq(a.binds, RESOURCE_FDS);
    ck_assert(a.total.mid == 250);
    world(&v, &d, &n);
    d.days = 0;
    d.copies = 500;
    d.body = 10;
    ck_assert_int_eq(solved(&v, &d, &n).binds, RESOURCE_CPU);
}
END_TEST

START_TEST(cross)
{
    struct cost_vector v;
    struct plan_demand d;
    struct plan_node n;
    struct plan_answer a;

    world(&v, &d, &n);
    d.users = 1000;
    a = solved(&v, &d, &n);
    ck_assert(a.total.mid == 1 && a.cross == 0);
    ck_assert(a.all == 2 && isfinite(a.back_s));
    d.users = 1e8;
    a = solved(&v, &d, &n);
    ck_assert(a.cross > 0.9 && a.cross == 1 - 1 / a.total.mid);
}
END_TEST

/* A shorter time to be back needs more nodes, and keeps to it. */
START_TEST(spare)
{
    struct cost_vector v;
    struct plan_demand d;
    struct plan_node n;
    struct plan_answer slow, fast;

    world(&v, &d, &n);
    d.days = 1;
    d.users = 1e8;
    v.items[COST_CONNECT].mid = 20000;
    plan_solve(&slow, &v, &d, &n, 1, 600);
    plan_solve(&fast, &v, &d, &n, 1, 5);
    ck_assert(slow.spare >= 1 && slow.back_s <= 600);
    ck_assert(fast.spare > slow.spare && fast.back_s <= 5);
    plan_solve(&slow, &v, &d, &n, 3, 600);
    ck_assert(slow.spare == 3);
}
END_TEST

START_TEST(slopes)
{
    const double x[] = {1, 2, 3, 4}, straight[] = {5, 7, 9, 11},
                 rough[] = {5, 7.5, 8.5, 11}, still[] = {2, 2, 2, 2};
    struct band b;

    ck_assert(slope_of(x, straight, 4, &b));
    ck_assert(fabs(b.mid - 2) < 1e-9 && b.high - b.low < 1e-9);
    ck_assert(slope_of(x, rough, 4, &b));
    /* By hand: residuals .15 .45 .45 .15, their squares .45. */
    ck_assert_msg(fabs(b.mid - 1.9) < 1e-9, "%g", b.mid);
    ck_assert(fabs(b.high - 1.9 - 4.303 * sqrt(0.45 / 2 / 5)) < 1e-9);
    ck_assert(!slope_of(still, straight, 4, &b));
    ck_assert(!slope_of(x, straight, 2, &b));
}
END_TEST

START_TEST(costs)
{
    struct cost_vector v, back;
    struct error err = {0};
    json_t *j;

    cost_defaults(&v);
    v.items[COST_COPY] = (struct band){7, 8, 9};
    j = cost_json(&v);
    cost_defaults(&back);
    ck_assert_int_eq(cost_from_json(&back, j, &err), 0);
    ck_assert(back.items[COST_COPY].mid == 8 && back.items[COST_COPY].low == 7);
    json_object_set_new(j, "copy", json_pack("{s:i}", "mid", -1));
    ck_assert_int_lt(cost_from_json(&back, j, &err), 0);
    ck_assert(strstr(err.text, "'copy'") != NULL);
    json_object_set_new(j, "schema", json_string("else"));
    ck_assert_int_lt(cost_from_json(&back, j, &err), 0);
    json_decref(j);
}
END_TEST

START_TEST(simulation)
{
    struct cost_vector v;
    struct plan_demand d;
    struct plan_node n;
    struct plan_answer a;
    struct plan_sim s;
    uint64_t calm;

    world(&v, &d, &n);
    a = solved(&v, &d, &n);
    plan_simulate(&s, &a, &v, &d, &n, 10, 1);
    ck_assert_msg(s.calm.count > 1000 && s.nodes == 10, "%d: %d", s.nodes,
                  (int)s.calm.count);
    ck_assert(s.worst_share >= 1);
    calm = hist_at(&s.calm, 0.99);
    ck_assert(hist_at(&s.calm, 0.5) > 50000 && calm < 5000000);
    plan_sim_release(&s);
    /* Near its capacity a node is slow. */
    d.users = 1e9;
    n.target = 0.99;
    n.memory = 1e15;
    n.disk = 1e18;
    n.nic = 1e15;
    n.fds = n.syncs = 1e12;
    plan_solve(&a, &v, &d, &n, 0, 1e9);
    plan_simulate(&s, &a, &v, &d, &n, 10, 1);
    ck_assert(hist_at(&s.calm, 0.99) > calm);
    plan_sim_release(&s);
}
END_TEST

static struct check rounds_of(const double (*rows)[4], int n)
{
    struct check c = {.rounds = n};

    for (int i = 0; i < n; i++) {
        c.one[i] = rows[i][0];
        c.two[i] = rows[i][1];
        c.four[i] = rows[i][2];
        c.foreign[i] = rows[i][3];
    }
    return c;
}

START_TEST(a_check_is_of_medians)
{
    static const double rows[][4] = {{50, 60, 66, 2},
                                     {51, 61, 67, 3},
                                     {49, 59, 65, 5},
                                     {50, 60, 66, 2},
                                     {10, 900, 20, 190}}; /* not ours */
    struct check c = rounds_of(rows, 5);
    struct check_result r;

    check_judge(&c, &r);
    ck_assert_msg(r.conclusive, "%s", r.why);
    ck_assert_double_eq_tol(r.one, 50, 1e-9);
    ck_assert_double_eq_tol(r.predicted, 65, 1e-9);
    ck_assert_double_eq_tol(r.off, 65.0 / 66 - 1, 1e-9);
    ck_assert_double_lt(r.around, 0.02);
}
END_TEST

START_TEST(a_disturbed_check_says_nothing)
{
    static const double rows[][4] = {{50, 60, 66, 190},
                                     {51, 61, 67, 120},
                                     {49, 59, 65, 41},
                                     {50, 60, 66, 2},
                                     {50, 60, 66, 40}};
    struct check c = rounds_of(rows, 5);
    struct check_result r;

    check_judge(&c, &r);
    ck_assert(!r.conclusive);
    ck_assert_str_eq(r.why, "other programs had the CPU in 3 of 5 rounds");
}
END_TEST

START_TEST(nor_does_one_whose_rounds_differ)
{
    static const double rows[][4] = {
        {50, 60, 66, 2}, {50, 90, 66, 3}, {50, 40, 65, 5}, {70, 60, 99, 2}};
    struct check c = rounds_of(rows, 4);
    struct check_result r;

    check_judge(&c, &r);
    ck_assert(!r.conclusive);
    ck_assert_ptr_nonnull(strstr(r.why, "4 rounds differ too much"));
}
END_TEST

SUITE("plan", a_check_is_of_medians, a_disturbed_check_says_nothing,
      nor_does_one_whose_rounds_differ, flows, binds, cross, spare, slopes,
      costs, simulation)
