/* buf.h - a growing buffer that is born with its largest size. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct buf {
    char *data; /* NULL until the first byte; len bytes are valid */
    size_t len;
    size_t cap;
    size_t max; /* data never grows beyond this many bytes */
};

/* An empty buffer that refuses to hold more than max bytes. Allocates
 * nothing. Pair with buf_release(). */
void buf_init(struct buf *b, size_t max);

/* Free the memory; b is empty and usable again, with the same max. */
void buf_release(struct buf *b);

/* Append n bytes. 0, or -CF_TOO_BIG: then nothing was appended. */
int buf_append(struct buf *b, const void *bytes, size_t n);
int buf_append_span(struct buf *b, struct span s);
int buf_append_text(struct buf *b, const char *text);
int buf_append_byte(struct buf *b, char c);

/* Append formatted text. 0 or -CF_TOO_BIG (nothing appended). */
int buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Append a decimal number; the fast way of the hot path. */
int buf_append_u64(struct buf *b, uint64_t v);
int buf_append_i64(struct buf *b, int64_t v);

/* Make room for n more bytes and return where they go, NULL when that would
 * pass max. Write there, then add what was written to b->len. */
char *buf_reserve(struct buf *b, size_t n);

/* Drop the first n bytes, n <= len. */
void buf_consume(struct buf *b, size_t n);

/* Forget the content, keep the memory. */
void buf_clear(struct buf *b);

/* The content, valid until the next change. */
struct span buf_span(const struct buf *b);

/* A NUL-terminated view of the content (the NUL is not counted in len).
 * NULL when there is no room for the NUL. */
const char *buf_cstr(struct buf *b);

#endif
