#include "encode.h"

#include <string.h>

#include "base/error.h"
#include "proto/ids.h"
#include "proto/limits.h"
#include "proto/write.h"

/* ---- pieces ---- */

static void put_key(struct writer *w, const char *key)
{
    write_lit(w, ",\"");
    write_bytes(w, key, strlen(key));
    write_lit(w, "\":");
}

static void put_int(struct writer *w, const char *key, int64_t v)
{
    put_key(w, key);
    write_i64(w, v);
}

static void put_id(struct writer *w, const char *key, char prefix, uint64_t id)
{
    put_key(w, key);
    write_byte(w, '"');
    if (prefix != 0)
        write_byte(w, prefix);
    write_u64(w, id);
    write_byte(w, '"');
}

static void put_plain(struct writer *w, const char *key, const char *text)
{
    put_key(w, key);
    write_byte(w, '"');
    write_bytes(w, text, strlen(text));
    write_byte(w, '"');
}

static void put_text(struct writer *w, const char *key, struct span text)
{
    put_key(w, key);
    write_text(w, text);
}

static void put_bool(struct writer *w, const char *key, bool v)
{
    put_key(w, key);
    write_bytes(w, v ? "true" : "false", v ? 4 : 5);
}

static void put_raw(struct writer *w, const char *key, struct span json)
{
    put_key(w, key);
    write_span(w, json);
}

static void open_frame(struct writer *w, struct buf *b, const char *kind)
{
    write_begin(w, b);
    write_lit(w, "{\"t\":\"");
    write_bytes(w, kind, strlen(kind));
    write_byte(w, '"');
}

static void put_re(struct writer *w, int64_t re)
{
    if (re > 0)
        put_int(w, "re", re);
}

static int close_frame(struct writer *w)
{
    write_byte(w, '}');
    return write_end(w);
}

static void put_marks(struct writer *w, const char *key,
                      const struct mark *marks, int count)
{
    put_key(w, key);
    write_byte(w, '[');
    for (int i = 0; i < count; i++) {
        if (i > 0)
            write_byte(w, ',');
        write_lit(w, "[\"c");
        write_u64(w, marks[i].conv);
        write_lit(w, "\",");
        write_i64(w, marks[i].seq);
        write_byte(w, ']');
    }
    write_byte(w, ']');
}

static void put_ids(struct writer *w, const char *key, char prefix,
                    const uint64_t *ids, int count)
{
    put_key(w, key);
    write_byte(w, '[');
    for (int i = 0; i < count; i++) {
        if (i > 0)
            write_byte(w, ',');
        write_byte(w, '"');
        write_byte(w, prefix);
        write_u64(w, ids[i]);
        write_byte(w, '"');
    }
    write_byte(w, ']');
}

/* ---- from the server ---- */

static void put_limits(struct writer *w, const struct welcome *wl)
{
    const struct {
        const char *name;
        int64_t value;
    } rows[] = {
        {"object", LIMIT_OBJECT},
        {"frame", LIMIT_FRAME},
        {"objects", LIMIT_FRAME_OBJECTS},
        {"depth", LIMIT_DEPTH},
        {"body", LIMIT_BODY},
        {"mentions", LIMIT_MENTIONS},
        {"view", LIMIT_VIEW},
        {"history", LIMIT_HISTORY},
        {"backlog", LIMIT_BACKLOG},
        {"live_members", wl->live_members},
        {"win_entries", LIMIT_WIN_ENTRIES},
        {"win_bytes", LIMIT_WIN_BYTES},
        {"sends", LIMIT_SENDS_RATE},
        {"sends_burst", LIMIT_SENDS_BURST},
        {"control", LIMIT_CONTROL_RATE},
        {"control_burst", LIMIT_CONTROL_BURST},
    };

    put_key(w, "limits");
    write_byte(w, '{');
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        write_bytes(w, ",\"", i == 0 ? 0 : 2);
        if (i == 0)
            write_byte(w, '"');
        write_bytes(w, rows[i].name, strlen(rows[i].name));
        write_lit(w, "\":");
        write_i64(w, rows[i].value);
    }
    write_byte(w, '}');
}

