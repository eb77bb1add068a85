/* What an actor sees, does not see, or must not see. */
#include "parse_inside.h"

#include <stdio.h>

#include "ast_names.h"

enum filter { BY_FROM, BY_BY, BY_IN, BY_OF, BY_IS, BY_AFTER, FILTERS };

static const char *const filters[] = {"from", "by",    "in", "of",
                                      "is",   "after", NULL};

#define F(filter) (1U << BY_##filter)

/* kind -> filters that say something about it, and if it has a text. */
static const struct {
    unsigned filters;
    bool text;
} suits[SEE_KINDS] = {
    [SEE_MESSAGE] = {F(FROM) | F(BY) | F(IN) | F(OF) | F(AFTER), true},
    [SEE_SENT] = {F(IN) | F(OF) | F(AFTER), false},
    [SEE_DELIVERED] = {F(BY) | F(IN) | F(OF) | F(AFTER), false},
    [SEE_READ] = {F(BY) | F(IN) | F(OF) | F(AFTER), false},
    [SEE_PRESENCE] = {F(OF) | F(IS), false},
    [SEE_TYPING] = {F(FROM) | F(BY) | F(IN) | F(IS), false},
    [SEE_MEMBER] = {F(BY) | F(IN) | F(OF) | F(IS) | F(AFTER), false},
    [SEE_MEDIA] = {F(FROM) | F(BY) | F(IN) | F(OF) | F(AFTER), true},
    [SEE_KEY] = {F(FROM) | F(OF) | F(IN) | F(IS), false},
    [SEE_LINK] = {F(IS), false},
    [SEE_ERROR] = {F(IN) | F(OF) | F(IS), true},
    [SEE_EDIT] = {F(FROM) | F(BY) | F(IN) | F(OF) | F(AFTER), true},
    [SEE_DELETE] = {F(FROM) | F(BY) | F(IN) | F(OF) | F(AFTER), false},
    [SEE_REACTION] = {F(FROM) | F(BY) | F(IN) | F(OF) | F(AFTER), false},
    [SEE_TITLE] = {F(FROM) | F(BY) | F(IN) | F(IS) | F(AFTER), true},
    [SEE_GAP] = {F(IN) | F(OF) | F(IS) | F(AFTER), true},
};

static bool has_kind(const struct see *e, int kind)
{
    for (int i = 0; i < e->nkinds; i++)
        if ((int)e->kinds[i] == kind)
            return true;
    return false;
}

static void parse_kind(struct parser *p, struct see *e)
{
    struct token t = *parse_token(p);
    int kind = parse_word(p, see_names);

    if (t.kind != TOKEN_NAME)
        parse_wanted(p, "a kind of event such as 'message'");
    else if (kind < 0)
        parse_unknown(p, &t, "kind of event", see_names);
    else if (has_kind(e, kind))
        parse_fail(p, &t, "the kind '%s' is there twice", see_names[kind]);
    if (p->code == 0)
        e->kinds[e->nkinds++] = (enum event_kind)kind;
    parse_advance(p);
}

static void parse_kinds(struct parser *p, struct see *e)
{
    do {
        parse_kind(p, e);
    } while (parse_take(p, ","));
}

/* The filters that one of the kinds has, as text for a person. */
static void list_filters(unsigned set, char *out, size_t size)
{
    size_t n = 0;

    out[0] = '\0';
    for (int i = 0; i < FILTERS && n < size; i++)
        if (set & 1U << i)
            n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "",
                                  filters[i]);
}

static void check_filter(struct parser *p, const struct see *e, int filter)
{
    char fit[80];

    for (int i = 0; i < e->nkinds; i++) {
        enum event_kind kind = e->kinds[i];

        if (suits[kind].filters & 1U << filter)
            continue;
        list_filters(suits[kind].filters, fit, sizeof(fit));
        parse_fail(p, parse_token(p), "'%s' does not suit '%s', which has %s",
                   filters[filter], see_names[kind], fit);
    }
}

/* The words of a kind; NULL: those of the server. A word that is none would
 * never be seen, and 'nothing' of it would always pass. */
static const char *const *words_of(enum event_kind kind)
{
    static const char *const presence[] = {"online", "away", "offline",
                                           "on",     "off",  NULL};
    static const char *const typing[] = {"on", "off", NULL};
    static const char *const link[] = {"up",      "down",   "connecting",
                                       "syncing", "synced", "retrying",
                                       "ended",   NULL};
    static const char *const member[] = {"joined", "left",  "removed", "member",
                                         "admin",  "owner", NULL};

    switch (kind) {
    case SEE_PRESENCE:
        return presence;
    case SEE_TYPING:
        return typing;
    case SEE_LINK:
        return link;
    case SEE_MEMBER:
        return member;
    default:
        return NULL;
    }
}

static bool is_word(const struct token *t, const char *const *words)
{
    for (; *words != NULL; words++)
        if (span_is(t->raw, *words))
            return true;
    return false;
}

static void check_word(struct parser *p, const struct see *e,
                       const struct token *t)
{
    const char *const *words = NULL;
    char list[80];
    size_t n = 0;

    for (int i = 0; i < e->nkinds; i++) {
        words = words_of(e->kinds[i]);
        if (words == NULL || is_word(t, words))
            return;
    }
    if (words == NULL)
        return;
    for (int i = 0; words[i] != NULL && n < sizeof(list); i++)
        n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s",
                              i > 0 ? ", " : "", words[i]);
    parse_fail(p, t, "'%.*s' is no word of '%s', which has %s", (int)t->raw.n,
               t->raw.p, see_names[e->kinds[e->nkinds - 1]], list);
}

