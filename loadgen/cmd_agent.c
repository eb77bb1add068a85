/* An agent: dials the coordinator, does its part of the scenario, tells it
 * every second, and ends. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_wire.h"
#include "base/clock.h"
#include "commands.h"
#include "doctor.h"
#include "run.h"

#define PATIENCE_MS 30000 /* for a coordinator to be there, and to answer */
#define START_MS 600000   /* for all other agents to come */

const struct option agent_options[] = {
    {.name = "join",
     .letter = 'j',
     .type = OPT_TEXT,
     .arg = "HOST:PORT",
     .offset = RUN_AT(join),
     .help = "where the coordinator listens"},
    {.name = "secret-file",
     .type = OPT_TEXT,
     .arg = "FILE",
     .offset = RUN_AT(secret_file),
     .help = "what both know, one line, mode 0600"},
    {.name = "shards",
     .type = OPT_INT,
     .arg = "N",
     .max = 256,
     .offset = RUN_AT(shards),
     .help = "threads with descriptors of their own (default: as needed)"},
    {.name = "local",
     .type = OPT_FLAG,
     .offset = RUN_AT(quick),
     .help = "end with the process that started this one"},
    {.name = NULL},
};

struct agent {
    const struct run_args *args;
    struct wire_end wire;
    struct scenario scenario;
    struct account_set *accounts;
    struct collect collect, told; /* told: histograms already sent */
    struct engine_config cfg;
    char host[200];
    bool drain, gone;
};

/* ---- connecting ---- */

static int dial(const char *join)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
    const char *colon = strrchr(join, ':');
    char host[200];
    int fd = -1;

    if (colon == NULL)
        return -1;
    snprintf(host, sizeof(host), "%.*s", (int)(colon - join), join);
    if (getaddrinfo(host, colon + 1, &hints, &all) != 0)
        return -1;
    for (struct addrinfo *a = all; a != NULL && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(all);
    return fd;
}

/* The coordinator may start after us. */
static int join(struct agent *g)
{
    int64_t end = clock_mono(clock_system()) + PATIENCE_MS;
    int fd = dial(g->args->join);

    while (fd < 0 && clock_mono(clock_system()) < end && !run_interrupted()) {
        poll(NULL, 0, 200);
        fd = dial(g->args->join);
    }
    if (fd < 0)
        return load_fail(LOAD_UNREACHABLE, NULL, "no coordinator at %s: %s",
                         g->args->join, strerror(errno));
    wire_end_init(&g->wire, fd);
    return 0;
}

/* ---- hello, assign, accounts ---- */

/* The next line of that kind; what else comes is an error. */
static int expect(struct agent *g, const char *kind, int ms, json_t **out)
{
    int rc = wire_get(&g->wire, ms, out);
    const char *text;

    if (rc == 1 && strcmp(wire_kind(*out), kind) == 0)
        return 0;
    if (rc == 1) {
        text = json_string_value(json_object_get(*out, "text"));
        rc = load_fail(LOAD_USAGE, NULL, "the coordinator says: %s",
                       text != NULL ? text : wire_kind(*out));
        json_decref(*out);
        return rc;
    }
    return load_fail(LOAD_UNREACHABLE, NULL,
                     rc == 0 ? "the coordinator says nothing"
                             : "the coordinator is gone");
}

static int greet(struct agent *g, const char *secret, char nonce[WIRE_NONCE])
{
    struct doctor_facts facts;
    char name[64] = "agent", mac[65];
    const char *theirs;
    struct doctor d;
    json_t *j;
    int rc = expect(g, "challenge", PATIENCE_MS, &j);

    if (rc != 0)
        return rc;
    theirs = json_string_value(json_object_get(j, "nonce"));
    wire_proof(mac, secret, "agent", theirs != NULL ? theirs : "");
    json_decref(j);
    wire_nonce(nonce);
    gethostname(name, sizeof(name) - 1);
    doctor_read(&facts, "127.1.0.0/16", false);
    doctor_judge(&d, &facts, 1);
    return wire_put(&g->wire,
                    json_pack("{s:s,s:i,s:s,s:i,s:s,s:s,s:i,s:I}", "t", "hello",
                              "v", 1, "name", name, "pid", getpid(), "nonce",
                              nonce, "mac", mac, "cores", facts.cores, "fit",
                              (json_int_t)d.fits)) < 0
               ? load_fail(LOAD_UNREACHABLE, NULL, "the coordinator is gone")
               : 0;
}

