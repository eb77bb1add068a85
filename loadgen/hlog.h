/* hlog.h - a log for the tools of HdrHistogram while a run goes on: for each
 * metric one interval a second, of the measured phase and the drain. */
#ifndef LOAD_HLOG_H
#define LOAD_HLOG_H

#include <stdio.h>

#include "collect.h"

struct hlog {
    FILE *to;                  /* NULL: not asked for */
    struct hist last[METRICS]; /* owned: what is written already */
    struct hist now;           /* owned: what came since */
    int64_t from_ms;           /* of the next interval */
    bool begun;
};

/* Write what came since the last call, up to at_ms since the run began at
 * started_ms (of the epoch). 0, or -CF_IO. */
int hlog_second(struct hlog *h, const struct collect *c, enum phase phase,
                int64_t at_ms, int64_t started_ms);
void hlog_close(struct hlog *h);

#endif
