#include "encode.h"

#include <string.h>

#include "proto/pieces.h"

/* ---- from the client ---- */

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
    put_positive(&w, "n", n);
    write_lit(&w, ",\"ver\":[1]");
    if (h->dev != 0)
        put_id(&w, "dev", 'd', h->dev);
    if (h->token != NULL)
        put_plain(&w, "token", span_of(h->token));
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
    put_positive(&w, "n", n);
    put_bool(&w, "act", act);
    return close_frame(&w);
}

int enc_send(struct buf *b, int64_t n, const struct send *s)
{
    struct writer w;

    open_frame(&w, b, "send");
    put_positive(&w, "n", n);
    put_id(&w, "conv", 'c', s->conv);
    put_cid(&w, s->cid);
    put_positive(&w, "thread", s->thread);
    put_positive(&w, "reply", s->reply);
    put_positive(&w, "ttl", s->ttl);
    if (s->mention.p != NULL)
        put_raw(&w, "mention", s->mention);
    put_raw(&w, "body", s->body);
    return close_frame(&w);
}

static void open_change(struct writer *w, struct buf *b, const char *kind,
                        int64_t n, uint64_t conv, int64_t seq, struct span cid)
{
    open_frame(w, b, kind);
    put_positive(w, "n", n);
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
    put_positive(&w, "n", n);
    put_ids(&w, "convs", 'c', convs, nconvs);
    put_ids(&w, "users", 'u', users, nusers);
    return close_frame(&w);
}

int enc_history(struct buf *b, int64_t n, uint64_t conv, int64_t before,
                int64_t after, int64_t limit, int64_t thread)
{
    struct writer w;

    open_frame(&w, b, "history");
    put_positive(&w, "n", n);
    put_id(&w, "conv", 'c', conv);
    if (before > 0)
        put_int(&w, "before", before);
    else if (after >= 0)
        put_int(&w, "after", after);
    put_positive(&w, "limit", limit);
    put_positive(&w, "thread", thread);
    return close_frame(&w);
}

int enc_fence(struct buf *b, int64_t n, const uint64_t *convs, int count)
{
    struct writer w;

    open_frame(&w, b, "fence");
    put_positive(&w, "n", n);
    if (count > 0)
        put_ids(&w, "convs", 'c', convs, count);
    return close_frame(&w);
}

int enc_request(struct buf *b, int64_t n, enum frame_kind kind,
                struct span members)
{
    struct writer w;

    open_frame(&w, b, frame_kind_name(kind));
    put_positive(&w, "n", n);
    if (members.n > 0) {
        write_byte(&w, ',');
        write_span(&w, members);
    }
    return close_frame(&w);
}