static int take_assign(struct agent *g, const char *secret, const char *nonce)
{
    const char *mac, *host = NULL, *url = NULL, *io;
    struct error err = {0};
    char proof[65];
    int64_t port = 0;
    json_t *j;
    int rc = expect(g, "assign", START_MS, &j);

    if (rc != 0)
        return rc;
    wire_proof(proof, secret, "coordinator", nonce);
    mac = json_string_value(json_object_get(j, "mac"));
    io = json_string_value(json_object_get(j, "io"));
    if (mac == NULL || strcmp(mac, proof) != 0)
        rc = load_fail(LOAD_USAGE, NULL,
                       "the coordinator does not know our secret");
    else if (scenario_from_json(&g->scenario, json_object_get(j, "scenario"),
                                &err) < 0 ||
             json_need_text(j, "host", &host, &err) < 0 ||
             json_need_int(j, "port", 1, 65535, &port, &err) < 0)
        rc = load_fail(LOAD_USAGE, NULL, "assigned: %s", err.text);
    if (rc == 0) {
        snprintf(g->host, sizeof(g->host), "%s", host);
        g->cfg.port = (int)port;
        if (json_want_text(j, "url", &url, NULL) == 0 && url != NULL)
            g->cfg.driver = driver_of_url(url);
        g->cfg.tls = json_is_true(json_object_get(j, "tls"));
        g->cfg.io = io != NULL && strcmp(io, "epoll") == 0   ? "epoll"
                    : io != NULL && strcmp(io, "uring") == 0 ? "uring"
                                                             : "auto";
        g->cfg.seed = (uint64_t)json_integer_value(json_object_get(j, "seed"));
        g->cfg.run = (uint64_t)json_integer_value(json_object_get(j, "run"));
        g->cfg.server_pid =
            (int)json_integer_value(json_object_get(j, "server_pid"));
        g->cfg.fold_ms = json_integer_value(json_object_get(j, "fold_ms"));
    }
    json_decref(j);
    return rc;
}

/* The arrivals of one traffic, in parts. */
static int take_record(struct agent *g, int traffic)
{
    struct record *r = NULL;
    bool last = false;
    int rc = 0;

    while (rc == 0 && !last) {
        json_t *j;

        rc = expect(g, "arrivals", PATIENCE_MS, &j);
        if (rc != 0)
            break;
        if (r == NULL)
            r = record_new(json_number_value(json_object_get(j, "period")),
                           json_number_value(json_object_get(j, "rate")));
        last = json_is_true(json_object_get(j, "last"));
        if (json_integer_value(json_object_get(j, "traffic")) != traffic ||
            r == NULL || record_add(r, json_object_get(j, "at")) < 0)
            rc = load_fail(LOAD_USAGE, NULL, "the arrivals cannot be read");
        json_decref(j);
    }
    g->scenario.traffic[traffic].record = r;
    return rc;
}

static int take_records(struct agent *g)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < g->scenario.ntraffic; i++)
        if (g->scenario.traffic[i].arrivals == ARRIVE_RECORDED)
            rc = take_record(g, i);
    return rc;
}

