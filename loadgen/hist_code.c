#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "hist_layout.h"

#define CODE_VERSION 1
#define CODE_MAX (1024 * 1024)       /* bytes of one encoded histogram */
#define RANGE_MAX (INT64_C(1) << 50) /* ns; 13 days */

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void hist_put_varint(struct buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        (void)buf_append_byte(out, (char)(v | 0x80));
    (void)buf_append_byte(out, (char)v);
}

int hist_get_varint(struct span *in, uint64_t *v)
{
    unsigned char c = 0x80;

    *v = 0;
    for (int shift = 0; c & 0x80; shift += 7) {
        if (in->n == 0 || shift > 63)
            return -CF_INVALID;
        c = (unsigned char)*in->p;
        if (shift == 63 && c > 1)
            return -CF_INVALID;
        *v |= (uint64_t)(c & 0x7f) << shift;
        in->p++;
        in->n--;
    }
    return 0;
}

void hist_put_base64(struct buf *out, struct span bytes)
{
    char four[4];
    uint32_t bits;

    for (size_t i = 0; i < bytes.n; i += 3) {
        bits = (uint32_t)(unsigned char)bytes.p[i] << 16;
        if (i + 1 < bytes.n)
            bits |= (uint32_t)(unsigned char)bytes.p[i + 1] << 8;
        if (i + 2 < bytes.n)
            bits |= (unsigned char)bytes.p[i + 2];
        four[0] = alphabet[bits >> 18];
        four[1] = alphabet[bits >> 12 & 63];
        four[2] = i + 1 < bytes.n ? alphabet[bits >> 6 & 63] : '=';
        four[3] = i + 2 < bytes.n ? alphabet[bits & 63] : '=';
        (void)buf_append(out, four, sizeof(four));
    }
}

static int digit_of(char c)
{
    const char *at = c == '\0' ? NULL : strchr(alphabet, c);

    return at == NULL ? -1 : (int)(at - alphabet);
}

int hist_get_base64(struct buf *out, struct span text)
{
    uint32_t bits = 0;
    size_t end = text.n;
    int have = 0, d;

    if (text.n % 4 != 0)
        return -CF_INVALID;
    while (end > 0 && text.n - end < 2 && text.p[end - 1] == '=')
        end--;
    for (size_t i = 0; i < end; i++) {
        d = digit_of(text.p[i]);
        if (d < 0)
            return -CF_INVALID;
        bits = bits << 6 | (uint32_t)d;
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        if (buf_append_byte(out, (char)(bits >> have)) < 0)
            return -CF_INVALID;
    }
    return 0;
}

static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

void hist_put_slots(struct buf *out, const struct hist *h)
{
    int last = h->slots, empty = 0;

    while (last > 0 && h->slot[last - 1] == 0)
        last--;
    for (int i = 0; i < last; i++) {
        if (h->slot[i] == 0) {
            empty++;
            continue;
        }
        if (empty > 0)
            hist_put_varint(out, zigzag(-(int64_t)empty));
        empty = 0;
        hist_put_varint(out, zigzag((int64_t)h->slot[i]));
    }
}

void hist_encode(struct buf *out, const struct hist *h)
{
    struct buf raw;
    uint64_t sum;

    memcpy(&sum, &h->sum, sizeof(sum));
    buf_init(&raw, CODE_MAX);
    hist_put_varint(&raw, CODE_VERSION);
    hist_put_varint(&raw, (uint64_t)h->digits);
    hist_put_varint(&raw, h->low);
    hist_put_varint(&raw, h->high);
    hist_put_varint(&raw, h->min);
    hist_put_varint(&raw, h->max);
    hist_put_varint(&raw, h->clipped);
    hist_put_varint(&raw, sum);
    hist_put_slots(&raw, h);
    hist_put_base64(out, buf_span(&raw));
    buf_release(&raw);
}

static int get_slots(struct hist *h, struct span in)
{
    uint64_t v, at = 0, slots = (uint64_t)h->slots;

    while (in.n > 0) {
        if (hist_get_varint(&in, &v) < 0)
            return -CF_INVALID;
        if (v & 1) {
            v = (v >> 1) + 1;
            if (v > slots - at)
                return -CF_INVALID;
            at += v;
            continue;
        }
        v >>= 1;
        if (at == slots || h->count + v > INT64_MAX)
            return -CF_INVALID;
        h->slot[at++] = v;
        h->count += v;
    }
    return 0;
}

/* The numbers before the slots; h is laid out when they make sense. */
static int get_head(struct hist *h, struct span *in)
{
    uint64_t version, digits, low, high, min, max, clipped, sum;

    if (hist_get_varint(in, &version) < 0 || version != CODE_VERSION ||
        hist_get_varint(in, &digits) < 0 || digits < 1 || digits > 3 ||
        hist_get_varint(in, &low) < 0 || low < 1 || low > RANGE_MAX ||
        hist_get_varint(in, &high) < 0 || high / 2 < low || high > RANGE_MAX ||
        hist_get_varint(in, &min) < 0 || hist_get_varint(in, &max) < 0 ||
        hist_get_varint(in, &clipped) < 0 || hist_get_varint(in, &sum) < 0)
        return -CF_INVALID;
    hist_init(h, low, high, (int)digits);
    h->min = min;
    h->max = max;
    h->clipped = clipped;
    memcpy(&h->sum, &sum, sizeof(sum));
    return 0;
}

/* What contradicts itself is not a histogram: the sum must be a number between
 * count * min and count * max, a little rounding allowed. */
static bool sane(const struct hist *h)
{
    double n = (double)h->count;

    if (h->count == 0)
        return h->max == 0 && h->min == UINT64_MAX && h->clipped == 0 &&
               h->sum == 0;
    return h->min <= h->max && h->clipped <= h->count &&
           h->sum >= n * (double)h->min * 0.999 &&
           h->sum <= n * (double)h->max * 1.001;
}

int hist_decode(struct hist *h, struct span text)
{
    struct buf raw;
    struct span in;
    int r;

    *h = (struct hist){0};
    if (text.n > CODE_MAX)
        return -CF_INVALID;
    buf_init(&raw, CODE_MAX);
    r = hist_get_base64(&raw, text);
    in = buf_span(&raw);
    if (r == 0)
        r = get_head(h, &in);
    if (r == 0)
        r = get_slots(h, in);
    if (r == 0 && !sane(h))
        r = -CF_INVALID;
    if (r < 0)
        hist_release(h);
    buf_release(&raw);
    return r;
}
