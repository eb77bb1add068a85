/* What an actor does. */
#include "parse_inside.h"

#include "ast_names.h"

/* A string, a variable, or a value in parentheses. */
static struct expr *parse_said(struct parser *p, const char *what)
{
    if (parse_at_kind(p, TOKEN_TEXT) || parse_at_kind(p, TOKEN_VAR) ||
        parse_at_kind(p, TOKEN_NAME) || parse_at(p, "("))
        return parse_value(p);
    parse_wanted(p, what);
    return parse_new(p, EXPR_NULL, parse_token(p));
}

static void parse_ttl(struct parser *p, struct stmt *s)
{
    struct token t = *parse_token(p);

    s->ttl_ms = parse_duration(p, "'ttl'");
    if (p->code == 0 && s->ttl_ms <= 0)
        parse_fail(p, &t, "a ttl of nothing");
}

static void sends(struct parser *p, struct stmt *s)
{
    s->to = parse_conv(p, "'sends'");
    s->value = parse_said(p, "the text to send");
    while (p->code == 0) {
        if (s->cid == NULL && parse_take(p, "key"))
            s->cid = parse_said(p, "a key after 'key'");
        else if (s->ttl_ms == 0 && parse_take(p, "ttl"))
            parse_ttl(p, s);
        else if (s->thread == NULL && parse_take(p, "in")) {
            parse_expect(p, "thread", "'in'");
            s->thread = parse_var(p);
        } else {
            break;
        }
    }
}

static void replies(struct parser *p, struct stmt *s)
{
    s->of = parse_var(p);
    s->value = parse_said(p, "the text");
}

static void of_one(struct parser *p, struct stmt *s)
{
    s->of = parse_var(p);
}

static void reacts(struct parser *p, struct stmt *s)
{
    replies(p, s);
    s->off = parse_take(p, "off");
}

static void conversation(struct parser *p, struct stmt *s)
{
    s->to = parse_conv(p, "the verb");
    if (s->verb == VERB_TYPES)
        s->off = parse_take(p, "off");
}

static void resumes(struct parser *p, struct stmt *s)
{
    if (parse_take(p, "after"))
        s->after = parse_var(p);
}

static void views(struct parser *p, struct stmt *s)
{
    if (parse_take(p, "nothing"))
        return;
    do {
        if (parse_at_kind(p, TOKEN_TEXT))
            parse_wanted(p, "an actor or a variable");
        s->views =
            arena_grow(p->arena, s->views, s->nviews, sizeof(struct expr *));
        s->views[s->nviews++] = parse_conv(p, "'views'");
    } while (parse_take(p, ","));
}

static void uploads(struct parser *p, struct stmt *s)
{
    s->to = parse_conv(p, "'uploads'");
    parse_expect(p, "file", "the conversation");
    s->value = parse_said(p, "the name of a file");
    if (parse_take(p, "caption"))
        s->caption = parse_said(p, "the caption");
}

static void parse_choice(struct parser *p, struct stmt *s, const char *what,
                         const char *const *words)
{
    struct token t = *parse_token(p);

    if (t.kind != TOKEN_NAME)
        parse_wanted(p, what);
    else if (parse_word(p, words) < 0)
        parse_unknown(p, &t, what, words);
    s->word = parse_copy(p, &t);
    parse_advance(p);
}

static void creates(struct parser *p, struct stmt *s)
{
    static const char *const kinds[] = {"group", "channel", NULL};

    parse_choice(p, s, "kind of conversation", kinds);
    s->value = parse_said(p, "a title");
    if (parse_take(p, "with"))
        parse_who(p, s);
}

static void members(struct parser *p, struct stmt *s)
{
    const char *to = s->verb == VERB_ADDS ? "to" : "from";

    parse_who(p, s);
    parse_expect(p, to, "the names");
    s->to = parse_conv(p, "the names");
}

static void renames(struct parser *p, struct stmt *s)
{
    s->to = parse_conv(p, "'renames'");
    s->value = parse_said(p, "a title");
}

static void parse_one(struct parser *p, struct stmt *s)
{
    struct token t = *parse_token(p);

    parse_who(p, s);
    if (p->code == 0 && s->nnames > 1)
        parse_fail(p, &t, "'%s' takes one name", verb_names[s->verb]);
}

static void promotes(struct parser *p, struct stmt *s)
{
    static const char *const roles[] = {"member", "admin", "owner", NULL};

    parse_one(p, s);
    parse_expect(p, "in", "the name");
    s->to = parse_conv(p, "'in'");
    parse_expect(p, "to", "the conversation");
    parse_choice(p, s, "role", roles);
}

static void rotates(struct parser *p, struct stmt *s)
{
    static const char *const what[] = {"keys", NULL};

    parse_choice(p, s, "thing to rotate", what);
}

/* An object, or a text that may be anything. */
static void raw(struct parser *p, struct stmt *s)
{
    if (!parse_at(p, "{") && !parse_at(p, "(") &&
        !parse_at_kind(p, TOKEN_TEXT) && !parse_at_kind(p, TOKEN_VAR))
        parse_wanted(p, "an object after 'raw'");
    s->value = parse_value(p);
}

static void (*const arguments[VERBS])(struct parser *p, struct stmt *s) = {
    [VERB_RESUMES] = resumes,
    [VERB_SENDS] = sends,
    [VERB_REPLIES] = replies,
    [VERB_EDITS] = replies,
    [VERB_DELETES] = of_one,
    [VERB_REACTS] = reacts,
    [VERB_READS] = of_one,
    [VERB_TYPES] = conversation,
    [VERB_VIEWS] = views,
    [VERB_JOINS] = conversation,
    [VERB_LEAVES] = conversation,
    [VERB_UPLOADS] = uploads,
    [VERB_DOWNLOADS] = of_one,
    [VERB_CREATES] = creates,
    [VERB_ADDS] = members,
    [VERB_REMOVES] = members,
    [VERB_RENAMES] = renames,
    [VERB_PROMOTES] = promotes,
    [VERB_BLOCKS] = parse_one,
    [VERB_UNBLOCKS] = parse_one,
    [VERB_VERIFIES] = parse_one,
    [VERB_ROTATES] = rotates,
    [VERB_RAW] = raw,
};

/* What may stand where a verb must, for "did you mean". */
static void refuse_verb(struct parser *p)
{
    const char *words[VERBS + 2];
    struct token t = *parse_token(p);

    memcpy(words, verb_names, VERBS * sizeof(words[0]));
    words[VERBS] = "sees";
    words[VERBS + 1] = NULL;
    if (t.kind == TOKEN_NAME)
        parse_unknown(p, &t, "verb", words);
    else
        parse_wanted(p, "a verb after the actor");
}

void parse_action(struct parser *p, struct stmt *s)
{
    int verb = parse_word(p, verb_names);

    if (verb < 0) {
        refuse_verb(p);
        return;
    }
    s->verb = (enum verb)verb;
    parse_advance(p);
    if (arguments[verb] != NULL)
        arguments[verb](p, s);
    if (parse_at(p, "as"))
        parse_as(p, &s->as);
}
