#include "planner_measure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "commands.h"
#include "doctor.h"

#define USERS 3000
#define POINTS 4
#define ROUNDS 2 /* of all, each with servers of its own */
#define READINGS (POINTS * ROUNDS)
#define MOST_DISTURBED (5 * READINGS / 4) /* of five times as many */

/* One short run, one number of it varied. */
struct trial {
    const char *what, *text, *key, *unit;
    double points[POINTS];
};

static const struct trial trials[] = {
    {"idle connections",
     "[users]\ncount = 3000\nconnect_rate = '2k/s'\nheartbeat = '1s'\n"
     "[phases]\nsettle = '1s'\nmeasure = '3s'\ndrain = '1s'\n",
     "users.count",
     "",
     {400, 900, 1700, 3000}},
    {"direct messages",
     "[users]\ncount = 200\nconnect_rate = '500/s'\n"
     "[[traffic]]\nkind = 'direct'\nbody = { bytes = 200 }\n"
     "receipts = ['delivered']\n"
     "[phases]\nsettle = '1s'\nmeasure = '3s'\ndrain = '3s'\n",
     "traffic.0.rate",
     "/s",
     {200, 500, 900, 1500}},
    {"groups of 50",
     "[users]\ncount = 200\nconnect_rate = '500/s'\n"
     "[[traffic]]\nkind = 'group'\nmembers = 50\ngroups = 4\n"
     "body = { bytes = 200 }\nreceipts = ['delivered']\n"
     "[phases]\nsettle = '1s'\nmeasure = '3s'\ndrain = '3s'\n",
     "traffic.0.rate",
     "/s",
     {10, 30, 60, 100}},
    {"connects",
     "[users]\ncount = 1000\nconnect_rate = '500/s'\n"
     "[churn]\nsession = '2s'\nconnects = 1\n"
     "[phases]\nsettle = '1s'\nmeasure = '3s'\ndrain = '1s'\n",
     "churn.connects",
     "/s",
     {30, 80, 150, 250}},
};

enum { IDLE, DIRECT, GROUP, CONNECTS };

/* Of each trial, all points, round by round; and of two nodes. */
struct readings {
    struct reading of[COUNT_OF(trials)][READINGS], two[READINGS];
    double points[READINGS]; /* of the idle connections */
    int disturbed;
};

/* ---- one run ---- */

static void read_run(struct reading *out, const struct collect *c)
{
    double all = 0;

    memset(out, 0, sizeof(*out));
    for (int i = 0; i < c->nseconds; i++) {
        const struct second *s = &c->seconds[i];
        double length = (double)collect_length(c, i) / 1000;

        if (s->phase != PHASE_MEASURE)
            continue;
        all += length;
        out->messages += (double)s->counts[COUNT_ACKED];
        out->copies += (double)s->counts[COUNT_COPIES];
        out->heartbeats += (double)s->counts[COUNT_HB];
        out->connects += (double)s->counts[COUNT_CONNECTS];
        out->rss = s->srv_rss > 0 ? (double)s->srv_rss : out->rss;
        out->cpu += s->srv_cpu * length;
        out->foreign += s->foreign_cpu * length;
    }
    if (all <= 0)
        return;
    out->messages /= all;
    out->copies /= all;
    out->heartbeats /= all;
    out->connects /= all;
    out->cpu /= all;
    out->foreign /= all;
}

