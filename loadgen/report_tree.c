#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report.h"
#include "report_text.h"

#define ROWS 300
#define COLUMNS 12
#define PATH 160

static void put_value(struct buf *out, const json_t *v)
{
    if (json_is_string(v))
        put_escaped(out, json_string_value(v));
    else if (json_is_integer(v))
        (void)buf_append_text(out, show_count((double)json_integer_value(v)));
    else if (json_is_number(v) && fabs(json_number_value(v)) >= 1000)
        (void)buf_append_text(out, show_count(json_number_value(v)));
    else if (json_is_number(v))
        (void)buf_printf(out, "%.4g", json_number_value(v));
    else if (json_is_boolean(v))
        (void)buf_append_text(out, json_is_true(v) ? "yes" : "no");
}

/* Rows "a.b.c  value" of all leaves. Returns the rows that are left. */
static int put_leaves(struct buf *out, const json_t *j, const char *path,
                      int left)
{
    char longer[PATH];
    const char *key;
    json_t *v;
    size_t i;

    if (left <= 0)
        return 0;
    json_object_foreach((json_t *)j, key, v)
    {
        snprintf(longer, sizeof(longer), "%s%s%.60s", path,
                 path[0] != '\0' ? "." : "", key);
        left = put_leaves(out, v, longer, left);
    }
    json_array_foreach(j, i, v)
    {
        snprintf(longer, sizeof(longer), "%s[%zu]", path, i);
        left = put_leaves(out, v, longer, left);
    }
    if (json_is_object(j) || json_is_array(j))
        return left;
    (void)buf_append_text(out, "<tr><td class=\"soft\">");
    put_escaped(out, path);
    (void)buf_append_text(out, "</td><td>");
    put_value(out, j);
    (void)buf_append_text(out, "</td></tr>\n");
    return left - 1;
}

/* The columns are those of the first row. */
static void put_table(struct buf *out, const json_t *rows)
{
    const char *keys[COLUMNS], *key;
    json_t *v;
    int n = 0;

    json_object_foreach(json_array_get(rows, 0), key, v)
    {
        if (n < COLUMNS)
            keys[n++] = key;
    }
    (void)buf_append_text(out, "<table>\n<tr>");
    for (int i = 0; i < n; i++) {
        (void)buf_append_text(out, "<th>");
        put_escaped(out, keys[i]);
        (void)buf_append_text(out, "</th>");
    }
    (void)buf_append_text(out, "</tr>\n");
    for (size_t k = 0; k < json_array_size(rows) && k < ROWS; k++) {
        (void)buf_append_text(out, "<tr>");
        for (int i = 0; i < n; i++) {
            (void)buf_append_text(out, "<td>");
            put_value(out, json_object_get(json_array_get(rows, k), keys[i]));
            (void)buf_append_text(out, "</td>");
        }
        (void)buf_append_text(out, "</tr>\n");
    }
    (void)buf_append_text(out, "</table>\n");
}

void report_tree(struct buf *out, const json_t *j)
{
    if (json_is_array(j) && json_is_object(json_array_get(j, 0))) {
        put_table(out, j);
        return;
    }
    (void)buf_append_text(out, "<table class=\"left\">\n");
    (void)put_leaves(out, j, "", ROWS);
    (void)buf_append_text(out, "</table>\n");
}
