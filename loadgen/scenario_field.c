#include "scenario_field.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "scenario_value.h"

static const char *set_text(const struct reader *r, const json_t *in,
                            const char *key)
{
    for (int i = r->nsets - 1; i >= 0; i--)
        if (r->sets[i].in == in && strcmp(r->sets[i].key, key) == 0)
            return r->sets[i].text;
    return NULL;
}

int field_fail(struct reader *r, const json_t *in, const char *key,
               bool at_value, const char *fmt, ...)
{
    const char *set = set_text(r, in, key);
    const struct toml_place *p = NULL;
    char why[220];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    if (set != NULL)
        return error_set(r->err, CF_INVALID, "--set %.60s: %s", set, why);
    if (r->toml != NULL)
        p = toml_place(r->toml, in, key);
    if (p == NULL)
        return error_set(r->err, CF_INVALID, "%s: %s", r->source, why);
    return error_set(r->err, CF_INVALID, "%s:%d:%d: %s", r->source,
                     at_value ? p->value_line : p->line,
                     at_value ? p->value_column : p->column, why);
}

/* ---- single values ---- */

static const char *const wanted[] = {
    [FIELD_TEXT] = "text in quotes",
    [FIELD_INT] = "a whole number such as 20_000 or \"20k\"",
    [FIELD_RATE] = "a rate such as \"2k/s\" or \"600/m\"",
    [FIELD_SHARE] = "a share such as 0.3 or \"30%\"",
    [FIELD_FACTOR] = "a number such as 30",
    [FIELD_TIME] = "a time such as \"250ms\", \"30s\" or \"5m\"",
    [FIELD_AUTO] = "\"auto\" or a time such as \"30s\"",
    [FIELD_BOOL] = "true or false",
    [FIELD_TABLE] = "a table",
};

static int mistyped(struct reader *r, const struct field *f, const json_t *in)
{
    if (f->choices != NULL)
        return field_fail(r, in, f->key, true, "'%s' must be one of %s", f->key,
                          f->choices);
    return field_fail(r, in, f->key, true, "'%s' must be %s", f->key,
                      wanted[f->type]);
}

static int index_of(const char *choices, const char *word)
{
    size_t n = strlen(word);

    for (int i = 0; *choices != '\0'; i++) {
        size_t len = strcspn(choices, "|");

        if (len == n && memcmp(choices, word, n) == 0)
            return i;
        choices += len + (choices[len] == '|');
    }
    return -1;
}

static bool number_of(const struct field *f, const json_t *v, double *out)
{
    const char *text = json_string_value(v);

    if (json_is_number(v))
        *out = json_number_value(v);
    else if (text == NULL)
        return false;
    else if (f->type == FIELD_RATE)
        return value_rate(text, out) == 0;
    else if (f->type == FIELD_SHARE)
        return value_share(text, out) == 0;
    else
        return value_number(text, out) == 0;
    return true;
}

static int read_number(struct reader *r, const struct field *f,
                       const json_t *in, const json_t *v, void *at)
{
    struct buf low, high;
    double d;
    int rc = 0;

    if (!number_of(f, v, &d) || (f->type == FIELD_INT && d != floor(d)))
        return mistyped(r, f, in);
    if (d < f->min || d > f->max) {
        buf_init(&low, 64);
        buf_init(&high, 64);
        value_put_number(&low, f->min);
        value_put_number(&high, f->max);
        rc = field_fail(r, in, f->key, true, "'%s' must be %s to %s", f->key,
                        buf_cstr(&low), buf_cstr(&high));
        buf_release(&low);
        buf_release(&high);
    } else if (f->type == FIELD_INT) {
        *(int64_t *)at = (int64_t)d;
    } else {
        *(double *)at = d;
    }
    return rc;
}

static int read_time(struct reader *r, const struct field *f, const json_t *in,
                     const json_t *v, int64_t *at)
{
    const char *text = json_string_value(v);
    struct buf low, high;
    int64_t ms;
    int rc;

    if (text == NULL)
        return mistyped(r, f, in);
    if (f->type == FIELD_AUTO && strcmp(text, "auto") == 0) {
        *at = -1;
        return 0;
    }
    if (clock_parse_duration(text, &ms) < 0)
        return mistyped(r, f, in);
    if (ms >= (int64_t)f->min && ms <= (int64_t)f->max) {
        *at = ms;
        return 0;
    }
    buf_init(&low, 64);
    buf_init(&high, 64);
    value_put_time(&low, (int64_t)f->min);
    value_put_time(&high, (int64_t)f->max);
    rc = field_fail(r, in, f->key, true, "'%s' must be %s to %s", f->key,
                    buf_cstr(&low), buf_cstr(&high));
    buf_release(&low);
    buf_release(&high);
    return rc;
}

