#include <inttypes.h>

#include "report.h"

/* ASCII alone: a terminal may be at the other end. */
static void put(struct buf *out, json_t *o)
{
    json_write(out, o, true);
    buf_append_byte(out, '\n');
    json_decref(o);
}

static json_t *line(const char *event)
{
    json_t *o = json_object();

    json_object_set_new(o, "v", json_integer(1));
    json_object_set_new(o, "event", json_string(event));
    return o;
}

static void member(json_t *o, const char *key, int64_t value)
{
    json_object_set_new(o, key, json_integer(value));
}

void jsonl_begin(struct buf *out, int tests, uint64_t seed)
{
    json_t *o = line("plan");

    member(o, "tests", tests);
    member(o, "seed", (int64_t)seed);
    put(out, o);
}

void jsonl_test(struct buf *out, int number, const struct test_result *r)
{
    json_t *o = line("test");
    json_t *members = result_to_json(r);

    member(o, "number", number);
    json_object_update(o, members);
    json_decref(members);
    put(out, o);
}

void jsonl_bail(struct buf *out, const char *why)
{
    struct test_result r = {.reason = (char *)(uintptr_t)why};
    json_t *o = line("bail");
    json_t *members = result_to_json(&r); /* for its care with UTF-8 */

    json_object_set(o, "reason", json_object_get(members, "reason"));
    json_decref(members);
    put(out, o);
}

void jsonl_end(struct buf *out, const struct report_totals *t)
{
    json_t *o = line("end");

    member(o, "tests", t->tests);
    member(o, "passed", t->passed);
    member(o, "failed", t->failed);
    member(o, "errors", t->errors);
    member(o, "skipped", t->skipped);
    member(o, "ms", t->ms);
    member(o, "seed", (int64_t)t->seed);
    put(out, o);
}
