#include "own_server.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"

#define READY_MS 120000
#define STOP_MS 20000

/* ---- the command ---- */

static bool has_word(const struct own_server *s, const char *word)
{
    size_t n = strlen(word);

    for (int i = 1; i < s->nwords; i++)
        if (strncmp(s->words[i], word, n) == 0 &&
            (s->words[i][n] == '\0' || s->words[i][n] == '='))
            return true;
    return false;
}

static int add_word(struct own_server *s, const char *word)
{
    if (s->nwords == OWN_SERVER_WORDS - 1)
        return -CF_TOO_BIG;
    s->words[s->nwords++] = mem_text(word);
    return 0;
}

static int add_words(struct own_server *s, const char *text)
{
    int rc = 0;

    while (rc == 0 && *(text += strspn(text, " \t")) != '\0') {
        size_t n = strcspn(text, " \t");
        char *word = mem_text_n(text, n);

        rc = add_word(s, word);
        free(word);
        text += n;
    }
    return rc;
}

/* An option with its value, unless the caller gave it. */
__attribute__((format(printf, 3, 4))) static int
add_default(struct own_server *s, const char *option, const char *fmt, ...)
{
    char value[320];
    va_list ap;

    if (has_word(s, option))
        return 0;
    va_start(ap, fmt);
    vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    if (add_word(s, option) < 0)
        return -CF_TOO_BIG;
    return value[0] != '\0' ? add_word(s, value) : 0;
}

/* "confabd": the one in our own directory, if there is one. */
static void beside_us(char **program)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);
    char *slash;

    if (strchr(*program, '/') != NULL || n <= 0)
        return;
    path[n] = '\0';
    slash = strrchr(path, '/');
    snprintf(slash + 1, 63, "%.60s", *program);
    if (access(path, X_OK) != 0)
        return;
    free(*program);
    *program = mem_text(path);
}

static int make_command(struct own_server *s, const char *command,
                        int64_t conns)
{
    int rc = 0;

    command += strspn(command, " \t");
    if (*command == '-' || *command == '\0')
        rc = add_word(s, "confabd");
    if (rc == 0)
        rc = add_words(s, command);
    if (rc == 0)
        rc = add_default(s, "--data", "%s/data", s->dir);
    if (rc == 0)
        rc = add_default(s, "--connections", "%" PRId64, conns);
    if (rc == 0)
        rc = add_default(s, "--per-address", "1000000");
    if (rc == 0)
        rc = add_default(s, "--no-budgets", "%s", "");
    if (rc == 0)
        rc = add_default(s, "--ready-file", "%s/ready", s->dir);
    snprintf(s->listen, sizeof(s->listen), "127.0.0.1:0");
    if (rc == 0 && !has_word(s, "--listen") && !has_word(s, "-l")) {
        s->listen_at = s->nwords + 1;
        rc = add_default(s, "--listen", "%s", s->listen);
    }
    if (rc == 0)
        beside_us(&s->words[0]);
    return rc;
}

/* ---- one life ---- */

/* The child: it dies with us, and logs into our directory. */
_Noreturn static void become(const struct own_server *s, int parent)
{
    char path[300];
    int fd;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    signal(SIGINT, SIG_IGN); /* ^C is for us; we end it */
    setpgid(0, 0);
    snprintf(path, sizeof(path), "%s/log", s->dir);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd >= 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
    }
    execvp(s->words[0], s->words);
    fprintf(stderr, "%s: %s\n", s->words[0], strerror(errno));
    _exit(127);
}

/* True when the process ended within ms. */
static bool ended(int pid, int64_t ms)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    bool gone = fd < 0 || poll(&p, 1, (int)ms) > 0;

    if (fd >= 0)
        close(fd);
    return gone;
}

