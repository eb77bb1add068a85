/* peer.h - one end of a connection as the core knows it: what the three kinds
 * have in common (socket.h: WebSocket over plain TCP; net.h: the same over TLS;
 * http.h). The pointer is the `peer` of core/node.h. */
#ifndef SERVER_PEER_H
#define SERVER_PEER_H

#include "shard.h"

struct peer;

struct peer_ops {
    /* Write what conn has; end of the turn. */
    void (*flush)(struct peer *p);
    /* close_code is set now: it must be gone within a few seconds. */
    void (*closing)(struct peer *p);
    /* Stop (on) or resume reading. */
    void (*pause)(struct peer *p, bool on);
    /* CONN_POST: every request has been answered. NULL-able. */
    void (*settled)(struct peer *p);
};

struct peer {
    const struct peer_ops *ops;
    struct shard *shard;
    struct conn *conn;     /* NULL: none, or gone */
    struct link kicked;    /* in shard->kicked or waiting */
    const char *close_why; /* static text */
    uint16_t close_code;   /* 0: open */
    bool waits;            /* it is in shard->waiting */
};

extern const struct transport peer_transport;

/* Write what the peers have queued; end of the turn. Of a large fan-out a part:
 * the rest follows in the next turns, behind what is kicked meanwhile, so that
 * thousands of copies hold nobody up. */
void peer_flush_all(struct shard *sh);

/* The socket is gone: let go of the conn, once. */
void peer_gone(struct peer *p);

#endif
