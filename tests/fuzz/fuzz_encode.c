/* Frames made from arbitrary values decode to these values, are JSON for
 * jansson too, hold no line end, and leave a buffer that is too small as it
 * was. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "proto/encode.h"
#include "proto/ids.h"
#include "proto/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                     \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition); \
            abort();                                                        \
        }                                                                   \
    } while (0)

static struct span input;

static uint64_t take(uint64_t max) /* 1..max */
{
    uint64_t v = 0;
    size_t n = input.n < 8 ? input.n : 8;

    memcpy(&v, input.p, n);
    input.p += n;
    input.n -= n;
    return v % max + 1;
}

static struct span take_text(size_t max)
{
    size_t n = (size_t)take(max + 1) - 1;
    struct span s;

    if (n > input.n)
        n = input.n;
    s = span_make(input.p, n);
    input.p += n;
    input.n -= n;
    return s;
}

static struct span take_cid(char cid[LIMIT_CID])
{
    struct span s = take_text(LIMIT_CID);

    for (size_t i = 0; i < s.n; i++) {
        cid[i] = (char)(0x21 + (unsigned char)s.p[i] % 0x5e);
        if (cid[i] == '"' || cid[i] == '\\')
            cid[i] = 'x';
    }
    return span_make(s.n > 0 ? cid : NULL, s.n);
}

static struct entry one_entry(char cid[LIMIT_CID], struct span body)
{
    return (struct entry){
        .conv = take(ID_MAX),
        .seq = (int64_t)take(LIMIT_SEQ),
        .id = take(ID_MAX),
        .ts = (int64_t)take(LIMIT_SEQ),
        .kind = (enum entry_kind)take(ENTRY_KINDS - 1),
        .from = take(ID_MAX),
        .dev = (uint32_t)take(UINT32_MAX),
        .of = (int64_t)take(LIMIT_SEQ),
        .thread = (int64_t)take(LIMIT_SEQ),
        .expires = (int64_t)take(LIMIT_SEQ),
        .trace = take(2) == 1,
        .cid = take_cid(cid),
        .body = body,
    };
}

static void same_entry(const struct entry *a, const struct entry *b)
{
    MUST(a->conv == b->conv && a->seq == b->seq && a->id == b->id);
    MUST(a->ts == b->ts && a->kind == b->kind && a->from == b->from);
    MUST(a->dev == b->dev && a->of == b->of && a->thread == b->thread);
    MUST(a->reply == b->reply && a->expires == b->expires);
    MUST(a->trace == b->trace && a->deleted == b->deleted);
    MUST(span_eq(a->cid, b->cid) && span_eq(a->body, b->body));
}

static void decode(struct frame *f, struct span text, enum frame_side side)
{
    struct frame_error err;
    json_error_t ignored;
    json_t *j = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &ignored);

    MUST(j != NULL);
    json_decref(j);
    MUST(memchr(text.p, '\n', text.n) == NULL);
    if (frame_decode(f, text, side, LIMIT_ENTRY_WIRE, true, &err) != 0) {
        fprintf(stderr, "%s: %.*s\n", err.text, (int)text.n, text.p);
        abort();
    }
}

/* The body {"text": any bytes}. */
static void make_body(struct buf *b)
{
    buf_init(b, LIMIT_BODY);
    MUST(buf_append_byte(b, '{') == 0);
    MUST(enc_member_text(b, "text", take_text(4096)) == 0);
    MUST(buf_append_byte(b, '}') == 0);
}

static int encode_entry(struct buf *b, const struct entry *e, int way)
{
    if (way == 1)
        return enc_entry(b, e, true);
    if (enc_batch_open(b, 0, e->conv) < 0 || enc_entry_bare(b, e, true) < 0 ||
        buf_append_byte(b, ',') < 0 || enc_entry_bare(b, e, true) < 0)
        return -CF_TOO_BIG;
    return enc_batch_close(b, e->seq, e->seq, e->seq, false);
}

