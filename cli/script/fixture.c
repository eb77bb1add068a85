#include "fixture_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fetch.h"
#include "base/mem.h"

/* ---- small things ---- */

const char *fixture_tmp(void)
{
    const char *tmp = getenv("TMPDIR");

    return tmp != NULL && tmp[0] == '/' && strlen(tmp) <= 60 ? tmp : "/tmp";
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *at)
{
    (void)remove(path);
    return 0;
}

void fixture_remove(const char *dir)
{
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fixture_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* ---- starting and ending ---- */

/* The last lines of the log, for the reason of an error. */
static void last_lines(const struct fixture *f, char *out, size_t size)
{
    int fd = open(f->log, O_RDONLY | O_CLOEXEC);
    off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    off_t from = end > (off_t)size - 1 ? end - (off_t)size + 1 : 0;
    ssize_t n = fd >= 0 ? pread(fd, out, size - 1, from) : 0;
    char *line;

    if (fd >= 0)
        close(fd);
    out[n > 0 ? n : 0] = '\0';
    line = from > 0 ? strchr(out, '\n') : NULL; /* whole lines */
    if (line != NULL && line[1] != '\0')
        memmove(out, line + 1, strlen(line + 1) + 1);
    n = (ssize_t)strlen(out);
    while (n > 0 && out[n - 1] == '\n')
        out[--n] = '\0';
}

static int start_failed(struct fixture *f, bool late, struct error *err)
{
    char lines[200], how[80];

    if (late)
        snprintf(how, sizeof(how), "not ready after %d s",
                 START_PATIENCE_MS / 1000);
    else
        child_describe(&f->child, how, sizeof(how));
    child_end(&f->child, 0);
    last_lines(f, lines, sizeof(lines));
    return error_set(err, CF_UNAVAILABLE, "%s did not start (%s)%s%s",
                     fixture_base_name(f->argv[0]), how,
                     lines[0] != '\0' ? "; its log ends:\n" : "", lines);
}

static int read_ready(struct fixture *f, struct error *err)
{
    char text[8192];
    int fd = open(f->ready, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
    const char *url = NULL, *admin = NULL;
    json_t *j;
    int rc;

    if (fd >= 0)
        close(fd);
    if (n < 0)
        return error_set(err, CF_IO, "%s: %s", f->ready, strerror(errno));
    j = json_parse(span_make(text, (size_t)n), err);
    rc = j == NULL ? -CF_INVALID : json_need_text(j, "url", &url, err);
    if (rc == 0)
        rc = json_want_text(j, "socket", &admin, err);
    if (rc == 0) {
        snprintf(f->url, sizeof(f->url), "%s", url);
        snprintf(f->admin, sizeof(f->admin), "%s", admin != NULL ? admin : "");
    }
    if (j != NULL)
        json_decref(j);
    return rc;
}

/* Wait for a ready file that is whole, or for the child's end. */
static int wait_ready(struct fixture *f, int watch, struct error *err)
{
    int64_t deadline = clock_mono(clock_system()) + START_PATIENCE_MS;
    char events[4096];

    while (read_ready(f, err) < 0) {
        int what = child_wait(&f->child, watch, deadline);

        if (what != 2)
            return start_failed(f, what == 0, err);
        while (read(watch, events, sizeof(events)) > 0)
            continue;
    }
    return 0;
}

static int start(struct fixture *f, struct error *err)
{
    char at[64], data[4200], ready[600];
    const char *const env[] = {at, data, ready, NULL};
    struct child_config cfg = {
        .argv = (const char *const *)f->argv, .env = env, .log_path = f->log};
    int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    int rc;

    snprintf(at, sizeof(at), "CONFAB_LISTEN=127.0.0.1:%d", f->port);
    snprintf(data, sizeof(data), "CONFAB_DATA=%s", f->data);
    snprintf(ready, sizeof(ready), "CONFAB_READY_FILE=%s", f->ready);
    (void)unlink(f->ready);
    if (watch < 0 ||
        inotify_add_watch(watch, f->dir, IN_MOVED_TO | IN_CLOSE_WRITE) < 0)
        rc = error_set(err, CF_IO, "inotify: %s", strerror(errno));
    else
        rc = child_start(&f->child, &cfg, err);
    if (rc == 0)
        rc = wait_ready(f, watch, err);
    if (watch >= 0)
        close(watch);
    if (rc < 0)
        child_end(&f->child, 0);
    return rc;
}

static int prepare(struct fixture *f, const struct fixture_config *cfg,
                   struct error *err)
{
    const char *program = cfg->argv != NULL ? cfg->argv[0] : "confabd";
    const char *data =
        cfg->argv != NULL ? fixture_argument(cfg->argv, "--data") : NULL;

    f->ours = strncmp(fixture_base_name(program), "confabd", 7) == 0;
    f->heard =
        cfg->argv != NULL && fixture_argument(cfg->argv, "--listen") != NULL;
    snprintf(f->dir, sizeof(f->dir), "%s/confab-run-XXXXXX", fixture_tmp());
    if (mkdtemp(f->dir) == NULL) {
        f->dir[0] = '\0';
        return error_set(err, CF_IO, "%s: %s", fixture_tmp(), strerror(errno));
    }
    if (data == NULL)
        data = cfg->data;
    if (data != NULL)
        snprintf(f->data, sizeof(f->data), "%s", data);
    else
        snprintf(f->data, sizeof(f->data), "%s/data", f->dir);
    if (cfg->log_path != NULL)
        snprintf(f->log, sizeof(f->log), "%s", cfg->log_path);
    else
        snprintf(f->log, sizeof(f->log), "%s/log", f->dir);
    snprintf(f->ready, sizeof(f->ready), "%s/ready.json", f->dir);
    return f->heard ? 0 : fixture_hold_port(f, err);
}

static int check_url(struct fixture *f, const char *url, struct error *err)
{
    if (strlen(url) >= sizeof(f->url) ||
        (strncmp(url, "ws://", 5) != 0 && strncmp(url, "wss://", 6) != 0 &&
         strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0))
        return error_set(err, CF_INVALID,
                         "'%s': a server is ws://HOST:PORT or wss://HOST:PORT",
                         url);
    snprintf(f->url, sizeof(f->url), "%s", url);
    return 0;
}

int fixture_start(struct fixture **out, const struct fixture_config *cfg,
                  struct error *err)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    int rc;

    *out = NULL;
    f->hold = f->child.watch = -1;
    fetch_init();
    if (cfg->url != NULL) {
        rc = check_url(f, cfg->url, err);
    } else {
        f->owned = true;
        rc = prepare(f, cfg, err);
        if (rc == 0) {
            fixture_make_argv(f, cfg);
            rc = start(f, err);
        }
    }
    if (rc < 0)
        fixture_free(&f);
    *out = f;
    return rc;
}

void fixture_free(struct fixture **slot)
{
    struct fixture *f = *slot;

    *slot = NULL;
    if (f == NULL)
        return;
    fixture_forget(f);
    child_end(&f->child, STOP_PATIENCE_MS);
    if (f->hold >= 0)
        close(f->hold);
    if (f->dir[0] != '\0')
        fixture_remove(f->dir);
    for (int i = 0; f->argv != NULL && f->argv[i] != NULL; i++)
        free(f->argv[i]);
    free(f->argv);
    free(f);
}

const char *fixture_url(const struct fixture *f)
{
    return f->url;
}

const char *fixture_log(const struct fixture *f)
{
    return f->owned ? f->log : NULL;
}

const char *fixture_admin(const struct fixture *f)
{
    return f->admin[0] != '\0' ? f->admin : NULL;
}

bool fixture_owned(const struct fixture *f)
{
    return f->owned;
}

bool fixture_running(struct fixture *f)
{
    return !f->owned || child_running(&f->child);
}

/* ---- faults ---- */

int fixture_check(struct fixture *f, struct error *err)
{
    char lines[200], how[80];

    if (fixture_running(f))
        return 0;
    child_describe(&f->child, how, sizeof(how));
    last_lines(f, lines, sizeof(lines));
    return error_set(err, CF_UNAVAILABLE, "the server ended (%s)%s%s", how,
                     lines[0] != '\0' ? "; its log ends:\n" : "", lines);
}

static int stop(struct fixture *f, struct error *err)
{
    if (child_end(&f->child, STOP_PATIENCE_MS))
        return 0;
    return error_set(err, CF_TIMEOUT,
                     "the server was still there %d s after SIGTERM, so it was "
                     "killed",
                     STOP_PATIENCE_MS / 1000);
}

int fixture_fault(struct fixture *f, enum fault fault, struct error *err)
{
    int rc = 0;

    if (!f->owned)
        return error_set(err, CF_DENIED,
                         "the server at %s is not ours to stop or start",
                         f->url);
    switch (fault) {
    case FAULT_STOP:
        return stop(f, err);
    case FAULT_KILL:
        child_end(&f->child, 0);
        return 0;
    case FAULT_START:
        if (child_running(&f->child))
            return error_set(err, CF_EXISTS, "the server runs already");
        return start(f, err);
    case FAULT_RESTART:
        rc = stop(f, err);
        return rc < 0 ? rc : start(f, err);
    default:
        return error_set(err, CF_INVALID, "that is no fault of a server");
    }
}
