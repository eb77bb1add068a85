/* Declarations: what holds for all tests of a file. */
#include "parse_inside.h"

#include <limits.h>
#include <stdio.h>

#define SPAWN_WORDS 64
#define NODES_MAX 16

static void decl_timeout(struct parser *p, struct stmt *s)
{
    struct token t = *parse_token(p);

    if (p->script->timeout_ms != 0)
        parse_fail(p, &t, "the timeout is said twice");
    parse_advance(p);
    t = *parse_token(p);
    p->script->timeout_ms = parse_duration(p, "'timeout'");
    if (p->code == 0 && p->script->timeout_ms == 0)
        parse_fail(p, &t, "a timeout of nothing");
}

/* A string in a command; what stands behind it is no word of ours. */
static const char *quoted_word(struct parser *p)
{
    struct lexer lexer = p->source->lexer;
    const char *word;

    p->source->lexer.text.n = lexer.at;
    word = parse_plain(p, "a word of a command");
    p->source->lexer = lexer;
    return word;
}

/* The next word of the command, as a shell would take it. */
static void next_word(struct parser *p)
{
    struct source *s = p->source;

    if (p->code != 0)
        return;
    s->token = lexer_word(&s->lexer);
    if (s->token.kind == TOKEN_BAD) {
        struct token t = s->token;

        parse_fail(p, &t, "%s", t.why);
    }
}

/* The rest of the line: the program and its arguments. */
static void spawn(struct parser *p)
{
    struct source *source = p->source;
    struct script *s = p->script;
    int n = 0;

    for (;;) {
        struct token t = source->token;

        s->argv = arena_grow(p->arena, s->argv, n, sizeof(const char *));
        s->argv[n] = NULL;
        if (t.kind == TOKEN_NEWLINE || t.kind == TOKEN_END)
            break;
        if (n == SPAWN_WORDS)
            parse_fail(p, &t, "more than %d words", SPAWN_WORDS);
        s->argv[n++] =
            t.kind == TOKEN_TEXT ? quoted_word(p) : parse_copy(p, &t);
        if (p->code == 0)
            source->last = t;
        next_word(p);
    }
    if (n == 0)
        parse_wanted(p, "a program to spawn");
}

static void decl_server(struct parser *p, struct stmt *s)
{
    static const char *const specs[] = {"spawn", "url", "cluster", NULL};
    struct token t = *parse_token(p);
    int spec;

    if (p->script->server != SERVER_DEFAULT)
        parse_fail(p, &t, "the server is said twice: here and in line %d",
                   p->script->server_at.line);
    p->script->server_at = parse_where(p, &t);
    parse_advance(p);
    t = *parse_token(p);
    spec = parse_word(p, specs);
    if (t.kind != TOKEN_NAME)
        parse_wanted(p, "'spawn', 'url' or 'cluster' after 'server'");
    else if (spec < 0)
        parse_unknown(p, &t, "sort of server", specs);
    if (p->code != 0)
        return;
    p->source->last = t;
    if (spec == 0)
        next_word(p);
    else
        parse_advance(p);
    p->script->server = spec == 0   ? SERVER_SPAWN
                        : spec == 1 ? SERVER_URL
                                    : SERVER_CLUSTER;
    if (spec == 0)
        spawn(p);
    else if (spec == 1)
        p->script->url = parse_plain(p, "a URL in quotes");
    else
        p->script->cluster = parse_int(p, "a number of nodes", 1, NODES_MAX);
}

static void decl_let(struct parser *p, struct stmt *s)
{
    struct token t = *parse_token(p);
    const char *name;

    parse_let(p, s);
    name = s->as.name;
    if (name == NULL || p->code != 0)
        return;
    if (s->as.index != NULL)
        parse_fail_at(p, s->as.index->at,
                      "a variable of the file has no "
                      "index");
    else if (strmap_put(&p->globals, span_of(name), p) != NULL)
        parse_fail(p, &t, "$%s is set already", name);
    *p->lets = s;
    p->lets = &s->next;
}

static void decl_secret(struct parser *p, struct stmt *s)
{
    struct script *script = p->script;
    struct token t;
    const char *name;

    parse_advance(p);
    t = *parse_token(p);
    if (t.kind != TOKEN_NAME)
        parse_wanted(p, "a name after 'secret'");
    else if (t.is_template || memchr(t.raw.p, '-', t.raw.n) != NULL ||
             memchr(t.raw.p, '.', t.raw.n) != NULL)
        parse_fail(p, &t,
                   "the name of a secret is one of a variable: a-z, "
                   "0-9 and _");
    name = parse_copy(p, &t);
    if (p->code == 0 && strmap_put(&p->globals, t.raw, p) != NULL)
        parse_fail(p, &t, "$%s is set already", name);
    parse_advance(p);
    script->secrets = arena_grow(p->arena, script->secrets, script->nsecrets,
                                 sizeof(const char *));
    script->secrets[script->nsecrets++] = name;
}

static void decl_include(struct parser *p, struct stmt *s)
{
    char path[PATH_MAX];
    const char *name, *slash = strrchr(p->source->path, '/');
    struct token t;
    int dir, n;

    parse_advance(p);
    t = *parse_token(p);
    name = parse_plain(p, "the name of a file");
    if (name == NULL || p->loose)
        return;
    dir = name[0] == '/' || slash == NULL ? 0
                                          : (int)(slash - p->source->path) + 1;
    n = snprintf(path, sizeof(path), "%.*s%s", dir, p->source->path, name);
    if (n >= (int)sizeof(path))
        parse_fail(p, &t, "a path of more than %d bytes", PATH_MAX);
    else
        parse_included(p, arena_text(p->arena, path, (size_t)n), &t);
}

static const char *const words[] = {"timeout", "server",  "let",
                                    "secret",  "include", NULL};
static void (*const decls[])(struct parser *p, struct stmt *s) = {
    decl_timeout, decl_server, decl_let, decl_secret, decl_include};

static void refuse(struct parser *p)
{
    static const char *const all[] = {"timeout", "server", "let", "secret",
                                      "include", "test",   NULL};
    struct token t = *parse_token(p);

    if (t.kind == TOKEN_NAME)
        parse_unknown(p, &t, "declaration", all);
    else
        parse_wanted(p, "a declaration or a test");
}

void parse_decls(struct parser *p)
{
    int word;

    for (;;) {
        parse_skip_newlines(p);
        if (p->code != 0 || parse_at(p, "test") || parse_at_kind(p, TOKEN_END))
            return;
        word = parse_word(p, words);
        if (word < 0) {
            refuse(p);
            return;
        }
        p->from = *parse_token(p);
        decls[word](p, parse_new_stmt(p, STMT_LET));
        parse_end(p, false);
    }
}
