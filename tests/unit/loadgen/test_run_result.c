#include "result.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "report_text.h"
#include "unit/base/suite.h"
#include "unit/loadgen/sample.h"

static char run_word[] = "run";
static char name[] = "a<b>&\"c\"";
static char *const argv[] = {run_word, name};

static json_t *sample_document(struct collect *c, const struct verdicts *v)
{
    static struct engine_outcome outcome = {.verdict = "all is well",
                                            .lag_p99_ms = 0.08,
                                            .shards = 2,
                                            .bytes_per_client = 96};
    static struct environment env;
    json_t *scenario = json_pack("{s:s}", "name", "direct-100ms"), *doc;
    struct result_input in = {.argc = 2,
                              .argv = argv,
                              .started_ms = 1700000000123,
                              .url = "ws://127.0.0.1:8080",
                              .scenario = scenario,
                              .env = &env,
                              .collect = c,
                              .outcome = &outcome,
                              .verdicts = v};

    environment_read(&env);
    ck_assert_str_ne(env.kernel, "");
    ck_assert_int_gt(env.cores, 0);
    doc = result_json(&in);
    json_decref(scenario);
    return doc;
}

static void ck_same_seconds(const struct collect *a, const struct collect *b)
{
    ck_assert_int_eq(a->nseconds, b->nseconds);
    for (int i = 0; i < a->nseconds; i++)
        ck_assert_mem_eq(&a->seconds[i], &b->seconds[i], sizeof(a->seconds[i]));
}

START_TEST(reads_back_what_it_wrote)
{
    struct collect c;
    struct verdicts v;
    struct threshold t[] = {
        sample_threshold("e2e.p99", "<", 100e6, true),
        sample_threshold("lost", "=", 0, false),
        sample_threshold("read.p99", "<", 1e6, true),
    };
    struct error err = {0};
    struct buf text;
    struct run r;
    json_t *doc;

    sample_collect(&c, 12, 1000000, 1);
    verdicts_judge(&v, t, 3, &c);
    doc = sample_document(&c, &v);
    buf_init(&text, 1 << 20);
    ck_assert_int_eq(json_write(&text, doc, false), 0);
    ck_assert_msg(run_parse(&r, buf_span(&text), &err) == 0, "%s", err.text);
    ck_same_seconds(&c, &r.collect);
    ck_assert_mem_eq(c.counts, r.collect.counts, sizeof(c.counts));
    ck_assert_mem_eq(c.all, r.collect.all, sizeof(c.all));
    ck_assert_uint_eq(hist_at(&c.hists[METRIC_E2E], 0.99),
                      hist_at(&r.collect.hists[METRIC_E2E], 0.99));
    ck_assert_int_eq(r.verdicts.n, 3);
    ck_assert_int_eq(r.verdicts.unknown, 1);
    ck_assert_int_eq(r.exit, LOAD_INVALID);
    ck_assert_str_eq(r.outcome.verdict, "all is well");
    ck_assert_int_eq(r.outcome.bytes_per_client, 96);
    ck_assert_str_eq(r.url, "ws://127.0.0.1:8080");
    run_release(&r);
    json_decref(doc);
    buf_release(&text);
    collect_release(&c);
}
END_TEST

