/* Actors, and what is named: conversations, captured events. */
#include "parse_inside.h"

#include <stdio.h>

/* Words that begin a statement, or mean something where an actor may stand. */
static const char *const reserved[] = {
    "actor",  "any",     "in",      "together", "repeat", "step",
    "forbid", "finally", "network", "server",   "clock",  "sync",
    "let",    "check",   "note",    "skip",     "test",   "nothing",
    "file",   "env",     "off",     "sees",     "as",     NULL};

void parse_define(struct parser *p, const char *name)
{
    if (p->code == 0)
        (void)strmap_put(&p->variables, span_of(name), p);
}

void parse_target(struct parser *p, struct target *as, const char *after)
{
    struct token t, var;

    parse_advance(p);
    t = var = *parse_token(p);
    if (t.kind != TOKEN_VAR) {
        char what[60];

        snprintf(what, sizeof(what), "a variable such as $q after %s", after);
        parse_wanted(p, what);
        return;
    }
    var.raw.p++;
    var.raw.n--;
    if (span_is(var.raw, "env"))
        parse_fail(p, &t, "$env holds what comes from outside");
    as->name = parse_copy(p, &var);
    parse_advance(p);
    if (parse_take(p, "[")) {
        as->index = parse_expr(p);
        parse_expect(p, "]", "the index");
    }
}

void parse_as(struct parser *p, struct target *as)
{
    parse_target(p, as, "'as'");
    if (as->name != NULL)
        parse_define(p, as->name);
}

/* ---- who ---- */

struct expr *parse_actor(struct parser *p)
{
    struct token t = *parse_token(p);
    struct expr *x;

    if (t.kind != TOKEN_NAME)
        parse_wanted(p, "the name of an actor");
    x = parse_name(p);
    if (p->code == 0 && !t.is_template && !p->loose &&
        strmap_get(&p->actors, t.raw) == NULL)
        parse_unknown_key(p, &t, "actor", &p->actors, NULL, NULL);
    return x;
}

struct expr *parse_conv(struct parser *p, const char *after)
{
    char what[80];

    if (parse_at_kind(p, TOKEN_VAR))
        return parse_var(p);
    if (parse_at_kind(p, TOKEN_TEXT))
        return parse_text(p);
    if (parse_at_kind(p, TOKEN_NAME))
        return parse_actor(p);
    snprintf(what, sizeof(what), "an actor or a conversation after %s", after);
    parse_wanted(p, what);
    return parse_new(p, EXPR_NULL, parse_token(p));
}

void parse_who(struct parser *p, struct stmt *s)
{
    do {
        struct expr *x = parse_actor(p);
        int n = s->nnames;

        s->names = arena_grow(p->arena, s->names, n, sizeof(const char *));
        s->name_exprs =
            arena_grow(p->arena, s->name_exprs, n, sizeof(struct expr *));
        s->names[n] = x->text;
        s->name_exprs[n] = x->count > 0 ? x : NULL;
        for (int i = 0; p->code == 0 && x->count == 0 && i < n; i++)
            if (strcmp(s->names[i], x->text) == 0)
                parse_fail_at(p, x->at, "'%s' is there twice", x->text);
        s->nnames++;
        if (s->nnames > SCRIPT_MAX_ACTORS)
            parse_fail_at(p, x->at, "more than %d names", SCRIPT_MAX_ACTORS);
    } while (parse_take(p, ","));
}

/* ---- actor ---- */

static void declare(struct parser *p, struct stmt *s, const struct token *t,
                    const char *name)
{
    struct span key = span_of(name);

    if (p->code != 0)
        return;
    if (strmap_get(&p->actors, key) != NULL) {
        parse_fail(p, t, "actor '%s' is there already", name);
        return;
    }
    if (p->nactors++ == SCRIPT_MAX_ACTORS) {
        parse_fail(p, t, "more than %d actors in one test", SCRIPT_MAX_ACTORS);
        return;
    }
    (void)strmap_put(&p->actors, key, s);
    s->names = arena_grow(p->arena, s->names, s->nnames, sizeof(const char *));
    s->names[s->nnames++] = name;
}

/* user[3]: user1, user2, user3. */
static void declare_many(struct parser *p, struct stmt *s,
                         const struct token *t)
{
    char name[LEXER_NAME_MAX + 24];
    int64_t n;
    int len;

    parse_advance(p);
    n = parse_int(p, "a number of actors", 1, SCRIPT_MAX_ACTORS);
    parse_expect(p, "]", "the number of actors");
    for (int64_t i = 1; p->code == 0 && i <= n; i++) {
        len = snprintf(name, sizeof(name), "%.*s%d", (int)t->raw.n, t->raw.p,
                       (int)i);
        declare(p, s, t, arena_text(p->arena, name, (size_t)len));
    }
}

static void parse_declaration(struct parser *p, struct stmt *s)
{
    struct token t = *parse_token(p);

    if (t.kind != TOKEN_NAME)
        parse_wanted(p, "the name of an actor");
    else if (t.is_template)
        parse_fail(p, &t,
                   "an actor is declared by its name; user[10] makes "
                   "user1 to user10");
    else if (parse_word(p, reserved) >= 0)
        parse_fail(p, &t, "'%.*s' is a word of the language, not a name",
                   (int)t.raw.n, t.raw.p);
    parse_advance(p);
    if (parse_at(p, "["))
        declare_many(p, s, &t);
    else
        declare(p, s, &t, parse_copy(p, &t));
}

void parse_actors(struct parser *p, struct stmt *s)
{
    struct expr *of;

    parse_advance(p);
    do {
        parse_declaration(p, s);
    } while (parse_take(p, ","));
    if (!parse_take(p, "device"))
        return;
    parse_expect(p, "of", "'device'");
    of = parse_actor(p);
    for (int i = 0; p->code == 0 && i < s->nnames; i++)
        if (strcmp(s->names[i], of->text) == 0)
            parse_fail_at(p, of->at, "'%s' cannot be a device of itself",
                          of->text);
    s->device_of = of->text;
}

/* The actor that begins a sentence; words are what else may stand there. */
void parse_subject(struct parser *p, struct stmt *s, const char *const *words)
{
    struct token t = *parse_token(p);
    struct expr *x;

    if (t.kind == TOKEN_NAME && !t.is_template && !p->loose &&
        strmap_get(&p->actors, t.raw) == NULL) {
        if (p->nactors == 0)
            parse_fail(p, &t, "no actor '%.*s'; begin with: actor %.*s",
                       (int)t.raw.n, t.raw.p, (int)t.raw.n, t.raw.p);
        parse_unknown_key(p, &t, "actor", &p->actors, NULL, words);
    }
    x = parse_name(p);
    s->actor = x->text;
    s->actor_expr = x->count > 0 ? x : NULL;
}
