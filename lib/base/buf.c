#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

#define BUF_FIRST 64 /* bytes of the first allocation */

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_release(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

/* The next capacity that holds need bytes, need <= max. */
static size_t grown(const struct buf *b, size_t need)
{
    size_t cap = b->cap > 0 ? b->cap : BUF_FIRST;

    while (cap < need)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    return cap < b->max ? cap : b->max;
}

char *buf_reserve(struct buf *b, size_t n)
{
    size_t cap;
    char *data;

    if (n > b->max - b->len)
        return NULL;
    if (b->data == NULL || n > b->cap - b->len) {
        cap = grown(b, b->len + n);
        data = realloc(b->data, cap > 0 ? cap : 1);
        if (data == NULL)
            return NULL;
        b->data = data;
        b->cap = cap;
    }
    return b->data + b->len;
}

int buf_append(struct buf *b, const void *bytes, size_t n)
{
    char *to;

    if (n == 0)
        return 0;
    to = buf_reserve(b, n);
    if (to == NULL)
        return -CF_TOO_BIG;
    memcpy(to, bytes, n);
    b->len += n;
    return 0;
}

int buf_append_span(struct buf *b, struct span s)
{
    return buf_append(b, s.p, s.n);
}

int buf_append_text(struct buf *b, const char *text)
{
    return buf_append(b, text, strlen(text));
}

int buf_append_byte(struct buf *b, char c)
{
    if (b->len < b->cap) {
        b->data[b->len++] = c;
        return 0;
    }
    return buf_append(b, &c, 1);
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
    char small[256];
    char *large;
    va_list args;
    int n, rc;

    va_start(args, fmt);
    n = vsnprintf(small, sizeof(small), fmt, args);
    va_end(args);
    if (n < 0)
        return -CF_TOO_BIG;
    if ((size_t)n < sizeof(small))
        return buf_append(b, small, (size_t)n);
    if ((size_t)n > b->max - b->len)
        return -CF_TOO_BIG;
    large = malloc((size_t)n + 1);
    if (large == NULL)
        return -CF_TOO_BIG;
    va_start(args, fmt);
    vsnprintf(large, (size_t)n + 1, fmt, args);
    va_end(args);
    rc = buf_append(b, large, (size_t)n);
    free(large);
    return rc;
}

int buf_append_u64(struct buf *b, uint64_t v)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    return buf_append(b, digits + at, sizeof(digits) - at);
}

int buf_append_i64(struct buf *b, int64_t v)
{
    size_t before = b->len;

    if (v >= 0)
        return buf_append_u64(b, (uint64_t)v);
    if (buf_append_byte(b, '-') == 0 && buf_append_u64(b, 0 - (uint64_t)v) == 0)
        return 0;
    b->len = before;
    return -CF_TOO_BIG;
}

void buf_consume(struct buf *b, size_t n)
{
    if (n >= b->len) {
        b->len = 0;
        return;
    }
    if (n > 0) {
        memmove(b->data, b->data + n, b->len - n);
        b->len -= n;
    }
}

void buf_clear(struct buf *b)
{
    b->len = 0;
}

struct span buf_span(const struct buf *b)
{
    return span_make(b->data != NULL ? b->data : "", b->len);
}

const char *buf_cstr(struct buf *b)
{
    char *end = buf_reserve(b, 1);

    if (end == NULL)
        return NULL;
    *end = '\0';
    return b->data;
}
