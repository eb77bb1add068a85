#include "frame.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "proto/ids.h"
#include "proto/limits.h"
#include "proto/frame_inside.h"
#include "proto/scan.h"

/* ---- types of members ---- */

enum type {
    T_INT,      /* 0..2^53-1 into int64_t; max > 0: bound */
    T_POSITIVE, /* the same, > 0 */
    T_CONV,     /* "c5" into uint64_t */
    T_USER,     /* "u5" */
    T_ID,       /* "5" */
    T_DEV,      /* "d5" into uint32_t */
    T_PLAIN,    /* text without escapes, 1..max bytes, into span */
    T_TEXT,     /* text, at most max bytes with escapes resolved */
    T_CID,      /* 1..64 of 0x21..0x7e without " and \ */
    T_BOOL,
    T_OBJECT, /* raw, an object */
    T_ANY,    /* raw, any value */
    T_BODY,   /* {"text"|"media"|"enc": ...} */
    T_MARKS,  /* [["c5",74],...] at most max */
    T_CONVS,  /* ["c5",...] at most max */
    T_USERS,
    T_SEEN,     /* {"c5":74,...} at most max */
    T_PRESENCE, /* [["u3","on",123],...] at most max */
    T_ENTRIES,  /* [{...},...] raw */
    T_VERSIONS, /* [1,...] : does it hold 1? */
    T_WINDOW,   /* {"entries":256,"bytes":262144} */
    T_RETRY,    /* [min,max] or one integer */
    T_ENTRY_KIND,
    T_CONV_KIND,
    T_MODE,
    T_ROLE,
};

struct row {
    const char *name;
    uint8_t length;
    uint8_t type;
    uint8_t bit;
    bool required;
    uint16_t offset;
    int32_t max;
};

struct kind_def {
    const char *name;
    unsigned sides;
    const struct row *rows;
    int count;
};

#define AT(field) offsetof(struct frame, field)
#define ROW(name, type, bit, field, required, max)                  \
    {                                                               \
        name, sizeof(name) - 1, type, bit, required, AT(field), max \
    }
#define MUST(name, type, bit, field, max) ROW(name, type, bit, field, true, max)
#define MAY(name, type, bit, field, max) ROW(name, type, bit, field, false, max)

#define CONV MUST("conv", T_CONV, M_CONV, conv, 0)
#define CID MAY("cid", T_CID, M_CID, cid, LIMIT_CID)

