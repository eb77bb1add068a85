#include "result.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

/* The members of a second besides its counts and quantiles. */
struct column {
    const char *name;
    size_t offset;
    bool is_double;
};

#define WHOLE(field)                                  \
    {                                                 \
#field, offsetof(struct second, field), false \
    }
#define SHARE(field)                                 \
    {                                                \
#field, offsetof(struct second, field), true \
    }

static const struct column columns[] = {
    WHOLE(at_ms),   WHOLE(conns),       WHOLE(ready),   SHARE(gen_cpu),
    SHARE(srv_cpu), SHARE(foreign_cpu), WHOLE(gen_rss), WHOLE(srv_rss),
    WHOLE(srv_fds), WHOLE(kernel_tcp),
};

static const struct {
    const char *name;
    size_t offset;
} stats[] = {
    {"count", offsetof(struct quantiles, count)},
    {"p50", offsetof(struct quantiles, p50)},
    {"p90", offsetof(struct quantiles, p90)},
    {"p99", offsetof(struct quantiles, p99)},
    {"p99.9", offsetof(struct quantiles, p999)},
    {"max", offsetof(struct quantiles, max)},
};

static uint64_t *stat_at(struct quantiles *q, size_t stat)
{
    return (uint64_t *)((char *)q + stats[stat].offset);
}

static json_t *column_json(const struct collect *c, const struct column *col)
{
    json_t *list = json_array();
    double share;
    int64_t whole;

    for (int i = 0; i < c->nseconds; i++) {
        const char *at = (const char *)&c->seconds[i] + col->offset;

        if (col->is_double) {
            memcpy(&share, at, sizeof(share));
            (void)json_array_append_new(list, json_real(share));
        } else {
            memcpy(&whole, at, sizeof(whole));
            (void)json_array_append_new(list, json_integer(whole));
        }
    }
    return list;
}

static json_t *phases_json(const struct collect *c)
{
    json_t *list = json_array();

    for (int i = 0; i < c->nseconds; i++)
        (void)json_array_append_new(
            list, json_string(phase_name(c->seconds[i].phase)));
    return list;
}

/* NULL when it was 0 all the time. */
static json_t *count_json(const struct collect *c, int count)
{
    json_t *list = json_array();
    uint64_t sum = 0;

    for (int i = 0; i < c->nseconds; i++) {
        sum |= c->seconds[i].counts[count];
        (void)json_array_append_new(
            list, json_integer((json_int_t)c->seconds[i].counts[count]));
    }
    if (sum != 0)
        return list;
    json_decref(list);
    return NULL;
}

static bool has_samples(const struct collect *c, int metric)
{
    for (int i = 0; i < c->nseconds; i++)
        if (c->seconds[i].q[metric].count > 0)
            return true;
    return false;
}

static json_t *metric_json(const struct collect *c, int metric)
{
    json_t *o = json_object(), *list;

    for (size_t s = 0; s < COUNT_OF(stats); s++) {
        list = json_array();
        for (int i = 0; i < c->nseconds; i++)
            (void)json_array_append_new(
                list, json_integer(
                          (json_int_t)*stat_at(&c->seconds[i].q[metric], s)));
        (void)json_object_set_new(o, stats[s].name, list);
    }
    return o;
}

json_t *series_json(const struct collect *c)
{
    json_t *o = json_object(), *counts = json_object(),
           *metrics = json_object(), *list;

    for (size_t i = 0; i < COUNT_OF(columns); i++)
        (void)json_object_set_new(o, columns[i].name,
                                  column_json(c, &columns[i]));
    (void)json_object_set_new(o, "phase", phases_json(c));
    for (int i = 0; i < COUNTS; i++) {
        list = count_json(c, i);
        if (list != NULL)
            (void)json_object_set_new(counts, count_name((enum count)i), list);
    }
    for (int i = 0; i < METRICS; i++)
        if (has_samples(c, i))
            (void)json_object_set_new(metrics, metric_name((enum metric)i),
                                      metric_json(c, i));
    (void)json_object_set_new(o, "counts", counts);
    (void)json_object_set_new(o, "metrics", metrics);
    return o;
}

/* Reading. */

static int wrong(struct error *err, const char *name, size_t i,
                 const char *what)
{
    return error_set(err, CF_INVALID, "member 'series.%s', entry %zu: %s", name,
                     i, what);
}

/* The list of that name with one entry a second. */
static json_t *list_of(const json_t *o, const char *path, const char *name,
                       int n, struct error *err)
{
    json_t *list = json_object_get(o, name);

    if (json_is_array(list) && json_array_size(list) == (size_t)n)
        return list;
    error_set(err, CF_INVALID,
              "member 'series.%s%s' must be an array of %d entries", path, name,
              n);
    return NULL;
}

