/* capacity_search.h - which value to try next, so that the largest one that
 * passes is found in few steps and is not a matter of luck: double until one
 * fails, bisect (in ratio) until the two are near, then hold the winner for
 * longer and ask the first failing point again. Knows nothing of time. */
#ifndef LOAD_CAPACITY_SEARCH_H
#define LOAD_CAPACITY_SEARCH_H

#include <stdbool.h>

enum search_kind {
    SEARCH_STEP,   /* an ordinary try */
    SEARCH_WINNER, /* the winner again, three times as long */
    SEARCH_FAILED  /* the first failing point again: 2 of 3 decide */
};

struct search {
    double from, most, near; /* near: 1.05 ends the bisection */
    bool whole;              /* only whole numbers */
    bool quick;              /* the failing point is not asked again */
    double x;                /* under trial */
    enum search_kind kind;
    double low, high; /* passed and failed; 0: none yet */
    int steps, high_fails, high_passes;
    bool winner_held, done;
};

/* Start at from (> 0), never above most, down to from / 1000 when from
 * fails. */
void search_init(struct search *s, double from, double most, bool whole,
                 bool quick);
/* The next value and what it is for; false: done, see search_best(). */
bool search_next(struct search *s, double *x, enum search_kind *kind);
/* How that trial went. */
void search_tell(struct search *s, bool passed);
/* The largest value that passed and held; 0: none did. */
double search_best(const struct search *s);

#endif
