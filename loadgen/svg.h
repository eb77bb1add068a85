/* svg.h - charts as inline SVG: lines over two axes, drawn into a view of
 * 480 x 280 that a page scales. Colours are the classes s0..s5 of the page's
 * style sheet, so that one drawing serves light and dark. */
#ifndef LOAD_SVG_H
#define LOAD_SVG_H

#include <stdbool.h>

#include "base/buf.h"

#define SVG_SERIES 6
#define SVG_POINTS 480 /* more are thinned before */

enum svg_scale {
    SVG_LINEAR,
    SVG_LOG,       /* values > 0 */
    SVG_PERCENTILE /* 0 <= q < 1, drawn at log10(1 / (1 - q)) */
};

struct svg_axis {
    enum svg_scale scale;
    double low, high;
    const char *(*show)(double v); /* text of a tick */
    const char *label;
};

struct svg_series {
    const char *name;
    int colour;          /* 0..5 */
    const double *x, *y; /* a y that is no number breaks the line */
    int n;
    bool dashed, dots, no_line;
};

/* A horizontal line with words: a limit. */
struct svg_mark {
    double y;
    const char *text;
};

/* A part of the x axis that is shaded. */
struct svg_band {
    double from, to;
    const char *text;
};

struct svg_chart {
    const char *title;
    struct svg_axis x, y;
    struct svg_series series[SVG_SERIES];
    int nseries;
    struct svg_mark marks[4];
    int nmarks;
    struct svg_band bands[8];
    int nbands;
};

/* Extend the y axis over what the series and marks hold: from 0 when linear,
 * to round numbers. False when there is nothing to draw. */
bool svg_fit_y(struct svg_chart *c);
void svg_draw(struct buf *out, const struct svg_chart *c);

/* Ticks of an axis, at most `room`; how many. */
int svg_ticks(const struct svg_axis *a, double *at, int room);

#endif
