#include "base/timer.h"

#include <limits.h>

#include "base/mem.h"
#include "base/rng.h"
#include "unit/base/suite.h"

#define TIMERS 300

/* A timer and what the model knows about it. */
struct probe {
    struct timer timer;
    bool set;
    int64_t due;
    uint64_t order;   /* of setting */
    int64_t again_ms; /* set itself again after that, 0: not */
    bool was_past;    /* due already when it was set */
};

struct model {
    struct wheel wheel;
    struct rng rng;
    struct probe probes[TIMERS];
    uint64_t order;
    int64_t target;         /* of the running advance */
    uint64_t advance_began; /* order when it began */
    int runs;
};

static void probe_set(struct model *m, struct probe *p, int64_t due)
{
    p->set = true;
    p->due = due;
    p->order = ++m->order;
    p->was_past = due <= m->wheel.now;
    timer_set(&m->wheel, &p->timer, due);
}

/* Whether a must run before b. */
static bool before(const struct probe *a, const struct probe *b)
{
    if (a->was_past != b->was_past)
        return a->was_past;
    if (!a->was_past && a->due != b->due)
        return a->due < b->due;
    return a->order < b->order;
}

static bool runs_now(const struct model *m, const struct probe *p)
{
    return p->set && p->due <= m->target &&
           (!p->was_past || p->order <= m->advance_began);
}

static void on_timer(struct timer *t, void *ctx)
{
    struct probe *p = container_of(t, struct probe, timer), *other;
    struct model *m = ctx;
    bool in_order = true;

    ck_assert(p->set);
    ck_assert(!timer_is_set(t));
    ck_assert_int_le(p->due, m->target);
    for (int i = 0; i < TIMERS; i++) {
        other = &m->probes[i];
        if (other != p && runs_now(m, other) && !before(p, other))
            in_order = false;
    }
    ck_assert(in_order);
    p->set = false;
    m->runs++;
    if (p->again_ms != 0)
        probe_set(m, p, m->wheel.now + (p->again_ms > 0 ? p->again_ms : 0));
    other = &m->probes[rng_below(&m->rng, TIMERS)];
    if (rng_below(&m->rng, 10) == 0) { /* cancel a stranger meanwhile */
        timer_cancel(&m->wheel, &other->timer);
        other->set = false;
    }
}

static int64_t random_delay(struct rng *r)
{
    int bits = (int)rng_below(r, 36); /* beyond the coarsest level too */

    return (int64_t)rng_below(r, UINT64_C(1) << bits) -
           (rng_below(r, 8) == 0 ? 50 : 0);
}

static int64_t earliest(const struct model *m)
{
    int64_t least = INT64_MAX;

    for (int i = 0; i < TIMERS; i++) {
        if (m->probes[i].set && m->probes[i].due < least)
            least = m->probes[i].due;
    }
    return least;
}

static void check_next(struct model *m)
{
    int64_t next = wheel_next(&m->wheel), least = earliest(m);

    if (least == INT64_MAX)
        ck_assert_int_eq(next, INT64_MAX);
    else if (least <= m->wheel.now)
        ck_assert_int_le(next, m->wheel.now);
    else
        ck_assert(next <= least && next > m->wheel.now);
    if (least > m->wheel.now && least >> 6 == m->wheel.now >> 6)
        ck_assert_int_eq(next, least);
}

static void advance(struct model *m, int64_t to)
{
    bool agree = true;

    m->target = to;
    m->advance_began = m->order;
    wheel_advance(&m->wheel, to);
    ck_assert_int_eq(m->wheel.now, to);
    for (int i = 0; i < TIMERS; i++) {
        struct probe *p = &m->probes[i];

        agree = agree && timer_is_set(&p->timer) == p->set;
        if (p->set && p->due <= to) /* only those set too late */
            agree = agree && p->was_past && p->order > m->advance_began;
    }
    ck_assert(agree);
}

