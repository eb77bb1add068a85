/* metrics_http.h - the numbers of a running test for Prometheus: one thread
 * that answers each request with the text of the last second. */
#ifndef LOAD_METRICS_HTTP_H
#define LOAD_METRICS_HTTP_H

#include "base/error.h"
#include "base/span.h"

struct metrics_http;

/* Listen at "ADDR:PORT" or ":PORT" (127.0.0.1). -CF_INVALID, -CF_IO. */
int metrics_http_start(struct metrics_http **out, const char *listen,
                       struct error *err);
void metrics_http_set(struct metrics_http *m, struct span text); /* copies */
void metrics_http_stop(struct metrics_http **m); /* *m may be NULL */

#endif
