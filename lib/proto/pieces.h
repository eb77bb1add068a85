/* pieces.h - members of frames, for the encoders. Each puts a comma before. */
#ifndef PROTO_PIECES_H
#define PROTO_PIECES_H

#include "proto/encode.h"
#include "proto/write.h"

#define PIECE static inline __attribute__((always_inline))

/* key is a literal: its length is known to the compiler. */
PIECE void put_key(struct writer *w, const char *key)
{
    write_lit(w, ",\"");
    write_bytes(w, key, strlen(key));
    write_lit(w, "\":");
}

PIECE void put_int(struct writer *w, const char *key, int64_t v)
{
    put_key(w, key);
    write_i64(w, v);
}

PIECE void put_positive(struct writer *w, const char *key, int64_t v)
{
    if (v > 0)
        put_int(w, key, v);
}

PIECE void put_id(struct writer *w, const char *key, char prefix, uint64_t id)
{
    put_key(w, key);
    write_id(w, prefix, id);
}

/* Text that needs no escapes. */
PIECE void put_plain(struct writer *w, const char *key, struct span text)
{
    put_key(w, key);
    write_byte(w, '"');
    write_span(w, text);
    write_byte(w, '"');
}

PIECE void put_text(struct writer *w, const char *key, struct span text)
{
    put_key(w, key);
    write_text(w, text);
}

PIECE void put_bool(struct writer *w, const char *key, bool v)
{
    put_key(w, key);
    if (v)
        write_lit(w, "true");
    else
        write_lit(w, "false");
}

PIECE void put_raw(struct writer *w, const char *key, struct span json)
{
    put_key(w, key);
    write_span(w, json);
}

PIECE void put_cid(struct writer *w, struct span cid)
{
    if (cid.p != NULL)
        put_plain(w, "cid", cid);
}

PIECE void open_frame(struct writer *w, struct buf *b, const char *kind)
{
    write_begin(w, b);
    write_lit(w, "{\"t\":\"");
    write_bytes(w, kind, strlen(kind));
    write_byte(w, '"');
}

PIECE int close_frame(struct writer *w)
{
    write_byte(w, '}');
    return write_end(w);
}

/* [["c5",74],...] */
void put_marks(struct writer *w, const char *key, const struct mark *marks,
               int count);
/* ["c5",...] */
void put_ids(struct writer *w, const char *key, char prefix,
             const uint64_t *ids, int count);

#endif
