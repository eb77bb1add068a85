#include "outputs.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define TEXT_BYTES (64 << 20)

/* ---- before the run ---- */

static int open_lines(FILE **out, const char *path, struct error *err)
{
    if (path == NULL)
        return 0;
    *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    if (*out == NULL)
        return error_set(err, CF_IO, "%s: %s", path, strerror(errno));
    return 0;
}

static int check_folder(const char *path, struct error *err)
{
    char folder[4096];
    const char *slash;

    if (path == NULL || strcmp(path, "-") == 0)
        return 0;
    slash = strrchr(path, '/');
    snprintf(folder, sizeof(folder), "%.*s",
             slash != NULL ? (int)(slash - path) + 1 : 1,
             slash != NULL ? path : ".");
    if (access(folder, W_OK) != 0)
        return error_set(err, CF_IO, "%s: %s", path, strerror(errno));
    return 0;
}

static int read_floor(json_t **out, const char *path, struct error *err)
{
    json_error_t why;

    if (path == NULL)
        return 0;
    *out = json_load_file(path, 0, &why);
    if (!json_is_object(*out))
        return error_set(err, CF_INVALID, "%s: no document of floor --json",
                         path);
    return 0;
}

int outputs_open(struct outputs *o, const struct output_paths *paths,
                 struct error *err)
{
    const char *later[] = {paths->json, paths->hgrm, paths->junit, paths->tap};
    struct buf head;
    int rc;

    memset(o, 0, sizeof(*o));
    o->paths = *paths;
    rc = read_floor(&o->floor, paths->floor, err);
    for (size_t i = 0; rc == 0 && i < sizeof(later) / sizeof(later[0]); i++)
        rc = check_folder(later[i], err);
    if (rc == 0)
        rc = open_lines(&o->jsonl, paths->jsonl, err);
    if (rc == 0)
        rc = open_lines(&o->csv, paths->csv, err);
    if (rc == 0)
        rc = open_lines(&o->hlog.to, paths->hlog, err);
    if (rc == 0 && o->csv != NULL) {
        buf_init(&head, TEXT_BYTES);
        write_csv_head(&head);
        fwrite(head.data, 1, head.len, o->csv);
        buf_release(&head);
    }
    if (rc < 0)
        outputs_close(o);
    return rc;
}

/* ---- each second ---- */

static void say_failed(struct outputs *o, const char *path)
{
    if (o->failed == NULL)
        fprintf(stderr, "\nconfab-load: %s: %s; the run goes on\n", path,
                strerror(errno));
    o->failed = path;
}

static void put_row(struct outputs *o, FILE *to, const struct second *row,
                    void (*write)(struct buf *, const struct second *))
{
    struct buf b;

    if (to == NULL)
        return;
    buf_init(&b, 1 << 20);
    write(&b, row);
    if (fwrite(b.data, 1, b.len, to) != b.len || fflush(to) != 0)
        say_failed(o, to == o->jsonl ? o->paths.jsonl : o->paths.csv);
    buf_release(&b);
}

static void put_hlog(struct outputs *o, const struct second *row,
                     const struct collect *c, int64_t started_ms)
{
    if (hlog_second(&o->hlog, c, row->phase, row->at_ms, started_ms) < 0)
        say_failed(o, o->paths.hlog);
}

void outputs_second(struct outputs *o, const struct second *row,
                    const struct collect *c, int64_t started_ms)
{
    put_row(o, o->jsonl, row, write_jsonl);
    put_row(o, o->csv, row, write_csv);
    put_hlog(o, row, c, started_ms);
}

/* ---- at the end ---- */

static void keep_first(int *rc, struct error *err, int next,
                       const struct error *why)
{
    if (next >= 0 || *rc < 0)
        return;
    *rc = next;
    *err = *why;
}

static int write_text(const char *path, struct buf *b, struct error *err)
{
    int rc = result_write_text(path, buf_span(b), err);

    buf_clear(b);
    return rc;
}

/* PREFIX.e2e.hgrm and so on: what has samples, in ms. */
static int write_hgrms(const char *prefix, const struct collect *c,
                       struct buf *b, struct error *err)
{
    char path[4096];
    int rc = 0;

    for (int m = 0; rc == 0 && m < METRICS; m++) {
        if (c->hists[m].count == 0)
            continue;
        snprintf(path, sizeof(path), "%s.%s.hgrm", prefix,
                 metric_name((enum metric)m));
        hist_write_hgrm(b, &c->hists[m], 1e6, 5);
        rc = write_text(path, b, err);
    }
    return rc;
}

static void write_others(struct outputs *o, const struct result_input *in,
                         const char *name, int *rc, struct error *err)
{
    const struct output_paths *p = &o->paths;
    struct error why = {0};
    struct buf b;

    buf_init(&b, TEXT_BYTES);
    if (p->hgrm != NULL)
        keep_first(rc, err, write_hgrms(p->hgrm, in->collect, &b, &why), &why);
    if (p->junit != NULL) {
        write_junit(&b, in->verdicts, in->collect, name);
        keep_first(rc, err, write_text(p->junit, &b, &why), &why);
    }
    if (p->tap != NULL) {
        write_tap(&b, in->verdicts, in->collect);
        keep_first(rc, err, write_text(p->tap, &b, &why), &why);
    }
    buf_release(&b);
}

int outputs_finish(struct outputs *o, struct result_input *in, const char *name,
                   struct error *err)
{
    struct error why = {0};
    json_t *doc;
    int rc = 0;

    in->floor = o->floor;
    if (in->collect->nseconds > 0) /* what came after the last row was told */
        put_hlog(o, &in->collect->seconds[in->collect->nseconds - 1],
                 in->collect, in->started_ms);
    if (o->paths.json != NULL) {
        doc = result_json(in);
        keep_first(&rc, err, result_write(o->paths.json, doc, &why), &why);
        json_decref(doc);
    }
    write_others(o, in, name, &rc, err);
    if (o->failed != NULL && rc == 0)
        rc = error_set(err, CF_IO, "a line for each second is missing in %s",
                       o->failed);
    return rc;
}

void outputs_close(struct outputs *o)
{
    if (o->jsonl != NULL && o->jsonl != stdout)
        fclose(o->jsonl);
    if (o->csv != NULL && o->csv != stdout)
        fclose(o->csv);
    hlog_close(&o->hlog);
    o->jsonl = NULL;
    o->csv = NULL;
    json_decref(o->floor);
    o->floor = NULL;
}
