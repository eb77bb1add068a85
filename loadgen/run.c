#include "run.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "commands.h"
#include "doctor.h"
#include "scenario_value.h"

#define MOST_SETS 128

/* ---- signals ---- */

static volatile sig_atomic_t interrupts;

/* Our own server dies with us by its parent-death signal. */
static void on_signal(int signo)
{
    if (interrupts++ == 0)
        return;
    tui_restore();
    _exit(LOAD_STOPPED);
}

void run_catch_signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
}

bool run_interrupted(void)
{
    return interrupts > 0;
}

/* ---- the scenario ---- */

struct set_list {
    const char *items[MOST_SETS];
    char texts[8][96]; /* of those made here */
    int n, made;
};

static int add_set(struct set_list *l, const char *key, const char *value)
{
    if (l->n == MOST_SETS || l->made == 8)
        return -CF_TOO_BIG;
    snprintf(l->texts[l->made], sizeof(l->texts[0]), "%s=%.60s", key, value);
    l->items[l->n++] = l->texts[l->made++];
    return 0;
}

/* The traffic that --rate means: the first that is no probe. */
static int main_traffic(const struct scenario *s)
{
    for (int i = 0; i < s->ntraffic; i++)
        if (!s->traffic[i].probe)
            return i;
    return -1;
}

/* --rate scales a ramp as a whole. */
static int add_rate(struct set_list *l, const struct scenario *s,
                    const char *rate, struct error *err)
{
    int i = main_traffic(s);
    char key[48], value[48];
    double v;

    if (i < 0)
        return error_set(err, CF_INVALID, "--rate: %s sends nothing", s->name);
    if (value_rate(rate, &v) < 0)
        return error_set(err, CF_INVALID,
                         "--rate '%s' must be a rate such as 2k/s", rate);
    snprintf(key, sizeof(key), "traffic.%d.rate", i);
    add_set(l, key, rate);
    if (s->traffic[i].rate_end > 0 && s->traffic[i].rate > 0) {
        snprintf(key, sizeof(key), "traffic.%d.rate_end", i);
        snprintf(value, sizeof(value), "%.9f",
                 v * s->traffic[i].rate_end / s->traffic[i].rate);
        add_set(l, key, value);
    }
    return 0;
}

static int gather_sets(struct set_list *l, const struct run_args *a,
                       const struct scenario *s, struct error *err)
{
    int rc = 0;

    for (int i = 0; i < a->sets.count; i++)
        l->items[l->n++] = a->sets.items[i];
    if (a->conns != NULL)
        add_set(l, "users.count", a->conns);
    if (a->measure != NULL)
        add_set(l, "phases.measure", a->measure);
    if (a->speed != NULL)
        add_set(l, "speed", a->speed);
    if (a->random_mask)
        add_set(l, "users.random_mask", "true");
    if (a->rate != NULL)
        rc = add_rate(l, s, a->rate, err);
    return rc;
}

/* --fail names what must not be: its opposite is a threshold. */
static int add_fail(struct run_state *r, const char *text, struct error *err)
{
    static const char *const opposite[][2] = {
        {"<", ">="}, {"<=", ">"}, {">", "<="}, {">=", "<"}};
    struct threshold *t = &r->thresholds[r->nthresholds];
    char changed[sizeof(t->text)];
    int rc;

    if (r->nthresholds == SCENARIO_THRESHOLDS)
        return error_set(err, CF_TOO_BIG, "more than %d thresholds",
                         SCENARIO_THRESHOLDS);
    rc = threshold_parse(t, text, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(t->op, opposite[i][0]) != 0)
            continue;
        /* The text is "NAME OP VALUE". */
        snprintf(changed, sizeof(changed), "%.40s %s %.16s", t->metric,
                 opposite[i][1], strrchr(t->text, ' ') + 1);
        memcpy(t->text, changed, sizeof(t->text));
        memcpy(t->op, opposite[i][1], strlen(opposite[i][1]) + 1);
        r->nthresholds++;
        return 0;
    }
    return error_set(err, CF_INVALID,
                     "--fail '%s' fails a run when it holds: write > or <",
                     text);
}

/* A server that refuses what is asked of it has not borne the load, unless the
 * scenario says how much of that is meant. */
