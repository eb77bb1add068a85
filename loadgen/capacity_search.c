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
    s->fails = s->passes = 0;
}

/* When the bounds are near: hold the winner, and that is all. */
static void verify(struct search *s)
{
    if (!s->winner_held)
        choose(s, s->low, SEARCH_WINNER);
    else
        s->done = true;
}

static double stride(const struct search *s)
{
    return s->quick && s->easy ? 4 : 2;
}

static void decide(struct search *s)
{
    if (s->low == 0 && s->high == 0) {
        choose(s, s->from, SEARCH_STEP);
    } else if (s->low == 0) {
        choose(s, s->high / 2, SEARCH_STEP);
        s->done = s->x < s->from / 1000 || s->x >= s->high;
    } else if (s->high == 0 && s->low < s->most) {
        choose(s, fmin(s->low * stride(s), s->most), SEARCH_STEP);
    } else if (s->high == 0 || near_enough(s)) {
        verify(s);
    } else {
        choose(s, sqrt(s->low * s->high), SEARCH_STEP);
    }
}

bool search_next(struct search *s, double *x, enum search_kind *kind)
{
    if (s->again)
        s->kind = SEARCH_AGAIN;
    else if (!s->done)
        decide(s);
    s->again = false;
    if (s->steps++ >= MOST_STEPS)
        s->done = true;
    *x = s->x;
    *kind = s->kind;
    return !s->done;
}

static void failed(struct search *s)
{
    s->high = s->x;
    s->winner_held = false;
    if (s->low < s->high)
        return;
    s->low = s->below < s->high ? s->below : 0; /* what passed was luck */
    s->below = 0;
}

static void passed(struct search *s, bool easy)
{
    s->easy = easy;
    /* The winner is always the low bound. */
    s->winner_held = s->x == s->low;
    if (s->winner_held)
        return;
    s->below = s->low;
    s->low = s->x;
}

void search_tell(struct search *s, enum search_said said)
{
    bool pass = said == SAID_PASS || said == SAID_EASY;

    s->passes += pass;
    s->fails += !pass;
    if (said == SAID_HOPELESS || s->fails >= 2)
        failed(s);
    else if (!pass || (s->fails > 0 && s->passes < 2 && !s->quick))
        s->again = true;
    else
        passed(s, said == SAID_EASY);
}

double search_best(const struct search *s)
{
    return s->low;
}
