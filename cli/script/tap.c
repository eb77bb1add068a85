#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report.h"

void tap_begin(struct buf *out, int version, int tests, uint64_t seed)
{
    buf_printf(out, "TAP version %d\n1..%d\n# seed %" PRIu64 "\n", version,
               tests, seed);
}

/* ---- text ---- */

/* What TAP means by "#" and "\" in a description is taken from them. */
static void put_description(struct buf *out, const char *text)
{
    struct span s;
    struct buf b;

    buf_init(&b, out->max);
    text_sanitise(&b, TEXT_LINE, span_of(text), 0, NULL);
    s = buf_span(&b);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '#' || s.p[i] == '\\')
            buf_append_byte(out, '\\');
        buf_append_byte(out, s.p[i]);
    }
    buf_release(&b);
}

/* Characters that change how others are shown, or that YAML refuses. */
static bool is_hidden(int32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp <= 0xa0) ||
           (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
           (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff || cp == 0xfffe ||
           cp == 0xffff;
}

void tap_yaml_text(struct buf *out, struct span s)
{
    size_t at = 0;

    buf_append_byte(out, '"');
    while (at < s.n) {
        size_t from = at;
        int32_t cp = text_next(s, &at);

        if (cp < 0)
            buf_append_text(out, "\\uFFFD");
        else if (cp == '\n')
            buf_append_text(out, "\\n");
        else if (cp == '"' || cp == '\\')
            buf_printf(out, "\\%c", (char)cp);
        else if (is_hidden(cp))
            buf_printf(out, "\\u%04X", (unsigned)cp);
        else
            buf_append(out, s.p + from, at - from);
    }
    buf_append_byte(out, '"');
}

/* ---- a test ---- */

static void put_member(struct buf *out, const char *key, const char *text)
{
    if (text == NULL)
        return;
    buf_printf(out, "  %s: ", key);
    tap_yaml_text(out, span_of(text));
    buf_append_byte(out, '\n');
}

static void put_lines(struct buf *out, const char *key, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    buf_printf(out, "  %s:\n", key);
    for (const char *line = text; *line != '\0';) {
        size_t n = strcspn(line, "\n");

        buf_append_text(out, "    - ");
        tap_yaml_text(out, span_make(line, n));
        buf_append_byte(out, '\n');
        line += n + (line[n] == '\n');
    }
}

static void put_further(struct buf *out, const struct test_result *r)
{
    if (r->nfurther > 0)
        buf_append_text(out, "  further:\n");
    for (int i = 0; i < r->nfurther; i++) {
        struct buf b;

        buf_init(&b, out->max);
        buf_printf(&b, "%s:%d: ", r->further[i].file, r->further[i].line);
        buf_append_text(&b, r->further[i].message);
        buf_append_text(out, "    - ");
        tap_yaml_text(out, buf_span(&b));
        buf_append_byte(out, '\n');
        buf_release(&b);
    }
}

static void put_notes(struct buf *out, const struct test_result *r)
{
    if (r->nnotes > 0)
        buf_append_text(out, "  notes:\n");
    for (int i = 0; i < r->nnotes; i++) {
        buf_append_text(out, "    - ");
        tap_yaml_text(out, span_of(r->notes[i]));
        buf_append_byte(out, '\n');
    }
}

static void put_details(struct buf *out, const struct test_result *r)
{
    struct buf again;

    buf_append_text(out, "  ---\n");
    put_member(out, "message", r->message != NULL ? r->message : "failed");
    buf_printf(out, "  severity: %s\n",
               r->outcome == OUTCOME_FAIL ? "fail" : "error");
    put_member(out, "file", r->fail_file != NULL ? r->fail_file : r->file);
    buf_printf(out, "  line: %d\n", r->fail_line > 0 ? r->fail_line : r->line);
    put_member(out, "expected", r->expected);
    put_member(out, "nearest", r->nearest);
    put_further(out, r);
    put_lines(out, "log", r->log);
    put_notes(out, r);
    if (r->exit_code != 0)
        buf_printf(out, "  exit: %d\n", r->exit_code);
    buf_printf(out, "  seed: %" PRIu64 "\n  duration_ms: %" PRId64 "\n",
               r->seed, r->ms);
    buf_init(&again, 64 * 1024);
    report_again(&again, r);
    put_member(out, "again", buf_cstr(&again));
    buf_release(&again);
    buf_append_text(out, "  ...\n");
}

static void put_steps(struct buf *out, const struct test_result *r)
{
    if (r->nsteps == 0)
        return;
    buf_append_text(out, "# Subtest: ");
    put_description(out, r->name);
    buf_append_byte(out, '\n');
    for (int i = 0; i < r->nsteps; i++) {
        buf_printf(out, "    %sok %d - ", r->steps[i].passed ? "" : "not ",
                   i + 1);
        put_description(out, r->steps[i].name);
        buf_append_byte(out, '\n');
    }
    buf_printf(out, "    1..%d\n", r->nsteps);
}

void tap_test(struct buf *out, int number, const struct test_result *r)
{
    bool good = r->outcome == OUTCOME_PASS || r->outcome == OUTCOME_SKIP;

    put_steps(out, r);
    buf_printf(out, "%sok %d - ", good ? "" : "not ", number);
    put_description(out, r->name != NULL ? r->name : "");
    if (r->outcome == OUTCOME_SKIP) {
        buf_append_text(out, " # SKIP ");
        put_description(out, r->reason != NULL ? r->reason : "");
    }
    buf_append_byte(out, '\n');
    if (!good)
        put_details(out, r);
}

void tap_bail(struct buf *out, const char *why)
{
    buf_append_text(out, "Bail out! ");
    put_description(out, why);
    buf_append_byte(out, '\n');
}
