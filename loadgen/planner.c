#include "planner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FRAME                                                                \
    90.0           /* bytes of a message's frame and packet, beside the body \
                    */
#define BEAT 140.0 /* bytes of a heartbeat and its answer, with headers */
#define DAY 86400.0

const char *cost_name(enum cost c)
{
    static const char *const names[COSTS] = {"conn",    "connect", "heartbeat",
                                             "message", "copy",    "notice",
                                             "catchup", "hop",     "disk"};

    return names[c];
}

const char *cost_unit(enum cost c)
{
    return c == COST_CONN || c == COST_DISK ? "bytes" : "us";
}

const char *resource_name(enum resource r)
{
    static const char *const names[RESOURCES] = {
        "CPU", "memory", "network", "disk", "durable writes", "descriptors"};

    return names[r];
}

void demand_defaults(struct plan_demand *d)
{
    *d = (struct plan_demand){.users = 1e7,
                              .online = 0.3,
                              .messages = 50,
                              .peak = 2.5,
                              .body = 1024,
                              .copies = 3,
                              .heartbeat_s = 30,
                              .sessions = 8,
                              .viewers = 5,
                              .offline = 0.3,
                              .days = 365,
                              .replicas = 3};
}

void node_defaults(struct plan_node *n)
{
    *n = (struct plan_node){.cores = 16,
                            .memory = 64e9,
                            .nic = 1.25e9,
                            .disk = 4e12,
                            .syncs = 64000,
                            .fds = 1e6,
                            .target = 0.6};
}

/* ---- demand ---- */

/* Core-seconds a second, with each cost at low, mid or high. */
static double cpu_with(const struct cost_vector *v, const struct plan_answer *a,
                       const struct plan_demand *d, double at)
{
    double us[COSTS];

    for (int i = 0; i < COSTS; i++) {
        const struct band *b = &v->items[i];

        us[i] = at < 0 ? b->low : at > 0 ? b->high : b->mid;
    }
    return (a->messages_s * us[COST_MESSAGE] +
            a->copies_s * (1 - d->offline) *
                (us[COST_COPY] + a->cross * us[COST_HOP]) +
            a->copies_s * d->offline * us[COST_CATCHUP] +
            a->heartbeats_s * us[COST_HEARTBEAT] +
            a->connects_s * us[COST_CONNECT] +
            2 * a->connects_s * d->viewers * us[COST_NOTICE]) /
           1e6;
}

static void flows(struct plan_answer *a, const struct plan_demand *d)
{
    double mean = d->users * d->messages / DAY;

    a->conns = d->users * d->online;
    a->messages_s = mean * d->peak;
    a->copies_s = a->messages_s * d->copies;
    a->heartbeats_s = a->conns / d->heartbeat_s;
    a->connects_s = d->users * d->sessions / DAY * d->peak;
}

static struct band same(double v)
{
    return (struct band){v, v, v};
}

static void demands(struct plan_answer *a, const struct cost_vector *v,
                    const struct plan_demand *d)
{
    const struct band *conn = &v->items[COST_CONN],
                      *disk = &v->items[COST_DISK];
    double row = a->messages_s;

    a->demand[RESOURCE_CPU] = (struct band){
        cpu_with(v, a, d, -1), cpu_with(v, a, d, 0), cpu_with(v, a, d, 1)};
    a->demand[RESOURCE_MEMORY] = (struct band){
        a->conns * conn->low, a->conns * conn->mid, a->conns * conn->high};
    /* In, out to each reader, and once more for copies between nodes. */
    a->demand[RESOURCE_NIC] = same(
        (a->messages_s + a->copies_s * (1 + a->cross)) * (d->body + FRAME) +
        a->heartbeats_s * BEAT);
    a->bytes_day = d->users * d->messages * (d->body + disk->mid) * d->replicas;
    a->bytes_kept = a->bytes_day * d->days;
    a->demand[RESOURCE_DISK] = (struct band){
        d->users * d->messages * (d->body + disk->low) * d->replicas * d->days,
        a->bytes_kept,
        d->users * d->messages * (d->body + disk->high) * d->replicas *
            d->days};
    a->demand[RESOURCE_SYNC] = same(row * d->replicas);
    a->demand[RESOURCE_FDS] = same(a->conns);
}

