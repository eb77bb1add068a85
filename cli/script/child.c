#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define KILL_PATIENCE_MS                                 \
    10000 /* a killed process that stays is the kernel's \
           */

/* Our environment with cfg->env in front: the first of a name counts. */
static char **environment(const struct child_config *cfg)
{
    size_t ours = 0, added = 0;
    char **all;

    while (environ[ours] != NULL)
        ours++;
    while (cfg->env != NULL && cfg->env[added] != NULL)
        added++;
    all = mem_array(ours + added + 1, sizeof(*all));
    for (size_t i = 0; i < added; i++)
        all[i] = (char *)(uintptr_t)cfg->env[i];
    memcpy(all + added, environ, ours * sizeof(*all));
    return all;
}

/* In the child, between fork and exec: only calls that are safe there. */
static void become(const struct child_config *cfg, char **env, pid_t parent,
                   int log, int report)
{
    sigset_t none;
    int why;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before the line above */
        _exit(127);
    dup2(open("/dev/null", O_RDONLY), 0);
    dup2(log, 1);
    dup2(log, 2);
    close_range(3, (unsigned)report - 1, 0);
    close_range((unsigned)report + 1, ~0U, 0);
    if (cfg->cwd == NULL || chdir(cfg->cwd) == 0)
        execvpe(cfg->argv[0], (char *const *)(uintptr_t)cfg->argv, env);
    why = errno;
    if (write(report, &why, sizeof(why)) < 0)
        _exit(126);
    _exit(127);
}

/* The errno of an exec that failed, 0 when it worked (the pipe closed). */
static int exec_failure(int fd)
{
    int why = 0;
    ssize_t n;

    do
        n = read(fd, &why, sizeof(why));
    while (n < 0 && errno == EINTR);
    return n == sizeof(why) ? why : 0;
}

static int adopt(struct child *c, int report, const struct child_config *cfg,
                 struct error *err)
{
    int why = exec_failure(report);

    c->watch = (int)syscall(SYS_pidfd_open, c->pid, 0);
    if (why == 0 && c->watch >= 0)
        return 0;
    if (why == 0)
        why = errno;
    child_end(c, 0);
    return error_set(err, why == ENOENT ? CF_NOT_FOUND : CF_IO,
                     "cannot start %s: %s", cfg->argv[0], strerror(why));
}

int child_start(struct child *c, const struct child_config *cfg,
                struct error *err)
{
    int log =
        open(cfg->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    pid_t self = getpid();
    int pipes[2] = {-1, -1};
    char **env;
    int rc;

    *c = (struct child){.watch = -1};
    if (log < 0 || pipe2(pipes, O_CLOEXEC) < 0) {
        rc = error_set(err, CF_IO, "%s: %s", cfg->log_path, strerror(errno));
        if (log >= 0)
            close(log);
        return rc;
    }
    env = environment(cfg);
    c->pid = fork();
    if (c->pid == 0)
        become(cfg, env, self, log, pipes[1]);
    free(env);
    close(log);
    close(pipes[1]);
    if (c->pid < 0) {
        c->pid = 0;
        rc = error_set(err, CF_IO, "fork: %s", strerror(errno));
    } else {
        rc = adopt(c, pipes[0], cfg, err);
    }
    close(pipes[0]);
    return rc;
}

/* Take the status if it ended. */
static bool reap(struct child *c, int flags)
{
    pid_t got;

    do
        got = waitpid(c->pid, &c->status, flags);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return false;
    c->pid = 0;
    if (c->watch >= 0)
        close(c->watch);
    c->watch = -1;
    return true;
}

bool child_running(struct child *c)
{
    return c->pid > 0 && !reap(c, WNOHANG);
}

int child_wait(struct child *c, int fd, int64_t deadline)
{
    struct pollfd watch[2] = {{.fd = c->watch, .events = POLLIN},
                              {.fd = fd, .events = POLLIN}};

    while (child_running(c)) {
        int64_t left = deadline - clock_mono(clock_system());
        int n;

        if (left <= 0)
            return 0;
        watch[0].fd = c->watch;
        n = poll(watch, 2, left > 60000 ? 60000 : (int)left);
        if (n > 0 && watch[0].revents == 0)
            return 2;
    }
    return 1;
}

bool child_end(struct child *c, int64_t patience_ms)
{
    const struct clock *clock = clock_system();

    if (!child_running(c))
        return true;
    if (patience_ms > 0 && kill(c->pid, SIGTERM) == 0 &&
        child_wait(c, -1, clock_mono(clock) + patience_ms) == 1)
        return true;
    if (c->pid == 0)
        return true;
    kill(c->pid, SIGKILL);
    if (c->watch < 0)
        reap(c, 0);
    else if (child_wait(c, -1, clock_mono(clock) + KILL_PATIENCE_MS) != 1) {
        close(c->watch);
        c->watch = -1;
        c->pid = 0;
    }
    return false;
}

void child_describe(const struct child *c, char *out, size_t size)
{
    if (WIFSIGNALED(c->status))
        snprintf(out, size, "signal %d (%s)", WTERMSIG(c->status),
                 strsignal(WTERMSIG(c->status)));
    else
        snprintf(out, size, "exit status %d", WEXITSTATUS(c->status));
}
