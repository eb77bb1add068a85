#include "parse_inside.h"

#include "base/text.h"

#define TEXT_PARTS 1000 /* of one string with ${...} */

/* The token at a byte of t, for errors. */
static struct token inside(const struct token *t, const char *at)
{
    struct token place = *t;

    place.column += (int)(at - t->raw.p);
    return place;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four hex digits at s; -1 when they are not. */
static int32_t unit_at(const char *s, const char *end)
{
    int32_t v = 0;

    if (end - s < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        if (hex(s[i]) < 0)
            return -1;
        v = v << 4 | hex(s[i]);
    }
    return v;
}

static void put_utf8(struct buf *out, int32_t c)
{
    char b[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = n; i-- > 1; c >>= 6)
        b[i] = (char)(0x80 | (c & 0x3f));
    b[0] = (char)(n == 1 ? c : (0xf00 >> n & 0xff) | c);
    (void)buf_append(out, b, n);
}

/* \uXXXX, with its second half where it needs one. Behind it, or NULL. */
static const char *decode_unit(struct buf *out, const char *s, const char *end)
{
    int32_t c = unit_at(s, end), low;

    if (c <= 0 || (c >= 0xdc00 && c <= 0xdfff))
        return NULL;
    s += 4;
    if (c >= 0xd800 && c <= 0xdbff) {
        if (end - s < 6 || s[0] != '\\' || s[1] != 'u')
            return NULL;
        low = unit_at(s + 2, end);
        if (low < 0xdc00 || low > 0xdfff)
            return NULL;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        s += 6;
    }
    put_utf8(out, c);
    return s;
}

/* The escape behind a backslash at s. Behind it, or NULL. */
static const char *decode(struct buf *out, const char *s, const char *end)
{
    static const char from[] = "\"\\/bfnrt$", to[] = "\"\\/\b\f\n\r\t$";
    const char *found;

    if (s == end)
        return NULL;
    if (*s == 'u')
        return decode_unit(out, s + 1, end);
    found = strchr(from, *s);
    if (found == NULL || *found == '\0')
        return NULL;
    (void)buf_append_byte(out, to[found - from]);
    return s + 1;
}

static void add_part(struct parser *p, struct expr *x, const struct token *t,
                     struct buf *text)
{
    struct expr *part;

    if (text->len == 0)
        return;
    part = parse_new(p, EXPR_TEXT, t);
    part->text = arena_text(p->arena, text->data, text->len);
    parse_push(p, x, part);
    buf_clear(text);
}

/* The expression in ${...}, from behind the brace; returns behind its end.
 * The lexer of the source goes there for a while, then back. */
static const char *interpolate(struct parser *p, struct expr *x,
                               const struct token *t, const char *from)
{
    struct source *s = p->source;
    struct lexer lexer = s->lexer;
    struct token token = s->token, last = s->last;
    bool in_braces = p->in_braces, in_pattern = p->in_pattern;
    const char *end;

    s->lexer.at = (size_t)(from - s->text.p);
    s->lexer.fields = true;
    s->lexer.line = t->line;
    s->lexer.line_start = s->lexer.at - (size_t)inside(t, from).column + 1;
    p->in_braces = true;
    p->in_pattern = false;
    parse_advance(p);
    parse_push(p, x, parse_expr(p));
    if (!parse_at(p, "}"))
        parse_wanted(p, "'}' after the expression");
    end = s->token.raw.p + 1;
    p->in_braces = in_braces;
    p->in_pattern = in_pattern;
    s->lexer = lexer;
    s->token = token;
    s->last = last;
    if (p->code != 0) {
        s->token.kind = TOKEN_END;
        return NULL;
    }
    return end;
}

/* Fill x with the parts of [at, end), which lies in t. */
static void parts(struct parser *p, struct expr *x, const struct token *t,
                  const char *at, const char *end, bool escapes)
{
    struct buf text;
    struct token place;

    buf_init(&text, SCRIPT_MAX_BYTES);
    while (at != NULL && at < end && p->code == 0) {
        place = inside(t, at);
        if (*at == '$' && end - at > 1 && at[1] == '{') {
            add_part(p, x, t, &text);
            at = interpolate(p, x, t, at + 2);
        } else if (escapes && *at == '\\') {
            at = decode(&text, at + 1, end);
            if (at == NULL)
                parse_fail(p, &place,
                           "unknown escape; there are \\\" \\\\ "
                           "\\/ \\b \\f \\n \\r \\t \\$ \\uXXXX");
        } else {
            (void)buf_append_byte(&text, *at++);
        }
        if (x->count > TEXT_PARTS)
            parse_fail(p, &place, "more than %d parts in a string", TEXT_PARTS);
    }
    if (x->count == 0)
        x->text = arena_text(p->arena, text.data, text.len);
    else
        add_part(p, x, t, &text);
    buf_release(&text);
}

struct expr *parse_text(struct parser *p)
{
    struct token t = *parse_token(p);
    struct expr *x = parse_new(p, EXPR_TEXT, &t);

    x->text = "";
    if (t.kind != TOKEN_TEXT) {
        parse_wanted(p, "a string");
        return x;
    }
    if (parse_enter(p))
        parts(p, x, &t, t.raw.p + 1, t.raw.p + t.raw.n - 1, true);
    parse_leave(p);
    parse_advance(p);
    return x;
}

const char *parse_plain(struct parser *p, const char *what)
{
    struct token t = *parse_token(p);
    struct expr *x;

    if (t.kind != TOKEN_TEXT) {
        parse_wanted(p, what);
        return NULL;
    }
    x = parse_text(p);
    if (x->count > 0)
        parse_fail(p, &t, "%s stands as it is, without ${...}", what);
    return p->code == 0 ? x->text : NULL;
}

struct expr *parse_name(struct parser *p)
{
    struct token t = *parse_token(p);
    struct expr *x = parse_new(p, EXPR_NAME, &t);

    x->text = "";
    if (t.kind != TOKEN_NAME) {
        parse_wanted(p, "a name");
        return x;
    }
    if (t.is_template && parse_enter(p)) {
        parts(p, x, &t, t.raw.p, t.raw.p + t.raw.n, false);
        parse_leave(p);
    }
    x->text = parse_copy(p, &t);
    parse_advance(p);
    return x;
}
