#include "script/result.h"

#include <string.h>

#include "base/mem.h"
#include "unit/script/suite.h"

static struct test_result sample(void)
{
    struct test_result r = {
        .file = mem_text("e2e/x.confab"),
        .name = mem_text("one to one"),
        .line = 4,
        .index = 2,
        .outcome = OUTCOME_FAIL,
        .ms = 1234,
        .seed = 42,
        .fail_file = mem_text("e2e/y.confab"),
        .fail_line = 9,
        .message = mem_text("bob did not see: message"),
        .log = mem_text("bob's log   +0.001 link up\nalice's log"),
        .exit_code = 0,
        .nsteps = 1,
        .nnotes = 1,
    };

    r.steps = mem_array(1, sizeof(*r.steps));
    r.steps[0] =
        (struct step_result){.name = mem_text("a"), .passed = true, .line = 7};
    r.notes = mem_array(1, sizeof(*r.notes));
    r.notes[0] = mem_text("hello");
    result_add_further(&r, "z", 12, mem_text("and then"));
    r.events = json_array();
    json_array_append_new(r.events, json_string("e"));
    return r;
}

START_TEST(travels)
{
    struct test_result r = sample(), back;
    struct error err = {0};
    json_t *j = result_to_json(&r);

    ck_assert_int_eq(result_from_json(&back, j, &err), 0);
    json_decref(j);
    ck_assert_str_eq(back.file, r.file);
    ck_assert_str_eq(back.name, r.name);
    ck_assert_int_eq(back.line, 4);
    ck_assert_int_eq(back.index, 2);
    ck_assert_int_eq(back.outcome, OUTCOME_FAIL);
    ck_assert_int_eq(back.ms, 1234);
    ck_assert_uint_eq(back.seed, 42);
    ck_assert_str_eq(back.fail_file, "e2e/y.confab");
    ck_assert_int_eq(back.fail_line, 9);
    ck_assert_str_eq(back.message, r.message);
    ck_assert_ptr_null(back.nearest);
    ck_assert_str_eq(back.log, r.log);
    ck_assert_int_eq(back.nfurther, 1);
    ck_assert_str_eq(back.further[0].message, "and then");
    ck_assert_int_eq(back.further[0].line, 12);
    ck_assert_int_eq(back.nsteps, 1);
    ck_assert(back.steps[0].passed && back.steps[0].line == 7);
    ck_assert_str_eq(back.notes[0], "hello");
    ck_assert_uint_eq(json_array_size(back.events), 1);
    result_release(&r);
    result_release(&back);
    result_release(&back);
}
END_TEST

START_TEST(repairs_what_peers_sent)
{
    struct test_result r = {.log = mem_text("a\xff\xc3(\x1b[2J")}, back;
    struct error err = {0};
    json_t *j = result_to_json(&r);

    ck_assert_int_eq(result_from_json(&back, j, &err), 0);
    ck_assert_str_eq(back.log, "a\xef\xbf\xbd\xef\xbf\xbd(\x1b[2J");
    json_decref(j);
    result_release(&r);
    result_release(&back);
}
END_TEST

START_TEST(cuts_what_is_long)
{
    struct test_result r = {.log = mem_alloc(1 << 20)}, back;
    struct error err = {0};
    json_t *j;

    memset(r.log, 'x', (1 << 20) - 1);
    j = result_to_json(&r);
    ck_assert_int_eq(result_from_json(&back, j, &err), 0);
    ck_assert_uint_eq(strlen(back.log), 64 * 1024);
    json_decref(j);
    result_release(&r);
    result_release(&back);
}
END_TEST

static void refuse(const char *text)
{
    struct test_result r;
    struct error err = {0};
    json_t *j = json_parse(span_of(text), &err);

    ck_assert_msg(j != NULL, "%s: %s", text, err.text);
    ck_assert_int_lt(result_from_json(&r, j, &err), 0);
    ck_assert_ptr_null(r.file);
    json_decref(j);
}

START_TEST(refuses_nonsense)
{
    refuse("[]");
    refuse("{}");
    refuse("{\"outcome\":\"great\"}");
    refuse("{\"outcome\":\"pass\",\"ms\":-1}");
    refuse("{\"outcome\":\"pass\",\"file\":7}");
    refuse(
        "{\"outcome\":\"pass\",\"file\":\"a\",\"steps\":[{\"line\":\"x\"}]}");
    refuse("{\"outcome\":\"pass\",\"notes\":[1]}");
    refuse("{\"outcome\":\"pass\",\"further\":[{\"file\":\"x\"}]}");
}
END_TEST

SUITE("result", travels, repairs_what_peers_sent, cuts_what_is_long,
      refuses_nonsense)
