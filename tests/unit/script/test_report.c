#include "script/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "unit/script/suite.h"

#define HOSTILE "\x1b[2J<&>\"'\xff\xc2\x9b\xe2\x80\xae]]>"

static struct buf out;

static const char *said(void)
{
    const char *text = buf_cstr(&out);

    ck_assert_ptr_nonnull(text);
    return text;
}

static void has(const char *text)
{
    ck_assert_msg(strstr(said(), text) != NULL, "'%s' is missing in:\n%s", text,
                  said());
}

static void lacks(const char *text)
{
    ck_assert_msg(strstr(said(), text) == NULL, "'%s' stands in:\n%s", text,
                  said());
}

static void fresh(void)
{
    buf_release(&out);
    buf_init(&out, 1 << 20);
}

static struct test_result failure(const char *message)
{
    return (struct test_result){
        .file = mem_text("tests/offline.confab"),
        .name = mem_text("nothing lost"),
        .line = 5,
        .outcome = OUTCOME_FAIL,
        .ms = 5012,
        .seed = 42,
        .fail_line = 24,
        .message = mem_text(message),
        .expected = mem_text("bob sees message from alice \"queued 7\""),
        .nearest = mem_text("message from alice {\"text\": \"queued 8\"}"),
        .log = mem_text("bob's log   +1.204 link up\nalice's log   +0.1 sent"),
    };
}

/* ---- TAP ---- */

START_TEST(tap_plan_and_points)
{
    struct test_result r = {.file = mem_text("a.confab"),
                            .name = mem_text("pass #1 \\o/")};
    struct test_result skip = {.name = mem_text("later"),
                               .outcome = OUTCOME_SKIP,
                               .reason = mem_text("no media")};

    fresh();
    tap_begin(&out, 14, 2, 42);
    tap_test(&out, 1, &r);
    tap_test(&out, 2, &skip);
    tap_bail(&out, "the server is gone");
    ck_assert_str_eq(said(), "TAP version 14\n1..2\n# seed 42\n"
                             "ok 1 - pass \\#1 \\\\o/\n"
                             "ok 2 - later # SKIP no media\n"
                             "Bail out! the server is gone\n");
    result_release(&r);
    result_release(&skip);
}
END_TEST

START_TEST(tap_failure_with_steps)
{
    struct test_result r = failure("bob did not see: " HOSTILE);

    r.steps = mem_array(2, sizeof(*r.steps));
    r.steps[0] = (struct step_result){mem_text("first"), true, 6};
    r.steps[1] = (struct step_result){mem_text("second"), false, 8};
    r.nsteps = 2;
    fresh();
    tap_test(&out, 3, &r);
    has("# Subtest: nothing lost\n    ok 1 - first\n"
        "    not ok 2 - second\n    1..2\nnot ok 3 - nothing lost\n  ---\n");
    has("  message: \"bob did not see: "
        "\\u001B[2J<&>\\\"'\\uFFFD\\u009B\\u202E]]>\"\n");
    has("  file: \"tests/offline.confab\"\n  line: 24\n");
    has("  expected: \"bob sees message from alice \\\"queued 7\\\"\"\n");
    has("  nearest: \"message from alice {\\\"text\\\": ");
    has("  log:\n    - \"bob's log   +1.204 link up\"\n    - \"alice's");
    has("  seed: 42\n  duration_ms: 5012\n");
    has("\n  ...\n");
    lacks("\x1b");
    result_release(&r);
}
END_TEST

/* ---- JUnit ---- */

START_TEST(junit_counts_and_escapes)
{
    struct test_result bad = failure(HOSTILE);
    struct test_result ok = {.file = mem_text("./e2e/one.confab"),
                             .name = mem_text("<fine>"),
                             .line = 2,
                             .ms = 7};
    struct test_result down = failure("no server");
    const struct test_result *all[] = {&ok, &bad, &down};
    struct report_totals t = {
        .tests = 3, .passed = 1, .failed = 1, .errors = 1, .ms = 61001};

    down.outcome = OUTCOME_ERROR;
    fresh();
    junit_write(&out, all, 3, &t);
    has("<testsuites name=\"confab\" tests=\"3\" failures=\"1\" errors=\"1\" "
        "skipped=\"0\" time=\"61.001\">");
    has("<testsuite name=\"./e2e/one.confab\" tests=\"1\" failures=\"0\"");
    has("<testsuite name=\"tests/offline.confab\" tests=\"2\" failures=\"1\" "
        "errors=\"1\" skipped=\"0\" time=\"10.024\">");
    has("<testcase classname=\"e2e.one\" name=\"&lt;fine&gt;\" "
        "file=\"./e2e/one.confab\" line=\"2\" time=\"0.007\">");
    has("<failure message=\"[2J&lt;&amp;&gt;&quot;'\xef\xbf\xbd");
    has("<error message=\"no server\" type=\"infrastructure\">");
    has("tests/offline.confab:24: no server\n");
    lacks("\x1b");
    lacks("\xff");
    lacks("\xc2\x9b");
    result_release(&ok);
    result_release(&bad);
    result_release(&down);
}
END_TEST

