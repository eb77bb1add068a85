#include "planner_measure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "commands.h"
#include "doctor.h"

#define USERS 3000

/* One short run, one number of it varied. */
struct trial {
    const char *what, *text, *key, *unit;
    double points[MEASURE_POINTS];
};

static const struct trial trials[] = {
    {"idle connections",
     "[users]\ncount = 3000\nconnect_rate = '2k/s'\nheartbeat = '1s'\n"
     "[phases]\nsettle = '1s'\nmeasure = '5s'\ndrain = '1s'\n",
     "users.count",
     "",
     {400, 900, 1700, 3000}},
    {"direct messages",
     "[users]\ncount = 200\nconnect_rate = '500/s'\n"
     "[[traffic]]\nkind = 'direct'\nbody = { bytes = 200 }\n"
     "receipts = ['delivered']\n"
     "[phases]\nsettle = '1s'\nmeasure = '5s'\ndrain = '3s'\n",
     "traffic.0.rate",
     "/s",
     {200, 500, 900, 1500}},
    {"groups of 50",
     "[users]\ncount = 200\nconnect_rate = '500/s'\n"
     "[[traffic]]\nkind = 'group'\nmembers = 50\ngroups = 4\n"
     "body = { bytes = 200 }\nreceipts = ['delivered']\n"
     "[phases]\nsettle = '1s'\nmeasure = '5s'\ndrain = '3s'\n",
     "traffic.0.rate",
     "/s",
     {10, 30, 60, 100}},
    {"connects",
     "[users]\ncount = 1000\nconnect_rate = '500/s'\n"
     "[churn]\nsession = '2s'\nconnects = 1\n"
     "[phases]\nsettle = '1s'\nmeasure = '5s'\ndrain = '1s'\n",
     "churn.connects",
     "/s",
     {30, 80, 150, 250}},
};

enum { IDLE, DIRECT, GROUP, CONNECTS };

/* What a run says of the server: means of the measured seconds, a second. */
struct reading {
    double cpu, rss, messages, copies, heartbeats, connects;
};

static void read_run(struct reading *out, const struct collect *c)
{
    double seconds = (double)c->phase_ms[PHASE_MEASURE] / 1000, cpu = 0;
    int64_t before = 0, length;
    int n = 0;

    memset(out, 0, sizeof(*out));
    for (int i = 0; i < c->nseconds; before = c->seconds[i++].at_ms) {
        const struct second *s = &c->seconds[i];

        length = s->at_ms - before;
        if (s->phase != PHASE_MEASURE)
            continue;
        out->messages += (double)s->counts[COUNT_ACKED];
        out->copies += (double)s->counts[COUNT_COPIES];
        out->heartbeats += (double)s->counts[COUNT_HB];
        out->connects += (double)s->counts[COUNT_CONNECTS];
        out->rss = s->srv_rss > 0 ? (double)s->srv_rss : out->rss;
        if (length < 500 || s->srv_cpu < 0)
            continue; /* the short row at the end of a phase */
        cpu += s->srv_cpu;
        n++;
    }
    out->cpu = n > 0 ? cpu / n : 0;
    if (seconds <= 0)
        return;
    out->messages /= seconds;
    out->copies /= seconds;
    out->heartbeats /= seconds;
    out->connects /= seconds;
}

static int attempt(struct run_state *r, const struct trial *t, double x,
                   struct reading *out)
{
    struct error err = {0};
    char set[64];
    const char *sets[1] = {set};
    int rc;

    snprintf(set, sizeof(set), "%s=%.0f%s", t->key, x, t->unit);
    if (scenario_parse(&r->scenario, t->what, span_of(t->text), sets, 1, &err) <
        0)
        return load_fail_error(NULL, &err);
    collect_release(&r->collect);
    rc = run_new_accounts(r);
    if (rc == 0)
        rc = run_engine(r);
    if (rc != 0)
        return rc;
    if (run_interrupted())
        return LOAD_STOPPED;
    read_run(out, &r->collect);
    return 0;
}

static int open_server(struct run_state *r, const char *server,
                       const char *nodes)
{
    static char command[512];

    snprintf(command, sizeof(command), "%s --nodes %s", server, nodes);
    r->args.target.server = command;
    r->args.quiet = true;
    r->args.io = "auto";
    r->nthresholds = 0;
    memset(&r->scenario, 0, sizeof(r->scenario));
    r->scenario.users.count = USERS;
    snprintf(r->scenario.name, sizeof(r->scenario.name), "plan");
    snprintf(r->scenario.users.source_ips, sizeof(r->scenario.users.source_ips),
             "127.1.0.0/16");
    return run_open(r);
}

/* A band of us (CPU percent a unit a second x 10^4), never below 0. */
static void cpu_band(struct band *out, const struct band *slope)
{
    out->low = fmax(0, slope->low * 1e4);
    out->mid = fmax(0, slope->mid * 1e4);
    out->high = fmax(out->mid, slope->high * 1e4);
}

static void take_idle(struct cost_vector *v, const struct reading *p,
                      const double *x)
{
    double rss[MEASURE_POINTS], cpu[MEASURE_POINTS], beats[MEASURE_POINTS];
    struct band b;

    for (int i = 0; i < MEASURE_POINTS; i++) {
        rss[i] = p[i].rss;
        cpu[i] = p[i].cpu;
        beats[i] = p[i].heartbeats;
    }
    if (slope_of(x, rss, MEASURE_POINTS, &b) && b.mid > 0)
        v->items[COST_CONN] = (struct band){
            fmax(0, b.low) + DOCTOR_KERNEL_BYTES, b.mid + DOCTOR_KERNEL_BYTES,
            b.high + DOCTOR_KERNEL_BYTES};
    if (slope_of(beats, cpu, MEASURE_POINTS, &b))
        cpu_band(&v->items[COST_HEARTBEAT], &b);
}

