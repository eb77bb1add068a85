#include "object.h"

#include <string.h>

#include "base/error.h"

struct value {
    char type;        /* '"', '{', '[', '0' for a number, 't', 'f', 'n' */
    struct span text; /* of a string without its quotes, else as it is */
};

static const char *space(const char *p, const char *end)
{
    while (p < end && ((unsigned char)*p <= ' ' || *p == ','))
        p++;
    return p;
}

/* p behind the opening quote; returns the closing one, NULL: none. */
static const char *string_end(const char *p, const char *end)
{
    for (;;) {
        const char *quote = memchr(p, '"', (size_t)(end - p));
        const char *back = quote;

        if (quote == NULL)
            return NULL;
        while (back > p && back[-1] == '\\')
            back--;
        if (((quote - back) & 1) == 0)
            return quote;
        p = quote + 1;
    }
}

/* p at the opening bracket; returns behind the closing one, NULL: none. */
static const char *nested_end(const char *p, const char *end)
{
    int depth = 0;

    for (; p < end; p++) {
        switch (*p) {
        case '"':
            p = string_end(p + 1, end);
            if (p == NULL)
                return NULL;
            break;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            if (--depth == 0)
                return p + 1;
            break;
        }
    }
    return NULL;
}

static const char *take_value(const char *p, const char *end, struct value *v)
{
    const char *from = p;

    if (p >= end)
        return NULL;
    v->type = *p;
    if (*p == '"') {
        p = string_end(p + 1, end);
        if (p == NULL)
            return NULL;
        v->text = span_make(from + 1, (size_t)(p - from - 1));
        return p + 1;
    }
    if (*p == '{' || *p == '[') {
        p = nested_end(p, end);
        if (p == NULL)
            return NULL;
    } else {
        if (*p == '-' || (*p >= '0' && *p <= '9'))
            v->type = '0';
        while (p < end && *p != ',' && *p != '}' && *p != ']' &&
               (unsigned char)*p > ' ')
            p++;
    }
    v->text = span_make(from, (size_t)(p - from));
    return p;
}

