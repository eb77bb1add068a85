/* process.h - what the process uses, by the names that Prometheus gives it
 * (client library guidelines, "process metrics"). */
#ifndef SERVER_PROCESS_H
#define SERVER_PROCESS_H

#include "base/buf.h"
#include "server.h"

/* process_cpu_seconds_total, process_resident_memory_bytes,
 * process_virtual_memory_bytes, process_open_fds (over the tables of all
 * nodes), process_max_fds, process_start_time_seconds. Main's thread. 0 or
 * -CF_TOO_BIG. */
int process_write(const struct server *s, struct buf *out);

#endif
