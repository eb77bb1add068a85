#include "report.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "report_text.h"
#include "unit/base/suite.h"
#include "unit/loadgen/sample.h"

#define HOSTILE "</title><script>alert('x')</script>&\x01\xff"

/* A run as if read from a document with this in every text of it. */
static void sample_run(struct run *r, int seconds, const char *text)
{
    struct threshold t[] = {sample_threshold("e2e.p99", "<", 5e6, true),
                            sample_threshold("lost", "=", 0, false)};

    *r = (struct run){.version = text, .url = text, .exit = LOAD_MISSED};
    r->doc = json_pack("{s:{s:s,s:s,s:{s:s}},s:[s],s:[{s:s}]}", "scenario",
                       "name", "n", "about", "a", "x", "y", "z", "argv", "w",
                       "peers", "k", "v");
    ck_assert_ptr_nonnull(r->doc);
    sample_collect(&r->collect, seconds, 1000000, 1);
    snprintf(t[0].text, sizeof(t[0].text), "%s", text);
    verdicts_judge(&r->verdicts, t, 2, &r->collect);
    snprintf(r->outcome.verdict, sizeof(r->outcome.verdict), "%s", text);
    snprintf(r->env.kernel, sizeof(r->env.kernel), "%s", text);
    snprintf(r->env.server, sizeof(r->env.server), "%s", text);
    snprintf(r->capacity.vary, sizeof(r->capacity.vary), "%s", text);
    snprintf(r->capacity.slo, sizeof(r->capacity.slo), "%s", text);
}

static void add_capacity(struct run *r)
{
    for (int i = 1; i <= 8; i++)
        r->capacity.points[r->capacity.npoints++] =
            (struct capacity_point){.x = 1000 * i,
                                    .offered = 1000 * i,
                                    .achieved = 1000 * i / (1 + 0.05 * i),
                                    .p99 = 1000000 * (uint64_t)i,
                                    .pass = i < 6};
}

/* Tags opened and closed in order, as XML wants it of the drawings. */
static void ck_balanced(const char *svg, const char *end)
{
    const char *open[64];
    int depth = 0;

    for (const char *p = svg; p < end; p++) {
        if (*p != '<')
            continue;
        const char *close = strchr(p, '>');
        ck_assert_ptr_nonnull(close);
        if (p[1] == '/') {
            ck_assert_int_gt(depth, 0);
            depth--;
            ck_assert_int_eq(
                strncmp(open[depth] + 1, p + 2, strcspn(p + 2, ">")), 0);
        } else if (close[-1] != '/') {
            ck_assert_int_lt(depth, 64);
            open[depth++] = p;
        }
        p = close;
    }
    ck_assert_int_eq(depth, 0);
}

static int count_of(const char *text, const char *word)
{
    int n = 0;

    for (; (text = strstr(text, word)) != NULL; text++)
        n++;
    return n;
}

static const char *page_of(struct buf *out, const struct run *r)
{
    const char *text, *svg, *end;

    buf_clear(out);
    ck_assert_int_eq(report_write(out, r), 0);
    text = buf_cstr(out);
    for (svg = text; (svg = strstr(svg, "<svg")) != NULL; svg = end) {
        end = strstr(svg, "</svg>");
        ck_assert_ptr_nonnull(end);
        ck_balanced(svg, end + 6);
    }
    ck_assert_int_eq(count_of(text, "nan"), 0);
    ck_assert_int_eq(count_of(text, "inf\""), 0);
    ck_assert_int_eq(count_of(text, "inf "), 0);
    return text;
}

START_TEST(has_all_its_parts)
{
    static const char *const parts[] = {
        ">Percentiles<",
        ">Response time, each second<",
        ">Messages a second<",
        ">Connections<",
        ">Memory<",
        ">CPU, percent of one core<",
        ">Thresholds<",
        ">Accounting<",
        ">Environment<",
        ">Command<",
        ">Scenario<",
        ">Achieved, by what was asked<",
        "USL fit",
        "prefers-color-scheme:dark",
        "width=device-width",
        ">Capacity<",
        "class=\"limit\"",
    };
    static struct run r;
    struct buf out;
    const char *text;

    sample_run(&r, 30, "plain");
    add_capacity(&r);
    snprintf(r.capacity.slo, sizeof(r.capacity.slo), "e2e.p99 < 5ms");
    buf_init(&out, REPORT_MAX);
    text = page_of(&out, &r);
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        ck_assert_msg(strstr(text, parts[i]) != NULL, "no %s", parts[i]);
    ck_assert_int_eq(count_of(text, "<svg"), 8);
    ck_assert_int_eq(count_of(text, "halo\">e2e.p99 &lt; 5ms"), 1);
    ck_assert_int_eq(count_of(text, "<script"), 0);
    ck_assert_int_eq(count_of(text, "http"), 0);
    run_release(&r);
    buf_release(&out);
}
END_TEST

