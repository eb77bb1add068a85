#include "capacity_search.h"

#include <math.h>
#include <string.h>

#define MOST_STEPS 60

void search_init(struct search *s, double from, double most, bool whole,
                 bool quick)
{
    memset(s, 0, sizeof(*s));
    s->from = from;
    s->most = most;
    s->near = 1.05;
    s->whole = whole;
    s->quick = quick;
}

static double rounded(const struct search *s, double x)
{
    return s->whole ? floor(x + 0.5) : x;
}

/* Nothing lies between any more. */
static bool near_enough(const struct search *s)
{
    return s->high / s->low <= s->near || (s->whole && s->high - s->low <= 1);
}

static void choose(struct search *s, double x, enum search_kind kind)
{
    s->x = rounded(s, x);
    s->kind = kind;
}

/* The step after the bounds are near: the winner first, then the failing
 * point until it failed or passed twice. */
static void verify(struct search *s)
{
    if (!s->winner_held)
        choose(s, s->low, SEARCH_WINNER);
    else if (!s->quick && s->high > 0 && s->high_fails < 2)
        choose(s, s->high, SEARCH_FAILED);
    else
        s->done = true;
}

static void decide(struct search *s)
{
    if (s->low == 0 && s->high == 0) {
        choose(s, s->from, SEARCH_STEP);
    } else if (s->low == 0) {
        choose(s, s->high / 2, SEARCH_STEP);
        s->done = s->x < s->from / 1000 || s->x >= s->high;
    } else if (s->high == 0 && s->low < s->most) {
        choose(s, fmin(s->low * 2, s->most), SEARCH_STEP);
    } else if (s->high == 0 || near_enough(s)) {
        verify(s);
    } else {
        choose(s, sqrt(s->low * s->high), SEARCH_STEP);
    }
}

bool search_next(struct search *s, double *x, enum search_kind *kind)
{
    if (!s->done)
        decide(s);
    if (s->steps++ >= MOST_STEPS)
        s->done = true;
    *x = s->x;
    *kind = s->kind;
    return !s->done;
}

static void found_high(struct search *s)
{
    s->high = s->x;
    s->high_fails = 1;
    s->high_passes = 0;
    /* What passed at or above it was luck. */
    if (s->low >= s->high)
        s->low = 0;
    s->winner_held = false;
}

static void tell_failed(struct search *s, bool passed)
{
    s->high_passes += passed;
    s->high_fails += !passed;
    if (s->high_passes < 2)
        return;
    /* Two of three passed: the failure was bad luck, go on above it. */
    s->low = s->high;
    s->high = 0;
    s->winner_held = false;
}

void search_tell(struct search *s, bool passed)
{
    if (s->kind == SEARCH_FAILED) {
        tell_failed(s, passed);
    } else if (!passed) {
        found_high(s);
    } else if (s->kind == SEARCH_WINNER) {
        s->winner_held = true;
    } else {
        s->low = s->x;
        s->winner_held = false;
    }
}

double search_best(const struct search *s)
{
    return s->low;
}