/* Tokens never touch a disk here. */
static int take_accounts(struct agent *g)
{
    int fd = memfd_create("accounts", MFD_CLOEXEC), rc = 0;
    struct error err = {0};
    bool last = false;
    char path[64];

    if (fd < 0 || fchmod(fd, 0600) < 0)
        return load_fail(LOAD_USAGE, NULL, "memfd: %s", strerror(errno));
    while (rc == 0 && !last) {
        const char *lines = NULL;
        json_t *j;

        rc = expect(g, "accounts", PATIENCE_MS, &j);
        if (rc != 0)
            break;
        lines = json_string_value(json_object_get(j, "lines"));
        last = json_is_true(json_object_get(j, "last"));
        if (lines == NULL ||
            write(fd, lines, strlen(lines)) != (ssize_t)strlen(lines))
            rc = load_fail(LOAD_USAGE, NULL, "the accounts cannot be kept");
        json_decref(j);
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (rc == 0 && accounts_read(&g->accounts, path, &err) < 0)
        rc = load_fail_error(NULL, &err);
    close(fd);
    return rc;
}

/* ---- while it runs ---- */

/* What came since the last second. */
static json_t *new_hists(struct agent *g)
{
    struct hist fresh[METRICS];
    json_t *out;

    for (int m = 0; m < METRICS; m++) {
        const struct hist *now = &g->collect.hists[m];

        hist_init(&fresh[m], now->low, now->high, now->digits);
        hist_copy(&fresh[m], now);
        hist_subtract(&fresh[m], &g->told.hists[m]);
        hist_copy(&g->told.hists[m], now);
    }
    out = wire_hists(fresh);
    for (int m = 0; m < METRICS; m++)
        hist_release(&fresh[m]);
    return out;
}

static void hear(struct agent *g)
{
    json_t *j;
    int rc;

    while ((rc = wire_get(&g->wire, 0, &j)) == 1) {
        g->drain = g->drain || strcmp(wire_kind(j), "drain") == 0;
        json_decref(j);
    }
    g->gone = g->gone || rc < 0;
}

static bool tick(void *ctx, const struct second *row, const char *note)
{
    struct agent *g = ctx;
    json_t *j = json_pack(
        "{s:s,s:I,s:s,s:I,s:I,s:f,s:f,s:f,s:I,s:I,s:o,s:o}", "t", "interval",
        "at_ms", (json_int_t)row->at_ms, "phase", phase_name(row->phase),
        "conns", (json_int_t)row->conns, "ready", (json_int_t)row->ready,
        "gen_cpu", row->gen_cpu, "srv_cpu", row->srv_cpu, "foreign_cpu",
        row->foreign_cpu, "gen_rss", (json_int_t)row->gen_rss, "srv_rss",
        (json_int_t)row->srv_rss, "counts", wire_counts(row->counts), "hists",
        new_hists(g));

    g->gone = wire_put(&g->wire, j) < 0 || g->gone;
    hear(g);
    return !g->drain && !g->gone && !run_interrupted();
}

static int tell_result(struct agent *g, const struct engine_outcome *outcome)
{
    json_t *phases = json_array();
    json_t *j;

    for (int p = 0; p < PHASES; p++)
        json_array_append_new(phases,
                              json_integer((json_int_t)g->collect.phase_ms[p]));
    j = json_pack("{s:s,s:o,s:o,s:o,s:o,s:o}", "t", "result", "counts",
                  wire_counts(g->collect.counts), "all",
                  wire_counts(g->collect.all), "phase_ms", phases, "hists",
                  wire_hists(g->collect.hists), "outcome",
                  wire_outcome(outcome));
    if (wire_put(&g->wire, j) < 0)
        return load_fail(LOAD_UNREACHABLE, NULL, "the coordinator is gone");
    return 0;
}

static int work(struct agent *g)
{
    struct engine_outcome outcome = {.shards = 0};
    struct error err = {0};
    json_t *j;
    int rc = wire_put(&g->wire, json_pack("{s:s}", "t", "ready"));

    if (rc < 0 || expect(g, "start", START_MS, &j) != 0)
        return LOAD_UNREACHABLE;
    json_decref(j);
    g->cfg.scenario = &g->scenario;
    g->cfg.host = g->host;
    g->cfg.accounts = g->accounts;
    g->cfg.shards = (int)g->args->shards;
    g->cfg.tick = tick;
    g->cfg.ctx = g;
    rc = engine_run(&g->cfg, &g->collect, &outcome, &err);
    if (rc < 0) {
        wire_put(&g->wire,
                 json_pack("{s:s,s:s}", "t", "error", "text", err.text));
        return load_fail_error(NULL, &err);
    }
    return g->gone
               ? load_fail(LOAD_UNREACHABLE, NULL, "the coordinator is gone")
               : tell_result(g, &outcome);
}

static int serve(struct agent *g)
{
    char secret[WIRE_SECRET], nonce[WIRE_NONCE];
    struct error err = {0};
    int rc;

    if (secret_read(secret, g->args->secret_file, &err) < 0)
        return load_fail_error("--secret-file FILE, mode 0600", &err);
    rc = join(g);
    if (rc == 0)
        rc = greet(g, secret, nonce);
    if (rc == 0)
        rc = take_assign(g, secret, nonce);
    if (rc == 0)
        rc = take_records(g);
    if (rc == 0)
        rc = take_accounts(g);
    if (rc == 0)
        rc = work(g);
    return rc;
}

int cmd_agent(const struct command *cmd, int argc, char **argv)
{
    static struct run_args args;
    static struct agent g;
    struct options o = {0};
    int rc = load_parse(cmd, &o, &args, argc, argv, 0, 0);

    if (rc != 0)
        return rc < 0 ? 0 : rc;
    g.args = &args;
    g.wire.fd = -1;
    if (args.quick) { /* --local */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGINT, SIG_IGN); /* the coordinator says when to drain */
    } else {
        run_catch_signals();
    }
    if (args.join == NULL || args.secret_file == NULL) {
        rc = load_fail(LOAD_USAGE, "confab-load help agent",
                       "an agent needs --join and --secret-file");
    } else if (strchr(args.join, ':') == NULL) {
        rc = load_fail(LOAD_USAGE, NULL, "--join '%s' must be HOST:PORT",
                       args.join);
    } else {
        collect_init(&g.collect);
        collect_init(&g.told);
        rc = serve(&g);
        collect_release(&g.collect);
        collect_release(&g.told);
    }
    if (g.accounts != NULL)
        accounts_free(&g.accounts);
    scenario_release(&g.scenario);
    wire_end_close(&g.wire);
    options_release(&o);
    return rc;
}
