/* encode_pieces.c - lists, error codes and raw members. */
#include "proto/pieces.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

void put_marks(struct writer *w, const char *key, const struct mark *marks,
               int count)
{
    put_key(w, key);
    write_byte(w, '[');
    for (int i = 0; i < count; i++) {
        if (i > 0)
            write_byte(w, ',');
        write_byte(w, '[');
        write_id(w, 'c', marks[i].conv);
        write_byte(w, ',');
        write_i64(w, marks[i].seq);
        write_byte(w, ']');
    }
    write_byte(w, ']');
}

void put_ids(struct writer *w, const char *key, char prefix,
             const uint64_t *ids, int count)
{
    put_key(w, key);
    write_byte(w, '[');
    for (int i = 0; i < count; i++) {
        if (i > 0)
            write_byte(w, ',');
        write_id(w, prefix, ids[i]);
    }
    write_byte(w, ']');
}

bool err_is_temporary(const char *code)
{
    static const char *const codes[] = {"busy",       "rate",
                                        "timeout",    "unavailable",
                                        "store_full", "stale_devices"};

    for (size_t i = 0; i < COUNT_OF(codes); i++)
        if (strcmp(codes[i], code) == 0)
            return true;
    return false;
}

const char *err_code_of(int cf)
{
    static const char *const codes[CF_CODES] = {
        [CF_OK] = "unavailable",
        [CF_NOMEM] = "busy",
        [CF_TOO_BIG] = "too_big",
        [CF_INVALID] = "bad_frame",
        [CF_NOT_FOUND] = "not_found",
        [CF_EXISTS] = "exists",
        [CF_CONFLICT] = "cid_conflict",
        [CF_STALE] = "unavailable",
        [CF_UNKNOWN] = "timeout",
        [CF_TIMEOUT] = "timeout",
        [CF_BUSY] = "busy",
        [CF_UNAVAILABLE] = "unavailable",
        [CF_FULL] = "store_full",
        [CF_DENIED] = "not_found",
        [CF_CLOSED] = "unavailable",
        [CF_IO] = "unavailable",
        [CF_VERSION] = "version",
        [CF_LIMIT] = "quota",
        [CF_BLOCKED] = "blocked",
        [CF_EXPIRED] = "expired",
        [CF_AGAIN] = "busy",
    };

    if (cf < 0)
        cf = -cf;
    return cf < CF_CODES ? codes[cf] : "unavailable";
}

/* ---- raw members ---- */

static void open_member(struct writer *w, struct buf *b, const char *key)
{
    char last = b->len > 0 ? b->data[b->len - 1] : '{';

    write_begin(w, b);
    if (last != '{' && last != '[')
        write_byte(w, ',');
    write_byte(w, '"');
    write_bytes(w, key, strlen(key));
    write_lit(w, "\":");
}

int enc_member_text(struct buf *b, const char *key, struct span text)
{
    struct writer w;

    open_member(&w, b, key);
    write_text(&w, text);
    return write_end(&w);
}

int enc_member_id(struct buf *b, const char *key, char prefix, uint64_t id)
{
    struct writer w;

    open_member(&w, b, key);
    write_id(&w, prefix, id);
    return write_end(&w);
}

int enc_member_int(struct buf *b, const char *key, int64_t v)
{
    struct writer w;

    open_member(&w, b, key);
    write_i64(&w, v);
    return write_end(&w);
}

int enc_member_bool(struct buf *b, const char *key, bool v)
{
    struct writer w;

    open_member(&w, b, key);
    write_bytes(&w, v ? "true" : "false", v ? 4 : 5);
    return write_end(&w);
}

int enc_member_raw(struct buf *b, const char *key, struct span json)
{
    struct writer w;

    open_member(&w, b, key);
    write_span(&w, json);
    return write_end(&w);
}
