#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define DEPTH 12
#define STRUCTURE 200000

/* ---- reading ---- */

static struct wire_line *add(struct wire_log *log)
{
    if (log->count == log->room) {
        log->room = log->room > 0 ? 2 * log->room : 64;
        log->lines =
            mem_grow(log->lines, (size_t)log->room, sizeof(*log->lines));
    }
    log->lines[log->count] = (struct wire_line){0};
    return &log->lines[log->count++];
}

/* Which kind of line, and what it holds. False: none of ours. */
static bool sort_out(json_t *j, struct wire_line *l)
{
    const char *dir = json_string_value(json_object_get(j, "dir"));
    json_t *close = json_object_get(j, "close");
    bool up = dir != NULL && strcmp(dir, "up") == 0;

    l->what = json_object_get(j, "event");
    l->kind = WIRE_EVENT;
    if (json_is_object(l->what))
        return true;
    if (!up && (dir == NULL || strcmp(dir, "down") != 0))
        return false;
    l->what = json_object_get(j, "frame");
    l->kind = up ? WIRE_UP : WIRE_DOWN;
    if (json_is_object(l->what))
        return true;
    l->what = NULL;
    l->kind = up ? WIRE_UP_CLOSE : WIRE_DOWN_CLOSE;
    l->close = (int)json_integer_value(close);
    return json_is_integer(close);
}

static int read_line(struct wire_log *log, struct span text, int number,
                     struct error *err)
{
    json_t *j = json_parse_bounded(text, DEPTH, STRUCTURE, err);
    struct wire_line line = {.line = number};
    int64_t conn = 1;
    int rc = j == NULL
                 ? -CF_INVALID
                 : json_want_int(j, "conn", 1, WIRE_MAX_CONNS, &conn, err);

    if (rc == 0 && sort_out(j, &line)) {
        line.conn = (int)conn;
        json_incref(line.what);
        *add(log) = line;
        if (line.conn > log->conns)
            log->conns = line.conn;
    }
    if (j != NULL)
        json_decref(j);
    return rc;
}

static int read_lines(struct wire_log *out, FILE *f, const char *path,
                      struct error *err)
{
    struct error why = {0};
    char *line = NULL;
    size_t room = 0, total = 0;
    int number = 0, rc = 0;
    ssize_t n;

    while (rc == 0 && (n = getline(&line, &room, f)) >= 0) {
        total += (size_t)n;
        number++;
        if (total > WIRE_MAX_BYTES || number > WIRE_MAX_LINES)
            rc = error_set(err, CF_TOO_BIG,
                           "%s: a log has at most %d MiB and "
                           "%d lines",
                           path, WIRE_MAX_BYTES >> 20, WIRE_MAX_LINES);
        else if (n > 1 && line[0] != '#')
            rc = read_line(out, span_make(line, (size_t)n), number, &why);
        if (rc < 0 && rc != -CF_TOO_BIG)
            rc = error_set(err, -rc, "%s:%d: %s", path, number, why.text);
    }
    free(line);
    return rc;
}

int wire_read(struct wire_log *out, const char *path, struct error *err)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    int rc;

    *out = (struct wire_log){0};
    if (f == NULL)
        return error_set(err, errno == ENOENT ? CF_NOT_FOUND : CF_IO, "%s: %s",
                         path, strerror(errno));
    rc = read_lines(out, f, path, err);
    if (f != stdin)
        fclose(f);
    if (rc == 0 && out->count == 0)
        rc = error_set(err, CF_INVALID, "%s: there is no frame in it", path);
    if (rc < 0)
        wire_release(out);
    return rc;
}

void wire_release(struct wire_log *log)
{
    for (int i = 0; i < log->count; i++)
        json_decref(log->lines[i].what);
    free(log->lines);
    *log = (struct wire_log){0};
}

/* ---- writing ---- */

void wire_writer_init(struct wire_writer *w, FILE *to)
{
    *w = (struct wire_writer){.to = to};
    strmap_init(&w->tokens);
}

void wire_writer_release(struct wire_writer *w)
{
    strmap_release(&w->tokens);
}

/* A copy of the frame without its secret. */
static json_t *masked(struct wire_writer *w, json_t *frame)
{
    json_t *copy = json_copy(frame);
    const char *token = json_string_value(json_object_get(copy, "token"));
    char label[32];
    uintptr_t number;

    if (token == NULL)
        return copy;
    number = (uintptr_t)strmap_get(&w->tokens, span_of(token));
    if (number == 0) {
        number = w->tokens.len + 1;
        strmap_put(&w->tokens, span_of(token), (void *)number);
    }
    snprintf(label, sizeof(label), "[token %u]", (unsigned)number);
    json_object_set_new(copy, "token", json_string(label));
    return copy;
}

static json_t *line_of(struct wire_writer *w, int conn, enum wire_kind kind,
                       json_t *what, int close)
{
    bool up = kind == WIRE_UP || kind == WIRE_UP_CLOSE;
    json_t *j = json_object();

    json_object_set_new(j, "conn", json_integer(conn));
    if (kind != WIRE_EVENT)
        json_object_set_new(j, "dir", json_string(up ? "up" : "down"));
    if (kind == WIRE_UP_CLOSE || kind == WIRE_DOWN_CLOSE)
        json_object_set_new(j, "close", json_integer(close));
    else
        json_object_set_new(j, kind == WIRE_EVENT ? "event" : "frame",
                            masked(w, what));
    return j;
}

int wire_write(struct wire_writer *w, int conn, enum wire_kind kind,
               json_t *what, int close)
{
    json_t *j = line_of(w, conn, kind, what, close);
    struct buf b;
    int rc;

    buf_init(&b, 4 * WIRE_MAX_MESSAGE);
    rc = json_write(&b, j, false);
    json_decref(j);
    if (rc == 0)
        rc = buf_append_byte(&b, '\n');
    if (rc == 0 &&
        (fwrite(b.data, 1, b.len, w->to) != b.len || fflush(w->to) != 0))
        rc = -CF_IO;
    buf_release(&b);
    w->lines++;
    return rc;
}
