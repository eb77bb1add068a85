#include "replay_ids.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define TIME_MIN INT64_C(1000000000000) /* ms since 1970: 2001 and later */
#define ID_DIGITS 15                    /* an entry's id has more */
#define TRAIL_MAX 4096

/* Bindings of a fit that may still fail. */
struct trail {
    struct replay_ids *ids;
    const char *keys[TRAIL_MAX];
    int count;
};

void replay_ids_init(struct replay_ids *ids)
{
    strmap_init(&ids->there);
    strmap_init(&ids->back);
}

static void free_values(struct strmap *m)
{
    for (uint32_t i = 0; i < m->len; i++)
        free(m->entries[i].value);
    strmap_release(m);
}

void replay_ids_release(struct replay_ids *ids)
{
    free_values(&ids->there);
    free_values(&ids->back);
}

bool replay_ids_bind(struct replay_ids *ids, const char *logged,
                     const char *real)
{
    const char *known = strmap_get(&ids->there, span_of(logged));
    const char *other = strmap_get(&ids->back, span_of(real));

    if (known != NULL || other != NULL)
        return known != NULL && strcmp(known, real) == 0;
    strmap_put(&ids->there, span_of(logged), mem_text(real));
    strmap_put(&ids->back, span_of(real), mem_text(logged));
    return true;
}

char replay_id_kind(const char *text)
{
    size_t digits = strspn(text + (*text == 'u' || *text == 'c'), "0123456789");
    size_t n = strlen(text);

    if ((*text == 'u' || *text == 'c') && digits > 0 && digits == n - 1)
        return *text;
    return digits == n && n > ID_DIGITS ? '#' : '\0';
}

/* What people say is no id, whatever it looks like. */
static bool said(const char *key)
{
    return strcmp(key, "text") == 0 || strcmp(key, "title") == 0 ||
           strcmp(key, "emoji") == 0;
}

/* ---- translating ---- */

/* The next conversation is asked for by the number before it. */
static char *neighbour(const struct strmap *m, const char *text)
{
    char key[32];
    const char *known;
    unsigned long long v;

    if (text[0] != 'c' || replay_id_kind(text) != 'c')
        return NULL;
    v = strtoull(text + 1, NULL, 10);
    snprintf(key, sizeof(key), "c%llu", v + 1);
    known = strmap_get(m, span_of(key));
    if (known == NULL || known[0] != 'c')
        return NULL;
    snprintf(key, sizeof(key), "c%llu", strtoull(known + 1, NULL, 10) - 1);
    return mem_text(key);
}

static json_t *translate_text(const struct strmap *m, const char *text)
{
    const char *known = strmap_get(m, span_of(text));
    char *near = known == NULL ? neighbour(m, text) : NULL;
    json_t *j = json_string(known != NULL ? known : near != NULL ? near : text);

    free(near);
    return j;
}

static json_t *translate(const struct strmap *m, const json_t *from)
{
    const char *key;
    json_t *value, *to;
    size_t i;

    if (json_is_string(from))
        return translate_text(m, json_string_value(from));
    if (json_is_array(from)) {
        to = json_array();
        json_array_foreach(from, i, value)
            json_array_append_new(to, translate(m, value));
        return to;
    }
    if (!json_is_object(from))
        return json_incref((json_t *)(uintptr_t)from);
    to = json_object();
    json_object_foreach((json_t *)(uintptr_t)from, key, value)
    {
        const char *known = strmap_get(m, span_of(key));

        /* last_seen has conversations for keys. */
        json_object_set_new(to, known != NULL ? known : key,
                            said(key) ? json_incref(value)
                                      : translate(m, value));
    }
    return to;
}

json_t *replay_ids_translate(const struct replay_ids *ids, const json_t *frame,
                             bool back)
{
    return translate(back ? &ids->back : &ids->there, frame);
}

/* ---- fitting ---- */

static bool one_of(const char *key, const char *const *keys)
{
    for (; *keys != NULL; keys++)
        if (strcmp(key, *keys) == 0)
            return true;
    return false;
}

