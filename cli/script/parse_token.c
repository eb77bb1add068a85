#include "parse_inside.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"

#define ERROR_BYTES (sizeof(((struct error *)NULL)->text) - 1)
#define SHOWN 64 /* columns of a source line in an error */

struct where parse_where(const struct parser *p, const struct token *t)
{
    return (struct where){p->source->path, t->line, t->column};
}

const struct token *parse_token(const struct parser *p)
{
    return &p->source->token;
}

void parse_advance(struct parser *p)
{
    struct source *s = p->source;

    if (p->code != 0)
        return;
    s->last = s->token;
    s->token = lexer_next(&s->lexer);
    if (s->token.kind == TOKEN_BAD) {
        struct token t = s->token;

        parse_fail(p, &t, "%s", t.why);
    }
}

bool parse_at(const struct parser *p, const char *raw)
{
    return token_is(&p->source->token, raw);
}

bool parse_at_kind(const struct parser *p, enum token_kind kind)
{
    return p->source->token.kind == kind;
}

bool parse_take(struct parser *p, const char *raw)
{
    if (!parse_at(p, raw))
        return false;
    parse_advance(p);
    return true;
}

bool parse_expect(struct parser *p, const char *raw, const char *after)
{
    char found[80];

    if (parse_take(p, raw))
        return true;
    token_show(parse_token(p), found, sizeof(found));
    parse_fail(p, parse_token(p), "expected '%s' after %s, found %s", raw,
               after, found);
    return false;
}

void parse_skip_newlines(struct parser *p)
{
    while (parse_at_kind(p, TOKEN_NEWLINE))
        parse_advance(p);
}

void parse_skip_lines(struct parser *p)
{
    while (parse_at_kind(p, TOKEN_NEWLINE) && parse_token(p)->raw.p[0] == '\n')
        parse_advance(p);
}

/* ---- errors ---- */

/* The bytes of a line that fit around the place; *caret becomes relative. */
static struct span line_at(struct span all, int number, size_t *caret)
{
    size_t from = 0, end, column = *caret;

    while (number > 1 && from < all.n)
        number -= all.p[from++] == '\n';
    for (end = from; end < all.n && all.p[end] != '\n'; end++)
        ;
    if (end > from && all.p[end - 1] == '\r')
        end--;
    if (column > SHOWN / 2) {
        size_t skip = column - SHOWN / 2;

        while (skip < column && (all.p[from + skip] & 0xc0) == 0x80)
            skip++;
        from += skip;
        *caret -= skip;
    }
    return (struct span){all.p + from, end > from ? end - from : 0};
}

static bool is_blank(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != ' ' && s.p[i] != '\t')
            return false;
    return true;
}

/* Append the line around the place, controls as blanks, and below a caret:
 * what fits in an error. */
static void show_line(struct buf *out, const struct source *s, struct where at)
{
    size_t caret = (size_t)at.column - 1, room, i;
    struct span line = line_at(s->text, at.line, &caret);
    int columns = 0, mark = -1;

    if (is_blank(line) || out->len + 2 * SHOWN > ERROR_BYTES)
        return;
    room = ERROR_BYTES - SHOWN - 8;
    (void)buf_append_text(out, "\n  ");
    for (i = 0; i < line.n && columns < SHOWN && out->len < room;) {
        size_t next = i;
        int32_t c = text_next(line, &next);
        int width = c < 0 ? -1 : text_width(c);

        if (i >= caret && mark < 0)
            mark = columns;
        if (width < 0)
            (void)buf_append_byte(out, ' ');
        else
            (void)buf_append(out, line.p + i, next - i);
        columns += width < 0 ? 1 : width;
        i = next;
    }
    (void)buf_printf(out, "\n  %*s^", mark < 0 ? columns : mark, "");
}

static void fail(struct parser *p, struct where at, const char *what)
{
    struct buf text;
    const struct source *s = p->source;
    size_t long_path = strlen(at.file) > 80 ? strlen(at.file) - 80 : 0;

    if (p->code != 0)
        return;
    p->code = -CF_INVALID;
    buf_init(&text, 512);
    (void)buf_printf(&text, "%s:%d:%d: %s", at.file + long_path, at.line,
                     at.column, what);
    while (s != NULL && s->path != at.file)
        s = s->outer;
    if (s != NULL && at.line > 0)
        show_line(&text, s, at);
    error_set(p->err, CF_INVALID, "%s", buf_cstr(&text));
    buf_release(&text);
    for (struct source *all = p->source; all != NULL; all = all->outer) {
        all->lexer.at = all->lexer.text.n;
        all->token.kind = TOKEN_END;
    }
}