static const struct row hello[] = {
    MAY("ver", T_VERSIONS, M_VER, v1, 16),
    MAY("dev", T_DEV, M_DEV, dev, 0),
    MAY("token", T_PLAIN, M_TOKEN, token, LIMIT_TOKEN),
    MAY("ua", T_TEXT, M_UA, ua, LIMIT_UA),
    MAY("win", T_WINDOW, M_WIN, win_entries, 0),
    MAY("last_seen", T_SEEN, M_LAST_SEEN, last_seen, LIMIT_LAST_SEEN),
    MAY("strict", T_BOOL, M_STRICT, strict, 0),
};
static const struct row hb[] = {
    MAY("act", T_BOOL, M_ACT, act, 0),
    MAY("now", T_INT, M_NOW, now, 0),
};
static const struct row send_rows[] = {
    CONV,
    CID,
    MUST("body", T_BODY, M_BODY, body, LIMIT_BODY),
    MAY("thread", T_POSITIVE, M_THREAD, thread, 0),
    MAY("reply", T_POSITIVE, M_REPLY, reply, 0),
    MAY("mention", T_USERS, M_MENTION, mention, LIMIT_MENTIONS),
    MAY("ttl", T_POSITIVE, M_TTL, ttl, 0),
    MAY("trace", T_BOOL, M_TRACE, trace, 0),
};
static const struct row edit[] = {
    CONV,
    CID,
    MUST("seq", T_POSITIVE, M_SEQ, seq, 0),
    MUST("body", T_BODY, M_BODY, body, LIMIT_BODY),
};
static const struct row delete_rows[] = {
    CONV,
    CID,
    MUST("seq", T_POSITIVE, M_SEQ, seq, 0),
};
static const struct row react[] = {
    CONV,
    CID,
    MUST("seq", T_POSITIVE, M_SEQ, seq, 0),
    MUST("emoji", T_TEXT, M_EMOJI, emoji, LIMIT_EMOJI),
    MAY("on", T_BOOL, M_ON, on, 0),
};
static const struct row marks[] = {
    MUST("at", T_MARKS, M_AT, at, LIMIT_MARKS),
};
static const struct row typing[] = {
    CONV,
    MAY("user", T_USER, M_USER, user, 0),
    MUST("on", T_BOOL, M_ON, on, 0),
};
static const struct row view[] = {
    MAY("convs", T_CONVS, M_CONVS, convs, LIMIT_VIEW),
    MAY("users", T_USERS, M_USERS, users, LIMIT_VIEW),
};
static const struct row history[] = {
    CONV,
    MAY("before", T_POSITIVE, M_BEFORE, before, 0),
    MAY("after", T_INT, M_AFTER, after, 0),
    MAY("limit", T_POSITIVE, M_LIMIT, limit, LIMIT_HISTORY),
    MAY("thread", T_POSITIVE, M_THREAD, thread, 0),
};
static const struct row state[] = {
    CONV,
    MUST("seq", T_POSITIVE, M_SEQ, seq, 0),
};
static const struct row conv_open[] = {
    MUST("user", T_USER, M_USER, user, 0),
    MAY("mode", T_MODE, M_MODE, mode, 0),
};
static const struct row conv_create[] = {
    MAY("title", T_TEXT, M_TITLE, title, LIMIT_TITLE),
    MAY("users", T_USERS, M_USERS, users, LIMIT_USERS),
    MAY("kind", T_CONV_KIND, M_CKIND, ckind, 0),
    MAY("mode", T_MODE, M_MODE, mode, 0),
    CID,
};
static const struct row conv_list[] = {
    MAY("after", T_CONV, M_CONV, conv, 0),
    MAY("limit", T_POSITIVE, M_LIMIT, limit, LIMIT_LIST),
};
static const struct row conv_members[] = {
    CONV,
    MAY("after", T_USER, M_USER, user, 0),
    MAY("limit", T_POSITIVE, M_LIMIT, limit, LIMIT_LIST),
};
static const struct row conv_add[] = {
    CONV,
    MUST("users", T_USERS, M_USERS, users, LIMIT_USERS),
    CID,
};
static const struct row conv_remove[] = {
    CONV,
    MUST("user", T_USER, M_USER, user, 0),
    CID,
};
static const struct row conv_leave[] = {CONV, CID};
static const struct row conv_role[] = {
    CONV,
    MUST("user", T_USER, M_USER, user, 0),
    MUST("role", T_ROLE, M_ROLE, role, 0),
    CID,
};
static const struct row conv_rename[] = {
    CONV,
    MUST("title", T_TEXT, M_TITLE, title, LIMIT_TITLE),
    CID,
};
static const struct row user_find[] = {
    MUST("name", T_PLAIN, M_NAME, name, LIMIT_NAME),
};
static const struct row user_info[] = {
    MUST("users", T_USERS, M_USERS, users, LIMIT_USERS),
};
static const struct row user_set[] = {
    MAY("display", T_TEXT, M_DISPLAY, display, LIMIT_DISPLAY),
    MAY("contact", T_PLAIN, M_CONTACT, contact, 8),
};
static const struct row user_block[] = {
    MUST("user", T_USER, M_USER, user, 0),
    MUST("on", T_BOOL, M_ON, on, 0),
};
static const struct row user_device[] = {
    MUST("dev", T_DEV, M_DEV, dev, 0),
    MUST("name", T_TEXT, M_NAME, name, LIMIT_DEVICE_NAME),
};
static const struct row user_revoke[] = {
    MUST("dev", T_DEV, M_DEV, dev, 0),
};
static const struct row user_export[] = {
    MAY("after", T_PLAIN, M_CURSOR, cursor, 256),
    MAY("limit", T_POSITIVE, M_LIMIT, limit, LIMIT_LIST),
};
static const struct row fence[] = {
    MAY("convs", T_CONVS, M_CONVS, convs, LIMIT_FENCE),
};
static const struct row bye[] = {
    MAY("code", T_INT, M_CODE, bye_code, 0),
    MAY("retry", T_RETRY, M_RETRY, retry_min, 0),
    MAY("msg", T_TEXT, M_MSG, msg, 1024),
};
static const struct row welcome[] = {
    MUST("user", T_USER, M_USER, user, 0),
    MUST("dev", T_DEV, M_DEV, dev, 0),
    MUST("node", T_INT, M_NODE, node, 0),
    MUST("store", T_PLAIN, M_STORE, store, 64),
    MUST("lease", T_INT, M_LEASE, lease, 0),
    MUST("hb", T_POSITIVE, M_HB, hb, 0),
    MUST("ttl", T_POSITIVE, M_PTTL, pttl, 0),
    MAY("limits", T_OBJECT, M_LIMITS, limits, 0),
    MUST("durability", T_PLAIN, M_DURABILITY, durability, 16),
    MUST("now", T_INT, M_NOW, now, 0),
};
static const struct row sent[] = {
    CONV,
    CID,
    MUST("seq", T_POSITIVE, M_SEQ, seq, 0),
    MUST("id", T_ID, M_ID, id, 0),
    MUST("ts", T_INT, M_TS, ts, 0),
    MAY("dup", T_BOOL, M_DUP, dup, 0),
};
#define ENTRY_ROWS                                                         \
    MUST("seq", T_POSITIVE, M_SEQ, seq, 0), MUST("id", T_ID, M_ID, id, 0), \
        MUST("k", T_ENTRY_KIND, M_K, k, 0),                                \
        MUST("from", T_USER, M_FROM, from, 0),                             \
        MAY("dev", T_DEV, M_DEV, dev, 0), MUST("ts", T_INT, M_TS, ts, 0),  \
        MAY("of", T_POSITIVE, M_OF, of, 0),                                \
        MAY("thread", T_POSITIVE, M_THREAD, thread, 0),                    \
        MAY("reply", T_POSITIVE, M_REPLY, reply, 0),                       \
        MAY("expires", T_POSITIVE, M_EXPIRES, expires, 0), CID,            \
        MAY("deleted", T_BOOL, M_DELETED, deleted, 0),                     \
        MAY("trace", T_BOOL, M_TRACE, trace, 0),                           \
        MAY("mention", T_USERS, M_MENTION, mention, LIMIT_MENTIONS),       \
        MAY("body", T_OBJECT, M_BODY, body, 0)
