#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "result.h"

#define DEPTH 16
#define STRUCTURE (16 << 20)

/* An object with the name that errors call it by. The first error stays. */
struct reader {
    const json_t *o;
    const char *at; /* "outcome.", "" for the document */
    struct error *err;
    int r;
};

static void wrong(struct reader *in, const char *key, const char *what)
{
    if (in->r == 0)
        in->r = error_set(in->err, CF_INVALID, "member '%s%s' must be %s",
                          in->at, key, what);
}

/* The member, NULL when absent or null. */
static json_t *member(const struct reader *in, const char *key)
{
    json_t *v = json_object_get(in->o, key);

    return json_is_null(v) ? NULL : v;
}

static int64_t get_int(struct reader *in, const char *key, int64_t min)
{
    const json_t *v = member(in, key);
    int64_t n = json_integer_value(v);

    if (v == NULL)
        return min;
    if (!json_is_integer(v) || n < min || n > RESULT_NUMBER) {
        wrong(in, key, "a whole number");
        return min;
    }
    return n;
}

static double get_real(struct reader *in, const char *key)
{
    const json_t *v = member(in, key);
    double x = json_number_value(v);

    if (v != NULL && (!json_is_number(v) || fabs(x) > 1e18))
        wrong(in, key, "a number");
    return json_is_number(v) && fabs(x) <= 1e18 ? x : 0;
}

static bool get_bool(struct reader *in, const char *key)
{
    const json_t *v = member(in, key);

    if (v != NULL && !json_is_boolean(v))
        wrong(in, key, "true or false");
    return json_is_true(v);
}

static const char *get_text(struct reader *in, const char *key)
{
    const json_t *v = member(in, key);

    if (v != NULL && !json_is_string(v))
        wrong(in, key, "a string");
    return json_is_string(v) ? json_string_value(v) : "";
}

static void copy_text(struct reader *in, const char *key, char *out,
                      size_t size)
{
    snprintf(out, size, "%s", get_text(in, key));
}

static struct reader inside(struct reader *in, const char *key, const char *at)
{
    const json_t *v = member(in, key);

    if (v != NULL && !json_is_object(v))
        wrong(in, key, "an object");
    return (struct reader){json_is_object(v) ? v : NULL, at, in->err, in->r};
}

static int read_counts(struct run *r, struct reader *doc)
{
    struct reader counts = inside(doc, "counts", "counts."), one;
    const char *name;

    one = inside(&counts, "measured", "counts.measured.");
    for (int i = 0; i < COUNTS; i++) {
        name = count_name((enum count)i);
        r->collect.counts[i] = (uint64_t)get_int(&one, name, 0);
    }
    if (one.r < 0)
        return one.r;
    one = inside(&counts, "all", "counts.all.");
    for (int i = 0; i < COUNTS; i++) {
        name = count_name((enum count)i);
        r->collect.all[i] = (uint64_t)get_int(&one, name, 0);
    }
    return one.r;
}

static int read_hist(struct collect *c, int metric, const json_t *o,
                     struct error *err)
{
    const json_t *text = json_object_get(o, "hist");
    const char *name = metric_name((enum metric)metric);
    struct hist h;

    if (!json_is_string(text))
        return error_set(err, CF_INVALID,
                         "member 'metrics.%s.hist' must be a string", name);
    if (hist_decode(&h, span_make(json_string_value(text),
                                  json_string_length(text))) < 0)
        return error_set(err, CF_INVALID,
                         "member 'metrics.%s.hist' is no histogram", name);
    hist_merge(&c->hists[metric], &h);
    hist_release(&h);
    return 0;
}

static int read_metrics(struct run *r, struct reader *doc)
{
    struct reader metrics = inside(doc, "metrics", "metrics.");
    const json_t *o;
    int done = metrics.r;

    for (int i = 0; done == 0 && i < METRICS; i++) {
        o = member(&metrics, metric_name((enum metric)i));
        if (o != NULL)
            done = read_hist(&r->collect, i, o, doc->err);
    }
    return done;
}

