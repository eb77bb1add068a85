#include "proto/frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "proto/frame_inside.h"

bool frame_fail(struct decoder *d, const char *code, const char *fmt, ...)
{
    va_list ap;

    d->rc = strcmp(code, "too_big") == 0 ? -CF_TOO_BIG : -CF_INVALID;
    if (d->err == NULL)
        return false;
    d->err->code = code;
    va_start(ap, fmt);
    vsnprintf(d->err->text, sizeof(d->err->text), fmt, ap);
    va_end(ap);
    return false;
}

bool frame_fail_scan(struct decoder *d)
{
    const char *code = d->s.rc == -CF_TOO_BIG ? "too_big" : "bad_frame";
    ptrdiff_t at = d->s.p - d->s.start;

    if (d->row != NULL)
        return frame_fail(d, code, "%s: %s, at byte %td", d->row->name,
                          d->s.why, at);
    return frame_fail(d, code, "%s, at byte %td", d->s.why, at);
}

bool frame_wrong(struct decoder *d, const char *need)
{
    if (d->s.rc != 0)
        return frame_fail_scan(d);
    return frame_fail(d, "bad_type", "%s: %s, at byte %td", d->row->name, need,
                      d->s.p - d->s.start);
}

/* ---- members ---- */

/* The row of key. Most senders keep the order of the table: *next is where
 * to look first, and is moved on. */
static const struct row *find_row(const struct rows *rows, int *next,
                                  const struct scan_text *key)
{
    for (int i = 0; i < rows->count; i++) {
        int at = *next + i < rows->count ? *next + i : *next + i - rows->count;
        const struct row *r = &rows->row[at];

        if (scan_key_is(key, r->name, r->length)) {
            *next = at + 1;
            return r;
        }
    }
    return NULL;
}

/* A member that the table does not know: skipped, but valid JSON. base: the
 * first of the keys of this object. */
static bool skip_unknown(struct decoder *d, int base,
                         const struct scan_text *key)
{
    int shown = key->raw.n < 40 ? (int)key->raw.n : 40;

    if (!scan_fresh_key(&d->s, base, key))
        return frame_fail_scan(d);
    if (d->strict)
        return frame_fail(d, "bad_frame", "unknown member '%.*s', at byte %td",
                          shown, key->raw.p, d->s.p - d->s.start);
    return scan_value(&d->s) || frame_fail_scan(d);
}

static bool read_known(struct decoder *d, const struct row *r,
                       const struct scan_text *key)
{
    uint64_t bit = UINT64_C(1) << (r->member & 63);
    uint64_t *present = &d->f->present[r->member >> 6];

    if (key->escaped)
        return frame_fail(d, "bad_frame", "%s: its name holds escapes",
                          r->name);
    if (*present & bit)
        return frame_fail(d, "bad_frame", "%s: the same key twice", r->name);
    *present |= bit;
    return frame_read_value(d, r);
}

static bool check_required(struct decoder *d, const struct rows *rows)
{
    for (int i = 0; i < rows->count; i++) {
        const struct row *r = &rows->row[i];

        if (r->required && !frame_has(d->f, r->member))
            return frame_fail(d, "bad_type", "%s is missing", r->name);
    }
    return true;
}

bool frame_read_members(struct decoder *d, const struct rows *rows, bool first)
{
    /* An object's `n` or `re` belongs to the frame alone. */
    const struct row *common = d->server ? &frame_re_row : &frame_n_row;
    int base = first ? d->s.nkeys : 0, next = 0, more;
    struct scan_text key;

    while ((more = scan_next_key(&d->s, &first, &key)) > 0) {
        const struct row *r = find_row(rows, &next, &key);

        d->row = NULL;
        if (r == NULL && base == 0 &&
            scan_key_is(&key, common->name, common->length))
            r = common;
        if (!(r != NULL ? read_known(d, r, &key) : skip_unknown(d, base, &key)))
            return false;
    }
    d->s.nkeys = base;
    d->row = NULL;
    return more == 0 ? check_required(d, rows) : frame_fail_scan(d);
}

/* ---- frames ---- */

