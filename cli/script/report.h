/* report.h - results in words: for people, for TAP readers (TAP 14), for CI
 * systems (JUnit XML) and for programs (JSON Lines). Each function appends to
 * a buffer; the caller writes it. Results hold what peers sent: every writer
 * makes that harmless in its own way. */
#ifndef SCRIPT_REPORT_H
#define SCRIPT_REPORT_H

#include "base/buf.h"
#include "result.h"

struct report_totals {
    int tests; /* planned */
    int passed, failed, errors, skipped;
    int64_t ms;
    uint64_t seed;
};

/* Count r in. */
void report_count(struct report_totals *t, const struct test_result *r);

/* The command that runs a test again, quoted for a shell:
 * confab run FILE --seed N --only "NAME". */
void report_again(struct buf *out, const struct test_result *r);

/* ---- TAP 14, https://testanything.org/tap-version-14-specification.html */

/* version: 14, or 13 for harnesses that refuse a newer one (perl's prove);
 * nothing else differs, subtests are indented text to them. */
void tap_begin(struct buf *out, int version, int tests, uint64_t seed);
/* number: from 1, in the order of printing. Steps are a subtest, details a
 * YAML block. */
void tap_test(struct buf *out, int number, const struct test_result *r);
void tap_bail(struct buf *out, const char *why);
/* s as a double-quoted scalar of YAML 1.2: what could move a terminal, and
 * everything that YAML does not take as it is, becomes an escape. */
void tap_yaml_text(struct buf *out, struct span s);

/* ---- JUnit XML, as Jenkins, GitHub and GitLab read it */

/* The whole document; results[i] in the order of files. Attributes and texts
 * are escaped, characters that XML 1.0 does not know are left out. */
void junit_write(struct buf *out, const struct test_result *const *results,
                 int count, const struct report_totals *totals);
void junit_text(struct buf *out, struct span s);

/* ---- JSON Lines: {"v":1,"event":"plan|test|end|bail",...}, all ASCII */

void jsonl_begin(struct buf *out, int tests, uint64_t seed);
void jsonl_test(struct buf *out, int number, const struct test_result *r);
void jsonl_bail(struct buf *out, const char *why);
void jsonl_end(struct buf *out, const struct report_totals *t);

/* ---- people ---- */

enum paint { PAINT_DIM, PAINT_BOLD, PAINT_RED, PAINT_GREEN, PAINT_YELLOW };

/* How to reach the terminal. Everything that is not a literal of ours goes
 * through untrusted, one line at a time. */
struct report_screen {
    void (*untrusted)(struct buf *out, struct span s);
    void (*paint)(struct buf *out, enum paint p);
    void (*plain)(struct buf *out);
    int columns;
};

/* A failure, error or skip in full, nothing for a test that passed unless
 * verbose. */
void human_test(struct buf *out, const struct report_screen *s,
                const struct test_result *r, bool verbose);
/* The line that is written over again: counts, time, who is running. */
void human_progress(struct buf *out, const struct report_screen *s,
                    const struct report_totals *t, const char *const *running,
                    int count);
void human_end(struct buf *out, const struct report_screen *s,
               const struct report_totals *t);

#endif