int enc_welcome(struct buf *b, int64_t re, const struct welcome *wl)
{
    struct writer w;

    open_frame(&w, b, "welcome");
    put_re(&w, re);
    put_id(&w, "user", 'u', wl->user);
    put_id(&w, "dev", 'd', wl->dev);
    put_int(&w, "node", wl->node);
    put_plain(&w, "store", wl->store);
    put_int(&w, "lease", wl->lease);
    put_int(&w, "hb", LIMIT_HEARTBEAT_MS);
    put_int(&w, "ttl", LIMIT_TTL_PRESENCE_MS);
    put_limits(&w, wl);
    put_plain(&w, "durability", wl->durability);
    put_int(&w, "now", wl->now);
    return close_frame(&w);
}

int enc_hb(struct buf *b, int64_t re, int64_t now)
{
    struct writer w;

    open_frame(&w, b, "hb");
    put_re(&w, re);
    put_int(&w, "now", now);
    return close_frame(&w);
}

int enc_sent(struct buf *b, int64_t re, uint64_t conv, struct span cid,
             int64_t seq, uint64_t id, int64_t ts, bool dup)
{
    struct writer w;

    open_frame(&w, b, "sent");
    put_re(&w, re);
    put_id(&w, "conv", 'c', conv);
    if (cid.p != NULL) {
        write_lit(&w, ",\"cid\":\"");
        write_span(&w, cid);
        write_byte(&w, '"');
    }
    put_int(&w, "seq", seq);
    put_id(&w, "id", 0, id);
    put_int(&w, "ts", ts);
    if (dup)
        put_bool(&w, "dup", true);
    return close_frame(&w);
}

/* The members of an entry but conv. */
static void put_entry(struct writer *w, const struct entry *e, bool own)
{
    write_lit(w, "\"seq\":");
    write_i64(w, e->seq);
    put_id(w, "id", 0, e->id);
    put_plain(w, "k", entry_kind_name(e->kind));
    put_id(w, "from", 'u', e->from);
    if (e->dev != 0)
        put_id(w, "dev", 'd', e->dev);
    put_int(w, "ts", e->ts);
    if (e->of > 0)
        put_int(w, "of", e->of);
    if (e->thread > 0)
        put_int(w, "thread", e->thread);
    if (e->reply > 0)
        put_int(w, "reply", e->reply);
    if (e->expires > 0)
        put_int(w, "expires", e->expires);
    if (own && e->cid.p != NULL) {
        write_lit(w, ",\"cid\":\"");
        write_span(w, e->cid);
        write_byte(w, '"');
    }
    if (e->deleted)
        put_bool(w, "deleted", true);
    if (e->trace)
        put_bool(w, "trace", true);
    if (e->mention.p != NULL)
        put_raw(w, "mention", e->mention);
    if (e->body.p != NULL && !e->deleted)
        put_raw(w, "body", e->body);
}

int enc_entry(struct buf *b, const struct entry *e, bool own)
{
    struct writer w;

    open_frame(&w, b, "entry");
    put_id(&w, "conv", 'c', e->conv);
    write_byte(&w, ',');
    put_entry(&w, e, own);
    return close_frame(&w);
}

int enc_entry_bare(struct buf *b, const struct entry *e, bool own)
{
    struct writer w;

    write_begin(&w, b);
    write_byte(&w, '{');
    put_entry(&w, e, own);
    return close_frame(&w);
}

int enc_batch_open(struct buf *b, int64_t re, uint64_t conv)
{
    struct writer w;

    open_frame(&w, b, "batch");
    put_re(&w, re);
    put_id(&w, "conv", 'c', conv);
    write_lit(&w, ",\"entries\":[");
    return write_end(&w);
}

int enc_batch_close(struct buf *b, int64_t from, int64_t to, int64_t head,
                    bool more)
{
    struct writer w;

    write_begin(&w, b);
    write_byte(&w, ']');
    put_int(&w, "from", from);
    put_int(&w, "to", to);
    put_int(&w, "head", head);
    put_bool(&w, "more", more);
    return close_frame(&w);
}

int enc_synced(struct buf *b, const struct mark *more, int count)
{
    struct writer w;

    open_frame(&w, b, "synced");
    if (count > 0)
        put_marks(&w, "more", more, count);
    return close_frame(&w);
}

