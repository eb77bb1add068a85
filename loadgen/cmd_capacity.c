#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/fetch.h"
#include "capacity_search.h"
#include "capacity_step.h"
#include "commands.h"
#include "doctor.h"
#include "report_text.h"
#include "run.h"
#include "scenario_value.h"

#define QUICK_MS                                                             \
    44000              /* of a quick search; connecting and draining besides \
                        */
#define EMPTY_MS 15000 /* at most, for a backlog to go */
#define IDLE_FACTOR 0.01

const struct option capacity_options[] = {
    RUN_TARGET_ROWS,
    RUN_SCENARIO_ROWS,
    {.name = "vary",
     .type = OPT_CHOICE,
     .arg = "WHAT",
     .preset = "rate",
     .choices = "rate|conns|members",
     .offset = RUN_AT(vary),
     .help = "what grows: rate, conns, members"},
    {.name = "slo",
     .type = OPT_LIST,
     .arg = "EXPR",
     .offset = RUN_AT(fails),
     .help = "what must hold: 'e2e.p99<100ms' (default: the times of the "
             "scenario's thresholds)"},
    {.name = "from",
     .type = OPT_TEXT,
     .arg = "X",
     .offset = RUN_AT(from),
     .help = "where to start (default: what the scenario says)"},
    {.name = "quick",
     .type = OPT_FLAG,
     .offset = RUN_AT(quick),
     .help = "within a minute: short steps in large strides"},
    {.name = "json",
     .type = OPT_TEXT,
     .arg = "FILE",
     .offset = RUN_AT(paths.json),
     .help = "the result with its curve, for report"},
    {.name = NULL},
};

enum where { AT_START, AT_SETTLE, AT_MEASURE, AT_EMPTY };

struct finder {
    struct run_state *r;
    struct search search;
    enum search_kind kind;
    struct capacity curve;
    struct capacity_step step;
    enum where where;
    int64_t since_ms, began_ms; /* of this part, of the whole */
    int64_t settle_ms, measure_ms, most_ms;
    double base, x; /* rate of the scenario; under trial */
    bool complete;
    int64_t room;  /* users that our own server was started for */
    int disturbed; /* steps that failed while others had the CPU */
    int few;       /* and that were too slow to be judged */
};

/* ---- a point of the curve ---- */

static void show_point(const struct finder *f, const struct capacity_point *p)
{
    if (f->r->args.quiet)
        return;
    live_end(&f->r->live);
    fprintf(stderr, "%s %s: %s/s, p99 %s, %s%s%s\n", f->curve.vary,
            show_rate(p->x), show_rate(p->achieved), show_ns((double)p->p99),
            p->pass ? "passes" : "fails", p->why[0] != '\0' ? ": " : "",
            p->why);
}

static void note_binds(struct finder *f, const struct capacity_point *p)
{
    const struct collect *c = &f->step.now;
    struct environment env;
    const char *binds;

    environment_read(&env);
    /* A run for each step is judged as a whole. */
    if (strcmp(f->curve.vary, "rate") != 0)
        c = &f->r->collect;
    binds = result_binds(c, NULL, env.cores);
    if (strcmp(p->why, "the generator was late") == 0)
        binds = "the generator";
    else if (strcmp(p->why, STEP_DISTURBED) == 0)
        binds = "other programs on this machine";
    else if (strncmp(binds, "nothing", 7) == 0)
        binds = "the tail: CPU to spare, but disk or neighbours are late";
    snprintf(f->curve.binds, sizeof(f->curve.binds), "%s", binds);
}

/* An eighth of the least time in the SLO is far from failing. */
static enum search_said said_of(const struct finder *f,
                                const struct capacity_point *p)
{
    double least = INFINITY;

    for (int i = 0; i < f->r->nthresholds; i++)
        if (f->r->thresholds[i].is_duration)
            least = fmin(least, f->r->thresholds[i].value);
    if (!p->pass)
        return p->hopeless ? SAID_HOPELESS : SAID_FAIL;
    return (double)p->p99 * 8 < least ? SAID_EASY : SAID_PASS;
}

static void add_point(struct finder *f, struct capacity_point *p)
{
    p->x = f->x;
    if (f->curve.npoints < RESULT_POINTS)
        f->curve.points[f->curve.npoints++] = *p;
    f->disturbed += strcmp(p->why, STEP_DISTURBED) == 0;
    f->few += strcmp(p->why, STEP_FEW) == 0;
    if (!p->pass)
        note_binds(f, p);
    show_point(f, p);
    search_tell(&f->search, said_of(f, p));
}

