#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "artifacts.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "jobs_inside.h"

#define LINE_MAX_BYTES (128 << 20) /* what a child may say at once */
#define LINE_STRUCTURE 400000
#define READ_SIZE (64 * 1024)
#define START_MS 40000 /* a server of its own may take so long */

static int64_t now_ms(void)
{
    return clock_mono(clock_system());
}

/* ---- results ---- */

void crew_done(struct crew *c, int index)
{
    const struct test_result *r = &c->results[index];

    if (r->outcome == OUTCOME_FAIL || r->outcome == OUTCOME_ERROR)
        c->failed = true;
    if (c->cfg->result != NULL)
        c->cfg->result(c->cfg->ctx, index, r);
}

static void keep(const struct crew *c, const struct planned *p,
                 const struct test_result *r)
{
    struct error err = {0};
    char dir[4096];

    if (c->cfg->artifacts != NULL &&
        artifacts_make(dir, sizeof(dir), c->cfg->artifacts, p->script->path,
                       p->test->index, p->test->name, &err) == 0)
        (void)artifacts_write(dir, r, &err);
    if (err.code != 0)
        log_error("artifacts: %s", err.text);
}

/* The test that h was playing ended without a result. */
static void lost(struct crew *c, const struct hand *h, int index,
                 const char *why, int exit_code)
{
    const struct planned *p = &c->cfg->plan->tests[index];
    struct test_result *r = &c->results[index];

    jobs_label(r, c->cfg, p);
    r->outcome = OUTCOME_ERROR;
    r->exit_code = exit_code;
    r->message = mem_text(why);
    r->fail_line = atomic_load(&h->slot->line);
    r->ms = now_ms() - h->began;
    keep(c, p, r);
    crew_done(c, index);
}

/* A server that is gone explains whatever the test says. */
static void blame_server(struct crew *c, struct test_result *r)
{
    struct error why = {0};

    if (r->outcome == OUTCOME_PASS || r->outcome == OUTCOME_SKIP ||
        c->shared == NULL || fixture_check(c->shared, &why) == 0)
        return;
    if (r->nearest == NULL)
        r->nearest = r->message;
    else
        free(r->message);
    r->message = mem_text(why.text);
    r->outcome = OUTCOME_ERROR;
    r->exit_code = 69;
}

/* ---- starting ---- */