static const struct row entry[] = {CONV, ENTRY_ROWS};
static const struct row bare_entry[] = {ENTRY_ROWS};
static const struct row batch[] = {
    CONV,
    MUST("entries", T_ENTRIES, M_ENTRIES, entries, 0),
    MUST("from", T_INT, M_FROM_SEQ, from_seq, 0),
    MUST("to", T_INT, M_TO, to, 0),
    MUST("head", T_INT, M_HEAD, head, 0),
    MUST("more", T_BOOL, M_MORE, more, 0),
};
static const struct row synced[] = {
    MAY("more", T_MARKS, M_MORE, more_list, LIMIT_CONVS),
};
static const struct row gap[] = {
    CONV,
    MUST("from", T_INT, M_FROM_SEQ, from_seq, 0),
    MUST("to", T_INT, M_TO, to, 0),
    MUST("why", T_PLAIN, M_WHY, why, 16),
};
static const struct row receipt[] = {
    CONV,
    MAY("user", T_USER, M_USER, user, 0),
    MAY("delivered", T_INT, M_DELIVERED, delivered, 0),
    MAY("read", T_INT, M_READ, read, 0),
    MAY("seq", T_INT, M_SEQ, seq, 0),
    MAY("delivered_n", T_INT, M_DELIVERED_N, delivered_n, 0),
    MAY("read_n", T_INT, M_READ_N, read_n, 0),
};
static const struct row presence[] = {
    MUST("at", T_PRESENCE, M_AT, at, 4096),
};
static const struct row head[] = {
    CONV,
    MUST("seq", T_INT, M_SEQ, seq, 0),
    MAY("mentions", T_INT, M_MENTIONS, mentions, 0),
};
static const struct row err_rows[] = {
    MUST("code", T_PLAIN, M_CODE, code, 32),
    MAY("temp", T_BOOL, M_TEMP, temp, 0),
    MAY("retry", T_RETRY, M_RETRY, retry_min, 0),
    MAY("seq", T_INT, M_SEQ, seq, 0),
    MAY("msg", T_TEXT, M_MSG, msg, 1024),
};

#define ROWS(r) r, sizeof(r) / sizeof(r[0])
#define NONE NULL, 0

