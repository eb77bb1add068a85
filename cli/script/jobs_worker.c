/* The child's side: play the tests of a unit one after the other, on a server
 * of the unit's own or on the shared one, and say what became of each. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts.h"
#include "base/log.h"
#include "base/mem.h"
#include "jobs_inside.h"
#include "report_redact.h"
#include "run.h"

#define REPORT_MAX (128 << 20)
#define SHORT_TMPDIR 60 /* what leaves room for the path of a socket */

struct worker {
    const struct work *w;
    struct fixture *fixture;
    const char *log; /* of the server, or NULL */
};

/* ---- what goes to the parent ---- */

static void say(const struct worker *k, const json_t *j)
{
    struct buf b;
    struct span rest;

    buf_init(&b, REPORT_MAX);
    if (json_write(&b, j, false) < 0 || buf_append_byte(&b, '\n') < 0)
        _exit(1);
    rest = buf_span(&b);
    while (rest.n > 0) {
        ssize_t n = write(k->w->out, rest.p, rest.n);

        if (n < 0 && errno != EINTR)
            _exit(1); /* nobody listens any more */
        if (n > 0)
            rest = span_make(rest.p + n, rest.n - (size_t)n);
    }
    buf_release(&b);
}

static void say_start(const struct worker *k, int index)
{
    json_t *j = json_pack("{s:i}", "start", index);

    atomic_store(&k->w->slot->line, 0);
    say(k, j);
    json_decref(j);
}

static void say_result(const struct worker *k, int index,
                       const struct test_result *r)
{
    json_t *j =
        json_pack("{s:i, s:o}", "result", index, "test", result_to_json(r));

    say(k, j);
    json_decref(j);
}

/* ---- the server ---- */

static int own_server(struct worker *k, const struct planned *p,
                      struct error *err)
{
    const struct script *s = p->script;
    struct fixture_config cfg = {.quiet_budgets = s->server != SERVER_SPAWN,
                                 .more = k->w->cfg->server_args,
                                 .nmore = k->w->cfg->nserver_args};

    if (s->server == SERVER_SPAWN)
        cfg.argv = (const char *const *)s->argv;
    if (s->server == SERVER_CLUSTER)
        cfg.nodes = (int)s->cluster;
    return fixture_start(&k->fixture, &cfg, err);
}

/* The server the next test runs on; one of our own that a test before left
 * behind dead is started anew. */
static int need_server(struct worker *k, const struct planned *p,
                       struct error *err)
{
    const struct work *w = k->w;
    struct fixture_config url = {.url = jobs_url_of(w->cfg, p)};
    int rc = 0;

    if (k->fixture != NULL && !fixture_running(k->fixture))
        fixture_free(&k->fixture);
    if (k->fixture != NULL)
        return 0;
    if (w->unit->server == UNIT_SHARED)
        rc = fixture_attach(&k->fixture, w->shared_url, w->shared_admin, err);
    else if (w->unit->server == UNIT_URL)
        rc = fixture_start(&k->fixture, &url, err);
    else
        rc = own_server(k, p, err);
    if (rc == 0)
        k->log = w->unit->server == UNIT_SHARED ? w->shared_log
                                                : fixture_log(k->fixture);
    return rc;
}

void jobs_end_server(struct fixture **f, const struct script *s)
{
    struct error err;

    if (*f != NULL && fixture_owned(*f) &&
        (s == NULL || s->server != SERVER_SPAWN))
        (void)fixture_fault(*f, FAULT_KILL, &err);
    fixture_free(f);
}

static int64_t size_of(const char *path)
{
    struct stat st;

    return path != NULL && stat(path, &st) == 0 ? st.st_size : 0;
}

/* ---- a test ---- */

static void progress(void *ctx, int line)
{
    const struct worker *k = ctx;

    atomic_store(&k->w->slot->line, line);
}