/* Read {"t":"kind" into the frame. */
static bool read_kind(struct decoder *d)
{
    struct scan_text key, word;
    bool first = true;
    int more;

    if (scan_peek(&d->s) != '{')
        return frame_fail(d, "bad_frame", "an object is needed");
    if (!scan_open(&d->s, '{'))
        return frame_fail_scan(d);
    /* From here on no line ends: what is inside is passed on on one line. */
    d->s.one_line = true;
    more = scan_next_key(&d->s, &first, &key);
    if (more < 0)
        return frame_fail_scan(d);
    if (more == 0 || key.escaped || !scan_key_is(&key, "t", 1))
        return frame_fail(d, "bad_frame", "t must be the first key");
    scan_fresh_key(&d->s, 0, &key);
    if (scan_peek(&d->s) != '"')
        return frame_fail(d, "bad_type", "t: a string is needed");
    if (!scan_string(&d->s, &word))
        return frame_fail_scan(d);
    d->f->kind = word.escaped ? FRAME_NONE : frame_kind_parse(word.raw);
    return true;
}

static bool read_rest(struct decoder *d)
{
    static const struct kind unknown = {.open = true};
    static const struct rows nothing = {0};
    const struct kind *kind =
        d->f->kind != FRAME_NONE ? &frame_kinds[d->f->kind] : &unknown;
    const struct rows *rows = d->server ? &kind->server : &kind->client;
    bool wrong_side = kind != &unknown && rows->row == NULL;

    if (rows->row == NULL)
        rows = &nothing;
    d->strict = d->strict && !kind->open && !wrong_side;
    if (!frame_read_members(d, rows, false))
        return false;
    d->s.one_line = false;
    scan_space(&d->s);
    if (d->s.p != d->s.end)
        return frame_fail(d, "bad_frame",
                          "something follows the object, at byte %td",
                          d->s.p - d->s.start);
    if (kind == &unknown)
        return frame_fail(d, "unknown_kind", "this kind is not known here");
    return !wrong_side ||
           frame_fail(d, "bad_direction", "%s does not come from this side",
                      kind->name);
}

/* Only a `send` with `enc` may be larger than an ordinary object. */
static bool check_size(struct decoder *d, size_t n)
{
    const struct frame *f = d->f;

    if (d->server || n <= LIMIT_OBJECT ||
        (f->kind == FRAME_SEND && json_member(f->body, "enc").p != NULL))
        return true;
    return frame_fail(d, "too_big", "at most %d bytes", LIMIT_OBJECT);
}

/* The request number of an object that failed before it came to its `n`. */
static int64_t number_of(struct span object)
{
    SCAN_LOCAL struct decoder d;
    int64_t n = 0;
    size_t end;

    if (json_scan(object, &end) < 0)
        return 0;
    scan_init_trusted(&d.s, json_member(object, "n"));
    d.err = NULL;
    d.row = &frame_n_row;
    return frame_read_int(&d, &n) ? n : 0;
}

int frame_decode(struct frame *f, struct span object, enum frame_side side,
                 size_t max, bool strict, struct frame_error *err)
{
    SCAN_LOCAL struct decoder d;

    memset(f, 0, sizeof(*f));
    f->raw = object;
    d.f = f;
    d.err = err;
    d.row = NULL;
    d.rc = 0;
    d.server = side == FROM_SERVER;
    d.strict = strict;
    scan_init(&d.s, object, d.server);
    scan_space(&d.s);
    if (object.n > max)
        frame_fail(&d, "too_big", "at most %zu bytes", max);
    else if (read_kind(&d) && read_rest(&d))
        check_size(&d, object.n);
    if (d.rc < 0) {
        err->n = f->n == 0 && object.n <= max ? number_of(object) : f->n;
        return d.rc;
    }
    return 0;
}

size_t frame_decode_element(struct frame *f, struct span object)
{
    SCAN_LOCAL struct decoder d;

    memset(f, 0, sizeof(*f));
    d.f = f;
    d.err = NULL;
    d.row = NULL;
    d.rc = 0;
    d.server = true;
    d.strict = false;
    scan_init_trusted(&d.s, object);
    d.s.nkeys = 1; /* as inside a frame, behind its `t` */
    if (!scan_open(&d.s, '{') ||
        !frame_read_members(&d, &frame_element_rows, true))
        return 0;
    return (size_t)(d.s.p - object.p);
}

bool frame_next(struct span *rest, struct span *object)
{
    while (rest->n > 0) {
        const char *lf = memchr(rest->p, '\n', rest->n);
        size_t n = lf != NULL ? (size_t)(lf - rest->p) : rest->n;

        *object = span_make(rest->p, n);
        rest->p += n + (lf != NULL);
        rest->n -= n + (lf != NULL);
        for (size_t i = 0; i < n; i++) {
            if (strchr(" \t\r", object->p[i]) == NULL || object->p[i] == 0)
                return true;
        }
    }
    return false;
}
