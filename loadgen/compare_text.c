#include <stdio.h>
#include <string.h>

#include "compare.h"
#include "report_text.h"

static const char *show(enum compare_unit unit, double v)
{
    switch (unit) {
    case UNIT_NS:
        return show_ns(v);
    case UNIT_BYTES:
        return show_bytes(v);
    case UNIT_PERCENT:
        return tick_percent(v);
    case UNIT_RATE:
        return show_rate(v);
    default:
        return show_count(v);
    }
}

static void put_row(struct buf *out, const struct compare_row *row)
{
    char between[32] = "-", ratio[16] = "-";

    if (row->high > 0)
        snprintf(between, sizeof(between), "%.3f .. %.3f", row->low, row->high);
    if (row->a > 0)
        snprintf(ratio, sizeof(ratio), "%.3f", row->ratio);
    (void)buf_printf(out, "%-18s %10s %10s %8s  %-16s  %s\n", row->name,
                     show(row->unit, row->a), show(row->unit, row->b), ratio,
                     between, compare_verdict_name(row->verdict));
}

void compare_write(struct buf *out, const struct comparison *c)
{
    (void)buf_printf(out, "%-18s %10s %10s %8s  %-16s  %s\n", "", "A", "B",
                     "B / A", "95 %", "B is");
    for (int i = 0; i < c->n; i++)
        put_row(out, &c->rows[i]);
    (void)buf_printf(out, "\n%d better, %d worse of %d\n", c->better, c->worse,
                     c->n);
    if (c->differs)
        (void)buf_append_text(out, "The scenario or the machine differs, "
                                   "which may be the cause.\n");
    if (c->invalid)
        (void)buf_append_text(out, "One of the runs was invalid: nothing "
                                   "follows from this.\n");
}

static json_t *row_json(const struct compare_row *row)
{
    json_t *o = json_object();

    (void)json_object_set_new(o, "name", json_string(row->name));
    (void)json_object_set_new(o, "a", json_real(row->a));
    (void)json_object_set_new(o, "b", json_real(row->b));
    (void)json_object_set_new(o, "ratio", json_real(row->ratio));
    if (row->high > 0)
        (void)json_object_set_new(o, "interval",
                                  json_pack("[f,f]", row->low, row->high));
    (void)json_object_set_new(o, "verdict",
                              json_string(compare_verdict_name(row->verdict)));
    return o;
}

json_t *compare_json(const struct comparison *c)
{
    json_t *rows = json_array();

    for (int i = 0; i < c->n; i++)
        (void)json_array_append_new(rows, row_json(&c->rows[i]));
    return json_pack("{s:s,s:i,s:i,s:b,s:b,s:o}", "schema",
                     "confab-load-compare/1", "better", c->better, "worse",
                     c->worse, "differs", c->differs, "invalid", c->invalid,
                     "rows", rows);
}
