/* lists.c - walking what frame_decode() has checked. */
#include <string.h>

#include "base/error.h"
#include "proto/frame.h"
#include "proto/frame_inside.h"
#include "proto/ids.h"
#include "proto/scan.h"

/* Skip the bracket or comma and white space; false at the end. */
static bool step(struct span *list)
{
    while (list->n > 0 &&
           (*list->p == '[' || *list->p == ',' || *list->p == '{' ||
            *list->p == ' ' || *list->p == '\t' || *list->p == '\r')) {
        list->p++;
        list->n--;
    }
    return list->n > 0 && *list->p != ']' && *list->p != '}';
}

static void skip_to(struct span *list, char c)
{
    while (list->n > 0 && *list->p != c) {
        list->p++;
        list->n--;
    }
}

static bool next_string(struct span *list, struct span *text)
{
    skip_to(list, '"');
    if (list->n == 0)
        return false;
    list->p++;
    list->n--;
    text->p = list->p;
    skip_to(list, '"');
    text->n = (size_t)(list->p - text->p);
    if (list->n == 0)
        return false;
    list->p++;
    list->n--;
    return true;
}

static int64_t next_number(struct span *list)
{
    int64_t v = 0;

    while (list->n > 0 && (*list->p < '0' || *list->p > '9')) {
        list->p++;
        list->n--;
    }
    while (list->n > 0 && *list->p >= '0' && *list->p <= '9') {
        v = v * 10 + (*list->p - '0');
        list->p++;
        list->n--;
    }
    return v;
}

static void close_item(struct span *list)
{
    skip_to(list, ']');
    if (list->n > 0) {
        list->p++;
        list->n--;
    }
}

bool frame_next_mark(struct span *list, struct mark *m)
{
    struct span id;

    if (!step(list) || !next_string(list, &id) || !id_parse(id, 'c', &m->conv))
        return false;
    m->seq = next_number(list);
    close_item(list);
    return true;
}

bool frame_next_seen(struct span *object, struct mark *m)
{
    struct span id;

    if (!step(object) || !next_string(object, &id) ||
        !id_parse(id, 'c', &m->conv))
        return false;
    m->seq = next_number(object);
    return true;
}

static bool next_id(struct span *list, char prefix, uint64_t *out)
{
    struct span id;

    return step(list) && next_string(list, &id) && id_parse(id, prefix, out);
}

bool frame_next_conv(struct span *list, uint64_t *conv)
{
    return next_id(list, 'c', conv);
}

bool frame_next_user(struct span *list, uint64_t *user)
{
    return next_id(list, 'u', user);
}

bool frame_next_presence(struct span *list, struct presence_row *row)
{
    struct span id, word;

    if (!step(list) || !next_string(list, &id) ||
        !id_parse(id, 'u', &row->user) || !next_string(list, &word))
        return false;
    row->state = (enum presence_state)presence_parse(word);
    row->last = next_number(list);
    close_item(list);
    return true;
}

void frame_entry(const struct frame *f, struct entry *e)
{
    *e = (struct entry){
        .conv = f->conv,
        .seq = f->seq,
        .id = f->id,
        .ts = f->ts,
        .kind = f->k,
        .from = f->from,
        .dev = f->dev,
        .of = f->of,
        .thread = f->thread,
        .reply = f->reply,
        .expires = f->expires,
        .deleted = f->deleted,
        .trace = f->trace,
        .cid = f->cid,
        .body = f->body,
        .mention = f->mention,
    };
}

bool frame_next_entry(struct span *list, uint64_t conv, struct entry *e)
{
    struct frame f;
    size_t n;

    skip_to(list, '{'); /* between elements there is no brace */
    n = list->n > 0 ? frame_decode_element(&f, *list) : 0;
    if (n == 0)
        return false;
    list->p += n;
    list->n -= n;
    f.conv = conv;
    frame_entry(&f, e);
    return true;
}

/* The plain run at p, or the escape there. Returns what comes next, NULL: no
 * room. */
static const char *append_piece(struct buf *out, const char *p, const char *end)
{
    const char *next = scan_plain(p, end);
    char bytes[4];
    size_t n;

    if (next > p)
        return buf_append(out, p, (size_t)(next - p)) == 0 ? next : NULL;
    next = scan_unescape(p, bytes, &n);
    return buf_append(out, bytes, n) == 0 ? next : NULL;
}

int frame_text(struct buf *out, struct span raw)
{
    const char *p = raw.p, *end = raw.n > 0 ? raw.p + raw.n : raw.p;
    size_t before = out->len;

    while (p != end) {
        p = append_piece(out, p, end);
        if (p == NULL) {
            out->len = before;
            return -CF_TOO_BIG;
        }
    }
    return 0;
}