int enc_gap(struct buf *b, uint64_t conv, int64_t from, int64_t to,
            const char *why)
{
    struct writer w;

    open_frame(&w, b, "gap");
    put_id(&w, "conv", 'c', conv);
    put_int(&w, "from", from);
    put_int(&w, "to", to);
    put_plain(&w, "why", why);
    return close_frame(&w);
}

int enc_receipt(struct buf *b, uint64_t conv, uint64_t user, int64_t delivered,
                int64_t read)
{
    struct writer w;

    open_frame(&w, b, "receipt");
    put_id(&w, "conv", 'c', conv);
    put_id(&w, "user", 'u', user);
    put_int(&w, "delivered", delivered);
    put_int(&w, "read", read);
    return close_frame(&w);
}

int enc_receipt_counts(struct buf *b, uint64_t conv, int64_t seq,
                       int64_t delivered_n, int64_t read_n)
{
    struct writer w;

    open_frame(&w, b, "receipt");
    put_id(&w, "conv", 'c', conv);
    put_int(&w, "seq", seq);
    put_int(&w, "delivered_n", delivered_n);
    put_int(&w, "read_n", read_n);
    return close_frame(&w);
}

int enc_presence(struct buf *b, int64_t re, const struct presence_row *rows,
                 int count)
{
    struct writer w;

    open_frame(&w, b, "presence");
    put_re(&w, re);
    write_lit(&w, ",\"at\":[");
    for (int i = 0; i < count; i++) {
        if (i > 0)
            write_byte(&w, ',');
        write_lit(&w, "[\"u");
        write_u64(&w, rows[i].user);
        write_lit(&w, "\",\"");
        write_bytes(&w, presence_name(rows[i].state),
                    strlen(presence_name(rows[i].state)));
        write_lit(&w, "\",");
        write_i64(&w, rows[i].last);
        write_byte(&w, ']');
    }
    write_byte(&w, ']');
    return close_frame(&w);
}

int enc_head(struct buf *b, uint64_t conv, int64_t seq, int64_t mentions)
{
    struct writer w;

    open_frame(&w, b, "head");
    put_id(&w, "conv", 'c', conv);
    put_int(&w, "seq", seq);
    put_int(&w, "mentions", mentions);
    return close_frame(&w);
}

int enc_typing_push(struct buf *b, uint64_t conv, uint64_t user, bool on)
{
    struct writer w;

    open_frame(&w, b, "typing");
    put_id(&w, "conv", 'c', conv);
    put_id(&w, "user", 'u', user);
    put_bool(&w, "on", on);
    return close_frame(&w);
}

int enc_ok(struct buf *b, int64_t re, struct span members)
{
    struct writer w;

    open_frame(&w, b, "ok");
    put_re(&w, re);
    if (members.n > 0) {
        write_byte(&w, ',');
        write_span(&w, members);
    }
    return close_frame(&w);
}

bool err_is_temporary(const char *code)
{
    static const char *const codes[] = {"busy",       "rate",
                                        "timeout",    "unavailable",
                                        "store_full", "stale_devices"};

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (strcmp(codes[i], code) == 0)
            return true;
    return false;
}

const char *err_code_of(int cf)
{
    static const char *const codes[CF_CODES] = {
        [CF_OK] = "unavailable",
        [CF_NOMEM] = "busy",
        [CF_TOO_BIG] = "too_big",
        [CF_INVALID] = "bad_frame",
        [CF_NOT_FOUND] = "not_found",
        [CF_EXISTS] = "exists",
        [CF_CONFLICT] = "cid_conflict",
        [CF_STALE] = "unavailable",
        [CF_UNKNOWN] = "timeout",
        [CF_TIMEOUT] = "timeout",
        [CF_BUSY] = "busy",
        [CF_UNAVAILABLE] = "unavailable",
        [CF_FULL] = "store_full",
        [CF_DENIED] = "not_found",
        [CF_CLOSED] = "unavailable",
        [CF_IO] = "unavailable",
        [CF_VERSION] = "version",
        [CF_LIMIT] = "quota",
        [CF_BLOCKED] = "blocked",
        [CF_EXPIRED] = "expired",
    };

    if (cf < 0)
        cf = -cf;
    return cf < CF_CODES ? codes[cf] : "unavailable";
}

