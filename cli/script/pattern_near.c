/* How nearly an event fits: for the line "nearest" of a failure. */
#include "value_inside.h"

#include <stdlib.h>

#define ALL 1000
#define SAME_TYPE 200 /* at least something in common */

/* The share of a and b that is the same from both ends, of the longer. */
static int near_text(const char *a, const char *b)
{
    size_t m = strlen(a), n = strlen(b), least = m < n ? m : n, head = 0;
    size_t most = m < n ? n : m, tail = 0;

    while (head < least && a[head] == b[head])
        head++;
    while (tail < least - head && a[m - 1 - tail] == b[n - 1 - tail])
        tail++;
    if (most == 0)
        return ALL;
    return SAME_TYPE + (int)((ALL - SAME_TYPE) * (head + tail) / most);
}

static int near_value(const struct eval *e, const struct expr *x,
                      const json_t *value)
{
    struct error ignored;
    json_t *wanted = NULL;
    int near = 0;

    if (expr_eval(e, x, &wanted, &ignored) < 0)
        return 0;
    if (value_same(wanted, value))
        near = ALL;
    else if (json_is_string(wanted) && json_is_string(value))
        near = near_text(json_string_value(wanted), json_string_value(value));
    else if (json_typeof(wanted) == json_typeof(value))
        near = SAME_TYPE;
    json_decref(wanted);
    return near;
}

static int near(const struct eval *e, const struct expr *x, const json_t *value)
{
    struct error ignored;
    int sum = 0;

    if (x->kind == EXPR_EXACTLY)
        return near(e, x->items[0], value);
    if (value == NULL)
        return x->kind == EXPR_NULL ? ALL : 0;
    if (x->kind == EXPR_OBJECT) {
        for (int i = 0; i < x->count && json_is_object(value); i++)
            sum += near(e, x->items[i], json_object_get(value, x->keys[i]));
        return x->count > 0 ? sum / x->count : ALL;
    }
    if (x->kind == EXPR_ANY || x->kind == EXPR_REGEX || x->kind == EXPR_RANGE ||
        x->kind == EXPR_ARRAY)
        return pattern_match(e, x, value, NULL, &ignored) == 1 ? ALL
                                                               : SAME_TYPE;
    return near_value(e, x, value);
}

int pattern_nearness(const struct eval *e, const struct expr *pattern,
                     const json_t *value)
{
    bool text = pattern->kind == EXPR_TEXT || pattern->kind == EXPR_REGEX;

    if (text && json_is_object(value))
        value = json_object_get(value, "text");
    return near(e, pattern, value);
}
