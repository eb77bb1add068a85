/* Costs: what one machine showed, and reading and writing them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "planner.h"

/* What `plan --measure` showed with a release build on 2 cores that others used
 * too, at up to 1,500 messages/s: small batches, so that a message is dearer
 * than under load. Notices, catching up and disk are estimates. */
void cost_defaults(struct cost_vector *v)
{
    static const struct band items[COSTS] = {
        [COST_CONN] = {5800, 6300, 6800}, [COST_CONNECT] = {210, 290, 370},
        [COST_HEARTBEAT] = {2, 16, 30},   [COST_MESSAGE] = {76, 120, 165},
        [COST_COPY] = {6.5, 13.4, 20.3},  [COST_NOTICE] = {2, 4, 8},
        [COST_CATCHUP] = {1, 2, 4},       [COST_HOP] = {0, 20, 190},
        [COST_DISK] = {120, 200, 320},
    };

    memcpy(v->items, items, sizeof(v->items));
    snprintf(v->source, sizeof(v->source),
             "defaults: a release build on 2 cores; --measure asks yours");
}

json_t *cost_json(const struct cost_vector *v)
{
    json_t *out = json_object();

    json_object_set_new(out, "schema", json_string("confab-load-cost/1"));
    json_object_set_new(out, "source", json_string(v->source));
    for (int i = 0; i < COSTS; i++)
        json_object_set_new(out, cost_name((enum cost)i),
                            json_pack("{s:f,s:f,s:f,s:s}", "low",
                                      v->items[i].low, "mid", v->items[i].mid,
                                      "high", v->items[i].high, "unit",
                                      cost_unit((enum cost)i)));
    return out;
}

static int read_band(struct band *b, const char *name, const json_t *j,
                     struct error *err)
{
    const json_t *mid = json_object_get(j, "mid"),
                 *low = json_object_get(j, "low"),
                 *high = json_object_get(j, "high");
    double m = json_number_value(mid);

    if (!json_is_number(mid) || !(m >= 0) || m > 1e12)
        return error_set(err, CF_INVALID,
                         "cost '%s' needs a number \"mid\", not below 0", name);
    b->mid = m;
    b->low = json_is_number(low) ? json_number_value(low) : m;
    b->high = json_is_number(high) ? json_number_value(high) : m;
    b->low = fmax(0, fmin(b->low, m));
    b->high = fmax(b->high, m);
    return 0;
}

/* Of a run: server CPU over what it served says what a message with its copies
 * costs; copies and acceptance share it as the costs before did. */
static int from_run(struct cost_vector *v, const json_t *j, struct error *err)
{
    const json_t *series = json_object_get(j, "series"), *phase, *cpu, *rss;
    const json_t *counts = json_object_get(series, "counts");
    const json_t *acked = json_object_get(counts, "acked"),
                 *copies = json_object_get(counts, "copies");
    double busy = 0, messages = 0, read = 0, before, factor;

    phase = json_object_get(series, "phase");
    cpu = json_object_get(series, "srv_cpu");
    rss = json_object_get(series, "srv_rss");
    for (size_t i = 0; i < json_array_size(phase); i++) {
        const char *p = json_string_value(json_array_get(phase, i));
        double c = json_number_value(json_array_get(cpu, i));

        if (p == NULL || strcmp(p, "measure") != 0 || c < 0)
            continue;
        busy += c / 100 * 1e6;
        messages += json_number_value(json_array_get(acked, i));
        read += json_number_value(json_array_get(copies, i));
    }
    if (messages < 1000 || busy <= 0 || rss == NULL)
        return error_set(err, CF_INVALID,
                         "this run says too little: it needs 1,000 messages "
                         "and the server's CPU");
    before =
        messages * v->items[COST_MESSAGE].mid + read * v->items[COST_COPY].mid;
    factor = busy / before;
    for (int i = 0; i < 2; i++) {
        struct band *b = &v->items[i == 0 ? COST_MESSAGE : COST_COPY];

        b->mid *= factor;
        b->low = b->mid * 0.9;
        b->high = b->mid * 1.1;
    }
    snprintf(v->source, sizeof(v->source), "messages and copies of a run");
    return 0;
}

int cost_from_json(struct cost_vector *v, const json_t *j, struct error *err)
{
    const char *schema = json_string_value(json_object_get(j, "schema")),
               *source = json_string_value(json_object_get(j, "source"));
    int rc = 0;

    if (schema != NULL && strcmp(schema, "confab-load/1") == 0)
        return from_run(v, j, err);
    if (schema == NULL || strcmp(schema, "confab-load-cost/1") != 0)
        return error_set(err, CF_INVALID,
                         "neither a result of run nor costs of plan");
    for (int i = 0; rc == 0 && i < COSTS; i++) {
        const char *name = cost_name((enum cost)i);
        const json_t *b = json_object_get(j, name);

        if (b != NULL)
            rc = read_band(&v->items[i], name, b, err);
    }
    if (source != NULL)
        snprintf(v->source, sizeof(v->source), "%s", source);
    return rc;
}
