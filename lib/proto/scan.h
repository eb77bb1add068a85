/* scan.h - the JSON scanner under frame.c, for the files of lib/proto. It
 * reads RFC 8259 byte by byte, allocates nothing and builds nothing: callers
 * walk objects and arrays with scan_next_key() and scan_next_item().
 *
 * Stricter than the RFC in what programs disagree about: duplicate keys
 * (compared with escapes resolved), lone surrogates, \u0000, integers beyond
 * 64 bits and numbers of 1e308 and more are refused. */
#ifndef PROTO_SCAN_H
#define PROTO_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "proto/limits.h"

/* A string: the bytes between its quotes. */
struct scan_text {
    struct span raw;
    bool escaped;  /* raw holds escapes */
    size_t length; /* bytes once the escapes are resolved */
};

struct scan_number {
    uint64_t value; /* magnitude, of an integer */
    bool negative;
    bool integer; /* no fraction, no exponent */
};

struct scan_key {
    const char *p;
    uint32_t n;
    bool escaped;
};

struct scan {
    const char *p, *end;
    const char *start;
    const char *why; /* after a failure: what is wrong at p */
    int rc;          /* 0, -CF_INVALID, -CF_TOO_BIG */
    int depth, depth_max;
    int structure, structure_max; /* , : [ { left, and allowed */
    bool one_line;                /* CR and LF are no white space */
    bool trusted; /* scanned before: duplicate keys need no look */
    int nkeys;
    struct scan_key keys[LIMIT_KEYS]; /* of the objects around p */
};

/* Leaves the big array of a scan alone, also where the compiler is told to
 * clear every local variable. */
#define SCAN_LOCAL __attribute__((uninitialized))

/* Bounds for a peer's text; server: for what a server may send. */
void scan_init(struct scan *s, struct span text, bool server);
/* For text that was validated before. */
void scan_init_trusted(struct scan *s, struct span text);

/* Note the first failure. Always false. */
bool scan_fail(struct scan *s, int rc, const char *why);

/* Skip white space. */
void scan_space_slow(struct scan *s);
static inline void scan_space(struct scan *s)
{
    if (s->p < s->end && (unsigned char)*s->p <= ' ')
        scan_space_slow(s);
}

/* The byte at p, 0 at the end. */
static inline char scan_peek(const struct scan *s)
{
    return s->p < s->end ? *s->p : 0;
}

/* Any value, an object or array with all that is in it. */
bool scan_value(struct scan *s);
bool scan_string(struct scan *s, struct scan_text *t);
bool scan_integer_or_real(struct scan *s, struct scan_number *n);
bool scan_literal(struct scan *s, const char *word, size_t n);

/* Enter the object or array at p; open is its bracket. */
bool scan_open(struct scan *s, char open);

/* The next key and its colon: p is then at the value. item: at the next
 * value. *first is true before the first call. 1; 0: the bracket is closed;
 * -1: failed. */
int scan_next_key(struct scan *s, bool *first, struct scan_text *key);
int scan_next_item(struct scan *s, bool *first);

/* Remember key, and refuse it when it is among the keys from base on. The
 * caller puts s->nkeys back to base at the end of its object. */
bool scan_fresh_key(struct scan *s, int base, const struct scan_text *key);

/* Does key, escapes resolved, equal name? */
bool scan_key_is(const struct scan_text *key, const char *name, size_t n);

/* From p, the end of the run of ASCII that needs no attention in a string. */
const char *scan_plain(const char *p, const char *end);

/* Length of the UTF-8 sequence at p (RFC 3629: shortest form, no surrogates),
 * 0: none. */
size_t scan_utf8(const char *p, const char *end);

/* Resolve one escape or one plain byte of validated text at p into out[4];
 * sets *n to the bytes written. Returns where the next one starts. */
const char *scan_unescape(const char *p, char out[4], size_t *n);

#endif