static const struct kind_def kinds[FRAME_KINDS] = {
    [FRAME_HELLO] = {"hello", FROM_CLIENT, ROWS(hello)},
    [FRAME_HB] = {"hb", FROM_CLIENT | FROM_SERVER, ROWS(hb)},
    [FRAME_SEND] = {"send", FROM_CLIENT, ROWS(send_rows)},
    [FRAME_EDIT] = {"edit", FROM_CLIENT, ROWS(edit)},
    [FRAME_DELETE] = {"delete", FROM_CLIENT, ROWS(delete_rows)},
    [FRAME_REACT] = {"react", FROM_CLIENT, ROWS(react)},
    [FRAME_ACK] = {"ack", FROM_CLIENT, ROWS(marks)},
    [FRAME_READ] = {"read", FROM_CLIENT, ROWS(marks)},
    [FRAME_TYPING] = {"typing", FROM_CLIENT | FROM_SERVER, ROWS(typing)},
    [FRAME_VIEW] = {"view", FROM_CLIENT, ROWS(view)},
    [FRAME_HISTORY] = {"history", FROM_CLIENT, ROWS(history)},
    [FRAME_STATE] = {"state", FROM_CLIENT, ROWS(state)},
    [FRAME_TICKET] = {"ticket", FROM_CLIENT, NONE},
    [FRAME_FETCH] = {"fetch", FROM_CLIENT, NONE},
    [FRAME_KEYS_PUT] = {"keys.put", FROM_CLIENT, NONE},
    [FRAME_KEYS_GET] = {"keys.get", FROM_CLIENT, NONE},
    [FRAME_KEYS_COUNT] = {"keys.count", FROM_CLIENT, NONE},
    [FRAME_CONV_OPEN] = {"conv.open", FROM_CLIENT, ROWS(conv_open)},
    [FRAME_CONV_CREATE] = {"conv.create", FROM_CLIENT, ROWS(conv_create)},
    [FRAME_CONV_LIST] = {"conv.list", FROM_CLIENT, ROWS(conv_list)},
    [FRAME_CONV_INFO] = {"conv.info", FROM_CLIENT, ROWS(conv_leave)},
    [FRAME_CONV_MEMBERS] = {"conv.members", FROM_CLIENT, ROWS(conv_members)},
    [FRAME_CONV_ADD] = {"conv.add", FROM_CLIENT, ROWS(conv_add)},
    [FRAME_CONV_REMOVE] = {"conv.remove", FROM_CLIENT, ROWS(conv_remove)},
    [FRAME_CONV_LEAVE] = {"conv.leave", FROM_CLIENT, ROWS(conv_leave)},
    [FRAME_CONV_ROLE] = {"conv.role", FROM_CLIENT, ROWS(conv_role)},
    [FRAME_CONV_RENAME] = {"conv.rename", FROM_CLIENT, ROWS(conv_rename)},
    [FRAME_USER_FIND] = {"user.find", FROM_CLIENT, ROWS(user_find)},
    [FRAME_USER_INFO] = {"user.info", FROM_CLIENT, ROWS(user_info)},
    [FRAME_USER_SET] = {"user.set", FROM_CLIENT, ROWS(user_set)},
    [FRAME_USER_BLOCK] = {"user.block", FROM_CLIENT, ROWS(user_block)},
    [FRAME_USER_BLOCKS] = {"user.blocks", FROM_CLIENT, NONE},
    [FRAME_USER_DEVICES] = {"user.devices", FROM_CLIENT, NONE},
    [FRAME_USER_DEVICE] = {"user.device", FROM_CLIENT, ROWS(user_device)},
    [FRAME_USER_REVOKE] = {"user.revoke", FROM_CLIENT, ROWS(user_revoke)},
    [FRAME_USER_DELETE] = {"user.delete", FROM_CLIENT, ROWS(user_find)},
    [FRAME_USER_EXPORT] = {"user.export", FROM_CLIENT, ROWS(user_export)},
    [FRAME_WS] = {"ws", FROM_CLIENT, NONE},
    [FRAME_SEARCH] = {"search", FROM_CLIENT, NONE},
    [FRAME_FENCE] = {"fence", FROM_CLIENT, ROWS(fence)},
    [FRAME_BYE] = {"bye", FROM_CLIENT | FROM_SERVER, ROWS(bye)},
    [FRAME_WELCOME] = {"welcome", FROM_SERVER, ROWS(welcome)},
    [FRAME_SENT] = {"sent", FROM_SERVER, ROWS(sent)},
    [FRAME_ENTRY] = {"entry", FROM_SERVER, ROWS(entry)},
    [FRAME_BATCH] = {"batch", FROM_SERVER, ROWS(batch)},
    [FRAME_SYNCED] = {"synced", FROM_SERVER, ROWS(synced)},
    [FRAME_GAP] = {"gap", FROM_SERVER, ROWS(gap)},
    [FRAME_RECEIPT] = {"receipt", FROM_SERVER, ROWS(receipt)},
    [FRAME_PRESENCE] = {"presence", FROM_SERVER, ROWS(presence)},
    [FRAME_HEAD] = {"head", FROM_SERVER, ROWS(head)},
    [FRAME_OK] = {"ok", FROM_SERVER, NONE},
    [FRAME_ERR] = {"err", FROM_SERVER, ROWS(err_rows)},
};

const char *frame_kind_name(enum frame_kind k)
{
    return k > FRAME_NONE && k < FRAME_KINDS ? kinds[k].name : "?";
}

enum frame_kind frame_kind_parse(struct span s)
{
    for (int k = 1; k < FRAME_KINDS; k++)
        if (span_is(s, kinds[k].name))
            return (enum frame_kind)k;
    if (s.n > 3 && memcmp(s.p, "ws.", 3) == 0)
        return FRAME_WS;
    return FRAME_NONE;
}

/* ---- decoding ---- */

struct decoder {
    struct scan s;
    struct frame *f;
    struct frame_error *err;
    bool server, strict;
};

static int fail(struct decoder *d, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct decoder *d, const char *code, const char *fmt, ...)
{
    va_list ap;

    d->err->code = code;
    d->err->n = d->f->n;
    va_start(ap, fmt);
    vsnprintf(d->err->text, sizeof(d->err->text), fmt, ap);
    va_end(ap);
    return strcmp(code, "too_big") == 0 ? -CF_TOO_BIG : -CF_INVALID;
}

/* The scanner stopped: not JSON, or over a bound. */
static int fail_scan(struct decoder *d)
{
    return fail(d, d->s.rc == -CF_TOO_BIG ? "too_big" : "bad_frame",
                "%s at byte %td", d->s.why != NULL ? d->s.why : "not JSON",
                d->s.p - d->s.start);
}

static int wrong(struct decoder *d, const struct row *r, const char *what)
{
    return fail(d, "bad_type", "%s: %s, at byte %td", r->name, what,
                d->s.p - d->s.start);
}