START_TEST(values_by_name)
{
    static const struct {
        const char *name;
        double value;
    } known[] = {
        {"e2e.count", 10000},
        {"lost", 0},
        {"acked", 12000},
        {"rate.achieved", 1000},
        {"rate.offered", 1000},
        {"conns", 500},
        {"srv.rss", 400110000},
        {"srv.fds", 520},
        {"srv.rss.ratio", 400110000.0 / 400020000.0},
    };
    struct collect c;
    double v;

    sample_collect(&c, 12, 1000000, 1);
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        ck_assert_int_eq(result_value(&c, known[i].name, &v), 0);
        ck_assert_msg(v == known[i].value, "%s is %g", known[i].name, v);
        ck_assert_int_eq(result_value(NULL, known[i].name, &v), 0);
    }
    ck_assert_int_eq(result_value(&c, "e2e.p99.9", &v), 0);
    ck_assert(v == (double)hist_at(&c.hists[METRIC_E2E], 0.999));
    ck_assert_int_eq(result_value(&c, "e2e.p99.99", &v), -CF_LIMIT);
    ck_assert_int_eq(result_value(&c, "fanout.last.p99", &v), -CF_LIMIT);
    ck_assert_uint_eq(result_samples("e2e.p50"), 20);
    ck_assert_uint_eq(result_samples("fanout.last.p99"), 1000);
    ck_assert_uint_eq(result_samples("e2e.p99.9"), 10000);
    ck_assert_uint_eq(result_samples("e2e.max"), 0);
    ck_assert_uint_eq(result_samples("lost"), 0);
    ck_assert_int_eq(result_value(&c, "e2e.p", &v), -CF_NOT_FOUND);
    ck_assert_int_eq(result_value(&c, "e2e.p101", &v), -CF_NOT_FOUND);
    ck_assert_int_eq(result_value(&c, "e2e", &v), -CF_NOT_FOUND);
    ck_assert_int_eq(result_value(&c, "e2f.p99", &v), -CF_NOT_FOUND);
    ck_assert_int_eq(result_value(NULL, "e2e.q", &v), -CF_NOT_FOUND);
    collect_release(&c);
}
END_TEST

/* 1000 ms with 1000, then 4 ms with 4: still 1000 a second. */
START_TEST(rates_are_over_the_time)
{
    struct collect c;
    struct second row;
    double v;

    sample_collect(&c, 12, 1000000, 1);
    row = c.seconds[11];
    row.at_ms += 4;
    row.srv_cpu = 900;
    row.counts[COUNT_ACKED] = 4;
    collect_second(&c, &row);
    ck_assert_int_eq(collect_length(&c, 12), 4);
    ck_assert_int_eq(collect_length(&c, 0), 1000);
    ck_assert_int_eq(result_value(&c, "rate.achieved", &v), 0);
    ck_assert(v == 1000);
    ck_assert_int_eq(result_value(&c, "srv.cpu", &v), 0);
    ck_assert(v > 70 && v < 76);
    collect_release(&c);
}
END_TEST

START_TEST(reasons_in_words)
{
    struct engine_outcome o = {0};
    char why[200];

    result_reason(why, sizeof(why), &o);
    ck_assert_str_eq(why, "every message is accounted for");
    o.inconclusive = true;
    o.foreign_cpu = 164;
    result_reason(why, sizeof(why), &o);
    ck_assert_ptr_nonnull(strstr(why, "used 164 % of a core"));
    snprintf(o.verdict, sizeof(o.verdict), "lost: 3 copies");
    o.generator_bound = true;
    result_reason(why, sizeof(why), &o);
    ck_assert_ptr_nonnull(strstr(why, "lost: 3 copies; the generator was"));
    result_reason(why, 20, &o);
    ck_assert_uint_lt(strlen(why), 20);
    o = (struct engine_outcome){.unanswered = 7};
    result_reason(why, sizeof(why), &o);
    ck_assert_ptr_nonnull(strstr(why, "7 messages had no answer"));
    ck_assert_int_eq(result_exit(&o, NULL, false), LOAD_MISSED);
}
END_TEST

static enum verdict_state judged(const struct collect *c, const char *metric,
                                 const char *op, double value)
{
    struct threshold t = sample_threshold(metric, op, value, false);
    struct verdicts v;

    verdicts_judge(&v, &t, 1, c);
    return v.v[0].state;
}

START_TEST(every_comparison)
{
    struct collect c;

    sample_collect(&c, 12, 1000000, 1);
    ck_assert_int_eq(judged(&c, "acked", "=", 12000), VERDICT_PASS);
    ck_assert_int_eq(judged(&c, "acked", "=", 12001), VERDICT_MISSED);
    ck_assert_int_eq(judged(&c, "acked", "<", 12000), VERDICT_MISSED);
    ck_assert_int_eq(judged(&c, "acked", "<=", 12000), VERDICT_PASS);
    ck_assert_int_eq(judged(&c, "acked", ">", 12000), VERDICT_MISSED);
    ck_assert_int_eq(judged(&c, "acked", ">=", 12000), VERDICT_PASS);
    ck_assert_int_eq(judged(&c, "acked", ">", 11999), VERDICT_PASS);
    ck_assert_int_eq(judged(&c, "nothing", ">", 1), VERDICT_UNKNOWN);
    collect_release(&c);
}
END_TEST

