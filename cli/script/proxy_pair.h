/* proxy_pair.h - one client and its connection to the server. */
#ifndef SCRIPT_PROXY_PAIR_H
#define SCRIPT_PROXY_PAIR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/list.h"
#include "base/loop.h"
#include "proxy_inside.h"

struct proxy {
    struct loop *loop;
    struct sockaddr_storage server;
    socklen_t server_len;
    int fd, port;
    struct loop_fd *watch;
    struct link pairs;
    bool cut, drip;
    bool starved; /* of descriptors: it accepts when a pair has ended */
    int64_t latency, rate;
    struct proxy_counts counts;
    void (*tap)(void *ctx, int direction, const void *bytes, size_t n);
    void *tap_ctx;
    void (*conn_tap)(void *ctx, int conn, int direction, const void *bytes,
                     size_t n);
    void *conn_tap_ctx;
};

struct pair;

/* One socket of a pair. */
struct side {
    struct pair *pair;
    int fd;
    struct loop_fd *watch;
    int events;      /* what is watched for */
    bool full;       /* it takes no bytes now */
    bool connecting; /* the answer to connect() is not there */
};

struct pair {
    struct link link; /* of proxy */
    struct proxy *proxy;
    int number;
    struct side client, server;
    struct relay up, down;
    struct ws_scan scan; /* of what the client got */
    struct loop_timer *timer;
    int closing; /* code to end the WebSocket with; 0: none */
    bool closed; /* the close frame is under way; the server is left */
    bool told;   /* and it is out */
};

/* Raise the limit of descriptors; false: it cannot be raised. */
bool proxy_more_descriptors(void);

/* Take the client's socket and connect to the server. */
void pair_new(struct proxy *p, int fd);
/* End both sides; reset: by RST. Frees it. */
void pair_end(struct pair *x, bool reset);
/* Do what can be done: after a change of the proxy's settings. May end it. */
void pair_go(struct pair *x);
/* The proxy was healed: go on, or end if a side left meanwhile. */
void pair_heal(struct pair *x);
void pair_close(struct pair *x, int code);

#endif
