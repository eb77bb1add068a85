/* What a machine that runs tests reads: a TAP line and a JUnit case for each
 * threshold, for the equation of accounting and for each kind of fault. */
#include <inttypes.h>
#include <stdio.h>

#include "report_text.h"
#include "result.h"

/* One line of the list; its state and what to say when it is not well. */
struct item {
    char name[96], said[160];
    bool ok;
};

#define ITEMS (SCENARIO_THRESHOLDS + 2 + COUNTS)

static void add_threshold(struct item *item, const struct verdict *v)
{
    snprintf(item->name, sizeof(item->name), "%s", v->text);
    snprintf(item->said, sizeof(item->said), "%s%s%s", v->metric,
             v->has_value ? " was " : ": ",
             v->has_value ? show_verdict(v) : v->why);
    item->ok = v->state == VERDICT_PASS;
}

static int add_accounting(struct item *items, const struct collect *c)
{
    struct accounting a;

    accounting_of(&a, c);
    snprintf(items[0].name, sizeof(items[0].name),
             "sent = acked + refused + unknown");
    snprintf(items[0].said, sizeof(items[0].said),
             "%" PRIu64 " = %" PRIu64 " + %" PRIu64 " + %" PRIu64, a.sent,
             a.acked, a.refused, a.unknown);
    items[0].ok = a.balanced;
    snprintf(items[1].name, sizeof(items[1].name),
             "expected copies = delivered + backlog");
    snprintf(items[1].said, sizeof(items[1].said),
             "%" PRIu64 " = %" PRIu64 " + %" PRIu64 ", %" PRIu64 " lost",
             a.expected, a.copies, a.backlog, a.lost);
    items[1].ok = a.copies_balanced && a.lost == 0;
    return 2;
}

static int add_faults(struct item *items, const struct collect *c)
{
    int n = 0;

    for (const enum count *v = result_violations; *v != COUNTS; v++, n++) {
        snprintf(items[n].name, sizeof(items[n].name), "no fault: %s",
                 count_name(*v));
        snprintf(items[n].said, sizeof(items[n].said), "%s %" PRIu64,
                 count_name(*v), c->all[*v]);
        items[n].ok = c->all[*v] == 0;
    }
    return n;
}

static int list_items(struct item *items, const struct verdicts *v,
                      const struct collect *c)
{
    int n = 0;

    for (int i = 0; i < v->n; i++)
        add_threshold(&items[n++], &v->v[i]);
    n += add_accounting(items + n, c);
    n += add_faults(items + n, c);
    return n;
}

/* A description ends at a line's end and at " #". */
static void put_tap_text(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '#' || *text == '\\')
            (void)buf_append_byte(out, '\\');
        (void)buf_append_byte(out, (unsigned char)*text < ' ' ? ' ' : *text);
    }
}

void write_tap(struct buf *out, const struct verdicts *v,
               const struct collect *c)
{
    static struct item items[ITEMS];
    int n = list_items(items, v, c);

    (void)buf_printf(out, "TAP version 14\n1..%d\n", n);
    for (int i = 0; i < n; i++) {
        (void)buf_printf(out, "%s %d - ", items[i].ok ? "ok" : "not ok", i + 1);
        put_tap_text(out, items[i].name);
        (void)buf_append_byte(out, '\n');
        if (items[i].ok)
            continue;
        (void)buf_append_text(out, "  ---\n  message: \"");
        for (const char *p = items[i].said; *p != '\0'; p++)
            if (*p != '"' && *p != '\\' && (unsigned char)*p >= ' ')
                (void)buf_append_byte(out, *p);
        (void)buf_append_text(out, "\"\n  ...\n");
    }
}

static double seconds_of(const struct collect *c)
{
    int64_t ms = 0;

    for (int i = 0; i < PHASES; i++)
        ms += c->phase_ms[i];
    return (double)ms / 1000;
}

static void put_case(struct buf *out, const struct item *item, const char *name)
{
    (void)buf_append_text(out, "    <testcase classname=\"confab-load.");
    put_escaped(out, name);
    (void)buf_append_text(out, "\" name=\"");
    put_escaped(out, item->name);
    if (item->ok) {
        (void)buf_append_text(out, "\"/>\n");
        return;
    }
    (void)buf_append_text(out, "\">\n      <failure message=\"");
    put_escaped(out, item->said);
    (void)buf_append_text(out, "\"/>\n    </testcase>\n");
}

void write_junit(struct buf *out, const struct verdicts *v,
                 const struct collect *c, const char *name)
{
    static struct item items[ITEMS];
    int n = list_items(items, v, c), failures = 0;

    for (int i = 0; i < n; i++)
        failures += !items[i].ok;
    (void)buf_append_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                               "<testsuites>\n  <testsuite name=\"");
    put_escaped(out, name);
    (void)buf_printf(out, "\" tests=\"%d\" failures=\"%d\" time=\"%.3f\">\n", n,
                     failures, seconds_of(c));
    for (int i = 0; i < n; i++)
        put_case(out, &items[i], name);
    (void)buf_append_text(out, "  </testsuite>\n</testsuites>\n");
}
