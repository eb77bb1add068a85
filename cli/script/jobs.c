#include "jobs.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "jobs_inside.h"

#define TURN_MS 1000    /* the longest sleep */
#define ORPHAN_MS 3000  /* until what was left behind is killed */
#define SCRATCH_NAME 40 /* of the directory itself */

struct signals {
    int fd;
    sigset_t before;
};

int jobs_processors(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return 1;
    return CPU_COUNT(&set) > 0 ? CPU_COUNT(&set) : 1;
}

/* ---- the ground: signals, a directory, orphans ---- */

static int hold_signals(struct signals *s, struct error *err)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &set, &s->before);
    s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->fd >= 0 ? 0
                      : error_set(err, CF_IO, "signalfd: %s", strerror(errno));
}

static void release_signals(struct signals *s)
{
    if (s->fd >= 0)
        close(s->fd);
    (void)sigprocmask(SIG_SETMASK, &s->before, NULL);
}

static int make_scratch(struct crew *c, struct error *err)
{
    const char *tmp = getenv("TMPDIR");

    if (tmp == NULL || tmp[0] != '/' ||
        strlen(tmp) + SCRATCH_NAME > sizeof(c->scratch))
        tmp = "/tmp";
    snprintf(c->scratch, sizeof(c->scratch), "%s/confab-jobs-XXXXXX", tmp);
    if (mkdtemp(c->scratch) != NULL)
        return 0;
    c->scratch[0] = '\0';
    return error_set(err, CF_IO, "%s: %s", tmp, strerror(errno));
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *at)
{
    (void)remove(path);
    return 0;
}

static void kill_children(void)
{
    char path[64];
    FILE *f;
    long pid;

    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    f = fopen(path, "re");
    if (f == NULL)
        return;
    while (fscanf(f, "%ld", &pid) == 1)
        (void)kill((pid_t)pid, SIGKILL);
    fclose(f);
}

void crew_reap_orphans(void)
{
    int64_t patience = clock_mono(clock_system()) + ORPHAN_MS;
    pid_t pid;

    while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0 || errno == EINTR) {
        if (pid != 0)
            continue;
        if (clock_mono(clock_system()) > patience)
            kill_children();
        (void)poll(NULL, 0, 10);
    }
}

/* ---- the one server ---- */

static bool wants_shared(const struct units *u)
{
    for (int i = 0; i < u->count; i++)
        if (u->items[i].server == UNIT_SHARED)
            return true;
    return false;
}

static int start_shared(struct crew *c, struct error *err)
{
    /* Scripts talk faster than people: who tests budgets spawns a server. */
    const struct fixture_config cfg = {.quiet_budgets = true,
                                       .more = c->cfg->server_args,
                                       .nmore = c->cfg->nserver_args};

    return wants_shared(&c->units) ? fixture_start(&c->shared, &cfg, err) : 0;
}

/* ---- the run ---- */

static void bail(struct crew *c, struct jobs_end *end, const char *why,
                 int exit_code, bool blame)
{
    snprintf(end->bail, sizeof(end->bail), "%s", why);
    end->exit_code = exit_code;
    crew_kill(c, blame ? why : NULL, exit_code);
}

static void take_signals(struct crew *c, int fd, struct jobs_end *end)
{
    struct signalfd_siginfo info;
    char why[80];

    while (read(fd, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGCHLD || end->bail[0] != '\0')
            continue;
        snprintf(why, sizeof(why), "interrupted (%s)",
                 strsignal((int)info.ssi_signo));
        bail(c, end, why, 128 + (int)info.ssi_signo, false);
    }
}

static int sleep_ms(const struct crew *c, int64_t until)
{
    int64_t now = clock_mono(clock_system());
    int64_t ms = c->cfg->tick_ms > 0 ? c->cfg->tick_ms : TURN_MS;

    for (int i = 0; i < c->count; i++)
        if (c->hands[i].pid != 0 && !c->hands[i].late &&
            c->hands[i].deadline - now < ms)
            ms = c->hands[i].deadline - now;
    if (until > 0 && until - now < ms)
        ms = until - now;
    return ms > 0 ? (int)ms : 0;
}