static int read_environment(struct run *r, struct reader *doc)
{
    struct reader in = inside(doc, "environment", "environment.");
    struct environment *e = &r->env;

    copy_text(&in, "kernel", e->kernel, sizeof(e->kernel));
    copy_text(&in, "cpu", e->cpu, sizeof(e->cpu));
    copy_text(&in, "server", e->server, sizeof(e->server));
    copy_text(&in, "durability", e->durability, sizeof(e->durability));
    e->cores = get_int(&in, "cores", -1);
    e->memory = get_int(&in, "memory", -1);
    e->fd_limit = get_int(&in, "fd_limit", -1);
    e->wake_slice_ns = get_int(&in, "wake_slice_ns", 0);
    return in.r;
}

static int read_outcome(struct run *r, struct reader *doc)
{
    struct reader in = inside(doc, "outcome", "outcome.");
    struct engine_outcome *o = &r->outcome;

    r->exit = (enum load_exit)(get_int(&in, "exit", 0) & 0xff);
    copy_text(&in, "verdict", o->verdict, sizeof(o->verdict));
    o->generator_bound = get_bool(&in, "generator_bound");
    o->inconclusive = get_bool(&in, "inconclusive");
    o->stopped_early = get_bool(&in, "stopped_early");
    o->violated = get_bool(&in, "violated");
    o->lag_p99_ms = get_real(&in, "lag_p99_ms");
    o->late_share = get_real(&in, "late_share");
    o->storm_lag_p99_ms = get_real(&in, "storm_lag_p99_ms");
    o->storm_ms = get_int(&in, "storm_ms", 0);
    o->foreign_cpu = get_real(&in, "foreign_cpu");
    o->shards = (int)(get_int(&in, "shards", 0) & 0xffff);
    o->bytes_per_client = get_int(&in, "bytes_per_client", 0);
    o->unanswered = get_int(&in, "unanswered", 0);
    o->paused_ms = get_int(&in, "paused_ms", 0);
    return in.r;
}

static enum verdict_state state_named(const char *name)
{
    for (int i = 0; i < VERDICT_UNKNOWN; i++)
        if (strcmp(name, verdict_state_name((enum verdict_state)i)) == 0)
            return (enum verdict_state)i;
    return VERDICT_UNKNOWN;
}

static int read_thresholds(struct run *r, struct reader *doc)
{
    const json_t *list = member(doc, "thresholds");
    struct reader in = {NULL, "thresholds[].", doc->err, 0};
    struct verdict *v;

    if (list != NULL && !json_is_array(list))
        wrong(doc, "thresholds", "an array");
    if (json_array_size(list) > SCENARIO_THRESHOLDS)
        wrong(doc, "thresholds", "an array of 32 at most");
    for (size_t i = 0; doc->r == 0 && i < json_array_size(list); i++) {
        in.o = json_array_get(list, i);
        v = &r->verdicts.v[r->verdicts.n++];
        copy_text(&in, "text", v->text, sizeof(v->text));
        copy_text(&in, "metric", v->metric, sizeof(v->metric));
        copy_text(&in, "why", v->why, sizeof(v->why));
        v->is_duration = get_bool(&in, "duration");
        v->has_value = member(&in, "value") != NULL;
        v->value = get_real(&in, "value");
        v->limit = get_real(&in, "limit");
        v->state = state_named(get_text(&in, "state"));
        r->verdicts.missed += v->state == VERDICT_MISSED;
        r->verdicts.unknown += v->state == VERDICT_UNKNOWN;
    }
    return doc->r < 0 ? doc->r : in.r;
}

static int read_point(struct capacity_point *p, struct reader *in)
{
    p->x = get_real(in, "x");
    p->offered = get_real(in, "offered");
    p->achieved = get_real(in, "achieved");
    p->p50 = (uint64_t)get_int(in, "p50", 0);
    p->p99 = (uint64_t)get_int(in, "p99", 0);
    p->p999 = (uint64_t)get_int(in, "p99.9", 0);
    p->lost = (uint64_t)get_int(in, "lost", 0);
    p->srv_cpu = get_real(in, "srv_cpu");
    p->gen_cpu = get_real(in, "gen_cpu");
    p->pass = get_bool(in, "pass");
    copy_text(in, "why", p->why, sizeof(p->why));
    return in->r;
}

