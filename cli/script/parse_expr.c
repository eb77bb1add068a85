/* Values: what stands between operators. */
#include "parse_inside.h"

struct expr *parse_new(struct parser *p, enum expr_kind kind,
                       const struct token *t)
{
    struct expr *x = arena_alloc(p->arena, sizeof(*x));

    x->kind = kind;
    x->at = parse_where(p, t);
    if (++p->nodes > PARSE_MAX_NODES)
        parse_fail(p, t, "more than %d values in one script", PARSE_MAX_NODES);
    return x;
}

void parse_push(struct parser *p, struct expr *x, struct expr *item)
{
    x->items = arena_grow(p->arena, x->items, x->count, sizeof(struct expr *));
    x->items[x->count++] = item;
}

static struct expr *parse_number(struct parser *p)
{
    const struct token *t = parse_token(p);
    struct expr *x = parse_new(p, EXPR_NUMBER, t);

    x->number = t->number;
    x->is_real = t->is_real;
    x->real = t->is_real ? t->real : (double)t->number;
    parse_advance(p);
    return x;
}

static const struct {
    const char *name;
    int least, most; /* arguments */
} calls[] = {
    {"sha256", 1, 1}, {"file", 1, 1},  {"length", 1, 1}, {"text", 1, 1},
    {"number", 1, 1}, {"lower", 1, 1}, {"min", 1, 100},  {"max", 1, 100},
};

static struct expr *parse_call(struct parser *p)
{
    static const char *const names[] = {"sha256", "file",   "length",
                                        "text",   "number", "lower",
                                        "min",    "max",    NULL};
    struct token t = *parse_token(p);
    struct expr *x = parse_new(p, EXPR_CALL, &t);
    int which = parse_word(p, names);
    bool in_pattern = p->in_pattern;

    x->text = parse_copy(p, &t);
    if (which < 0) {
        parse_unknown(p, &t, "function", names);
        return x;
    }
    p->in_pattern = false;
    parse_advance(p);
    parse_expect(p, "(", "the name of a function");
    parse_skip_lines(p);
    while (p->code == 0 && !parse_at(p, ")")) {
        parse_push(p, x, parse_expr(p));
        parse_skip_lines(p);
        if (!parse_take(p, ","))
            break;
        parse_skip_lines(p);
    }
    parse_expect(p, ")", "the arguments");
    p->in_pattern = in_pattern;
    if (x->count < calls[which].least || x->count > calls[which].most)
        parse_fail(p, &t, "%s() takes %d value%s, not %d", x->text,
                   calls[which].least, calls[which].most > 1 ? " or more" : "",
                   x->count);
    return x;
}

static struct expr *parse_env(struct parser *p, const struct token *t)
{
    struct expr *x = parse_new(p, EXPR_ENV, t);

    x->text = "";
    if (!parse_take(p, ".")) {
        parse_fail(p, t, "$env needs a name: $env.NAME is CONFAB_VAR_NAME");
    } else if (!parse_at_kind(p, TOKEN_NAME)) {
        parse_wanted(p, "a name after $env.");
    } else {
        x->text = parse_copy(p, parse_token(p));
        parse_advance(p);
    }
    return x;
}

/* t: $q, or q in ${...}. */
static struct expr *variable(struct parser *p, const struct token *t)
{
    struct token name = *t;
    struct expr *x;

    if (t->kind == TOKEN_VAR) {
        name.raw.p++;
        name.raw.n--;
    }
    parse_advance(p);
    if (span_is(name.raw, "env"))
        return parse_env(p, t);
    x = parse_new(p, EXPR_VAR, t);
    x->text = parse_copy(p, &name);
    if (p->code == 0 && !p->loose &&
        strmap_get(&p->variables, name.raw) == NULL &&
        strmap_get(&p->globals, name.raw) == NULL)
        parse_unknown_key(p, &name, "variable", &p->variables, &p->globals,
                          NULL);
    return x;
}

