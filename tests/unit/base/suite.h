/* suite.h - the main() of a test program: one suite, one case, a list of
 * tests. `SUITE("buf", grows, refuses)`. */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include <check.h>
#include <stddef.h>
#include <stdlib.h>

static inline int suite_run(const char *name, const TTest *const *tests,
                            size_t n)
{
    Suite *suite = suite_create(name);
    TCase *tests_case = tcase_create(name);
    SRunner *runner;
    int failed;

    tcase_set_timeout(tests_case, 120);
    for (size_t i = 0; i < n; i++)
        tcase_add_test(tests_case, tests[i]);
    suite_add_tcase(suite, tests_case);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define SUITE(name, ...)                                                 \
    int main(void)                                                       \
    {                                                                    \
        const TTest *const tests[] = {__VA_ARGS__};                      \
        return suite_run(name, tests, sizeof(tests) / sizeof(tests[0])); \
    }

#endif
