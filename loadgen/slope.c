#include "slope.h"

#include "base/error.h"
#include "planner.h"

#define PARTS 60
#define LEAST_ROWS 20
#define TEN_MINUTES 600.0

const char *slope_name(enum slope_of_what w)
{
    static const char *const names[SLOPES] = {"slope.rss", "slope.fds",
                                              "slope.tcp", "slope.e2e"};

    return names[w];
}

static double value_of(const struct second *s, enum slope_of_what w)
{
    switch (w) {
    case SLOPE_RSS:
        return (double)s->srv_rss;
    case SLOPE_FDS:
        return (double)s->srv_fds;
    case SLOPE_TCP:
        return (double)s->kernel_tcp;
    default:
        return s->q[METRIC_E2E].count > 0 ? (double)s->q[METRIC_E2E].p99 : -1;
    }
}

struct parts {
    double x[PARTS], y[PARTS], n[PARTS];
};

/* ms where the second half of the measured phase begins. */
static int64_t middle(const struct collect *c)
{
    int64_t first = -1, last = -1;

    for (int i = 0; i < c->nseconds; i++) {
        const struct second *s = &c->seconds[i];

        if (s->phase != PHASE_MEASURE)
            continue;
        first = first < 0 ? s->at_ms : first;
        last = s->at_ms;
    }
    return first + (last - first) / 2;
}

static bool counts(const struct second *s, enum slope_of_what w, int64_t from)
{
    return s->phase == PHASE_MEASURE && s->at_ms >= from && value_of(s, w) >= 0;
}

/* The rows that know the value; -1: too few. */
static int cut(struct parts *p, const struct collect *c, enum slope_of_what w)
{
    int64_t first = -1, last = -1, from = middle(c);
    int rows = 0, parts;

    for (int i = 0; i < c->nseconds; i++) {
        const struct second *s = &c->seconds[i];

        if (!counts(s, w, from))
            continue;
        first = first < 0 ? s->at_ms : first;
        last = s->at_ms;
        rows++;
    }
    if (rows < LEAST_ROWS || last <= first)
        return -1;
    parts = rows / 5 < PARTS ? rows / 5 : PARTS;
    for (int i = 0; i < c->nseconds; i++) {
        const struct second *s = &c->seconds[i];
        int k;

        if (!counts(s, w, from))
            continue;
        k = (int)((s->at_ms - first) * parts / (last - first + 1));
        p->x[k] += (double)s->at_ms / 1000;
        p->y[k] += value_of(s, w);
        p->n[k]++;
    }
    return parts;
}

int slope_growth(const struct collect *c, enum slope_of_what w, double *growth)
{
    struct parts p = {0};
    struct band b;
    double mean = 0;
    int parts = cut(&p, c, w), n = 0;

    if (parts < 0)
        return -CF_LIMIT;
    for (int k = 0; k < parts; k++) {
        if (p.n[k] == 0)
            continue;
        p.x[n] = p.x[k] / p.n[k];
        p.y[n] = p.y[k] / p.n[k];
        mean += p.y[n++];
    }
    if (n < 3 || !slope_of(p.x, p.y, n, &b))
        return -CF_LIMIT;
    mean /= n;
    *growth = 0;
    if ((b.low > 0 || b.high < 0) && mean > 0)
        *growth = b.mid * TEN_MINUTES / mean;
    return 0;
}
