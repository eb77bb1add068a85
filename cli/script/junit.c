#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "report.h"

/* Char of XML 1.0, production 2, without C1, which moves terminals. */
static bool is_char(int32_t cp)
{
    return cp == '\t' || cp == '\n' || (cp >= 0x20 && cp < 0x7f) ||
           (cp >= 0xa0 && cp <= 0xfffd) || cp >= 0x10000;
}

void junit_text(struct buf *out, struct span s)
{
    size_t at = 0;

    while (at < s.n) {
        size_t from = at;
        int32_t cp = text_next(s, &at);

        if (cp < 0)
            buf_append_text(out, "\xef\xbf\xbd");
        else if (cp == '&')
            buf_append_text(out, "&amp;");
        else if (cp == '<')
            buf_append_text(out, "&lt;");
        else if (cp == '>')
            buf_append_text(out, "&gt;");
        else if (cp == '"')
            buf_append_text(out, "&quot;");
        else if (is_char(cp))
            buf_append(out, s.p + from, at - from);
    }
}

static void put_attribute(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, " %s=\"", key);
    junit_text(out, span_of(text != NULL ? text : ""));
    buf_append_byte(out, '"');
}

static void put_seconds(struct buf *out, int64_t ms)
{
    buf_printf(out, " time=\"%" PRId64 ".%03d\"", ms / 1000, (int)(ms % 1000));
}

/* "e2e/groups.confab" is the class "e2e.groups". */
static void put_class(struct buf *out, const char *file)
{
    struct buf b;
    size_t n = strlen(file);

    if (n > 7 && strcmp(file + n - 7, ".confab") == 0)
        n -= 7;
    while (n > 0 && (*file == '/' || *file == '.')) {
        file++;
        n--;
    }
    buf_init(&b, out->max);
    for (size_t i = 0; i < n; i++)
        buf_append_byte(&b, file[i] == '/' ? '.' : file[i]);
    buf_append_text(out, " classname=\"");
    junit_text(out, buf_span(&b));
    buf_append_byte(out, '"');
    buf_release(&b);
}

static void put_line(struct buf *out, const char *label, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    buf_append_text(out, label);
    junit_text(out, span_of(text));
    buf_append_byte(out, '\n');
}

/* Details stand in the text: some CI systems drop attributes. */
static void put_trouble(struct buf *out, const struct test_result *r)
{
    const char *element = r->outcome == OUTCOME_FAIL ? "failure" : "error";
    struct buf again;

    buf_printf(out, "      <%s", element);
    put_attribute(out, "message", r->message);
    put_attribute(out, "type",
                  r->outcome == OUTCOME_FAIL ? "expectation"
                                             : "infrastructure");
    buf_append_byte(out, '>');
    junit_text(out, span_of(r->fail_file != NULL ? r->fail_file : r->file));
    buf_printf(out, ":%d: ", r->fail_line > 0 ? r->fail_line : r->line);
    put_line(out, "", r->message != NULL ? r->message : "failed");
    put_line(out, "  expected: ", r->expected);
    put_line(out, "  nearest: ", r->nearest);
    for (int i = 0; i < r->nfurther; i++) {
        junit_text(out, span_of(r->further[i].file));
        buf_printf(out, ":%d: ", r->further[i].line);
        put_line(out, "", r->further[i].message);
    }
    put_line(out, "", r->log);
    buf_init(&again, 64 * 1024);
    report_again(&again, r);
    put_line(out, "  again: ", buf_cstr(&again));
    buf_release(&again);
    buf_printf(out, "</%s>\n", element);
}

static void put_output(struct buf *out, const struct test_result *r)
{
    if (r->nnotes == 0 && r->nsteps == 0)
        return;
    buf_append_text(out, "      <system-out>");
    for (int i = 0; i < r->nsteps; i++)
        put_line(out,
                 r->steps[i].passed ? "ok: " : "not ok: ", r->steps[i].name);
    for (int i = 0; i < r->nnotes; i++)
        put_line(out, "note: ", r->notes[i]);
    buf_append_text(out, "</system-out>\n");
}

static void put_case(struct buf *out, const struct test_result *r)
{
    buf_append_text(out, "    <testcase");
    put_class(out, r->file);
    put_attribute(out, "name", r->name);
    put_attribute(out, "file", r->file);
    buf_printf(out, " line=\"%d\"", r->line);
    put_seconds(out, r->ms);
    buf_append_text(out, ">\n");
    if (r->outcome == OUTCOME_SKIP) {
        buf_append_text(out, "      <skipped");
        put_attribute(out, "message", r->reason);
        buf_append_text(out, "/>\n");
    } else if (r->outcome != OUTCOME_PASS) {
        put_trouble(out, r);
    }
    put_output(out, r);
    buf_append_text(out, "    </testcase>\n");
}

static void put_counts(struct buf *out, const struct report_totals *t)
{
    buf_printf(out,
               " tests=\"%d\" failures=\"%d\" errors=\"%d\" skipped=\"%d\"",
               t->tests, t->failed, t->errors, t->skipped);
    put_seconds(out, t->ms);
    buf_append_text(out, ">\n");
}

/* The results of one file, from *at on. */
static void put_suite(struct buf *out, const struct test_result *const *all,
                      int from, int to)
{
    struct report_totals t = {.tests = to - from};

    for (int i = from; i < to; i++) {
        report_count(&t, all[i]);
        t.ms += all[i]->ms;
    }
    buf_append_text(out, "  <testsuite");
    put_attribute(out, "name", all[from]->file);
    put_counts(out, &t);
    buf_printf(out,
               "    <properties>\n      <property name=\"seed\" "
               "value=\"%" PRIu64 "\"/>\n    </properties>\n",
               all[from]->seed);
    for (int i = from; i < to; i++)
        put_case(out, all[i]);
    buf_append_text(out, "  </testsuite>\n");
}

void junit_write(struct buf *out, const struct test_result *const *results,
                 int count, const struct report_totals *totals)
{
    buf_append_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                         "<testsuites name=\"confab\"");
    put_counts(out, totals);
    for (int from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count; to++)
            if (strcmp(results[from]->file, results[to]->file) != 0)
                break;
        put_suite(out, results, from, to);
    }
    buf_append_text(out, "</testsuites>\n");
}