/* Decimal digits from p on; a sign or anything else ends it. */
static uint64_t digits(struct span s, size_t from)
{
    uint64_t v = 0;

    for (size_t i = from; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    return v;
}

static int64_t number(const struct value *v)
{
    return v->type == '0' ? (int64_t)digits(v->text, 0) : 0;
}

/* "c5", "u3": the number behind the letter. */
static uint64_t prefixed(const struct value *v)
{
    return v->type == '"' && v->text.n > 1 ? digits(v->text, 1) : 0;
}

static enum object_kind kind_of(struct span t)
{
    static const struct {
        const char *name;
        enum object_kind kind;
    } kinds[] = {
        {"entry", OBJECT_ENTRY},     {"sent", OBJECT_SENT},
        {"hb", OBJECT_HB},           {"receipt", OBJECT_RECEIPT},
        {"batch", OBJECT_BATCH},     {"presence", OBJECT_PRESENCE},
        {"head", OBJECT_HEAD},       {"synced", OBJECT_SYNCED},
        {"welcome", OBJECT_WELCOME}, {"ok", OBJECT_OK},
        {"gap", OBJECT_GAP},         {"err", OBJECT_ERR},
        {"bye", OBJECT_BYE},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (span_is(t, kinds[i].name))
            return kinds[i].kind;
    return OBJECT_OTHER;
}

#define KEY2(a, b) ((a) << 8 | (b))

static void set_short(struct object *o, struct span key, const struct value *v)
{
    switch (KEY2(key.p[0], key.n > 1 ? key.p[1] : 0)) {
    case KEY2('t', 0):
        o->kind = kind_of(v->text);
        break;
    case KEY2('k', 0):
        o->is_message = span_is(v->text, "msg");
        break;
    case KEY2('t', 'o'):
        o->to = number(v);
        break;
    case KEY2('r', 'e'):
        o->re = number(v);
        break;
    case KEY2('i', 'd'):
        o->id = v->type == '"' ? digits(v->text, 0) : 0;
        break;
    case KEY2('a', 't'):
        o->at = v->text;
        break;
    }
}

static void set_three(struct object *o, struct span key, const struct value *v)
{
    if (memcmp(key.p, "seq", 3) == 0)
        o->seq = number(v);
    else if (memcmp(key.p, "cid", 3) == 0)
        o->cid = v->text;
    else if (memcmp(key.p, "dup", 3) == 0)
        o->dup = v->type == 't';
    else if (memcmp(key.p, "why", 3) == 0)
        o->why = v->text;
}

static void set_from(struct object *o, const struct value *v)
{
    if (v->type == '0')
        o->from_seq = number(v);
    else
        o->from = prefixed(v);
}

static void set_four(struct object *o, struct span key, const struct value *v)
{
    if (memcmp(key.p, "conv", 4) == 0)
        o->conv = prefixed(v);
    else if (memcmp(key.p, "body", 4) == 0)
        o->body = v->text;
    else if (memcmp(key.p, "from", 4) == 0)
        set_from(o, v);
    else if (memcmp(key.p, "user", 4) == 0)
        o->user = prefixed(v);
    else if (memcmp(key.p, "head", 4) == 0)
        o->head = number(v);
    else if (memcmp(key.p, "more", 4) == 0)
        o->more = v->type == 't' || v->type == '[';
    else if (memcmp(key.p, "read", 4) == 0)
        o->read = number(v);
    else if (memcmp(key.p, "code", 4) == 0)
        o->code = v->text;
    else if (memcmp(key.p, "temp", 4) == 0)
        o->temp = v->type == 't';
}

static void set_long(struct object *o, struct span key, const struct value *v)
{
    if (span_is(key, "entries"))
        o->entries = v->text;
    else if (span_is(key, "delivered"))
        o->delivered = number(v);
    else if (span_is(key, "delivered_n"))
        o->delivered_n = number(v);
    else if (span_is(key, "read_n"))
        o->read_n = number(v);
    else if (span_is(key, "retry"))
        o->retry = v->text;
}

static void set_member(struct object *o, struct span key, const struct value *v)
{
    if (key.n == 4)
        set_four(o, key, v);
    else if (key.n == 3)
        set_three(o, key, v);
    else if (key.n > 4)
        set_long(o, key, v);
    else if (key.n > 0)
        set_short(o, key, v);
}

/* p behind the opening brace; returns behind the closing one. */
static const char *members(const char *p, const char *end, struct object *o)
{
    for (;;) {
        struct span key;
        struct value v;
        const char *quote;

        p = space(p, end);
        if (p < end && *p == '}')
            return p + 1;
        if (p >= end || *p != '"')
            return NULL;
        quote = string_end(p + 1, end);
        if (quote == NULL)
            return NULL;
        key = span_make(p + 1, (size_t)(quote - p - 1));
        p = space(quote + 1, end);
        if (p >= end || *p != ':')
            return NULL;
        p = take_value(space(p + 1, end), end, &v);
        if (p == NULL)
            return NULL;
        set_member(o, key, &v);
    }
}

int object_next(struct span *rest, struct object *o)
{
    const char *end = rest->p + rest->n, *p;

    if (rest->p == NULL)
        return 0;
    p = space(rest->p, end);
    *rest = span_make(p, (size_t)(end - p));
    if (p == end || *p == ']')
        return 0;
    memset(o, 0, sizeof(*o));
    p = *p == '{' ? members(p + 1, end, o) : NULL;
    if (p == NULL)
        return -CF_INVALID;
    p = space(p, end);
    *rest = span_make(p, (size_t)(end - p));
    return 1;
}

bool object_next_row(struct span *rows, struct object_row *row)
{
    const char *p = rows->p, *end = rows->p + rows->n;
    struct value v;

    if (p == NULL)
        return false;
    p = space(p, end);
    if (p < end && *p == '[' && p == rows->p)
        p = space(p + 1, end); /* of the list itself */
    if (p >= end || *p != '[')
        return false;
    p = take_value(space(p + 1, end), end, &v);
    if (p == NULL)
        return false;
    *row = (struct object_row){.id = prefixed(&v)};
    for (int i = 0; i < 2; i++) {
        p = space(p, end);
        if (p < end && *p == ']')
            break;
        p = take_value(p, end, &v);
        if (p == NULL)
            return false;
        if (v.type == '"')
            row->state = v.text;
        else
            row->number = number(&v);
    }
    p = space(p, end);
    if (p >= end || *p != ']')
        return false;
    *rows = span_make(p + 1, (size_t)(end - p - 1));
    return true;
}
