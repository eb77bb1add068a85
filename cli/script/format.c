/* Lay a script out: token by token, so that comments stay where they are. */
#include "ast.h"

#include "lexer.h"
#include "parse_inside.h"

struct formatter {
    struct buf *out;
    struct lexer lexer;
    struct token last, before; /* the last two written; NEWLINE to begin */
    int depth;                 /* of open brackets */
    int parens;                /* of them round ones */
    int newlines;              /* since the last one written */
    bool semicolon;            /* one waits to be written */
    bool sees;                 /* a statement with a pattern: ~ is a prefix */
    bool full;
};

static void put(struct formatter *f, const char *p, size_t n)
{
    if (buf_append(f->out, p, n) < 0)
        f->full = true;
}

static bool is_open(const struct token *t)
{
    return token_is(t, "{") || token_is(t, "[") || token_is(t, "(");
}

static bool is_close(const struct token *t)
{
    return token_is(t, "}") || token_is(t, "]") || token_is(t, ")");
}

/* Does the last token end a value, so that an operator may follow? */
static bool ends_value(const struct formatter *f)
{
    const struct token *t = &f->last;

    if (t->kind == TOKEN_SIGN)
        return is_close(t);
    if (t->kind != TOKEN_NAME)
        return true;
    return token_is(&f->before, ".") || token_is(t, "true") ||
           token_is(t, "false") || token_is(t, "null");
}

/* Is last, a sign before a value, part of that value? */
static bool is_prefix(const struct formatter *f)
{
    return token_is(&f->last, "~") && f->sees && f->parens == 0;
}

static bool adjacent(const struct token *a, const struct token *b)
{
    return a->raw.p + a->raw.n == b->raw.p;
}

/* Does a blank stand between the last token and t? minus: the last one is a
 * minus that makes a number negative. */
static bool blank_before(const struct formatter *f, const struct token *t,
                         bool minus)
{
    const struct token *last = &f->last;

    if (t->kind == TOKEN_COMMENT)
        return true;
    if (minus || is_prefix(f) || token_is(last, "(") || token_is(last, "[") ||
        token_is(last, ".") || token_is(last, ".."))
        return false;
    if (token_is(t, ",") || token_is(t, ":") || token_is(t, ")") ||
        token_is(t, "]") || token_is(t, "."))
        return false;
    if (token_is(t, ".."))
        return false;
    if (token_is(t, "[") && last->kind != TOKEN_SIGN)
        return !adjacent(last, t);
    if (token_is(t, "[") && is_close(last))
        return !adjacent(last, t);
    if (token_is(t, "(") && last->kind == TOKEN_NAME)
        return !adjacent(last, t);
    return !(token_is(t, "}") && token_is(last, "{"));
}

static void put_newlines(struct formatter *f, int levels)
{
    bool first = f->out->len == 0;

    if (!first)
        put(f, "\n\n", f->newlines > 1 ? 2 : 1);
    for (int i = 0; i < levels; i++)
        put(f, "  ", 2);
    f->newlines = 0;
    f->semicolon = false;
}

/* A statement ended: what follows is read anew. */
static void end_statement(struct formatter *f, const struct token *t)
{
    if (t->raw.p[0] == '\n')
        f->newlines++;
    else
        f->semicolon = true;
    if (f->parens == 0)
        f->sees = false;
}

static void count(struct formatter *f, const struct token *t)
{
    if (is_open(t))
        f->depth++;
    if (is_close(t) && f->depth > 0)
        f->depth--;
    if (token_is(t, "("))
        f->parens++;
    if (token_is(t, ")") && f->parens > 0)
        f->parens--;
}

static void put_token(struct formatter *f, struct token t)
{
    static const struct token none = {.kind = TOKEN_NEWLINE};
    bool minus = token_is(&f->last, "-") && f->last.is_real;
    bool starts = f->newlines > 0 || f->out->len == 0;

    if (starts) {
        put_newlines(f, f->depth - is_close(&t));
        f->before = none;
    } else if (f->semicolon && !token_is(&f->last, "{") && !token_is(&t, "}") &&
               t.kind != TOKEN_COMMENT) {
        put(f, " ; ", 3);
    } else if (blank_before(f, &t, minus)) {
        put(f, " ", 1);
    }
    /* The mark of a sign that belongs to the number behind it. */
    t.is_real = token_is(&t, "-") &&
                (starts || f->semicolon || minus || !ends_value(f));
    f->semicolon = false;
    put(f, t.raw.p, t.raw.n);
    count(f, &t);
    if (token_is(&t, "sees") || token_is(&t, "forbid"))
        f->sees = true;
    f->before = f->last;
    f->last = t;
}

/* A command line: words as a shell would take them. */
static void put_command(struct formatter *f)
{
    for (;;) {
        struct token t = lexer_word(&f->lexer);

        if (t.kind == TOKEN_NEWLINE || t.kind == TOKEN_END) {
            if (t.kind == TOKEN_NEWLINE)
                end_statement(f, &t);
            return;
        }
        put(f, " ", 1);
        put(f, t.raw.p, t.raw.n);
        f->last = t;
    }
}

static int lay_out(struct formatter *f)
{
    for (;;) {
        struct token t = lexer_next(&f->lexer);
        bool command = f->depth == 0 && token_is(&t, "spawn") &&
                       token_is(&f->last, "server");

        if (f->full || t.kind == TOKEN_BAD)
            return -CF_TOO_BIG;
        if (t.kind == TOKEN_END)
            break;
        if (t.kind == TOKEN_NEWLINE) {
            end_statement(f, &t);
            continue;
        }
        put_token(f, t);
        if (command)
            put_command(f);
    }
    if (f->out->len > 0)
        put(f, "\n", 1);
    return f->full ? -CF_TOO_BIG : 0;
}

int script_format(struct buf *out, const char *path, struct span text,
                  struct error *err)
{
    struct formatter f = {.out = out, .last = {.kind = TOKEN_NEWLINE}};
    struct script *s;
    int rc = parse_loose(&s, path, text, err);

    if (rc < 0)
        return rc;
    script_free(&s);
    lexer_init(&f.lexer, text);
    f.lexer.comments = true;
    rc = lay_out(&f);
    return rc < 0 ? error_set(err, CF_TOO_BIG, "%s: too big to lay out", path)
                  : 0;
}
