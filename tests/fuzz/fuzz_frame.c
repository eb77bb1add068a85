/* The decoder against jansson: what one accepts as JSON the other accepts,
 * with the same values, and what a frame says is what jansson reads. The two
 * differ by design in bounds (too_big) and in numbers of 1e308 and more. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "proto/frame_table.h"
#include "proto/ids.h"
#include "proto/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                     \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition); \
            abort();                                                        \
        }                                                                   \
    } while (0)

/* ---- JSON ---- */

static bool has_huge_number(const json_t *j)
{
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_real(j))
        return fabs(json_real_value(j)) >= 1e308;
    json_array_foreach(j, i, item)
    {
        if (has_huge_number(item))
            return true;
    }
    json_object_foreach((json_t *)j, key, item)
    {
        if (has_huge_number(item))
            return true;
    }
    return false;
}

static void same_text(struct span raw, const json_t *j)
{
    struct buf text;

    MUST(json_is_string(j));
    buf_init(&text, 1 << 20);
    MUST(frame_text(&text, raw) == 0);
    MUST(span_eq(buf_span(&text),
                 span_make(json_string_value(j), json_string_length(j))));
    buf_release(&text);
}

static void same_number(struct scan *s, const json_t *j)
{
    struct scan_number n;
    char digits[512];
    const char *start = s->p;
    size_t length;

    MUST(scan_integer_or_real(s, &n));
    MUST(n.integer == json_is_integer(j));
    if (n.integer) {
        MUST((n.negative ? 0 - n.value : n.value) ==
             (uint64_t)json_integer_value(j));
        return;
    }
    length = (size_t)(s->p - start);
    if (length < sizeof(digits)) {
        memcpy(digits, start, length);
        digits[length] = 0;
        MUST(strtod(digits, NULL) == json_real_value(j));
    }
}

static void same_value(struct scan *s, const json_t *j);

static void same_object(struct scan *s, const json_t *j)
{
    struct scan_text key;
    bool first = true;
    size_t count = 0;

    MUST(json_is_object(j) && scan_open(s, '{'));
    for (; scan_next_key(s, &first, &key) > 0; count++) {
        struct buf name;
        const json_t *value;

        buf_init(&name, 1 << 20);
        MUST(frame_text(&name, key.raw) == 0 && name.len == key.length);
        value = json_object_get(j, name.len > 0 ? buf_cstr(&name) : "");
        MUST(value != NULL);
        buf_release(&name);
        same_value(s, value);
    }
    MUST(s->rc == 0 && count == json_object_size(j));
}

static void same_array(struct scan *s, const json_t *j)
{
    bool first = true;
    size_t count = 0;

    MUST(json_is_array(j) && scan_open(s, '['));
    for (; scan_next_item(s, &first) > 0; count++)
        same_value(s, json_array_get(j, count));
    MUST(s->rc == 0 && count == json_array_size(j));
}

static void same_value(struct scan *s, const json_t *j)
{
    struct scan_text text;
    char c = scan_peek(s);

    if (c == '{') {
        same_object(s, j);
    } else if (c == '[') {
        same_array(s, j);
    } else if (c == '"') {
        MUST(scan_string(s, &text));
        same_text(text.raw, j);
    } else if (c == 't' || c == 'f') {
        MUST(json_is_boolean(j) && json_is_true(j) == (c == 't'));
        MUST(scan_value(s));
    } else if (c == 'n') {
        MUST(json_is_null(j) && scan_value(s));
    } else {
        same_number(s, j);
    }
}

static void check_json(struct span text, const json_t *j)
{
    SCAN_LOCAL struct scan s;
    size_t end = 0;
    int rc = json_scan(text, &end);

    if (rc == -CF_TOO_BIG)
        return;
    for (; rc == 0 && end < text.n; end++) {
        if (memchr(" \t\r\n", text.p[end], 4) == NULL)
            rc = -CF_INVALID;
    }
    if (rc != 0) {
        MUST(j == NULL || has_huge_number(j));
        return;
    }
    MUST(j != NULL);
    scan_init_trusted(&s, text);
    scan_space(&s);
    same_value(&s, j);
}

/* ---- frames ---- */

static void same_id(const json_t *j, char prefix, uint64_t id)
{
    char text[32];

    MUST(json_is_string(j));
    if (prefix != 0)
        snprintf(text, sizeof(text), "%c%llu", prefix, (unsigned long long)id);
    else
        snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
    MUST(strcmp(text, json_string_value(j)) == 0);
}

static void same_raw(struct span raw, const json_t *j)
{
    SCAN_LOCAL struct scan s;

    scan_init_trusted(&s, raw);
    same_value(&s, j);
    MUST(s.p == s.end);
}

static void same_marks(struct span list, const json_t *j)
{
    struct mark m;
    size_t i = 0;

    for (; frame_next_mark(&list, &m); i++) {
        const json_t *pair = json_array_get(j, i);

        same_id(json_array_get(pair, 0), 'c', m.conv);
        MUST(json_integer_value(json_array_get(pair, 1)) == m.seq);
    }
    MUST(json_is_array(j) && i == json_array_size(j));
}

static void same_seen(struct span list, const json_t *j)
{
    struct mark m;
    size_t i = 0;
    char key[32];

    for (; frame_next_seen(&list, &m); i++) {
        snprintf(key, sizeof(key), "c%llu", (unsigned long long)m.conv);
        MUST(json_is_integer(json_object_get(j, key)));
        MUST(json_integer_value(json_object_get(j, key)) == m.seq);
    }
    MUST(json_is_object(j) && i == json_object_size(j));
}

