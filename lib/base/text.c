#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/error.h"
#include "base/mem.h"

#define NAME_COLUMNS 32
#define NAME_INPUT_MAX 4096 /* bytes; normalising is quadratic in marks */
#define BODY_LINES 40
#define MARKS_MAX 8   /* zero-width code points on one base */
#define BIDI_DEPTH 16 /* open directional controls */
#define WORD_MAX 64   /* bytes compared by text_nearest() */

#define LRE 0x202a
#define RLE 0x202b
#define PDF 0x202c
#define LRO 0x202d
#define RLO 0x202e
#define LRI 0x2066
#define FSI 0x2068
#define PDI 0x2069

static const char replacement[] = "\xef\xbf\xbd";
static const char fsi_bytes[] = "\xe2\x81\xa8";
static const char pdi_bytes[] = "\xe2\x81\xa9";
static const char pdf_bytes[] = "\xe2\x80\xac";

int32_t text_next(struct span s, size_t *at)
{
    const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)s.p + *at;
    utf8proc_int32_t c;
    utf8proc_ssize_t n;

    if (*p < 0x80) {
        ++*at;
        return *p;
    }
    n = utf8proc_iterate(p, (utf8proc_ssize_t)(s.n - *at), &c);
    if (n <= 0) {
        ++*at;
        return -1;
    }
    *at += (size_t)n;
    return c;
}

bool text_is_utf8(struct span s)
{
    for (size_t at = 0; at < s.n;) {
        if (text_next(s, &at) < 0)
            return false;
    }
    return true;
}

int text_width(int32_t cp)
{
    if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
        return -1;
    if (cp < 0x7f)
        return 1;
    return utf8proc_charwidth(cp);
}

/* The work of text_sanitise(): the text so far, and what is open in it. */
struct filter {
    struct buf *out;
    enum text_kind kind;
    int indent;
    const char *const *mark_escapes;
    int rc;      /* of the first append that failed */
    int columns; /* of a name so far */
    int marks;   /* zero-width code points since the last base */
    int lines;   /* newlines so far */
    int depth;
    int32_t open[BIDI_DEPTH]; /* closers owed: PDF or PDI */
};

static void put(struct filter *f, const char *bytes, size_t n)
{
    if (f->rc == 0)
        f->rc = buf_append(f->out, bytes, n);
}

static void put_text(struct filter *f, const char *text)
{
    put(f, text, strlen(text));
}

/* True when a name has room for that many columns. */
static bool take_columns(struct filter *f, int n)
{
    if (f->kind == TEXT_NAME && f->columns + n > NAME_COLUMNS)
        return false;
    f->columns += n;
    return true;
}

static bool is_directional(int32_t c)
{
    return (c >= LRE && c <= RLO) || (c >= LRI && c <= PDI);
}

/* ^G, \x9b, \u202e */
static void put_escape(struct filter *f, int32_t c)
{
    char text[8];

    if (c < 0x80)
        snprintf(text, sizeof(text), "^%c", (char)(c ^ 0x40));
    else
        snprintf(text, sizeof(text), c < 0x100 ? "\\x%02x" : "\\u%04x",
                 (unsigned)c & 0xffff);
    f->marks = 0;
    if (!take_columns(f, (int)strlen(text)))
        return;
    if (f->mark_escapes != NULL)
        put_text(f, f->mark_escapes[0]);
    put_text(f, text);
    if (f->mark_escapes != NULL)
        put_text(f, f->mark_escapes[1]);
}

static void close_one(struct filter *f)
{
    put_text(f, f->open[--f->depth] == PDI ? pdi_bytes : pdf_bytes);
}

/* An embedding or isolate opens; its end closes what it may close (Unicode
 * Standard Annex 9, X1-X8), and an end without a start is dropped. */
