/* net.h - WebSocket connections: libwebsockets callbacks translated into calls
 * of core/node.h, and nothing else. */
#ifndef SERVER_NET_H
#define SERVER_NET_H

#include "shard.h"

struct lws;

/* Create the shard's libwebsockets context and vhosts. Shard's thread, after
 * its descriptor table is its own. */
int net_open(struct shard *sh, struct error *err);
void net_close(struct shard *sh);

/* Destroy a context whose info.pcontext was `context`, running the loop. */
struct lws_context;
void net_destroy(struct loop *loop, struct lws_context **context);

/* For LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION of every protocol: 0: let the
 * upgrade in; -1: answered with the reason. */
int net_filter(struct lws *wsi);

/* Write what the peers of this turn have queued. End of the turn. */
void net_flush(struct shard *sh);

/* Load certificate and key again from the same paths. Shard's thread. */
void net_reload(struct shard *sh);

/* One end of a connection, WebSocket or HTTP; libwebsockets allocates it. The
 * pointer is the `peer` of core/node.h. */
struct peer {
    struct shard *shard;
    struct lws *wsi;
    struct conn *conn;  /* NULL: none, or gone */
    struct link kicked; /* in shard->kicked */
    /* Write what conn has, at the end of the turn (NULL: WebSocket). */
    void (*flush)(struct peer *p);
    void (*settled)(struct peer *p);
    const char *close_why; /* static text */
    uint16_t close_code;   /* 0: open */
    uint8_t fragments;     /* of the message that is coming in */
    bool waiting;          /* counts as not logged in */
};

extern const struct transport net_transport;

#endif