/* A text that was cut may end within a character. */
static void trim(char *text)
{
    size_t n = strlen(text), i = n;

    while (i > 0 && (text[i - 1] & 0xc0) == 0x80)
        i--;
    if (i > 0 && (unsigned char)text[i - 1] >= 0xc0 &&
        !text_is_utf8(span_make(text + i - 1, n - i + 1)))
        text[i - 1] = '\0';
}

__attribute__((format(printf, 3, 0))) static void
fail_args(struct parser *p, struct where at, const char *fmt, va_list args)
{
    char what[160];

    vsnprintf(what, sizeof(what), fmt, args);
    trim(what);
    fail(p, at, what);
}

void parse_fail(struct parser *p, const struct token *t, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fail_args(p, parse_where(p, t), fmt, args);
    va_end(args);
}

void parse_fail_at(struct parser *p, struct where at, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fail_args(p, at, fmt, args);
    va_end(args);
}

void parse_wanted(struct parser *p, const char *what)
{
    char found[80];

    token_show(parse_token(p), found, sizeof(found));
    parse_fail(p, parse_token(p), "expected %s, found %s", what, found);
}

void parse_unknown(struct parser *p, const struct token *t, const char *what,
                   const char *const *words)
{
    char word[LEXER_NAME_MAX + 1];
    const char *near;

    if (t->raw.n > LEXER_NAME_MAX) {
        parse_fail(p, t, "unknown %s", what);
        return;
    }
    memcpy(word, t->raw.p, t->raw.n);
    word[t->raw.n] = '\0';
    near = text_nearest(word, words);
    if (near != NULL)
        parse_fail(p, t, "unknown %s '%s', did you mean '%s'?", what, word,
                   near);
    else
        parse_fail(p, t, "unknown %s '%s'", what, word);
}

static void add_keys(const char **words, int *n, const struct strmap *m)
{
    for (uint32_t i = 0; m != NULL && i < m->len && *n < 1000; i++)
        words[(*n)++] = m->entries[i].key;
}

void parse_unknown_key(struct parser *p, const struct token *t,
                       const char *what, const struct strmap *a,
                       const struct strmap *b, const char *const *words)
{
    const char *all[1101];
    int n = 0;

    add_keys(all, &n, a);
    add_keys(all, &n, b);
    for (int i = 0; words != NULL && words[i] != NULL && n < 1100; i++)
        all[n++] = words[i];
    all[n] = NULL;
    parse_unknown(p, t, what, all);
}

bool parse_enter(struct parser *p)
{
    if (++p->depth <= SCRIPT_MAX_DEPTH)
        return true;
    parse_fail(p, parse_token(p), "nested deeper than %d", SCRIPT_MAX_DEPTH);
    return false;
}

void parse_leave(struct parser *p)
{
    p->depth--;
}

/* ---- words and numbers ---- */

int parse_word(const struct parser *p, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++)
        if (parse_at(p, words[i]))
            return i;
    return -1;
}

const char *parse_copy(struct parser *p, const struct token *t)
{
    return arena_text(p->arena, t->raw.p, t->raw.n);
}

int64_t parse_duration(struct parser *p, const char *after)
{
    int64_t ms = parse_token(p)->number;

    if (parse_at_kind(p, TOKEN_NUMBER)) {
        parse_fail(p, parse_token(p),
                   "a duration needs a unit: 250ms 2s 5m 1h 7d 1y");
    } else if (!parse_at_kind(p, TOKEN_DURATION)) {
        char what[80];

        snprintf(what, sizeof(what), "a duration after %s", after);
        parse_wanted(p, what);
    }
    parse_advance(p);
    return p->code == 0 ? ms : 0;
}

int64_t parse_rate(struct parser *p)
{
    int64_t rate = parse_token(p)->number;

    if (!parse_at_kind(p, TOKEN_SIZE))
        parse_wanted(p, "a rate as 64KB/s");
    else if (rate == 0)
        parse_fail(p, parse_token(p), "a rate of 0; write 'cut'");
    parse_advance(p);
    return p->code == 0 ? rate : 0;
}

int64_t parse_int(struct parser *p, const char *what, int64_t min, int64_t max)
{
    struct token t = *parse_token(p);

    if (t.kind != TOKEN_NUMBER || t.is_real)
        parse_wanted(p, what);
    else if (t.number < min || t.number > max)
        parse_fail(p, &t, "%s is %lld to %lld", what, (long long)min,
                   (long long)max);
    parse_advance(p);
    return p->code == 0 ? t.number : min;
}