int plan_attempt(struct run_state *r, const char *name, const char *text,
                 const char *const *sets, int n, struct reading *out)
{
    struct error err = {0};
    int rc;

    if (scenario_parse(&r->scenario, name, span_of(text), sets, n, &err) < 0)
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

int plan_open(struct run_state *r, const char *server, int nodes)
{
    static char command[512];

    snprintf(command, sizeof(command), "%.480s --nodes %d", server, nodes);
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

/* ---- costs ---- */

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
    double rss[READINGS], cpu[READINGS], beats[READINGS];
    struct band b;

    for (int i = 0; i < READINGS; i++) {
        rss[i] = p[i].rss;
        cpu[i] = p[i].cpu;
        beats[i] = p[i].heartbeats;
    }
    if (slope_of(x, rss, READINGS, &b) && b.mid > 0)
        v->items[COST_CONN] = (struct band){
            fmax(0, b.low) + DOCTOR_KERNEL_BYTES, b.mid + DOCTOR_KERNEL_BYTES,
            b.high + DOCTOR_KERNEL_BYTES};
    if (slope_of(beats, cpu, READINGS, &b))
        cpu_band(&v->items[COST_HEARTBEAT], &b);
}

/* CPU by what member at `what` of struct reading counts. */
static bool cpu_by(const struct reading *p, size_t what, struct band *b)
{
    double x[READINGS], y[READINGS];

    for (int i = 0; i < READINGS; i++) {
        x[i] = *(const double *)((const char *)&p[i] + what);
        y[i] = p[i].cpu;
    }
    return slope_of(x, y, READINGS, b);
}

/* A message to one and a message to 49 others: two equations. */
static void take_messages(struct cost_vector *v, const struct reading *one,
                          const struct reading *many)
{
    struct band direct, group, copy, message;

    if (!cpu_by(one, offsetof(struct reading, messages), &direct) ||
        !cpu_by(many, offsetof(struct reading, messages), &group))
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
    struct band b;

    if (cpu_by(p, offsetof(struct reading, connects), &b))
        cpu_band(&v->items[COST_CONNECT], &b);
}

/* What a copy costs more when it may be for another node: half of them are
 * when there are two. */
static void take_hop(struct cost_vector *v, const struct reading *one,
                     const struct reading *two)
{
    struct band near, far, hop;

    if (!cpu_by(one, offsetof(struct reading, copies), &near) ||
        !cpu_by(two, offsetof(struct reading, copies), &far))
        return;
    hop.mid = 2 * (far.mid - near.mid);
    hop.low = 2 * (far.low - near.high);
    hop.high = 2 * (far.high - near.low);
    cpu_band(&v->items[COST_HOP], &hop);
}

/* ---- all runs ---- */

static void tell_reading(const char *what, const struct reading *p)
{
    fprintf(stderr,
            "%s: %.0f messages/s, %.0f copies/s, %.0f heartbeats/s, %.0f "
            "connects/s, server %.1f%% of a core, others %.0f%%\n",
            what, p->messages, p->copies, p->heartbeats, p->connects, p->cpu,
            p->foreign);
}

/* A point that others disturbed is taken once more. */
static int one_point(struct run_state *r, const struct trial *t, double x,
                     struct reading *out)
{
    char set[64];
    const char *sets[] = {set};
    int rc;

    snprintf(set, sizeof(set), "%s=%.0f%s", t->key, x, t->unit);
    rc = plan_attempt(r, t->what, t->text, sets, 1, out);
    if (rc == 0)
        tell_reading(t->what, out);
    if (rc != 0 || out->foreign <= FOREIGN_MAX)
        return rc;
    rc = plan_attempt(r, t->what, t->text, sets, 1, out);
    if (rc == 0)
        tell_reading("  again", out);
    return rc;
}

static int all_points(struct run_state *r, const struct trial *t,
                      struct reading *p, int *disturbed)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < POINTS; i++) {
        rc = one_point(r, t, t->points[i], &p[i]);
        *disturbed += p[i].foreign > FOREIGN_MAX;
        if (rc == 0 && *disturbed > MOST_DISTURBED)
            rc = load_fail(LOAD_INVALID, "again when the machine is quiet",
                           "other programs had the CPU in %d runs: these are "
                           "not the server's costs",
                           *disturbed);
    }
    return rc;
}

static int one_round(struct run_state *r, const char *server,
                     struct readings *all, int at)
{
    int rc = plan_open(r, server, 1);

    for (size_t t = 0; rc == 0 && t < COUNT_OF(trials); t++)
        rc = all_points(r, &trials[t], &all->of[t][at], &all->disturbed);
    target_close(&r->target);
    if (rc == 0)
        rc = plan_open(r, server, 2);
    if (rc == 0) {
        fprintf(stderr, "two nodes:\n");
        rc = all_points(r, &trials[DIRECT], &all->two[at], &all->disturbed);
    }
    target_close(&r->target);
    memcpy(&all->points[at], trials[IDLE].points, sizeof(trials[IDLE].points));
    return rc;
}

int plan_measure(struct run_state *r, const char *server, struct cost_vector *v)
{
    static struct readings all;
    int rc = 0;

    memset(&all, 0, sizeof(all));
    for (int i = 0; rc == 0 && i < ROUNDS; i++) {
        fprintf(stderr, "round %d of %d\n", i + 1, ROUNDS);
        rc = one_round(r, server, &all, i * POINTS);
    }
    if (rc != 0)
        return rc;
    take_idle(v, all.of[IDLE], all.points);
    take_messages(v, all.of[DIRECT], all.of[GROUP]);
    take_connects(v, all.of[CONNECTS]);
    take_hop(v, all.of[DIRECT], all.two);
    snprintf(v->source, sizeof(v->source),
             "measured with %.40s; notice, catchup, disk: defaults", server);
    return 0;
}