START_TEST(exit_codes_by_weight)
{
    struct engine_outcome o = {0};
    struct verdicts v = {0};

    ck_assert_int_eq(result_exit(&o, &v, false), 0);
    v.unknown = 1;
    ck_assert_int_eq(result_exit(&o, &v, false), 4);
    v.missed = 1;
    ck_assert_int_eq(result_exit(&o, &v, false), 1);
    o.generator_bound = true;
    ck_assert_int_eq(result_exit(&o, &v, false), 4);
    o.stopped_early = true;
    ck_assert_int_eq(result_exit(&o, &v, false), 130);
    o.violated = true;
    ck_assert_int_eq(result_exit(&o, &v, false), 5);
    ck_assert_int_eq(result_exit(&o, &v, true), 3);
}
END_TEST

START_TEST(p999_needs_samples)
{
    struct collect c;
    json_t *doc, *e2e;

    sample_collect(&c, 11, 1000000, 1);
    doc = sample_document(&c, NULL);
    e2e = json_object_get(json_object_get(doc, "metrics"), "e2e");
    ck_assert_int_eq(json_integer_value(json_object_get(e2e, "count")), 9000);
    ck_assert(json_is_null(json_object_get(e2e, "p99.9")));
    json_decref(doc);
    collect_release(&c);
}
END_TEST

/* One sample fewer than ten above the percentile: neither passed nor missed,
 * whatever the value is. */
START_TEST(few_samples_are_no_verdict)
{
    static const struct {
        const char *metric;
        int samples;
        enum verdict_state state;
    } rows[] = {
        {"e2e.p99", 999, VERDICT_UNKNOWN},
        {"e2e.p99", 1000, VERDICT_PASS},
        {"e2e.p99.9", 9999, VERDICT_UNKNOWN},
        {"e2e.p99.9", 10000, VERDICT_PASS},
        {"e2e.p50", 19, VERDICT_UNKNOWN},
        {"e2e.p50", 20, VERDICT_PASS},
        {"e2e.max", 1, VERDICT_PASS},
        {"e2e.max", 0, VERDICT_UNKNOWN},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct threshold t = sample_threshold(rows[i].metric, "<", 100e6, true);
        struct engine_outcome o = {0};
        struct verdicts v;
        struct collect c;

        collect_init(&c);
        for (int n = 0; n < rows[i].samples; n++)
            hist_add(&c.hists[METRIC_E2E], 1000000);
        verdicts_judge(&v, &t, 1, &c);
        ck_assert_int_eq(v.v[0].state, rows[i].state);
        ck_assert_int_eq(result_exit(&o, &v, false),
                         rows[i].state == VERDICT_PASS ? 0 : 4);
        if (strcmp(rows[i].metric, "e2e.p99") == 0 && rows[i].samples == 999)
            ck_assert_str_eq(v.v[0].why, "999 samples; p99 needs 1000");
        collect_release(&c);
    }
}
END_TEST

/* Replace the member at a path of a good document and expect its name in the
 * error. */
static void ck_refused(const char *object, const char *key, json_t *value,
                       const char *said)
{
    struct error err = {0};
    struct collect c;
    struct buf text;
    struct run r;
    json_t *doc, *o;

    sample_collect(&c, 4, 1000000, 1);
    doc = sample_document(&c, NULL);
    o = object != NULL ? json_object_get(doc, object) : doc;
    (void)json_object_set_new(o, key, value);
    buf_init(&text, 1 << 22);
    ck_assert_int_eq(json_write(&text, doc, false), 0);
    ck_assert_int_lt(run_parse(&r, buf_span(&text), &err), 0);
    ck_assert_msg(strstr(err.text, said) != NULL, "%s", err.text);
    json_decref(doc);
    buf_release(&text);
    collect_release(&c);
}

