#include "lexer_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

#define LONGEST_MS (INT64_C(100) * 365 * 86400 * 1000) /* a duration */
#define DIGITS 40                                      /* of a number */

struct unit {
    const char *name;
    enum token_kind kind;
    int64_t factor;
};

static const struct unit units[] = {
    {"ms", TOKEN_DURATION, 1},
    {"s", TOKEN_DURATION, 1000},
    {"m", TOKEN_DURATION, 60 * 1000},
    {"h", TOKEN_DURATION, 3600 * 1000},
    {"d", TOKEN_DURATION, 86400 * 1000},
    {"y", TOKEN_DURATION, INT64_C(365) * 86400 * 1000},
    {"B", TOKEN_SIZE, 1},
    {"KB", TOKEN_SIZE, 1 << 10},
    {"MB", TOKEN_SIZE, 1 << 20},
    {"GB", TOKEN_SIZE, 1 << 30},
};

static char byte_at(const struct lexer *x, size_t at)
{
    return at < x->text.n ? x->text.p[at] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static size_t skip_digits(const struct lexer *x, size_t i)
{
    while (is_digit(byte_at(x, i)))
        i++;
    return i;
}

/* The end of the number alone, by the grammar of JSON without its sign. */
static size_t number_end(const struct lexer *x, bool *real)
{
    size_t i = skip_digits(x, x->at), e;

    *real = false;
    if (byte_at(x, i) == '.' && is_digit(byte_at(x, i + 1))) {
        *real = true;
        i = skip_digits(x, i + 1);
    }
    if (byte_at(x, i) != 'e' && byte_at(x, i) != 'E')
        return i;
    e = i + 1;
    if (byte_at(x, e) == '+' || byte_at(x, e) == '-')
        e++;
    if (!is_digit(byte_at(x, e)))
        return i;
    *real = true;
    return skip_digits(x, e);
}

/* The value of the digits up to end; false when it does not fit. */
static bool convert(const struct lexer *x, size_t end, struct token *t)
{
    char digits[DIGITS + 1];
    size_t n = end - x->at;

    if (n > DIGITS)
        return false;
    memcpy(digits, x->text.p + x->at, n);
    digits[n] = '\0';
    t->real = strtod(digits, NULL);
    if (t->real > 1e300)
        return false;
    if (t->is_real)
        return true;
    errno = 0;
    t->number = (int64_t)strtoll(digits, NULL, 10);
    return errno == 0;
}

static struct token with_unit(struct lexer *x, struct token t, size_t from,
                              size_t end)
{
    struct span name = {x->text.p + from, end - from};

    for (size_t i = 0; i < COUNT_OF(units); i++) {
        const struct unit *u = &units[i];

        if (!span_is(name, u->name))
            continue;
        t.kind = u->kind;
        if (u->kind == TOKEN_SIZE) {
            if (byte_at(x, end) != '/' || byte_at(x, end + 1) != 's')
                return lexer_bad(x, from, "a rate is 64KB/s");
            end += 2;
        }
        if (t.real * (double)u->factor > (double)LONGEST_MS)
            return lexer_bad(x, x->at, "more than anybody waits (100 years)");
        t.number = t.is_real ? (int64_t)(t.real * (double)u->factor)
                             : t.number * u->factor;
        t.is_real = false;
        return lexer_finish(x, t, end);
    }
    return lexer_bad(x, from,
                     "no such unit: durations are 250ms 2s 5m 1h 7d 1y, rates "
                     "64KB/s");
}

struct token lexer_number(struct lexer *x, struct token t)
{
    size_t end = number_end(x, &t.is_real), unit = end;

    if (!convert(x, end, &t))
        return lexer_bad(x, x->at, "this number does not fit in 64 bits");
    while (is_letter(byte_at(x, unit)))
        unit++;
    if (unit > end)
        return with_unit(x, t, end, unit);
    if (!t.is_real && end - x->at > 1 && byte_at(x, x->at) == '0')
        return lexer_bad(x, x->at, "a number does not begin with 0");
    return lexer_finish(x, t, end);
}

/* ---- words of a command line ---- */

static bool ends_word(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ';' ||
           c == '"' || c == '#';
}

struct token lexer_word(struct lexer *x)
{
    struct token t;
    size_t i;

    while (byte_at(x, x->at) == ' ' || byte_at(x, x->at) == '\t')
        x->at++;
    if (x->at >= x->text.n || ends_word(byte_at(x, x->at)))
        return lexer_next(x);
    t = lexer_start(x, TOKEN_NAME);
    for (i = x->at; i < x->text.n && !ends_word(x->text.p[i]); i++)
        if (x->text.p[i] == '{' || x->text.p[i] == '}')
            return lexer_bad(x, i, "put a word with braces in quotes");
    return lexer_finish(x, t, i);
}

/* ---- the text as a whole ---- */

static const char *bad_byte(struct span text, size_t at)
{
    unsigned char c = (unsigned char)text.p[at];
    size_t next = at;

    if (c == 0)
        return "a NUL byte; a script is text";
    if (c < 0x20 && c != '\n' && c != '\r' && c != '\t')
        return "a control character; write it as \\u00XX in a string";
    if (c == 0x7f)
        return "a control character; write it as \\u007f in a string";
    if (c >= 0x80 && text_next(text, &next) < 0)
        return "not UTF-8";
    return NULL;
}

bool lexer_check(struct span text, struct token *t)
{
    struct lexer x;
    size_t i = 0;

    lexer_init(&x, text);
    while (i < text.n) {
        const char *why = bad_byte(text, i);

        if (why != NULL) {
            *t = lexer_bad(&x, i, why);
            return false;
        }
        if (text.p[i] == '\n') {
            x.line++;
            x.line_start = i + 1;
        }
        if ((unsigned char)text.p[i] >= 0x80)
            text_next(text, &i);
        else
            i++;
    }
    return true;
}

bool token_is(const struct token *t, const char *raw)
{
    return span_is(t->raw, raw) &&
           (t->kind == TOKEN_NAME || t->kind == TOKEN_SIGN);
}

void token_show(const struct token *t, char *out, size_t size)
{
    int n = t->raw.n > 40 ? 40 : (int)t->raw.n;

    while (n > 0 && n < (int)t->raw.n && (t->raw.p[n] & 0xc0) == 0x80)
        n--;
    if (t->kind == TOKEN_END)
        snprintf(out, size, "the end of the file");
    else if (t->kind == TOKEN_NEWLINE)
        snprintf(out, size, "%s",
                 t->raw.p[0] == ';' ? "';'" : "the end of the line");
    else if (t->kind == TOKEN_TEXT)
        snprintf(out, size, "the string %.*s", n, t->raw.p);
    else
        snprintf(out, size, "'%.*s'", n, t->raw.p);
}
