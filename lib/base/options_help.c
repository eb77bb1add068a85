#include "base/options.h"

#include <string.h>

#define COLUMNS 80
#define HELP_COLUMN 26 /* where the text starts */

/* Append text from column on, broken at spaces before COLUMNS; further lines
 * start at HELP_COLUMN. */
static int wrap(struct buf *out, size_t column, const char *text)
{
    size_t word;
    int rc = 0;

    while (*text != '\0' && rc == 0) {
        word = strcspn(text, " ");
        if (column > HELP_COLUMN && column + 1 + word > COLUMNS) {
            rc = buf_printf(out, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        } else if (column > HELP_COLUMN) {
            rc = buf_append_byte(out, ' ');
            column++;
        }
        if (rc == 0)
            rc = buf_append(out, text, word);
        column += word;
        text += word;
        text += strspn(text, " ");
    }
    return rc;
}

/* help, and the default where there is one that help does not tell. */
static int help_text(struct buf *text, const struct option *row)
{
    int rc = buf_append_text(text, row->help != NULL ? row->help : "");

    if (rc == 0 && row->preset != NULL && row->preset[0] != '\0')
        rc = buf_printf(text, " (default: %s)", row->preset);
    if (rc == 0 && row->choices != NULL)
        rc = buf_printf(text, " [%s]", row->choices);
    return rc;
}

static int help_row(struct buf *out, const struct option *row)
{
    size_t start = out->len, used;
    struct buf text;
    int rc;

    buf_init(&text, 1024);
    rc = row->letter != 0
             ? buf_printf(out, "  -%c, --%s", row->letter, row->name)
             : buf_printf(out, "      --%s", row->name);
    if (rc == 0 && row->arg != NULL)
        rc = buf_printf(out, " %s", row->arg);
    used = out->len - start;
    if (rc == 0 && used + 2 > HELP_COLUMN)
        rc = buf_printf(out, "\n%*s", HELP_COLUMN, "");
    else if (rc == 0)
        rc = buf_printf(out, "%*s", (int)(HELP_COLUMN - used), "");
    if (rc == 0)
        rc = help_text(&text, row);
    if (rc == 0 && buf_cstr(&text) == NULL)
        rc = -CF_TOO_BIG;
    if (rc == 0)
        rc = wrap(out, HELP_COLUMN, text.data);
    buf_release(&text);
    return rc == 0 ? buf_append_byte(out, '\n') : rc;
}

int options_help(struct buf *out, const struct option *table)
{
    int rc = 0;

    for (; table->name != NULL && rc == 0; table++)
        rc = help_row(out, table);
    return rc;
}

static bool is_bare_letter(const struct option *row)
{
    return row->letter != 0 &&
           (row->type == OPT_FLAG || row->type == OPT_COUNT);
}

int options_synopsis(struct buf *out, const struct option *table)
{
    const char *before = "[-";
    int rc = 0;

    for (const struct option *r = table; r->name != NULL && rc == 0; r++) {
        if (is_bare_letter(r)) {
            rc = buf_printf(out, "%s%c", before, r->letter);
            before = "";
        }
    }
    if (rc == 0 && before[0] == '\0')
        rc = buf_append_byte(out, ']');
    before = before[0] == '\0' ? " " : "";
    for (const struct option *r = table; r->name != NULL && rc == 0; r++) {
        if (is_bare_letter(r))
            continue;
        rc = buf_printf(out, "%s[--%s%s%s]%s", before, r->name,
                        r->arg != NULL ? " " : "", r->arg != NULL ? r->arg : "",
                        r->type == OPT_LIST ? "..." : "");
        before = " ";
    }
    return rc;
}

/* Text that troff must not take for requests or escapes. */
static int roff(struct buf *out, const char *text)
{
    int rc = *text == '.' || *text == '\'' ? buf_append_text(out, "\\&") : 0;

    for (; *text != '\0' && rc == 0; text++)
        rc = *text == '\\' ? buf_append_text(out, "\\e")
                           : buf_append_byte(out, *text);
    return rc;
}

static int mdoc_row(struct buf *out, const struct option *row)
{
    struct buf text;
    int rc = buf_append_text(out, ".It");

    buf_init(&text, 1024);
    if (rc == 0 && row->letter != 0)
        rc = buf_printf(out, " Fl %c ,", row->letter);
    if (rc == 0)
        rc = buf_printf(out, " Fl \\-%s", row->name);
    if (rc == 0 && row->arg != NULL)
        rc = buf_printf(out, " Ar %s", row->arg);
    if (rc == 0)
        rc = buf_append_byte(out, '\n');
    if (rc == 0)
        rc = help_text(&text, row);
    if (rc == 0 && buf_cstr(&text) == NULL)
        rc = -CF_TOO_BIG;
    if (rc == 0)
        rc = roff(out, text.data);
    buf_release(&text);
    return rc == 0 ? buf_append_text(out, ".\n") : rc;
}

int options_mdoc(struct buf *out, const struct option *table)
{
    int rc = 0;

    for (; table->name != NULL && rc == 0; table++)
        rc = mdoc_row(out, table);
    return rc;
}
