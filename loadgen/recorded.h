/* recorded.h - arrivals as they once were: a file of times, or what a
 * coordinator says of one. Over its end it begins again. */
#ifndef LOAD_RECORDED_H
#define LOAD_RECORDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "base/span.h"

#define RECORD_BYTES (32 << 20) /* of a file */
#define RECORD_MOST 1000000     /* arrivals */
#define RECORD_RATE 1e8         /* a second, at most */
#define RECORD_PART 50000       /* arrivals in one message of the wire */
#define RECORD_WHOLE (UINT64_C(1) << 32)

struct record {
    double *at; /* ns from the start, never falling; owned */
    size_t n;
    double period; /* ns: where it begins again, the time of the last */
    double rate;   /* a second: how many of them in one period */
};

/* Read a file of seconds, one a line ("12.0345"), with blank lines and
 * comments from "#". Errors name file:line. 0; -CF_NOT_FOUND, -CF_TOO_BIG,
 * -CF_INVALID, -CF_IO. *out is the caller's, for record_free(). */
int record_read(struct record **out, const char *path, struct error *err);
/* The same from text. */
int record_parse(struct record **out, const char *source, struct span text,
                 struct error *err);
void record_free(struct record *r); /* NULL: nothing */

/* Does arrival k belong to whoever has the part [from, to) of RECORD_WHOLE?
 * Parts side by side share them out without rest, evenly over time (Weyl's
 * sequence of the golden ratio). */
bool record_is_in(uint64_t k, uint64_t from, uint64_t to);
/* Such a border: behind that many of all, which are below 2^32. */
uint64_t record_border(uint64_t many, uint64_t all);
/* How much a part is of all, 0..1. */
double record_share(uint64_t from, uint64_t to);

/* ---- over the wire ---- */

/* The next arrivals of the part, at most RECORD_PART, as a list of ns; *at
 * goes to where to read on, r->n at the end. */
json_t *record_part(const struct record *r, uint64_t from, uint64_t to,
                    size_t *at);
/* An empty record of that period (ns) and rate; NULL when one of them is out
 * of range. */
struct record *record_new(double period, double rate);
/* Add such a list to r, whose period and rate are known; -CF_INVALID when it
 * is none, falls back, leaves the period or is too long. */
int record_add(struct record *r, const json_t *list);

#endif