/* ---- rate: one run, its rates multiplied ---- */

static void enter(struct finder *f, enum where where, int64_t now)
{
    f->where = where;
    f->since_ms = now;
}

/* False: the search is over. */
static bool next_rate(struct finder *f, int64_t now)
{
    if (!search_next(&f->search, &f->x, &f->kind)) {
        f->complete = true;
        return false;
    }
    atomic_store(&f->r->factor, f->x / f->base);
    enter(f, AT_SETTLE, now);
    return true;
}

static void end_step(struct finder *f, int64_t now)
{
    struct capacity_point p = {0};

    step_end(&f->step, &f->r->collect, f->r->thresholds, f->r->nthresholds, &p);
    add_point(f, &p);
    if (!p.pass)
        atomic_store(&f->r->factor, IDLE_FACTOR);
    enter(f, AT_EMPTY, now);
}

static int64_t step_length(const struct finder *f)
{
    if (f->search.x == f->search.low) /* the winner is held */
        return f->r->args.quick ? f->measure_ms * 2 : f->measure_ms * 3;
    return f->measure_ms;
}

static bool measure_over(const struct finder *f, int64_t for_ms)
{
    if (f->step.hopeless)
        return true;
    return for_ms >= step_length(f) &&
           (for_ms >= f->most_ms ||
            step_enough(&f->step, &f->r->collect, f->r->thresholds,
                        f->r->nthresholds));
}

static bool each_second(void *ctx, const struct second *row)
{
    struct finder *f = ctx;
    int64_t now = row->at_ms, for_ms = now - f->since_ms;

    if (row->phase != PHASE_MEASURE)
        return true;
    step_backlog(&f->step, row);
    if (f->where == AT_START) {
        f->began_ms = now;
        return next_rate(f, now);
    }
    if (f->r->args.quick && now - f->began_ms > QUICK_MS &&
        (f->where != AT_MEASURE || now - f->began_ms > QUICK_MS + 6000)) {
        f->complete = true;
        return false;
    }
    if (f->where == AT_SETTLE && for_ms >= f->settle_ms) {
        step_begin(&f->step, &f->r->collect);
        enter(f, AT_MEASURE, now);
    } else if (f->where == AT_MEASURE) {
        step_second(&f->step, row);
        if (measure_over(f, for_ms))
            end_step(f, now);
    }
    if (f->where == AT_EMPTY && (f->step.backlog < 100 || for_ms > EMPTY_MS))
        return next_rate(f, now);
    return true;
}

static int vary_rate(struct finder *f)
{
    struct run_state *r = f->r;
    int rc;

    r->scenario.phases.settle_ms = 0;
    r->scenario.phases.measure_ms = 3600000;
    r->more = each_second;
    r->ctx = f;
    rc = run_open(r);
    if (rc == 0)
        rc = run_engine(r);
    if (rc == 0 && f->complete) {
        /* It was us who ended it, and each step was judged by itself. */
        r->outcome.stopped_early = run_interrupted();
        r->outcome.generator_bound = false;
        r->outcome.inconclusive = false;
    }
    return rc;
}

/* ---- conns and members: a run for each step ---- */

static void set_value(struct finder *f, double x)
{
    struct scenario *s = &f->r->scenario;

    if (strcmp(f->curve.vary, "conns") == 0) {
        s->users.count = (int64_t)x;
        return;
    }
    for (int i = 0; i < s->ntraffic; i++)
        if (s->traffic[i].kind == TRAFFIC_GROUP ||
            s->traffic[i].kind == TRAFFIC_CHANNEL)
            s->traffic[i].members = (int64_t)x;
}

static int one_run(struct finder *f, bool first)
{
    struct run_state *r = f->r;
    struct capacity_point p = {0};
    int rc = 0;

    set_value(f, f->x);
    r->scenario.phases.settle_ms = f->settle_ms;
    r->scenario.phases.measure_ms = step_length(f);
    if (!first)
        collect_release(&r->collect);
    if (r->scenario.users.count > f->room && r->target.own.pid > 0)
        target_close(&r->target); /* it was started for fewer */
    if (r->target.accounts == NULL) {
        f->room = r->scenario.users.count;
        rc = run_open(r);
    } else {
        rc = run_new_accounts(r);
    }
    if (rc == 0)
        rc = run_engine(r);
    if (rc != 0)
        return rc;
    step_of_run(&r->collect, r->thresholds, r->nthresholds, &p);
    add_point(f, &p);
    return r->outcome.violated || run_interrupted();
}