START_TEST(text_from_outside_is_only_text)
{
    static struct run r;
    struct buf out;
    const char *text;

    sample_run(&r, 10, HOSTILE);
    add_capacity(&r);
    buf_init(&out, REPORT_MAX);
    text = page_of(&out, &r);
    ck_assert_int_eq(count_of(text, "<script"), 0);
    ck_assert_int_eq(count_of(text, "</title>"), 1 + count_of(text, "<svg"));
    ck_assert_int_eq(count_of(text, "alert('x')"), 0);
    ck_assert_int_gt(count_of(text, "&lt;script&gt;"), 5);
    ck_assert_ptr_null(strchr(text, '\x01'));
    run_release(&r);
    buf_release(&out);
}
END_TEST

START_TEST(nothing_measured_is_a_page_too)
{
    static struct run r;
    struct buf out;

    r = (struct run){.version = "", .url = "", .exit = LOAD_UNREACHABLE};
    r.doc = json_object();
    collect_init(&r.collect);
    buf_init(&out, REPORT_MAX);
    ck_assert_ptr_nonnull(strstr(page_of(&out, &r), "unreachable"));
    ck_assert_int_eq(count_of(out.data, "<svg"), 0);
    run_release(&r);
    buf_release(&out);
}
END_TEST

/* A day at a row a second stays a page that a browser likes. */
START_TEST(long_runs_are_thinned)
{
    static struct run r;
    struct second row;
    struct buf out;

    sample_run(&r, 10, "plain");
    row = r.collect.seconds[5];
    for (int i = 0; i < 86400; i++) {
        row.at_ms = 11000 + 1000 * i;
        row.q[METRIC_E2E].p99 = i == 50000 ? 900000000 : 1000000;
        collect_second(&r.collect, &row);
    }
    buf_init(&out, REPORT_MAX);
    (void)page_of(&out, &r);
    ck_assert_uint_lt(out.len, 200000);
    run_release(&r);
    buf_release(&out);
}
END_TEST

/* The extremes of what a document may hold. */
START_TEST(absurd_numbers_are_drawn)
{
    static struct run r;
    struct buf out;

    sample_run(&r, 6, "plain");
    r.collect.seconds[3].conns = RESULT_NUMBER;
    r.collect.seconds[3].at_ms = RESULT_NUMBER;
    r.collect.seconds[4].at_ms = -1;
    r.collect.seconds[3].srv_cpu = 1e12;
    r.collect.seconds[3].gen_cpu = -1e12;
    r.collect.seconds[3].q[METRIC_E2E].p99 = (uint64_t)RESULT_NUMBER;
    r.collect.seconds[4].q[METRIC_E2E].p50 = 0;
    hist_add_n(&r.collect.hists[METRIC_E2E], UINT64_MAX, INT64_MAX / 2);
    hist_add(&r.collect.hists[METRIC_LOGIN], 0);
    r.verdicts.v[0].limit = 1e18;
    for (int i = 0; i < RESULT_POINTS; i++)
        r.capacity.points[r.capacity.npoints++] =
            (struct capacity_point){.x = i % 2 ? 1e18 : -1e18,
                                    .achieved = i % 3 ? 1e18 : 0,
                                    .p99 = (uint64_t)RESULT_NUMBER};
    buf_init(&out, REPORT_MAX);
    (void)page_of(&out, &r);
    run_release(&r);
    buf_release(&out);
}
END_TEST

static void ck_ticks(enum svg_scale scale, double low, double high,
                     const char *want)
{
    struct svg_axis a = {.scale = scale, .low = low, .high = high};
    double at[12];
    char text[256] = "";
    int n = svg_ticks(&a, at, 12);
    size_t len = 0;

    for (int i = 0; i < n; i++) {
        snprintf(text + len, sizeof(text) - len, "%s%g", i > 0 ? " " : "",
                 at[i]);
        len = strlen(text);
    }
    ck_assert_str_eq(text, want);
}

START_TEST(ticks_are_round)
{
    ck_ticks(SVG_LINEAR, 0, 100, "0 20 40 60 80 100");
    ck_ticks(SVG_LINEAR, 0, 1, "0 0.2 0.4 0.6 0.8 1");
    ck_ticks(SVG_LINEAR, 3, 68, "20 40 60");
    ck_ticks(SVG_LINEAR, 5, 5, "");
    ck_ticks(SVG_LOG, 1, 100, "1 2 5 10 20 50 100");
    ck_ticks(SVG_LOG, 1, 1e6, "1 10 100 1000 10000 100000 1e+06");
    ck_ticks(SVG_PERCENTILE, 0, 0.9995, "0 0.9 0.99 0.999");
    ck_assert_str_eq(tick_quantile(0.9), "90%");
    ck_assert_str_eq(tick_quantile(0.99999), "99.999%");
    ck_assert_str_eq(tick_ns(20e6), "20 ms");
}
END_TEST

SUITE("report", has_all_its_parts, text_from_outside_is_only_text,
      nothing_measured_is_a_page_too, long_runs_are_thinned,
      absurd_numbers_are_drawn, ticks_are_round)