static void parse_is(struct parser *p, struct see *e)
{
    struct token t = *parse_token(p);

    if (t.kind != TOKEN_NAME || t.is_template)
        parse_wanted(p, "a word after 'is'");
    else
        e->is = parse_copy(p, &t);
    if (p->code == 0)
        check_word(p, e, &t);
    parse_advance(p);
}

/* The value behind a filter. */
static struct expr *parse_filter_value(struct parser *p, int filter)
{
    if (filter == BY_IN)
        return parse_conv(p, "'in'");
    if (filter == BY_AFTER || parse_at_kind(p, TOKEN_VAR))
        return parse_var(p);
    return parse_actor(p);
}

static void parse_filter(struct parser *p, struct see *e, int filter)
{
    struct token t = *parse_token(p);
    struct expr **to = NULL;

    if (filter == BY_FROM)
        to = &e->from;
    else if (filter == BY_BY)
        to = &e->by;
    else if (filter == BY_IN)
        to = &e->in;
    else if (filter == BY_OF)
        to = &e->of;
    else if (filter == BY_AFTER)
        to = &e->after;
    check_filter(p, e, filter);
    if (to != NULL ? *to != NULL : e->is != NULL)
        parse_fail(p, &t, "'%s' is there twice", filters[filter]);
    parse_advance(p);
    if (to == NULL)
        parse_is(p, e);
    else
        *to = parse_filter_value(p, filter);
}

static void check_text(struct parser *p, const struct see *e)
{
    bool text = e->pattern->kind == EXPR_TEXT || e->pattern->kind == EXPR_REGEX;

    for (int i = 0; text && i < e->nkinds; i++)
        if (!suits[e->kinds[i]].text)
            parse_fail_at(p, e->pattern->at,
                          "'%s' has no text; say { \"member\": ... }",
                          see_names[e->kinds[i]]);
}

static void parse_times(struct parser *p, struct see *e)
{
    e->times = parse_int(p, "a number of times", 1, SCRIPT_MAX_REPEAT);
    parse_expect(p, "times", "the number");
}

static void parse_within(struct parser *p, struct see *e, int64_t *ms)
{
    struct token t = *parse_token(p);

    if (e->nothing)
        parse_fail(p, &t,
                   "'%.*s' does not go with 'nothing', which a fence "
                   "proves, not a clock",
                   (int)t.raw.n, t.raw.p);
    if (*ms >= 0)
        parse_fail(p, &t, "'%.*s' is there twice", (int)t.raw.n, t.raw.p);
    parse_advance(p);
    *ms = parse_duration(p, t.raw.n == 6 ? "'within'" : "'timeout'");
}

/* as, times, within and timeout, in any order, each once. */
static void parse_tail(struct parser *p, struct see *e, struct stmt *s)
{
    bool times = false;

    while (p->code == 0) {
        struct token t = *parse_token(p);

        if (parse_at(p, "as") && e->nothing) {
            parse_fail(p, &t, "'as' does not go with 'nothing'");
        } else if (parse_at(p, "as") && s->as.name == NULL) {
            parse_as(p, &s->as);
        } else if (t.kind == TOKEN_NUMBER && !times) {
            if (e->nothing)
                parse_fail(p, &t, "'times' does not go with 'nothing'");
            parse_times(p, e);
            times = true;
        } else if (parse_at(p, "within")) {
            parse_within(p, e, &e->within_ms);
        } else if (parse_at(p, "timeout")) {
            parse_within(p, e, &e->timeout_ms);
        } else {
            break;
        }
    }
}

/* Names that look like a filter or what may follow. */
static void refuse_rest(struct parser *p)
{
    static const char *const words[] = {"from",  "by",      "in",      "of",
                                        "is",    "after",   "as",      "within",
                                        "times", "exactly", "timeout", NULL};
    struct token t = *parse_token(p);
    int filter = parse_word(p, filters);

    if (t.kind == TOKEN_NAME && filter >= 0)
        parse_fail(p, &t,
                   "'%s' stands before the pattern: "
                   "bob sees message from alice \"hello\"",
                   filters[filter]);
    else if (t.kind == TOKEN_NAME)
        parse_unknown(p, &t, "word", words);
}

struct see *parse_see(struct parser *p, struct stmt *s, bool forbid)
{
    struct see *e = arena_alloc(p->arena, sizeof(*e));
    int filter;

    *e = (struct see){.times = 1, .within_ms = -1, .timeout_ms = -1};
    e->nothing = !forbid && parse_take(p, "nothing");
    if (forbid || (e->nothing && parse_at_kind(p, TOKEN_NAME) &&
                   parse_word(p, filters) < 0))
        parse_kinds(p, e);
    else if (!e->nothing)
        parse_kind(p, e);
    while (p->code == 0 && (filter = parse_word(p, filters)) >= 0)
        parse_filter(p, e, filter);
    e->pattern = parse_pattern(p, forbid);
    if (e->pattern != NULL && p->code == 0)
        check_text(p, e);
    if (!forbid)
        parse_tail(p, e, s);
    refuse_rest(p);
    return e;
}
