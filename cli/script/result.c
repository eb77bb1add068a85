#include "result.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#define TEXT_MAX (64 * 1024) /* of one member; longer ones are cut */
#define STEPS_MAX 10000
#define NOTES_MAX 1000

static const char *const words[] = {
    [OUTCOME_PASS] = "pass",
    [OUTCOME_FAIL] = "fail",
    [OUTCOME_ERROR] = "error",
    [OUTCOME_SKIP] = "skip",
};

const char *outcome_name(enum outcome o)
{
    return words[o];
}

void result_release(struct test_result *r)
{
    free(r->file);
    free(r->name);
    free(r->fail_file);
    free(r->message);
    free(r->expected);
    free(r->nearest);
    free(r->log);
    free(r->reason);
    for (int i = 0; i < r->nsteps; i++)
        free(r->steps[i].name);
    free(r->steps);
    for (int i = 0; i < r->nfurther; i++) {
        free(r->further[i].file);
        free(r->further[i].message);
    }
    free(r->further);
    for (int i = 0; i < r->nnotes; i++)
        free(r->notes[i]);
    free(r->notes);
    json_decref(r->events);
    *r = (struct test_result){0};
}

void result_add_further(struct test_result *r, const char *file, int line,
                        char *message)
{
    if (r->nfurther >= RESULT_MAX_FURTHER) {
        free(message);
        return;
    }
    r->further =
        mem_grow(r->further, (size_t)r->nfurther + 1, sizeof(*r->further));
    r->further[r->nfurther++] = (struct further){
        .file = mem_text(file), .line = line, .message = message};
}

/* ---- to JSON ---- */

/* jansson takes nothing but UTF-8, and a log may hold what a peer sent. */
static json_t *repaired(struct span s)
{
    struct buf b;
    json_t *j;
    size_t at = 0;

    buf_init(&b, 4 * TEXT_MAX);
    while (at < s.n) {
        size_t from = at;

        if (text_next(s, &at) < 0)
            buf_append_text(&b, "\xef\xbf\xbd");
        else
            buf_append(&b, s.p + from, at - from);
    }
    j = json_stringn(b.data != NULL ? b.data : "", b.len);
    buf_release(&b);
    return j;
}

static json_t *text_json(const char *text)
{
    struct span s = span_of(text);

    if (s.n > TEXT_MAX)
        s.n = TEXT_MAX;
    return text_is_utf8(s) ? json_stringn(s.p, s.n) : repaired(s);
}

static void put_text(json_t *o, const char *key, const char *text)
{
    if (text != NULL)
        json_object_set_new(o, key, text_json(text));
}

static void put_int(json_t *o, const char *key, int64_t value)
{
    json_object_set_new(o, key, json_integer(value));
}

static json_t *steps_json(const struct test_result *r)
{
    json_t *all = json_array();

    for (int i = 0; i < r->nsteps && i < STEPS_MAX; i++) {
        json_t *o = json_object();

        put_text(o, "name", r->steps[i].name);
        json_object_set_new(o, "passed", json_boolean(r->steps[i].passed));
        put_int(o, "line", r->steps[i].line);
        json_array_append_new(all, o);
    }
    return all;
}

static json_t *further_json(const struct test_result *r)
{
    json_t *all = json_array();

    for (int i = 0; i < r->nfurther; i++) {
        json_t *o = json_object();

        put_text(o, "file", r->further[i].file);
        put_int(o, "line", r->further[i].line);
        put_text(o, "message", r->further[i].message);
        json_array_append_new(all, o);
    }
    return all;
}

static json_t *notes_json(const struct test_result *r)
{
    json_t *all = json_array();

    for (int i = 0; i < r->nnotes && i < NOTES_MAX; i++)
        json_array_append_new(all, text_json(r->notes[i]));
    return all;
}

json_t *result_to_json(const struct test_result *r)
{
    json_t *o = json_object();

    put_text(o, "file", r->file);
    put_int(o, "line", r->line);
    put_text(o, "name", r->name);
    put_int(o, "index", r->index);
    put_text(o, "outcome", words[r->outcome]);
    put_int(o, "ms", r->ms);
    put_int(o, "seed", (int64_t)r->seed);
    put_text(o, "fail_file", r->fail_file);
    if (r->fail_line > 0)
        put_int(o, "fail_line", r->fail_line);
    put_text(o, "message", r->message);
    put_text(o, "expected", r->expected);
    put_text(o, "nearest", r->nearest);
    put_text(o, "log", r->log);
    put_text(o, "reason", r->reason);
    if (r->exit_code != 0)
        put_int(o, "exit_code", r->exit_code);
    if (r->nsteps > 0)
        json_object_set_new(o, "steps", steps_json(r));
    if (r->nfurther > 0)
        json_object_set_new(o, "further", further_json(r));
    if (r->nnotes > 0)
        json_object_set_new(o, "notes", notes_json(r));
    if (r->events != NULL)
        json_object_set(o, "events", r->events);
    return o;
}

/* ---- from JSON ---- */