/* ---- nodes ---- */

static double capacity_of(const struct plan_node *n, enum resource r)
{
    const double all[RESOURCES] = {n->cores, n->memory, n->nic,
                                   n->disk,  n->syncs,  n->fds};

    return all[r] * n->target;
}

static void nodes_of(struct plan_answer *a, const struct plan_node *n)
{
    a->total = same(1);
    a->binds = RESOURCE_CPU;
    for (int r = 0; r < RESOURCES; r++) {
        double one = capacity_of(n, (enum resource)r);
        struct band *b = &a->nodes[r];

        *b = (struct band){ceil(a->demand[r].low / one),
                           ceil(a->demand[r].mid / one),
                           ceil(a->demand[r].high / one)};
        if (b->mid > a->total.mid)
            a->binds = (enum resource)r;
        a->total.low = fmax(a->total.low, b->low);
        a->total.mid = fmax(a->total.mid, b->mid);
        a->total.high = fmax(a->total.high, b->high);
    }
}

/* When one node is lost its clients connect again to the rest, with the CPU
 * that is left above the load. */
static double back_after(const struct plan_answer *a,
                         const struct cost_vector *v, const struct plan_node *n,
                         double all)
{
    double work = a->conns / all * v->items[COST_CONNECT].mid / 1e6;
    double left = (all - 1) * n->cores - a->demand[RESOURCE_CPU].mid;

    return left > 0 ? work / left : INFINITY;
}

static void spare_of(struct plan_answer *a, const struct cost_vector *v,
                     const struct plan_node *n, double spare, double within_s)
{
    a->spare = spare;
    while (a->spare < a->total.mid + 1000 &&
           back_after(a, v, n, a->total.mid + a->spare) > within_s)
        a->spare++;
    a->all = a->total.mid + a->spare;
    a->back_s = back_after(a, v, n, a->all);
}

void plan_solve(struct plan_answer *a, const struct cost_vector *v,
                const struct plan_demand *d, const struct plan_node *n,
                double spare, double within_s)
{
    double before = 0;

    memset(a, 0, sizeof(*a));
    flows(a, d);
    /* More nodes, more copies that cross: a fixed point, soon reached. */
    for (int i = 0; i < 50 && (i == 0 || a->total.mid != before); i++) {
        before = a->total.mid;
        a->cross = a->total.mid > 1 ? 1 - 1 / a->total.mid : 0;
        demands(a, v, d);
        nodes_of(a, n);
    }
    spare_of(a, v, n, spare, within_s);
}

double plan_predict_cpu(const struct cost_vector *v, double messages_s,
                        double copies_s, double heartbeats_s, double connects_s,
                        int nodes)
{
    double cross = 1 - 1.0 / nodes;

    return (messages_s * v->items[COST_MESSAGE].mid +
            copies_s *
                (v->items[COST_COPY].mid + cross * v->items[COST_HOP].mid) +
            heartbeats_s * v->items[COST_HEARTBEAT].mid +
            connects_s * v->items[COST_CONNECT].mid) /
           1e4;
}

/* ---- slopes ---- */

/* Student's t for 95 %, two-sided, by degrees of freedom 1 .. 10. */
static double student(int freedom)
{
    static const double t[] = {12.706, 4.303, 3.182, 2.776, 2.571,
                               2.447,  2.365, 2.306, 2.262, 2.228};

    return freedom <= 10 ? t[freedom - 1] : 2.0;
}

bool slope_of(const double *x, const double *y, int n, struct band *b)
{
    double mx = 0, my = 0, sxx = 0, sxy = 0, rest = 0, error;

    for (int i = 0; i < n; i++) {
        mx += x[i] / n;
        my += y[i] / n;
    }
    for (int i = 0; i < n; i++) {
        sxx += (x[i] - mx) * (x[i] - mx);
        sxy += (x[i] - mx) * (y[i] - my);
    }
    if (sxx <= 0 || n < 3)
        return false;
    b->mid = sxy / sxx;
    for (int i = 0; i < n; i++)
        rest += pow(y[i] - my - b->mid * (x[i] - mx), 2);
    error = student(n - 2) * sqrt(rest / (n - 2) / sxx);
    b->low = b->mid - error;
    b->high = b->mid + error;
    return true;
}
