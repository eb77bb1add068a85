/* report_redact.h - secrets of a script stay out of everything it says. */
#ifndef SCRIPT_REPORT_REDACT_H
#define SCRIPT_REPORT_REDACT_H

#include "ast.h"
#include "result.h"

/* Put "***" for the value of each of the script's secrets (CONFAB_SECRET_NAME)
 * wherever it stands in r, as it is or as JSON writes it. Empty values are no
 * secrets. */
void report_redact(struct test_result *r, const struct script *s);

#endif