static void reap(struct own_server *s)
{
    if (s->pid > 0)
        waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

/* The last line of its log, for the message. */
static void last_words(const struct own_server *s, char *out, size_t room)
{
    char path[300], line[512];
    FILE *f;

    out[0] = '\0';
    snprintf(path, sizeof(path), "%s/log", s->dir);
    f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        snprintf(out, room, "%.*s", (int)strcspn(line, "\n"), line);
    if (f != NULL)
        fclose(f);
}

static const char *ready_path(const struct own_server *s)
{
    for (int i = 1; i + 1 < s->nwords; i++)
        if (strcmp(s->words[i], "--ready-file") == 0)
            return s->words[i + 1];
    return "";
}

static bool read_ready(struct own_server *s)
{
    char text[4096];
    FILE *f = fopen(ready_path(s), "re");
    struct error err;
    const char *url, *socket;
    json_t *j;
    size_t n;

    if (f == NULL)
        return false;
    n = fread(text, 1, sizeof(text), f);
    fclose(f);
    j = json_parse(span_make(text, n), &err);
    url = json_string_value(json_object_get(j, "url"));
    socket = json_string_value(json_object_get(j, "socket"));
    if (url != NULL && socket != NULL) {
        snprintf(s->url, sizeof(s->url), "%s", url);
        snprintf(s->socket, sizeof(s->socket), "%s", socket);
    }
    json_decref(j);
    return url != NULL && socket != NULL;
}

static int wait_ready(struct own_server *s, struct error *err)
{
    int64_t end = clock_mono(clock_system()) + READY_MS;
    char why[200];

    while (!ended(s->pid, 10)) {
        if (read_ready(s))
            return 0;
        if (clock_mono(clock_system()) < end)
            continue;
        kill(s->pid, SIGKILL);
        reap(s);
        return error_set(err, CF_UNAVAILABLE,
                         "our server does not serve after %d s",
                         READY_MS / 1000);
    }
    reap(s);
    last_words(s, why, sizeof(why));
    return error_set(err, CF_UNAVAILABLE, "our server ended: %s", why);
}

static int start(struct own_server *s, struct error *err)
{
    int parent = getpid();

    unlink(ready_path(s));
    s->pid = fork();
    if (s->pid < 0) {
        s->pid = 0;
        return error_set(err, CF_IO, "fork: %s", strerror(errno));
    }
    if (s->pid == 0)
        become(s, parent);
    return wait_ready(s, err);
}

int own_server_start(struct own_server *s, const char *command, int64_t conns,
                     struct error *err)
{
    const char *tmp = getenv("TMPDIR"), *port;
    int rc;

    memset(s, 0, sizeof(*s));
    snprintf(s->dir, sizeof(s->dir), "%.200s/confab-load-XXXXXX",
             tmp != NULL && *tmp == '/' ? tmp : "/tmp");
    if (mkdtemp(s->dir) == NULL) {
        rc = error_set(err, CF_IO, "%s: %s", s->dir, strerror(errno));
        s->dir[0] = '\0';
        return rc;
    }
    if (make_command(s, command, conns) < 0)
        rc = error_set(err, CF_TOO_BIG, "--server: more than %d words",
                       OWN_SERVER_WORDS - 1);
    else
        rc = start(s, err);
    if (rc < 0) {
        own_server_end(s);
        return rc;
    }
    /* The next start takes the port of this one. */
    port = strrchr(s->url, ':');
    if (s->listen_at > 0 && port != NULL) {
        free(s->words[s->listen_at]);
        snprintf(s->listen, sizeof(s->listen), "127.0.0.1%.20s", port);
        s->words[s->listen_at] = mem_text(s->listen);
    }
    return 0;
}

int own_server_restart(struct own_server *s, struct error *err)
{
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        reap(s);
    }
    return start(s, err);
}

/* The first line in its log that a sanitizer or the program died by, else the
 * last one. */
static void why_it_died(const struct own_server *s, char *out, size_t room)
{
    char path[300], line[512];
    bool found = false;
    FILE *f;

    last_words(s, out, room);
    snprintf(path, sizeof(path), "%s/log", s->dir);
    f = fopen(path, "re");
    while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL) {
        found = strstr(line, "ERROR: ") != NULL ||
                strstr(line, "runtime error: ") != NULL;
        if (found)
            snprintf(out, room, "%.*s", (int)strcspn(line, "\n"), line);
    }
    if (f != NULL)
        fclose(f);
}

/* A server that ended by itself, or not well when asked to, is a finding. */
static void tell_end(const struct own_server *s, bool early, int status)
{
    bool killed = WIFSIGNALED(status);
    char why[400];

    if (!early && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    why_it_died(s, why, sizeof(why));
    fprintf(stderr, "confab-load: our server ended %s, with %s %d: %s\n",
            early ? "before we asked" : "badly", killed ? "signal" : "status",
            killed ? WTERMSIG(status) : WEXITSTATUS(status), why);
}

static int remove_one(const char *path, const struct stat *st, int kind,
                      struct FTW *ftw)
{
    (void)!remove(path); /* what stays is of no use to anybody */
    return 0;
}

static void stop(struct own_server *s)
{
    int status = 0;
    bool early = waitpid(s->pid, &status, WNOHANG) == s->pid;

    if (!early) {
        kill(s->pid, SIGCONT); /* it may stand still */
        kill(s->pid, SIGTERM);
        if (!ended(s->pid, STOP_MS))
            kill(s->pid, SIGKILL);
        waitpid(s->pid, &status, 0);
    }
    s->pid = 0;
    tell_end(s, early, status);
}

void own_server_end(struct own_server *s)
{
    if (s->pid > 0)
        stop(s);
    for (int i = 0; i < s->nwords; i++)
        free(s->words[i]);
    s->nwords = 0;
    if (s->dir[0] != '\0')
        nftw(s->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    s->dir[0] = '\0';
}
