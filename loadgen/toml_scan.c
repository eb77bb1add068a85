#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "toml_inside.h"

/* ---- the cursor ---- */

int toml_peek(const struct toml_reader *r)
{
    return r->at < r->text.n ? (unsigned char)r->text.p[r->at] : -1;
}

bool toml_take(struct toml_reader *r, char c)
{
    if (toml_peek(r) != (unsigned char)c)
        return false;
    r->at++;
    return true;
}

void toml_blanks(struct toml_reader *r)
{
    while (toml_peek(r) == ' ' || toml_peek(r) == '\t')
        r->at++;
}

bool toml_newline(struct toml_reader *r)
{
    size_t n = 0;

    if (toml_peek(r) == '\n')
        n = 1;
    else if (toml_peek(r) == '\r' && r->at + 1 < r->text.n &&
             r->text.p[r->at + 1] == '\n')
        n = 2;
    if (n == 0)
        return false;
    r->at += n;
    r->line++;
    r->line_start = r->at;
    return true;
}

static bool is_control(int c)
{
    return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f;
}

int toml_comment(struct toml_reader *r)
{
    if (toml_peek(r) != '#')
        return 0;
    while (toml_peek(r) >= 0 && !is_control(toml_peek(r)))
        r->at++;
    if (toml_peek(r) >= 0 && toml_peek(r) != '\n' && toml_peek(r) != '\r')
        return toml_fail(r, r->at, "control character in a comment");
    return 0;
}

int toml_space(struct toml_reader *r)
{
    int rc;

    do {
        toml_blanks(r);
        rc = toml_comment(r);
        if (rc < 0)
            return rc;
    } while (toml_newline(r));
    return 0;
}

int toml_column(const struct toml_reader *r, size_t at)
{
    int column = 1;

    for (size_t i = r->line_start; i < at && i < r->text.n; i++)
        column += ((unsigned char)r->text.p[i] & 0xc0) != 0x80;
    return column;
}

int toml_fail(struct toml_reader *r, size_t at, const char *fmt, ...)
{
    char why[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    return error_set(r->err, CF_INVALID, "%s:%d:%d: %s", r->source, r->line,
                     toml_column(r, at), why);
}

/* ---- strings ---- */

static int hex_digits(struct toml_reader *r, int digits, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < digits; i++) {
        int c = toml_peek(r);
        int v = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;

        if (v < 0)
            return toml_fail(r, r->at, "%d hexadecimal digits expected",
                             digits);
        *out = *out << 4 | (uint32_t)v;
        r->at++;
    }
    return 0;
}