static void directional(struct filter *f, int32_t c, struct span bytes)
{
    int at;

    if (c != PDF && c != PDI) {
        if (f->depth == BIDI_DEPTH)
            return;
        f->open[f->depth++] = c >= LRI ? PDI : PDF;
        put(f, bytes.p, bytes.n);
    } else if (c == PDF) {
        if (f->depth > 0 && f->open[f->depth - 1] == PDF)
            close_one(f);
    } else {
        for (at = f->depth; at > 0 && f->open[at - 1] != PDI;)
            at--;
        while (at > 0 && f->depth >= at)
            close_one(f);
    }
}

/* A line is a paragraph of its own: what it opened ends with it. */
static void end_line(struct filter *f)
{
    while (f->depth > 0)
        close_one(f);
    f->marks = 0;
}

static void newline(struct filter *f)
{
    end_line(f);
    put(f, "\n", 1);
    for (int i = 0; i < f->indent; i++)
        put(f, " ", 1);
    f->lines++;
}

static bool is_newline(int32_t c)
{
    return c == '\n' || c == 0x2028 || c == 0x2029;
}

static void visible(struct filter *f, struct span bytes, int width)
{
    if (width > 0)
        f->marks = 0;
    else if (++f->marks > MARKS_MAX)
        return;
    if (take_columns(f, width))
        put(f, bytes.p, bytes.n);
}

static void one(struct filter *f, int32_t c, struct span bytes)
{
    int width;

    if (c < 0) {
        visible(f, SPAN(replacement), 1);
        return;
    }
    if (is_newline(c)) {
        if (f->kind == TEXT_BODY)
            newline(f);
        else
            put_escape(f, '\n');
        return;
    }
    if (c == '\t' && f->kind == TEXT_BODY) {
        f->marks = 0;
        put(f, "\t", 1);
        return;
    }
    if (is_directional(c)) {
        if (f->kind == TEXT_BODY)
            directional(f, c, bytes);
        else
            put_escape(f, c);
        return;
    }
    width = text_width(c);
    if (width < 0)
        put_escape(f, c);
    else
        visible(f, bytes, width);
}

static int lines_in(struct span s)
{
    int lines = 0;

    for (size_t at = 0; at < s.n;)
        lines += is_newline(text_next(s, &at));
    return lines;
}

static void run(struct filter *f, struct span s)
{
    size_t at = 0, from;
    int32_t c;

    while (at < s.n && f->rc == 0) {
        from = at;
        c = text_next(s, &at);
        if (is_newline(c) && f->kind == TEXT_BODY && f->lines == BODY_LINES - 1)
            break;
        one(f, c, span_make(s.p + from, at - from));
        if (f->kind == TEXT_NAME && f->columns == NAME_COLUMNS &&
            f->marks == MARKS_MAX)
            break;
    }
}

static void run_body(struct filter *f, struct span s)
{
    int more = lines_in(s) + 1 - BODY_LINES;
    char note[48];

    put_text(f, fsi_bytes);
    run(f, s);
    end_line(f);
    put_text(f, pdi_bytes);
    if (more > 0) {
        newline(f);
        snprintf(note, sizeof(note), "... %d more line%s", more,
                 more > 1 ? "s" : "");
        put_text(f, note);
    }
}

/* What has no place in a name: format characters (zero-width, bidi, BOM,
 * tags), blanks that look like nothing, and fillers. */
static bool is_unseen(int32_t c)
{
    return utf8proc_category(c) == UTF8PROC_CATEGORY_CF || c == 0x034f ||
           c == 0x115f || c == 0x1160 || c == 0x17b4 || c == 0x17b5 ||
           (c >= 0x180b && c <= 0x180f) || c == 0x2065 || c == 0x2800 ||
           c == 0x3164 || c == 0xffa0 || (c >= 0xfff0 && c <= 0xfff8) ||
           (c >= 0xe0000 && c <= 0xe0fff);
}

/* s without unseen characters and with U+FFFD for bad bytes, NUL-terminated
 * but for NULs of its own, which stay. */
