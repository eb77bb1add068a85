/* proxy.h - a network of one's own for an actor: a relay on 127.0.0.1 between
 * its client and the server that can lose, slow and break it. Runs on the
 * caller's loop; the client under test does not know. */
#ifndef SCRIPT_PROXY_H
#define SCRIPT_PROXY_H

#include <stddef.h>

#include "base/error.h"
#include "base/loop.h"

struct proxy;

/* Listen on a free port of 127.0.0.1 and relay to host:port. Connects to the
 * server for each client. */
int proxy_new(struct proxy **out, struct loop *loop, const char *host, int port,
              struct error *err);
void proxy_free(struct proxy **slot);
int proxy_port(const struct proxy *p);

/* A tunnel: nothing passes in either direction and nobody is told; new
 * connections get no answer (their SYN is taken, bytes are not). */
void proxy_cut(struct proxy *p);
/* All is well again: what was held is relayed, or, when the other side went
 * meanwhile, the connection ends. */
void proxy_heal(struct proxy *p);
void proxy_reset(struct proxy *p);                 /* RST on both sides, now */
void proxy_latency(struct proxy *p, int64_t ms);   /* each direction; 0: off */
void proxy_rate(struct proxy *p, int64_t bytes_s); /* each direction; 0: off */
void proxy_drip(struct proxy *p, bool on); /* one byte a write, both ways */
/* End the WebSocket with this close code towards the client (a close frame of
 * the server's side at a frame boundary), then the connection. */
void proxy_close(struct proxy *p, int code);

struct proxy_counts {
    int64_t accepted, open, up_bytes, down_bytes; /* up: client to server */
};
void proxy_counts(const struct proxy *p, struct proxy_counts *out);
/* Wire log: called with each chunk relayed, direction +1 up, -1 down. */
void proxy_tap(struct proxy *p,
               void (*fn)(void *ctx, int direction, const void *bytes,
                          size_t n),
               void *ctx);
/* The same with the number of the connection, from 1. n 0: it has ended. */
void proxy_conn_tap(struct proxy *p,
                    void (*fn)(void *ctx, int conn, int direction,
                               const void *bytes, size_t n),
                    void *ctx);

#endif