static int put_utf8(struct buf *out, uint32_t c)
{
    char b[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = n; i > 1; i--) {
        b[i - 1] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    b[0] = (char)(lead[n] | c);
    return buf_append(out, b, n);
}

static int escape(struct toml_reader *r, struct buf *out)
{
    static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
    size_t start = r->at - 1;
    int c = toml_peek(r), rc;
    const char *known = c > 0 ? strchr(from, c) : NULL;
    uint32_t point;

    if (known != NULL) {
        r->at++;
        return buf_append_byte(out, to[known - from]);
    }
    if (c != 'u' && c != 'U')
        return toml_fail(r, start, "unknown escape; \\\\ is a backslash");
    r->at++;
    rc = hex_digits(r, c == 'u' ? 4 : 8, &point);
    if (rc < 0)
        return rc;
    if (point == 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return toml_fail(r, start, "no such character");
    return put_utf8(out, point);
}

int toml_string(struct toml_reader *r, struct buf *out)
{
    size_t start = r->at;
    int quote = toml_peek(r), rc = 0;

    r->at++;
    if (toml_peek(r) == quote && r->at + 1 < r->text.n &&
        r->text.p[r->at + 1] == quote)
        return toml_fail(r, start, "strings stand on one line here");
    while (rc == 0 && toml_peek(r) != quote) {
        int c = toml_peek(r);

        if (c < 0 || c == '\n')
            return toml_fail(r, start, "the string has no end");
        if (is_control(c))
            return toml_fail(r, r->at, "control character in a string");
        r->at++;
        if (c == '\\' && quote == '"')
            rc = escape(r, out);
        else
            rc = buf_append_byte(out, (char)c);
    }
    r->at++;
    return rc;
}

/* ---- numbers and booleans ---- */

/* digit(_?digit)*, copied without "_"; NULL when it is not that. */
static const char *digits_of(const char *p, struct buf *out)
{
    const char *start = p;

    for (;; p++) {
        if (*p == '_' && p > start && p[-1] != '_' && p[1] >= '0' &&
            p[1] <= '9')
            continue;
        if (*p < '0' || *p > '9')
            return p > start ? p : NULL;
        buf_append_byte(out, *p);
    }
}

/* A word as a plain C number; *real when it has a fraction or exponent. */
static bool number_of(const char *p, struct buf *out, bool *real)
{
    if (*p == '+' || *p == '-')
        buf_append_byte(out, *p++);
    if (p[0] == '0' && ((p[1] >= '0' && p[1] <= '9') || p[1] == '_'))
        return false;
    p = digits_of(p, out);
    if (p != NULL && *p == '.') {
        *real = true;
        buf_append_byte(out, '.');
        p = digits_of(p + 1, out);
    }
    if (p != NULL && (*p == 'e' || *p == 'E')) {
        *real = true;
        buf_append_byte(out, *p++);
        if (*p == '+' || *p == '-')
            buf_append_byte(out, *p++);
        p = digits_of(p, out);
    }
    return p != NULL && *p == '\0';
}

static int number(struct toml_reader *r, const char *word, json_t **out)
{
    struct buf b;
    bool real = false;
    const char *text;

    buf_init(&b, 256);
    errno = 0;
    if (number_of(word, &b, &real) && (text = buf_cstr(&b)) != NULL)
        *out = real ? json_real(strtod(text, NULL))
                    : json_integer(strtoll(text, NULL, 10));
    buf_release(&b);
    if (*out != NULL && errno == 0)
        return 0;
    json_decref(*out);
    *out = NULL;
    if (errno == ERANGE)
        return toml_fail(r, r->at, "the number is too large");
    if (strchr(word, ':') != NULL || (strlen(word) > 7 && word[4] == '-'))
        return toml_fail(r, r->at, "dates and times are not read here");
    if (word[0] == '0' && strchr("xob", word[1]) != NULL && word[1] != '\0')
        return toml_fail(r, r->at, "only decimal numbers are read here");
    return toml_fail(r, r->at,
                     "'%s' is no number; text stands in quotes: \"%s\"", word,
                     word);
}

static bool in_word(int c)
{
    return c > 0x20 && c < 0x7f && strchr(",]}#\"'=[{", c) == NULL;
}

int toml_scalar(struct toml_reader *r, json_t **out)
{
    char word[64];
    size_t n = 0;
    int rc;

    if (toml_peek(r) == '"' || toml_peek(r) == '\'') {
        struct buf b;

        buf_init(&b, TOML_BYTES);
        rc = toml_string(r, &b);
        *out =
            rc == 0 ? json_stringn(b.data != NULL ? b.data : "", b.len) : NULL;
        buf_release(&b);
        return rc;
    }
    while (n < sizeof(word) - 1 && r->at + n < r->text.n &&
           in_word((unsigned char)r->text.p[r->at + n])) {
        word[n] = r->text.p[r->at + n];
        n++;
    }
    word[n] = '\0';
    if (n == 0)
        return toml_fail(r, r->at, "a value is missing");
    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
        *out = json_boolean(word[0] == 't');
    else if ((rc = number(r, word, out)) < 0)
        return rc;
    r->at += n;
    return 0;
}
