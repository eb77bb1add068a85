/* linger.h - the end of a connection that we closed. A close(2) with unread
 * bytes in the socket sends a reset (RFC 2525, 2.17), which can destroy the
 * goodbye before the peer has read it. So: no more writing, read to the end,
 * then close; bounded by time and bytes. libwebsockets closes its descriptor
 * at once; a duplicate keeps the socket. */
#ifndef SERVER_LINGER_H
#define SERVER_LINGER_H

#include "address.h"
#include "shard.h"

/* fd is about to be closed by its owner: go on with a duplicate of it until
 * the peer closes too, LINGER_MS at most. ours: we said goodbye, and the peer
 * may still be writing; else only if something is unread. What it counts
 * against is taken over then, and c is nothing: an address could have any
 * number of sockets that we refused. NULL-able. Shard's thread. */
#define LINGER_MS 1000
#define LINGER_BYTES (64 * 1024)
void linger(struct shard *sh, int fd, bool ours, struct claim *c);
/* Close what is left. */
void linger_end(struct shard *sh);

#endif
