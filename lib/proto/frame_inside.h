/* frame_inside.h - what the files of the frame decoder share. */
#ifndef PROTO_FRAME_INSIDE_H
#define PROTO_FRAME_INSIDE_H

#include "proto/frame.h"
#include "proto/frame_table.h"
#include "proto/scan.h"

struct decoder {
    struct scan s;
    struct frame *f;
    struct frame_error *err; /* NULL: nobody reads it */
    const struct row *row;   /* the member being read */
    int rc;
    bool server, strict;
};

/* Fail with a code of the protocol. Always false. */
bool frame_fail(struct decoder *d, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The scanner has stopped: not JSON, or over a bound. Always false. */
bool frame_fail_scan(struct decoder *d);
/* The value of this member is not what it must be: bad_type, unless the
 * scanner has stopped. Always false. */
bool frame_wrong(struct decoder *d, const char *need);

/* Read the value of a member into the frame. */
bool frame_read_value(struct decoder *d, const struct row *r);

/* Read the members of the object that is open, up to its closing brace, and
 * check that the required ones are there. first: none was read before. */
bool frame_read_members(struct decoder *d, const struct rows *rows, bool first);

/* Pieces of values, into *out. */
bool frame_read_int(struct decoder *d, int64_t *out); /* 0..2^53-1 */
bool frame_read_string(struct decoder *d, struct scan_text *t);
bool frame_read_id(struct decoder *d, char prefix, uint64_t *out);

/* Values that are lists, and last_seen. */
bool frame_read_list(struct decoder *d, struct span *out);
bool frame_read_seen(struct decoder *d, struct span *out);
bool frame_read_versions(struct decoder *d, bool *has_1);
bool frame_read_retry(struct decoder *d);

/* Decode the entry that object begins with, an element of a batch that was
 * checked before. Returns its length, 0: not an entry. */
size_t frame_decode_element(struct frame *f, struct span object);

#endif