static int read_integer(struct decoder *d, const struct row *r, int64_t *out)
{
    struct scan_number n;
    char c = scan_peek(&d->s);

    if (c != '-' && (c < '0' || c > '9'))
        return wrong(d, r, "an integer is needed");
    if (!scan_integer_or_real(&d->s, &n))
        return fail_scan(d);
    if (!n.integer || n.negative || n.value > (uint64_t)LIMIT_SEQ)
        return wrong(d, r, "an integer from 0 to 2^53-1 is needed");
    *out = (int64_t)n.value;
    return 0;
}

static int read_text(struct decoder *d, const struct row *r,
                     struct scan_text *t)
{
    if (scan_peek(&d->s) != '"')
        return wrong(d, r, "a string is needed");
    return scan_string(&d->s, t) ? 0 : fail_scan(d);
}

static int read_id(struct decoder *d, const struct row *r, char prefix,
                   uint64_t *out)
{
    struct scan_text t;
    int rc = read_text(d, r, &t);

    if (rc < 0)
        return rc;
    if (!id_parse(t.raw, prefix, out))
        return wrong(d, r, "no such form of id");
    return 0;
}

static bool cid_is_plain(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x21 || s.p[i] > 0x7e || s.p[i] == '\\')
            return false;
    return s.n > 0;
}

static int read_span(struct decoder *d, const struct row *r, struct span *out)
{
    struct scan_text t;
    int rc = read_text(d, r, &t);

    if (rc < 0)
        return rc;
    if (t.length > (size_t)r->max)
        return fail(d, "too_big", "%s: at most %d bytes", r->name, r->max);
    if (r->type != T_TEXT && (t.escaped || t.raw.n == 0))
        return wrong(d, r, "plain text without escapes is needed");
    if (r->type == T_CID && !cid_is_plain(t.raw))
        return wrong(d, r, "1 to 64 printable ASCII characters are needed");
    *out = t.raw;
    return 0;
}

static int read_bool(struct decoder *d, const struct row *r, bool *out)
{
    char c = scan_peek(&d->s);

    *out = c == 't';
    if (c == 't' ? scan_literal(&d->s, "true", 4)
                 : c == 'f' && scan_literal(&d->s, "false", 5))
        return 0;
    if (d->s.rc != 0)
        return fail_scan(d);
    return wrong(d, r, "true or false is needed");
}

/* Any value, as raw bytes. */
static int read_raw(struct decoder *d, const struct row *r, char open,
                    struct span *out)
{
    const char *start = d->s.p;

    if (open != 0 && scan_peek(&d->s) != open)
        return wrong(
            d, r, open == '{' ? "an object is needed" : "an array is needed");
    if (!scan_value(&d->s))
        return fail_scan(d);
    *out = span_make(start, (size_t)(d->s.p - start));
    return 0;
}

/* {"text":"..."}, {"media":{...}} or {"enc":...}: exactly one of them, other
 * members beside it are the client's own. */
static int check_body(struct decoder *d, const struct row *r, struct span body)
{
    struct span text = json_member(body, "text");
    struct span media = json_member(body, "media");
    struct span enc = json_member(body, "enc");
    int count = (text.p != NULL) + (media.p != NULL) + (enc.p != NULL);

    if (count != 1)
        return wrong(d, r, "exactly one of text, media, enc is needed");
    if (text.p != NULL && (text.p[0] != '"' || text.n < 3))
        return wrong(d, r, "text is a string and not empty");
    if (media.p != NULL && media.p[0] != '{')
        return wrong(d, r, "media is an object");
    if (enc.p != NULL && enc.p[0] != '{' && enc.p[0] != '"')
        return wrong(d, r, "enc is an object or a string");
    if (enc.p == NULL && body.n > (size_t)r->max)
        return fail(d, "too_big", "body: at most %d bytes", r->max);
    return 0;
}

static int read_body(struct decoder *d, const struct row *r, struct span *out)
{
    int rc = read_raw(d, r, '{', out);

    return rc < 0 ? rc : check_body(d, r, *out);
}

/* ---- lists ---- */

static int read_mark(struct decoder *d, const struct row *r)
{
    bool first = true;
    uint64_t conv;
    int64_t seq;
    int rc;

    if (scan_peek(&d->s) != '[' || !scan_open(&d->s, '['))
        return wrong(d, r, "[conv,seq] is needed");
    if (scan_next_item(&d->s, &first) != 1)
        return wrong(d, r, "[conv,seq] is needed");
    rc = read_id(d, r, 'c', &conv);
    if (rc < 0)
        return rc;
    if (scan_next_item(&d->s, &first) != 1)
        return wrong(d, r, "[conv,seq] is needed");
    rc = read_integer(d, r, &seq);
    if (rc < 0)
        return rc;
    return scan_next_item(&d->s, &first) == 0
               ? 0
               : wrong(d, r, "[conv,seq] is needed");
}