static int vary_runs(struct finder *f)
{
    const struct clock *clock = clock_system();
    int64_t end = clock_mono(clock) + QUICK_MS;
    int rc = 0, n = 0;

    while (rc == 0 && !(f->r->args.quick && clock_mono(clock) > end) &&
           search_next(&f->search, &f->x, &f->kind))
        rc = one_run(f, n++ == 0);
    f->complete = rc == 0;
    if (rc == 1 && (f->r->outcome.violated || run_interrupted()))
        rc = 0; /* told by the outcome */
    f->r->outcome.generator_bound = false;
    f->r->outcome.inconclusive = false;
    return rc;
}

/* ---- what varies ---- */

static double start_of(const struct scenario *s, const char *vary)
{
    if (strcmp(vary, "conns") == 0)
        return (double)s->users.count;
    for (int i = 0; i < s->ntraffic; i++) {
        const struct traffic *t = &s->traffic[i];

        if (strcmp(vary, "rate") == 0 && !t->probe)
            return t->rate;
        if (strcmp(vary, "members") == 0 && t->members > 0)
            return (double)t->members;
    }
    return 0;
}

static double most_of(const struct scenario *s, const char *vary)
{
    struct doctor_facts facts;
    struct doctor d;

    if (strcmp(vary, "rate") == 0)
        return 1e8;
    if (strcmp(vary, "conns") == 0) {
        doctor_read(&facts, s->users.source_ips, true);
        doctor_judge(&d, &facts, 1);
        return (double)d.fits;
    }
    for (int i = 0; i < s->ntraffic; i++)
        if (s->traffic[i].kind == TRAFFIC_GROUP)
            return 512 < s->users.count ? 512 : (double)s->users.count;
    return (double)s->users.count;
}

/* --slo, or the times among the scenario's thresholds. */
static int take_slo(struct finder *f)
{
    struct run_state *r = f->r;
    struct error err = {0};
    int n = 0;

    for (int i = 0; i < r->scenario.nthresholds; i++)
        if (r->scenario.thresholds[i].is_duration)
            r->thresholds[n++] = r->scenario.thresholds[i];
    if (r->args.fails.count > 0)
        n = 0;
    for (int i = 0; i < r->args.fails.count && n < SCENARIO_THRESHOLDS; i++)
        if (threshold_parse(&r->thresholds[n++], r->args.fails.items[i], &err) <
            0)
            return load_fail_error("--slo 'e2e.p99<100ms'", &err);
    r->nthresholds = n;
    if (n == 0)
        return load_fail(LOAD_USAGE, "--slo 'e2e.p99<100ms'",
                         "what must hold? %s has no threshold of time",
                         r->scenario.name);
    snprintf(f->curve.slo, sizeof(f->curve.slo), "%s", r->thresholds[0].text);
    return 0;
}

static int set_up(struct finder *f, const char *name)
{
    struct run_state *r = f->r;
    struct option_list slo = r->args.fails;
    bool whole = strcmp(r->args.vary, "rate") != 0;
    double from;
    int rc;

    r->args.fails.count = 0; /* not --fail: the opposite */
    rc = run_scenario(r, name);
    r->args.fails = slo;
    if (rc != 0)
        return rc;
    rc = take_slo(f);
    if (rc != 0)
        return rc;
    snprintf(f->curve.vary, sizeof(f->curve.vary), "%s", r->args.vary);
    f->base = from = start_of(&r->scenario, r->args.vary);
    if (f->base <= 0)
        return load_fail(LOAD_USAGE, "--vary conns", "%s has no %s to vary",
                         r->scenario.name, r->args.vary);
    if (r->args.from != NULL &&
        (value_rate(r->args.from, &from) < 0 || from <= 0))
        return load_fail(LOAD_USAGE, NULL, "--from '%s' must be a number",
                         r->args.from);
    f->settle_ms = r->args.quick ? 1500 : 3000;
    f->measure_ms = r->args.quick ? 2500 : 5000;
    f->most_ms = r->args.quick ? 6000 : 20000;
    if (r->args.quick && r->scenario.phases.drain_ms > 5000)
        r->scenario.phases.drain_ms = 5000;
    search_init(&f->search, from, most_of(&r->scenario, r->args.vary), whole,
                r->args.quick);
    return 0;
}

/* ---- the end ---- */