static int take_text(char **out, const json_t *o, const char *key,
                     struct error *err)
{
    const char *text = NULL;
    int rc = json_want_text(o, key, &text, err);

    if (text != NULL)
        *out = mem_text_n(text, strnlen(text, TEXT_MAX));
    return rc;
}

static int take_int(int *out, const json_t *o, const char *key,
                    struct error *err)
{
    int64_t value = *out;
    int rc = json_want_int(o, key, 0, INT32_MAX, &value, err);

    *out = (int)value;
    return rc;
}

static int take_outcome(struct test_result *r, const json_t *o,
                        struct error *err)
{
    const char *word = NULL;
    int rc = json_need_text(o, "outcome", &word, err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strcmp(word, words[i]) == 0) {
            r->outcome = (enum outcome)i;
            return 0;
        }
    }
    return error_set(err, CF_INVALID, "no outcome is called like this");
}

static int take_steps(struct test_result *r, const json_t *all,
                      struct error *err)
{
    size_t n = json_array_size(all);
    int rc = 0;

    if (n > STEPS_MAX)
        return error_set(err, CF_TOO_BIG, "more than %d steps", STEPS_MAX);
    r->steps = mem_array(n + 1, sizeof(*r->steps));
    for (size_t i = 0; i < n && rc == 0; i++) {
        const json_t *o = json_array_get(all, i);
        struct step_result *step = &r->steps[r->nsteps++];

        rc = take_text(&step->name, o, "name", err);
        if (rc == 0)
            rc = json_want_bool(o, "passed", &step->passed, err);
        if (rc == 0)
            rc = take_int(&step->line, o, "line", err);
        if (step->name == NULL)
            step->name = mem_text("");
    }
    return rc;
}

static int take_further(struct test_result *r, const json_t *all,
                        struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < json_array_size(all) && rc == 0; i++) {
        const json_t *o = json_array_get(all, i);
        const char *file = NULL, *message = NULL;
        int line = 0;

        rc = json_need_text(o, "file", &file, err);
        if (rc == 0)
            rc = json_need_text(o, "message", &message, err);
        if (rc == 0)
            rc = take_int(&line, o, "line", err);
        if (rc == 0)
            result_add_further(r, file, line,
                               mem_text_n(message, strnlen(message, TEXT_MAX)));
    }
    return rc;
}

static int take_notes(struct test_result *r, const json_t *all,
                      struct error *err)
{
    size_t n = json_array_size(all);

    if (n > NOTES_MAX)
        return error_set(err, CF_TOO_BIG, "more than %d notes", NOTES_MAX);
    r->notes = mem_array(n + 1, sizeof(*r->notes));
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(all, i));

        if (text == NULL)
            return error_set(err, CF_INVALID, "a note is no text");
        r->notes[r->nnotes++] = mem_text_n(text, strnlen(text, TEXT_MAX));
    }
    return 0;
}

static int take_texts(struct test_result *r, const json_t *o, struct error *err)
{
    const struct {
        const char *key;
        char **out;
    } texts[] = {
        {"file", &r->file},
        {"name", &r->name},
        {"fail_file", &r->fail_file},
        {"message", &r->message},
        {"expected", &r->expected},
        {"nearest", &r->nearest},
        {"log", &r->log},
        {"reason", &r->reason},
    };
    int rc = 0;

    for (size_t i = 0; i < COUNT_OF(texts) && rc == 0; i++)
        rc = take_text(texts[i].out, o, texts[i].key, err);
    return rc;
}

static int take_numbers(struct test_result *r, const json_t *o,
                        struct error *err)
{
    int64_t seed = 0;
    int rc = take_int(&r->line, o, "line", err);

    if (rc == 0)
        rc = take_int(&r->index, o, "index", err);
    if (rc == 0)
        rc = take_int(&r->fail_line, o, "fail_line", err);
    if (rc == 0)
        rc = take_int(&r->exit_code, o, "exit_code", err);
    if (rc == 0)
        rc = json_want_int(o, "ms", 0, INT64_MAX, &r->ms, err);
    if (rc == 0)
        rc = json_want_int(o, "seed", INT64_MIN, INT64_MAX, &seed, err);
    r->seed = (uint64_t)seed;
    return rc;
}

int result_from_json(struct test_result *r, const json_t *j, struct error *err)
{
    json_t *events;
    int rc;

    *r = (struct test_result){0};
    if (!json_is_object(j))
        return error_set(err, CF_INVALID, "a result is an object");
    rc = take_outcome(r, j, err);
    if (rc == 0)
        rc = take_texts(r, j, err);
    if (rc == 0)
        rc = take_numbers(r, j, err);
    if (rc == 0)
        rc = take_steps(r, json_object_get(j, "steps"), err);
    if (rc == 0)
        rc = take_further(r, json_object_get(j, "further"), err);
    if (rc == 0)
        rc = take_notes(r, json_object_get(j, "notes"), err);
    events = json_object_get(j, "events");
    if (rc == 0 && json_is_array(events))
        r->events = json_incref(events);
    if (rc < 0)
        result_release(r);
    return rc;
}
