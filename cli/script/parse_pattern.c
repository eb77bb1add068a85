#include "parse_inside.h"

#include "pattern_regex.h"

static struct expr *parse_regex(struct parser *p)
{
    struct token t = *parse_token(p);
    struct expr *x;
    struct error why;

    parse_advance(p);
    x = parse_text(p);
    x->kind = EXPR_REGEX;
    if (p->code != 0 || x->count > 0)
        return x; /* what is interpolated is known to the run alone */
    if (regex_check(x->text, &why) < 0)
        parse_fail(p, &t, "%s", why.text);
    return x;
}

static bool too_big(const struct expr *low, const struct expr *high)
{
    return low->kind == EXPR_NUMBER && high->kind == EXPR_NUMBER &&
           low->real > high->real;
}

static struct expr *parse_range(struct parser *p)
{
    struct expr *low = parse_sum(p), *x;
    struct token t = *parse_token(p);

    if (!parse_take(p, ".."))
        return low;
    x = parse_new(p, EXPR_RANGE, &t);
    x->at = low->at;
    parse_push(p, x, low);
    parse_push(p, x, parse_sum(p));
    if (p->code == 0 && too_big(low, x->items[1]))
        parse_fail_at(p, x->at, "an empty range: its first number is larger");
    if (p->code == 0 && (low->kind == EXPR_TEXT || low->kind == EXPR_OBJECT))
        parse_fail_at(p, x->at, "a range is of numbers");
    return x;
}

static struct expr *parse_exactly(struct parser *p)
{
    struct expr *x = parse_new(p, EXPR_EXACTLY, parse_token(p));

    parse_advance(p);
    if (!parse_at(p, "{"))
        parse_wanted(p, "an object after 'exactly'");
    parse_push(p, x, p->code == 0 ? parse_object(p) : NULL);
    return x;
}

/* What may stand for a value: itself, or in a pattern what fits it. */
static struct expr *parse_element(struct parser *p)
{
    struct token t = *parse_token(p);
    struct expr *x;

    if (!p->in_pattern)
        return parse_expr(p);
    if (parse_take(p, "any"))
        return parse_new(p, EXPR_ANY, &t);
    if (parse_at(p, "~"))
        return parse_regex(p);
    if (!parse_enter(p))
        x = parse_new(p, EXPR_NULL, &t);
    else if (parse_at(p, "exactly"))
        x = parse_exactly(p);
    else
        x = parse_range(p);
    parse_leave(p);
    return x;
}

struct expr *parse_array(struct parser *p)
{
    struct expr *x = parse_new(p, EXPR_ARRAY, parse_token(p));
    int line = parse_token(p)->line;

    parse_advance(p);
    parse_skip_lines(p);
    while (p->code == 0 && !parse_at(p, "]")) {
        parse_push(p, x, parse_element(p));
        parse_skip_lines(p);
        if (!parse_take(p, ","))
            break;
        parse_skip_lines(p);
    }
    if (!parse_take(p, "]"))
        parse_fail(p, parse_token(p),
                   "expected ',' or ']' in the array of line %d", line);
    return x;
}

static void parse_key(struct parser *p, struct expr *x)
{
    struct token t = *parse_token(p);
    const char *key = parse_plain(p, "a key in quotes");

    x->keys = arena_grow(p->arena, x->keys, x->count, sizeof(const char *));
    x->keys[x->count] = key;
    if (x->count >= PARSE_MAX_KEYS)
        parse_fail(p, &t, "more than %d keys in one object", PARSE_MAX_KEYS);
    for (int i = 0; p->code == 0 && i < x->count; i++)
        if (strcmp(x->keys[i], key) == 0)
            parse_fail(p, &t, "the key \"%.40s\" is there twice", key);
    parse_expect(p, ":", "a key");
}

struct expr *parse_object(struct parser *p)
{
    struct expr *x = parse_new(p, EXPR_OBJECT, parse_token(p));
    int line = parse_token(p)->line;

    parse_advance(p);
    parse_skip_lines(p);
    while (p->code == 0 && !parse_at(p, "}")) {
        parse_key(p, x);
        parse_skip_lines(p);
        parse_push(p, x, parse_element(p));
        parse_skip_lines(p);
        if (!parse_take(p, ","))
            break;
        parse_skip_lines(p);
    }
    if (!parse_take(p, "}"))
        parse_fail(p, parse_token(p),
                   "expected ',' or '}' in the object of line %d", line);
    return x;
}

/* ---- the pattern of an event ---- */

/* "text" { ... } is { "text": "text", ... }. */
static struct expr *join(struct parser *p, struct expr *text,
                         struct expr *object)
{
    struct expr *members =
        object->kind == EXPR_EXACTLY ? object->items[0] : object;

    if (members == NULL)
        return object;
    for (int i = 0; i < members->count; i++)
        if (strcmp(members->keys[i], "text") == 0)
            parse_fail_at(p, text->at,
                          "the text is given twice: here, and in "
                          "the object");
    members->keys = arena_grow(p->arena, members->keys, members->count,
                               sizeof(const char *));
    members->keys[members->count] = "text";
    parse_push(p, members, text);
    return object;
}

static bool is_text(const struct parser *p)
{
    return parse_at_kind(p, TOKEN_TEXT) || parse_at(p, "~");
}

/* Is the brace that of an object, not of a block? No statement begins with a
 * string. */
static bool is_object(const struct parser *p, bool block)
{
    struct lexer look = p->source->lexer;
    struct token next;

    if (parse_at(p, "exactly"))
        return true;
    if (!parse_at(p, "{") || !block)
        return parse_at(p, "{");
    do {
        next = lexer_next(&look);
    } while (next.kind == TOKEN_NEWLINE);
    return next.kind == TOKEN_TEXT;
}

struct expr *parse_pattern(struct parser *p, bool block)
{
    struct expr *text = NULL, *object = NULL;

    p->in_pattern = true;
    while (p->code == 0) {
        struct token t = *parse_token(p);

        if (is_text(p) && text == NULL)
            text = parse_at(p, "~") ? parse_regex(p) : parse_text(p);
        else if (is_object(p, block) && object == NULL)
            object = parse_element(p);
        else if (is_text(p) || parse_at(p, "exactly"))
            parse_fail(p, &t, "one pattern of this sort is enough");
        else
            break;
    }
    p->in_pattern = false;
    if (text != NULL && object != NULL && p->code == 0)
        return join(p, text, object);
    return text != NULL ? text : object;
}
