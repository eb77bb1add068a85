/* Variables by name, in nested scopes. */
#include "value.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

struct scope {
    struct scope *outer;
    struct strmap values; /* name -> json_t, owned */
};

struct scope *scope_new(struct scope *outer)
{
    struct scope *s = mem_alloc(sizeof(*s));

    s->outer = outer;
    strmap_init(&s->values);
    return s;
}

void scope_free(struct scope **s)
{
    if (*s == NULL)
        return;
    for (uint32_t i = 0; i < (*s)->values.len; i++)
        json_decref((*s)->values.entries[i].value);
    strmap_release(&(*s)->values);
    free(*s);
    *s = NULL;
}

json_t *scope_get(const struct scope *s, const char *name)
{
    json_t *v = NULL;

    for (; v == NULL && s != NULL; s = s->outer)
        v = strmap_get(&s->values, span_of(name));
    return v;
}

/* Where it was set, else here. */
static struct scope *home_of(struct scope *s, const char *name)
{
    for (struct scope *at = s; at != NULL; at = at->outer)
        if (strmap_get(&at->values, span_of(name)) != NULL)
            return at;
    return s;
}

static void put(struct scope *s, const char *name, json_t *value)
{
    json_decref(strmap_put(&s->values, span_of(name), value));
}

/* What holds the elements of name, of that type, and nobody else's. */
static json_t *container(struct scope *s, const char *name, bool array)
{
    json_t *now = strmap_get(&s->values, span_of(name));

    if (now == NULL || (array ? !json_is_array(now) : !json_is_object(now))) {
        now = array ? json_array() : json_object();
        put(s, name, now);
    } else if (now->refcount > 1) {
        now = json_copy(now);
        put(s, name, now);
    }
    return now;
}

static int set_element(struct scope *s, const char *name, int64_t index,
                       json_t *value, struct error *err)
{
    json_t *array;

    if (index < 0 || index > SCRIPT_MAX_REPEAT) {
        json_decref(value);
        return error_set(err, CF_INVALID, "$%s[%" PRId64 "]: 0 to %d", name,
                         index, SCRIPT_MAX_REPEAT);
    }
    array = container(s, name, true);
    while ((int64_t)json_array_size(array) <= index)
        json_array_append_new(array, json_null());
    json_array_set_new(array, (size_t)index, value);
    return 0;
}

int scope_set(struct scope *s, const char *name, const json_t *index,
              json_t *value, struct error *err)
{
    s = home_of(s, name);
    if (index == NULL) {
        put(s, name, value);
        return 0;
    }
    if (json_is_integer(index))
        return set_element(s, name, json_integer_value(index), value, err);
    if (json_is_string(index)) {
        json_object_set_new(container(s, name, false), json_string_value(index),
                            value);
        return 0;
    }
    json_decref(value);
    return error_set(err, CF_INVALID,
                     "$%s[...]: an index is a whole number or a text", name);
}