static int add_refused(struct run_state *r, struct error *err)
{
    for (int i = 0; i < r->nthresholds; i++)
        if (strcmp(r->thresholds[i].metric, "refused") == 0)
            return 0;
    if (r->nthresholds == SCENARIO_THRESHOLDS)
        return error_set(err, CF_TOO_BIG,
                         "%d thresholds, and none of 'refused': one more is "
                         "needed for it",
                         SCENARIO_THRESHOLDS);
    return threshold_parse(&r->thresholds[r->nthresholds++], "refused = 0",
                           err);
}

int run_scenario(struct run_state *r, const char *name)
{
    const struct run_args *a = &r->args;
    struct set_list sets = {.n = 0};
    struct error err = {0};
    int rc = 0;

    if (a->sets.count > MOST_SETS - 8)
        rc = error_set(&err, CF_TOO_BIG, "more than %d --set", MOST_SETS - 8);
    if (rc == 0)
        rc = scenario_load(&r->scenario, name, NULL, 0, &err);
    if (rc == 0)
        rc = gather_sets(&sets, a, &r->scenario, &err);
    if (rc == 0 && sets.n > 0) {
        scenario_release(&r->scenario);
        rc = scenario_load(&r->scenario, name, sets.items, sets.n, &err);
    }
    memcpy(r->thresholds, r->scenario.thresholds, sizeof(r->thresholds));
    r->nthresholds = r->scenario.nthresholds;
    for (int i = 0; rc == 0 && i < a->fails.count; i++)
        rc = add_fail(r, a->fails.items[i], &err);
    if (rc == 0)
        rc = add_refused(r, &err);
    if (rc < 0)
        return load_fail_error(NULL, &err);
    return 0;
}

/* ---- what it needs ---- */

/* A URL that names another machine; without one the server is here. */
static bool server_here(const struct target_options *o)
{
    const char *host = o->url != NULL ? strstr(o->url, "://") : NULL;

    return host == NULL || strncmp(host + 3, "127.", 4) == 0 ||
           strncmp(host + 3, "localhost", 9) == 0 ||
           strncmp(host + 3, "[::1]", 5) == 0;
}

/* Before anything starts; the server's end counts when it is here. */
static int check_fit(const struct run_state *r)
{
    struct doctor_facts facts;
    char why[400], hint[64];
    struct doctor d;

    if (r->elsewhere)
        return 0; /* each agent says what fits there */
    doctor_read(&facts, r->scenario.users.source_ips,
                server_here(&r->args.target));
    doctor_judge(&d, &facts, r->scenario.users.count);
    if (d.well)
        return 0;
    doctor_sentence(&d, why, sizeof(why));
    snprintf(hint, sizeof(hint),
             "--conns %" PRId64 ", or confab-load doctor --conns %" PRId64,
             d.fits, d.conns);
    return load_fail(LOAD_USAGE, hint, "%s", why);
}

static int check_faults(const struct run_state *r)
{
    if (r->scenario.fault.kind == FAULT_KILL && r->args.target.server == NULL)
        return load_fail(LOAD_USAGE, "--server confabd",
                         "%s kills its server and starts it again: it needs "
                         "one of its own",
                         r->scenario.name);
    return 0;
}

/* Where nobody is, somebody can be. */
static const char *hint_of(const struct target_options *o,
                           const struct error *err)
{
    if (err->code != CF_UNAVAILABLE)
        return NULL;
    return o->server != NULL
               ? "--server confabd"
               : "confabd --dev in another window, or --server confabd";
}

int run_open(struct run_state *r)
{
    struct target_options *o = &r->args.target;
    struct error err = {0};
    struct rng rng;
    int rc = check_faults(r);

    if (rc == 0)
        rc = check_fit(r);
    if (rc != 0)
        return rc;
    rng_init_system(&rng);
    r->run = rng_u64(&rng);
    if (target_open(&r->target, o, r->scenario.users.count, &err) < 0)
        return load_fail_error(hint_of(o, &err), &err);
    if (r->scenario.fault.kind == FAULT_FREEZE && r->target.server_pid == 0)
        return load_fail(LOAD_USAGE, "--server-pid PID",
                         "%s stops its server for a while: which process?",
                         r->scenario.name);
    if (!r->args.quiet)
        fprintf(stderr, "%s: %" PRId64 " users at %s\n", r->scenario.name,
                r->scenario.users.count, r->target.url);
    if (target_accounts(&r->target, o, r->scenario.users.count, r->run, &err) <
        0)
        return load_fail_error(NULL, &err);
    return 0;
}

