#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "report.h"

struct report_args {
    const char *output, *hgrm, *hlog, *csv, *tap, *junit;
};

#define AT(field) offsetof(struct report_args, field)
const struct option report_options[] = {
    {.name = "output",
     .letter = 'o',
     .type = OPT_TEXT,
     .arg = "FILE",
     .offset = AT(output),
     .help = "the page; - is standard output (default: RUN.html)"},
    {.name = "hgrm",
     .type = OPT_TEXT,
     .arg = "PREFIX",
     .offset = AT(hgrm),
     .help = "also PREFIX.METRIC.hgrm, for the HdrHistogram plotters"},
    {.name = "hlog",
     .type = OPT_TEXT,
     .arg = "FILE",
     .offset = AT(hlog),
     .help = "also an HdrHistogram log, V2 compressed"},
    {.name = "csv",
     .type = OPT_TEXT,
     .arg = "FILE",
     .offset = AT(csv),
     .help = "also a row a second"},
    {.name = "tap",
     .type = OPT_TEXT,
     .arg = "FILE",
     .offset = AT(tap),
     .help = "also a TAP line a threshold"},
    {.name = "junit",
     .type = OPT_TEXT,
     .arg = "FILE",
     .offset = AT(junit),
     .help = "also JUnit XML"},
    {.name = NULL},
};
#undef AT

/* "runs/a.json" becomes "runs/a.html". */
static void page_name(char *out, size_t size, const char *run)
{
    const char *dot = strrchr(run, '.');
    bool json = dot != NULL && strcmp(dot, ".json") == 0;

    snprintf(out, size, "%.*s.html", json ? (int)(dot - run) : (int)strlen(run),
             run);
}

static int write_hgrm(const struct run *r, const char *prefix,
                      struct error *err)
{
    struct buf text;
    char path[4096];
    int done = 0;

    buf_init(&text, REPORT_MAX);
    for (int i = 0; done == 0 && i < METRICS; i++) {
        if (r->collect.hists[i].count == 0)
            continue;
        buf_clear(&text);
        hist_write_hgrm(&text, &r->collect.hists[i], 1e6, 5);
        snprintf(path, sizeof(path), "%.4000s.%s.hgrm", prefix,
                 metric_name((enum metric)i));
        done = result_write_text(path, buf_span(&text), err);
    }
    buf_release(&text);
    return done;
}

/* One interval: the measured phase. */
static void put_hlog(struct buf *out, const struct run *r)
{
    const int64_t *ms = r->collect.phase_ms;

    hist_write_hlog_head(out, r->started_ms);
    for (int i = 0; i < METRICS; i++)
        if (r->collect.hists[i].count > 0)
            hist_write_hlog_line(out, metric_name((enum metric)i),
                                 ms[PHASE_RAMP] + ms[PHASE_SETTLE],
                                 ms[PHASE_MEASURE], &r->collect.hists[i]);
}

static void put_csv(struct buf *out, const struct run *r)
{
    write_csv_head(out);
    for (int i = 0; i < r->collect.nseconds; i++)
        write_csv(out, &r->collect.seconds[i]);
}

static void put_tap(struct buf *out, const struct run *r)
{
    write_tap(out, &r->verdicts, &r->collect);
}

static void put_junit(struct buf *out, const struct run *r)
{
    write_junit(out, &r->verdicts, &r->collect, report_name(r));
}

static void put_page(struct buf *out, const struct run *r)
{
    (void)report_write(out, r);
}

static int write_with(const char *path, const struct run *r,
                      void (*put)(struct buf *out, const struct run *r),
                      struct error *err)
{
    struct buf text;
    int done;

    if (path == NULL)
        return 0;
    buf_init(&text, RESULT_FILE);
    put(&text, r);
    done = result_write_text(path, buf_span(&text), err);
    buf_release(&text);
    return done;
}

static int write_all(const struct report_args *a, const struct run *r,
                     struct error *err)
{
    int done = write_with(a->output, r, put_page, err);

    done = done < 0 ? done : write_with(a->hlog, r, put_hlog, err);
    done = done < 0 ? done : write_with(a->csv, r, put_csv, err);
    done = done < 0 ? done : write_with(a->tap, r, put_tap, err);
    done = done < 0 ? done : write_with(a->junit, r, put_junit, err);
    if (done == 0 && a->hgrm != NULL)
        done = write_hgrm(r, a->hgrm, err);
    return done;
}

int cmd_report(const struct command *cmd, int argc, char **argv)
{
    static struct run run; /* large */
    struct report_args args = {0};
    struct error err = {0};
    struct options o;
    char page[4096];
    int rc = load_parse(cmd, &o, &args, argc, argv, 1, 1);

    if (rc != 0)
        return rc < 0 ? 0 : rc;
    if (args.output == NULL) {
        page_name(page, sizeof(page), argv[1]);
        args.output = page;
    }
    if (run_load(&run, argv[1], &err) == 0) {
        if (write_all(&args, &run, &err) == 0 && strcmp(args.output, "-") != 0)
            fprintf(stderr, "wrote %s\n", args.output);
        run_release(&run);
    }
    options_release(&o);
    return err.code != 0 ? load_fail_error(NULL, &err) : 0;
}