int enc_err(struct buf *b, int64_t re, const char *code, int64_t retry,
            int64_t seq, const char *msg)
{
    struct writer w;

    open_frame(&w, b, "err");
    put_re(&w, re);
    put_plain(&w, "code", code);
    put_bool(&w, "temp", err_is_temporary(code));
    if (retry > 0)
        put_int(&w, "retry", retry);
    if (seq > 0)
        put_int(&w, "seq", seq);
    if (msg != NULL)
        put_text(&w, "msg", span_of(msg));
    return close_frame(&w);
}

int enc_bye(struct buf *b, int code, int64_t retry_min, int64_t retry_max,
            const char *why)
{
    struct writer w;

    open_frame(&w, b, "bye");
    put_int(&w, "code", code);
    if (retry_max > 0) {
        write_lit(&w, ",\"retry\":[");
        write_i64(&w, retry_min);
        write_byte(&w, ',');
        write_i64(&w, retry_max);
        write_byte(&w, ']');
    }
    if (why != NULL)
        put_text(&w, "msg", span_of(why));
    return close_frame(&w);
}

/* ---- from the client ---- */

static void put_n(struct writer *w, int64_t n)
{
    if (n > 0)
        put_int(w, "n", n);
}

static void put_seen(struct writer *w, const struct hello *h)
{
    write_lit(w, ",\"last_seen\":{");
    for (int i = 0; i < h->last_seen_count; i++) {
        if (i > 0)
            write_byte(w, ',');
        write_lit(w, "\"c");
        write_u64(w, h->last_seen[i].conv);
        write_lit(w, "\":");
        write_i64(w, h->last_seen[i].seq);
    }
    write_byte(w, '}');
}

int enc_hello(struct buf *b, int64_t n, const struct hello *h)
{
    struct writer w;

    open_frame(&w, b, "hello");
    put_n(&w, n);
    write_lit(&w, ",\"ver\":[1]");
    if (h->dev != 0)
        put_id(&w, "dev", 'd', h->dev);
    if (h->token != NULL)
        put_plain(&w, "token", h->token);
    if (h->ua != NULL)
        put_text(&w, "ua", span_of(h->ua));
    if (h->win_entries > 0) {
        write_lit(&w, ",\"win\":{\"entries\":");
        write_i64(&w, h->win_entries);
        write_lit(&w, ",\"bytes\":");
        write_i64(&w, h->win_bytes);
        write_byte(&w, '}');
    }
    if (h->last_seen_count > 0)
        put_seen(&w, h);
    if (h->strict)
        put_bool(&w, "strict", true);
    return close_frame(&w);
}

int enc_hb_act(struct buf *b, int64_t n, bool act)
{
    struct writer w;

    open_frame(&w, b, "hb");
    put_n(&w, n);
    put_bool(&w, "act", act);
    return close_frame(&w);
}

static void put_cid(struct writer *w, struct span cid)
{
    if (cid.p == NULL)
        return;
    write_lit(w, ",\"cid\":\"");
    write_span(w, cid);
    write_byte(w, '"');
}

int enc_send(struct buf *b, int64_t n, const struct send *s)
{
    struct writer w;

    open_frame(&w, b, "send");
    put_n(&w, n);
    put_id(&w, "conv", 'c', s->conv);
    put_cid(&w, s->cid);
    if (s->thread > 0)
        put_int(&w, "thread", s->thread);
    if (s->reply > 0)
        put_int(&w, "reply", s->reply);
    if (s->ttl > 0)
        put_int(&w, "ttl", s->ttl);
    if (s->mention.p != NULL)
        put_raw(&w, "mention", s->mention);
    put_raw(&w, "body", s->body);
    return close_frame(&w);
}

static void open_change(struct writer *w, struct buf *b, const char *kind,
                        int64_t n, uint64_t conv, int64_t seq, struct span cid)
{
    open_frame(w, b, kind);
    put_n(w, n);
    put_id(w, "conv", 'c', conv);
    put_int(w, "seq", seq);
    put_cid(w, cid);
}

int enc_edit(struct buf *b, int64_t n, uint64_t conv, int64_t seq,
             struct span cid, struct span body)
{
    struct writer w;

    open_change(&w, b, "edit", n, conv, seq, cid);
    put_raw(&w, "body", body);
    return close_frame(&w);
}

