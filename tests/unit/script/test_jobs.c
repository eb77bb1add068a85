/* Runs in processes, over a runner and a server that are made up here: what a
 * test is called says what becomes of it. */
#include "script/jobs.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "script/fixture.h"
#include "script/run.h"
#include "unit/script/suite.h"

/* ---- the server ---- */

struct fixture {
    bool attached, owned;
};

static struct seen { /* by all processes */
    _Atomic int started, attached, freed, at_once, most, dead;
    _Atomic int orphan;
} * seen;

int fixture_start(struct fixture **out, const struct fixture_config *cfg,
                  struct error *err)
{
    *out = NULL;
    if (cfg->argv != NULL && strcmp(cfg->argv[0], "broken") == 0)
        return error_set(err, CF_UNAVAILABLE, "it did not start");
    *out = mem_alloc(sizeof(**out));
    (*out)->owned = cfg->url == NULL;
    seen->started++;
    return 0;
}

int fixture_attach(struct fixture **out, const char *url, const char *admin,
                   struct error *err)
{
    ck_assert_str_eq(url, "ws://shared");
    ck_assert_str_eq(admin, "/admin");
    *out = mem_alloc(sizeof(**out));
    (*out)->attached = true;
    seen->attached++;
    return 0;
}

void fixture_free(struct fixture **slot)
{
    seen->freed += *slot != NULL;
    free(*slot);
    *slot = NULL;
}

const char *fixture_url(const struct fixture *f)
{
    return "ws://shared";
}

const char *fixture_log(const struct fixture *f)
{
    return NULL;
}

const char *fixture_admin(const struct fixture *f)
{
    return "/admin";
}

bool fixture_owned(const struct fixture *f)
{
    return f->owned;
}

int fixture_fault(struct fixture *f, enum fault fault, struct error *err)
{
    ck_assert_int_eq(fault, FAULT_KILL);
    return 0;
}

bool fixture_running(struct fixture *f)
{
    return true;
}

int fixture_check(struct fixture *f, struct error *err)
{
    return seen->dead ? error_set(err, CF_UNAVAILABLE, "the server ended") : 0;
}

/* ---- the runner ---- */

static void together(void)
{
    int now = ++seen->at_once, most = seen->most;

    while (now > most && !atomic_compare_exchange_weak(&seen->most, &most, now))
        continue;
}

static void leave_orphan(void)
{
    pid_t pid = fork();

    if (pid == 0)
        for (;;)
            pause();
    seen->orphan = pid;
}

void script_run_test(const struct script *s, const struct test *t,
                     const struct run_config *cfg, struct test_result *out)
{
    together();
    cfg->progress(cfg->ctx, t->at.line + 1);
    if (strcmp(t->name, "abort") == 0)
        kill(getpid(), SIGKILL);
    if (strcmp(t->name, "exit") == 0)
        _exit(3);
    if (strcmp(t->name, "orphan") == 0)
        leave_orphan();
    if (strcmp(t->name, "server dies") == 0)
        seen->dead = 1;
    if (strcmp(t->name, "interrupt") == 0)
        kill(getppid(), SIGTERM);
    if (strcmp(t->name, "hang") == 0 || strcmp(t->name, "interrupt") == 0 ||
        strcmp(t->name, "server dies") == 0)
        for (;;)
            pause();
    if (strcmp(t->name, "fail") == 0) {
        out->outcome = OUTCOME_FAIL;
        out->message = mem_text("no");
    }
    out->nearest = mem_text(cfg->prefix);
    seen->at_once--;
}

/* ---- a run ---- */

static struct script script;
static struct test rows[64];
static struct stmt restart = {
    .kind = STMT_SERVER, .at = {"x", 7, 3}, .source = "server restart"};
static struct plan plan;
static struct test_result results[64];
static struct jobs_end end;
static char order[512];

static void note_result(void *ctx, int index, const struct test_result *r)
{
    size_t n = strlen(order);

    snprintf(order + n, sizeof(order) - n, "%d%s ", index,
             outcome_name(r->outcome));
}

