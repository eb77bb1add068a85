/* Whatever a script holds, parsing ends with a tree or an error that is valid
 * UTF-8 and names a place; what parses can be laid out, laid out again comes
 * out the same, and its words are those of the original. Its values can be
 * asked for, and its patterns held against an event. */
#include "script/value.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "script/lexer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_error(const struct error *err)
{
    if (!text_is_utf8(span_of(err->text)) || strstr(err->text, "t:") == NULL)
        abort();
}

static struct token next_word(struct lexer *x)
{
    struct token t;

    do {
        t = lexer_next(x);
    } while (t.kind == TOKEN_NEWLINE);
    return t;
}

/* Words of a command are not those of the language: stop there. */
static void check_words(struct span a, struct span b)
{
    struct lexer x, y;
    struct token t, u;

    lexer_init(&x, a);
    lexer_init(&y, b);
    x.comments = y.comments = true;
    do {
        t = next_word(&x);
        u = next_word(&y);
        if (token_is(&t, "spawn"))
            return;
        if (t.kind != u.kind || !span_eq(t.raw, u.raw))
            abort();
    } while (t.kind != TOKEN_END);
}

static void check_format(struct span text)
{
    struct buf once, twice;
    struct error err;

    buf_init(&once, 64 << 20);
    buf_init(&twice, 64 << 20);
    if (script_format(&once, "t", text, &err) < 0) {
        check_error(&err);
    } else {
        if (script_format(&twice, "t", buf_span(&once), &err) < 0)
            abort();
        if (!span_eq(buf_span(&once), buf_span(&twice)))
            abort();
        check_words(text, buf_span(&once));
    }
    buf_release(&once);
    buf_release(&twice);
}

static void check_value(const struct eval *e, const struct expr *x)
{
    struct error err = {0};
    json_t *v = NULL;
    int rc = expr_eval(e, x, &v, &err);

    if ((rc == 0) != (v != NULL) || (rc < 0 && err.text[0] == '\0'))
        abort();
    if (rc < 0)
        check_error(&err);
    json_decref(v);
}

static void check_pattern(const struct eval *e, const struct expr *x,
                          const json_t *event)
{
    struct error err = {0};
    struct buf why;
    int fits, near = pattern_nearness(e, x, event);

    buf_init(&why, 4096);
    fits = pattern_match(e, x, event, &why, &err);
    if (fits == 0 && why.len == 0)
        abort();
    if (fits == 1 && (why.len > 0 || near < 0))
        abort();
    if (!text_is_utf8(buf_span(&why)) && why.len < why.max - 300)
        abort();
    buf_release(&why);
}

static void check_stmts(struct eval *e, const struct stmt *s,
                        const json_t *event, int *left)
{
    struct error err;
    json_t *v;

    for (; s != NULL && --*left > 0; s = s->next) {
        if (s->value != NULL)
            check_value(e, s->value);
        if (s->see != NULL && s->see->pattern != NULL)
            check_pattern(e, s->see->pattern, event);
        if (s->as.name != NULL && s->value != NULL && s->as.index == NULL &&
            expr_eval(e, s->value, &v, &err) == 0)
            (void)scope_set(e->scope, s->as.name, NULL, v, &err);
        check_stmts(e, s->block, event, left);
    }
}

static void check_values(const struct script *s)
{
    static const char event[] = "{\"text\": \"queued 8\", \"seq\": 8, "
                                "\"list\": [1, {\"a\": null}]}";
    struct scope *scope = scope_new(NULL);
    struct eval e = {.scope = scope};
    json_t *value = json_loads(event, 0, NULL);
    int left = 50;

    check_stmts(&e, s->lets, value, &left);
    for (const struct test *t = s->tests; t != NULL; t = t->next)
        check_stmts(&e, t->block, value, &left);
    json_decref(value);
    scope_free(&scope);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct span text = span_make(data, n);
    struct script *s;
    struct error err = {0};

    if (memmem(data, n, "include", 7) != NULL)
        return -1; /* no files */
    if (script_parse(&s, "t", text, &err) < 0)
        check_error(&err);
    else if (memmem(data, n, "file", 4) == NULL)
        check_values(s);
    script_free(&s);
    check_format(text);
    return 0;
}
