/* A verdict on the beginning of a handshake is the verdict on all of it, and
 * what is good has the form that it must have; nothing is read outside. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/handshake.h"
#include "proto/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                     \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition); \
            abort();                                                        \
        }                                                                   \
    } while (0)

static void inside(struct span part, const char *in, size_t n)
{
    if (part.p != NULL)
        MUST(part.p >= in && part.p + part.n <= in + n);
}

static void is_good(const struct handshake *h, const char *in, size_t n)
{
    MUST(h->length <= n && h->length <= LIMIT_HTTP_HEADERS);
    MUST(memcmp(in, "GET ", 4) == 0);
    MUST(memcmp(in + h->length - 4, "\r\n\r\n", 4) == 0);
    for (size_t i = 0; i < h->length; i++) {
        MUST(in[i] != '\0');
        MUST(in[i] != '\n' || in[i - 1] == '\r');
        MUST(in[i] != '\r' || in[i + 1] == '\n');
    }
    inside(h->origin, in, h->length);
    inside(h->forwarded, in, h->length);
}

/* The block is as long as the input, for the sanitizer to see its ends. */
static enum handshake_fate judge(const uint8_t *data, size_t n,
                                 struct handshake *h)
{
    char *in = malloc(n > 0 ? n : 1);
    enum handshake_fate fate;

    MUST(in != NULL);
    if (n > 0)
        memcpy(in, data, n);
    fate = handshake_read(span_make(in, n), h);
    MUST((fate == HANDSHAKE_BAD) == (h->status >= 400));
    if (fate == HANDSHAKE_GOOD)
        is_good(h, in, n);
    if (fate == HANDSHAKE_MORE)
        MUST(n <= LIMIT_HTTP_HEADERS);
    free(in);
    return fate;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct handshake whole, part;
    enum handshake_fate fate = judge(data, size, &whole);
    size_t step = size / 64 + 1;

    for (size_t n = 0; n < size; n += step) {
        enum handshake_fate early = judge(data, n, &part);

        if (early == HANDSHAKE_MORE)
            continue;
        MUST(early == fate && part.status == whole.status);
        MUST(fate != HANDSHAKE_GOOD || part.length == whole.length);
    }
    return 0;
}