START_TEST(refuses_with_the_name)
{
    json_t *many = json_array();

    for (int i = 0; i < RESULT_POINTS + 1; i++)
        (void)json_array_append_new(many, json_object());
    ck_refused(NULL, "schema", json_string("confab-load/2"), "'schema'");
    ck_refused(NULL, "argv", json_integer(3), "'argv'");
    ck_refused(NULL, "series", json_array(), "'series'");
    ck_refused(NULL, "thresholds", json_true(), "'thresholds'");
    ck_refused(NULL, "capacity", json_pack("{s:o}", "points", many),
               "'capacity.points'");
    ck_refused("outcome", "verdict", json_integer(1), "'outcome.verdict'");
    ck_refused("outcome", "late_share", json_string("x"),
               "'outcome.late_share'");
    ck_refused("series", "conns", json_array(), "'series.conns'");
    ck_refused("series", "at_ms", json_pack("[s]", "x"), "'series.");
    ck_refused("phases", "ramp", json_integer(-1), "'phases.ramp'");
    ck_refused("metrics", "e2e", json_object(), "'metrics.e2e.hist'");
    ck_refused("metrics", "e2e", json_pack("{s:s}", "hist", "AQMB"),
               "'metrics.e2e.hist'");
}
END_TEST

/* Damage anywhere is refused or harmless. */
START_TEST(survives_damage)
{
    struct error err = {0};
    struct collect c;
    struct buf text;
    struct run r;
    struct rng rng;
    json_t *doc;

    rng_init_seeded(&rng, 23);
    sample_collect(&c, 5, 1000000, 1);
    doc = sample_document(&c, NULL);
    buf_init(&text, 1 << 22);
    for (int i = 0; i < 2000; i++) {
        buf_clear(&text);
        ck_assert_int_eq(json_write(&text, doc, false), 0);
        for (int k = 0; k < 3; k++)
            text.data[rng_below(&rng, text.len)] = "0[]{},:\"x"[i % 9];
        if (run_parse(&r, buf_span(&text), &err) == 0)
            run_release(&r);
    }
    json_decref(doc);
    buf_release(&text);
    collect_release(&c);
}
END_TEST

START_TEST(lines_and_tables)
{
    struct threshold t = sample_threshold("lost", "=", 0, false);
    struct error err = {0};
    struct collect c;
    struct verdicts v;
    struct buf text;
    json_t *row;
    int commas[2] = {0};

    sample_collect(&c, 4, 1000000, 1);
    verdicts_judge(&v, &t, 1, &c);
    buf_init(&text, 1 << 20);
    write_jsonl(&text, &c.seconds[3]);
    row = json_parse(buf_span(&text), &err);
    ck_assert_msg(row != NULL, "%s", err.text);
    ck_assert_int_eq(json_integer_value(json_object_get(
                         json_object_get(row, "counts"), "sent")),
                     1000);
    json_decref(row);
    for (int i = 0; i < 2; i++) {
        buf_clear(&text);
        if (i == 0)
            write_csv_head(&text);
        else
            write_csv(&text, &c.seconds[0]);
        for (size_t k = 0; k < text.len; k++)
            commas[i] += text.data[k] == ',';
    }
    ck_assert_int_eq(commas[0], commas[1]);
    buf_clear(&text);
    write_prometheus(&text, &c);
    ck_assert_ptr_nonnull(
        strstr(buf_cstr(&text), "\nconfab_load_sent_total 4000\n"));
    ck_assert_ptr_nonnull(
        strstr(buf_cstr(&text), "bucket{metric=\"e2e\",le=\"+Inf\"} 2000\n"));
    ck_assert_ptr_nonnull(
        strstr(buf_cstr(&text), "bucket{metric=\"e2e\",le=\"0.0005\"} 0\n"));
    buf_release(&text);
    collect_release(&c);
}
END_TEST

