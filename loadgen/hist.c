#include "hist.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "hist_layout.h"

void hist_init(struct hist *h, uint64_t low, uint64_t high, int digits)
{
    *h = (struct hist){.digits = digits, .low = low, .high = high};
    hist_lay_out(h);
    h->slot = mem_array((size_t)h->slots, sizeof(*h->slot));
    h->min = UINT64_MAX;
}

void hist_release(struct hist *h)
{
    free(h->slot);
    *h = (struct hist){0};
}

void hist_reset(struct hist *h)
{
    memset(h->slot, 0, (size_t)h->slots * sizeof(*h->slot));
    h->count = h->max = h->clipped = 0;
    h->min = UINT64_MAX;
    h->sum = 0;
}

void hist_lay_out(struct hist *h)
{
    static const int bits[] = {5, 5, 8, 11}; /* 2^bits >= 2 * 10^digits */
    uint64_t top;

    h->sub_bits = bits[h->digits];
    h->unit_bits = 63 - __builtin_clzll(h->low);
    top = UINT64_C(1) << (h->sub_bits + h->unit_bits);
    h->slots = 2 << (h->sub_bits - 1);
    for (; h->high >= top && top < UINT64_C(1) << 62; top <<= 1)
        h->slots += 1 << (h->sub_bits - 1);
}

void hist_add(struct hist *h, uint64_t ns)
{
    hist_add_n(h, ns, 1);
}

void hist_add_n(struct hist *h, uint64_t ns, uint64_t n)
{
    uint64_t kept = ns < h->high ? ns : h->high;

    h->slot[hist_index(h, kept)] += n;
    h->count += n;
    h->clipped += ns > h->high ? n : 0;
    h->max = ns > h->max && n > 0 ? ns : h->max;
    h->min = ns < h->min && n > 0 ? ns : h->min;
    h->sum += (double)ns * (double)n;
}

static bool same_shape(const struct hist *a, const struct hist *b)
{
    return a->digits == b->digits && a->low == b->low && a->high == b->high;
}

/* Add the slots of another shape, each as its middle; never larger than what
 * was really seen. */
static void merge_other(struct hist *into, const struct hist *from)
{
    uint64_t low, high, n;
    uint64_t *slot;

    for (int at = 0; hist_next(from, &at, &low, &high, &n);) {
        low += (high - low) / 2;
        low = low < from->max ? low : from->max;
        slot =
            &into->slot[hist_index(into, low < into->high ? low : into->high)];
        *slot += n;
    }
}

void hist_merge(struct hist *into, const struct hist *from)
{
    if (same_shape(into, from)) {
        for (int i = 0; i < into->slots; i++)
            into->slot[i] += from->slot[i];
    } else {
        merge_other(into, from);
    }
    into->count += from->count;
    into->clipped += from->clipped;
    into->sum += from->sum;
    into->max = from->max > into->max ? from->max : into->max;
    into->min = from->min < into->min ? from->min : into->min;
}

/* The extremes as far as the slots still know them. */
static void bounds_from_slots(struct hist *h)
{
    uint64_t low, high, n;

    h->max = 0;
    h->min = UINT64_MAX;
    for (int at = 0; hist_next(h, &at, &low, &high, &n);) {
        h->max = high;
        h->min = h->min == UINT64_MAX ? low : h->min;
    }
}

void hist_subtract(struct hist *into, const struct hist *from)
{
    for (int i = 0; i < into->slots; i++)
        into->slot[i] -= from->slot[i];
    into->count -= from->count;
    into->clipped -= from->clipped;
    into->sum = into->count == 0 ? 0 : into->sum - from->sum;
    bounds_from_slots(into);
}

void hist_copy(struct hist *into, const struct hist *from)
{
    uint64_t *slot = into->slot;

    if (slot == NULL || into->slots != from->slots) {
        free(slot);
        slot = mem_array((size_t)from->slots, sizeof(*slot));
    }
    *into = *from;
    into->slot = slot;
    memcpy(slot, from->slot, (size_t)from->slots * sizeof(*slot));
}

uint64_t hist_at(const struct hist *h, double q)
{
    uint64_t rank, seen = 0, low, high, n;
    double exact;

    if (h->count == 0)
        return 0;
    /* One step down: 0.99 is a little above 99/100 as a double, and must not
     * ask for one value more. */
    exact = ceil(nextafter(q, 0) * (double)h->count);
    rank = exact < 1 ? 1 : (uint64_t)exact;
    if (rank >= h->count)
        return h->max;
    for (int at = 0; hist_next(h, &at, &low, &high, &n);) {
        seen += n;
        if (seen >= rank)
            return high < h->max ? high : h->max;
    }
    return h->max;
}

double hist_mean(const struct hist *h)
{
    return h->count == 0 ? 0 : h->sum / (double)h->count;
}

double hist_stddev(const struct hist *h)
{
    double mean = hist_mean(h), squares = 0, off;
    uint64_t low, high, n;

    if (h->count == 0)
        return 0;
    for (int at = 0; hist_next(h, &at, &low, &high, &n);) {
        off = (double)low + (double)(high - low) / 2 - mean;
        squares += off * off * (double)n;
    }
    return sqrt(squares / (double)h->count);
}

uint64_t hist_below(const struct hist *h, uint64_t ns)
{
    uint64_t sum = 0;
    int last;

    if (ns >= h->high)
        return ns >= h->max ? h->count : h->count - h->clipped;
    last = hist_index(h, ns);
    for (int i = 0; i <= last; i++)
        sum += h->slot[i];
    return sum;
}

bool hist_next(const struct hist *h, int *at, uint64_t *from, uint64_t *to,
               uint64_t *count)
{
    int i = *at;

    while (i < h->slots && h->slot[i] == 0)
        i++;
    *at = i + 1;
    if (i >= h->slots)
        return false;
    *from = hist_slot_low(h, i);
    *to = hist_slot_low(h, i + 1) - 1;
    *count = h->slot[i];
    return true;
}
