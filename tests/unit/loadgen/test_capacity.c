#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../base/suite.h"
#include "base/rng.h"
#include "capacity_search.h"
#include "capacity_step.h"

/* A server that holds `limit`; a trial near it is a matter of luck. */
struct model {
    double limit, blur; /* share of the limit */
    struct rng rng;
    int trials, winners, again;
};

static bool holds(struct model *m, double x, enum search_kind kind)
{
    double luck = 2 * rng_unit(&m->rng) - 1;

    m->trials++;
    m->winners += kind == SEARCH_WINNER;
    m->again += kind == SEARCH_AGAIN;
    return x <= m->limit * (1 + m->blur * luck);
}

static double found(struct model *m, double from, double most, bool whole,
                    bool quick)
{
    struct search s;
    enum search_kind kind;
    double x;

    search_init(&s, from, most, whole, quick);
    while (search_next(&s, &x, &kind))
        search_tell(&s, holds(m, x, kind) ? SAID_PASS : SAID_FAIL);
    return search_best(&s);
}

START_TEST(exact)
{
    double limit = 70;

    for (int i = 0; i < 25; i++, limit *= 1.37) {
        struct model m = {.limit = limit};
        double best;

        rng_init_seeded(&m.rng, 1);
        best = found(&m, 1000, 1e7, false, false);
        ck_assert_msg(best <= limit && best >= limit / 1.05, "%g: %g", limit,
                      best);
        ck_assert_int_eq(m.winners, 1);
        ck_assert_int_ge(m.again, 1);
        ck_assert_int_lt(m.trials, 30);
    }
}
END_TEST

START_TEST(quick)
{
    struct model m = {.limit = 12000};

    rng_init_seeded(&m.rng, 1);
    ck_assert(found(&m, 1000, 1e7, false, true) > 12000 / 1.05);
    ck_assert_int_le(m.trials, 13);
}
END_TEST

/* Three searches over a blurred limit agree within 7 %. */
START_TEST(repeatable)
{
    double least = 1e18, most = 0;

    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct model m = {.limit = 9000, .blur = 0.01};
        double best;

        rng_init_seeded(&m.rng, seed);
        best = found(&m, 1000, 1e7, false, false);
        least = fmin(least, best);
        most = fmax(most, best);
    }
    ck_assert_msg(most / least < 1.07, "%g to %g", least, most);
}
END_TEST

/* One failure among passes is not believed, one pass among failures neither. */
START_TEST(luck)
{
    struct search s;
    enum search_kind kind;
    double x;
    int bad = 0;

    search_init(&s, 100, 1e6, false, false);
    while (search_next(&s, &x, &kind)) {
        bool pass = x <= 3000;

        /* The first try above 700 fails whatever the server can do. */
        if (x > 700 && bad++ == 0)
            pass = false;
        search_tell(&s, pass ? SAID_PASS : SAID_FAIL);
    }
    ck_assert_msg(search_best(&s) > 3000 / 1.06, "%g", search_best(&s));

    search_init(&s, 100, 1e6, false, false);
    bad = 0;
    while (search_next(&s, &x, &kind)) {
        bool pass = x <= 300;

        if (x > 700 && kind == SEARCH_STEP && bad++ == 0)
            pass = true; /* lucky once */
        search_tell(&s, pass ? SAID_PASS : SAID_FAIL);
    }
    ck_assert_msg(search_best(&s) <= 300, "%g", search_best(&s));
}
END_TEST

/* What no luck makes pass is asked once; far below a limit strides are long. */
START_TEST(few_questions)
{
    struct search s;
    enum search_kind kind;
    double x;
    int trials = 0;

    search_init(&s, 1000, 1e7, false, true);
    for (; search_next(&s, &x, &kind); trials++) {
        ck_assert_int_ne(kind, SEARCH_AGAIN);
        search_tell(&s, x > 30000  ? SAID_HOPELESS
                        : x > 8000 ? SAID_PASS
                                   : SAID_EASY);
    }
    ck_assert(search_best(&s) <= 30000 && search_best(&s) > 30000 / 1.06);
    ck_assert_int_le(trials, 9);
}
END_TEST

