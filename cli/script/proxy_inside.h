/* proxy_inside.h - the parts of proxy.c: one direction of a connection, and
 * where in it a WebSocket frame ends. */
#ifndef SCRIPT_PROXY_INSIDE_H
#define SCRIPT_PROXY_INSIDE_H

#include <sys/types.h>

#include "base/buf.h"
#include "proxy.h"

#define RELAY_MAX (256 * 1024) /* bytes held in one direction */

/* Bytes that arrived together may leave together. */
struct relay_chunk {
    int64_t due; /* mono ms */
    size_t n;
};

/* One direction: a queue with a delay and a pace. */
struct relay {
    struct buf bytes;
    size_t head; /* of bytes: gone already */
    struct relay_chunk *chunks;
    size_t first, count, cap; /* of chunks */
    int64_t credit;           /* 1/1000 bytes that may leave */
    int64_t credit_at;        /* mono ms */
    bool eof;                 /* its source sends no more */
    bool ended;               /* and its sink was told */
};

void relay_init(struct relay *r);
void relay_release(struct relay *r);
size_t relay_held(const struct relay *r);
/* Read once from fd, as much as there is room for. Bytes read; 0: end of file,
 * now in r->eof; -CF_BUSY: nothing there or no room; -CF_IO. */
ssize_t relay_read(struct relay *r, int fd, int64_t now, int64_t latency);
bool relay_has_room(const struct relay *r);
/* Put bytes of our own at the end, whatever room there is. */
void relay_put(struct relay *r, struct span bytes, int64_t now);
/* Drop what is held after its first n bytes. */
void relay_truncate(struct relay *r, size_t n);
/* What may leave now, maybe nothing. *wait: ms until there may be more; -1:
 * not before something arrives. rate 0: any. */
struct span relay_ready(struct relay *r, int64_t now, int64_t rate,
                        int64_t *wait);
void relay_took(struct relay *r, size_t n, int64_t rate);
struct span relay_view(const struct relay *r); /* all that is held */

/* ---- where frames end in the stream of a WebSocket server, RFC 6455 ---- */

enum ws_phase {
    WS_ANSWER, /* in the head of the HTTP answer */
    WS_FRAMES, /* upgraded */
    WS_PLAIN   /* it is no WebSocket */
};

struct ws_scan {
    enum ws_phase phase;
    char line[16]; /* start of the status line */
    int line_n;
    int matched;            /* of CR LF CR LF */
    unsigned char head[14]; /* of the frame under way */
    int head_n;
    uint64_t left; /* payload bytes to come */
};

/* Follow n more bytes. */
void ws_scan_run(struct ws_scan *s, const char *p, size_t n);
/* How many of the n bytes that follow end at a frame's boundary first: 0: here
 * is one; -1: none of them. */
ssize_t ws_scan_boundary(const struct ws_scan *s, const char *p, size_t n);

#endif
