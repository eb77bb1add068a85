#include "cmd_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tty.h"

#define OUTPUT_MAX (16 << 20)
#define JUNIT_MAX (1 << 30)
#define SHOWN 16 /* tests named in the progress line */

/* ---- the terminal ---- */

static void untrusted(struct buf *out, struct span s)
{
    tty_put_untrusted(out, TEXT_LINE, s, 0);
}

static void paint(struct buf *out, enum paint p)
{
    static const enum tty_style styles[] = {
        [PAINT_DIM] = STYLE_DIM,       [PAINT_BOLD] = STYLE_BOLD,
        [PAINT_RED] = STYLE_RED,       [PAINT_GREEN] = STYLE_GREEN,
        [PAINT_YELLOW] = STYLE_YELLOW,
    };

    tty_style(out, styles[p]);
}

static struct report_screen screen(void)
{
    return (struct report_screen){.untrusted = untrusted,
                                  .paint = paint,
                                  .plain = tty_style_end,
                                  .columns = tty_columns()};
}

static void wipe(const struct run_report *r, struct buf *b)
{
    if (r->live)
        buf_append_text(b, "\r\033[K");
}

void run_complain(const char *text)
{
    struct buf b;

    buf_init(&b, OUTPUT_MAX);
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");

        untrusted(&b, span_make(text, n));
        buf_append_byte(&b, '\n');
        text += n + (text[n] == '\n');
    }
    tty_flush(&b, stderr);
    buf_release(&b);
}

/* ---- while it runs ---- */

void run_report_begin(struct run_report *r)
{
    struct buf b;

    r->started_ms = clock_mono(clock_system());
    r->done = mem_array((size_t)r->plan->count + 1, sizeof(*r->done));
    r->totals.tests = r->plan->count;
    buf_init(&b, OUTPUT_MAX);
    if (r->format == RUN_TAP)
        tap_begin(&b, r->tap_version, r->totals.tests, r->totals.seed);
    else if (r->format == RUN_JSONL)
        jsonl_begin(&b, r->totals.tests, r->totals.seed);
    tty_flush(&b, stdout);
    buf_release(&b);
}

/* TAP counts, so it waits for those before. */
static void tap_ready(struct run_report *r, struct buf *b)
{
    for (; r->next < r->plan->count && r->done[r->next]; r->next++)
        tap_test(b, r->next + 1, &r->results[r->next]);
}

void run_report_result(void *ctx, int index, const struct test_result *result)
{
    struct run_report *r = ctx;
    struct report_screen s = screen();
    struct buf b;

    r->done[index] = true;
    report_count(&r->totals, result);
    buf_init(&b, OUTPUT_MAX);
    if (r->format == RUN_TAP) {
        tap_ready(r, &b);
    } else if (r->format == RUN_JSONL) {
        jsonl_test(&b, index + 1, result);
    } else {
        wipe(r, &b);
        human_test(&b, &s, result, r->verbose);
    }
    tty_flush(&b, stdout);
    buf_release(&b);
}

void run_report_turn(void *ctx, const struct jobs_running *running, int count)
{
    struct run_report *r = ctx;
    struct report_screen s = screen();
    char text[SHOWN][160];
    const char *names[SHOWN];
    struct buf b;
    int n = 0;

    if (!r->live)
        return;
    for (int i = 0; i < count && n < SHOWN; i++) {
        if (running[i].index < 0)
            continue;
        snprintf(text[n], sizeof(text[n]), "%.120s:%d",
                 r->plan->tests[running[i].index].test->name, running[i].line);
        names[n] = text[n];
        n++;
    }
    r->totals.ms = clock_mono(clock_system()) - r->started_ms;
    buf_init(&b, OUTPUT_MAX);
    human_progress(&b, &s, &r->totals, names, n);
    tty_flush(&b, stdout);
    buf_release(&b);
}

/* ---- at the end ---- */

static void tap_rest(struct run_report *r, struct buf *b, const char *bail)
{
    for (int i = r->next; i < r->plan->count; i++)
        if (r->done[i])
            tap_test(b, i + 1, &r->results[i]);
    if (bail != NULL)
        tap_bail(b, bail);
}

void run_report_end(struct run_report *r, const char *bail)
{
    struct report_screen s = screen();
    struct buf b;

    r->totals.ms = clock_mono(clock_system()) - r->started_ms;
    buf_init(&b, OUTPUT_MAX);
    if (r->format == RUN_TAP) {
        tap_rest(r, &b, bail);
    } else if (r->format == RUN_JSONL) {
        if (bail != NULL)
            jsonl_bail(&b, bail);
        jsonl_end(&b, &r->totals);
    } else {
        wipe(r, &b);
        human_end(&b, &s, &r->totals);
    }
    tty_flush(&b, stdout);
    buf_release(&b);
    if (bail != NULL && r->format == RUN_HUMAN) {
        buf_init(&b, OUTPUT_MAX);
        buf_append_text(&b, "confab: ended early: ");
        untrusted(&b, span_of(bail));
        buf_append_byte(&b, '\n');
        tty_flush(&b, stderr);
        buf_release(&b);
    }
    free(r->done);
    r->done = NULL;
}

/* ---- JUnit ---- */

struct numbered {
    int number; /* in the order of files, whatever order they ran in */
    const struct test_result *result;
};

static int by_number(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;

    return (x->number > y->number) - (x->number < y->number);
}

/* A test that was not played is in the report too, as an error. */
static void fill_missing(struct run_report *r, const char *bail)
{
    for (int i = 0; i < r->plan->count; i++) {
        const struct planned *p = &r->plan->tests[i];
        struct test_result *result = &r->results[i];
        char why[800];

        if (result->file != NULL)
            continue;
        snprintf(why, sizeof(why), "not played: %s",
                 bail != NULL ? bail : "the run ended early");
        *result = (struct test_result){.file = mem_text(p->script->path),
                                       .name = mem_text(p->test->name),
                                       .line = p->test->at.line,
                                       .index = p->test->index,
                                       .outcome = OUTCOME_ERROR,
                                       .message = mem_text(why),
                                       .seed = r->totals.seed};
        r->totals.errors++;
    }
}

void run_report_junit(struct run_report *r, const char *bail, FILE *to)
{
    size_t n = (size_t)r->plan->count;
    struct numbered *rows = mem_array(n + 1, sizeof(*rows));
    const struct test_result **sorted = mem_array(n + 1, sizeof(*sorted));
    struct buf b;

    fill_missing(r, bail);
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct numbered){r->plan->tests[i].number, &r->results[i]};
    qsort(rows, n, sizeof(*rows), by_number);
    for (size_t i = 0; i < n; i++)
        sorted[i] = rows[i].result;
    buf_init(&b, JUNIT_MAX);
    junit_write(&b, sorted, (int)n, &r->totals);
    (void)fwrite(b.data, 1, b.len, to);
    buf_release(&b);
    free(sorted);
    free(rows);
}
