/* tui.h - a run on a whole screen, plain ANSI: curve of p99, bar of
 * connections, table of metrics; and the keys that steer it. */
#ifndef LOAD_TUI_H
#define LOAD_TUI_H

#include <stdbool.h>

#include "result.h"

#define TUI_CURVE 120 /* seconds of the curve */

struct tui {
    bool on, paused, quit;
    double factor; /* of all rates, set by keys */
    double curve[TUI_CURVE];
    int ncurve;
    uint64_t totals[COUNTS];
    int64_t target;
};

/* Take the screen of a terminal; false: there is none. */
bool tui_open(struct tui *t, int64_t target);
/* Read the keys pressed: + and - change the rate by a tenth, space pauses and
 * resumes, q drains and reports. */
void tui_keys(struct tui *t);
/* Draw after each second. */
void tui_second(struct tui *t, const char *name, const struct second *row);
void tui_close(struct tui *t);
/* The screen as text, for tests: width columns. */
void tui_screen(struct buf *out, struct tui *t, const char *name,
                const struct second *row, int width);
/* For a signal handler: give the terminal back as it was. */
void tui_restore(void);

#endif
