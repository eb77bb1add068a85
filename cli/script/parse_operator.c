/* or < and < not < == != < <= > >= ~ < + - < * / % < -, weakest first. */
#include "parse_inside.h"

typedef struct expr *parse_fn(struct parser *p);

static struct expr *binary(struct parser *p, struct expr *left,
                           struct expr *right, const struct token *op)
{
    struct expr *x = parse_new(p, EXPR_BINARY, op);

    x->op = parse_copy(p, op);
    parse_push(p, x, left);
    parse_push(p, x, right);
    return x;
}

static struct expr *unary(struct parser *p, const struct token *op,
                          parse_fn *operand)
{
    struct expr *x = parse_new(p, EXPR_UNARY, op);

    x->op = parse_copy(p, op);
    parse_advance(p);
    if (parse_enter(p))
        parse_push(p, x, operand(p));
    parse_leave(p);
    return x;
}

/* operand { op operand }, to the left. */
static struct expr *chain(struct parser *p, const char *const *ops,
                          parse_fn *operand)
{
    struct expr *x = operand(p);
    int count = 0;

    while (p->code == 0 && parse_word(p, ops) >= 0) {
        struct token op = *parse_token(p);

        if (++count > PARSE_MAX_CHAIN)
            parse_fail(p, &op, "more than %d operators in a row",
                       PARSE_MAX_CHAIN);
        parse_advance(p);
        x = binary(p, x, operand(p), &op);
    }
    return x;
}

/* A minus before a number makes a number. */
static struct expr *negate(struct parser *p)
{
    struct token t = *parse_token(p);
    struct expr *x, *item;

    if (!parse_at(p, "-"))
        return parse_value(p);
    x = unary(p, &t, negate);
    if (x->count == 0 || x->items[0]->kind != EXPR_NUMBER)
        return x;
    item = x->items[0];
    item->number = -item->number;
    item->real = -item->real;
    item->at = x->at;
    return item;
}

static struct expr *product(struct parser *p)
{
    static const char *const ops[] = {"*", "/", "%", NULL};

    return chain(p, ops, negate);
}

struct expr *parse_sum(struct parser *p)
{
    static const char *const ops[] = {"+", "-", NULL};

    return chain(p, ops, product);
}

static struct expr *comparison(struct parser *p)
{
    static const char *const ops[] = {
        "==", "!=", "<", "<=", ">", ">=", "~", NULL};
    struct expr *x = parse_sum(p);
    struct token op = *parse_token(p);

    if (op.kind == TOKEN_SIGN && token_is(&op, "="))
        parse_fail(p, &op, "'=' sets; to compare write '=='");
    if (parse_word(p, ops) < 0)
        return x;
    parse_advance(p);
    x = binary(p, x, parse_sum(p), &op);
    op = *parse_token(p);
    if (parse_word(p, ops) >= 0)
        parse_fail(p, &op, "two comparisons in a row; join them with 'and'");
    return x;
}

static struct expr *negation(struct parser *p)
{
    struct token t = *parse_token(p);

    return parse_at(p, "not") ? unary(p, &t, negation) : comparison(p);
}

static struct expr *conjunction(struct parser *p)
{
    static const char *const ops[] = {"and", NULL};

    return chain(p, ops, negation);
}

struct expr *parse_expr(struct parser *p)
{
    static const char *const ops[] = {"or", NULL};
    struct expr *x;

    if (parse_enter(p)) {
        x = chain(p, ops, conjunction);
    } else {
        x = parse_new(p, EXPR_NULL, parse_token(p));
    }
    parse_leave(p);
    return x;
}
