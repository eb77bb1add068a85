/* A script as a whole: its files, its header and its tests. */
#include "parse_inside.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"

#define TIMEOUT_MS 5000
#define INCLUDE_DEPTH 16
#define NAME_MAX_BYTES 200 /* of a test */

/* ---- files ---- */

static int read_stream(FILE *f, const char *path, char **out, size_t *n,
                       struct error *err)
{
    char *text = mem_alloc(SCRIPT_MAX_BYTES + 2);

    *n = fread(text, 1, SCRIPT_MAX_BYTES + 1, f);
    if (ferror(f)) {
        free(text);
        return error_set(err, CF_IO, "%s: %s", path, strerror(errno));
    }
    if (*n > SCRIPT_MAX_BYTES) {
        free(text);
        return error_set(err, CF_TOO_BIG, "%s: more than %d MB", path,
                         SCRIPT_MAX_BYTES >> 20);
    }
    *out = mem_grow(text, *n + 1, 1);
    (*out)[*n] = '\0';
    return 0;
}

/* The whole file, to be freed; id: what it is on its disk. */
static int read_file(const char *path, char **out, size_t *n, uint64_t id[2],
                     struct error *err)
{
    struct stat st;
    FILE *f;
    int rc;

    if (stat(path, &st) < 0)
        return error_set(err, CF_NOT_FOUND, "%s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return error_set(err, CF_INVALID, "%s: a directory", path);
    id[0] = st.st_dev;
    id[1] = st.st_ino;
    f = fopen(path, "r");
    if (f == NULL)
        return error_set(err, CF_NOT_FOUND, "%s: %s", path, strerror(errno));
    rc = read_stream(f, path, out, n, err);
    fclose(f);
    return rc;
}

/* ---- tests ---- */

static const char *test_name(struct parser *p)
{
    struct token t = *parse_token(p);
    const char *name = parse_plain(p, "the name of a test in quotes");
    const struct test *other;

    if (name == NULL)
        return "";
    if (name[0] == '\0')
        parse_fail(p, &t, "a test needs a name");
    if (strlen(name) > NAME_MAX_BYTES)
        parse_fail(p, &t, "a name of more than %d bytes", NAME_MAX_BYTES);
    for (const char *c = name; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20)
            parse_fail(p, &t, "the name of a test is one line");
    other = strmap_get(&p->tests, span_of(name));
    if (other != NULL)
        parse_fail(p, &t, "the test of line %d has this name", other->at.line);
    return name;
}

static void test_tags(struct parser *p, struct test *t)
{
    do {
        struct token tag = *parse_token(p);

        if (tag.kind != TOKEN_NAME || tag.is_template)
            parse_wanted(p, "a tag");
        t->tags = arena_grow(p->arena, t->tags, t->ntags, sizeof(const char *));
        t->tags[t->ntags++] = parse_copy(p, &tag);
        parse_advance(p);
    } while (parse_take(p, ","));
}

static struct test *parse_test(struct parser *p)
{
    struct test *t = arena_alloc(p->arena, sizeof(*t));
    struct stmt body = {0};

    p->from = *parse_token(p);
    t->at = body.at = parse_where(p, &p->from);
    parse_advance(p);
    t->name = test_name(p);
    (void)(p->code == 0 && strmap_put(&p->tests, span_of(t->name), t));
    if (parse_take(p, "tags"))
        test_tags(p, t);
    strmap_init(&p->variables);
    strmap_init(&p->actors);
    p->nactors = 0;
    t->block = parse_block(p, &body, PLACE_TEST);
    t->end_line = body.end_line;
    strmap_release(&p->variables);
    strmap_release(&p->actors);
    return t;
}

static void parse_tests(struct parser *p)
{
    struct test **next = &p->script->tests;

    while (p->code == 0 && !parse_at_kind(p, TOKEN_END)) {
        struct token t = *parse_token(p);
        static const char *const words[] = {"test", NULL};

        if (!parse_at(p, "test") && t.kind == TOKEN_NAME)
            parse_unknown(p, &t, "word between tests", words);
        if (!parse_at(p, "test"))
            parse_wanted(p, "a test");
        if (p->script->ntests == SCRIPT_MAX_TESTS)
            parse_fail(p, &t, "more than %d tests", SCRIPT_MAX_TESTS);
        if (p->code != 0)
            return;
        *next = parse_test(p);
        (*next)->index = p->script->ntests++;
        next = &(*next)->next;
        parse_end(p, false);
        parse_skip_newlines(p);
    }
}

/* ---- the script ---- */

static void parse_header(struct parser *p)
{
    struct token t;
    int64_t version;

    parse_skip_newlines(p);
    if (!parse_at(p, "confab-script"))
        parse_fail(p, parse_token(p), "a script begins with: confab-script 1");
    parse_advance(p);
    t = *parse_token(p);
    version = parse_int(p, "a version", 0, INT64_MAX);
    if (p->code == 0 && version != 1)
        parse_fail(p, &t,
                   "version %" PRId64 " of the language; this program "
                   "knows version 1",
                   version);
    parse_end(p, false);
}

/* Make the text the current source. */
static void begin(struct parser *p, struct source *s, const char *path,
                  struct span text)
{
    struct token bad;