static void step(struct model *m)
{
    struct probe *p = &m->probes[rng_below(&m->rng, TIMERS)];

    switch (rng_below(&m->rng, 8)) {
    case 0:
        timer_cancel(&m->wheel, &p->timer);
        p->set = false;
        break;
    case 1:
        advance(m, m->wheel.now + (int64_t)rng_below(&m->rng, 200));
        break;
    case 2:
        if (rng_below(&m->rng, 4) == 0)
            advance(m, m->wheel.now + random_delay(&m->rng) / 64 + 50);
        break;
    default:
        p->again_ms = -(int64_t)(rng_below(&m->rng, 16) == 0); /* at once */
        if (rng_below(&m->rng, 3) == 0)
            p->again_ms = 1000000 + random_delay(&m->rng);
        probe_set(m, p, m->wheel.now + random_delay(&m->rng));
    }
    check_next(m);
}

static void run_model(uint64_t seed, int64_t start)
{
    static struct model m;

    m = (struct model){0};
    rng_init_seeded(&m.rng, seed);
    wheel_init(&m.wheel, start, &m);
    for (int i = 0; i < TIMERS; i++)
        timer_init(&m.probes[i].timer, on_timer);
    for (int i = 0; i < 2500; i++)
        step(&m);
    ck_assert_int_gt(m.runs, 1000);
}

START_TEST(does_what_a_model_does)
{
    for (uint64_t seed = 1; seed <= 8; seed++)
        run_model(seed, (int64_t)seed * 123456789);
}
END_TEST

START_TEST(start_may_be_anything)
{
    run_model(101, 0);
    run_model(102, -100000);
    run_model(103, (INT64_C(1) << 30) - 1);
    run_model(104, INT64_C(1) << 52);
}
END_TEST

struct trace {
    struct timer timer;
    char name;
};

static char trace[64];
static size_t trace_len;

static void on_trace(struct timer *t, void *ctx)
{
    trace[trace_len++] = container_of(t, struct trace, timer)->name;
    trace[trace_len] = '\0';
}

/* Equal times run in order of setting, from whatever distance they were
 * set. */
START_TEST(equal_times_keep_their_order)
{
    struct trace timers[6];
    struct wheel w;

    wheel_init(&w, 0, NULL);
    trace_len = 0;
    for (int i = 0; i < 6; i++) {
        timer_init(&timers[i].timer, on_trace);
        timers[i].name = (char)('a' + i);
    }
    timer_set(&w, &timers[0].timer, 300000);
    wheel_advance(&w, 200000);
    timer_set(&w, &timers[1].timer, 300000);
    wheel_advance(&w, 299000);
    timer_set(&w, &timers[2].timer, 300000);
    wheel_advance(&w, 299999);
    timer_set(&w, &timers[3].timer, 300000);
    timer_set(&w, &timers[4].timer, 300001);
    timer_set(&w, &timers[5].timer, 10);     /* past: first of all */
    timer_set(&w, &timers[0].timer, 300000); /* moved: last of its time */
    wheel_advance(&w, 300001);
    ck_assert_str_eq(trace, "fbcdae");
}
END_TEST

START_TEST(last_possible_time)
{
    struct trace t = {.name = 'x'};
    struct wheel w;

    wheel_init(&w, 5, NULL);
    trace_len = 0;
    trace[0] = '\0';
    ck_assert_int_eq(wheel_next(&w), INT64_MAX);
    timer_init(&t.timer, on_trace);
    timer_set(&w, &t.timer, INT64_MAX);
    ck_assert_int_gt(wheel_next(&w), 5);
    wheel_advance(&w, INT64_C(1) << 40);
    ck_assert_uint_eq(trace_len, 0);
    timer_cancel(&w, &t.timer);
    timer_cancel(&w, &t.timer);
    ck_assert_int_eq(wheel_next(&w), INT64_MAX);
}
END_TEST

SUITE("timer", does_what_a_model_does, start_may_be_anything,
      equal_times_keep_their_order, last_possible_time)