static int read_presence(struct decoder *d, const struct row *r)
{
    struct scan_text t;
    bool first = true;
    uint64_t user;
    int64_t last;
    int rc;

    if (scan_peek(&d->s) != '[' || !scan_open(&d->s, '[') ||
        scan_next_item(&d->s, &first) != 1)
        return wrong(d, r, "[user,state,last] is needed");
    rc = read_id(d, r, 'u', &user);
    if (rc < 0)
        return rc;
    if (scan_next_item(&d->s, &first) != 1)
        return wrong(d, r, "[user,state,last] is needed");
    rc = read_text(d, r, &t);
    if (rc == 0 && presence_parse(t.raw) < 0)
        rc = wrong(d, r, "on, away or off is needed");
    if (rc < 0)
        return rc;
    if (scan_next_item(&d->s, &first) != 1)
        return wrong(d, r, "[user,state,last] is needed");
    rc = read_integer(d, r, &last);
    if (rc < 0)
        return rc;
    return scan_next_item(&d->s, &first) == 0
               ? 0
               : wrong(d, r, "[user,state,last] is needed");
}

static int decode_rows(struct decoder *d, const struct row *rows, int count,
                       bool bare);

/* An entry of a batch: checked by decoding it into a frame of its own. */
static int read_bare_entry(struct decoder *d, const struct row *r)
{
    struct frame *outer = d->f;
    struct frame inner;
    int rc;

    memset(&inner, 0, sizeof(inner));
    inner.n = outer->n;
    d->f = &inner;
    if (scan_peek(&d->s) != '{' || !scan_open(&d->s, '{'))
        rc = wrong(d, r, "an entry is needed");
    else
        rc = decode_rows(d, bare_entry,
                         sizeof(bare_entry) / sizeof(bare_entry[0]), true);
    d->f = outer;
    return rc;
}

static int read_item(struct decoder *d, const struct row *r)
{
    uint64_t id;

    switch (r->type) {
    case T_MARKS:
        return read_mark(d, r);
    case T_PRESENCE:
        return read_presence(d, r);
    case T_ENTRIES:
        return read_bare_entry(d, r);
    default:
        return read_id(d, r, r->type == T_CONVS ? 'c' : 'u', &id);
    }
}

static int read_list(struct decoder *d, const struct row *r, struct span *out)
{
    const char *start = d->s.p;
    bool first = true;
    int count = 0, more, rc;

    if (scan_peek(&d->s) != '[')
        return wrong(d, r, "an array is needed");
    if (!scan_open(&d->s, '['))
        return fail_scan(d);
    while ((more = scan_next_item(&d->s, &first)) == 1) {
        if (r->max > 0 && ++count > r->max)
            return fail(d, "too_big", "%s: at most %d", r->name, r->max);
        rc = read_item(d, r);
        if (rc < 0)
            return rc;
    }
    if (more < 0)
        return fail_scan(d);
    *out = span_make(start, (size_t)(d->s.p - start));
    return 0;
}

static int read_seen(struct decoder *d, const struct row *r, struct span *out)
{
    const char *start = d->s.p;
    struct scan_text key;
    bool first = true;
    int base = d->s.nkeys, count = 0, more, rc;
    uint64_t conv;
    int64_t seq;

    if (scan_peek(&d->s) != '{')
        return wrong(d, r, "an object is needed");
    if (!scan_open(&d->s, '{'))
        return fail_scan(d);
    while ((more = scan_next_key(&d->s, &first, &key)) == 1) {
        if (!id_parse(key.raw, 'c', &conv))
            return wrong(d, r, "its keys are conversations");
        if (++count > r->max)
            return fail(d, "too_big", "%s: at most %d", r->name, r->max);
        rc = read_integer(d, r, &seq);
        if (rc < 0)
            return rc;
    }
    d->s.nkeys = base;
    if (more < 0)
        return fail_scan(d);
    *out = span_make(start, (size_t)(d->s.p - start));
    return 0;
}

/* ---- small structures ---- */

static int read_versions(struct decoder *d, const struct row *r, bool *out)
{
    bool first = true;
    int count = 0, more, rc;
    int64_t v;

    if (scan_peek(&d->s) != '[')
        return wrong(d, r, "an array is needed");
    if (!scan_open(&d->s, '['))
        return fail_scan(d);
    while ((more = scan_next_item(&d->s, &first)) == 1) {
        if (++count > r->max)
            return fail(d, "too_big", "%s: at most %d", r->name, r->max);
        rc = read_integer(d, r, &v);
        if (rc < 0)
            return rc;
        *out = *out || v == 1;
    }
    return more < 0 ? fail_scan(d) : 0;
}

static int read_window(struct decoder *d, const struct row *r)
{
    struct span raw;
    struct scan_text key;
    bool first = true;
    int more, rc, base = d->s.nkeys;
    int64_t v;

    if (scan_peek(&d->s) != '{')
        return wrong(d, r, "an object is needed");
    if (!scan_open(&d->s, '{'))
        return fail_scan(d);
    while ((more = scan_next_key(&d->s, &first, &key)) == 1) {
        bool entries = span_is(key.raw, "entries");
        bool bytes = span_is(key.raw, "bytes");

        if (!scan_fresh_key(&d->s, base, &key))
            return fail_scan(d);
        rc =
            entries || bytes ? read_integer(d, r, &v) : read_raw(d, r, 0, &raw);
        if (rc < 0)
            return rc;
        if (entries)
            d->f->win_entries = v;
        if (bytes)
            d->f->win_bytes = v;
    }
    d->s.nkeys = base;
    return more < 0 ? fail_scan(d) : 0;
}

