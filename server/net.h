/* net.h - what libwebsockets serves: TLS, HTTP, and every request that is not
 * the plain upgrade of socket.h. Its callbacks are translated into calls of
 * core/node.h, and nothing else. */
#ifndef SERVER_NET_H
#define SERVER_NET_H

#include "address.h"
#include "shard.h"

struct lws;

/* Create the shard's libwebsockets context and vhosts. Shard's thread, after
 * its descriptor table is its own. */
int net_open(struct shard *sh, struct error *err);
void net_close(struct shard *sh);

/* Destroy a context whose info.pcontext was `context`, running the loop. */
struct lws_context;
void net_destroy(struct loop *loop, struct lws_context **context);

/* Take over a socket of which nothing was read, and what it counts against. */
void net_adopt(struct shard *sh, int fd, bool secure, struct claim claim);
/* What wsi counts against, kept as its opaque user data. */
struct claim net_claim(struct lws *wsi);
void net_set_claim(struct lws *wsi, struct claim c);
/* It has logged in. */
void net_let_in(struct lws *wsi);
/* The wsi ends: from LWS_CALLBACK_WSI_DESTROY. */
void net_gone(struct lws *wsi);

/* For LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION of every protocol: 0: let the
 * upgrade in; -1: answered with the reason. */
int net_filter(struct lws *wsi);

/* Load certificate and key again from the same paths. Shard's thread. */
void net_reload(struct shard *sh);

#endif
