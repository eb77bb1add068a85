/* hist_layout.h - where a value lies in a histogram; for the files hist*.c.
 * The arithmetic is HdrHistogram's (AbstractHistogram.java, countsArrayIndex
 * and valueFromIndex): slots of bucket 0 are one unit wide, of each further
 * bucket twice as wide, and a bucket but the first uses its upper half. */
#ifndef LOAD_HIST_LAYOUT_H
#define LOAD_HIST_LAYOUT_H

#include <stdlib.h>

#include "hist.h"

/* Fill sub_bits, unit_bits and slots from digits, low and high. */
void hist_lay_out(struct hist *h);

/* The slot of v, v <= high. */
static inline int hist_index(const struct hist *h, uint64_t v)
{
    uint64_t linear = (UINT64_C(1) << (h->sub_bits + h->unit_bits)) - 1;
    int top = 63 - __builtin_clzll(v | linear);
    int bucket = top - h->unit_bits - h->sub_bits + 1;

    return (bucket << (h->sub_bits - 1)) + (int)(v >> (bucket + h->unit_bits));
}

/* The smallest value of slot i; also for i == slots. */
static inline uint64_t hist_slot_low(const struct hist *h, int i)
{
    int bucket = (i >> (h->sub_bits - 1)) - 1, half = 1 << (h->sub_bits - 1);

    if (bucket < 0)
        return (uint64_t)i << h->unit_bits;
    return (uint64_t)((i & (half - 1)) + half) << (bucket + h->unit_bits);
}

/* Bytes of the encoded forms: LEB128, and base64 (RFC 4648). */
void hist_put_varint(struct buf *out, uint64_t v);
int hist_get_varint(struct span *in, uint64_t *v); /* 0 or -CF_INVALID */
void hist_put_base64(struct buf *out, struct span bytes);
int hist_get_base64(struct buf *out, struct span text); /* or -CF_INVALID */

/* The slots up to the last one in use, as HdrHistogram V2 writes them: ZigZag
 * LEB128, a negative number for so many empty slots. */
void hist_put_slots(struct buf *out, const struct hist *h);

#endif