static int read_retry(struct decoder *d, const struct row *r)
{
    bool first = true;
    int rc;

    if (scan_peek(&d->s) != '[') {
        rc = read_integer(d, r, &d->f->retry_min);
        d->f->retry_max = d->f->retry_min;
        return rc;
    }
    if (!scan_open(&d->s, '[') || scan_next_item(&d->s, &first) != 1)
        return wrong(d, r, "[min,max] is needed");
    rc = read_integer(d, r, &d->f->retry_min);
    if (rc < 0)
        return rc;
    if (scan_next_item(&d->s, &first) != 1)
        return wrong(d, r, "[min,max] is needed");
    rc = read_integer(d, r, &d->f->retry_max);
    if (rc < 0)
        return rc;
    return scan_next_item(&d->s, &first) == 0
               ? 0
               : wrong(d, r, "[min,max] is needed");
}

static int read_word(struct decoder *d, const struct row *r, void *out)
{
    struct scan_text t;
    int value, rc = read_text(d, r, &t);

    if (rc < 0)
        return rc;
    switch (r->type) {
    case T_ENTRY_KIND:
        value = *(enum entry_kind *)out = entry_kind_parse(t.raw);
        break;
    case T_CONV_KIND:
        value = *(enum conv_kind *)out = conv_kind_parse(t.raw);
        break;
    case T_MODE:
        value = *(enum conv_mode *)out = conv_mode_parse(t.raw);
        break;
    default:
        value = *(enum role *)out = role_parse(t.raw);
        break;
    }
    return value != 0 ? 0 : wrong(d, r, "an unknown word");
}

/* ---- one member ---- */

static int read_number(struct decoder *d, const struct row *r, int64_t *out)
{
    int rc = read_integer(d, r, out);

    if (rc < 0)
        return rc;
    if (r->type == T_POSITIVE && *out == 0)
        return wrong(d, r, "a number above 0 is needed");
    if (r->max > 0 && *out > r->max)
        return fail(d, "too_big", "%s: at most %d", r->name, r->max);
    return 0;
}

static int read_dev(struct decoder *d, const struct row *r, uint32_t *out)
{
    uint64_t id = 0;
    int rc = read_id(d, r, 'd', &id);

    *out = (uint32_t)id;
    return rc;
}

static int read_member(struct decoder *d, const struct row *r)
{
    void *out = (char *)d->f + r->offset;

    switch ((enum type)r->type) {
    case T_INT:
    case T_POSITIVE:
        return read_number(d, r, out);
    case T_CONV:
        return read_id(d, r, 'c', out);
    case T_USER:
        return read_id(d, r, 'u', out);
    case T_ID:
        return read_id(d, r, 0, out);
    case T_DEV:
        return read_dev(d, r, out);
    case T_PLAIN:
    case T_TEXT:
    case T_CID:
        return read_span(d, r, out);
    case T_BOOL:
        return read_bool(d, r, out);
    case T_OBJECT:
        return read_raw(d, r, '{', out);
    case T_ANY:
        return read_raw(d, r, 0, out);
    case T_BODY:
        return read_body(d, r, out);
    case T_MARKS:
    case T_CONVS:
    case T_USERS:
    case T_PRESENCE:
    case T_ENTRIES:
        return read_list(d, r, out);
    case T_SEEN:
        return read_seen(d, r, out);
    case T_VERSIONS:
        return read_versions(d, r, out);
    case T_WINDOW:
        return read_window(d, r);
    case T_RETRY:
        return read_retry(d, r);
    default:
        return read_word(d, r, out);
    }
}

static const struct row n_row = ROW("n", T_POSITIVE, M_N, n, false, 0);
static const struct row re_row = ROW("re", T_POSITIVE, M_RE, re, false, 0);

static const struct row *find_row(const struct row *rows, int count,
                                  const struct scan_text *key, bool bare)
{
    if (key->escaped)
        return NULL; /* known members are written plainly */
    for (int i = 0; i < count; i++)
        if (rows[i].length == key->raw.n &&
            memcmp(rows[i].name, key->raw.p, key->raw.n) == 0)
            return &rows[i];
    if (bare)
        return NULL;
    if (key->raw.n == 1 && key->raw.p[0] == 'n')
        return &n_row;
    if (key->raw.n == 2 && memcmp(key->raw.p, "re", 2) == 0)
        return &re_row;
    return NULL;
}

static int skip_unknown(struct decoder *d, const struct scan_text *key)
{
    struct span raw;

    if (d->strict)
        return fail(d, "bad_frame", "unknown member '%.*s'",
                    (int)(key->raw.n < 40 ? key->raw.n : 40), key->raw.p);
    return read_raw(d, &n_row, 0, &raw);
}

