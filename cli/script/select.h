/* select.h - which tests run, and in which order. */
#ifndef SCRIPT_SELECT_H
#define SCRIPT_SELECT_H

#include "ast.h"
#include "base/error.h"

#define SELECT_MAX_FILES 100000

/* ---- operands become files ---- */

struct pick {
    char *path;
    int line; /* the test that holds this line; 0: every test */
};

struct picks {
    struct pick *items;
    int count;
};

/* FILE, FILE:LINE, or a directory: every *.confab below it, sorted, what is
 * hidden left out. A file named twice is taken once. Release also after an
 * error: -CF_NOT_FOUND (no such file, or none in the directory), -CF_TOO_BIG,
 * -CF_IO. */
int picks_find(struct picks *out, const char *const *operands, int count,
               struct error *err);
void picks_release(struct picks *p);

/* ---- files become a plan ---- */

struct selection {
    const char *const *only; /* patterns of fnmatch(3) for names, any fits */
    int nonly;
    const char *const *only_tags, *const *skip_tags; /* "a" or "a,b" each */
    int nonly_tags, nskip_tags;
    int until_line; /* tests that begin at this line or later stay out */
};

struct planned {
    const struct script *script;
    const struct test *test;
    int number; /* from 1 among all tests of all files, selected or not */
    const struct stmt *needs_own; /* why it cannot share a server, or NULL */
};

struct plan {
    struct planned *tests;
    int count;
    int seen; /* tests looked at */
};

/* Add what fits of a script; line as in struct pick. How many were added. The
 * script must outlive the plan. */
int plan_add(struct plan *p, const struct script *s, int line,
             const struct selection *sel);
/* Another order, the same for the same seed and tests. */
void plan_shuffle(struct plan *p, uint64_t seed);
void plan_release(struct plan *p);

/* The first statement that stops, starts or kills the server, looks into its
 * store or moves its clock; NULL: there is none. */
const struct stmt *needs_own_server(const struct stmt *first);

#endif
