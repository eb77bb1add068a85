#include "lexer_inside.h"

#include <stdio.h>

#include "base/text.h"

static bool is_small(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return is_small(c) || (c >= 'A' && c <= 'Z') || c == '_';
}

static char byte_at(const struct lexer *x, size_t at)
{
    return at < x->text.n ? x->text.p[at] : '\0';
}

void lexer_init(struct lexer *x, struct span text)
{
    *x = (struct lexer){.text = text, .line = 1};
    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
        x->at = x->line_start = 3;
}

struct token lexer_start(const struct lexer *x, enum token_kind kind)
{
    return (struct token){.kind = kind,
                          .raw = {x->text.p + x->at, 0},
                          .line = x->line,
                          .column = (int)(x->at - x->line_start) + 1};
}

/* The token reaches to end; go on behind it. */
struct token lexer_finish(struct lexer *x, struct token t, size_t end)
{
    t.raw.n = end - (size_t)(t.raw.p - x->text.p);
    x->at = end;
    return t;
}

struct token lexer_bad(const struct lexer *x, size_t at, const char *why)
{
    struct token t = lexer_start(x, TOKEN_BAD);

    t.raw = (struct span){x->text.p + at, at < x->text.n ? 1 : 0};
    t.column = (int)(at - x->line_start) + 1;
    t.why = why;
    return t;
}

/* Skip from *at, behind an opening quote or brace, to behind what closes it.
 * Strings hold ${...}, which holds strings. NULL, or what is wrong. */
static const char *skip_nested(const struct lexer *x, size_t *at, char open)
{
    char nest[LEXER_NEST];
    int depth = 0;
    size_t i = *at;

    nest[depth++] = open;
    while (depth > 0) {
        char c = byte_at(x, i);
        bool in_text = nest[depth - 1] == '"';

        if (i >= x->text.n || c == '\n')
            return in_text ? "this string has no closing quote on its line"
                           : "this ${ has no closing } on its line";
        if (depth == LEXER_NEST)
            return "strings nested too deep";
        if (in_text && c == '\\')
            i++;
        else if (c == '"' && in_text)
            depth--;
        else if (in_text && c == '$' && byte_at(x, i + 1) == '{')
            nest[depth++] = '{', i++;
        else if (!in_text && (c == '"' || c == '{'))
            nest[depth++] = c;
        else if (!in_text && c == '}')
            depth--;
        i++;
    }
    *at = i;
    return NULL;
}

static struct token lex_text(struct lexer *x)
{
    struct token t = lexer_start(x, TOKEN_TEXT);
    size_t end = x->at + 1;
    const char *why = skip_nested(x, &end, '"');

    return why != NULL ? lexer_bad(x, x->at, why) : lexer_finish(x, t, end);
}

/* A name as the grammar has it, or one of a field behind "." and in ${...}. */
static struct token lex_name(struct lexer *x)
{
    bool field = x->fields || x->after_dot;
    struct token t = lexer_start(x, TOKEN_NAME);
    size_t i = x->at;
    const char *why;

    if (!field && !is_small(byte_at(x, i)))
        return lexer_bad(x, i, "names begin with a small letter a-z");
    for (;;) {
        char c = byte_at(x, i);

        if (!field && c == '$' && byte_at(x, i + 1) == '{') {
            t.is_template = true;
            i += 2;
            why = skip_nested(x, &i, '{');
            if (why != NULL)
                return lexer_bad(x, x->at, why);
        } else if (is_letter(c) || is_digit(c) ||
                   (!field &&
                    (c == '-' || (c == '.' && byte_at(x, i + 1) != '.')))) {
            i++;
        } else {
            break;
        }
    }
    if (i - x->at > LEXER_NAME_MAX && !t.is_template)
        return lexer_bad(x, x->at, "a name of more than 64 bytes");
    return lexer_finish(x, t, i);
}

static struct token lex_var(struct lexer *x)
{
    struct token t = lexer_start(x, TOKEN_VAR);
    size_t i = x->at + 1;

    if (!is_letter(byte_at(x, i)))
        return lexer_bad(x, x->at, "a variable is $ and a name: $q");
    while (is_letter(byte_at(x, i)) || is_digit(byte_at(x, i)))
        i++;
    if (i - x->at > LEXER_NAME_MAX)
        return lexer_bad(x, x->at, "a name of more than 64 bytes");
    return lexer_finish(x, t, i);
}

static struct token lex_comment(struct lexer *x)
{
    struct token t = lexer_start(x, TOKEN_COMMENT);
    size_t i = x->at;

    while (i < x->text.n && x->text.p[i] != '\n')
        i++;
    while (i > x->at && (x->text.p[i - 1] == '\r' || x->text.p[i - 1] == ' ' ||
                         x->text.p[i - 1] == '\t'))
        i--;
    return lexer_finish(x, t, i);
}

static struct token lex_sign(struct lexer *x)
{
    static const char *const signs[] = {
        "..", "==", "!=", "<=", ">=", "{", "}", "(", ")", "[", "]", ",",
        ":",  ".",  "~",  "=",  "<",  ">", "+", "-", "*", "/", "%", NULL};
    struct token t = lexer_start(x, TOKEN_SIGN);

    for (int i = 0; signs[i] != NULL; i++) {
        size_t n = strlen(signs[i]);

        if (x->text.n - x->at >= n &&
            memcmp(x->text.p + x->at, signs[i], n) == 0) {
            x->after_dot = n == 1 && signs[i][0] == '.';
            return lexer_finish(x, t, x->at + n);
        }
    }
    if (byte_at(x, x->at) == '\'')
        return lexer_bad(x, x->at, "strings stand in double quotes");
    return lexer_bad(x, x->at, "this character has no meaning here");
}

static struct token lex_newline(struct lexer *x)
{
    bool line = x->text.p[x->at] == '\n';
    struct token t = lexer_finish(x, lexer_start(x, TOKEN_NEWLINE), x->at + 1);

    if (line) {
        x->line++;
        x->line_start = x->at;
    }
    return t;
}

struct token lexer_next(struct lexer *x)
{
    for (;;) {
        char c = byte_at(x, x->at);

        if (x->at >= x->text.n)
            return lexer_start(x, TOKEN_END);
        if (c == '\n' || c == ';')
            return lex_newline(x);
        if (c == '#') {
            struct token t = lex_comment(x);

            if (x->comments)
                return t;
        } else if (c == ' ' || c == '\t' || c == '\r') {
            x->at++;
        } else {
            break;
        }
    }
    if (x->text.p[x->at] == '"')
        return lex_text(x);
    if (x->text.p[x->at] == '$')
        return lex_var(x);
    if (is_digit(x->text.p[x->at]))
        return lexer_number(x, lexer_start(x, TOKEN_NUMBER));
    if (is_letter(x->text.p[x->at])) {
        struct token t = lex_name(x);

        x->after_dot = false;
        return t;
    }
    return lex_sign(x);
}
