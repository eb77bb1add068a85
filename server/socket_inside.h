/* socket_inside.h - what the files of socket.h share. */
#ifndef SERVER_SOCKET_INSIDE_H
#define SERVER_SOCKET_INSIDE_H

#include "address.h"
#include "peer.h"
#include "proto/websocket.h"

#define READ_BYTES (64 * 1024) /* at a time, with what was held */
#define PONG_BYTES 4096        /* of pongs in a write, and behind what waits */

struct sockets {
    struct shard *shard;
    int epoll;
    struct loop_fd *watch;
    struct loop_timer *sweep;
    struct link hurried; /* to be elsewhere by their due, soonest first */
    struct link leaving; /* ended; freed at the end of the turn */
    struct link idle;    /* all others */
    size_t pong_bytes;
    char pongs[PONG_BYTES]; /* of the connection that is being read */
    char in[READ_BYTES];
};

enum socket_state {
    ARRIVING, /* nothing came yet */
    OPEN,
    CLOSING, /* our goodbye goes as soon as all else is out */
    ENDED,
};

enum socket_end {
    END_CUT,   /* broken, or closed by the peer: nothing to wait for */
    END_PLAIN, /* the peer said goodbye first */
    END_OURS   /* it may still be writing, and shall read ours */
};

struct socket {
    struct peer peer;
    int fd;
    uint16_t behind;    /* bytes of pongs that were put behind rest */
    uint8_t state, how; /* enum socket_state, enum socket_end */
    bool paused;
    bool said;        /* our close frame is out: nothing goes behind it */
    struct buf *held; /* came, and could not be handled yet */
    struct buf *rest; /* shall go, and the kernel did not take it */
    struct claim claim;
    struct websocket in;
    uint32_t due;     /* second of the monotonic clock, when hurried */
    struct link link; /* in one of the lists of struct sockets */
};

/* socket.c */
struct socket *socket_of(struct peer *p);
/* Freed by sockets_reap(), when nobody on the stack can hold it. */
void socket_end(struct socket *s, enum socket_end how);
/* Closed in a few seconds, whatever happens. */
void socket_hurry(struct socket *s);
/* The request was answered: there is time now. */
void socket_settle(struct socket *s);
/* verb: EPOLL_CTL_ADD, EPOLL_CTL_MOD; the latter reports anew what is there. */
void socket_watch(struct socket *s, int verb);
void socket_drop_buf(struct buf **b);

/* socket_arrive.c */
/* The first bytes are here. over: and the peer will send no more. */
void socket_arrive(struct socket *s, bool over);

/* socket_read.c */
extern const struct peer_ops socket_ops;
void socket_read(struct socket *s, bool over);

/* socket_write.c */
void socket_put(struct socket *s, const char *bytes, size_t n);
void socket_put_control(struct socket *s, enum websocket_op op,
                        const char *bytes, size_t n);
/* Answer a ping with the next socket_put_pongs(), which has to come before s is
 * left: a write for each would let one that floods us with pings hold up all
 * others. */
void socket_gather_pong(struct socket *s, const char *bytes, size_t n);
void socket_put_pongs(struct socket *s);
void socket_put_goodbye(struct socket *s, int code, const char *why);
/* It takes bytes again: what it did not take before. */
void socket_put_rest(struct socket *s);
/* What the conn has, then the goodbye when there is one. */
void socket_flush(struct peer *p);

#endif
