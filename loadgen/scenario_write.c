/* The effective scenario as TOML: from the tree, so that what is written is
 * what is read. */
#include "base/json.h"
#include "scenario.h"
#include "scenario_value.h"

static bool is_bare(const char *key)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    return key[0] != '\0' && key[strspn(key, letters)] == '\0';
}

static void put_key(struct buf *out, const char *key)
{
    if (is_bare(key))
        buf_append_text(out, key);
    else
        json_write_text(out, span_of(key));
}

static void put_value(struct buf *out, const json_t *v);

static void put_list(struct buf *out, const json_t *v)
{
    buf_append_byte(out, '[');
    for (size_t i = 0; i < json_array_size(v); i++) {
        if (i > 0)
            buf_append_text(out, ", ");
        put_value(out, json_array_get(v, i));
    }
    buf_append_byte(out, ']');
}

static void put_inline(struct buf *out, const json_t *v)
{
    const char *key, *comma = " ";
    json_t *member;

    buf_append_byte(out, '{');
    json_object_foreach((json_t *)v, key, member)
    {
        buf_append_text(out, comma);
        put_key(out, key);
        buf_append_text(out, " = ");
        put_value(out, member);
        comma = ", ";
    }
    buf_append_text(out, " }");
}

static void put_value(struct buf *out, const json_t *v)
{
    if (json_is_string(v))
        json_write_text(out,
                        span_make(json_string_value(v), json_string_length(v)));
    else if (json_is_integer(v))
        buf_append_i64(out, json_integer_value(v));
    else if (json_is_real(v))
        value_put_number(out, json_real_value(v));
    else if (json_is_boolean(v))
        buf_append_text(out, json_is_true(v) ? "true" : "false");
    else if (json_is_array(v))
        put_list(out, v);
    else
        put_inline(out, v);
}

static void put_members(struct buf *out, const json_t *table)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)table, key, v)
    {
        put_key(out, key);
        buf_append_text(out, " = ");
        put_value(out, v);
        buf_append_byte(out, '\n');
    }
}

static void put_tables(struct buf *out, const json_t *tree)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)tree, key, v)
    {
        for (size_t i = 0; i < json_array_size(v); i++) {
            buf_printf(out, "\n[[%s]]\n", key);
            put_members(out, json_array_get(v, i));
        }
        if (json_is_object(v)) {
            buf_printf(out, "\n[%s]\n", key);
            put_members(out, v);
        }
    }
}

void scenario_write(struct buf *out, const struct scenario *s)
{
    json_t *tree = scenario_json(s);
    const char *key;
    json_t *v;

    json_object_foreach(tree, key, v)
    {
        if (json_is_object(v) || json_is_array(v))
            continue;
        put_key(out, key);
        buf_append_text(out, " = ");
        put_value(out, v);
        buf_append_byte(out, '\n');
    }
    put_tables(out, tree);
    json_decref(tree);
}
