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
    char *log;      /* each actor's log, a line each */
    char *reason;   /* of a skip */
    struct step_result *steps;
    int nsteps;
    char **notes;
    int nnotes;
    json_t *events; /* array of {actor, at_ms, kind, ...}: the timeline */
    int exit_code;  /* for errors: 69, 70 or 75 */
};

void result_release(struct test_result *r);
json_t *result_to_json(const struct test_result *r); /* new reference */
int result_from_json(struct test_result *r, const json_t *j, struct error *err);

#endif