static int read_text(struct reader *r, const struct field *f, const json_t *in,
                     const json_t *v, char *at)
{
    const char *text = json_string_value(v);
    int n;

    if (text == NULL)
        return mistyped(r, f, in);
    if (strlen(text) >= f->room)
        return field_fail(r, in, f->key, true,
                          "'%s' must be shorter than %zu bytes", f->key,
                          f->room);
    for (const char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return field_fail(r, in, f->key, true,
                              "'%s' must be plain text of one line", f->key);
    n = snprintf(at, f->room, "%s", text);
    return n < 0 ? -CF_INVALID : 0;
}

static int read_choice(struct reader *r, const struct field *f,
                       const json_t *in, const json_t *v, void *at)
{
    const char *text = json_string_value(v);
    int i = text != NULL ? index_of(f->choices, text) : -1;

    if (i < 0)
        return mistyped(r, f, in);
    if (f->type == FIELD_EITHER)
        *(bool *)at = i == 1;
    else
        *(int *)at = i;
    return 0;
}

static int read_field(struct reader *r, const struct field *f, const json_t *in,
                      const json_t *v, void *target)
{
    void *at = (char *)target + f->offset;

    switch (f->type) {
    case FIELD_TEXT:
        return read_text(r, f, in, v, at);
    case FIELD_TIME:
    case FIELD_AUTO:
        return read_time(r, f, in, v, at);
    case FIELD_BOOL:
        if (!json_is_boolean(v))
            return mistyped(r, f, in);
        *(bool *)at = json_is_true(v);
        return 0;
    case FIELD_CHOICE:
    case FIELD_EITHER:
        return read_choice(r, f, in, v, at);
    case FIELD_TABLE:
        return json_is_object(v) ? fields_read(r, f->sub, v, target)
                                 : mistyped(r, f, in);
    case FIELD_OTHER:
        return f->read(r, in, f->key, target);
    default:
        return read_number(r, f, in, v, at);
    }
}

/* ---- tables ---- */

static int unknown(struct reader *r, const struct field *table,
                   const json_t *in, const char *key)
{
    const char *keys[32], *near;
    int n = 0;

    for (const struct field *f = table; f->key != NULL && n < 31; f++)
        keys[n++] = f->key;
    keys[n] = NULL;
    near = text_nearest(key, keys);
    if (near != NULL)
        return field_fail(r, in, key, false,
                          "unknown key '%.60s', did you mean '%s'?", key, near);
    return field_fail(r, in, key, false, "unknown key '%.60s'", key);
}

int fields_read(struct reader *r, const struct field *table, const json_t *in,
                void *target)
{
    const char *key;
    json_t *v;
    int rc = 0;

    json_object_foreach((json_t *)in, key, v)
    {
        const struct field *f = table;

        while (f->key != NULL && strcmp(f->key, key) != 0)
            f++;
        rc = f->key != NULL ? read_field(r, f, in, v, target)
                            : unknown(r, table, in, key);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- writing ---- */

static json_t *number_json(double v)
{
    if (v == floor(v) && fabs(v) < 1e15)
        return json_integer((json_int_t)v);
    return json_real(v);
}

static json_t *time_json(int64_t ms)
{
    struct buf b;
    json_t *j;

    if (ms < 0)
        return json_string("auto");
    buf_init(&b, 64);
    value_put_time(&b, ms);
    j = json_string(buf_cstr(&b));
    buf_release(&b);
    return j;
}

static json_t *choice_json(const char *choices, int i)
{
    for (; i > 0; i--)
        choices += strcspn(choices, "|") + 1;
    return json_stringn(choices, strcspn(choices, "|"));
}

static json_t *field_json(const struct field *f, const void *target)
{
    const void *at = (const char *)target + f->offset;

    switch (f->type) {
    case FIELD_TEXT:
        return *(const char *)at != '\0' ? json_string(at) : NULL;
    case FIELD_INT:
        return json_integer(*(const int64_t *)at);
    case FIELD_TIME:
    case FIELD_AUTO:
        return time_json(*(const int64_t *)at);
    case FIELD_BOOL:
        return json_boolean(*(const bool *)at);
    case FIELD_CHOICE:
        return choice_json(f->choices, *(const int *)at);
    case FIELD_EITHER:
        return choice_json(f->choices, *(const bool *)at);
    case FIELD_TABLE:
        return fields_write(f->sub, target);
    case FIELD_OTHER:
        return f->write(target);
    default:
        return number_json(*(const double *)at);
    }
}

json_t *fields_write(const struct field *table, const void *target)
{
    json_t *out = json_object();

    for (const struct field *f = table; f->key != NULL; f++) {
        json_t *v = field_json(f, target);

        if (v != NULL)
            json_object_set_new(out, f->key, v);
    }
    return out;
}
