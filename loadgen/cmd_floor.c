#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "floor.h"
#include "report_text.h"

struct floor_args {
    const char *json, *dir;
    bool quiet;
};

#define AT(field) offsetof(struct floor_args, field)
const struct option floor_options[] = {
    {.name = "json",
     .type = OPT_TEXT,
     .arg = "FILE",
     .offset = AT(json),
     .help = "write the figures there too; - is standard output"},
    {.name = "dir",
     .type = OPT_TEXT,
     .arg = "DIR",
     .offset = AT(dir),
     .help = "whose disk to measure (default: TMPDIR)"},
    {.name = "quiet",
     .letter = 'q',
     .type = OPT_FLAG,
     .offset = AT(quiet),
     .help = "no progress"},
    {.name = NULL},
};
#undef AT

static void progress(const char *what)
{
    fprintf(stderr, isatty(STDERR_FILENO) ? "\r\033[K%s ..." : "%s ...\n",
            what);
}

static const char *value_text(enum floor_unit unit, double v)
{
    if (v < 0)
        return "-";
    return unit == FLOOR_BYTES  ? show_bytes(v)
           : unit == FLOOR_RATE ? show_rate(v)
                                : show_ns(v);
}

static void put_table(struct buf *b, const struct floor *f)
{
    buf_printf(b, "%-42s %10s %10s\n", "yardstick", "middle", "p99");
    for (int i = 0; i < f->n; i++) {
        const struct floor_figure *g = &f->figures[i];

        buf_printf(b, "%-42s %10s %10s%s%s\n", g->what,
                   value_text(g->unit, g->value),
                   g->p99 > 0 ? value_text(g->unit, g->p99) : "",
                   g->note[0] != '\0' ? "  " : "", g->note);
    }
}

static int write_out(const struct floor *f, const struct floor_args *a)
{
    struct error err = {0};
    struct buf b;
    json_t *j;
    int rc = 0;

    buf_init(&b, 65536);
    if (a->json == NULL || strcmp(a->json, "-") != 0) {
        put_table(&b, f);
        rc = load_print(stdout, &b);
    }
    if (rc == 0 && a->json != NULL) {
        j = floor_json(f);
        buf_clear(&b);
        json_write(&b, j, false);
        buf_append_byte(&b, '\n');
        json_decref(j);
        if (result_write_text(a->json, buf_span(&b), &err) < 0)
            rc = load_fail_error(NULL, &err);
    }
    buf_release(&b);
    return rc;
}

int cmd_floor(const struct command *cmd, int argc, char **argv)
{
    struct floor_args a = {0};
    struct options o = {0};
    struct floor f = {.progress = progress};
    int rc = load_parse(cmd, &o, &a, argc, argv, 0, 0);

    if (rc != 0)
        return rc < 0 ? 0 : rc;
    if (a.quiet)
        f.progress = NULL;
    floor_measure(&f, a.dir);
    if (!a.quiet && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    rc = write_out(&f, &a);
    options_release(&o);
    return rc;
}
