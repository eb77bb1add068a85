#include "proto/scan.h"

#include <string.h>

#include "base/error.h"
#include "proto/frame.h"

static void init(struct scan *s, struct span text, int depth, int structure)
{
    s->p = s->start = text.p;
    s->end = text.n > 0 ? text.p + text.n : text.p;
    s->why = NULL;
    s->rc = 0;
    s->depth = 0;
    s->depth_max = depth;
    s->structure = 0;
    s->structure_max = structure;
    s->one_line = false;
    s->trusted = false;
    s->nkeys = 0;
}

void scan_init(struct scan *s, struct span text, bool server)
{
    if (server)
        init(s, text, LIMIT_DEPTH_SERVER, LIMIT_STRUCTURE_SERVER);
    else
        init(s, text, LIMIT_DEPTH, LIMIT_STRUCTURE);
}

void scan_init_trusted(struct scan *s, struct span text)
{
    init(s, text, LIMIT_DEPTH_SERVER, INT32_MAX);
    s->trusted = true;
}

bool scan_fail(struct scan *s, int rc, const char *why)
{
    if (s->rc == 0) {
        s->rc = rc;
        s->why = why;
    }
    return false;
}

static bool invalid(struct scan *s, const char *why)
{
    return scan_fail(s, -CF_INVALID, why);
}

void scan_space_slow(struct scan *s)
{
    while (s->p < s->end) {
        char c = *s->p;

        if (c != ' ' && c != '\t' && (s->one_line || (c != '\r' && c != '\n')))
            break;
        s->p++;
    }
}

/* ---- numbers and literals ---- */