static int read_capacity(struct run *r, struct reader *doc)
{
    struct reader in = inside(doc, "capacity", "capacity.");
    struct reader point = {NULL, "capacity.points[].", doc->err, 0};
    const json_t *points = member(&in, "points");
    struct capacity *c = &r->capacity;

    copy_text(&in, "vary", c->vary, sizeof(c->vary));
    copy_text(&in, "slo", c->slo, sizeof(c->slo));
    copy_text(&in, "binds", c->binds, sizeof(c->binds));
    c->best = get_real(&in, "best");
    if (json_array_size(points) > RESULT_POINTS)
        wrong(&in, "points", "an array of 256 at most");
    for (size_t i = 0; in.r == 0 && i < json_array_size(points); i++) {
        point.o = json_array_get(points, i);
        in.r = read_point(&c->points[c->npoints++], &point);
    }
    return in.r;
}

static int read_head(struct run *r, struct reader *doc)
{
    struct reader program = inside(doc, "program", "program.");
    struct reader phases = inside(doc, "phases", "phases.");
    const char *schema = get_text(doc, "schema");

    if (doc->r == 0 && strcmp(schema, RESULT_SCHEMA) != 0)
        return error_set(doc->err, CF_VERSION,
                         "member 'schema' is '%.40s', expected '%s'", schema,
                         RESULT_SCHEMA);
    if (member(doc, "argv") != NULL && !json_is_array(member(doc, "argv")))
        wrong(doc, "argv", "an array");
    r->version = get_text(&program, "version");
    r->url = get_text(doc, "url");
    r->started_ms = get_int(doc, "started_ms", 0);
    for (int i = 0; i < PHASES; i++)
        r->collect.phase_ms[i] = get_int(&phases, phase_name((enum phase)i), 0);
    return doc->r < 0 ? doc->r : program.r < 0 ? program.r : phases.r;
}

static int read_all(struct run *r, struct error *err)
{
    struct reader doc = {r->doc, "", err, 0};
    struct reader series;
    int done;

    if (!json_is_object(r->doc))
        return error_set(err, CF_INVALID, "a result is a JSON object");
    done = read_head(r, &doc);
    done = done < 0 ? done : read_counts(r, &doc);
    done = done < 0 ? done : read_metrics(r, &doc);
    done = done < 0 ? done : read_environment(r, &doc);
    done = done < 0 ? done : read_outcome(r, &doc);
    done = done < 0 ? done : read_thresholds(r, &doc);
    done = done < 0 ? done : read_capacity(r, &doc);
    if (done < 0)
        return done;
    series = inside(&doc, "series", "series.");
    if (series.r < 0 || series.o == NULL)
        return series.r;
    return series_read(&r->collect, series.o, err);
}

int run_parse(struct run *r, struct span text, struct error *err)
{
    int done;

    *r = (struct run){0};
    if (text.n > RESULT_FILE)
        return error_set(err, CF_TOO_BIG, "a result of more than %d MiB",
                         RESULT_FILE >> 20);
    r->doc = json_parse_bounded(text, DEPTH, STRUCTURE, err);
    if (r->doc == NULL)
        return err->code != 0 ? -err->code : -CF_INVALID;
    collect_init(&r->collect);
    done = read_all(r, err);
    if (done < 0)
        run_release(r);
    return done;
}

static int read_file(struct buf *text, const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t got = 1;
    char *room;

    if (fd < 0)
        return error_set(err, CF_IO, "cannot read %s: %s", path,
                         strerror(errno));
    while (got > 0) {
        room = buf_reserve(text, 65536);
        if (room == NULL)
            break;
        got = read(fd, room, 65536);
        text->len += got > 0 ? (size_t)got : 0;
    }
    if (got < 0)
        (void)error_set(err, CF_IO, "cannot read %s: %s", path,
                        strerror(errno));
    else if (got > 0)
        (void)error_set(err, CF_TOO_BIG, "%s is larger than %d MiB", path,
                        RESULT_FILE >> 20);
    (void)close(fd);
    return got == 0 ? 0 : -err->code;
}

int run_load(struct run *r, const char *path, struct error *err)
{
    struct error why = {0};
    struct buf text;
    int done;

    buf_init(&text, RESULT_FILE);
    done = read_file(&text, path, err);
    if (done == 0) {
        done = run_parse(r, buf_span(&text), &why);
        if (done < 0)
            (void)error_set(err, -done, "%s: %s", path, why.text);
    }
    buf_release(&text);
    return done;
}

void run_release(struct run *r)
{
    collect_release(&r->collect);
    json_decref(r->doc);
    *r = (struct run){0};
}
