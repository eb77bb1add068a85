/* metrics_page.h - /metrics: all counters of all nodes as Prometheus text. */
#ifndef SERVER_METRICS_PAGE_H
#define SERVER_METRICS_PAGE_H

#include "server.h"

int metrics_page(struct server *s, struct buf *out);

#endif
