#include <stdio.h>

#include "toml_inside.h"

#define KEY_BYTES 256

static bool is_bare(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '-';
}

int toml_key(struct toml_reader *r, struct buf *out)
{
    size_t start = r->at;
    int rc = 0;

    if (toml_peek(r) == '"' || toml_peek(r) == '\'') {
        rc = toml_string(r, out);
    } else {
        while (rc == 0 && is_bare(toml_peek(r))) {
            rc = buf_append_byte(out, r->text.p[r->at]);
            r->at++;
        }
        if (r->at == start)
            return toml_fail(r, start, "a key is expected here");
    }
    if (rc == -CF_TOO_BIG || buf_cstr(out) == NULL)
        return toml_fail(r, start, "a key of more than %d bytes",
                         KEY_BYTES - 1);
    return rc;
}

/* ---- arrays and inline tables ---- */

static int element(struct toml_reader *r, json_t *list, int level)
{
    size_t at = r->at, line_start = r->line_start;
    int line = r->line, rc;
    json_t *value = NULL;
    char index[24];

    rc = toml_value(r, &value, level);
    if (rc < 0)
        return rc;
    snprintf(index, sizeof(index), "%zu", json_array_size(list));
    json_array_append_new(list, value);
    toml_put_place(r, list, index, at, at, line, line_start);
    return 0;
}

static int array(struct toml_reader *r, json_t *list, int level)
{
    size_t start = r->at++;
    int rc = toml_space(r);

    while (rc == 0 && !toml_take(r, ']')) {
        rc = element(r, list, level);
        if (rc == 0)
            rc = toml_space(r);
        if (rc < 0)
            return rc;
        if (toml_take(r, ','))
            rc = toml_space(r);
        else if (toml_peek(r) != ']')
            return toml_fail(r, r->at, "',' or ']' expected");
        if (rc == 0 && toml_peek(r) < 0)
            return toml_fail(r, start, "the array has no end");
    }
    return rc;
}

static int inline_table(struct toml_reader *r, json_t *table, int level)
{
    int rc;

    r->at++;
    toml_blanks(r);
    if (toml_take(r, '}'))
        return 0;
    for (;;) {
        toml_blanks(r);
        rc = toml_pair(r, table, level);
        if (rc < 0)
            return rc;
        toml_blanks(r);
        if (toml_take(r, '}'))
            return 0;
        if (!toml_take(r, ','))
            return toml_fail(r, r->at, "',' or '}' expected");
    }
}

int toml_value(struct toml_reader *r, json_t **out, int level)
{
    bool list = toml_peek(r) == '[';
    int rc;

    if (!list && toml_peek(r) != '{')
        return toml_scalar(r, out);
    if (level + 1 > TOML_DEPTH - 1)
        return toml_fail(r, r->at, "more than %d levels", TOML_DEPTH);
    *out = list ? json_array() : json_object();
    /* While it is read, its own dotted keys may add to it. */
    toml_set_kind(r, *out, list ? TOML_CLOSED : TOML_HEADER);
    rc = list ? array(r, *out, level + 1) : inline_table(r, *out, level + 1);
    if (rc < 0) {
        json_decref(*out);
        *out = NULL;
        return rc;
    }
    toml_set_kind(r, *out, TOML_CLOSED);
    return 0;
}

/* ---- key = value ---- */

/* Through the first parts of a.b.c: only what dotted keys made may be entered,
 * tables of headers may not. */
static int enter(struct toml_reader *r, json_t **in, const char *key, size_t at)
{
    json_t *next = json_object_get(*in, key);

    if (next == NULL)
        next = toml_new_table(r, *in, key, TOML_DOTTED, at);
    else if (toml_kind_of(r, next) != TOML_DOTTED)
        return toml_fail(r, at, "'%s' is there already", key);
    *in = next;
    return 0;
}

static int assign(struct toml_reader *r, json_t *in, const char *key, size_t at,
                  int level)
{
    size_t value_at, line_start = r->line_start;
    json_t *value = NULL;
    int line = r->line, rc;

    if (json_object_get(in, key) != NULL)
        return toml_fail(r, at, "'%s' is there already", key);
    if (!toml_take(r, '='))
        return toml_fail(r, r->at, "'=' expected after '%s'", key);
    toml_blanks(r);
    value_at = r->at;
    rc = toml_value(r, &value, level);
    if (rc < 0)
        return rc;
    json_object_set_new(in, key, value);
    toml_put_place(r, in, key, at, value_at, line, line_start);
    return 0;
}

int toml_pair(struct toml_reader *r, json_t *table, int level)
{
    struct buf key;
    bool more = true;
    int rc = 0;

    buf_init(&key, KEY_BYTES);
    while (rc == 0 && more) {
        size_t at = r->at;

        buf_clear(&key);
        rc = toml_key(r, &key);
        if (rc < 0)
            break;
        toml_blanks(r);
        more = toml_take(r, '.');
        if (!more) {
            rc = assign(r, table, buf_cstr(&key), at, level);
            break;
        }
        toml_blanks(r);
        if (++level > TOML_DEPTH - 1)
            rc = toml_fail(r, at, "more than %d levels", TOML_DEPTH);
        else
            rc = enter(r, &table, buf_cstr(&key), at);
    }
    buf_release(&key);
    return rc;
}