static int whole_of(const json_t *v, int64_t min, int64_t *out)
{
    if (!json_is_integer(v) || json_integer_value(v) < min ||
        json_integer_value(v) > RESULT_NUMBER)
        return -CF_INVALID;
    *out = json_integer_value(v);
    return 0;
}

static int read_cell(struct second *row, const struct column *col,
                     const json_t *v)
{
    char *at = (char *)row + col->offset;
    int64_t whole;
    double share;

    if (col->is_double) {
        if (!json_is_number(v) || fabs(json_number_value(v)) > 1e12)
            return -CF_INVALID;
        share = json_number_value(v);
        memcpy(at, &share, sizeof(share));
        return 0;
    }
    if (whole_of(v, -1, &whole) < 0)
        return -CF_INVALID;
    memcpy(at, &whole, sizeof(whole));
    return 0;
}

static int read_column(struct collect *c, const json_t *series,
                       const struct column *col, struct error *err)
{
    json_t *list = list_of(series, "", col->name, c->nseconds, err);

    if (list == NULL)
        return -CF_INVALID;
    for (int i = 0; i < c->nseconds; i++)
        if (read_cell(&c->seconds[i], col, json_array_get(list, (size_t)i)) < 0)
            return wrong(err, col->name, (size_t)i, "not a number");
    return 0;
}

static int read_phases(struct collect *c, const json_t *series,
                       struct error *err)
{
    json_t *list = list_of(series, "", "phase", c->nseconds, err);
    const char *name;
    int p;

    if (list == NULL)
        return -CF_INVALID;
    for (int i = 0; i < c->nseconds; i++) {
        name = json_string_value(json_array_get(list, (size_t)i));
        for (p = 0; p < PHASES; p++)
            if (name != NULL && strcmp(name, phase_name((enum phase)p)) == 0)
                break;
        if (p == PHASES)
            return wrong(err, "phase", (size_t)i, "no such phase");
        c->seconds[i].phase = (enum phase)p;
    }
    return 0;
}

static int read_counts(struct collect *c, const json_t *counts,
                       struct error *err)
{
    const char *name;
    json_t *list;
    int64_t n;

    for (int k = 0; k < COUNTS; k++) {
        name = count_name((enum count)k);
        if (json_object_get(counts, name) == NULL)
            continue;
        list = list_of(counts, "counts.", name, c->nseconds, err);
        if (list == NULL)
            return -CF_INVALID;
        for (int i = 0; i < c->nseconds; i++) {
            if (whole_of(json_array_get(list, (size_t)i), 0, &n) < 0)
                return wrong(err, name, (size_t)i, "not a count");
            c->seconds[i].counts[k] = (uint64_t)n;
        }
    }
    return 0;
}

static int read_stat(struct collect *c, int metric, size_t stat,
                     const json_t *o, struct error *err)
{
    const char *name = stats[stat].name;
    json_t *list =
        list_of(o, metric_name((enum metric)metric), name, c->nseconds, err);
    int64_t n;

    if (list == NULL)
        return -CF_INVALID;
    for (int i = 0; i < c->nseconds; i++) {
        if (whole_of(json_array_get(list, (size_t)i), 0, &n) < 0)
            return wrong(err, name, (size_t)i, "not a number of ns");
        *stat_at(&c->seconds[i].q[metric], stat) = (uint64_t)n;
    }
    return 0;
}

static int read_metrics(struct collect *c, const json_t *metrics,
                        struct error *err)
{
    for (int m = 0; m < METRICS; m++) {
        json_t *o = json_object_get(metrics, metric_name((enum metric)m));

        for (size_t s = 0; o != NULL && s < COUNT_OF(stats); s++)
            if (read_stat(c, m, s, o, err) < 0)
                return -CF_INVALID;
    }
    return 0;
}

int series_read(struct collect *c, const json_t *series, struct error *err)
{
    const json_t *at = json_object_get(series, "at_ms");
    static const struct second empty;
    size_t n = json_array_size(at);
    int r = 0;

    if (!json_is_array(at))
        return error_set(err, CF_INVALID,
                         "member 'series.at_ms' must be an array");
    if (n > RESULT_SECONDS)
        return error_set(err, CF_TOO_BIG,
                         "member 'series.at_ms' has %zu entries, more than %d",
                         n, RESULT_SECONDS);
    for (size_t i = 0; i < n; i++)
        collect_second(c, &empty);
    for (size_t i = 0; r == 0 && i < COUNT_OF(columns); i++)
        r = read_column(c, series, &columns[i], err);
    if (r == 0)
        r = read_phases(c, series, err);
    if (r == 0)
        r = read_counts(c, json_object_get(series, "counts"), err);
    if (r == 0)
        r = read_metrics(c, json_object_get(series, "metrics"), err);
    return r;
}