/* A winner that does not hold falls back to what passed before it. */
START_TEST(falls_back)
{
    struct search s;
    enum search_kind kind;
    double x;
    int least = 0;

    search_init(&s, 1000, 1e7, false, false);
    while (search_next(&s, &x, &kind)) {
        bool pass = x <= 5000 && !(x > 4500 && least++ > 0);

        if (s.high > 0)
            ck_assert(x > 1000);
        search_tell(&s, pass ? SAID_PASS : SAID_FAIL);
    }
    ck_assert(search_best(&s) <= 4500 && search_best(&s) > 4500 / 1.06);
}
END_TEST

START_TEST(ends)
{
    struct model m = {.limit = 0};

    rng_init_seeded(&m.rng, 1);
    ck_assert(found(&m, 1000, 1e6, false, false) == 0);
    m.limit = 1e9;
    ck_assert(found(&m, 1000, 50000, false, false) == 50000);
    m.limit = 7;
    ck_assert(found(&m, 4, 1000, true, false) == 7);
    m.limit = 0.5;
    m.trials = 0;
    ck_assert(found(&m, 4, 1000, true, false) == 0);
    ck_assert_int_le(m.trials, 6);
}
END_TEST

/* Seconds of a run: so many due and acknowledged, all of one latency. */
static void seconds(struct collect *c, struct capacity_step *s, int n,
                    uint64_t due, uint64_t acked, uint64_t ns)
{
    for (int i = 0; i < n; i++) {
        struct second row = {.at_ms = 1000 * (c->nseconds + 1),
                             .phase = PHASE_MEASURE,
                             .srv_cpu = 50,
                             .gen_cpu = 20,
                             .foreign_cpu = 5};

        row.counts[COUNT_DUE] = due;
        row.counts[COUNT_ACKED] = acked;
        hist_add_n(&c->hists[METRIC_E2E], ns, acked);
        collect_second(c, &row);
        step_backlog(s, &row);
        step_second(s, &row);
    }
}

static struct capacity_point judged(struct capacity_step *s, struct collect *c)
{
    struct capacity_point p = {0};
    struct threshold slo;

    ck_assert_int_eq(threshold_parse(&slo, "e2e.p99 < 100ms", NULL), 0);
    step_end(s, c, &slo, 1, &p);
    return p;
}

START_TEST(steps)
{
    struct capacity_step s;
    struct capacity_point p;
    struct collect c;

    step_init(&s);
    collect_init(&c);
    seconds(&c, &s, 5, 1000, 1000, 500000000); /* before it: slow */
    step_begin(&s, &c);
    seconds(&c, &s, 5, 1000, 1000, 5000000);
    p = judged(&s, &c);
    ck_assert_msg(p.pass, "%s", p.why);
    ck_assert(p.offered == 1000 && p.achieved == 1000 && p.p99 < 5100000);
    ck_assert(p.srv_cpu == 50 && p.gen_cpu == 20);
    step_begin(&s, &c);
    seconds(&c, &s, 5, 1000, 1000, 200000000);
    p = judged(&s, &c);
    ck_assert(!p.pass && strstr(p.why, "e2e.p99") != NULL);
    step_begin(&s, &c);
    seconds(&c, &s, 2, 1000, 900, 5000000);
    ck_assert(!s.hopeless);
    seconds(&c, &s, 1, 1000, 900, 5000000);
    ck_assert(s.hopeless);
    p = judged(&s, &c);
    ck_assert(!p.pass && strstr(p.why, "less than was offered") != NULL);
    step_begin(&s, &c);
    seconds(&c, &s, 5, 1000, 1000, 5000000);
    for (int i = 0; i < 5000; i++) /* late itself: nothing follows */
        hist_add(&c.hists[METRIC_LAG], 20000000);
    p = judged(&s, &c);
    ck_assert(!p.pass && strstr(p.why, "generator") != NULL);
    step_release(&s);
    collect_release(&c);
}
END_TEST

SUITE("capacity", exact, quick, repeatable, luck, few_questions, falls_back,
      ends, steps)
