/* capture.h - a wire log of what clients and a server say to each other: a
 * relay between them that writes (wire.h). */
#ifndef SCRIPT_CAPTURE_H
#define SCRIPT_CAPTURE_H

#include <stdio.h>

#include "base/error.h"
#include "base/loop.h"

struct capture;

/* Relay to the server at the URL (ws:// or http://: what is encrypted cannot
 * be read on its way) and write to `to`. */
int capture_new(struct capture **out, struct loop *loop, const char *server,
                FILE *to, struct error *err);
void capture_free(struct capture **slot);
int capture_port(const struct capture *c); /* on 127.0.0.1 */
/* Frames written; negative: they cannot be written any more. */
int64_t capture_count(const struct capture *c);

/* "ws://host:port/..." -> host and port. -CF_INVALID. */
int capture_address(const char *url, char *host, size_t size, int *port,
                    struct error *err);

#endif
