#include "result.h"

#include "base/mem.h"

#define HIST_TEXT (2 << 20) /* bytes of one encoded histogram */

static void set_u64(json_t *o, const char *key, uint64_t v)
{
    (void)json_object_set_new(o, key, json_integer((json_int_t)v));
}

static void set_text(json_t *o, const char *key, const char *v)
{
    json_t *text = v != NULL ? json_string(v) : NULL;

    (void)json_object_set_new(o, key, text != NULL ? text : json_string(""));
}

static void set_bool(json_t *o, const char *key, bool v)
{
    (void)json_object_set_new(o, key, json_boolean(v));
}

/* What is no number (0/0) becomes 0: JSON has no word for it. */
static void set_real(json_t *o, const char *key, double v)
{
    json_t *number = json_real(v);

    (void)json_object_set_new(o, key, number != NULL ? number : json_real(0));
}

static json_t *metric_object(const struct hist *h)
{
    json_t *o = json_object();
    struct buf text;

    buf_init(&text, HIST_TEXT);
    hist_encode(&text, h);
    set_u64(o, "count", h->count);
    set_u64(o, "min", h->min);
    set_real(o, "mean", hist_mean(h));
    set_real(o, "stddev", hist_stddev(h));
    set_u64(o, "p50", hist_at(h, 0.5));
    set_u64(o, "p90", hist_at(h, 0.9));
    set_u64(o, "p99", hist_at(h, 0.99));
    if (h->count >= ENOUGH_FOR_P999)
        set_u64(o, "p99.9", hist_at(h, 0.999));
    else
        (void)json_object_set_new(o, "p99.9", json_null());
    set_u64(o, "max", h->max);
    (void)json_object_set_new(o, "hist", json_stringn(text.data, text.len));
    buf_release(&text);
    return o;
}

static json_t *metrics_object(const struct collect *c)
{
    json_t *o = json_object();

    for (int i = 0; i < METRICS; i++)
        if (c->hists[i].count > 0)
            (void)json_object_set_new(o, metric_name((enum metric)i),
                                      metric_object(&c->hists[i]));
    return o;
}

static json_t *counts_object(const uint64_t *counts)
{
    json_t *o = json_object();

    for (int i = 0; i < COUNTS; i++)
        set_u64(o, count_name((enum count)i), counts[i]);
    return o;
}

static json_t *phases_object(const struct collect *c)
{
    json_t *o = json_object();

    for (int i = 0; i < PHASES; i++)
        set_u64(o, phase_name((enum phase)i), (uint64_t)c->phase_ms[i]);
    return o;
}

static json_t *accounting_object(const struct collect *c)
{
    json_t *o = json_object(), *violations = json_object();
    struct accounting a;

    accounting_of(&a, c);
    set_u64(o, "sent", a.sent);
    set_u64(o, "acked", a.acked);
    set_u64(o, "refused", a.refused);
    set_u64(o, "unknown", a.unknown);
    set_bool(o, "balanced", a.balanced);
    set_u64(o, "expected", a.expected);
    set_u64(o, "copies", a.copies);
    set_u64(o, "backlog", a.backlog);
    set_u64(o, "lost", a.lost);
    set_u64(o, "unacked", a.unacked);
    set_bool(o, "copies_balanced", a.copies_balanced);
    set_u64(o, "away", c->all[COUNT_AWAY]);
    set_u64(o, "away_read", c->all[COUNT_AWAY_READ]);
    set_u64(o, "backlog_read", c->all[COUNT_BACKLOG_READ]);
    set_u64(o, "receipts", c->all[COUNT_RECEIPTS]);
    for (const enum count *v = result_violations; *v != COUNTS; v++)
        if (c->all[*v] > 0)
            set_u64(violations, count_name(*v), c->all[*v]);
    (void)json_object_set_new(o, "violations", violations);
    return o;
}

static json_t *environment_object(const struct environment *e)
{
    json_t *o = json_object();

    set_text(o, "kernel", e->kernel);
    set_text(o, "cpu", e->cpu);
    (void)json_object_set_new(o, "cores", json_integer(e->cores));
    (void)json_object_set_new(o, "memory", json_integer(e->memory));
    (void)json_object_set_new(o, "fd_limit", json_integer(e->fd_limit));
    (void)json_object_set_new(o, "wake_slice_ns",
                              json_integer(e->wake_slice_ns));
    set_text(o, "server", e->server);
    set_text(o, "durability", e->durability);
    return o;
}

