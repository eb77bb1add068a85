/* Messages out of the bytes of a WebSocket connection, either direction. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire.h"

#define HEAD_MAX 65536 /* of HTTP */
#define DEPTH 8
#define STRUCTURE 200000

enum opcode { CONTINUATION = 0, TEXT = 1, CLOSE = 8 };

struct wire_stream {
    bool http, dead;  /* http: the head of the request or answer is not over */
    struct buf bytes; /* not taken apart yet */
    struct buf message; /* fragments of a message of text */
    bool is_text;
};

struct head {
    bool final, masked;
    int opcode;
    uint64_t size;
    size_t bytes; /* of the head itself */
    const unsigned char *mask;
};

struct feeding {
    void (*frame)(void *ctx, json_t *frame);
    void (*closed)(void *ctx, int code);
    void *ctx;
};

struct wire_stream *wire_stream_new(void)
{
    struct wire_stream *s = mem_alloc(sizeof(*s));

    s->http = true;
    buf_init(&s->bytes, 2 * WIRE_MAX_MESSAGE);
    buf_init(&s->message, WIRE_MAX_MESSAGE);
    return s;
}

void wire_stream_free(struct wire_stream **slot)
{
    if (*slot == NULL)
        return;
    buf_release(&(*slot)->bytes);
    buf_release(&(*slot)->message);
    free(*slot);
    *slot = NULL;
}

static void give_up(struct wire_stream *s)
{
    s->dead = true;
    buf_release(&s->bytes);
    buf_release(&s->message);
}

/* The head of a frame; false: it is not all there. */
static bool read_head(const struct buf *b, struct head *h)
{
    const unsigned char *p = (const unsigned char *)b->data;
    int more;

    if (b->len < 2)
        return false;
    h->final = p[0] & 0x80;
    h->opcode = p[0] & 0x0f;
    h->masked = p[1] & 0x80;
    h->size = p[1] & 0x7f;
    more = h->size == 126 ? 2 : h->size == 127 ? 8 : 0;
    h->bytes = 2 + (size_t)more + (h->masked ? 4 : 0);
    if (b->len < h->bytes)
        return false;
    if (more > 0)
        h->size = 0;
    for (int i = 0; i < more; i++)
        h->size = h->size << 8 | p[2 + i];
    h->mask = p + h->bytes - 4;
    return true;
}

/* The objects of a message, one a line. */
static void objects(const struct wire_stream *s, const struct feeding *f)
{
    struct span rest = buf_span(&s->message);
    struct error err;

    while (rest.n > 0) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end != NULL ? (size_t)(end - rest.p) : rest.n;
        json_t *j = n > 0 ? json_parse_bounded(span_make(rest.p, n), DEPTH,
                                               STRUCTURE, &err)
                          : NULL;

        if (j != NULL) {
            f->frame(f->ctx, j);
            json_decref(j);
        }
        n += end != NULL ? 1 : 0;
        rest = span_make(rest.p + n, rest.n - n);
    }
}

static void data_frame(struct wire_stream *s, const struct head *h,
                       const char *p, const struct feeding *f)
{
    if (h->opcode != CONTINUATION) {
        buf_clear(&s->message);
        s->is_text = h->opcode == TEXT;
    }
    if (buf_append(&s->message, p, h->size) < 0) {
        give_up(s);
        return;
    }
    if (h->final && s->is_text)
        objects(s, f);
    if (h->final)
        buf_clear(&s->message);
}

/* Take one frame apart. False: there is no whole one. */
static bool next_frame(struct wire_stream *s, const struct feeding *f)
{
    struct head h;
    char *p;

    if (s->dead || !read_head(&s->bytes, &h))
        return false;
    if (h.size > WIRE_MAX_MESSAGE) {
        give_up(s);
        return false;
    }
    if (s->bytes.len - h.bytes < h.size)
        return false;
    p = s->bytes.data + h.bytes;
    for (uint64_t i = 0; h.masked && i < h.size; i++)
        p[i] = (char)((unsigned char)p[i] ^ h.mask[i % 4]);
    if (h.opcode == CLOSE)
        f->closed(f->ctx, h.size >= 2
                              ? (unsigned char)p[0] << 8 | (unsigned char)p[1]
                              : 0);
    else if (h.opcode <= 2)
        data_frame(s, &h, p, f);
    if (!s->dead)
        buf_consume(&s->bytes, h.bytes + h.size);
    return !s->dead;
}

/* Over the head of HTTP. An answer other than 101 is no WebSocket. */
static void skip_head(struct wire_stream *s)
{
    const char *end = memmem(s->bytes.data, s->bytes.len, "\r\n\r\n", 4);

    if (end == NULL) {
        if (s->bytes.len > HEAD_MAX)
            give_up(s);
        return;
    }
    if (strncmp(s->bytes.data, "HTTP/", 5) == 0 &&
        memcmp(s->bytes.data + 8, " 101", 4) != 0) {
        give_up(s);
        return;
    }
    buf_consume(&s->bytes, (size_t)(end - s->bytes.data) + 4);
    s->http = false;
}

void wire_stream_feed(struct wire_stream *s, const void *bytes, size_t n,
                      void (*frame)(void *ctx, json_t *frame),
                      void (*closed)(void *ctx, int code), void *ctx)
{
    struct feeding f = {frame, closed, ctx};

    if (s->dead)
        return;
    if (buf_append(&s->bytes, bytes, n) < 0) {
        give_up(s);
        return;
    }
    if (s->http && s->bytes.len > 12)
        skip_head(s);
    while (!s->http && next_frame(s, &f))
        continue;
}
