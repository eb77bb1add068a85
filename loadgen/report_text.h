/* report_text.h - numbers and text for people, and for HTML and XML. */
#ifndef LOAD_REPORT_TEXT_H
#define LOAD_REPORT_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "result.h"

/* Append text that may stand in an element or a quoted attribute of HTML or
 * XML: markup escaped, invalid UTF-8 and what XML forbids as U+FFFD. */
void put_escaped(struct buf *out, const char *text);

/* A number as text, in a static ring of buffers: good for eight calls, for one
 * thread, meant for the arguments of one buf_printf(). */
const char *show_ns(double ns);       /* "870 us", "2.41 ms", "12.3 s" */
const char *show_count(double n);     /* "98,211" */
const char *show_rate(double n);      /* "20.0k", "1.25M", "318" */
const char *show_bytes(double bytes); /* "412 MB", powers of 1000 */
/* The value of a verdict in the unit of its metric; "?" when unknown. */
const char *show_verdict(const struct verdict *v);
/* "2026-11-24 14:01:19 UTC" */
const char *show_time(int64_t ms);

/* The same for the ticks of an axis, without needless zeros: "20 ms", "5k",
 * "400 MB", "70%", seconds or "3h", and 0.999 as "99.9%". */
const char *tick_ns(double ns);
const char *tick_rate(double v);
const char *tick_bytes(double v);
const char *tick_percent(double v);
const char *tick_seconds(double v);
const char *tick_quantile(double q);

#endif