static void wait_for_news(struct crew *c, int signals, int64_t until,
                          struct jobs_end *end)
{
    struct pollfd fds[JOBS_MAX + 1];
    int n = 0;

    for (int i = 0; i < c->count; i++) {
        if (c->hands[i].pid == 0)
            continue;
        fds[n++] = (struct pollfd){
            .fd = c->hands[i].closed ? -1 : c->hands[i].fd, .events = POLLIN};
    }
    fds[n] = (struct pollfd){.fd = signals, .events = POLLIN};
    (void)poll(fds, (nfds_t)n + 1, sleep_ms(c, until));
    take_signals(c, signals, end);
    if (end->bail[0] == '\0')
        crew_read(c);
}

/* What ends a run early, besides signals. */
static void check_limits(struct crew *c, int64_t until, struct jobs_end *end)
{
    int64_t now = clock_mono(clock_system());
    struct error why = {0};

    if (end->bail[0] != '\0')
        return;
    if (c->shared != NULL && fixture_check(c->shared, &why) < 0)
        bail(c, end, why.text, 69, true);
    else if (until > 0 && now >= until)
        bail(c, end, "the time for all tests is over (--total-limit)", 75,
             true);
    else
        crew_late(c, now);
}

static void tell_turn(const struct crew *c)
{
    struct jobs_running running[JOBS_MAX];
    int n = 0;

    if (c->cfg->turn == NULL)
        return;
    for (int i = 0; i < c->count; i++)
        if (c->hands[i].pid != 0)
            running[n++] =
                (struct jobs_running){.index = c->hands[i].current,
                                      .line = atomic_load(&c->slots[i].line)};
    c->cfg->turn(c->cfg->ctx, running, n);
}

static int play(struct crew *c, int signals, struct jobs_end *end,
                struct error *err)
{
    int64_t until = c->cfg->total_ms > 0
                        ? clock_mono(clock_system()) + c->cfg->total_ms
                        : 0;
    int rc;

    for (;;) {
        rc = crew_start(c, err);
        if (rc < 0 || c->busy == 0)
            return rc;
        wait_for_news(c, signals, until, end);
        check_limits(c, until, end);
        if (end->bail[0] != '\0')
            return 0;
        tell_turn(c);
    }
}

/* Tests that --fail-fast left out are skipped ones. */
static void skip_rest(struct crew *c)
{
    for (int i = 0; i < c->cfg->plan->count; i++) {
        struct test_result *r = &c->results[i];

        if (r->file != NULL)
            continue;
        jobs_label(r, c->cfg, &c->cfg->plan->tests[i]);
        r->outcome = OUTCOME_SKIP;
        r->reason = mem_text("an earlier test failed (--fail-fast)");
        crew_done(c, i);
    }
}

static void close_all(struct crew *c, struct signals *s)
{
    crew_close(c);
    jobs_end_server(&c->shared, NULL);
    crew_reap_orphans();
    if (c->scratch[0] != '\0')
        (void)nftw(c->scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    release_signals(s);
}

int jobs_run(const struct jobs_config *cfg, struct test_result *results,
             struct jobs_end *end, struct error *err)
{
    struct crew c = {.cfg = cfg, .results = results};
    struct signals signals = {.fd = -1};
    int rc;

    *end = (struct jobs_end){0};
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    rc = hold_signals(&signals, err);
    units_make(&c.units, cfg, results);
    if (rc == 0)
        rc = make_scratch(&c, err);
    if (rc == 0)
        rc = crew_open(&c, err);
    if (rc == 0)
        rc = start_shared(&c, err);
    for (int i = 0; rc == 0 && i < cfg->plan->count; i++)
        if (results[i].file != NULL) /* skipped while planning */
            crew_done(&c, i);
    if (rc == 0)
        rc = play(&c, signals.fd, end, err);
    if (rc == 0 && cfg->fail_fast && c.failed && end->bail[0] == '\0')
        skip_rest(&c);
    close_all(&c, &signals);
    return rc;
}