static struct expr *parse_word_value(struct parser *p)
{
    static const char *const words[] = {"null", "true", "false", NULL};
    struct token t = *parse_token(p);
    struct lexer look = p->source->lexer;
    struct token next = lexer_next(&look);
    int word = parse_word(p, words);
    struct expr *x;

    if (word >= 0) {
        x = parse_new(p, word == 0 ? EXPR_NULL : EXPR_BOOL, &t);
        x->number = word == 1;
        parse_advance(p);
        return x;
    }
    if (token_is(&next, "("))
        return parse_call(p);
    if (p->in_braces)
        return variable(p, &t);
    if (parse_at(p, "any") || parse_at(p, "exactly"))
        parse_fail(p, &t, "'%.*s' belongs in a pattern", (int)t.raw.n, t.raw.p);
    parse_fail(p, &t, "'%.*s' is no value; write \"%.*s\" or $%.*s",
               (int)t.raw.n, t.raw.p, (int)t.raw.n, t.raw.p, (int)t.raw.n,
               t.raw.p);
    return parse_new(p, EXPR_NULL, &t);
}

static struct expr *parse_parentheses(struct parser *p)
{
    bool in_pattern = p->in_pattern;
    struct expr *x;

    p->in_pattern = false;
    parse_advance(p);
    parse_skip_lines(p);
    x = parse_expr(p);
    parse_skip_lines(p);
    parse_expect(p, ")", "the expression");
    p->in_pattern = in_pattern;
    return x;
}

static struct expr *parse_primary(struct parser *p)
{
    struct token t = *parse_token(p);

    if (t.kind == TOKEN_TEXT)
        return parse_text(p);
    if (t.kind == TOKEN_NUMBER)
        return parse_number(p);
    if (t.kind == TOKEN_VAR)
        return variable(p, &t);
    if (t.kind == TOKEN_NAME)
        return parse_word_value(p);
    if (parse_at(p, "{"))
        return parse_object(p);
    if (parse_at(p, "["))
        return parse_array(p);
    if (parse_at(p, "("))
        return parse_parentheses(p);
    if (parse_at(p, "~"))
        parse_fail(p, &t,
                   "'~' needs a value on its left, or belongs in a "
                   "pattern");
    parse_wanted(p, "a value");
    return parse_new(p, EXPR_NULL, &t);
}

/* Fields and elements behind a value. A blank ends it: $a [1]. */
static struct expr *parse_fields(struct parser *p, struct expr *x)
{
    int count = 0;

    while (p->code == 0 && (parse_at(p, ".") || parse_at(p, "["))) {
        struct token t = *parse_token(p);
        struct expr *outer;

        if (t.raw.p != p->source->last.raw.p + p->source->last.raw.n)
            break;
        if (++count > SCRIPT_MAX_DEPTH)
            parse_fail(p, &t, "more than %d fields in a row", SCRIPT_MAX_DEPTH);
        parse_advance(p);
        outer = parse_new(p, token_is(&t, ".") ? EXPR_FIELD : EXPR_INDEX, &t);
        parse_push(p, outer, x);
        x = outer;
        if (x->kind == EXPR_INDEX) {
            parse_push(p, x, parse_expr(p));
            parse_expect(p, "]", "the index");
            continue;
        }
        x->text = parse_copy(p, parse_token(p));
        if (!parse_at_kind(p, TOKEN_NAME))
            parse_wanted(p, "a field after '.'");
        parse_advance(p);
    }
    return x;
}

struct expr *parse_value(struct parser *p)
{
    struct expr *x;

    if (!parse_enter(p)) {
        parse_leave(p);
        return parse_new(p, EXPR_NULL, parse_token(p));
    }
    x = parse_fields(p, parse_primary(p));
    parse_leave(p);
    return x;
}

struct expr *parse_var(struct parser *p)
{
    if (parse_at_kind(p, TOKEN_VAR))
        return parse_value(p);
    parse_wanted(p, "a variable such as $q");
    return parse_new(p, EXPR_NULL, parse_token(p));
}
