/* marker.h - what each message of a run says about itself, at the start of its
 * text: 32 bytes in base64url, then filling. The crc covers all of the text,
 * so a body that was cut, mixed up or changed on the way is convicted. */
#ifndef LOAD_MARKER_H
#define LOAD_MARKER_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

#define MARKER_TEXT 43     /* characters of base64url, without padding */
#define MARKER_BODY_MIN 54 /* bytes of {"text":"..."} with a marker alone */

struct marker {
    uint32_t run, stream, seq; /* seq from 1, dense within its stream */
    uint64_t due, written;     /* ns of CLOCK_MONOTONIC */
};

/* CRC-32C (Castagnoli; RFC 3720), continued from crc (0 at first). */
uint32_t marker_crc(uint32_t crc, const void *bytes, size_t n);

/* Write the body {"text":"..."} of exactly size bytes, at least
 * MARKER_BODY_MIN, to out; the filling follows from stream and seq, so that
 * the same marker makes the same body again. Returns the bytes written. */
size_t marker_write(char *out, size_t size, const struct marker *m);

/* Read a body back. 0; -CF_NOT_FOUND: no marker in it (somebody else's
 * message); -CF_INVALID: the crc is wrong. */
int marker_read(struct span body, struct marker *m);

#endif
