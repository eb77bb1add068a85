#include "store/store_gather.h"

#define WORTH 5 /* quarters of a message */
#define MOST 16 /* more counts as this much: a burst says little */

uint64_t gather_until(struct gather *g, uint64_t now)
{
    uint64_t due = g->began + GATHER_NS;

    g->began = now;
    if (now >= due)
        return 0;
    if (g->rest > 0) {
        g->rest--;
        return 0;
    }
    return due;
}

/* The first wait after a rest is judged alone. */
void gather_came(struct gather *g, uint64_t now, int64_t messages)
{
    int64_t quarters = messages < MOST / 4 ? messages * 4 : MOST;

    g->began = now;
    g->gain = g->waited ? (3 * g->gain + quarters + 2) / 4 : quarters;
    g->waited = g->gain >= WORTH;
    g->rest = g->waited ? 0 : GATHER_REST;
}
