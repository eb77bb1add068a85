#include "value_inside.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

int value_error(const struct expr *x, struct error *err, const char *fmt, ...)
{
    char what[240];
    va_list args;

    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    return error_set(err, CF_INVALID, "%s:%d:%d: %s", x->at.file, x->at.line,
                     x->at.column, what);
}

const char *value_type(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a text";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        break;
    }
    return "null";
}

bool value_true(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return json_object_size(v) > 0;
    case JSON_ARRAY:
        return json_array_size(v) > 0;
    case JSON_STRING:
        return json_string_length(v) > 0;
    case JSON_INTEGER:
    case JSON_REAL:
        return json_number_value(v) != 0;
    case JSON_TRUE:
        return true;
    case JSON_FALSE:
    case JSON_NULL:
        break;
    }
    return false;
}

double value_real(const json_t *v)
{
    return json_number_value(v);
}

static bool same_objects(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value, *other;

    if (json_object_size(a) != json_object_size(b))
        return false;
    json_object_foreach((json_t *)a, key, value)
    {
        other = json_object_get(b, key);
        if (other == NULL || !value_same(value, other))
            return false;
    }
    return true;
}

static bool same_arrays(const json_t *a, const json_t *b)
{
    size_t n = json_array_size(a);

    if (n != json_array_size(b))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!value_same(json_array_get(a, i), json_array_get(b, i)))
            return false;
    return true;
}

bool value_same(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b))
        return json_integer_value(a) == json_integer_value(b);
    if (json_is_number(a) && json_is_number(b))
        return value_real(a) == value_real(b);
    if (json_typeof(a) != json_typeof(b))
        return false;
    if (json_is_object(a))
        return same_objects(a, b);
    if (json_is_array(a))
        return same_arrays(a, b);
    return json_equal(a, b) == 1;
}

/* The shortest digits that mean the same number. */
static int write_real(struct buf *out, double v)
{
    char digits[40];

    for (int precision = 6; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, v);
        if (strtod(digits, NULL) == v)
            break;
    }
    return buf_append_text(out, digits);
}

int value_write(struct buf *out, const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_STRING:
        return buf_append(out, json_string_value(v), json_string_length(v));
    case JSON_INTEGER:
        return buf_append_i64(out, json_integer_value(v));
    case JSON_REAL:
        return write_real(out, value_real(v));
    case JSON_TRUE:
        return buf_append_text(out, "true");
    case JSON_FALSE:
        return buf_append_text(out, "false");
    case JSON_NULL:
        return buf_append_text(out, "null");
    case JSON_OBJECT:
    case JSON_ARRAY:
        break;
    }
    return json_write(out, v, false);
}

void value_show(struct buf *out, const json_t *v)
{
    struct buf text;
    size_t n;

    buf_init(&text, VALUE_MAX_TEXT);
    if (json_write(&text, v, false) < 0)
        (void)buf_append_text(&text, value_type(v));
    n = text.len;
    if (n > VALUE_SHOWN) {
        n = VALUE_SHOWN;
        while (n > 0 && (text.data[n] & 0xc0) == 0x80)
            n--;
    }
    (void)buf_append(out, text.data, n);
    if (n < text.len)
        (void)buf_append_text(out, "...");
    buf_release(&text);
}
