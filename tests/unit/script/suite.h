/* suite.h - as of base, where results of scripts are known too: check has a
 * tag of the same name. */
#ifndef TESTS_SCRIPT_SUITE_H
#define TESTS_SCRIPT_SUITE_H

#define test_result check_result
#include "unit/base/suite.h"
#undef test_result

#endif
