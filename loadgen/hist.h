/* hist.h - a log-linear histogram of nanoseconds: each power of two is cut
 * into equal parts, so that a value is kept to two or three decimal digits.
 * Compatible with HdrHistogram in layout: bucket 0 is linear, each further one
 * doubles the unit (http://hdrhistogram.org). One writer; merged by adding. */
#ifndef LOAD_HIST_H
#define LOAD_HIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct hist {
    int digits;          /* 1..3 significant digits */
    uint64_t low, high;  /* smallest unit and largest value, ns */
    uint64_t count, max; /* values recorded; the largest, exact */
    uint64_t min;        /* the smallest, exact; UINT64_MAX when empty */
    uint64_t clipped;    /* values above high, recorded as high */
    double sum;
    int sub_bits, unit_bits, slots;
    uint64_t *slot; /* owned */
};

/* low and high in ns, 1 us .. 60 s in a run. Bounded: 3 digits of this range
 * are 144 KiB, 2 digits 21 KiB. */
void hist_init(struct hist *h, uint64_t low, uint64_t high, int digits);
void hist_release(struct hist *h);
void hist_reset(struct hist *h);
void hist_add(struct hist *h, uint64_t ns); /* no allocation, no branch on size
                                             */
void hist_add_n(struct hist *h, uint64_t ns, uint64_t n);
/* into += from. Exact when low, high and digits are the same; else each slot of
 * `from` counts as its middle. */
void hist_merge(struct hist *into, const struct hist *from);
/* into -= from, of the same shape: what came since `from` was a copy of into.
 * min and max are then those of the slots. */
void hist_subtract(struct hist *into, const struct hist *from);
void hist_copy(struct hist *into, const struct hist *from); /* initialised */
/* The value at quantile q (0..1): the highest equivalent value of its slot, as
 * HdrHistogram counts it; never above max. 0 when empty. */
uint64_t hist_at(const struct hist *h, double q);
double hist_mean(const struct hist *h);
double hist_stddev(const struct hist *h);
/* Values <= ns (those of the slot of ns included), for Prometheus buckets. */
uint64_t hist_below(const struct hist *h, uint64_t ns);
/* Walk the slots with counts, *at = 0 at first: lowest and highest value they
 * stand for. False at the end. */
bool hist_next(const struct hist *h, int *at, uint64_t *from, uint64_t *to,
               uint64_t *count);

/* The text table of the HdrHistogram plotters: value (in units of `unit` ns),
 * percentile, total count, 1/(1-percentile). */
void hist_write_hgrm(struct buf *out, const struct hist *h, double unit,
                     int ticks_per_half);
/* V2 compressed encoding (zlib, base64) of one histogram, as in .hlog. */
void hist_write_v2(struct buf *out, const struct hist *h);
/* A log for the HdrHistogram log processors: the head with the time of the
 * start (ms since the epoch), then a line an interval: at and length in ms,
 * at since the start. tag: a metric's name. */
void hist_write_hlog_head(struct buf *out, int64_t start_ms);
void hist_write_hlog_line(struct buf *out, const char *tag, int64_t at_ms,
                          int64_t length_ms, const struct hist *h);
/* Compact form between processes and in result files, base64 text. Reading
 * back initialises h, which owns memory on success alone: 0 or -CF_INVALID.
 * Safe on what anybody sends. */
void hist_encode(struct buf *out, const struct hist *h);
int hist_decode(struct hist *h, struct span text);

#endif