int crew_open(struct crew *c, struct error *err)
{
    size_t size;

    c->count = c->cfg->jobs < JOBS_MAX ? c->cfg->jobs : JOBS_MAX;
    if (c->count > c->units.count)
        c->count = c->units.count > 0 ? c->units.count : 1;
    size = (size_t)c->count * sizeof(*c->slots);
    c->slots = mmap(NULL, size, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (c->slots == MAP_FAILED) {
        c->slots = NULL;
        return error_set(err, CF_IO, "mmap: %s", strerror(errno));
    }
    c->hands = mem_array((size_t)c->count, sizeof(*c->hands));
    for (int i = 0; i < c->count; i++) {
        c->hands[i] =
            (struct hand){.fd = -1, .current = -1, .slot = &c->slots[i]};
        buf_init(&c->hands[i].in, LINE_MAX_BYTES);
    }
    return 0;
}

static int64_t patience(const struct crew *c, const struct hand *h)
{
    return now_ms() + c->cfg->limit_ms + JOBS_GRACE_MS +
           (h->unit->server == UNIT_OWN ? START_MS : 0);
}

static int start(struct crew *c, struct hand *h, struct error *err)
{
    struct work w = {
        .cfg = c->cfg, .unit = h->unit, .scratch = c->scratch, .slot = h->slot};
    pid_t parent = getpid();
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_set(err, CF_IO, "pipe: %s", strerror(errno));
    if (c->shared != NULL) {
        w.shared_url = fixture_url(c->shared);
        w.shared_admin = fixture_admin(c->shared);
        w.shared_log = fixture_log(c->shared);
    }
    w.out = ends[1];
    (void)fflush(NULL); /* or the child would have it to say too */
    h->pid = fork();
    if (h->pid == 0)
        worker_main(&w, parent);
    close(ends[1]);
    if (h->pid < 0) {
        close(ends[0]);
        h->pid = 0;
        return error_set(err, CF_IO, "fork: %s", strerror(errno));
    }
    h->fd = ends[0];
    (void)fcntl(h->fd, F_SETFL, O_NONBLOCK);
    h->current = -1;
    h->late = h->closed = false;
    h->began = now_ms();
    h->deadline = patience(c, h);
    c->busy++;
    return 0;
}

int crew_start(struct crew *c, struct error *err)
{
    for (int i = 0; i < c->count; i++) {
        struct hand *h = &c->hands[i];
        int rc;

        if (h->pid != 0 || (c->failed && c->cfg->fail_fast))
            continue;
        if (h->unit == NULL && c->next < c->units.count)
            h->unit = &c->units.items[c->next++];
        if (h->unit == NULL)
            continue;
        rc = start(c, h, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- what a child says ---- */

static int take_line(struct crew *c, struct hand *h, struct span line)
{
    struct unit *u = h->unit;
    struct error err = {0};
    json_t *j = json_parse_bounded(line, 8, LINE_STRUCTURE, &err);
    json_t *test = json_object_get(j, "test");
    int expected = u->next < u->count ? u->tests[u->next] : -1;
    int64_t index = -1;
    int rc = j == NULL ? -CF_INVALID : 0;

    if (rc == 0)
        rc = json_need_int(j, test != NULL ? "result" : "start", 0, INT32_MAX,
                           &index, &err);
    if (rc == 0 && index != expected)
        rc = -CF_INVALID;
    if (rc == 0 && test == NULL) {
        h->current = expected;
        h->began = now_ms();
    } else if (rc == 0) {
        rc = result_from_json(&c->results[index], test, &err);
        if (rc == 0) {
            h->current = -1;
            u->next++;
            blame_server(c, &c->results[expected]);
            crew_done(c, expected);
        }
    }
    h->deadline = patience(c, h);
    if (j != NULL)
        json_decref(j);
    return rc;
}

/* Whole lines; -1 when one makes no sense. */
static int take_lines(struct crew *c, struct hand *h)
{
    struct span rest = buf_span(&h->in);
    const char *end;
    int rc = 0;

    while (rc == 0 && rest.n > 0 &&
           (end = memchr(rest.p, '\n', rest.n)) != NULL) {
        size_t n = (size_t)(end - rest.p);

        rc = take_line(c, h, span_make(rest.p, n));
        rest = span_make(rest.p + n + 1, rest.n - n - 1);
    }
    buf_consume(&h->in, h->in.len - rest.n);
    return rc;
}

/* ---- its end ---- */

static void describe(const struct crew *c, const struct hand *h, int status,
                     char *out, size_t size)
{
    if (h->late)
        snprintf(out, size,
                 "the test did not end within its limit of %lld.%03d s, so "
                 "its process was killed",
                 (long long)(c->cfg->limit_ms / 1000),
                 (int)(c->cfg->limit_ms % 1000));
    else if (WIFSIGNALED(status))
        snprintf(out, size,
                 "the process that played the test died of signal %d (%s)",
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(out, size,
                 "the process that played the test ended with status %d",
                 WEXITSTATUS(status));
}

static int reap(struct crew *c, struct hand *h)
{
    int status = 0;

    close(h->fd);
    while (waitpid(h->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    h->pid = 0;
    h->fd = -1;
    buf_clear(&h->in);
    c->busy--;
    return status;
}

static void ended(struct crew *c, struct hand *h)
{
    struct unit *u = h->unit;
    int status = reap(c, h);
    bool bad = h->late || status != 0;
    char why[200];

    if (u->next < u->count && (bad || h->current >= 0)) {
        describe(c, h, status, why, sizeof(why));
        lost(c, h, u->tests[u->next++], why, h->late ? 75 : 70);
    }
    h->current = -1;
    if (u->next >= u->count || c->cfg->fail_fast)
        h->unit = NULL; /* else the rest of the unit gets another process */
}

/* One read. True: there may be more. */
static bool read_some(struct crew *c, struct hand *h)
{
    char *to = buf_reserve(&h->in, READ_SIZE);
    ssize_t n = to != NULL ? read(h->fd, to, READ_SIZE) : 0;

    if (n < 0)
        return errno == EINTR;
    h->closed = n == 0 && to != NULL;
    h->in.len += (size_t)n;
    if (n > 0 && take_lines(c, h) == 0)
        return true;
    if (n > 0 || to == NULL) /* nonsense, or more than there may be */
        (void)kill(h->pid, SIGKILL);
    return false;
}

void crew_read(struct crew *c)
{
    for (int i = 0; i < c->count; i++) {
        struct hand *h = &c->hands[i];
        siginfo_t info = {0};

        if (h->pid == 0)
            continue;
        /* Asked before reading: what it said before its end is read first. A
         * process it left behind may hold the pipe, so that its end alone
         * does not say. */
        (void)waitid(P_PID, (id_t)h->pid, &info, WEXITED | WNOHANG | WNOWAIT);
        while (read_some(c, h))
            continue;
        if (info.si_pid == h->pid)
            ended(c, h);
    }
}

void crew_late(struct crew *c, int64_t now)
{
    for (int i = 0; i < c->count; i++) {
        struct hand *h = &c->hands[i];

        if (h->pid == 0 || h->late || now < h->deadline)
            continue;
        h->late = true;
        (void)kill(h->pid, SIGKILL);
    }
}

void crew_kill(struct crew *c, const char *why, int exit_code)
{
    for (int i = 0; i < c->count; i++)
        if (c->hands[i].pid != 0)
            (void)kill(c->hands[i].pid, SIGKILL);
    for (int i = 0; i < c->count; i++) {
        struct hand *h = &c->hands[i];

        if (h->pid == 0)
            continue;
        reap(c, h);
        if (why != NULL && h->current >= 0)
            lost(c, h, h->current, why, exit_code);
        h->unit = NULL;
    }
}

void crew_close(struct crew *c)
{
    crew_kill(c, NULL, 0);
    for (int i = 0; c->hands != NULL && i < c->count; i++)
        buf_release(&c->hands[i].in);
    if (c->slots != NULL)
        (void)munmap(c->slots, (size_t)c->count * sizeof(*c->slots));
    free(c->hands);
    units_release(&c->units);
}
