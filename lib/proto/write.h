/* write.h - JSON written by hand into a buffer, for the files of lib/proto.
 * A writer keeps pointers into the buffer's spare room, so that a member costs
 * a copy and no call. Errors stick: only write_end() is checked. */
#ifndef PROTO_WRITE_H
#define PROTO_WRITE_H

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/span.h"

struct writer {
    struct buf *b;
    size_t start;  /* length of b before this frame */
    char *p, *end; /* room that is left */
    int rc;
};

/* Start after what is in b. Nothing else may touch b until write_end(). */
void write_begin(struct writer *w, struct buf *b);

/* Hand the bytes over to b. 0, or -CF_TOO_BIG: b is as it was before. */
int write_end(struct writer *w);

/* Room for n more bytes, the slow way. False: w has failed. */
bool write_grow(struct writer *w, size_t n);

void write_u64(struct writer *w, uint64_t v);
void write_i64(struct writer *w, int64_t v);

/* "c5": with quotes; prefix 0: none. */
void write_id(struct writer *w, char prefix, uint64_t id);

/* text as a JSON string with quotes. Control characters, quote and backslash
 * are escaped; NUL and bytes that are not UTF-8 become U+FFFD. */
void write_text(struct writer *w, struct span text);

static inline bool write_room(struct writer *w, size_t n)
{
    return (size_t)(w->end - w->p) >= n || write_grow(w, n);
}

static inline void write_bytes(struct writer *w, const char *p, size_t n)
{
    if (n > 0 && write_room(w, n)) {
        memcpy(w->p, p, n);
        w->p += n;
    }
}

static inline void write_span(struct writer *w, struct span s)
{
    write_bytes(w, s.p, s.n);
}

static inline void write_byte(struct writer *w, char c)
{
    if (write_room(w, 1))
        *w->p++ = c;
}

/* A string literal: its length is known to the compiler. */
#define write_lit(w, literal) write_bytes(w, literal, sizeof(literal) - 1)

#endif