static void play(struct worker *k, const struct planned *p, const char *dir,
                 struct test_result *r)
{
    const struct jobs_config *cfg = k->w->cfg;
    char prefix[64];
    const struct run_config run = {
        .fixture = k->fixture,
        .seed = cfg->seed,
        .prefix = prefix,
        .dir = dir,
        .limit_ms = cfg->limit_ms,
        .timeout_scale = cfg->timeout_scale,
        .no_slo = cfg->no_slo,
        .keep_going = cfg->keep_going,
        .until_line = cfg->until_line,
        .progress = progress,
        .ctx = k,
    };

    if (k->w->unit->server == UNIT_URL)
        snprintf(prefix, sizeof(prefix), "%s-%d", cfg->nonce, p->number);
    else
        snprintf(prefix, sizeof(prefix), "%llu-%d",
                 (unsigned long long)cfg->seed, p->number);
    script_run_test(p->script, p->test, &run, r);
}

static void no_server(const struct planned *p, const struct error *why,
                      struct test_result *r)
{
    r->outcome = OUTCOME_ERROR;
    r->exit_code = why->code == CF_NOT_FOUND || why->code == CF_IO ||
                           why->code == CF_UNAVAILABLE
                       ? 69
                       : 70;
    r->message = mem_text(why->text);
    r->fail_file = mem_text(p->script->path);
    r->fail_line = p->script->server_at.line > 0 ? p->script->server_at.line
                                                 : p->test->at.line;
}

static void keep(const struct worker *k, const struct planned *p,
                 const struct test_result *r, int64_t log_from)
{
    struct error err = {0};
    char dir[4096];
    int rc =
        artifacts_make(dir, sizeof(dir), k->w->cfg->artifacts, p->script->path,
                       p->test->index, p->test->name, &err);

    if (rc == 0)
        rc = artifacts_write(dir, r, &err);
    if (rc == 0 && k->log != NULL)
        rc = artifacts_log(dir, k->log, log_from, &err);
    if (rc < 0)
        log_error("artifacts: %s", err.text);
}

/* False: the test failed. */
static bool play_one(struct worker *k, int index)
{
    const struct planned *p = &k->w->cfg->plan->tests[index];
    struct test_result r = {0};
    struct error err = {0};
    int64_t log_from = 0;
    char dir[256];
    bool good;

    say_start(k, index);
    snprintf(dir, sizeof(dir), "%s/t%d", k->w->scratch, index);
    if (need_server(k, p, &err) < 0) {
        no_server(p, &err, &r);
    } else {
        log_from = size_of(k->log);
        if (mkdir(dir, 0700) < 0 && errno != EEXIST)
            log_error("%s: %s", dir, strerror(errno));
        play(k, p, dir, &r);
    }
    jobs_label(&r, k->w->cfg, p);
    report_redact(&r, p->script);
    if (k->w->cfg->artifacts != NULL)
        keep(k, p, &r, log_from);
    json_decref(r.events); /* they would be long, and nobody asks for them */
    r.events = NULL;
    say_result(k, index, &r);
    good = r.outcome == OUTCOME_PASS || r.outcome == OUTCOME_SKIP;
    result_release(&r);
    return good;
}

/* ---- the process ---- */

/* As a program of its own: it dies with its parent, hears signals again, and
 * leaves Ctrl-C to the parent. */
static void settle(const struct work *w, pid_t parent)
{
    sigset_t none;
    int null;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0)
        (void)dup2(null, STDIN_FILENO);
    if (strlen(w->scratch) <= SHORT_TMPDIR)
        (void)setenv("TMPDIR", w->scratch, 1);
    if (!w->cfg->verbose)
        log_set_level(LOG_ERROR);
}

void worker_main(const struct work *w, pid_t parent)
{
    struct worker k = {.w = w};

    settle(w, parent);
    for (int i = w->unit->next; i < w->unit->count; i++)
        if (!play_one(&k, w->unit->tests[i]) && w->cfg->fail_fast)
            break;
    jobs_end_server(&k.fixture, w->cfg->plan->tests[w->unit->tests[0]].script);
    _exit(0);
}
