/* capacity_search.h - which value to try next, so that the largest one that
 * passes is found in few steps and is not a matter of luck: double until one
 * fails, bisect (in ratio) until the two are near, then hold the winner for
 * longer. A failure that a moment of bad luck explains is asked again at once.
 * Knows nothing of time. */
#ifndef LOAD_CAPACITY_SEARCH_H
#define LOAD_CAPACITY_SEARCH_H

#include <stdbool.h>

enum search_kind {
    SEARCH_STEP,   /* an ordinary try */
    SEARCH_WINNER, /* the winner again, three times as long */
    SEARCH_AGAIN   /* what just failed: 2 of 3 decide, when quick 1 of 2 */
};

enum search_said {
    SAID_EASY, /* passed, and was far from failing */
    SAID_PASS,
    SAID_FAIL,    /* may have been luck */
    SAID_HOPELESS /* no luck makes this pass */
};

struct search {
    double from, most, near; /* near: 1.05 ends the bisection */
    bool whole;              /* only whole numbers */
    bool quick;              /* larger strides, fewer questions */
    double x;                /* under trial */
    enum search_kind kind;
    double low, high;         /* passed and failed; 0: none yet */
    double below;             /* what passed before low */
    int steps, fails, passes; /* the latter two at x */
    bool easy, again, winner_held, done;
};

/* Start at from (> 0), never above most, down to from / 1000 when from
 * fails. */
void search_init(struct search *s, double from, double most, bool whole,
                 bool quick);
/* The next value and what it is for; false: done, see search_best(). */
bool search_next(struct search *s, double *x, enum search_kind *kind);
/* How that trial went. */
void search_tell(struct search *s, enum search_said said);
/* The largest value that passed and held; 0: none did. */
double search_best(const struct search *s);

#endif
