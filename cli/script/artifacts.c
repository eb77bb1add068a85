#include "artifacts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define SLUG_MAX 80
#define LINE_MAX_BYTES (16 << 20)

/* ---- names ---- */

/* One component of a path from n bytes of s. */
static void put_slug(struct buf *out, const char *s, size_t n)
{
    bool dots = n == 0 || (n <= 2 && strncmp(s, "..", n) == 0);

    if (dots) {
        buf_append_byte(out, '_');
        return;
    }
    for (size_t i = 0; i < n && i < SLUG_MAX; i++) {
        char c = s[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    (c >= '0' && c <= '9') || strchr("._-", c) != NULL;

        buf_append_byte(out, good ? c : '-');
    }
}

static void put_path(struct buf *out, const char *file)
{
    while (*file != '\0') {
        size_t n = strcspn(file, "/");

        if (n > 0 && !(n == 1 && *file == '.')) {
            buf_append_byte(out, '/');
            put_slug(out, file, n);
        }
        file += n + (file[n] == '/');
    }
}

static int make_all(char *path, struct error *err)
{
    for (char *p = path + 1;; p++) {
        bool end = *p == '\0';
        int rc;

        if (!end && *p != '/')
            continue;
        *p = '\0';
        rc = mkdir(path, 0700);
        if (rc < 0 && errno != EEXIST)
            return error_set(err, CF_IO, "%s: %s", path, strerror(errno));
        if (end)
            return 0;
        *p = '/';
    }
}

int artifacts_make(char *out, size_t size, const char *root, const char *file,
                   int index, const char *name, struct error *err)
{
    struct buf b;
    const char *path;
    int rc;

    buf_init(&b, size);
    buf_append_text(&b, root);
    put_path(&b, file);
    buf_printf(&b, "/%03d-", index + 1);
    put_slug(&b, name, strlen(name));
    path = buf_cstr(&b);
    if (path == NULL)
        rc = error_set(err, CF_TOO_BIG, "%s: the path is too long", root);
    else
        snprintf(out, size, "%s", path);
    buf_release(&b);
    return path == NULL ? rc : make_all(out, err);
}

/* ---- files ---- */

static FILE *create(const char *dir, const char *name, struct error *err)
{
    char path[4200];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "we");
    if (f == NULL)
        error_set(err, CF_IO, "%s: %s", path, strerror(errno));
    return f;
}

static int finish(FILE *f, int rc, const char *dir, struct error *err)
{
    bool bad = ferror(f) != 0;

    if (fclose(f) != 0 || bad)
        return error_set(err, CF_IO, "%s: cannot write", dir);
    return rc;
}

static void put_line(FILE *f, const json_t *j)
{
    struct buf b;

    buf_init(&b, LINE_MAX_BYTES);
    if (json_write(&b, j, false) == 0 && buf_append_byte(&b, '\n') == 0)
        (void)fwrite(b.data, 1, b.len, f);
    buf_release(&b);
}

static const char *actor_of(const json_t *event)
{
    return json_string_value(json_object_get(event, "actor"));
}

/* The events of one actor, or of all (NULL). */
static int write_events(const char *dir, const char *file, const json_t *events,
                        const char *actor, struct error *err)
{
    FILE *f = create(dir, file, err);

    if (f == NULL)
        return -CF_IO;
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *e = json_array_get(events, i);
        const char *who = actor_of(e);

        if (actor == NULL || (who != NULL && strcmp(who, actor) == 0))
            put_line(f, e);
    }
    return finish(f, 0, dir, err);
}

static int write_actors(const char *dir, const json_t *events,
                        struct error *err)
{
    json_t *done = json_object();
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < json_array_size(events); i++) {
        const char *actor = actor_of(json_array_get(events, i));
        struct buf file;

        if (actor == NULL || json_object_get(done, actor) != NULL)
            continue;
        json_object_set_new(done, actor, json_true());
        buf_init(&file, 256);
        buf_append_text(&file, "actor-");
        put_slug(&file, actor, strlen(actor));
        buf_append_text(&file, ".jsonl");
        rc = write_events(dir, buf_cstr(&file), events, actor, err);
        buf_release(&file);
    }
    json_decref(done);
    return rc;
}

int artifacts_write(const char *dir, const struct test_result *r,
                    struct error *err)
{
    struct test_result brief = *r;
    FILE *f = create(dir, "result.json", err);
    json_t *j;

    if (f == NULL)
        return -CF_IO;
    brief.events = NULL;
    j = result_to_json(&brief);
    put_line(f, j);
    json_decref(j);
    if (finish(f, 0, dir, err) < 0)
        return -CF_IO;
    if (r->events == NULL)
        return 0;
    if (write_events(dir, "timeline.jsonl", r->events, NULL, err) < 0)
        return -CF_IO;
    return write_actors(dir, r->events, err);
}

int artifacts_log(const char *dir, const char *log, int64_t from,
                  struct error *err)
{
    FILE *f = create(dir, "server.log", err);
    int fd = f != NULL ? open(log, O_RDONLY | O_CLOEXEC) : -1;
    char bytes[16 * 1024];
    int64_t left = ARTIFACTS_LOG_MAX;
    ssize_t n;

    if (f == NULL)
        return -CF_IO;
    while (fd >= 0 && left > 0 &&
           (n = pread(fd, bytes, sizeof(bytes), (off_t)from)) > 0) {
        n = n < left ? n : (ssize_t)left;
        (void)fwrite(bytes, 1, (size_t)n, f);
        from += n;
        left -= n;
    }
    if (fd >= 0)
        close(fd);
    return finish(f, 0, dir, err);
}
