#include "base/json.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

#define DEPTH 8
#define STRUCTURE 512

/* jansson builds the tree before anybody can count it, so count first. Inside
 * strings nothing counts; what is malformed is jansson's to refuse. */
static int bound(struct span text, int max_depth, int max_structure,
                 struct error *err)
{
    bool in_string = false;
    int depth = 0, structure = 0;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        if (c == '"')
            in_string = true;
        else if (c == '[' || c == '{')
            depth++;
        else if (c == ']' || c == '}')
            depth--;
        structure += c == ',' || c == ':' || c == '[' || c == '{';
        if (depth > max_depth)
            return error_set(err, CF_TOO_BIG, "JSON nested deeper than %d",
                             max_depth);
        if (structure > max_structure)
            return error_set(err, CF_TOO_BIG,
                             "JSON with more than %d separators",
                             max_structure);
    }
    return 0;
}

json_t *json_parse_bounded(struct span text, int depth, int structure,
                           struct error *err)
{
    json_error_t why;
    json_t *j;
    char *near;

    if (bound(text, depth, structure, err) < 0)
        return NULL;
    j = json_loadb(text.p != NULL ? text.p : "", text.n, JSON_REJECT_DUPLICATES,
                   &why);
    if (j != NULL)
        return j;
    /* The reason quotes the input, which may be secret. */
    near = strstr(why.text, " near '");
    if (near != NULL)
        *near = '\0';
    error_set(err, CF_INVALID, "bad JSON, line %d column %d: %s", why.line,
              why.column, why.text);
    return NULL;
}

json_t *json_parse(struct span text, struct error *err)
{
    return json_parse_bounded(text, DEPTH, STRUCTURE, err);
}

static int mistyped(struct error *err, const char *key, const char *type)
{
    return error_set(err, CF_INVALID, "member '%s' must be %s", key, type);
}

static int missing(struct error *err, const char *key)
{
    return error_set(err, CF_INVALID, "member '%s' is missing", key);
}

/* The member, or NULL when it is absent or null. */
static json_t *member(const json_t *o, const char *key)
{
    json_t *v = json_object_get(o, key);

    return json_is_null(v) ? NULL : v;
}

int json_want_text(const json_t *o, const char *key, const char **out,
                   struct error *err)
{
    const json_t *v = member(o, key);

    if (v == NULL)
        return 0;
    if (!json_is_string(v))
        return mistyped(err, key, "a string");
    *out = json_string_value(v);
    return 0;
}

int json_need_text(const json_t *o, const char *key, const char **out,
                   struct error *err)
{
    if (member(o, key) == NULL)
        return missing(err, key);
    return json_want_text(o, key, out, err);
}

int json_want_int(const json_t *o, const char *key, int64_t min, int64_t max,
                  int64_t *out, struct error *err)
{
    const json_t *v = member(o, key);
    int64_t n;

    if (v == NULL)
        return 0;
    if (!json_is_integer(v))
        return mistyped(err, key, "an integer");
    n = json_integer_value(v);
    if (n < min || n > max)
        return error_set(err, CF_INVALID,
                         "member '%s' must be from %" PRId64 " to %" PRId64,
                         key, min, max);
    *out = n;
    return 0;
}

int json_need_int(const json_t *o, const char *key, int64_t min, int64_t max,
                  int64_t *out, struct error *err)
{
    if (member(o, key) == NULL)
        return missing(err, key);
    return json_want_int(o, key, min, max, out, err);
}

int json_want_bool(const json_t *o, const char *key, bool *out,
                   struct error *err)
{
    const json_t *v = member(o, key);

    if (v == NULL)
        return 0;
    if (!json_is_boolean(v))
        return mistyped(err, key, "true or false");
    *out = json_is_true(v);
    return 0;
}

static int append_part(const char *part, size_t n, void *out)
{
    return buf_append(out, part, n);
}

/* jansson leaves DEL as it is; it stands only inside strings. */
static int append_ascii(const char *part, size_t n, void *out)
{
    for (size_t i = 0; i < n; i++) {
        if ((part[i] == 0x7f ? buf_append_text(out, "\\u007f")
                             : buf_append_byte(out, part[i])) < 0)
            return -1;
    }
    return 0;
}

int json_write(struct buf *out, const json_t *j, bool ascii)
{
    size_t before = out->len, flags = JSON_COMPACT | JSON_ENCODE_ANY;

    if (ascii)
        flags |= JSON_ENSURE_ASCII;
    if (json_dump_callback(j, ascii ? append_ascii : append_part, out, flags) ==
        0)
        return 0;
    out->len = before;
    return -CF_TOO_BIG;
}

/* Whether a code point must not stand as it is: what JSON forbids, and what
 * acts on a terminal. */
static bool must_escape(int32_t c)
{
    return c < 0x20 || c == '"' || c == '\\' || (c >= 0x7f && c < 0xa0) ||
           c == 0x2028 || c == 0x2029;
}

static int append_escape(struct buf *out, int32_t c)
{
    static const char shorts[][3] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n",
        ['\f'] = "\\f", ['\r'] = "\\r", ['"'] = "\\\"",
    };

    if (c == '\\')
        return buf_append_text(out, "\\\\");
    if (c <= '"' && shorts[c][0] != '\0')
        return buf_append_text(out, shorts[c]);
    return buf_printf(out, "\\u%04x", (unsigned)c);
}

int json_write_text(struct buf *out, struct span s)
{
    size_t before = out->len, at = 0, from;
    int rc = buf_append_byte(out, '"');

    while (rc == 0 && at < s.n) {
        int32_t c;

        from = at;
        c = text_next(s, &at);
        if (c < 0)
            rc = buf_append_text(out, "\xef\xbf\xbd");
        else if (must_escape(c))
            rc = append_escape(out, c);
        else
            rc = buf_append(out, s.p + from, at - from);
    }
    if (rc == 0)
        rc = buf_append_byte(out, '"');
    if (rc < 0)
        out->len = before;
    return rc;
}
