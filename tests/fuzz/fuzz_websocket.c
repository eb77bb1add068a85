/* The same bytes, given at once and in pieces, are the same frames with the
 * same verdict; nothing is read outside of what was given. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/rng.h"
#include "proto/limits.h"
#include "proto/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                     \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition); \
            abort();                                                        \
        }                                                                   \
    } while (0)

struct reader {
    struct websocket w;
    struct buf left; /* the beginning of a frame */
    struct buf told; /* op, bytes, '|' behind what is complete */
    int verdict;
    bool inside; /* a text message is told in part */
};

static void tell(struct reader *r, const struct websocket_piece *p)
{
    if (p->op != WEBSOCKET_TEXT || !r->inside)
        buf_append_byte(&r->told, (char)('0' + p->op));
    buf_append(&r->told, p->data, p->n);
    if (p->last)
        buf_append_byte(&r->told, '|');
    if (p->op == WEBSOCKET_TEXT)
        r->inside = !p->last;
    else
        MUST(p->last && p->n <= WEBSOCKET_CONTROL);
    if (p->op == WEBSOCKET_CLOSE)
        MUST(websocket_close_code(p->data, p->n) >= 1000);
}

/* The block is as long as the input, for the sanitizer to see its ends. */
static void feed(struct reader *r, const uint8_t *bytes, size_t n)
{
    size_t all = r->left.len + n, rest = all;
    char *in = malloc(all > 0 ? all : 1), *at = in;
    struct websocket_piece piece;

    MUST(in != NULL);
    if (r->left.len > 0)
        memcpy(in, r->left.data, r->left.len);
    if (n > 0)
        memcpy(in + r->left.len, bytes, n);
    buf_clear(&r->left);
    while ((r->verdict = websocket_pull(&r->w, &at, &rest, &piece)) > 0) {
        MUST(piece.data >= in && piece.data + piece.n <= in + all);
        tell(r, &piece);
    }
    MUST(at + rest == in + all);
    if (r->verdict == 0) {
        MUST(rest < WEBSOCKET_WHOLE);
        buf_append(&r->left, at, rest);
    }
    free(in);
}

static void begin(struct reader *r)
{
    *r = (struct reader){0};
    buf_init(&r->left, WEBSOCKET_WHOLE);
    buf_init(&r->told, 4 << 20);
}

static void end(struct reader *r)
{
    buf_release(&r->left);
    buf_release(&r->told);
}

static void same(const struct reader *whole, const struct reader *cut)
{
    size_t n = whole->told.len;

    MUST(whole->verdict == cut->verdict);
    if (whole->verdict == 0)
        MUST(span_eq(buf_span(&whole->left), buf_span(&cut->left)));
    /* What came before the byte that is wrong may have been told. */
    MUST(whole->verdict < 0 ? cut->told.len >= n : cut->told.len == n);
    MUST(n == 0 || memcmp(whole->told.data, cut->told.data, n) == 0);
}

/* Pieces of 1 to most bytes. */
static void read_cut(struct reader *r, const uint8_t *data, size_t size,
                     size_t most, struct rng *rng)
{
    begin(r);
    while (size > 0 && r->verdict == 0) {
        size_t n = (size_t)rng_below(rng, most) + 1;

        n = n < size ? n : size;
        feed(r, data, n);
        data += n;
        size -= n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t most[] = {1, 3, 17, 300};
    struct reader whole, cut;
    struct rng rng;

    begin(&whole);
    feed(&whole, data, size);
    rng_init_seeded(&rng, size * 256 + (size > 0 ? data[size - 1] : 0));
    for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
        read_cut(&cut, data, size, most[i], &rng);
        if (size > 0)
            same(&whole, &cut);
        end(&cut);
    }
    end(&whole);
    return 0;
}
