/* frame_value.c - values of members, by type. */
#include <string.h>

#include "proto/frame_inside.h"
#include "proto/ids.h"

bool frame_read_int(struct decoder *d, int64_t *out)
{
    struct scan_number n;
    char c = scan_peek(&d->s);

    if (c != '-' && (c < '0' || c > '9'))
        return frame_wrong(d, "an integer is needed");
    if (!scan_integer_or_real(&d->s, &n))
        return frame_fail_scan(d);
    if (!n.integer || n.negative || n.value > (uint64_t)LIMIT_SEQ)
        return frame_wrong(d, "an integer from 0 to 2^53-1 is needed");
    *out = (int64_t)n.value;
    return true;
}

static bool read_bounded_int(struct decoder *d, int64_t *out)
{
    const struct row *r = d->row;

    if (!frame_read_int(d, out))
        return false;
    if (*out < r->min)
        return frame_wrong(d, "a number above 0 is needed");
    if (*out > r->max)
        return frame_fail(d, "too_big", "%s: at most %lld", r->name,
                          (long long)r->max);
    return true;
}

bool frame_read_string(struct decoder *d, struct scan_text *t)
{
    if (scan_peek(&d->s) != '"')
        return frame_wrong(d, "a string is needed");
    return scan_string(&d->s, t) || frame_fail_scan(d);
}

bool frame_read_id(struct decoder *d, char prefix, uint64_t *out)
{
    struct scan_text t = {0};

    if (!frame_read_string(d, &t))
        return false;
    return id_parse(t.raw, prefix, out) || frame_wrong(d, "no such form of id");
}

static bool read_dev(struct decoder *d, uint32_t *out)
{
    uint64_t id;

    if (!frame_read_id(d, 'd', &id))
        return false;
    *out = (uint32_t)id;
    return true;
}

static bool cid_is_plain(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < 0x21 || s.p[i] > 0x7e)
            return false;
    }
    return true;
}

static bool read_text(struct decoder *d, struct span *out)
{
    const struct row *r = d->row;
    struct scan_text t = {0};

    if (!frame_read_string(d, &t))
        return false;
    if (t.length > (size_t)r->max)
        return frame_fail(d, "too_big", "%s: at most %lld bytes", r->name,
                          (long long)r->max);
    if (t.length < (size_t)r->min)
        return frame_wrong(d, "it must not be empty");
    if (r->type != VALUE_TEXT && t.escaped)
        return frame_wrong(d, "plain text without escapes is needed");
    if (r->type == VALUE_CID && !cid_is_plain(t.raw))
        return frame_wrong(d, "printable ASCII is needed");
    *out = t.raw;
    return true;
}

static bool read_bool(struct decoder *d, bool *out)
{
    char c = scan_peek(&d->s);

    if (c != 't' && c != 'f')
        return frame_wrong(d, "true or false is needed");
    *out = c == 't';
    return (*out ? scan_literal(&d->s, "true", 4)
                 : scan_literal(&d->s, "false", 5)) ||
           frame_fail_scan(d);
}

static bool read_word(struct decoder *d, void *out)
{
    struct scan_text t = {0};
    int value;

    if (!frame_read_string(d, &t))
        return false;
    switch (d->row->type) {
    case VALUE_ENTRY_KIND:
        *(enum entry_kind *)out = entry_kind_parse(t.raw);
        return true;
    case VALUE_CONV_KIND:
        value = *(enum conv_kind *)out = conv_kind_parse(t.raw);
        break;
    case VALUE_CONV_MODE:
        value = *(enum conv_mode *)out = conv_mode_parse(t.raw);
        break;
    default:
        value = *(enum role *)out = role_parse(t.raw);
        break;
    }
    return value != 0 || frame_wrong(d, "an unknown word");
}

static bool read_object(struct decoder *d, struct span *out)
{
    const char *start = d->s.p;

    if (scan_peek(&d->s) != '{')
        return frame_wrong(d, "an object is needed");
    if (!scan_value(&d->s))
        return frame_fail_scan(d);
    *out = span_make(start, (size_t)(d->s.p - start));
    if (out->n > (size_t)d->row->max)
        return frame_fail(d, "too_big", "%s: at most %lld bytes", d->row->name,
                          (long long)d->row->max);
    return true;
}

