/* Expressions become JSON values. */
#include "value_inside.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "pattern_regex.h"

static int eval_parts(const struct eval *e, const struct expr *x, bool quote,
                      struct buf *out, struct error *err)
{
    struct buf part;
    int rc = 0;

    if (x->count == 0)
        return buf_append_text(out, x->text);
    buf_init(&part, VALUE_MAX_TEXT);
    for (int i = 0; rc == 0 && i < x->count; i++) {
        const struct expr *item = x->items[i];
        bool literal = item->kind == EXPR_TEXT && item->count == 0;

        buf_clear(&part);
        rc = expr_eval_text(e, item, &part, err);
        if (rc == 0 && quote && !literal)
            rc = regex_quote(out, buf_cstr(&part));
        else if (rc == 0)
            rc = buf_append_span(out, buf_span(&part));
    }
    buf_release(&part);
    return rc == -CF_TOO_BIG ? value_error(x, err,
                                           "this text grows beyond "
                                           "%d MB",
                                           VALUE_MAX_TEXT >> 20)
                             : rc;
}

int eval_regex(const struct eval *e, const struct expr *x, struct buf *out,
               struct error *err)
{
    return eval_parts(e, x, true, out, err);
}

static int eval_template(const struct eval *e, const struct expr *x,
                         json_t **out, struct error *err)
{
    struct buf text;
    int rc;

    buf_init(&text, VALUE_MAX_TEXT);
    rc = eval_parts(e, x, false, &text, err);
    if (rc == 0)
        *out = json_stringn(text.len > 0 ? text.data : "", text.len);
    buf_release(&text);
    return rc;
}

static int eval_var(const struct eval *e, const struct expr *x, json_t **out,
                    struct error *err)
{
    *out = json_incref(scope_get(e->scope, x->text));
    if (*out == NULL)
        return value_error(x, err, "$%s is not set", x->text);
    return 0;
}

static int eval_env(const struct expr *x, json_t **out, struct error *err)
{
    char name[100];
    const char *value;

    snprintf(name, sizeof(name), "CONFAB_VAR_%s", x->text);
    value = getenv(name);
    if (value == NULL)
        return value_error(x, err, "%s is not set in the environment", name);
    if (!text_is_utf8(span_of(value)))
        return value_error(x, err, "%s is not UTF-8", name);
    *out = json_string(value);
    return 0;
}

/* ---- fields and elements ---- */

/* What there is instead, for an error. */
static int no_field(const struct expr *x, const json_t *o, struct error *err)
{
    const char *keys[65] = {NULL}, *key, *near;
    json_t *value;
    int n = 0;
    struct buf list;

    buf_init(&list, 160);
    json_object_foreach((json_t *)o, key, value)
    {
        if (n < 64)
            keys[n++] = key;
        (void)buf_printf(&list, "%s%s", n > 1 ? ", " : "", key);
    }
    near = text_nearest(x->text, keys);
    if (near != NULL)
        value_error(x, err, "no field '%s', did you mean '%s'?", x->text, near);
    else
        value_error(x, err, "no field '%s'; there are: %s", x->text,
                    buf_cstr(&list) != NULL ? buf_cstr(&list) : "");
    buf_release(&list);
    return -CF_INVALID;
}

static int eval_field(const struct eval *e, const struct expr *x, json_t **out,
                      struct error *err)
{
    json_t *o = NULL, *v;
    int rc = expr_eval(e, x->items[0], &o, err);

    if (rc < 0)
        return rc;
    if (!json_is_object(o)) {
        rc = value_error(x, err, "'.%s' of %s, which has no fields", x->text,
                         value_type(o));
        json_decref(o);
        return rc;
    }
    v = json_object_get(o, x->text);
    if (v == NULL && e->wait != NULL) {
        rc = e->wait(e->ctx, o, x->text);
        v = json_object_get(o, x->text);
    }
    if (v != NULL)
        rc = 0;
    else if (rc != -CF_AGAIN)
        rc = no_field(x, o, err);
    *out = json_incref(v);
    json_decref(o);
    return rc;
}

