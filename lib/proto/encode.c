#include "encode.h"

#include <string.h>

#include "base/error.h"
#include "proto/limits.h"
#include "proto/pieces.h"

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
    put_positive(&w, "re", re);
    put_id(&w, "user", 'u', wl->user);
    put_id(&w, "dev", 'd', wl->dev);
    put_int(&w, "node", wl->node);
    put_plain(&w, "store", span_of(wl->store));
    put_int(&w, "lease", wl->lease);
    put_int(&w, "hb", LIMIT_HEARTBEAT_MS);
    put_int(&w, "ttl", LIMIT_TTL_PRESENCE_MS);
    put_limits(&w, wl);
    put_plain(&w, "durability", span_of(wl->durability));
    put_int(&w, "now", wl->now);
    return close_frame(&w);
}

int enc_hb(struct buf *b, int64_t re, int64_t now)
{
    struct writer w;

    open_frame(&w, b, "hb");
    put_positive(&w, "re", re);
    put_int(&w, "now", now);
    return close_frame(&w);
}

int enc_sent(struct buf *b, int64_t re, uint64_t conv, struct span cid,
             int64_t seq, uint64_t id, int64_t ts, bool dup)
{
    struct writer w;

    open_frame(&w, b, "sent");
    put_positive(&w, "re", re);
    put_id(&w, "conv", 'c', conv);
    put_cid(&w, cid);
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
    put_plain(w, "k", span_of(entry_kind_name(e->kind)));
    if (e->from != 0)
        put_id(w, "from", 'u', e->from);
    if (e->dev != 0)
        put_id(w, "dev", 'd', e->dev);
    put_int(w, "ts", e->ts);
    put_positive(w, "of", e->of);
    put_positive(w, "thread", e->thread);
    put_positive(w, "reply", e->reply);
    put_positive(w, "expires", e->expires);
    if (own)
        put_cid(w, e->cid);
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
    put_positive(&w, "re", re);
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
    put_plain(&w, "why", span_of(why));
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
    put_positive(&w, "re", re);
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
    put_positive(&w, "re", re);
    if (members.n > 0) {
        write_byte(&w, ',');
        write_span(&w, members);
    }
    return close_frame(&w);
}

int enc_err(struct buf *b, int64_t re, const char *code, int64_t retry,
            int64_t seq, const char *msg)
{
    struct writer w;

    open_frame(&w, b, "err");
    put_positive(&w, "re", re);
    put_plain(&w, "code", span_of(code));
    put_bool(&w, "temp", err_is_temporary(code));
    put_positive(&w, "retry", retry);
    put_positive(&w, "seq", seq);
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
