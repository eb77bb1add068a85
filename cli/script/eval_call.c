#include "value_inside.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

typedef int call_fn(const struct eval *e, const struct expr *x, json_t **args,
                    json_t **out, struct error *err);

static int wrong(const struct expr *x, const json_t *v, struct error *err)
{
    return value_error(x, err, "%s() of %s is not possible", x->text,
                       value_type(v));
}

static int call_file(const struct eval *e, const struct expr *x, json_t **args,
                     json_t **out, struct error *err)
{
    if (!json_is_string(args[0]))
        return wrong(x, args[0], err);
    return value_file(e, x, json_string_value(args[0]), out, err);
}

/* Of a text, or of a file or what was downloaded. */
static int call_sha256(const struct eval *e, const struct expr *x,
                       json_t **args, json_t **out, struct error *err)
{
    const json_t *v = args[0];
    json_t *known = json_object_get(v, "sha256");
    json_t *path = json_object_get(v, "path"), *file = NULL;
    char hex[65];
    int rc = 0;

    if (json_is_string(v)) {
        value_sha256(json_string_value(v), json_string_length(v), hex);
        *out = json_string(hex);
    } else if (json_is_string(known)) {
        *out = json_incref(known);
    } else if (json_is_string(path)) {
        rc = value_file(e, x, json_string_value(path), &file, err);
        *out = json_incref(json_object_get(file, "sha256"));
        json_decref(file);
    } else {
        rc = wrong(x, v, err);
    }
    return rc;
}

static int64_t characters(const json_t *v)
{
    struct span text = {json_string_value(v), json_string_length(v)};
    size_t at = 0;
    int64_t n = 0;

    for (; at < text.n; n++)
        (void)text_next(text, &at);
    return n;
}

static int call_length(const struct eval *e, const struct expr *x,
                       json_t **args, json_t **out, struct error *err)
{
    const json_t *v = args[0];

    if (json_is_string(v))
        *out = json_integer(characters(v));
    else if (json_is_array(v))
        *out = json_integer((json_int_t)json_array_size(v));
    else if (json_is_object(v))
        *out = json_integer((json_int_t)json_object_size(v));
    else
        return wrong(x, v, err);
    return 0;
}

static int call_text(const struct eval *e, const struct expr *x, json_t **args,
                     json_t **out, struct error *err)
{
    struct buf text;
    int rc;

    buf_init(&text, VALUE_MAX_TEXT);
    rc = value_write(&text, args[0]);
    if (rc == 0)
        *out = json_stringn(text.len > 0 ? text.data : "", text.len);
    else
        rc = value_error(x, err, "more text than %d MB", VALUE_MAX_TEXT >> 20);
    buf_release(&text);
    return rc;
}

static int call_number(const struct eval *e, const struct expr *x,
                       json_t **args, json_t **out, struct error *err)
{
    const char *text = json_string_value(args[0]);
    long long whole;
    double real;
    char *end;

    if (json_is_number(args[0])) {
        *out = json_incref(args[0]);
        return 0;
    }
    if (text == NULL)
        return wrong(x, args[0], err);
    errno = 0;
    whole = strtoll(text, &end, 10);
    if (end != text && *end == '\0' && errno == 0) {
        *out = json_integer(whole);
        return 0;
    }
    real = strtod(text, &end);
    if (end != text && *end == '\0')
        *out = json_real(real);
    return *out != NULL
               ? 0
               : value_error(x, err, "\"%.60s\" is not a number", text);
}

static int call_lower(const struct eval *e, const struct expr *x, json_t **args,
                      json_t **out, struct error *err)
{
    char *copy;

    if (!json_is_string(args[0]))
        return wrong(x, args[0], err);
    copy = mem_text(json_string_value(args[0]));
    for (char *c = copy; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    *out = json_string(copy);
    free(copy);
    return 0;
}

static int extreme(const struct expr *x, json_t **args, bool most, json_t **out,
                   struct error *err)
{
    json_t *best = args[0];

    for (int i = 0; i < x->count; i++) {
        if (!json_is_number(args[i]))
            return wrong(x, args[i], err);
        if (most ? value_real(args[i]) > value_real(best)
                 : value_real(args[i]) < value_real(best))
            best = args[i];
    }
    *out = json_incref(best);
    return 0;
}

static int call_min(const struct eval *e, const struct expr *x, json_t **args,
                    json_t **out, struct error *err)
{
    return extreme(x, args, false, out, err);
}

static int call_max(const struct eval *e, const struct expr *x, json_t **args,
                    json_t **out, struct error *err)
{
    return extreme(x, args, true, out, err);
}

static const struct {
    const char *name;
    call_fn *call;
} calls[] = {
    {"file", call_file}, {"sha256", call_sha256}, {"length", call_length},
    {"text", call_text}, {"number", call_number}, {"lower", call_lower},
    {"min", call_min},   {"max", call_max},
};

int eval_call(const struct eval *e, const struct expr *x, json_t **out,
              struct error *err)
{
    json_t **args = mem_array((size_t)x->count + 1, sizeof(json_t *));
    int rc = 0;

    for (int i = 0; rc == 0 && i < x->count; i++)
        rc = expr_eval(e, x->items[i], &args[i], err);
    for (size_t i = 0; rc == 0 && i < COUNT_OF(calls); i++)
        if (strcmp(calls[i].name, x->text) == 0)
            rc = calls[i].call(e, x, args, out, err);
    for (int i = 0; i < x->count; i++)
        json_decref(args[i]);
    free(args);
    return rc;
}