static int element(const struct expr *x, const json_t *in, const json_t *index,
                   json_t **out, struct error *err)
{
    json_int_t i = json_integer_value(index);

    if (json_is_array(in) && json_is_integer(index)) {
        if (i < 0 || i >= (json_int_t)json_array_size(in))
            return value_error(x, err,
                               "no element [%" PRId64 "]; there are %zu",
                               (int64_t)i, json_array_size(in));
        *out = json_incref(json_array_get(in, (size_t)i));
        return 0;
    }
    if (!json_is_object(in) || !json_is_string(index))
        return value_error(x, err, "%s cannot be indexed with %s",
                           value_type(in), value_type(index));
    *out = json_incref(json_object_get(in, json_string_value(index)));
    if (*out == NULL)
        return value_error(x, err, "no element [\"%s\"]",
                           json_string_value(index));
    return 0;
}

static int eval_index(const struct eval *e, const struct expr *x, json_t **out,
                      struct error *err)
{
    json_t *in = NULL, *index = NULL;
    int rc = expr_eval(e, x->items[0], &in, err);

    if (rc == 0)
        rc = expr_eval(e, x->items[1], &index, err);
    if (rc == 0)
        rc = element(x, in, index, out, err);
    json_decref(in);
    json_decref(index);
    return rc;
}

/* ---- arrays and objects ---- */

static int eval_array(const struct eval *e, const struct expr *x, json_t **out,
                      struct error *err)
{
    json_t *a = json_array(), *v;
    int rc = 0;

    for (int i = 0; rc == 0 && i < x->count; i++) {
        rc = expr_eval(e, x->items[i], &v, err);
        if (rc == 0)
            json_array_append_new(a, v);
    }
    if (rc < 0)
        json_decref(a);
    else
        *out = a;
    return rc;
}

static int eval_object(const struct eval *e, const struct expr *x, json_t **out,
                       struct error *err)
{
    json_t *o = json_object(), *v;
    int rc = 0;

    for (int i = 0; rc == 0 && i < x->count; i++) {
        rc = expr_eval(e, x->items[i], &v, err);
        if (rc == 0)
            json_object_set_new(o, x->keys[i], v);
    }
    if (rc < 0)
        json_decref(o);
    else
        *out = o;
    return rc;
}

int expr_eval(const struct eval *e, const struct expr *x, json_t **out,
              struct error *err)
{
    *out = NULL;
    switch (x->kind) {
    case EXPR_NULL:
        *out = json_null();
        return 0;
    case EXPR_BOOL:
        *out = json_boolean(x->number);
        return 0;
    case EXPR_NUMBER:
        *out = x->is_real ? json_real(x->real) : json_integer(x->number);
        return 0;
    case EXPR_TEXT:
    case EXPR_NAME:
        return eval_template(e, x, out, err);
    case EXPR_VAR:
        return eval_var(e, x, out, err);
    case EXPR_ENV:
        return eval_env(x, out, err);
    case EXPR_FIELD:
        return eval_field(e, x, out, err);
    case EXPR_INDEX:
        return eval_index(e, x, out, err);
    case EXPR_CALL:
        return eval_call(e, x, out, err);
    case EXPR_UNARY:
        return eval_unary(e, x, out, err);
    case EXPR_BINARY:
        return eval_binary(e, x, out, err);
    case EXPR_ARRAY:
        return eval_array(e, x, out, err);
    case EXPR_OBJECT:
        return eval_object(e, x, out, err);
    case EXPR_ANY:
    case EXPR_REGEX:
    case EXPR_RANGE:
    case EXPR_EXACTLY:
        break;
    }
    return value_error(x, err, "a pattern is no value");
}

int expr_eval_text(const struct eval *e, const struct expr *x, struct buf *out,
                   struct error *err)
{
    json_t *v = NULL;
    int rc = expr_eval(e, x, &v, err);

    if (rc == 0 && value_write(out, v) < 0)
        rc = value_error(x, err, "more text than %zu bytes", out->max);
    json_decref(v);
    return rc;
}

int expr_eval_int(const struct eval *e, const struct expr *x, int64_t min,
                  int64_t max, int64_t *out, struct error *err)
{
    json_t *v = NULL;
    int rc = expr_eval(e, x, &v, err);
    double real;

    if (rc < 0)
        return rc;
    real = json_number_value(v);
    if (!json_is_number(v))
        rc = value_error(x, err, "a number is needed, this is %s",
                         value_type(v));
    else if (json_is_real(v) && real != floor(real))
        rc = value_error(x, err, "a whole number is needed, this is %g", real);
    else if (real < (double)min || real > (double)max)
        rc = value_error(x, err, "%g, but it must be %" PRId64 " to %" PRId64,
                         real, min, max);
    else
        *out = json_is_integer(v) ? json_integer_value(v) : (int64_t)real;
    json_decref(v);
    return rc;
}
