#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "collect.h"
#include "scenario.h"
#include "scenario_value.h"

/* As result_value() knows them: messages due and acknowledged a second; percent
 * of one core, mean; bytes, the most, and end by beginning; the fewest
 * connections; growth in 10 minutes (slope.h). */
const char *const threshold_extras[] = {
    "rate.offered", "rate.achieved", "srv.cpu",   "gen.cpu",
    "foreign.cpu",  "srv.rss",       "gen.rss",   "srv.rss.ratio",
    "srv.fds",      "conns",         "slope.rss", "slope.fds",
    "slope.tcp",    "slope.e2e",     NULL,
};

static const char *const stats[] = {"max", "min", "mean", "stddev", NULL};

static bool in_list(const char *const *list, const char *word)
{
    while (*list != NULL && strcmp(*list, word) != 0)
        list++;
    return *list != NULL;
}

/* "p99", "p99.9", "max". */
static bool is_stat(const char *stat)
{
    char *end;
    double p;

    if (stat[0] != 'p' || stat[1] < '0' || stat[1] > '9')
        return in_list(stats, stat);
    p = strtod(stat + 1, &end);
    return *end == '\0' && p > 0 && p < 100;
}

/* "e2e.p99" of the metric "e2e": "p99", or NULL. */
static const char *stat_of(const char *name)
{
    for (int m = 0; m < METRICS; m++) {
        const char *metric = metric_name((enum metric)m);
        size_t n = strlen(metric);

        if (strncmp(name, metric, n) == 0 && name[n] == '.' &&
            is_stat(name + n + 1))
            return name + n + 1;
    }
    return NULL;
}

static int unknown_metric(const char *name, struct error *err)
{
    const char *all[METRICS + COUNTS + 16], *near;
    static char timed[METRICS][64];
    int n = 0;

    for (int m = 0; m < METRICS; m++) {
        snprintf(timed[m], sizeof(timed[m]), "%s.p99",
                 metric_name((enum metric)m));
        all[n++] = timed[m];
    }
    for (int c = 0; c < COUNTS; c++)
        all[n++] = count_name((enum count)c);
    for (int i = 0; threshold_extras[i] != NULL; i++)
        all[n++] = threshold_extras[i];
    all[n] = NULL;
    near = text_nearest(name, all);
    if (near != NULL)
        return error_set(err, CF_INVALID,
                         "nothing measured is called '%s', did you mean "
                         "'%s'?",
                         name, near);
    return error_set(err, CF_INVALID,
                     "nothing measured is called '%s'; such as e2e.p99, "
                     "fanout.last.p99, lost, rate.achieved",
                     name);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The name before the operator, without blanks around. */
static const char *take_name(const char *text, char *out, size_t room)
{
    size_t n = 0;

    while (is_blank(*text))
        text++;
    while (text[n] != '\0' && strchr("<>= \t", text[n]) == NULL)
        n++;
    snprintf(out, room, "%.*s", (int)n, text);
    text += n;
    while (is_blank(*text))
        text++;
    return n > 0 && n < room ? text : NULL;
}

static const char *take_op(const char *text, char op[3])
{
    if (*text != '<' && *text != '>' && *text != '=')
        return NULL;
    op[0] = *text++;
    op[1] = '\0';
    op[2] = '\0';
    if (*text == '=') {
        op[1] = op[0] == '=' ? '\0' : '='; /* "==" is "=" */
        text++;
    }
    while (is_blank(*text))
        text++;
    return text;
}

static int limit_of(struct threshold *t, const char *text, struct error *err)
{
    int64_t ms;
    size_t n = strlen(text);
    double v;

    if (t->is_duration && n > 2 && strcmp(text + n - 2, "us") == 0) {
        char plain[32];

        snprintf(plain, sizeof(plain), "%.*s", (int)(n - 2), text);
        if (n - 2 < sizeof(plain) && value_number(plain, &v) == 0) {
            t->value = v * 1e3;
            return 0;
        }
    } else if (t->is_duration && clock_parse_duration(text, &ms) == 0) {
        t->value = (double)ms * 1e6;
        return 0;
    } else if (!t->is_duration) {
        if (value_number(text, &t->value) == 0 ||
            value_rate(text, &t->value) == 0 ||
            value_share(text, &t->value) == 0)
            return 0;
    }
    return error_set(err, CF_INVALID,
                     t->is_duration ? "'%s' of '%s' must be a time such as "
                                      "\"100ms\" or \"500us\""
                                    : "'%s' of '%s' must be a number",
                     text, t->metric);
}

int threshold_parse(struct threshold *t, const char *text, struct error *err)
{
    const char *p;
    size_t n;
    int rc;

    memset(t, 0, sizeof(*t));
    if (strlen(text) >= sizeof(t->text) - 4)
        return error_set(err, CF_TOO_BIG, "a threshold of more than 59 bytes");
    p = take_name(text, t->metric, sizeof(t->metric));
    if (p != NULL)
        p = take_op(p, t->op);
    if (p == NULL || *p == '\0')
        return error_set(err, CF_INVALID,
                         "'%s' is no threshold; such as \"e2e.p99 < 100ms\"",
                         text);
    t->is_duration = stat_of(t->metric) != NULL;
    if (!t->is_duration && count_by_name(t->metric) < 0 &&
        !in_list(threshold_extras, t->metric))
        return unknown_metric(t->metric, err);
    rc = limit_of(t, p, err);
    if (rc < 0)
        return rc;
    n = strlen(p);
    snprintf(t->text, sizeof(t->text), "%s %s %.*s", t->metric, t->op, (int)n,
             p);
    return 0;
}

bool threshold_holds(const struct threshold *t, double value)
{
    if (strcmp(t->op, "<") == 0)
        return value < t->value;
    if (strcmp(t->op, "<=") == 0)
        return value <= t->value;
    if (strcmp(t->op, ">") == 0)
        return value > t->value;
    if (strcmp(t->op, ">=") == 0)
        return value >= t->value;
    return value == t->value;
}
