/* Blocks and the statements in them. */
#include "parse_inside.h"

#include <stdio.h>

#define SOURCE_MAX 200 /* bytes of a statement as reports show it */

struct stmt *parse_new_stmt(struct parser *p, enum stmt_kind kind)
{
    struct stmt *s = arena_alloc(p->arena, sizeof(*s));

    s->kind = kind;
    s->at = parse_where(p, parse_token(p));
    if (++p->statements > PARSE_MAX_STATEMENTS)
        parse_fail(p, parse_token(p), "more than %d statements in one script",
                   PARSE_MAX_STATEMENTS);
    return s;
}

/* From p->from to the last token taken, in one line without comments. */
static const char *source_of(struct parser *p)
{
    const struct token *from = &p->from, *last = &p->source->last;
    const char *end = from->raw.p, *behind = last->raw.p + last->raw.n;
    struct lexer x = p->source->lexer;
    struct buf text;
    const char *copy;

    if (behind < end || p->code != 0)
        return "";
    buf_init(&text, SOURCE_MAX + 4);
    x.text.n = (size_t)(behind - x.text.p);
    x.at = (size_t)(end - x.text.p);
    for (;;) {
        struct token t = lexer_next(&x);

        if (t.kind == TOKEN_END || t.kind == TOKEN_BAD)
            break;
        if (t.kind == TOKEN_NEWLINE)
            continue;
        if (text.len + t.raw.n + 1 > SOURCE_MAX) {
            (void)buf_append_text(&text, " ...");
            break;
        }
        if (t.raw.p > end)
            (void)buf_append_byte(&text, ' ');
        (void)buf_append_span(&text, t.raw);
        end = t.raw.p + t.raw.n;
    }
    copy = arena_text(p->arena, text.data, text.len);
    buf_release(&text);
    return copy;
}

void parse_end(struct parser *p, bool block)
{
    char found[80];

    if (parse_at_kind(p, TOKEN_NEWLINE) || parse_at_kind(p, TOKEN_END) ||
        (block && parse_at(p, "}")))
        return;
    token_show(parse_token(p), found, sizeof(found));
    parse_fail(p, parse_token(p),
               "%s does not belong here; the statement "
               "ends before it",
               found);
}

void parse_let(struct parser *p, struct stmt *s)
{
    parse_target(p, &s->as, "'let'");
    parse_expect(p, "=", "the variable");
    s->value = parse_expr(p);
}

/* ---- groups ---- */

static void any_order(struct parser *p, struct stmt *s)
{
    parse_advance(p);
    parse_expect(p, "order", s->kind == STMT_ANY_ORDER ? "'any'" : "'in'");
    s->block = parse_block(p, s, PLACE_INNER);
}

static void together(struct parser *p, struct stmt *s)
{
    parse_advance(p);
    s->block = parse_block(p, s, PLACE_INNER);
}

static void repeat(struct parser *p, struct stmt *s)
{
    parse_advance(p);
    s->value = parse_sum(p);
    if (p->code == 0 && s->value->kind == EXPR_NUMBER &&
        (s->value->is_real || s->value->number < 0 ||
         s->value->number > SCRIPT_MAX_REPEAT))
        parse_fail_at(p, s->value->at, "repeat takes 0 to %d",
                      SCRIPT_MAX_REPEAT);
    if (parse_at(p, "as"))
        parse_as(p, &s->as);
    if (s->as.index != NULL)
        parse_fail_at(p, s->as.index->at,
                      "a repeat counts in a variable of its own");
    s->block = parse_block(p, s, PLACE_INNER);
}

static void step(struct parser *p, struct stmt *s)
{
    parse_advance(p);
    s->value = parse_text(p);
    s->block =
        parse_block(p, s, p->place == PLACE_INNER ? PLACE_INNER : PLACE_STEP);
}

static void forbid(struct parser *p, struct stmt *s)
{
    parse_advance(p);
    parse_subject(p, s, NULL);
    s->see = parse_see(p, s, true);
    s->block = parse_block(p, s, PLACE_INNER);
}

static void finally(struct parser *p, struct stmt *s)
{
    if (p->place != PLACE_TEST)
        parse_fail(p, parse_token(p),
                   "'finally' stands at the top of a test, not in a block");
    parse_advance(p);
    s->block = parse_block(p, s, PLACE_INNER);
}

