/* report.h - a result as one page of HTML: no script, nothing loaded from
 * elsewhere, SVG drawn here, light or dark as the reader's system is. All text
 * of the result is escaped. */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include "base/buf.h"
#include "result.h"
#include "svg.h"

/* Bytes of a page: a run of a day has thinned charts, so this is ample. */
#define REPORT_MAX (16 << 20)

/* 0 or -CF_TOO_BIG. */
int report_write(struct buf *out, const struct run *r);

/* Parts of the page, between report*.c. */
void report_style(struct buf *out);
/* The charts of a run, each an element of the grid. */
void report_percentiles(struct buf *out, const struct run *r);
void report_series(struct buf *out, const struct run *r);
void report_capacity(struct buf *out, const struct run *r);
/* A chart in its frame; nothing when it is empty. */
void report_chart(struct buf *out, struct svg_chart *c);
/* Lines at the limits that the run was held to on this metric. */
void report_limits(struct svg_chart *c, const struct run *r,
                   const char *metric);
/* Any JSON as a table of names and values, or of rows for an array of
 * objects; bounded. */
void report_tree(struct buf *out, const json_t *j);
/* The name of the scenario, "run" when it has none. */
const char *report_name(const struct run *r);

#endif