static void same_ids(struct span list, char prefix, const json_t *j)
{
    uint64_t id;
    size_t i = 0;

    while (prefix == 'c' ? frame_next_conv(&list, &id)
                         : frame_next_user(&list, &id))
        same_id(json_array_get(j, i++), prefix, id);
    MUST(json_is_array(j) && i == json_array_size(j));
}

static void same_presence(struct span list, const json_t *j)
{
    struct presence_row row;
    size_t i = 0;

    for (; frame_next_presence(&list, &row); i++) {
        const json_t *cells = json_array_get(j, i);

        same_id(json_array_get(cells, 0), 'u', row.user);
        MUST(strcmp(json_string_value(json_array_get(cells, 1)),
                    presence_name(row.state)) == 0);
        MUST(json_integer_value(json_array_get(cells, 2)) == row.last);
    }
    MUST(json_is_array(j) && i == json_array_size(j));
}

static void same_entries(struct span list, const json_t *j)
{
    struct entry e;
    size_t i = 0;

    for (; frame_next_entry(&list, 7, &e); i++) {
        const json_t *o = json_array_get(j, i);

        MUST(e.conv == 7);
        MUST(json_integer_value(json_object_get(o, "seq")) == e.seq);
        MUST(json_integer_value(json_object_get(o, "ts")) == e.ts);
        same_id(json_object_get(o, "id"), 0, e.id);
        MUST((e.body.p != NULL) == (json_object_get(o, "body") != NULL));
        if (e.body.p != NULL)
            same_raw(e.body, json_object_get(o, "body"));
    }
    MUST(json_is_array(j) && i == json_array_size(j));
}

static void same_member(const struct frame *f, const struct row *r,
                        const json_t *j)
{
    const void *at = (const char *)f + r->offset;
    const struct span *span = at;

    switch ((enum value_type)r->type) {
    case VALUE_INT:
        MUST(json_is_integer(j));
        MUST(json_integer_value(j) == *(const int64_t *)at);
        return;
    case VALUE_BOOL:
        MUST(json_is_boolean(j));
        MUST(json_is_true(j) == *(const bool *)at);
        return;
    case VALUE_CONV:
        return same_id(j, 'c', *(const uint64_t *)at);
    case VALUE_USER:
        return same_id(j, 'u', *(const uint64_t *)at);
    case VALUE_DEV:
        return same_id(j, 'd', *(const uint32_t *)at);
    case VALUE_ID:
        return same_id(j, 0, *(const uint64_t *)at);
    case VALUE_TEXT:
    case VALUE_PLAIN:
    case VALUE_CID:
        return same_text(*span, j);
    case VALUE_BODY:
    case VALUE_OBJECT:
        MUST(json_is_object(j));
        return same_raw(*span, j);
    case VALUE_CONVS:
        return same_ids(*span, 'c', j);
    case VALUE_USERS:
        return same_ids(*span, 'u', j);
    case VALUE_MARKS:
        return same_marks(*span, j);
    case VALUE_PRESENCE:
        return same_presence(*span, j);
    case VALUE_ENTRIES:
        return same_entries(*span, j);
    case VALUE_SEEN:
        return same_seen(*span, j);
    default:
        return; /* words and pairs: the unit tests compare them */
    }
}

static void same_frame(const struct frame *f, bool server, const json_t *j)
{
    const struct kind *kind = &frame_kinds[f->kind];
    const struct rows *rows = server ? &kind->server : &kind->client;
    const char *t = json_string_value(json_object_get(j, "t"));
    const json_t *number = json_object_get(j, server ? "re" : "n");

    MUST(t != NULL && (f->kind == FRAME_WS || strcmp(t, kind->name) == 0));
    MUST(json_integer_value(number) == (server ? f->re : f->n));
    MUST(number == NULL || json_is_integer(number));
    for (int i = 0; i < rows->count; i++) {
        const struct row *r = &rows->row[i];
        const json_t *value = json_object_get(j, r->name);

        MUST(value != NULL || !r->required);
        MUST(value == NULL || frame_has(f, r->member));
        if (value != NULL)
            same_member(f, r, value);
    }
}

static void check_frame(struct span text, enum frame_side side, bool strict,
                        const json_t *j)
{
    struct frame_error err = {0};
    struct frame f;

    if (frame_decode(&f, text, side, LIMIT_ENTRY_WIRE, strict, &err) == 0) {
        MUST(json_is_object(j));
        same_frame(&f, side == FROM_SERVER, j);
        return;
    }
    MUST(err.code != NULL && err.text[0] != 0 && err.n >= 0);
    if (strcmp(err.code, "unknown_kind") == 0 ||
        strcmp(err.code, "bad_direction") == 0)
        MUST(json_is_object(j));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_make(data, size);
    bool nul = size > 0 && memchr(data, 0, size) != NULL;
    json_error_t ignored;
    /* jansson steps over a NUL byte; JSON has none. */
    json_t *j =
        nul ? NULL
            : json_loadb((const char *)data, size,
                         JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &ignored);

    check_json(text, j);
    check_frame(text, FROM_CLIENT, size & 1, j);
    check_frame(text, FROM_SERVER, size & 1, j);
    json_decref(j);
    return 0;
}
