/* decode.h - decoding in tests: ' stands for " in frames. */
#ifndef TESTS_PROTO_DECODE_H
#define TESTS_PROTO_DECODE_H

#include <check.h>
#include <string.h>

#include "proto/frame.h"
#include "proto/limits.h"

static char decode_text[1 << 19];
static struct frame_error decode_error;

static inline int decode_span(struct frame *f, enum frame_side side,
                              struct span text, bool strict)
{
    memset(&decode_error, 0, sizeof(decode_error));
    return frame_decode(f, text, side,
                        side == FROM_CLIENT ? LIMIT_OBJECT_ENC
                                            : LIMIT_ENTRY_WIRE,
                        strict, &decode_error);
}

static inline int decode_as(struct frame *f, enum frame_side side,
                            const char *text, bool strict)
{
    size_t n = strlen(text);

    ck_assert_uint_lt(n, sizeof(decode_text));
    for (size_t i = 0; i <= n; i++)
        decode_text[i] = text[i] == '\'' ? '"' : text[i];
    return decode_span(f, side, span_make(decode_text, n), strict);
}

static inline void decode_ok(struct frame *f, enum frame_side side,
                             const char *text)
{
    int rc = decode_as(f, side, text, true);

    ck_assert_msg(rc == 0, "%s: %s", text, decode_error.text);
}

static inline bool quoted_is(struct span s, const char *text)
{
    size_t n = strlen(text);

    if (s.n != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (s.p[i] != (text[i] == '\'' ? '"' : text[i]))
            return false;
    }
    return true;
}

#endif