static bool ignored(const struct replay_ids *ids, const char *key)
{
    static const char *const always[] = {"ts",    "now",   "dev",   "store",
                                         "lease", "node",  "msg",   "ua",
                                         "token", "retry", "trace", NULL};
    static const char *const marks[] = {"acked",  "delivered", "delivered_n",
                                        "head",   "read",      "read_by",
                                        "read_n", NULL};

    return one_of(key, always) || (!ids->hints && one_of(key, marks));
}

static bool is_time(const json_t *j)
{
    return json_is_integer(j) && json_integer_value(j) >= TIME_MIN;
}

/* Keys that the server makes up from ids of its own. */
static bool made_key(const char *text)
{
    return strncmp(text, "m-c", 3) == 0;
}

static bool bind_on_trial(struct trail *t, const char *logged, const char *real)
{
    bool fresh = strmap_get(&t->ids->there, span_of(logged)) == NULL;

    if (!replay_ids_bind(t->ids, logged, real))
        return false;
    if (fresh && t->count < TRAIL_MAX)
        t->keys[t->count++] = logged;
    return true;
}

static bool text_fits(struct trail *t, const char *logged, const char *came)
{
    const char *known = strmap_get(&t->ids->there, span_of(logged));
    char kind = replay_id_kind(logged);

    if (known != NULL)
        return strcmp(known, came) == 0;
    if (kind != '\0')
        return replay_id_kind(came) == kind && bind_on_trial(t, logged, came);
    return (made_key(logged) && made_key(came)) || strcmp(logged, came) == 0;
}

static bool fits(struct trail *t, const json_t *logged, const json_t *came);

/* Each member of a that counts is in b and fits (try) or is just there. */
static bool members_fit(struct trail *t, const json_t *a, const json_t *b,
                        bool hold)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)a, key, value)
    {
        const json_t *other = json_object_get(b, key);

        if (ignored(t->ids, key))
            continue;
        if (other == NULL)
            return false;
        if (hold && (said(key) ? json_equal(value, other) != 1
                               : !fits(t, value, other)))
            return false;
    }
    return true;
}

static bool fits(struct trail *t, const json_t *logged, const json_t *came)
{
    if (is_time(logged) && is_time(came))
        return true;
    if (json_typeof(logged) != json_typeof(came))
        return false;
    if (json_is_string(logged))
        return text_fits(t, json_string_value(logged), json_string_value(came));
    if (json_is_object(logged))
        return members_fit(t, logged, came, true) &&
               members_fit(t, came, logged, false);
    if (!json_is_array(logged))
        return json_equal(logged, came) == 1;
    if (json_array_size(logged) != json_array_size(came))
        return false;
    for (size_t i = 0; i < json_array_size(logged); i++)
        if (!fits(t, json_array_get(logged, i), json_array_get(came, i)))
            return false;
    return true;
}

static void unbind(struct replay_ids *ids, const char *logged)
{
    char *real = strmap_remove(&ids->there, span_of(logged));

    if (real == NULL)
        return;
    free(strmap_remove(&ids->back, span_of(real)));
    free(real);
}

bool replay_ids_fit(struct replay_ids *ids, const json_t *logged,
                    const json_t *came)
{
    static _Thread_local struct trail t;

    t.ids = ids;
    t.count = 0;
    if (fits(&t, logged, came))
        return true;
    while (t.count > 0)
        unbind(ids, t.keys[--t.count]);
    return false;
}

void replay_ids_strip(const struct replay_ids *ids, json_t *frame)
{
    const char *key;
    json_t *value;
    void *next;
    size_t i;

    if (json_is_array(frame)) {
        json_array_foreach(frame, i, value)
        {
            if (is_time(value))
                json_array_set_new(frame, i, json_string("(time)"));
            else
                replay_ids_strip(ids, value);
        }
        return;
    }
    json_object_foreach_safe(frame, next, key, value)
    {
        if (ignored(ids, key) || is_time(value) ||
            (json_is_string(value) && made_key(json_string_value(value))))
            json_object_del(frame, key);
        else
            replay_ids_strip(ids, value);
    }
}
