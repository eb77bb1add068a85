/* frame_list.c - values that are lists, checked element by element. */
#include <string.h>

#include "proto/frame_inside.h"
#include "proto/ids.h"

static bool open_list(struct decoder *d)
{
    if (scan_peek(&d->s) != '[')
        return frame_wrong(d, "an array is needed");
    return scan_open(&d->s, '[') || frame_fail_scan(d);
}

/* The next element of a row like ["c5",74]. */
static bool cell(struct decoder *d, bool *first, const char *form)
{
    return scan_next_item(&d->s, first) == 1 || frame_wrong(d, form);
}

static bool close_row(struct decoder *d, bool *first, const char *form)
{
    return scan_next_item(&d->s, first) == 0 || frame_wrong(d, form);
}

static bool read_mark(struct decoder *d)
{
    static const char form[] = "[conversation,seq] is needed";
    bool first = true;
    uint64_t conv;
    int64_t seq;

    return open_list(d) && cell(d, &first, form) &&
           frame_read_id(d, 'c', &conv) && cell(d, &first, form) &&
           frame_read_int(d, &seq) && close_row(d, &first, form);
}

static bool read_presence(struct decoder *d)
{
    static const char form[] = "[user,state,last] is needed";
    struct scan_text word;
    bool first = true;
    uint64_t user;
    int64_t last;

    if (!open_list(d) || !cell(d, &first, form) ||
        !frame_read_id(d, 'u', &user) || !cell(d, &first, form) ||
        !frame_read_string(d, &word))
        return false;
    if (presence_parse(word.raw) < 0)
        return frame_wrong(d, "on, away or off is needed");
    return cell(d, &first, form) && frame_read_int(d, &last) &&
           close_row(d, &first, form);
}

/* An entry of a batch, checked by decoding it into a frame of its own. */
static bool read_entry(struct decoder *d)
{
    const struct row *list = d->row;
    struct frame *outer = d->f, inner;
    bool ok;

    if (scan_peek(&d->s) != '{')
        return frame_wrong(d, "an entry is needed");
    if (!scan_open(&d->s, '{'))
        return frame_fail_scan(d);
    memset(&inner, 0, sizeof(inner));
    d->f = &inner;
    ok = frame_read_members(d, &frame_element_rows, true);
    d->f = outer;
    d->row = list;
    return ok;
}

static bool read_item(struct decoder *d)
{
    uint64_t id;

    switch (d->row->type) {
    case VALUE_MARKS:
        return read_mark(d);
    case VALUE_PRESENCE:
        return read_presence(d);
    case VALUE_ENTRIES:
        return read_entry(d);
    case VALUE_CONVS:
        return frame_read_id(d, 'c', &id);
    default:
        return frame_read_id(d, 'u', &id);
    }
}

static bool too_many(struct decoder *d)
{
    return frame_fail(d, "too_big", "%s: at most %lld", d->row->name,
                      (long long)d->row->max);
}

bool frame_read_list(struct decoder *d, struct span *out)
{
    const char *start = d->s.p;
    int64_t count = 0;
    bool first = true;
    int more;

    if (!open_list(d))
        return false;
    while ((more = scan_next_item(&d->s, &first)) > 0) {
        if (++count > d->row->max)
            return too_many(d);
        if (!read_item(d))
            return false;
    }
    if (more < 0)
        return frame_fail_scan(d);
    *out = span_make(start, (size_t)(d->s.p - start));
    return true;
}

bool frame_read_versions(struct decoder *d, bool *has_1)
{
    int64_t count = 0, version;
    bool first = true;
    int more;

    if (!open_list(d))
        return false;
    while ((more = scan_next_item(&d->s, &first)) > 0) {
        if (++count > d->row->max)
            return too_many(d);
        if (!frame_read_int(d, &version))
            return false;
        *has_1 |= version == 1;
    }
    return more == 0 || frame_fail_scan(d);
}

bool frame_read_retry(struct decoder *d)
{
    static const char form[] = "[min,max] is needed";
    struct frame *f = d->f;
    bool first = true;

    if (scan_peek(&d->s) != '[') {
        if (!frame_read_int(d, &f->retry_min))
            return false;
        f->retry_max = f->retry_min;
        return true;
    }
    return open_list(d) && cell(d, &first, form) &&
           frame_read_int(d, &f->retry_min) && cell(d, &first, form) &&
           frame_read_int(d, &f->retry_max) && close_row(d, &first, form) &&
           (f->retry_min <= f->retry_max || frame_wrong(d, form));
}

/* ---- last_seen: more keys than the scanner compares by itself ---- */

/* Shell sort (Ciura's gaps): no memory, and far from quadratic at this size. */
static void sort(uint64_t *v, int count)
{
    static const int gaps[] = {701, 301, 132, 57, 23, 10, 4, 1};

    for (size_t g = 0; g < sizeof(gaps) / sizeof(gaps[0]); g++) {
        for (int i = gaps[g]; i < count; i++) {
            uint64_t x = v[i];
            int j = i;

            for (; j >= gaps[g] && v[j - gaps[g]] > x; j -= gaps[g])
                v[j] = v[j - gaps[g]];
            v[j] = x;
        }
    }
}

static bool all_different(uint64_t *v, int count)
{
    sort(v, count);
    for (int i = 1; i < count; i++) {
        if (v[i] == v[i - 1])
            return false;
    }
    return true;
}

bool frame_read_seen(struct decoder *d, struct span *out)
{
    SCAN_LOCAL uint64_t convs[LIMIT_LAST_SEEN];
    const char *start = d->s.p;
    struct scan_text key;
    bool first = true;
    int count = 0, more;
    int64_t seq;

    if (scan_peek(&d->s) != '{')
        return frame_wrong(d, "an object is needed");
    if (!scan_open(&d->s, '{'))
        return frame_fail_scan(d);
    while ((more = scan_next_key(&d->s, &first, &key)) > 0) {
        if (count == LIMIT_LAST_SEEN)
            return too_many(d);
        if (!id_parse(key.raw, 'c', &convs[count++]))
            return frame_wrong(d, "its keys are conversations");
        if (!frame_read_int(d, &seq))
            return false;
    }
    if (more < 0)
        return frame_fail_scan(d);
    if (!all_different(convs, count))
        return frame_fail(d, "bad_frame", "last_seen: the same key twice");
    *out = span_make(start, (size_t)(d->s.p - start));
    return true;
}
