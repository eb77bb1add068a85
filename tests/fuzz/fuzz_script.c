/* Whatever a script holds, parsing ends with a tree or an error that is valid
 * UTF-8 and names a place; what parses can be laid out, laid out again comes
 * out the same, and its words are those of the original. */
#include "script/ast.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct span text = span_make(data, n);
    struct script *s;
    struct error err = {0};

    if (memmem(data, n, "include", 7) != NULL)
        return -1; /* no files */
    if (script_parse(&s, "t", text, &err) < 0)
        check_error(&err);
    else if (s->version != 1)
        abort();
    script_free(&s);
    check_format(text);
    return 0;
}
