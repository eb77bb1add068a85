/* scan_text.c - strings: runs of plain bytes, UTF-8, escapes. */
#include "proto/scan.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include <string.h>

#include "base/error.h"

static bool invalid(struct scan *s, const char *why)
{
    return scan_fail(s, -CF_INVALID, why);
}

const char *scan_plain(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(' ');

    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* Signed: bytes from 0x80 on are below the space too. */
        __m128i stop = _mm_or_si128(
            _mm_cmplt_epi8(v, space),
            _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, back)));
        unsigned mask = (unsigned)_mm_movemask_epi8(stop);

        if (mask != 0)
            return p + __builtin_ctz(mask);
    }
#endif
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;

        if (c < ' ' || c >= 0x80 || c == '"' || c == '\\')
            break;
    }
    return p;
}

static bool is_tail(const char *p, unsigned char from, unsigned char to)
{
    return (unsigned char)*p >= from && (unsigned char)*p <= to;
}

size_t scan_utf8(const char *p, const char *end)
{
    unsigned char c = (unsigned char)*p;
    size_t left = (size_t)(end - p);

    if (c >= 0xc2 && c <= 0xdf)
        return left >= 2 && is_tail(p + 1, 0x80, 0xbf) ? 2 : 0;
    if (c >= 0xe0 && c <= 0xef) {
        /* No longer form than needed, no surrogates. */
        unsigned char from = c == 0xe0 ? 0xa0 : 0x80;
        unsigned char to = c == 0xed ? 0x9f : 0xbf;

        return left >= 3 && is_tail(p + 1, from, to) &&
                       is_tail(p + 2, 0x80, 0xbf)
                   ? 3
                   : 0;
    }
    if (c >= 0xf0 && c <= 0xf4) {
        unsigned char from = c == 0xf0 ? 0x90 : 0x80;
        unsigned char to = c == 0xf4 ? 0x8f : 0xbf;

        return left >= 4 && is_tail(p + 1, from, to) &&
                       is_tail(p + 2, 0x80, 0xbf) && is_tail(p + 3, 0x80, 0xbf)
                   ? 4
                   : 0;
    }
    return 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits at p; -1 when they are not. */
static int32_t hex4(const char *p, const char *end)
{
    int32_t v = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);

        if (digit < 0)
            return -1;
        v = v << 4 | digit;
    }
    return v;
}

static size_t utf8_length(int32_t cp)
{
    return cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
}

/* The \u escape at p (at its backslash), a pair of surrogates included.
 * Returns its code point and moves *p behind it, or -1. */
static int32_t unicode_escape(const char **p, const char *end)
{
    int32_t high = hex4(*p + 2, end), low;

    if (high < 0xd800 || high > 0xdfff) {
        *p += 6;
        return high;
    }
    if (high > 0xdbff || end - *p < 12 || (*p)[6] != '\\' || (*p)[7] != 'u')
        return -1;
    low = hex4(*p + 8, end);
    if (low < 0xdc00 || low > 0xdfff)
        return -1;
    *p += 12;
    return 0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00));
}

/* Check the escape at p and count what it stands for. */
static bool string_escape(struct scan *s, const char **p, size_t *length)
{
    int32_t cp;

    s->p = *p;
    if (s->end - *p < 2)
        return invalid(s, "string without end");
    if ((*p)[1] != 'u') {
        if (memchr("\"\\/bfnrt", (*p)[1], 8) == NULL)
            return invalid(s, "no such escape");
        *p += 2;
        *length += 1;
        return true;
    }
    cp = unicode_escape(p, s->end);
    if (cp <= 0)
        return invalid(s, cp == 0 ? "\\u0000" : "bad \\u escape");
    *length += utf8_length(cp);
    return true;
}

/* What stopped a run of plain bytes. */
static bool string_special(struct scan *s, const char **p, size_t *length)
{
    size_t n;

    if (*p == s->end) {
        s->p = *p;
        return invalid(s, "string without end");
    }
    if (**p == '\\')
        return string_escape(s, p, length);
    n = scan_utf8(*p, s->end);
    if (n == 0) {
        s->p = *p;
        return invalid(s, (unsigned char)**p < ' ' ? "control character"
                                                   : "not UTF-8");
    }
    *p += n;
    *length += n;
    return true;
}

bool scan_string(struct scan *s, struct scan_text *t)
{
    const char *p = s->p + 1, *run;
    size_t length = 0;

    if (scan_peek(s) != '"')
        return invalid(s, "expected a string");
    t->escaped = false;
    t->raw.p = p;
    for (;;) {
        run = scan_plain(p, s->end);
        length += (size_t)(run - p);
        p = run;
        if (p < s->end && *p == '"')
            break;
        if (p < s->end && *p == '\\')
            t->escaped = true;
        if (!string_special(s, &p, &length))
            return false;
    }
    t->raw.n = (size_t)(p - t->raw.p);
    t->length = length;
    s->p = p + 1;
    return true;
}

static size_t put_utf8(int32_t cp, char out[4])
{
    size_t n = utf8_length(cp);
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = n; i-- > 1; cp >>= 6)
        out[i] = (char)(0x80 | (cp & 0x3f));
    out[0] = (char)(lead[n] | cp);
    return n;
}

const char *scan_unescape(const char *p, char out[4], size_t *n)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *found;

    *n = 1;
    out[0] = *p;
    if (*p != '\\')
        return p + 1;
    if (p[1] == 'u') {
        *n = put_utf8(unicode_escape(&p, p + 12), out);
        return p;
    }
    found = strchr(from, p[1]);
    out[0] = found != NULL ? to[found - from] : p[1];
    return p + 2;
}
