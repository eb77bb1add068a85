#include <string.h>
#include <time.h>
#include <zlib.h>

#include "hist.h"
#include "hist_layout.h"

/* EncodableHistogram.java: cookies of the plain and the compressed form, V2,
 * with counts as ZigZag LEB128 of up to eight bytes. */
#define COOKIE 0x1c849313
#define COOKIE_COMPRESSED 0x1c849314
#define V2_MAX (1024 * 1024)

static void put_be(struct buf *out, uint64_t v, int bytes)
{
    while (bytes-- > 0)
        (void)buf_append_byte(out, (char)(v >> (8 * bytes)));
}

static void put_plain(struct buf *out, const struct hist *h)
{
    const double ratio = 1; /* of stored to real values */
    struct buf slots;
    uint64_t bits;

    memcpy(&bits, &ratio, sizeof(bits));
    buf_init(&slots, V2_MAX);
    hist_put_slots(&slots, h);
    put_be(out, COOKIE, 4);
    put_be(out, slots.len, 4);
    put_be(out, 0, 4); /* normalizing index offset */
    put_be(out, (uint64_t)h->digits, 4);
    put_be(out, h->low, 8);
    put_be(out, h->high, 8);
    put_be(out, bits, 8);
    (void)buf_append_span(out, buf_span(&slots));
    buf_release(&slots);
}

void hist_write_v2(struct buf *out, const struct hist *h)
{
    struct buf plain, packed;
    uLongf size;
    char *room;

    buf_init(&plain, V2_MAX);
    buf_init(&packed, V2_MAX);
    put_plain(&plain, h);
    size = compressBound(plain.len);
    room = buf_reserve(&packed, 8 + size);
    if (room != NULL &&
        compress((Bytef *)room + 8, &size, (const Bytef *)plain.data,
                 plain.len) == Z_OK) {
        put_be(&packed, COOKIE_COMPRESSED, 4);
        put_be(&packed, size, 4);
        packed.len += size;
        hist_put_base64(out, buf_span(&packed));
    }
    buf_release(&plain);
    buf_release(&packed);
}

void hist_write_hlog_head(struct buf *out, int64_t start_ms)
{
    char when[64];
    time_t s = start_ms / 1000;
    struct tm tm;

    (void)strftime(when, sizeof(when), "%a %b %d %H:%M:%S UTC %Y",
                   gmtime_r(&s, &tm));
    (void)buf_printf(out,
                     "#[Logged with confab-load %s]\n"
                     "#[Histogram log format version 1.3]\n"
                     "#[StartTime: %.3f (seconds since epoch), %s]\n"
                     "\"StartTimestamp\",\"Interval_Length\","
                     "\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
                     CONFAB_VERSION, (double)start_ms / 1000, when);
}

void hist_write_hlog_line(struct buf *out, const char *tag, int64_t at_ms,
                          int64_t length_ms, const struct hist *h)
{
    (void)buf_printf(out, "Tag=%s,%.3f,%.3f,%.3f,", tag, (double)at_ms / 1000,
                     (double)length_ms / 1000, (double)h->max / 1e6);
    hist_write_v2(out, h);
    (void)buf_append_byte(out, '\n');
}