static int check_required(struct decoder *d, const struct row *rows, int count)
{
    for (int i = 0; i < count; i++)
        if (rows[i].required && !frame_has(d->f, rows[i].bit))
            return fail(d, "bad_type", "member '%s' is missing", rows[i].name);
    return 0;
}

/* The members of the object that is open, to its closing brace. */
static int decode_rows(struct decoder *d, const struct row *rows, int count,
                       bool bare)
{
    bool first = bare;
    int base = d->s.nkeys, more, rc;
    struct scan_text key;

    while ((more = scan_next_key(&d->s, &first, &key)) == 1) {
        const struct row *r = find_row(rows, count, &key, bare);

        if (!scan_fresh_key(&d->s, base, &key))
            return fail_scan(d);
        rc = r != NULL ? read_member(d, r) : skip_unknown(d, &key);
        if (rc < 0)
            return rc;
        if (r != NULL)
            d->f->present[r->bit >> 6] |= UINT64_C(1) << (r->bit & 63);
    }
    d->s.nkeys = base;
    if (more < 0)
        return fail_scan(d);
    return check_required(d, rows, count);
}

/* Read {"t":"kind" and find its row. */
static int decode_kind(struct decoder *d, enum frame_side side)
{
    struct scan_text key, kind;
    bool first = true;

    scan_space(&d->s);
    if (scan_peek(&d->s) != '{')
        return fail(d, "bad_frame", "an object is needed");
    if (!scan_open(&d->s, '{'))
        return fail_scan(d);
    if (scan_next_key(&d->s, &first, &key) != 1)
        return d->s.rc != 0 ? fail_scan(d)
                            : fail(d, "bad_frame", "t is missing");
    if (key.escaped || !span_is(key.raw, "t"))
        return fail(d, "bad_frame", "t must be the first key");
    if (scan_peek(&d->s) != '"')
        return fail(d, "bad_type", "t: a string is needed");
    if (!scan_string(&d->s, &kind))
        return fail_scan(d);
    scan_fresh_key(&d->s, 0, &key);
    d->f->kind = kind.escaped ? FRAME_NONE : frame_kind_parse(kind.raw);
    if (d->f->kind != FRAME_NONE && !(kinds[d->f->kind].sides & side))
        return fail(d, "bad_direction", "%s does not come from this side",
                    kinds[d->f->kind].name);
    return 0;
}

static int finish(struct decoder *d)
{
    scan_space(&d->s);
    if (d->s.p != d->s.end)
        return fail(d, "bad_frame", "something follows the object at byte %td",
                    d->s.p - d->s.start);
    if (d->f->kind == FRAME_NONE)
        return fail(d, "unknown_kind", "this kind is not known here");
    return 0;
}

int frame_decode(struct frame *f, struct span object, enum frame_side side,
                 size_t max, bool strict, struct frame_error *err)
{
    SCAN_LOCAL struct decoder d;
    const struct kind_def *k;
    int rc;

    memset(f, 0, sizeof(*f));
    f->raw = object;
    d.f = f;
    d.err = err;
    d.server = side == FROM_SERVER;
    d.strict = strict;
    err->n = 0;
    if (object.n > max)
        return fail(&d, "too_big", "at most %zu bytes", max);
    scan_init(&d.s, object, d.server);
    rc = decode_kind(&d, side);
    if (rc < 0)
        return rc;
    k = &kinds[f->kind];
    if (f->kind == FRAME_NONE || k->count == 0)
        d.strict = false; /* free members */
    rc = decode_rows(&d, k->rows, k->count, false);
    if (rc < 0)
        return rc;
    if (side == FROM_CLIENT && f->kind == FRAME_SEND &&
        object.n > LIMIT_OBJECT && json_member(f->body, "enc").p == NULL)
        return fail(&d, "too_big", "at most %d bytes", LIMIT_OBJECT);
    return finish(&d);
}

bool frame_next(struct span *rest, struct span *object)
{
    while (rest->n > 0) {
        const char *lf = memchr(rest->p, '\n', rest->n);
        size_t n = lf != NULL ? (size_t)(lf - rest->p) : rest->n;

        *object = span_make(rest->p, n);
        rest->p += n + (lf != NULL);
        rest->n -= n + (lf != NULL);
        for (size_t i = 0; i < n; i++)
            if (object->p[i] != ' ' && object->p[i] != '\t' &&
                object->p[i] != '\r')
                return true;
    }
    return false;
}

/* ---- what was decoded, walked ---- */

int frame_decode_bare(struct frame *f, struct scan *s)
{
    SCAN_LOCAL struct decoder d;
    struct frame_error err;
    int rc;

    memset(f, 0, sizeof(*f));
    d.f = f;
    d.err = &err;
    d.server = true;
    d.strict = false;
    d.s = *s;
    rc = scan_open(&d.s, '{')
             ? decode_rows(&d, bare_entry,
                           sizeof(bare_entry) / sizeof(bare_entry[0]), true)
             : -CF_INVALID;
    *s = d.s;
    return rc;
}
