/* Some seconds of the peak on a sample of the nodes: who has bad luck with its
 * place on the ring, how long messages wait there, and what happens to the
 * others when a node is lost. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "planner.h"

#define VIRTUAL 64         /* points on the ring for each node */
#define SIGMA 0.6          /* spread of service times, log-normal */
#define LENGTH 30.0        /* seconds that are simulated */
#define MOST_EVENTS 200000 /* of a node; beyond that a shorter time */
#define MOST_RING 20000    /* nodes placed one by one */
#define MOST_CORES 256

/* ---- placement ---- */

struct point {
    double at;
    int node;
};

static int by_place(const void *a, const void *b)
{
    double x = ((const struct point *)a)->at, y = ((const struct point *)b)->at;

    return x < y ? -1 : x > y;
}

/* Share of the ring that each node owns, times n: mean 1. */
static void place(double *shares, int n, struct rng *rng)
{
    size_t all = (size_t)n * VIRTUAL;
    struct point *ring = mem_array(all, sizeof(*ring));

    for (size_t i = 0; i < all; i++) {
        ring[i].at = rng_unit(rng);
        ring[i].node = (int)(i / VIRTUAL);
    }
    qsort(ring, all, sizeof(*ring), by_place);
    for (size_t i = 0; i < all; i++) {
        double before = i > 0 ? ring[i - 1].at : ring[all - 1].at - 1;

        shares[ring[i].node] += (ring[i].at - before) * n;
    }
    free(ring);
}

static int by_share(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x > y ? -1 : x < y;
}

/* ---- one node ---- */

struct work {
    double rate;       /* messages a second here */
    double us;         /* of CPU for each, mean */
    double other;      /* share of the cores taken by everything else */
    double connects_s; /* clients that come back, a second */
    double connect_us;
};

static double normal(struct rng *rng)
{
    double u = rng_unit(rng);

    return sqrt(-2 * log(u > 0 ? u : 1e-12)) *
           cos(2 * 3.14159265358979 * rng_unit(rng));
}

static double service(double mean_us, struct rng *rng)
{
    /* exp(m + s z) has mean exp(m + s^2 / 2). */
    return mean_us * exp(SIGMA * normal(rng) - SIGMA * SIGMA / 2) / 1e6;
}

/* The core that is free first. */
static int first_free(const double *free_at, int cores)
{
    int first = 0;

    for (int i = 1; i < cores; i++)
        if (free_at[i] < free_at[first])
            first = i;
    return first;
}

static void simulate_node(struct hist *h, const struct work *w, int cores,
                          struct rng *rng)
{
    double free_at[MOST_CORES] = {0};
    double all = w->rate + w->connects_s, t = 0;
    double length = LENGTH, slower = 1 / (1 - fmin(w->other, 0.98));

    if (all * length > MOST_EVENTS)
        length = MOST_EVENTS / all;
    while (all > 0 && (t -= log1p(-rng_unit(rng)) / all) < length) {
        bool connect = rng_unit(rng) * all < w->connects_s;
        int core = first_free(free_at, cores);
        double start = fmax(t, free_at[core]);

        free_at[core] =
            start + slower * service(connect ? w->connect_us : w->us, rng);
        if (!connect)
            hist_add(h, (uint64_t)((free_at[core] - t) * 1e9));
    }
}

/* ---- all ---- */

static void work_of(struct work *w, const struct plan_answer *a,
                    const struct cost_vector *v, const struct plan_demand *d,
                    const struct plan_node *n)
{
    double message =
        v->items[COST_MESSAGE].mid +
        d->copies * (1 - d->offline) *
            (v->items[COST_COPY].mid + a->cross * v->items[COST_HOP].mid);
    double cpu = a->demand[RESOURCE_CPU].mid / a->all / n->cores;

    memset(w, 0, sizeof(*w));
    w->rate = a->messages_s / a->all;
    w->us = message;
    w->other = fmax(0, cpu - w->rate * message / 1e6 / n->cores);
    w->connect_us = v->items[COST_CONNECT].mid;
}

/* The sample holds the fullest node, and others spread over the rest. */
static double share_of(const double *shares, int n, int sample, int i)
{
    return shares[sample > 1 ? (int)((double)i * (n - 1) / (sample - 1)) : 0];
}

void plan_simulate(struct plan_sim *s, const struct plan_answer *a,
                   const struct cost_vector *v, const struct plan_demand *d,
                   const struct plan_node *n, int sample, uint64_t seed)
{
    int nodes = a->all > MOST_RING ? MOST_RING : (int)a->all;
    int cores = n->cores > MOST_CORES ? MOST_CORES
                : n->cores < 1        ? 1
                                      : (int)n->cores;
    double *shares = mem_array((size_t)nodes, sizeof(*shares));
    double more = nodes > 1 ? (double)nodes / (nodes - 1) : 1;
    struct work base, w;
    struct rng rng;

    rng_init_seeded(&rng, seed);
    hist_init(&s->calm, 1000, UINT64_C(60000000000), 3);
    hist_init(&s->lost, 1000, UINT64_C(60000000000), 3);
    place(shares, nodes, &rng);
    qsort(shares, (size_t)nodes, sizeof(*shares), by_share);
    work_of(&base, a, v, d, n);
    s->worst_share = shares[0];
    s->nodes = sample < nodes ? sample : nodes;
    for (int i = 0; i < s->nodes; i++) {
        double share = share_of(shares, nodes, s->nodes, i);

        w = base;
        w.rate *= share;
        w.other *= share;
        /* The same chance for both, so that they can be compared. */
        rng_init_seeded(&rng, seed + (uint64_t)i);
        simulate_node(&s->calm, &w, cores, &rng);
        w.rate *= more;
        w.other *= more;
        /* Back within the time planned, spread over the others. */
        if (nodes > 1 && a->back_s > 0)
            w.connects_s = a->conns / a->all / fmax(a->back_s, 1) / (nodes - 1);
        rng_init_seeded(&rng, seed + (uint64_t)i);
        simulate_node(&s->lost, &w, cores, &rng);
    }
    free(shares);
}

void plan_sim_release(struct plan_sim *s)
{
    hist_release(&s->calm);
    hist_release(&s->lost);
}