static void put_curve(struct buf *b, const struct finder *f)
{
    const struct capacity *c = &f->curve;

    buf_printf(b, "%10s %10s %10s %10s %10s %6s %6s\n", c->vary, "offered/s",
               "achieved/s", "p50", "p99", "srv", "gen");
    for (int i = 0; i < c->npoints; i++) {
        const struct capacity_point *p = &c->points[i];

        buf_printf(b, "%10s %10s %10s %10s %10s %5.0f%% %5.0f%%  %s%s%s\n",
                   show_rate(p->x), show_rate(p->offered),
                   show_rate(p->achieved), show_ns((double)p->p50),
                   show_ns((double)p->p99), p->srv_cpu, p->gen_cpu,
                   p->pass ? "passes" : "fails", p->why[0] != '\0' ? ": " : "",
                   p->why);
    }
    if (c->best > 0)
        buf_printf(b, "\ncapacity: %s %s with %s\n", show_rate(c->best),
                   strcmp(c->vary, "rate") == 0 ? "messages/s" : c->vary,
                   c->slo);
    else
        buf_printf(b, "\nnothing passed: %s\n", c->slo);
    buf_printf(b, "what binds: %s\n",
               c->binds[0] != '\0' ? c->binds : "nothing that was reached");
}

static int finish(struct finder *f, int argc, char **argv)
{
    struct run_state *r = f->r;
    struct environment env;
    struct result_input in = {.argc = argc,
                              .argv = argv,
                              .started_ms = r->started_ms,
                              .url = r->target.url,
                              .env = &env,
                              .collect = &r->collect,
                              .outcome = &r->outcome,
                              .verdicts = &r->verdicts,
                              .capacity = &f->curve};
    struct error err = {0};
    struct buf b;
    int code;

    f->curve.best = search_best(&f->search);
    if (f->few > 0 && !r->outcome.violated) {
        r->outcome.inconclusive = true;
        snprintf(r->outcome.verdict, sizeof(r->outcome.verdict),
                 "%d steps had too few samples for the percentile of the SLO: "
                 "begin higher, by --from",
                 f->few);
    }
    if (f->disturbed > 0 && !r->outcome.violated) {
        r->outcome.inconclusive = true;
        snprintf(r->outcome.verdict, sizeof(r->outcome.verdict),
                 "%d steps failed while other programs had the CPU: the "
                 "server may hold more",
                 f->disturbed);
    }
    memset(&r->verdicts, 0, sizeof(r->verdicts)); /* of the worst step too */
    code = (int)result_exit(&r->outcome, &r->verdicts, false);
    if (code == LOAD_PASS && f->curve.best <= 0)
        code = LOAD_MISSED;
    environment_read(&env);
    memcpy(env.server, r->target.server_name, sizeof(env.server));
    memcpy(env.durability, r->target.durability, sizeof(env.durability));
    in.scenario = scenario_json(&r->scenario);
    buf_init(&b, 1 << 20);
    put_curve(&b, f);
    load_print(stdout, &b);
    buf_release(&b);
    if (r->outcome.violated || f->disturbed + f->few > 0)
        load_fail(0, NULL, "%s", r->outcome.verdict);
    if (outputs_finish(&r->outputs, &in, r->scenario.name, &err) < 0)
        code = load_fail_error(NULL, &err);
    json_decref(in.scenario);
    return code;
}

int cmd_capacity(const struct command *cmd, int argc, char **argv)
{
    static struct run_state r;
    static struct finder f;
    struct options o = {0};
    struct error err = {0};
    char *command[64];
    int rc, n = argc < 63 ? argc : 63;

    memcpy(command, argv, (size_t)n * sizeof(*argv));
    rc = load_parse(cmd, &o, &r.args, argc, argv, 1, 1);
    if (rc != 0)
        return rc < 0 ? 0 : rc;
    fetch_init();
    f.r = &r;
    step_init(&f.step);
    rc = set_up(&f, argv[1]);
    if (rc == 0 && outputs_open(&r.outputs, &r.args.paths, &err) < 0)
        rc = load_fail_error(NULL, &err);
    if (rc == 0) {
        run_catch_signals();
        rc = strcmp(r.args.vary, "rate") == 0 ? vary_rate(&f) : vary_runs(&f);
        if (rc == 0)
            rc = finish(&f, n, command);
    }
    run_close(&r);
    collect_release(&r.collect);
    step_release(&f.step);
    options_release(&o);
    return rc;
}