static bool is_digit(const struct scan *s)
{
    return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

/* Digits from p on; counts those after the leading zeros in *significant. */
static size_t digits(struct scan *s, int64_t *significant)
{
    const char *from = s->p, *first = NULL;

    for (; is_digit(s); s->p++) {
        if (first == NULL && *s->p != '0')
            first = s->p;
    }
    *significant = first != NULL ? s->p - first : 0;
    return (size_t)(s->p - from);
}

static bool exponent(struct scan *s, int64_t *out)
{
    bool negative = false;
    int64_t v = 0;

    s->p++;
    if (scan_peek(s) == '+' || scan_peek(s) == '-')
        negative = *s->p++ == '-';
    if (!is_digit(s))
        return invalid(s, "bad number");
    for (; is_digit(s); s->p++) {
        if (v < 1000000)
            v = v * 10 + (*s->p - '0');
    }
    *out = negative ? -v : v;
    return true;
}

/* Fraction and exponent of a number with `whole` digits before the point. */
static bool real(struct scan *s, int64_t whole)
{
    int64_t power = 0, significant = 0;
    size_t n = 0;

    if (scan_peek(s) == '.') {
        s->p++;
        n = digits(s, &significant);
        if (n == 0)
            return invalid(s, "bad number");
    }
    if ((scan_peek(s) == 'e' || scan_peek(s) == 'E') && !exponent(s, &power))
        return false;
    if (whole == 0 && significant == 0)
        return true; /* zero, whatever its exponent */
    power += whole > 0 ? whole - 1 : significant - (int64_t)n - 1;
    return power < 308 || invalid(s, "number too large");
}

bool scan_integer_or_real(struct scan *s, struct scan_number *n)
{
    const char *from;
    uint64_t v = 0;

    n->integer = true;
    n->negative = scan_peek(s) == '-';
    s->p += n->negative;
    from = s->p;
    for (; is_digit(s); s->p++)
        v = v * 10 + (uint64_t)(*s->p - '0');
    if (s->p == from || (*from == '0' && s->p - from > 1))
        return invalid(s, "bad number");
    n->value = v;
    if (scan_peek(s) == '.' || (scan_peek(s) | 0x20) == 'e') {
        n->integer = false;
        return real(s, *from == '0' ? 0 : s->p - from);
    }
    if (s->p - from > 19 || v > (uint64_t)INT64_MAX + n->negative)
        return invalid(s, "number too large");
    return true;
}

bool scan_literal(struct scan *s, const char *word, size_t n)
{
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
        return invalid(s, "expected a value");
    s->p += n;
    return true;
}

/* ---- objects and arrays ---- */

static bool count(struct scan *s)
{
    return ++s->structure <= s->structure_max ||
           scan_fail(s, -CF_TOO_BIG, "too many elements");
}

bool scan_open(struct scan *s, char open)
{
    if (scan_peek(s) != open)
        return invalid(s,
                       open == '{' ? "expected an object" : "expected a list");
    if (++s->depth > s->depth_max)
        return scan_fail(s, -CF_TOO_BIG, "nested too deep");
    s->p++;
    return count(s);
}

static int next(struct scan *s, bool *first, char close)
{
    scan_space(s);
    if (scan_peek(s) == close) {
        s->p++;
        s->depth--;
        return 0;
    }
    if (!*first) {
        if (scan_peek(s) != ',')
            return invalid(s, "expected a comma or the end") - 1;
        s->p++;
        if (!count(s))
            return -1;
        scan_space(s);
    }
    *first = false;
    return 1;
}

int scan_next_key(struct scan *s, bool *first, struct scan_text *key)
{
    int more = next(s, first, '}');

    if (more <= 0)
        return more;
    if (!scan_string(s, key))
        return -1;
    scan_space(s);
    if (scan_peek(s) != ':')
        return invalid(s, "expected a colon") - 1;
    s->p++;
    if (!count(s))
        return -1;
    scan_space(s);
    return 1;
}

int scan_next_item(struct scan *s, bool *first)
{
    return next(s, first, ']');
}

/* Compare two keys byte by byte with their escapes resolved. */
static bool same_resolved(struct span a, struct span b)
{
    const char *pa = a.p, *pb = b.p;
    char x[4], y[4];
    size_t nx, ny, ix = 0, iy = 0;

    for (nx = ny = 0;; ix++, iy++) {
        if (ix == nx) {
            if (pa == a.p + a.n)
                break;
            pa = scan_unescape(pa, x, &nx);
            ix = 0;
        }
        if (iy == ny) {
            if (pb == b.p + b.n)
                return false;
            pb = scan_unescape(pb, y, &ny);
            iy = 0;
        }
        if (x[ix] != y[iy])
            return false;
    }
    return iy == ny && pb == b.p + b.n;
}

bool scan_fresh_key(struct scan *s, int base, const struct scan_text *key)
{
    if (s->trusted)
        return true;
    for (int i = base; i < s->nkeys; i++) {
        const struct scan_key *k = &s->keys[i];
        struct span other = {k->p, k->n};

        if (key->escaped || k->escaped ? same_resolved(key->raw, other)
                                       : span_eq(key->raw, other))
            return invalid(s, "the same key twice");
    }
    if (s->nkeys == LIMIT_KEYS)
        return scan_fail(s, -CF_TOO_BIG, "too many keys");
    s->keys[s->nkeys++] =
        (struct scan_key){key->raw.p, (uint32_t)key->raw.n, key->escaped};
    return true;
}

bool scan_key_is(const struct scan_text *key, const char *name, size_t n)
{
    if (key->length != n)
        return false;
    if (!key->escaped)
        return memcmp(key->raw.p, name, n) == 0;
    return same_resolved(key->raw, (struct span){name, n});
}

static bool object(struct scan *s)
{
    struct scan_text key;
    int base = s->nkeys, more;
    bool first = true;

    if (!scan_open(s, '{'))
        return false;
    while ((more = scan_next_key(s, &first, &key)) > 0) {
        if (!scan_fresh_key(s, base, &key) || !scan_value(s))
            return false;
    }
    s->nkeys = base;
    return more == 0;
}

static bool array(struct scan *s)
{
    bool first = true;
    int more;

    if (!scan_open(s, '['))
        return false;
    while ((more = scan_next_item(s, &first)) > 0) {
        if (!scan_value(s))
            return false;
    }
    return more == 0;
}

bool scan_value(struct scan *s)
{
    struct scan_number number;
    struct scan_text text;

    switch (scan_peek(s)) {
    case '{':
        return object(s);
    case '[':
        return array(s);
    case '"':
        return scan_string(s, &text);
    case 't':
        return scan_literal(s, "true", 4);
    case 'f':
        return scan_literal(s, "false", 5);
    case 'n':
        return scan_literal(s, "null", 4);
    default:
        if (!is_digit(s) && scan_peek(s) != '-')
            return invalid(s, "expected a value");
        return scan_integer_or_real(s, &number);
    }
}

int json_scan(struct span text, size_t *end)
{
    SCAN_LOCAL struct scan s;

    scan_init(&s, text, false);
    scan_space(&s);
    if (!scan_value(&s))
        return s.rc;
    *end = (size_t)(s.p - s.start);
    return 0;
}

struct span json_member(struct span object, const char *key)
{
    SCAN_LOCAL struct scan s;
    size_t n = strlen(key);
    struct scan_text found;
    bool first = true;

    scan_init_trusted(&s, object);
    scan_space(&s);
    if (object.p == NULL || !scan_open(&s, '{'))
        return (struct span){0};
    while (scan_next_key(&s, &first, &found) > 0) {
        const char *from = s.p;

        if (!scan_value(&s))
            break;
        if (scan_key_is(&found, key, n))
            return span_make(from, (size_t)(s.p - from));
    }
    return (struct span){0};
}
