/* Faults that are known against the engine's accounting: markers, windows,
 * ledgers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "hist.h"
#include "ledger.h"
#include "marker.h"
#include "schedule.h"
#include "selftest.h"
#include "window.h"

#define STREAMS 50
#define RUN 0x5e1f7e57
#define BODY 120
#define LONGEST 300 /* places that a message may be late: beyond a window */

struct selftest_check *selftest_add(struct selftest *t, const char *what,
                                    double expected, double found,
                                    double tolerance, double slack)
{
    struct selftest_check *c = &t->checks[t->n];

    if (t->n < SELFTEST_CHECKS - 1)
        t->n++;
    memset(c, 0, sizeof(*c));
    snprintf(c->what, sizeof(c->what), "%s", what);
    c->expected = expected;
    c->found = found;
    c->tolerance = tolerance;
    c->slack = slack;
    c->well = fabs(found - expected) <= fabs(expected) * tolerance + slack;
    t->failed += !c->well;
    return c;
}

/* ---- accounting ---- */

struct faults {
    int64_t lost, twice, late, changed;
};

struct receiver {
    struct window windows[STREAMS];
    struct holes holes;
    struct faults found;
};

/* A message kept back, to come after its successors. */
struct held {
    bool any;
    uint32_t seq, until;
    char body[BODY];
};

static void receive(struct receiver *r, uint32_t stream, const char *body)
{
    struct marker m;

    if (marker_read(span_make(body, BODY), &m) < 0 || m.run != RUN ||
        m.stream != stream) {
        r->found.changed++;
        return;
    }
    switch (window_take(&r->windows[stream], stream, m.seq, &r->holes)) {
    case ARRIVED_LATE:
        r->found.late++;
        break;
    case ARRIVED_TWICE:
        r->found.twice++;
        break;
    default:
        break;
    }
}

/* Any byte in which a marker or its filling stands, to any other value. */
static void change(char *body, struct rng *rng)
{
    size_t at = 9 + (size_t)rng_below(rng, BODY - 11);
    char other = (char)('A' + rng_below(rng, 26));

    body[at] = body[at] == other ? (char)(other ^ 1) : other;
}

struct sender {
    struct receiver *to;
    struct faults put;
    struct held held[STREAMS];
    struct rng rng;
    double each;
};

static void let_go(struct sender *s, uint32_t stream)
{
    struct held *h = &s->held[stream];

    if (!h->any)
        return;
    h->any = false;
    receive(s->to, stream, h->body);
    s->put.late++;
}

static void hold(struct sender *s, uint32_t stream, uint32_t seq,
                 const char *body)
{
    struct held *h = &s->held[stream];

    h->any = true;
    h->seq = seq;
    h->until = seq + 1 + (uint32_t)rng_below(&s->rng, LONGEST);
    memcpy(h->body, body, BODY);
}

/* One message on its way, with at most one fault. `last`: nothing follows in
 * this stream, so that nothing can overtake it. */
static void pass(struct sender *s, uint32_t stream, uint32_t seq, bool last)
{
    double dice = rng_unit(&s->rng) / s->each;
    struct held *h = &s->held[stream];
    struct marker m = {.run = RUN, .stream = stream, .seq = seq};
    char body[BODY];

    marker_write(body, BODY, &m);
    if (dice < 1) {
        s->put.lost++;
    } else if (dice < 2) {
        receive(s->to, stream, body);
        receive(s->to, stream, body);
        s->put.twice++;
    } else if (dice < 3 && !h->any && !last) {
        hold(s, stream, seq, body);
    } else if (dice < 4 && dice >= 3) {
        change(body, &s->rng);
        receive(s->to, stream, body);
        s->put.changed++;
    } else {
        receive(s->to, stream, body);
        /* It was overtaken for certain: by one that came. */
        if (h->any && (seq >= h->until || last))
            let_go(s, stream);
    }
}

static int64_t missing(struct receiver *r, uint32_t last)
{
    int64_t n = 0;

    for (uint32_t i = 0; i < STREAMS; i++)
        for (uint32_t at = 1;
             at != 0 && at <= last &&
             (at = window_missing(&r->windows[i], i, &r->holes, at, last)) != 0;
             at++)
            n++;
    return n;
}