int enc_delete(struct buf *b, int64_t n, uint64_t conv, int64_t seq,
               struct span cid)
{
    struct writer w;

    open_change(&w, b, "delete", n, conv, seq, cid);
    return close_frame(&w);
}

int enc_react(struct buf *b, int64_t n, uint64_t conv, int64_t seq,
              struct span cid, struct span emoji, bool on)
{
    struct writer w;

    open_change(&w, b, "react", n, conv, seq, cid);
    put_text(&w, "emoji", emoji);
    put_bool(&w, "on", on);
    return close_frame(&w);
}

int enc_ack(struct buf *b, const struct mark *marks, int count)
{
    struct writer w;

    open_frame(&w, b, "ack");
    put_marks(&w, "at", marks, count);
    return close_frame(&w);
}

int enc_read(struct buf *b, const struct mark *marks, int count)
{
    struct writer w;

    open_frame(&w, b, "read");
    put_marks(&w, "at", marks, count);
    return close_frame(&w);
}

int enc_typing(struct buf *b, uint64_t conv, bool on)
{
    struct writer w;

    open_frame(&w, b, "typing");
    put_id(&w, "conv", 'c', conv);
    put_bool(&w, "on", on);
    return close_frame(&w);
}

int enc_view(struct buf *b, int64_t n, const uint64_t *convs, int nconvs,
             const uint64_t *users, int nusers)
{
    struct writer w;

    open_frame(&w, b, "view");
    put_n(&w, n);
    put_ids(&w, "convs", 'c', convs, nconvs);
    put_ids(&w, "users", 'u', users, nusers);
    return close_frame(&w);
}

int enc_history(struct buf *b, int64_t n, uint64_t conv, int64_t before,
                int64_t after, int64_t limit, int64_t thread)
{
    struct writer w;

    open_frame(&w, b, "history");
    put_n(&w, n);
    put_id(&w, "conv", 'c', conv);
    if (before > 0)
        put_int(&w, "before", before);
    else if (after >= 0)
        put_int(&w, "after", after);
    if (limit > 0)
        put_int(&w, "limit", limit);
    if (thread > 0)
        put_int(&w, "thread", thread);
    return close_frame(&w);
}

int enc_fence(struct buf *b, int64_t n, const uint64_t *convs, int count)
{
    struct writer w;

    open_frame(&w, b, "fence");
    put_n(&w, n);
    if (count > 0)
        put_ids(&w, "convs", 'c', convs, count);
    return close_frame(&w);
}

int enc_request(struct buf *b, int64_t n, enum frame_kind kind,
                struct span members)
{
    struct writer w;

    open_frame(&w, b, frame_kind_name(kind));
    put_n(&w, n);
    if (members.n > 0) {
        write_byte(&w, ',');
        write_span(&w, members);
    }
    return close_frame(&w);
}

/* ---- raw members ---- */

static void open_member(struct writer *w, struct buf *b, const char *key)
{
    char last = b->len > 0 ? b->data[b->len - 1] : '{';

    write_begin(w, b);
    if (last != '{' && last != '[')
        write_byte(w, ',');
    write_byte(w, '"');
    write_bytes(w, key, strlen(key));
    write_lit(w, "\":");
}

int enc_member_text(struct buf *b, const char *key, struct span text)
{
    struct writer w;

    open_member(&w, b, key);
    write_text(&w, text);
    return write_end(&w);
}

int enc_member_id(struct buf *b, const char *key, char prefix, uint64_t id)
{
    struct writer w;

    open_member(&w, b, key);
    write_byte(&w, '"');
    if (prefix != 0)
        write_byte(&w, prefix);
    write_u64(&w, id);
    write_byte(&w, '"');
    return write_end(&w);
}

int enc_member_int(struct buf *b, const char *key, int64_t v)
{
    struct writer w;

    open_member(&w, b, key);
    write_i64(&w, v);
    return write_end(&w);
}

int enc_member_bool(struct buf *b, const char *key, bool v)
{
    struct writer w;

    open_member(&w, b, key);
    write_bytes(&w, v ? "true" : "false", v ? 4 : 5);
    return write_end(&w);
}

int enc_member_raw(struct buf *b, const char *key, struct span json)
{
    struct writer w;

    open_member(&w, b, key);
    write_span(&w, json);
    return write_end(&w);
}
