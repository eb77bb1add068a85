/* run.h - plays one test: strands of statements over actors, on one loop. */
#ifndef SCRIPT_RUN_H
#define SCRIPT_RUN_H

#include "ast.h"
#include "fixture.h"
#include "result.h"

struct run_config {
    struct fixture *fixture;
    uint64_t seed;
    const char *prefix;   /* makes account names unique: "<seed>-<n>" */
    const char *dir;      /* scratch for archives; made and removed by caller */
    int64_t limit_ms;     /* of the whole test: OUTCOME_ERROR beyond it */
    double timeout_scale; /* of every patience; 1 */
    bool keep_going;      /* go on after an expectation that failed */
    bool no_slo;          /* `within` is not held */
    int until_line;       /* stop the test before this line; 0: whole */
    void (*progress)(void *ctx, int line); /* NULL, or at each statement */
    void *ctx;
};

/* Run t of s. Fills *out (caller releases); never fails otherwise. */
void script_run_test(const struct script *s, const struct test *t,
                     const struct run_config *cfg, struct test_result *out);

#endif