static void strip(struct buf *clean, struct span s)
{
    size_t at = 0, from;
    int32_t c;

    if (s.n > NAME_INPUT_MAX)
        s.n = NAME_INPUT_MAX;
    while (at < s.n) {
        from = at;
        c = text_next(s, &at);
        if (c < 0)
            buf_append_text(clean, replacement);
        else if (!is_unseen(c))
            buf_append(clean, s.p + from, at - from);
    }
}

static void run_name(struct filter *f, struct span s)
{
    utf8proc_uint8_t *nfc = NULL;
    utf8proc_ssize_t n;
    struct buf clean;

    buf_init(&clean, 3 * NAME_INPUT_MAX);
    strip(&clean, s);
    n = utf8proc_map((const utf8proc_uint8_t *)buf_span(&clean).p,
                     (utf8proc_ssize_t)clean.len, &nfc,
                     UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    if (n >= 0)
        run(f, span_make(nfc, (size_t)n));
    else
        f->rc = -CF_TOO_BIG;
    free(nfc);
    buf_release(&clean);
}

int text_sanitise(struct buf *out, enum text_kind kind, struct span s,
                  int indent, const char *const mark_escapes[2])
{
    size_t before = out->len;
    struct filter f = {.out = out,
                       .kind = kind,
                       .indent = indent,
                       .mark_escapes = mark_escapes};

    if (kind == TEXT_BODY)
        run_body(&f, s);
    else if (kind == TEXT_NAME)
        run_name(&f, s);
    else
        run(&f, s);
    if (f.rc < 0)
        out->len = before;
    return f.rc;
}

static int smallest(int a, int b, int c)
{
    int least = a < b ? a : b;

    return least < c ? least : c;
}

/* Damerau-Levenshtein distance (optimal string alignment) of two words of at
 * most WORD_MAX bytes. */
static int distance(const char *a, int a_len, const char *b, int b_len)
{
    int rows[3][WORD_MAX + 1];
    int *above = rows[0], *row = rows[1], *two_above = rows[2], *spare;

    for (int k = 0; k <= b_len; k++)
        above[k] = k;
    for (int i = 1; i <= a_len; i++) {
        row[0] = i;
        for (int k = 1; k <= b_len; k++) {
            row[k] = smallest(above[k] + 1, row[k - 1] + 1,
                              above[k - 1] + (a[i - 1] != b[k - 1]));
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] &&
                a[i - 2] == b[k - 1] && two_above[k - 2] + 1 < row[k])
                row[k] = two_above[k - 2] + 1;
        }
        spare = two_above;
        two_above = above;
        above = row;
        row = spare;
    }
    return above[b_len];
}

const char *text_nearest(const char *word, const char *const *words)
{
    size_t n = strlen(word), other;
    const char *nearest = NULL;
    int least = 3, d;

    if (n > WORD_MAX)
        return NULL;
    for (; *words != NULL; words++) {
        other = strlen(*words);
        if (other > WORD_MAX)
            continue;
        d = distance(word, (int)n, *words, (int)other);
        if (d < least && 2 * (size_t)d < n) {
            least = d;
            nearest = *words;
        }
    }
    return nearest;
}

static utf8proc_uint8_t *folded(struct span s, utf8proc_ssize_t *n)
{
    utf8proc_uint8_t *out = NULL;

    if (s.n > NAME_INPUT_MAX)
        return NULL;
    *n = utf8proc_map((const utf8proc_uint8_t *)(s.n > 0 ? s.p : ""),
                      (utf8proc_ssize_t)s.n, &out,
                      UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                          UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
    if (*n < 0) {
        free(out);
        return NULL;
    }
    return out;
}

bool text_same_name(struct span a, struct span b)
{
    utf8proc_ssize_t a_len = 0, b_len = 0;
    utf8proc_uint8_t *x = folded(a, &a_len), *y = folded(b, &b_len);
    bool same;

    if (x == NULL || y == NULL) /* not UTF-8, or no name by its size */
        same = span_eq(a, b);
    else
        same = a_len == b_len && memcmp(x, y, (size_t)a_len) == 0;
    free(x);
    free(y);
    return same;
}