static int play(struct jobs_config *cfg, const char *const *names)
{
    struct error err = {0};
    int rc, n = 0;

    seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(seen != MAP_FAILED);
    for (; names[n] != NULL; n++) {
        rows[n] = (struct test){.name = names[n],
                                .at = {"x", 10 * n + 1, 1},
                                .index = n,
                                .next = names[n + 1] ? &rows[n + 1] : NULL};
        if (strcmp(names[n], "fault") == 0)
            rows[n].block = &restart;
    }
    script.path = "x.confab";
    script.tests = rows;
    plan_add(&plan, &script, 0, &(struct selection){0});
    order[0] = '\0';
    cfg->plan = &plan;
    cfg->jobs = cfg->jobs ? cfg->jobs : 1;
    cfg->seed = 7;
    cfg->nonce = "zz";
    cfg->limit_ms = cfg->limit_ms ? cfg->limit_ms : 60000;
    cfg->result = note_result;
    rc = jobs_run(cfg, results, &end, &err);
    return rc;
}

static void done(void)
{
    for (size_t i = 0; i < COUNT_OF(results); i++)
        result_release(&results[i]);
    plan_release(&plan);
    script = (struct script){0};
    munmap(seen, sizeof(*seen));
}

#define PLAY(cfg, ...) play(cfg, (const char *const[]){__VA_ARGS__, NULL})

START_TEST(one_server_for_all)
{
    struct jobs_config cfg = {.jobs = 2};

    ck_assert_int_eq(PLAY(&cfg, "a", "fail", "b"), 0);
    ck_assert_str_eq(end.bail, "");
    ck_assert_int_eq(seen->started, 1);
    ck_assert_int_eq(seen->attached, 3);
    ck_assert_int_eq(seen->freed, 4);
    ck_assert_int_eq(results[0].outcome, OUTCOME_PASS);
    ck_assert_int_eq(results[1].outcome, OUTCOME_FAIL);
    ck_assert_str_eq(results[1].message, "no");
    ck_assert_str_eq(results[2].nearest, "7-3");
    ck_assert_str_eq(results[2].file, "x.confab");
    ck_assert_int_eq(results[2].line, 21);
    ck_assert_uint_eq(results[2].seed, 7);
    ck_assert_int_le(seen->most, 2);
    done();
}
END_TEST

START_TEST(own_servers)
{
    static const char *argv[] = {"confabd", NULL};
    struct jobs_config cfg = {.jobs = 1};

    ck_assert_int_eq(PLAY(&cfg, "a", "fault"), 0);
    ck_assert_int_eq(seen->started, 2); /* shared, and one for the fault */
    ck_assert_int_eq(seen->attached, 1);
    done();
    script.server = SERVER_SPAWN;
    script.argv = argv;
    ck_assert_int_eq(PLAY(&cfg, "a", "fault", "b"), 0);
    ck_assert_int_eq(seen->started, 1); /* the file's */
    ck_assert_int_eq(seen->attached, 0);
    done();
    argv[0] = "broken";
    script.server = SERVER_SPAWN;
    script.argv = argv;
    ck_assert_int_eq(PLAY(&cfg, "a", "b"), 0);
    ck_assert_str_eq(order, "0error 1error ");
    ck_assert_int_eq(results[1].exit_code, 69);
    ck_assert_str_eq(results[1].message, "it did not start");
    done();
}
END_TEST

START_TEST(a_url_cannot_be_broken)
{
    struct jobs_config cfg = {.url = "ws://there"};

    ck_assert_int_eq(PLAY(&cfg, "a", "fault"), 0);
    ck_assert_int_eq(results[1].outcome, OUTCOME_SKIP);
    ck_assert_str_eq(results[1].reason,
                     "line 7 needs a server of its own (server restart), and "
                     "this one was given");
    ck_assert_str_eq(results[0].nearest, "zz-1");
    done();
}
END_TEST