/* ---- JSON Lines ---- */

START_TEST(json_lines_are_ascii)
{
    struct test_result r = failure("\xc3\xa9 " HOSTILE);
    struct report_totals t = {.tests = 1, .failed = 1};
    struct error err = {0};
    json_t *j;
    size_t n;

    fresh();
    jsonl_test(&out, 1, &r);
    n = strcspn(said(), "\n");
    ck_assert_uint_eq(n + 1, out.len);
    for (size_t i = 0; i < n; i++)
        ck_assert(out.data[i] >= 0x20 && (unsigned char)out.data[i] < 0x7f);
    j = json_parse(buf_span(&out), &err);
    ck_assert_ptr_nonnull(j);
    ck_assert_str_eq(json_string_value(json_object_get(j, "outcome")), "fail");
    ck_assert_int_eq(json_integer_value(json_object_get(j, "number")), 1);
    json_decref(j);
    fresh();
    jsonl_begin(&out, 1, 42);
    jsonl_bail(&out, "x\xff");
    jsonl_end(&out, &t);
    has("\"event\":\"plan\"");
    has("{\"v\":1,\"event\":\"bail\",\"reason\":\"x\\uFFFD\"}\n");
    has("\"failed\":1");
    result_release(&r);
}
END_TEST

/* ---- people ---- */

static void harmless(struct buf *b, struct span s)
{
    text_sanitise(b, TEXT_LINE, s, 0, NULL);
}

static void paint(struct buf *b, enum paint p)
{
    buf_printf(b, "{%d", (int)p);
}

static void unpaint(struct buf *b)
{
    buf_append_byte(b, '}');
}

static void nothing(struct buf *b)
{
}

static void no_paint(struct buf *b, enum paint p)
{
}

static const struct report_screen colourful = {harmless, paint, unpaint, 80};
static const struct report_screen sober = {harmless, no_paint, nothing, 60};

START_TEST(people_see_what_differs)
{
    struct test_result r = failure("bob did not see: message (waited 5.000 s)");

    fresh();
    human_test(&out, &sober, &r, false);
    ck_assert_str_eq(
        said(),
        "not ok nothing lost\n"
        "tests/offline.confab:24: bob did not see: message (waited 5.000 s)\n"
        "  nearest: message from alice {\"text\": \"queued 8\"}\n"
        "  bob's log   +1.204 link up\n  alice's log   +0.1 sent\n"
        "  again:  confab run tests/offline.confab --seed 42 --only "
        "\"nothing lost\"\n\n");
    result_add_further(&r, "x.confab", 30, mem_text("and this <\x1b>"));
    fresh();
    human_test(&out, &colourful, &r, false);
    has("queued 8\"}\nx.confab:30: and this <^[>\n  bob's log");
    tap_test(&out, 1, &r);
    has("  further:\n    - \"x.confab:30: and this <\\u001B>\"\n  log:");
    has("{2not ok }{1nothing lost}\n");
    result_release(&r);
}
END_TEST

START_TEST(people_are_safe)
{
    struct test_result r = failure(HOSTILE);
    struct report_totals t = {.tests = 3, .passed = 1, .ms = 1250};
    const char *running[] = {
        "\x1b[2J", "b",
        "a very long name that has no room on this line any more"};

    free(r.name);
    r.name = mem_text(HOSTILE);
    fresh();
    human_test(&out, &sober, &r, false);
    lacks("\x1b");
    lacks("\xc2\x9b");
    fresh();
    human_progress(&out, &sober, &t, running, 3);
    ck_assert_str_eq(said(), "\r\033[K1/3  0 failed  1.2 s  ^[[2J, b");
    fresh();
    human_end(&out, &sober, &t);
    ck_assert_str_eq(said(), "1 passed, 0 failed  in 1.250 s  (seed 0)\n");
    result_release(&r);
}
END_TEST

START_TEST(passes_are_quiet)
{
    struct test_result r = {.name = mem_text("x"), .ms = 3};

    fresh();
    human_test(&out, &sober, &r, false);
    ck_assert_uint_eq(out.len, 0);
    human_test(&out, &sober, &r, true);
    ck_assert_str_eq(said(), "ok     x  (3 ms)\n");
    result_release(&r);
}
END_TEST

START_TEST(again_is_quoted)
{
    struct test_result r = {.file = mem_text("a b$.confab"),
                            .name = mem_text("what? \"it\" `costs` $5"),
                            .seed = 7};

    fresh();
    report_again(&out, &r);
    ck_assert_str_eq(said(), "confab run \"a b\\$.confab\" --seed 7 --only "
                             "\"what\\\\? \\\"it\\\" \\`costs\\` \\$5\"");
    result_release(&r);
    buf_release(&out);
}
END_TEST

SUITE("report", tap_plan_and_points, tap_failure_with_steps,
      junit_counts_and_escapes, json_lines_are_ascii, people_see_what_differs,
      people_are_safe, passes_are_quiet, again_is_quoted)
