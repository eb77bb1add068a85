#include "toml.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "toml_inside.h"

#define KEY_BYTES 256

/* ---- places and kinds ---- */

static void place_name(struct buf *b, const json_t *in, const char *key)
{
    buf_init(b, sizeof(in) + KEY_BYTES + 1);
    buf_append(b, &in, sizeof(in));
    buf_append_text(b, key);
}

const struct toml_place *toml_place(const struct toml *t, const json_t *in,
                                    const char *key)
{
    struct buf b;
    void *found;

    place_name(&b, in, key);
    found = strmap_get(&t->places, buf_span(&b));
    buf_release(&b);
    return found;
}

void toml_put_place(struct toml_reader *r, const json_t *in, const char *key,
                    size_t key_at, size_t value_at, int value_line,
                    size_t value_line_start)
{
    struct toml_place *p = mem_alloc(sizeof(*p));
    struct toml_reader there = *r;
    struct buf b;

    there.line_start = value_line_start;
    p->line = value_line; /* a key and its value begin on one line */
    p->column = toml_column(&there, key_at);
    p->value_line = value_line;
    p->value_column = toml_column(&there, value_at);
    place_name(&b, in, key);
    free(strmap_put(&r->out->places, buf_span(&b), p));
    buf_release(&b);
}

enum toml_kind toml_kind_of(const struct toml_reader *r, const json_t *j)
{
    return (enum toml_kind)(uintptr_t)map_get(&r->kinds,
                                              (uint64_t)(uintptr_t)j);
}

void toml_set_kind(struct toml_reader *r, const json_t *j, enum toml_kind k)
{
    map_put(&r->kinds, (uint64_t)(uintptr_t)j, (void *)(uintptr_t)k);
}

json_t *toml_new_table(struct toml_reader *r, json_t *in, const char *key,
                       enum toml_kind kind, size_t at)
{
    json_t *table = json_object();

    toml_set_kind(r, table, kind);
    json_object_set_new(in, key, table);
    toml_put_place(r, in, key, at, at, r->line, r->line_start);
    return table;
}

/* ---- [table] and [[table]] ---- */

/* From in through key to the table that a deeper header may add to. */
static int step_in(struct toml_reader *r, json_t **in, const char *key,
                   size_t at)
{
    json_t *next = json_object_get(*in, key);

    if (next == NULL) {
        *in = toml_new_table(r, *in, key, TOML_IMPLICIT, at);
        return 0;
    }
    if (toml_kind_of(r, next) == TOML_TABLES)
        next = json_array_get(next, json_array_size(next) - 1);
    if (!json_is_object(next) || toml_kind_of(r, next) == TOML_CLOSED)
        return toml_fail(r, at, "'%s' is no table that can be added to", key);
    *in = next;
    return 0;
}

static int open_table(struct toml_reader *r, json_t **in, const char *key,
                      size_t at)
{
    json_t *there = json_object_get(*in, key);

    if (there == NULL) {
        *in = toml_new_table(r, *in, key, TOML_HEADER, at);
        return 0;
    }
    if (!json_is_object(there) || toml_kind_of(r, there) != TOML_IMPLICIT)
        return toml_fail(r, at, "'%s' is there already", key);
    toml_set_kind(r, there, TOML_HEADER);
    *in = there;
    return 0;
}

static int open_element(struct toml_reader *r, json_t **in, const char *key,
                        size_t at)
{
    json_t *list = json_object_get(*in, key), *table;
    char index[24];

    if (list != NULL && toml_kind_of(r, list) != TOML_TABLES)
        return toml_fail(r, at, "'%s' is there already, and no [[%s]]", key,
                         key);
    if (list == NULL) {
        list = json_array();
        toml_set_kind(r, list, TOML_TABLES);
        json_object_set_new(*in, key, list);
        toml_put_place(r, *in, key, at, at, r->line, r->line_start);
    }
    table = json_object();
    toml_set_kind(r, table, TOML_HEADER);
    snprintf(index, sizeof(index), "%zu", json_array_size(list));
    json_array_append_new(list, table);
    toml_put_place(r, list, index, at, at, r->line, r->line_start);
    *in = table;
    return 0;
}

/* After "[" or "[[": the keys, and the closing brackets. */
static int header(struct toml_reader *r, bool element, json_t **in, int *level)
{
    struct buf key;
    bool more = true;
    int rc = 0;

    buf_init(&key, KEY_BYTES);
    *in = r->out->root;
    *level = 0;
    while (rc == 0 && more) {
        size_t at;

        toml_blanks(r);
        at = r->at;
        buf_clear(&key);
        rc = toml_key(r, &key);
        if (rc < 0)
            break;
        toml_blanks(r);
        more = toml_take(r, '.');
        *level += 1;
        if (*level > TOML_DEPTH - 1)
            rc = toml_fail(r, at, "more than %d levels", TOML_DEPTH);
        else if (more)
            rc = step_in(r, in, buf_cstr(&key), at);
        else if (element)
            rc = open_element(r, in, buf_cstr(&key), at);
        else
            rc = open_table(r, in, buf_cstr(&key), at);
    }
    buf_release(&key);
    if (rc == 0 && (!toml_take(r, ']') || (element && !toml_take(r, ']'))))
        rc = toml_fail(r, r->at, "'%s' expected", element ? "]]" : "]");
    *level += element;
    return rc;
}

/* ---- the whole ---- */

static int end_of_line(struct toml_reader *r)
{
    int rc;

    toml_blanks(r);
    rc = toml_comment(r);
    if (rc < 0)
        return rc;
    if (toml_peek(r) >= 0 && !toml_newline(r))
        return toml_fail(r, r->at, "more on the line than belongs there");
    return 0;
}

static int document(struct toml_reader *r)
{
    json_t *in = r->out->root;
    int level = 0, rc = 0;

    while (rc == 0) {
        rc = toml_space(r);
        if (rc < 0 || toml_peek(r) < 0)
            break;
        if (toml_take(r, '['))
            rc = header(r, toml_take(r, '['), &in, &level);
        else
            rc = toml_pair(r, in, level);
        if (rc == 0)
            rc = end_of_line(r);
    }
    return rc;
}

/* The first bad byte's line and column, for the message. */
static int check_utf8(struct toml_reader *r)
{
    size_t at = 0;

    if (text_is_utf8(r->text))
        return 0;
    while (at < r->text.n) {
        size_t before = at;

        if (text_next(r->text, &at) < 0)
            return toml_fail(r, before, "not UTF-8");
        if (r->text.p[before] == '\n') {
            r->line++;
            r->line_start = at;
        }
    }
    return toml_fail(r, at, "not UTF-8");
}

int toml_parse(struct toml *t, const char *source, struct span text,
               struct error *err)
{
    struct toml_reader r = {
        .source = source, .text = text, .line = 1, .out = t, .err = err};
    int rc;

    if (text.n > TOML_BYTES)
        return error_set(err, CF_TOO_BIG, "%s: more than %d bytes", source,
                         TOML_BYTES);
    rc = check_utf8(&r);
    if (rc < 0)
        return rc;
    t->root = json_object();
    strmap_init(&t->places);
    map_init(&r.kinds);
    toml_set_kind(&r, t->root, TOML_HEADER);
    rc = document(&r);
    map_release(&r.kinds);
    if (rc < 0)
        toml_release(t);
    return rc;
}

void toml_release(struct toml *t)
{
    for (uint32_t i = 0; i < t->places.len; i++)
        free(t->places.entries[i].value);
    strmap_release(&t->places);
    json_decref(t->root);
    t->root = NULL;
}