static void try_entry(void)
{
    int way = (int)take(2), count = 0;
    struct buf body, b;
    char cid[LIMIT_CID];
    struct entry e, back;
    struct frame f;

    make_body(&body);
    e = one_entry(cid, buf_span(&body));
    buf_init(&b, LIMIT_ENTRY_WIRE);
    MUST(encode_entry(&b, &e, way) == 0);
    decode(&f, buf_span(&b), FROM_SERVER);
    if (way == 1) {
        frame_entry(&f, &back);
        same_entry(&e, &back);
    }
    for (; way == 2 && frame_next_entry(&f.entries, f.conv, &back); count++)
        same_entry(&e, &back);
    MUST(way == 1 || count == 2);
    buf_release(&b);
    buf_release(&body);
}

static void try_send(void)
{
    struct buf body, b;
    char cid[LIMIT_CID];
    struct frame f;
    struct send s = {.conv = take(ID_MAX), .ttl = (int64_t)take(LIMIT_TTL_MS)};

    s.cid = take_cid(cid);
    make_body(&body);
    if (body.len == sizeof("{\"text\":\"\"}") - 1) {
        buf_release(&body); /* an empty text is no message */
        return;
    }
    s.body = buf_span(&body);
    buf_init(&b, LIMIT_OBJECT);
    MUST(enc_send(&b, 5, &s) == 0);
    decode(&f, buf_span(&b), FROM_CLIENT);
    MUST(f.kind == FRAME_SEND && f.n == 5 && f.conv == s.conv);
    MUST(f.ttl == s.ttl && span_eq(f.cid, s.cid) && span_eq(f.body, s.body));
    buf_release(&b);
    buf_release(&body);
}

static void try_marks(void)
{
    struct mark marks[40], m;
    int count = (int)take(40), i = 0;
    struct buf b;
    struct frame f;

    for (int k = 0; k < count; k++)
        marks[k] = (struct mark){take(ID_MAX), (int64_t)take(LIMIT_SEQ)};
    buf_init(&b, LIMIT_OBJECT);
    MUST(enc_ack(&b, marks, count) == 0);
    decode(&f, buf_span(&b), FROM_CLIENT);
    for (; frame_next_mark(&f.at, &m); i++)
        MUST(m.conv == marks[i].conv && m.seq == marks[i].seq);
    MUST(i == count);
    buf_release(&b);
}

static void try_error(void)
{
    char msg[256];
    struct span text = take_text(200);
    struct buf b, back;
    struct frame f;

    for (size_t i = 0; i < text.n; i++)
        msg[i] = text.p[i] != 0 ? text.p[i] : '?';
    msg[text.n] = 0;
    buf_init(&b, LIMIT_OBJECT);
    buf_init(&back, LIMIT_OBJECT);
    MUST(enc_err(&b, 3, "busy", (int64_t)take(5000), 0, msg) == 0);
    decode(&f, buf_span(&b), FROM_SERVER);
    MUST(f.re == 3 && f.temp && span_is(f.code, "busy"));
    MUST(frame_text(&back, f.msg) == 0);
    buf_release(&back);
    buf_release(&b);
}

/* Every smaller buffer refuses and keeps what it held. */
static void try_small(void)
{
    size_t max = (size_t)take(300);
    char cid[LIMIT_CID];
    struct entry e = one_entry(cid, SPAN("{\"text\":\"hello\"}"));
    struct buf b, whole;

    buf_init(&whole, LIMIT_ENTRY_WIRE);
    MUST(enc_entry(&whole, &e, true) == 0);
    buf_init(&b, max + 3);
    MUST(buf_append_text(&b, "abc") == 0);
    if (enc_entry(&b, &e, true) == 0) {
        MUST(whole.len <= max);
        MUST(memcmp(b.data + 3, whole.data, whole.len) == 0);
    } else {
        MUST(whole.len > max && b.len == 3);
    }
    MUST(memcmp(b.data, "abc", 3) == 0);
    buf_release(&whole);
    buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(void) = {try_entry, try_send, try_marks,
                                          try_error, try_small};

    if (size < 1)
        return 0;
    input = span_make(data + 1, size - 1);
    tries[data[0] % (sizeof(tries) / sizeof(tries[0]))]();
    return 0;
}
