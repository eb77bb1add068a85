#include "marker.h"

#include <endian.h>
#include <stdbool.h>
#ifdef __x86_64__
#include <nmmintrin.h>
#endif

#include "base/error.h"

#define RAW 32
#define CRC_AT 28 /* of the raw bytes; before it: the fields */

static const char open_text[] = "{\"text\":\"";
#define OPEN_LENGTH (sizeof(open_text) - 1)

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static uint32_t crc_plain(uint32_t crc, const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
    }
    return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t
crc_fast(uint32_t crc, const unsigned char *p, size_t n)
{
    uint64_t wide = crc;

    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word;

        memcpy(&word, p, sizeof(word));
        wide = _mm_crc32_u64(wide, word);
    }
    crc = (uint32_t)wide;
    for (; n > 0; p++, n--)
        crc = _mm_crc32_u8(crc, *p);
    return crc;
}

static bool has_fast(void)
{
    return __builtin_cpu_supports("sse4.2");
}
#else
#define crc_fast crc_plain
static bool has_fast(void)
{
    return false;
}
#endif

uint32_t marker_crc(uint32_t crc, const void *bytes, size_t n)
{
    return ~(has_fast() ? crc_fast(~crc, bytes, n) : crc_plain(~crc, bytes, n));
}

/* ---- base64url of 32 bytes ---- */

static void encode(char *out, const unsigned char raw[RAW])
{
    for (int i = 0; i < 30; i += 3) {
        uint32_t v =
            (uint32_t)raw[i] << 16 | (uint32_t)raw[i + 1] << 8 | raw[i + 2];

        *out++ = digits[v >> 18];
        *out++ = digits[v >> 12 & 63];
        *out++ = digits[v >> 6 & 63];
        *out++ = digits[v & 63];
    }
    *out++ = digits[raw[30] >> 2];
    *out++ = digits[(raw[30] & 3) << 4 | raw[31] >> 4];
    *out = digits[(raw[31] & 15) << 2];
}

static int digit_value(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

static bool decode(unsigned char raw[RAW + 1], const char *text)
{
    uint32_t bits = 0;
    int have = 0, n = 0;

    for (int i = 0; i < MARKER_TEXT; i++) {
        int v = digit_value((unsigned char)text[i]);

        if (v < 0)
            return false;
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            raw[n++] = (unsigned char)(bits >> have);
        }
    }
    return true;
}

/* ---- fields ---- */

static void put32(unsigned char *p, uint32_t v)
{
    v = htole32(v);
    memcpy(p, &v, sizeof(v));
}

static void put64(unsigned char *p, uint64_t v)
{
    v = htole64(v);
    memcpy(p, &v, sizeof(v));
}

static uint32_t get32(const unsigned char *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return le32toh(v);
}

static uint64_t get64(const unsigned char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return le64toh(v);
}

/* Letters, eight at a time, different in each message. */
static void fill(char *out, size_t n, const struct marker *m)
{
    uint64_t x = ((uint64_t)m->stream << 32 | m->seq) * 0x9e3779b97f4a7c15u;

    for (size_t i = 0; i < n; i += 8) {
        uint64_t word = (x & 0x0f0f0f0f0f0f0f0fu) + 0x6161616161616161u;
        size_t part = n - i < 8 ? n - i : 8;

        memcpy(out + i, &word, part);
        x = (x << 7 | x >> 57) + 0x2545f4914f6cdd1du;
    }
}

size_t marker_write(char *out, size_t size, const struct marker *m)
{
    unsigned char raw[RAW];
    char *text = out + OPEN_LENGTH;
    size_t filling = size - MARKER_BODY_MIN;
    uint32_t crc;

    put32(raw, m->run);
    put32(raw + 4, m->stream);
    put32(raw + 8, m->seq);
    put64(raw + 12, m->due);
    put64(raw + 20, m->written);
    memcpy(out, open_text, OPEN_LENGTH);
    fill(text + MARKER_TEXT, filling, m);
    crc = marker_crc(0, raw, CRC_AT);
    put32(raw + CRC_AT, marker_crc(crc, text + MARKER_TEXT, filling));
    encode(text, raw);
    memcpy(text + MARKER_TEXT + filling, "\"}", 2);
    return size;
}

int marker_read(struct span body, struct marker *m)
{
    unsigned char raw[RAW + 1];
    const char *text = body.p + OPEN_LENGTH;
    size_t filling;
    uint32_t crc;

    if (body.p == NULL || body.n < MARKER_BODY_MIN ||
        memcmp(body.p, open_text, OPEN_LENGTH) != 0 || !decode(raw, text))
        return -CF_NOT_FOUND;
    filling = body.n - MARKER_BODY_MIN;
    m->run = get32(raw);
    m->stream = get32(raw + 4);
    m->seq = get32(raw + 8);
    m->due = get64(raw + 12);
    m->written = get64(raw + 20);
    crc = marker_crc(0, raw, CRC_AT);
    crc = marker_crc(crc, text + MARKER_TEXT, filling);
    return crc == get32(raw + CRC_AT) ? 0 : -CF_INVALID;
}