START_TEST(dead_workers)
{
    static const char *argv[] = {"confabd", NULL};
    struct jobs_config cfg = {.jobs = 1};

    script.server = SERVER_SPAWN; /* one unit: what is left goes on */
    script.argv = argv;
    ck_assert_int_eq(PLAY(&cfg, "a", "abort", "b", "exit", "c"), 0);
    ck_assert_str_eq(order, "0pass 1error 2pass 3error 4pass ");
    ck_assert_str_eq(results[1].message,
                     "the process that played the test died of signal 9 "
                     "(Killed)");
    ck_assert_str_eq(results[1].name, "abort");
    ck_assert_int_eq(results[1].fail_line, 12);
    ck_assert_int_eq(results[1].exit_code, 70);
    ck_assert_str_eq(results[3].message,
                     "the process that played the test ended with status 3");
    done();
}
END_TEST

START_TEST(hanging_workers)
{
    struct jobs_config cfg = {.jobs = 2, .limit_ms = 1 - JOBS_GRACE_MS};

    ck_assert_int_eq(PLAY(&cfg, "hang"), 0);
    ck_assert_int_eq(results[0].outcome, OUTCOME_ERROR);
    ck_assert_int_eq(results[0].exit_code, 75);
    ck_assert_ptr_nonnull(strstr(results[0].message, "did not end within"));
    done();
}
END_TEST

START_TEST(total_limit)
{
    struct jobs_config cfg = {.jobs = 2, .total_ms = 100};

    ck_assert_int_eq(PLAY(&cfg, "a", "hang", "hang", "never"), 0);
    ck_assert_int_eq(end.exit_code, 75);
    ck_assert_ptr_nonnull(strstr(end.bail, "--total-limit"));
    ck_assert_int_eq(results[1].outcome, OUTCOME_ERROR);
    ck_assert_ptr_null(results[3].file);
    done();
}
END_TEST

START_TEST(signals_end_it)
{
    struct jobs_config cfg = {.jobs = 2};

    ck_assert_int_eq(PLAY(&cfg, "hang", "interrupt", "never"), 0);
    ck_assert_str_eq(end.bail, "interrupted (Terminated)");
    ck_assert_int_eq(end.exit_code, 128 + SIGTERM);
    ck_assert_ptr_null(results[2].file);
    ck_assert_str_eq(order, "");
    done();
}
END_TEST

START_TEST(dead_server)
{
    struct jobs_config cfg = {.jobs = 1, .tick_ms = 10};

    ck_assert_int_eq(PLAY(&cfg, "a", "server dies", "never"), 0);
    ck_assert_str_eq(end.bail, "the server ended");
    ck_assert_int_eq(end.exit_code, 69);
    ck_assert_int_eq(results[1].outcome, OUTCOME_ERROR);
    ck_assert_ptr_null(results[2].file);
    done();
}
END_TEST

START_TEST(no_orphans)
{
    struct jobs_config cfg = {.jobs = 1};

    ck_assert_int_eq(PLAY(&cfg, "orphan"), 0);
    ck_assert_int_gt(seen->orphan, 0);
    ck_assert_int_eq(kill(seen->orphan, 0), -1);
    ck_assert_int_eq(errno, ESRCH);
    done();
}
END_TEST

START_TEST(fail_fast)
{
    struct jobs_config cfg = {.jobs = 1, .fail_fast = true};

    ck_assert_int_eq(PLAY(&cfg, "a", "fail", "b", "c"), 0);
    ck_assert_str_eq(order, "0pass 1fail 2skip 3skip ");
    ck_assert_str_eq(results[3].reason, "an earlier test failed (--fail-fast)");
    done();
}
END_TEST

SUITE("jobs", one_server_for_all, own_servers, a_url_cannot_be_broken,
      dead_workers, hanging_workers, total_limit, signals_end_it, dead_server,
      no_orphans, fail_fast)
