/* result.h - what became of a test, for every kind of report. Plain data,
 * travels as JSON from the process that ran the test to the one that
 * reports. */
#ifndef SCRIPT_RESULT_H
#define SCRIPT_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

enum outcome {
    OUTCOME_PASS,
    OUTCOME_FAIL,  /* an expectation */
    OUTCOME_ERROR, /* infrastructure: server gone, no account, timeout of all */
    OUTCOME_SKIP
};

struct step_result {
    char *name;
    bool passed;
    int line;
};

struct further { /* a failure after the first (--keep-going) */
    char *file, *message;
    int line;
};

#define RESULT_MAX_FURTHER 100 /* more are not told */

struct test_result {
    char *file, *name;
    int line, index;
    enum outcome outcome;
    int64_t ms; /* how long it took */
    uint64_t seed;
    /* of a failure or error; each NULL or text without a trailing newline */
    char *fail_file;
    int fail_line;
    char *message;  /* "bob did not see: message ... (waited 5.000 s)" */
    char *expected; /* the statement */
    char *nearest;  /* "message from alice {...}  text: "a" -> "b"" */
    struct further *further;
    int nfurther;
    char *log;    /* each actor's log, a line each */
    char *reason; /* of a skip */
    struct step_result *steps;
    int nsteps;
    char **notes;
    int nnotes;
    json_t *events; /* array of {actor, at_ms, kind, ...}: the timeline */
    int exit_code;  /* for errors: 69, 70 or 75 */
};

const char *outcome_name(enum outcome o); /* pass fail error skip */

/* Free what r holds and zero it; twice is fine. */
void result_release(struct test_result *r);

/* Add a further failure; takes message. */
void result_add_further(struct test_result *r, const char *file, int line,
                        char *message);

/* A new reference. Texts are cut at 64 KiB, what is not UTF-8 in them becomes
 * U+FFFD; more than 10,000 steps or 1,000 notes are left out. */
json_t *result_to_json(const struct test_result *r);

/* Fill *r from what result_to_json() made; the caller releases it. The events
 * are shared, not copied. -CF_INVALID or -CF_TOO_BIG: then *r is empty. */
int result_from_json(struct test_result *r, const json_t *j, struct error *err);

#endif
