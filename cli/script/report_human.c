#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "report.h"

static void put(struct buf *out, const struct report_screen *s,
                const char *text)
{
    s->untrusted(out, span_of(text != NULL ? text : ""));
}

/* Text of several lines, each behind an indent. */
static void put_block(struct buf *out, const struct report_screen *s,
                      const char *text)
{
    while (text != NULL && *text != '\0') {
        size_t n = strcspn(text, "\n");

        buf_append_text(out, "  ");
        s->untrusted(out, span_make(text, n));
        buf_append_byte(out, '\n');
        text += n + (text[n] == '\n');
    }
}

/* The first line where the place was put; more below it, indented. */
static void put_message(struct buf *out, const struct report_screen *s,
                        const char *text)
{
    size_t n = strcspn(text, "\n");

    s->untrusted(out, span_make(text, n));
    buf_append_byte(out, '\n');
    for (text += n; *text != '\0'; text += n) {
        text += 1 + strspn(text + 1, " ");
        n = strcspn(text, "\n");
        buf_append_text(out, "  ");
        s->untrusted(out, span_make(text, n));
        buf_append_byte(out, '\n');
    }
}

static void put_place(struct buf *out, const struct report_screen *s,
                      const struct test_result *r)
{
    put(out, s, r->fail_file != NULL ? r->fail_file : r->file);
    buf_printf(out, ":%d: ", r->fail_line > 0 ? r->fail_line : r->line);
}

static void put_trouble(struct buf *out, const struct report_screen *s,
                        const struct test_result *r)
{
    struct buf again;

    s->paint(out, PAINT_RED);
    buf_append_text(out, r->outcome == OUTCOME_FAIL ? "not ok " : "error  ");
    s->plain(out);
    s->paint(out, PAINT_BOLD);
    put(out, s, r->name);
    s->plain(out);
    buf_append_byte(out, '\n');
    put_place(out, s, r);
    put_message(out, s, r->message != NULL ? r->message : "failed");
    if (r->nearest != NULL) {
        buf_append_text(out, "  nearest: ");
        put(out, s, r->nearest);
        buf_append_byte(out, '\n');
    }
    for (int i = 0; i < r->nfurther; i++) {
        put(out, s, r->further[i].file);
        buf_printf(out, ":%d: ", r->further[i].line);
        put_message(out, s, r->further[i].message);
    }
    put_block(out, s, r->log);
    buf_init(&again, 64 * 1024);
    report_again(&again, r);
    s->paint(out, PAINT_DIM);
    buf_append_text(out, "  again:  ");
    s->untrusted(out, buf_span(&again));
    s->plain(out);
    buf_append_text(out, "\n\n");
    buf_release(&again);
}

static void put_quiet(struct buf *out, const struct report_screen *s,
                      const struct test_result *r)
{
    bool pass = r->outcome == OUTCOME_PASS;

    s->paint(out, pass ? PAINT_GREEN : PAINT_YELLOW);
    buf_append_text(out, pass ? "ok     " : "skip   ");
    s->plain(out);
    put(out, s, r->name);
    if (pass)
        buf_printf(out, "  (%" PRId64 " ms)", r->ms);
    else if (r->reason != NULL && r->reason[0] != '\0') {
        buf_append_text(out, ": ");
        put(out, s, r->reason);
    }
    buf_append_byte(out, '\n');
}

void human_test(struct buf *out, const struct report_screen *s,
                const struct test_result *r, bool verbose)
{
    for (int i = 0; i < r->nnotes; i++) {
        buf_append_text(out, "note   ");
        put(out, s, r->notes[i]);
        buf_append_byte(out, '\n');
    }
    if (r->outcome == OUTCOME_FAIL || r->outcome == OUTCOME_ERROR)
        put_trouble(out, s, r);
    else if (verbose || r->outcome == OUTCOME_SKIP)
        put_quiet(out, s, r);
}

/* Columns of text, every code point of it counted. */
static int width_of(struct span s)
{
    size_t at = 0;
    int n = 0;

    while (at < s.n) {
        int32_t cp = text_next(s, &at);
        int w = cp < 0 ? 1 : text_width(cp);

        n += w > 0 ? w : 0;
    }
    return n;
}

void human_progress(struct buf *out, const struct report_screen *s,
                    const struct report_totals *t, const char *const *running,
                    int count)
{
    int done = t->passed + t->failed + t->errors + t->skipped;
    char head[96];
    int room;

    room = s->columns - 1 -
           snprintf(head, sizeof(head), "%d/%d  %d failed  %" PRId64 ".%d s",
                    done, t->tests, t->failed + t->errors, t->ms / 1000,
                    (int)(t->ms % 1000 / 100));
    buf_append_text(out, "\r\033[K");
    buf_append_text(out, head);
    for (int i = 0; i < count; i++) {
        struct buf one;
        int n;

        buf_init(&one, 4096);
        s->untrusted(&one, span_of(running[i]));
        n = width_of(buf_span(&one)) + 2;
        if (n <= room) {
            buf_append_text(out, i == 0 ? "  " : ", ");
            buf_append_span(out, buf_span(&one));
        }
        room -= n;
        buf_release(&one);
    }
}

void human_end(struct buf *out, const struct report_screen *s,
               const struct report_totals *t)
{
    bool good = t->failed + t->errors == 0;

    s->paint(out, good ? PAINT_GREEN : PAINT_RED);
    buf_printf(out, "%d passed, %d failed", t->passed, t->failed);
    if (t->errors > 0)
        buf_printf(out, ", %d errors", t->errors);
    if (t->skipped > 0)
        buf_printf(out, ", %d skipped", t->skipped);
    s->plain(out);
    buf_printf(out, "  in %" PRId64 ".%03d s  (seed %" PRIu64 ")\n",
               t->ms / 1000, (int)(t->ms % 1000), t->seed);
}
