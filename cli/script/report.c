#include "report.h"

#include <inttypes.h>
#include <string.h>

void report_count(struct report_totals *t, const struct test_result *r)
{
    t->passed += r->outcome == OUTCOME_PASS;
    t->failed += r->outcome == OUTCOME_FAIL;
    t->errors += r->outcome == OUTCOME_ERROR;
    t->skipped += r->outcome == OUTCOME_SKIP;
}

/* ---- the command that runs it again ---- */

static bool is_plain(const char *s)
{
    size_t n = strlen(s);

    return n > 0 && s[0] != '-' &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                     "0123456789_./:=@%+,-") == n;
}

/* Between double quotes four characters still mean something. */
static void put_quoted(struct buf *out, const char *s)
{
    buf_append_byte(out, '"');
    for (; *s != '\0'; s++) {
        if (strchr("\"$`\\", *s) != NULL)
            buf_append_byte(out, '\\');
        buf_append_byte(out, *s);
    }
    buf_append_byte(out, '"');
}

/* --only takes a pattern: what is special there is taken as it stands. */
static void put_pattern(struct buf *out, const char *name)
{
    struct buf b;
    const char *text;

    buf_init(&b, out->max);
    for (; *name != '\0'; name++) {
        if (strchr("*?[\\", *name) != NULL)
            buf_append_byte(&b, '\\');
        buf_append_byte(&b, *name);
    }
    text = buf_cstr(&b);
    put_quoted(out, text != NULL ? text : "*");
    buf_release(&b);
}

void report_again(struct buf *out, const struct test_result *r)
{
    const char *file = r->file != NULL ? r->file : "";

    buf_append_text(out, "confab run ");
    if (is_plain(file))
        buf_append_text(out, file);
    else
        put_quoted(out, file);
    buf_printf(out, " --seed %" PRIu64 " --only ", r->seed);
    put_pattern(out, r->name != NULL ? r->name : "*");
}