/* A message to one and a message to 49 others: two equations. */
static void take_messages(struct cost_vector *v, const struct reading *one,
                          const struct reading *many)
{
    double x[2][MEASURE_POINTS], y[2][MEASURE_POINTS];
    struct band direct, group, copy, message;

    for (int i = 0; i < MEASURE_POINTS; i++) {
        x[0][i] = one[i].messages;
        y[0][i] = one[i].cpu;
        x[1][i] = many[i].messages;
        y[1][i] = many[i].cpu;
    }
    if (!slope_of(x[0], y[0], MEASURE_POINTS, &direct) ||
        !slope_of(x[1], y[1], MEASURE_POINTS, &group))
        return;
    copy.mid = (group.mid - direct.mid) / 48;
    copy.low = (group.low - direct.high) / 48;
    copy.high = (group.high - direct.low) / 48;
    message.mid = direct.mid - copy.mid;
    message.low = direct.low - copy.high;
    message.high = direct.high - copy.low;
    cpu_band(&v->items[COST_COPY], &copy);
    cpu_band(&v->items[COST_MESSAGE], &message);
}

static void take_connects(struct cost_vector *v, const struct reading *p)
{
    double x[MEASURE_POINTS], y[MEASURE_POINTS];
    struct band b;

    for (int i = 0; i < MEASURE_POINTS; i++) {
        x[i] = p[i].connects;
        y[i] = p[i].cpu;
    }
    if (slope_of(x, y, MEASURE_POINTS, &b))
        cpu_band(&v->items[COST_CONNECT], &b);
}

/* What a copy costs more when it may be for another node: half of them are
 * when there are two. */
static void take_hop(struct cost_vector *v, const struct reading *one,
                     const struct reading *two)
{
    double x[2][MEASURE_POINTS], y[2][MEASURE_POINTS];
    struct band near, far, hop;

    for (int i = 0; i < MEASURE_POINTS; i++) {
        x[0][i] = one[i].copies;
        y[0][i] = one[i].cpu;
        x[1][i] = two[i].copies;
        y[1][i] = two[i].cpu;
    }
    if (!slope_of(x[0], y[0], MEASURE_POINTS, &near) ||
        !slope_of(x[1], y[1], MEASURE_POINTS, &far))
        return;
    hop.mid = 2 * (far.mid - near.mid);
    hop.low = 2 * (far.low - near.high);
    hop.high = 2 * (far.high - near.low);
    cpu_band(&v->items[COST_HOP], &hop);
}

static void tell_reading(const char *what, int i, const struct reading *p)
{
    fprintf(stderr,
            "%s, %d of %d: %.0f messages/s, %.0f copies/s, %.0f "
            "heartbeats/s, %.0f connects/s, server %.1f%% of a core\n",
            what, i + 1, MEASURE_POINTS, p->messages, p->copies, p->heartbeats,
            p->connects, p->cpu);
}

static int all_points(struct run_state *r, const struct trial *t,
                      struct reading *p)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < MEASURE_POINTS; i++) {
        rc = attempt(r, t, t->points[i], &p[i]);
        if (rc == 0)
            tell_reading(t->what, i, &p[i]);
    }
    return rc;
}

int plan_measure(struct run_state *r, const char *server, struct cost_vector *v)
{
    struct reading p[COUNT_OF(trials)][MEASURE_POINTS] = {{{0}}},
                   two[MEASURE_POINTS] = {{0}};
    int rc = open_server(r, server, "1");

    for (size_t t = 0; rc == 0 && t < COUNT_OF(trials); t++)
        rc = all_points(r, &trials[t], p[t]);
    target_close(&r->target);
    if (rc == 0)
        rc = open_server(r, server, "2");
    if (rc == 0) {
        fprintf(stderr, "two nodes:\n");
        rc = all_points(r, &trials[DIRECT], two);
    }
    target_close(&r->target);
    if (rc != 0)
        return rc;
    take_idle(v, p[IDLE], trials[IDLE].points);
    take_messages(v, p[DIRECT], p[GROUP]);
    take_connects(v, p[CONNECTS]);
    take_hop(v, p[DIRECT], two);
    snprintf(v->source, sizeof(v->source),
             "measured with %.40s; notice, catchup, disk: defaults", server);
    return 0;
}

int plan_check(struct run_state *r, const char *server,
               const struct cost_vector *v, double *predicted, double *measured)
{
    struct reading idle = {0}, busy = {0};
    int rc = open_server(r, server, "4");

    if (rc == 0)
        rc = attempt(r, &trials[DIRECT], trials[DIRECT].points[0], &idle);
    if (rc == 0)
        rc = attempt(r, &trials[DIRECT], trials[DIRECT].points[3], &busy);
    target_close(&r->target);
    if (rc != 0)
        return rc;
    /* Both differences, so that what an idle server takes is in neither. */
    *predicted = plan_predict_cpu(
        v, busy.messages - idle.messages, busy.copies - idle.copies,
        busy.heartbeats - idle.heartbeats, busy.connects - idle.connects, 4);
    *measured = busy.cpu - idle.cpu;
    return 0;
}