static json_t *outcome_object(const struct result_input *in)
{
    enum load_exit code =
        result_exit(in->outcome, in->verdicts, in->unreachable);
    const struct engine_outcome none = {0}, *e = in->outcome;
    json_t *o = json_object();
    char why[600];

    e = e != NULL ? e : &none;
    result_reason(why, sizeof(why), e);
    (void)json_object_set_new(o, "exit", json_integer(code));
    set_text(o, "word", load_exit_word(code));
    set_text(o, "verdict", in->outcome == NULL || in->unreachable ? "" : why);
    set_bool(o, "generator_bound", e->generator_bound);
    set_bool(o, "inconclusive", e->inconclusive);
    set_bool(o, "stopped_early", e->stopped_early);
    set_bool(o, "violated", e->violated);
    set_bool(o, "unreachable", in->unreachable);
    set_real(o, "lag_p99_ms", e->lag_p99_ms);
    set_real(o, "late_share", e->late_share);
    set_real(o, "storm_lag_p99_ms", e->storm_lag_p99_ms);
    (void)json_object_set_new(o, "storm_ms", json_integer(e->storm_ms));
    set_real(o, "foreign_cpu", e->foreign_cpu);
    (void)json_object_set_new(o, "shards", json_integer(e->shards));
    (void)json_object_set_new(o, "bytes_per_client",
                              json_integer(e->bytes_per_client));
    (void)json_object_set_new(o, "unanswered", json_integer(e->unanswered));
    (void)json_object_set_new(o, "paused_ms", json_integer(e->paused_ms));
    return o;
}

static json_t *thresholds_list(const struct verdicts *v)
{
    json_t *list = json_array(), *o;

    for (int i = 0; v != NULL && i < v->n; i++) {
        o = json_object();
        set_text(o, "text", v->v[i].text);
        set_text(o, "metric", v->v[i].metric);
        set_bool(o, "duration", v->v[i].is_duration);
        set_real(o, "limit", v->v[i].limit);
        if (v->v[i].has_value)
            set_real(o, "value", v->v[i].value);
        else
            (void)json_object_set_new(o, "value", json_null());
        set_text(o, "state", verdict_state_name(v->v[i].state));
        set_text(o, "why", v->v[i].why);
        (void)json_array_append_new(list, o);
    }
    return list;
}

static json_t *point_object(const struct capacity_point *p)
{
    json_t *o = json_object();

    set_real(o, "x", p->x);
    set_real(o, "offered", p->offered);
    set_real(o, "achieved", p->achieved);
    set_u64(o, "p50", p->p50);
    set_u64(o, "p99", p->p99);
    set_u64(o, "p99.9", p->p999);
    set_u64(o, "lost", p->lost);
    set_real(o, "srv_cpu", p->srv_cpu);
    set_real(o, "gen_cpu", p->gen_cpu);
    set_bool(o, "pass", p->pass);
    set_text(o, "why", p->why);
    return o;
}

static json_t *capacity_object(const struct capacity *c)
{
    json_t *o = json_object(), *points = json_array();

    set_text(o, "vary", c->vary);
    set_text(o, "slo", c->slo);
    set_text(o, "binds", c->binds);
    set_real(o, "best", c->best);
    for (int i = 0; i < c->npoints; i++)
        (void)json_array_append_new(points, point_object(&c->points[i]));
    (void)json_object_set_new(o, "points", points);
    return o;
}

static json_t *argv_list(const struct result_input *in)
{
    json_t *list = json_array(), *text;

    (void)json_array_append_new(list, json_string("confab-load"));
    for (int i = 0; i < in->argc; i++) {
        text = json_string(in->argv[i]);
        (void)json_array_append_new(list,
                                    text != NULL ? text : json_string("?"));
    }
    return list;
}

static void add_measured(json_t *doc, const struct collect *c)
{
    json_t *counts = json_object(), *rates = json_object();
    double rate = 0;

    (void)json_object_set_new(counts, "measured", counts_object(c->counts));
    (void)json_object_set_new(counts, "all", counts_object(c->all));
    (void)result_value(c, "rate.offered", &rate);
    set_real(rates, "offered", rate);
    rate = 0;
    (void)result_value(c, "rate.achieved", &rate);
    set_real(rates, "achieved", rate);
    (void)json_object_set_new(doc, "phases", phases_object(c));
    (void)json_object_set_new(doc, "rates", rates);
    (void)json_object_set_new(doc, "metrics", metrics_object(c));
    (void)json_object_set_new(doc, "counts", counts);
    (void)json_object_set_new(doc, "accounting", accounting_object(c));
    (void)json_object_set_new(doc, "series", series_json(c));
}

json_t *result_json(const struct result_input *in)
{
    json_t *doc = json_object(), *program = json_object();

    set_text(doc, "schema", RESULT_SCHEMA);
    set_text(program, "name", "confab-load");
    set_text(program, "version", CONFAB_VERSION);
    (void)json_object_set_new(doc, "program", program);
    (void)json_object_set_new(doc, "argv", argv_list(in));
    (void)json_object_set_new(doc, "started_ms", json_integer(in->started_ms));
    set_text(doc, "url", in->url);
    if (in->scenario != NULL)
        (void)json_object_set(doc, "scenario", in->scenario);
    if (in->env != NULL)
        (void)json_object_set_new(doc, "environment",
                                  environment_object(in->env));
    (void)json_object_set_new(doc, "outcome", outcome_object(in));
    (void)json_object_set_new(doc, "thresholds", thresholds_list(in->verdicts));
    if (in->collect != NULL)
        add_measured(doc, in->collect);
    if (in->capacity != NULL)
        (void)json_object_set_new(doc, "capacity",
                                  capacity_object(in->capacity));
    if (in->floor != NULL)
        (void)json_object_set(doc, "floor", in->floor);
    if (in->peers != NULL)
        (void)json_object_set(doc, "peers", in->peers);
    return doc;
}
