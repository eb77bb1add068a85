/* socket.h - WebSocket connections over plain TCP, by an epoll of our own: the
 * hot path. libwebsockets keeps 1.4 KB for an idle connection, reads it 64
 * bytes at a time and asks the kernel four times where once is enough; here an
 * idle connection has no buffer, and everything that came is read at once into
 * one that all share. What asks for something else than the chat goes on to
 * net.h, unread. */
#ifndef SERVER_SOCKET_H
#define SERVER_SOCKET_H

#include "address.h"
#include "shard.h"

/* Make the shard's epoll and buffers. Shard's thread, after its descriptor
 * table is its own. 0 or -CF_IO. */
int sockets_open(struct shard *sh, struct error *err);
/* Close all that is left, without goodbye. */
void sockets_close(struct shard *sh);

/* Take over a new, non-blocking socket and what it counts against. */
void socket_adopt(struct shard *sh, int fd, struct claim claim);

/* End connections whose goodbye is out. True: some ended, and the node may have
 * something to say about it. End of the turn, after peer_flush_all(). */
bool sockets_reap(struct shard *sh);

#endif
