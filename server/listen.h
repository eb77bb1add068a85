/* listen.h - our own listening sockets: one SO_REUSEPORT socket per node,
 * opened after the node's thread has its own descriptor table. The place of
 * the connection cap and of the pause at the cap. */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include <netinet/in.h>
#include <stdbool.h>

#include "base/error.h"
#include "shard.h"

/* "127.0.0.1:7000", "[::1]:7000", "0.0.0.0:0". 0 or -CF_INVALID. */
int listen_parse(const char *text, struct sockaddr_storage *out,
                 struct error *err);

/* Bind without listening, to reserve the port for all nodes (a bound socket
 * that does not listen gets no connections). The real port is put into *at.
 * Returns the descriptor, or negative. */
int listen_reserve(struct sockaddr_storage *at, struct error *err);

/* Listen at `at` on this shard. Shard's thread. */
int listen_open(struct shard *sh, const struct sockaddr_storage *at,
                bool secure, struct error *err);
/* Start accepting, once every listener of the shard is open. */
void listen_start(struct shard *sh);
void listen_close_all(struct shard *sh);

/* "127.0.0.1:7000" into out. */
void listen_format(const struct sockaddr_storage *at, char *out, size_t size);

#endif