    s->path = path;
    s->text = text;
    s->outer = p->source;
    p->source = s;
    lexer_init(&s->lexer, text);
    s->token = s->last =
        (struct token){.kind = TOKEN_NEWLINE, .raw = {text.p, 0}, .line = 1};
    if (!lexer_check(text, &bad))
        parse_fail(p, &bad, "%s", bad.why);
    parse_advance(p);
}

static bool is_open(const struct source *s, const uint64_t id[2])
{
    for (; s != NULL; s = s->outer)
        if (s->inode != 0 && s->device == id[0] && s->inode == id[1])
            return true;
    return false;
}

static bool seen_before(struct parser *p, const uint64_t id[2])
{
    char key[48];
    int n = snprintf(key, sizeof(key), "%" PRIu64 ":%" PRIu64, id[0], id[1]);

    return strmap_put(&p->files, span_make(key, (size_t)n), p) != NULL;
}

static void parse_other(struct parser *p, const char *path, struct span text,
                        const uint64_t id[2])
{
    struct source source = {.device = id[0], .inode = id[1]};

    begin(p, &source, path, text);
    parse_header(p);
    parse_decls(p);
    if (p->code == 0 && !parse_at_kind(p, TOKEN_END))
        parse_fail(p, parse_token(p),
                   "an included file has declarations "
                   "alone, no tests");
    p->source = source.outer;
    if (p->code != 0)
        p->source->token.kind = TOKEN_END;
}

void parse_included(struct parser *p, const char *path, const struct token *t)
{
    uint64_t id[2] = {0};
    struct error why;
    char *text = NULL;
    size_t n = 0;
    int depth = 0;

    for (struct source *s = p->source; s != NULL; s = s->outer)
        depth++;
    if (read_file(path, &text, &n, id, &why) < 0)
        parse_fail(p, t, "%s", why.text);
    else if (is_open(p->source, id))
        parse_fail(p, t, "a circle: this file is being read already");
    else if (depth > INCLUDE_DEPTH)
        parse_fail(p, t, "files included deeper than %d", INCLUDE_DEPTH);
    else if (++p->includes > SCRIPT_MAX_INCLUDES)
        parse_fail(p, t, "more than %d files included", SCRIPT_MAX_INCLUDES);
    else if (!seen_before(p, id))
        parse_other(p, path, span_make(text, n), id);
    free(text);
}

static void run(struct parser *p, const char *path, struct span text,
                const uint64_t id[2])
{
    struct script *s = p->script;
    struct source source = {.device = id[0], .inode = id[1]};

    begin(p, &source, s->path, text);
    if (text.n > SCRIPT_MAX_BYTES)
        parse_fail(p, parse_token(p), "more than %d MB",
                   SCRIPT_MAX_BYTES >> 20);
    parse_header(p);
    parse_decls(p);
    parse_tests(p);
    s->version = 1;
    if (s->timeout_ms == 0)
        s->timeout_ms = TIMEOUT_MS;
}

static int parse(struct script **out, const char *path, struct span text,
                 const uint64_t id[2], bool loose, struct error *err)
{
    struct parser p = {.err = err, .loose = loose};

    if (text.p == NULL)
        text.p = "";
    p.arena = arena_new();
    p.script = arena_alloc(p.arena, sizeof(*p.script));
    p.script->arena = p.arena;
    p.script->path = arena_text(p.arena, path, strlen(path));
    p.lets = &p.script->lets;
    strmap_init(&p.globals);
    strmap_init(&p.tests);
    strmap_init(&p.files);
    run(&p, path, text, id);
    strmap_release(&p.globals);
    strmap_release(&p.tests);
    strmap_release(&p.files);
    if (p.code != 0)
        script_free(&p.script);
    *out = p.script;
    return p.code;
}

int script_parse(struct script **out, const char *path, struct span text,
                 struct error *err)
{
    return parse(out, path, text, (uint64_t[2]){0, 0}, false, err);
}

int parse_loose(struct script **out, const char *path, struct span text,
                struct error *err)
{
    return parse(out, path, text, (uint64_t[2]){0, 0}, true, err);
}

int script_parse_file(struct script **out, const char *path, struct error *err)
{
    uint64_t id[2] = {0};
    char *text = NULL;
    size_t n = 0;
    int rc = read_file(path, &text, &n, id, err);

    *out = NULL;
    if (rc < 0)
        return rc;
    rc = parse(out, path, span_make(text, n), id, false, err);
    free(text);
    return rc;
}

void script_free(struct script **s)
{
    struct arena *a = *s != NULL ? (*s)->arena : NULL;

    *s = NULL;
    arena_free(&a);
}
