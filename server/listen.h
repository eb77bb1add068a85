/* listen.h - our own listening sockets: one SO_REUSEPORT socket per node,
 * opened after the node's thread has its own descriptor table. The place of
 * the connection cap, of the pause at the cap, and of the limits per address
 * before login. */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include <netinet/in.h>
#include <stdbool.h>

#include "base/error.h"
#include "shard.h"

/* Is this an IPv4 or IPv6 address, as --trusted-proxy takes it? */
bool listen_is_address(const char *text);

struct lws;

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

/* What an accepted socket counts against until it logs in; kept as the
 * opaque user data of the lws. */
struct address;
/* The connection of wsi has logged in: it counts no more. */
void address_release(struct shard *sh, struct lws *wsi);
/* The real client behind a trusted proxy, from X-Forwarded-For: 0, -CF_INVALID
 * no address, -CF_LIMIT too many of it. */
int address_forwarded(struct shard *sh, struct lws *wsi, const char *client);
/* Is the peer of wsi one of trusted_proxies? */
bool address_is_proxy(struct shard *sh, struct lws *wsi);
/* Its text, for limits on logins ("10.1.2.3", "2001:db8::/64"). */
const char *address_text(struct lws *wsi);
/* The lws is gone: from LWS_CALLBACK_WSI_DESTROY. */
void address_gone(struct shard *sh, struct lws *wsi);

#endif