/* ---- flow ---- */

static void actors(struct parser *p, struct stmt *s)
{
    if (p->place == PLACE_INNER)
        parse_fail(p, parse_token(p),
                   "actors are declared at the top of a "
                   "test or in a step");
    parse_actors(p, s);
}

static void test_clock(struct parser *p, struct stmt *s)
{
    parse_advance(p);
    parse_expect(p, "advance", "'clock'");
    s->number = parse_duration(p, "'advance'");
}

static void fence(struct parser *p, struct stmt *s)
{
    parse_advance(p);
    parse_who(p, s);
}

static void let(struct parser *p, struct stmt *s)
{
    parse_let(p, s);
    if (s->as.name != NULL)
        parse_define(p, s->as.name);
}

static void check(struct parser *p, struct stmt *s)
{
    parse_advance(p);
    s->value = parse_expr(p);
}

static void said(struct parser *p, struct stmt *s)
{
    parse_advance(p);
    s->value = parse_text(p);
}

static void sentence(struct parser *p, struct stmt *s);

static const char *const words[] = {
    "actor",  "any",     "in",      "together", "repeat", "step",
    "forbid", "finally", "network", "server",   "clock",  "sync",
    "let",    "check",   "note",    "skip",     NULL};

static const struct {
    enum stmt_kind kind;
    void (*parse)(struct parser *p, struct stmt *s);
} rows[] = {
    {STMT_ACTORS, actors},
    {STMT_ANY_ORDER, any_order},
    {STMT_IN_ORDER, any_order},
    {STMT_TOGETHER, together},
    {STMT_REPEAT, repeat},
    {STMT_STEP, step},
    {STMT_FORBID, forbid},
    {STMT_FINALLY, finally},
    {STMT_NETWORK, parse_network},
    {STMT_SERVER, parse_server_fault},
    {STMT_CLOCK, test_clock},
    {STMT_SYNC, fence},
    {STMT_LET, let},
    {STMT_CHECK, check},
    {STMT_NOTE, said},
    {STMT_SKIP, said},
};

static void sentence(struct parser *p, struct stmt *s)
{
    if (!parse_at_kind(p, TOKEN_NAME))
        parse_wanted(p, "a statement");
    parse_subject(p, s, words);
    if (!parse_at(p, "sees")) {
        parse_action(p, s);
        return;
    }
    parse_advance(p);
    s->kind = STMT_EXPECT;
    s->see = parse_see(p, s, false);
}

static struct stmt *parse_stmt(struct parser *p)
{
    struct stmt *s = parse_new_stmt(p, STMT_ACTION);
    int row = parse_word(p, words);

    p->from = *parse_token(p);
    if (row < 0) {
        sentence(p, s);
    } else {
        s->kind = rows[row].kind;
        rows[row].parse(p, s);
    }
    if (s->source == NULL)
        s->source = source_of(p);
    parse_end(p, true);
    return s;
}

static void refuse_block(struct parser *p)
{
    struct token word = p->from;
    char what[80];

    snprintf(what, sizeof(what), "'{' and the block of '%.*s'",
             word.raw.n > 20 ? 20 : (int)word.raw.n, word.raw.p);
    parse_wanted(p, what);
}

struct stmt *parse_block(struct parser *p, struct stmt *s, enum place place)
{
    struct stmt *first = NULL, **next = &first;
    enum place outer = p->place;

    s->source = source_of(p);
    if (!parse_at(p, "{"))
        refuse_block(p);
    parse_advance(p);
    p->place = place;
    if (parse_enter(p)) {
        parse_skip_newlines(p);
        while (p->code == 0 && !parse_at(p, "}") &&
               !parse_at_kind(p, TOKEN_END)) {
            *next = parse_stmt(p);
            next = &(*next)->next;
            parse_skip_newlines(p);
        }
    }
    parse_leave(p);
    p->place = outer;
    s->end_line = parse_token(p)->line;
    if (!parse_take(p, "}"))
        parse_fail(p, parse_token(p),
                   "the block that began in line %d has no closing '}'",
                   s->at.line);
    return first;
}
