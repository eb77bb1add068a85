#include "value_inside.h"

#include <math.h>
#include <string.h>

#include "pattern_regex.h"

#define REPEAT_MAX (4 << 20) /* bytes of "x" * n */

static int mismatch(const struct expr *x, const json_t *a, const json_t *b,
                    struct error *err)
{
    return value_error(x, err, "%s %s %s is not possible", value_type(a), x->op,
                       value_type(b));
}

/* ---- arithmetic ---- */

static int too_big(const struct expr *x, struct error *err)
{
    return value_error(x, err, "the result does not fit in 64 bits");
}

/* Whole numbers stay whole where the result is. */
static int whole(const struct expr *x, int64_t a, int64_t b, json_t **out,
                 struct error *err)
{
    int64_t r = 0;
    bool over = false;

    switch (x->op[0]) {
    case '+':
        over = __builtin_add_overflow(a, b, &r);
        break;
    case '-':
        over = __builtin_sub_overflow(a, b, &r);
        break;
    case '*':
        over = __builtin_mul_overflow(a, b, &r);
        break;
    default:
        if (b == 0)
            return value_error(x, err, "division by 0");
        if (b == -1)
            over = __builtin_sub_overflow(0, x->op[0] == '%' ? 0 : a, &r);
        else if (x->op[0] == '/' && a % b != 0)
            return (*out = json_real((double)a / (double)b)) != NULL ? 0 : -1;
        else
            r = x->op[0] == '/' ? a / b : a % b;
    }
    if (over)
        return too_big(x, err);
    *out = json_integer(r);
    return 0;
}

static int real(const struct expr *x, double a, double b, json_t **out,
                struct error *err)
{
    double r;

    if ((x->op[0] == '/' || x->op[0] == '%') && b == 0)
        return value_error(x, err, "division by 0");
    if (x->op[0] == '+')
        r = a + b;
    else if (x->op[0] == '-')
        r = a - b;
    else if (x->op[0] == '*')
        r = a * b;
    else
        r = x->op[0] == '/' ? a / b : fmod(a, b);
    *out = json_real(r);
    return *out != NULL ? 0 : too_big(x, err);
}

static int join(const struct expr *x, const json_t *a, const json_t *b,
                json_t **out, struct error *err)
{
    struct buf text;
    int rc;

    buf_init(&text, VALUE_MAX_TEXT);
    rc = value_write(&text, a);
    if (rc == 0)
        rc = value_write(&text, b);
    if (rc == 0)
        *out = json_stringn(text.len > 0 ? text.data : "", text.len);
    buf_release(&text);
    return rc < 0 ? value_error(x, err, "this text grows beyond %d MB",
                                VALUE_MAX_TEXT >> 20)
                  : 0;
}

/* "x" * 3 is "xxx". */
static int multiply(const struct expr *x, const json_t *a, int64_t n,
                    json_t **out, struct error *err)
{
    struct span one = {json_string_value(a), json_string_length(a)};
    struct buf text;
    int rc = 0;

    if (n < 0 || n > REPEAT_MAX)
        return value_error(x, err, "a text can be had 0 to %d times",
                           REPEAT_MAX);
    buf_init(&text, REPEAT_MAX);
    for (int64_t i = 0; rc == 0 && i < n && one.n > 0; i++)
        rc = buf_append_span(&text, one);
    if (rc == 0)
        *out = json_stringn(text.len > 0 ? text.data : "", text.len);
    buf_release(&text);
    return rc < 0 ? value_error(x, err, "this text grows beyond %d MB",
                                REPEAT_MAX >> 20)
                  : 0;
}

static int arithmetic(const struct expr *x, const json_t *a, const json_t *b,
                      json_t **out, struct error *err)
{
    if (json_is_integer(a) && json_is_integer(b))
        return whole(x, json_integer_value(a), json_integer_value(b), out, err);
    if (json_is_number(a) && json_is_number(b))
        return real(x, value_real(a), value_real(b), out, err);
    if (x->op[0] == '+' && json_is_string(a) && json_is_string(b))
        return join(x, a, b, out, err);
    if (x->op[0] == '*' && json_is_string(a) && json_is_integer(b))
        return multiply(x, a, json_integer_value(b), out, err);
    return mismatch(x, a, b, err);
}

/* ---- comparisons ---- */

static int compare(const struct expr *x, const json_t *a, const json_t *b,
                   bool *out, struct error *err)
{
    bool equal = x->op[1] == '=';
    int order;

    if (json_is_integer(a) && json_is_integer(b)) {
        order = (json_integer_value(a) > json_integer_value(b)) -
                (json_integer_value(a) < json_integer_value(b));
    } else if (json_is_number(a) && json_is_number(b)) {
        order =
            (value_real(a) > value_real(b)) - (value_real(a) < value_real(b));
    } else if (json_is_string(a) && json_is_string(b)) {
        order = strcmp(json_string_value(a), json_string_value(b));
    } else {
        return mismatch(x, a, b, err);
    }
    *out = (equal && order == 0) || (x->op[0] == '<' ? order < 0 : order > 0);
    return 0;
}

static int search(const struct expr *x, const json_t *a, const json_t *b,
                  bool *out, struct error *err)
{
    struct error why;
    int rc;

    if (!json_is_string(a) || !json_is_string(b))
        return mismatch(x, a, b, err);
    rc = regex_search(json_string_value(b), json_string_value(a), &why);
    if (rc < 0)
        return value_error(x, err, "%s", why.text);
    *out = rc == 1;
    return 0;
}

static int apply(const struct expr *x, const json_t *a, const json_t *b,
                 json_t **out, struct error *err)
{
    bool yes = false;
    int rc = 0;

    if (strchr("+-*/%", x->op[0]) != NULL)
        return arithmetic(x, a, b, out, err);
    if (x->op[0] == '~')
        rc = search(x, a, b, &yes, err);
    else if (x->op[0] == '=' || x->op[0] == '!')
        yes = value_same(a, b) == (x->op[0] == '=');
    else
        rc = compare(x, a, b, &yes, err);
    if (rc == 0)
        *out = json_boolean(yes);
    return rc;
}

int eval_binary(const struct eval *e, const struct expr *x, json_t **out,
                struct error *err)
{
    json_t *a = NULL, *b = NULL;
    bool both = strcmp(x->op, "and") == 0, either = strcmp(x->op, "or") == 0;
    int rc = expr_eval(e, x->items[0], &a, err);

    if (rc == 0 && (both || either) && value_true(a) == either) {
        *out = json_boolean(either);
        goto out;
    }
    if (rc == 0)
        rc = expr_eval(e, x->items[1], &b, err);
    if (rc == 0 && (both || either))
        *out = json_boolean(value_true(b));
    else if (rc == 0)
        rc = apply(x, a, b, out, err);
out:
    json_decref(a);
    json_decref(b);
    return rc;
}

int eval_unary(const struct eval *e, const struct expr *x, json_t **out,
               struct error *err)
{
    json_t *v = NULL;
    int rc = expr_eval(e, x->items[0], &v, err);

    if (rc < 0)
        return rc;
    if (strcmp(x->op, "not") == 0)
        *out = json_boolean(!value_true(v));
    else if (json_is_real(v))
        *out = json_real(-value_real(v));
    else if (!json_is_integer(v))
        rc = value_error(x, err, "-%s is not possible", value_type(v));
    else if (json_integer_value(v) == INT64_MIN)
        rc = too_big(x, err);
    else
        *out = json_integer(-json_integer_value(v));
    json_decref(v);
    return rc;
}
