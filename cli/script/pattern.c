/* Does an event fit, and how nearly? */
#include "value_inside.h"

#include <stdio.h>
#include <stdlib.h>

#include "pattern_regex.h"

/* One place that is looked at: the way there from the event, for a reason. */
struct spot {
    const struct spot *outer;
    const char *key; /* NULL: element index */
    size_t index;
};

static void write_path(struct buf *out, const struct spot *at)
{
    if (at == NULL)
        return;
    write_path(out, at->outer);
    if (at->key == NULL)
        (void)buf_printf(out, "[%zu]", at->index);
    else
        (void)buf_printf(out, "%s%s", at->outer != NULL ? "." : "", at->key);
}

/* Append `path: wanted -> seen`. what: NULL, or how the pattern is written. */
static void explain(struct buf *why, const struct spot *at, const char *what,
                    const json_t *wanted, const json_t *seen)
{
    if (why == NULL)
        return;
    if (why->len > 0)
        (void)buf_append_text(why, "; ");
    write_path(why, at);
    if (at != NULL)
        (void)buf_append_text(why, ": ");
    if (what != NULL)
        (void)buf_append_text(why, what);
    if (wanted != NULL)
        value_show(why, wanted);
    (void)buf_append_text(why, " -> ");
    if (seen != NULL)
        value_show(why, seen);
    else
        (void)buf_append_text(why, "nothing");
}

static int match(const struct eval *e, const struct expr *x,
                 const json_t *value, const struct spot *at, struct buf *why,
                 struct error *err);

static int match_regex(const struct eval *e, const struct expr *x,
                       const json_t *value, const struct spot *at,
                       struct buf *why, struct error *err)
{
    struct buf regex;
    struct error reason;
    json_t *shown;
    int rc;

    buf_init(&regex, REGEX_MAX * 4);
    rc = eval_regex(e, x, &regex, err);
    if (rc == -CF_TOO_BIG)
        rc = value_error(x, err, "a regex of more than %d bytes", REGEX_MAX);
    if (rc == 0 && json_is_string(value)) {
        rc = regex_search(buf_cstr(&regex), json_string_value(value), &reason);
        if (rc < 0)
            value_error(x, err, "%s", reason.text);
    }
    if (rc == 0) {
        shown = json_string(buf_cstr(&regex));
        explain(why, at, "~", shown, value);
        json_decref(shown);
    }
    buf_release(&regex);
    return rc;
}

/* One end of a range: it must be a number. */
static int bound(const struct eval *e, const struct expr *x, double *out,
                 struct error *err)
{
    json_t *v = NULL;
    int rc = expr_eval(e, x, &v, err);

    if (rc == 0 && !json_is_number(v))
        rc = value_error(x, err, "a range is of numbers, this is %s",
                         value_type(v));
    *out = json_number_value(v);
    json_decref(v);
    return rc;
}

static int match_range(const struct eval *e, const struct expr *x,
                       const json_t *value, const struct spot *at,
                       struct buf *why, struct error *err)
{
    double low = 0, high = 0, seen = json_number_value(value);
    char what[80];
    int rc = bound(e, x->items[0], &low, err);

    if (rc == 0)
        rc = bound(e, x->items[1], &high, err);
    if (rc < 0)
        return rc;
    if (json_is_number(value) && seen >= low && seen <= high)
        return 1;
    snprintf(what, sizeof(what), "%.15g..%.15g", low, high);
    explain(why, at, what, NULL, value);
    return 0;
}

/* A member: null fits what is not there. */
static int match_member(const struct eval *e, const struct expr *x,
                        const json_t *value, const struct spot *at,
                        struct buf *why, struct error *err)
{
    if (value == NULL && x->kind == EXPR_NULL)
        return 1;
    return match(e, x, value, at, why, err);
}

static int match_object(const struct eval *e, const struct expr *x,
                        const json_t *value, const struct spot *at,
                        struct buf *why, struct error *err)
{
    int fits = 1, rc;

    if (!json_is_object(value)) {
        explain(why, at, "an object", NULL, value);
        return 0;
    }
    for (int i = 0; i < x->count && (fits == 1 || why != NULL); i++) {
        struct spot member = {at, x->keys[i], 0};

        rc = match_member(e, x->items[i], json_object_get(value, x->keys[i]),
                          &member, why, err);
        if (rc < 0)
            return rc;
        if (rc == 0)
            fits = 0;
    }
    return fits;
}

static bool has_key(const struct expr *x, const char *key)
{
    for (int i = 0; i < x->count; i++)
        if (strcmp(x->keys[i], key) == 0)
            return true;
    return false;
}

static int match_exactly(const struct eval *e, const struct expr *x,
                         const json_t *value, const struct spot *at,
                         struct buf *why, struct error *err)
{
    const struct expr *object = x->items[0];
    int rc = match_object(e, object, value, at, why, err);
    const char *key;
    json_t *member;

    if (rc < 0 || !json_is_object(value))
        return rc;
    json_object_foreach((json_t *)value, key, member)
    {
        struct spot extra = {at, key, 0};

        if (has_key(object, key))
            continue;
        explain(why, &extra, "nothing", NULL, member);
        rc = 0;
    }
    return rc;
}

static int match_array(const struct eval *e, const struct expr *x,
                       const json_t *value, const struct spot *at,
                       struct buf *why, struct error *err)
{
    size_t n = json_array_size(value);
    char what[40];
    int fits = 1;

    if (!json_is_array(value) || n != (size_t)x->count) {
        snprintf(what, sizeof(what), "an array of %d", x->count);
        explain(why, at, what, NULL, value);
        return 0;
    }
    for (size_t i = 0; i < n && (fits == 1 || why != NULL); i++) {
        struct spot element = {at, NULL, i};
        int rc =
            match(e, x->items[i], json_array_get(value, i), &element, why, err);

        if (rc < 0)
            return rc;
        if (rc == 0)
            fits = 0;
    }
    return fits;
}

static int match_value(const struct eval *e, const struct expr *x,
                       const json_t *value, const struct spot *at,
                       struct buf *why, struct error *err)
{
    json_t *wanted = NULL;
    int rc = expr_eval(e, x, &wanted, err);

    if (rc < 0)
        return rc;
    rc = value != NULL && value_same(wanted, value);
    if (rc == 0)
        explain(why, at, NULL, wanted, value);
    json_decref(wanted);
    return rc;
}

static int match(const struct eval *e, const struct expr *x,
                 const json_t *value, const struct spot *at, struct buf *why,
                 struct error *err)
{
    switch (x->kind) {
    case EXPR_ANY:
        if (value == NULL)
            explain(why, at, "any", NULL, value);
        return value != NULL;
    case EXPR_REGEX:
        return match_regex(e, x, value, at, why, err);
    case EXPR_RANGE:
        return match_range(e, x, value, at, why, err);
    case EXPR_OBJECT:
        return match_object(e, x, value, at, why, err);
    case EXPR_EXACTLY:
        return match_exactly(e, x, value, at, why, err);
    case EXPR_ARRAY:
        return match_array(e, x, value, at, why, err);
    default:
        return match_value(e, x, value, at, why, err);
    }
}

static bool is_text(const struct expr *x)
{
    return x->kind == EXPR_TEXT || x->kind == EXPR_REGEX;
}

int pattern_match(const struct eval *e, const struct expr *pattern,
                  const json_t *value, struct buf *why, struct error *err)
{
    struct spot text = {NULL, "text", 0};

    if (is_text(pattern) && json_is_object(value))
        return match(e, pattern, json_object_get(value, "text"), &text, why,
                     err);
    return match(e, pattern, value, NULL, why, err);
}