void selftest_accounting(struct selftest *t, int64_t messages, double each,
                         uint64_t seed)
{
    struct receiver *r = mem_alloc(sizeof(*r));
    struct sender *s = mem_alloc(sizeof(*s));
    uint32_t last = (uint32_t)(messages / STREAMS);

    s->to = r;
    s->each = each;
    rng_init_seeded(&s->rng, seed);
    for (int i = 0; i < STREAMS; i++)
        window_init(&r->windows[i]);
    for (uint32_t seq = 1; seq <= last; seq++)
        for (uint32_t i = 0; i < STREAMS; i++)
            pass(s, i, seq, seq == last);
    for (uint32_t i = 0; i < STREAMS; i++)
        let_go(s, i);
    selftest_add(t, "accounting: lost or changed, missing at the end",
                 (double)(s->put.lost + s->put.changed),
                 (double)missing(r, last), 0, 0);
    selftest_add(t, "accounting: twice", (double)s->put.twice,
                 (double)r->found.twice, 0, 0);
    selftest_add(t, "accounting: out of order", (double)s->put.late,
                 (double)r->found.late, 0, 0);
    selftest_add(t, "accounting: changed", (double)s->put.changed,
                 (double)r->found.changed, 0, 0);
    holes_release(&r->holes);
    free(r);
    free(s);
}

/* ---- histograms and schedules ---- */

static void check_hist(struct selftest *t)
{
    struct hist h;

    hist_init(&h, 1000, UINT64_C(60000000000), 3);
    for (uint64_t i = 1; i <= 100000; i++)
        hist_add(&h, i * 10000);
    selftest_add(t, "histogram: p50 of 10 us .. 1 s", 5e8,
                 (double)hist_at(&h, 0.5), 0.001, 0)
        ->is_time = true;
    selftest_add(t, "histogram: p99.9", 9.99e8, (double)hist_at(&h, 0.999),
                 0.001, 0)
        ->is_time = true;
    selftest_add(t, "histogram: max", 1e9, (double)h.max, 0, 0)->is_time = true;
    hist_release(&h);
}

/* Slots of n seconds, and how often two of them lie nearer than a mean
 * distance: 1 - 1/e of a Poisson process, none of a constant one. */
static void check_schedule(struct selftest *t, enum arrivals kind,
                           double nearer, uint64_t seed)
{
    struct traffic traffic = {.arrivals = kind};
    struct schedule s;
    struct rng rng;
    int64_t slots = 0, near = 0;
    uint64_t last = 0;
    char what[64];

    rng_init_seeded(&rng, seed);
    schedule_init(&s, &traffic, 1000, 0, 0, UINT64_MAX, &rng);
    while (schedule_due(&s) < UINT64_C(200000000000)) {
        near += slots > 0 && schedule_due(&s) - last < 990000;
        last = schedule_due(&s);
        slots++;
        schedule_step(&s);
    }
    snprintf(what, sizeof(what), "schedule: %s, slots in 200 s",
             kind == ARRIVE_POISSON ? "poisson" : "constant");
    selftest_add(t, what, 200000, (double)slots, 0.01, 1);
    snprintf(what, sizeof(what), "schedule: %s, share of short gaps",
             kind == ARRIVE_POISSON ? "poisson" : "constant");
    selftest_add(t, what, nearer, (double)near / (double)slots, 0.02, 0.001);
}

/* Every number has a fate, and the fates add up. */
static void check_ledger(struct selftest *t, uint64_t seed)
{
    static const uint8_t fates[] = {FATE_ACKED, FATE_ACKED, FATE_REFUSED,
                                    FATE_UNKNOWN};
    double put[4] = {0}, found[4] = {0};
    struct ledger l;
    struct rng rng;

    rng_init_seeded(&rng, seed);
    ledger_init(&l);
    for (uint32_t i = 1; i <= 2000; i++) {
        uint8_t fate = fates[rng_below(&rng, i < 1900 ? 3 : 4)];

        ledger_add(&l, i, BODY);
        ledger_wrote(&l);
        ledger_at(&l, i)->fate = fate;
        put[fate]++;
        ledger_settle(&l, false, false);
    }
    for (uint32_t i = 1; i <= 2000; i++)
        found[ledger_fate(&l, i)]++;
    selftest_add(t, "ledger: acknowledged", put[FATE_ACKED], found[FATE_ACKED],
                 0, 0);
    selftest_add(t, "ledger: refused", put[FATE_REFUSED], found[FATE_REFUSED],
                 0, 0);
    selftest_add(t, "ledger: without an answer", put[FATE_UNKNOWN],
                 found[FATE_UNKNOWN], 0, 0);
    ledger_release(&l);
}

void selftest_instruments(struct selftest *t, uint64_t seed)
{
    check_hist(t);
    check_schedule(t, ARRIVE_CONSTANT, 0, seed);
    check_schedule(t, ARRIVE_POISSON, 1 - exp(-0.99), seed);
    check_ledger(t, seed);
}