/* One member of a body. Sets *content when it is the content of the message,
 * and *enc when that is encrypted. */
static bool read_body_member(struct decoder *d, const struct scan_text *key,
                             bool *content, bool *enc)
{
    bool text = scan_key_is(key, "text", 4);
    bool media = scan_key_is(key, "media", 5);
    char c = scan_peek(&d->s);
    struct scan_text value = {0};

    *enc = scan_key_is(key, "enc", 3);
    *content = text || media || *enc;
    if (text) {
        if (!frame_read_string(d, &value))
            return false;
        return value.length > 0 || frame_wrong(d, "text must not be empty");
    }
    if (media && c != '{')
        return frame_wrong(d, "media is an object");
    if (*enc && c != '{' && c != '"')
        return frame_wrong(d, "enc is an object or a string");
    return scan_value(&d->s) || frame_fail_scan(d);
}

/* {"text":"..."}, {"media":{...}} or {"enc":...}: exactly one of them; other
 * members beside it are the clients' own. */
static bool read_body(struct decoder *d, struct span *out)
{
    const char *start = d->s.p;
    int base = d->s.nkeys, contents = 0, more;
    bool first = true, encrypted = false, content, enc;
    struct scan_text key;

    if (scan_peek(&d->s) != '{')
        return frame_wrong(d, "an object is needed");
    if (!scan_open(&d->s, '{'))
        return frame_fail_scan(d);
    while ((more = scan_next_key(&d->s, &first, &key)) > 0) {
        if (!scan_fresh_key(&d->s, base, &key))
            return frame_fail_scan(d);
        if (!read_body_member(d, &key, &content, &enc))
            return false;
        contents += content;
        encrypted |= enc;
    }
    if (more < 0)
        return frame_fail_scan(d);
    d->s.nkeys = base;
    *out = span_make(start, (size_t)(d->s.p - start));
    if (contents != 1)
        return frame_wrong(d, "exactly one of text, media, enc is needed");
    if (!encrypted && out->n > (size_t)d->row->max)
        return frame_fail(d, "too_big", "body: at most %lld bytes",
                          (long long)d->row->max);
    return true;
}

static bool read_window(struct decoder *d)
{
    if (scan_peek(&d->s) != '{')
        return frame_wrong(d, "an object is needed");
    if (!scan_open(&d->s, '{'))
        return frame_fail_scan(d);
    return frame_read_members(d, &frame_win_rows, true);
}

bool frame_read_value(struct decoder *d, const struct row *r)
{
    void *out = (char *)d->f + r->offset;

    d->row = r;
    switch ((enum value_type)r->type) {
    case VALUE_INT:
        return read_bounded_int(d, out);
    case VALUE_BOOL:
        return read_bool(d, out);
    case VALUE_CONV:
        return frame_read_id(d, 'c', out);
    case VALUE_USER:
        return frame_read_id(d, 'u', out);
    case VALUE_DEV:
        return read_dev(d, out);
    case VALUE_ID:
        return frame_read_id(d, 0, out);
    case VALUE_TEXT:
    case VALUE_PLAIN:
    case VALUE_CID:
        return read_text(d, out);
    case VALUE_BODY:
        return read_body(d, out);
    case VALUE_OBJECT:
        return read_object(d, out);
    case VALUE_SEEN:
        return frame_read_seen(d, out);
    case VALUE_WIN:
        return read_window(d);
    case VALUE_VER:
        return frame_read_versions(d, out);
    case VALUE_RETRY:
        return frame_read_retry(d);
    case VALUE_CONVS:
    case VALUE_USERS:
    case VALUE_MARKS:
    case VALUE_PRESENCE:
    case VALUE_ENTRIES:
        return frame_read_list(d, out);
    default:
        return read_word(d, out);
    }
}