START_TEST(what_test_runners_read)
{
    struct threshold t[] = {sample_threshold("lost", "=", 0, false),
                            sample_threshold("acked", "<", 5, false)};
    struct collect c;
    struct verdicts v;
    struct buf text;

    sample_collect(&c, 4, 1000000, 1);
    c.all[COUNT_DUP] = 2;
    verdicts_judge(&v, t, 2, &c);
    buf_init(&text, 1 << 20);
    write_tap(&text, &v, &c);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&text), "TAP version 14\n1..12\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "\nok 1 - lost = 0\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "\nnot ok 2 - acked < 5\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "message: \"acked was 4,000\""));
    ck_assert_ptr_nonnull(strstr(text.data, "no fault: dup\n  ---"));
    buf_clear(&text);
    write_junit(&text, &v, &c, "a<b");
    ck_assert_ptr_nonnull(
        strstr(buf_cstr(&text), "name=\"a&lt;b\" tests=\"12\" failures=\"2\""));
    buf_release(&text);
    collect_release(&c);
}
END_TEST

START_TEST(writes_whole_or_not_at_all)
{
    struct error err = {0};
    char dir[] = "/tmp/result-XXXXXX", path[64];
    struct buf text;
    struct collect c;
    struct run r;
    json_t *doc;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/run.json", dir);
    sample_collect(&c, 4, 1000000, 1);
    doc = sample_document(&c, NULL);
    ck_assert_int_eq(result_write(path, doc, &err), 0);
    ck_assert_int_eq(run_load(&r, path, &err), 0);
    run_release(&r);
    ck_assert_int_eq(result_write("/dev/full/x", doc, &err), -CF_IO);
    ck_assert_int_eq(result_write_text(path, SPAN("[]"), &err), 0);
    ck_assert_int_eq(run_load(&r, path, &err), -CF_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, path));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(dir), 0);
    ck_assert_int_eq(run_load(&r, path, &err), -CF_IO);
    json_decref(doc);
    collect_release(&c);
    buf_init(&text, 100);
    put_escaped(&text, "<a b=\"c\">&'\x01\xff");
    ck_assert_str_eq(buf_cstr(&text), "&lt;a b=&quot;c&quot;&gt;&amp;&#39;"
                                      "\xef\xbf\xbd\xef\xbf\xbd");
    buf_release(&text);
}
END_TEST

/* The link keeps the real device out of harm's way. */
START_TEST(devices_are_written_into)
{
    struct error err = {0};
    char dir[] = "/tmp/result-XXXXXX", path[64], to[32];

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/full", dir);
    ck_assert_int_eq(symlink("/dev/full", path), 0);
    ck_assert_int_eq(result_write_text(path, SPAN("x"), &err), -CF_FULL);
    ck_assert_int_eq(readlink(path, to, sizeof(to)), 9);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(symlink("/dev/null", path), 0);
    ck_assert_int_eq(result_write_text(path, SPAN("x"), &err), 0);
    ck_assert_int_eq(readlink(path, to, sizeof(to)), 9);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(numbers_for_people)
{
    ck_assert_str_eq(show_ns(0), "0");
    ck_assert_str_eq(show_ns(870000), "870 us");
    ck_assert_str_eq(show_ns(2410000), "2.41 ms");
    ck_assert_str_eq(show_ns(12.34e9), "12.3 s");
    ck_assert_str_eq(show_ns(999.7e6), "1.00 s");
    ck_assert_str_eq(show_count(98211), "98,211");
    ck_assert_str_eq(show_count(-1234567), "-1,234,567");
    ck_assert_str_eq(show_rate(19990), "20.0k");
    ck_assert_str_eq(show_rate(318), "318");
    ck_assert_str_eq(show_bytes(412.3e6), "412 MB");
    ck_assert_str_eq(show_time(1700000000123), "2023-11-14 22:13:20 UTC");
}
END_TEST

SUITE("result", rates_are_over_the_time, reasons_in_words,
      reads_back_what_it_wrote, values_by_name, every_comparison,
      exit_codes_by_weight, p999_needs_samples, few_samples_are_no_verdict,
      refuses_with_the_name, survives_damage, lines_and_tables,
      what_test_runners_read, writes_whole_or_not_at_all,
      devices_are_written_into, numbers_for_people)
