/* live.h - what a person sees while a run goes on, and when it is over. */
#ifndef LOAD_LIVE_H
#define LOAD_LIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "result.h"

/* The line of each second. On a terminal one line is written over and over,
 * cut to its width at a border between two parts; anywhere else each second
 * has a line of its own. */
struct live {
    FILE *out;
    bool tty, colour;
    int64_t target; /* connections wanted */
    int64_t last_ms, last_conns;
    uint64_t lost, dup;   /* so far */
    uint64_t sent, acked; /* in rows too short to be shown */
    bool open;            /* the cursor stands behind a line */
};

/* out is borrowed, usually stderr. Colour: on a terminal, unless NO_COLOR is
 * set (https://no-color.org) or TERM is dumb. */
void live_init(struct live *l, FILE *out, int64_t target);
/* A row too short to tell a rate is told with the next one. note: a few words
 * put at the end ("generator late"), or NULL. */
void live_second(struct live *l, const struct second *row, const char *note);
/* End the line, so that other text may follow. */
void live_end(struct live *l);
/* The line without its end, at most width columns; counts row into l. */
void live_line(struct buf *out, struct live *l, const struct second *row,
               const char *note, int width);

/* What a run says at its end, 80 columns: percentiles, rates, the equation of
 * accounting, thresholds, and the verdict. colour: mark it with SGR. */
void live_summary(struct buf *out, const struct result_input *in,
                  const char *name, bool colour);
/* Whether text on this stream may have colours. */
bool live_colour(FILE *out);

#endif