int run_new_accounts(struct run_state *r)
{
    struct error err = {0};
    struct rng rng;

    if (r->args.target.accounts != NULL)
        return 0; /* there are no others */
    accounts_free(&r->target.accounts);
    rng_init_system(&rng);
    r->run = rng_u64(&rng);
    if (target_accounts(&r->target, &r->args.target, r->scenario.users.count,
                        r->run, &err) < 0)
        return load_fail_error(NULL, &err);
    return 0;
}

/* ---- one pass ---- */

static void serve_metrics(struct run_state *r)
{
    struct buf b;

    if (r->metrics == NULL)
        return;
    buf_init(&b, 4 << 20);
    write_prometheus(&b, &r->collect);
    metrics_http_set(r->metrics, buf_span(&b));
    buf_release(&b);
}

static bool tick(void *ctx, const struct second *row, const char *note)
{
    struct run_state *r = ctx;

    if (r->tui.on) {
        tui_keys(&r->tui);
        tui_second(&r->tui, r->scenario.name, row);
        atomic_store(&r->factor, r->tui.paused ? 0 : r->tui.factor);
    } else if (!r->args.quiet) {
        live_second(&r->live, row, note);
    }
    outputs_second(&r->outputs, row, &r->collect, r->started_ms);
    serve_metrics(r);
    if (interrupts > 0 || r->tui.quit)
        return false;
    if (r->more != NULL && !r->enough)
        r->enough = !r->more(r->ctx, row);
    return !r->enough;
}

static int restart(void *ctx, int *server_pid, struct error *err)
{
    struct run_state *r = ctx;
    int rc = own_server_restart(&r->target.own, err);

    if (rc == 0) {
        *server_pid = r->target.own.pid;
        r->target.server_pid = r->target.own.pid;
    }
    return rc;
}

int run_engine(struct run_state *r)
{
    struct engine_config cfg = {
        .scenario = &r->scenario,
        .host = r->target.host,
        .port = r->target.port,
        .tls = r->target.tls,
        .ca_file = r->args.target.ca_file,
        .accounts = r->target.accounts,
        .shards = (int)r->args.shards,
        .server_pid = r->target.server_pid,
        .fold_ms = r->target.fold_ms,
        .driver = r->target.driver,
        .io = r->args.io,
        .seed = (uint64_t)r->args.seed,
        .restart = r->args.target.server != NULL ? restart : NULL,
        .tick = tick,
        .ctx = r,
        .rate_factor = &r->factor};
    struct error err = {0};
    struct rng rng;
    int rc;

    /* Each pass is a run of its own, over the same accounts. */
    rng_init_system(&rng);
    cfg.run = rng_u64(&rng);
    memset(&r->outcome, 0, sizeof(r->outcome));
    collect_init(&r->collect);
    r->started_ms = clock_wall(clock_system());
    r->enough = false;
    if (r->factor == 0)
        r->factor = 1;
    if (r->args.tui && !tui_open(&r->tui, r->scenario.users.count))
        fprintf(stderr, "confab-load: --tui needs a terminal\n");
    live_init(&r->live, stderr, r->scenario.users.count);
    rc = engine_run(&cfg, &r->collect, &r->outcome, &err);
    tui_close(&r->tui);
    if (!r->args.quiet)
        live_end(&r->live);
    if (rc < 0)
        return load_fail_error(NULL, &err);
    if (interrupts > 0 || r->tui.quit)
        r->outcome.stopped_early = true;
    verdicts_judge(&r->verdicts, r->thresholds, r->nthresholds, &r->collect);
    return 0;
}

void run_close(struct run_state *r)
{
    metrics_http_stop(&r->metrics);
    outputs_close(&r->outputs);
    target_close(&r->target);
    scenario_release(&r->scenario);
}
