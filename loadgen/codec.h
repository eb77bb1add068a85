/* codec.h - WebSocket (RFC 6455) as a client speaks it, without copies where a
 * frame lies whole in the buffer. */
#ifndef LOAD_CODEC_H
#define LOAD_CODEC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/span.h"

enum ws_op {
    WS_CONTINUED = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10
};

#define WS_HEAD 14           /* the longest header, with a key */
#define WS_MESSAGE (1 << 20) /* the longest message that we take */
#define WS_KEY 24            /* characters of Sec-WebSocket-Key */
#define WS_ACCEPT 28         /* and of Sec-WebSocket-Accept */

struct ws_message {
    enum ws_op op; /* WS_TEXT, WS_BINARY, WS_CLOSE, WS_PING, WS_PONG */
    struct span payload;
};

/* A message that comes in fragments; zero (with message's max) at first. */
struct ws_parts {
    struct buf message;
    enum ws_op op; /* 0: none under way */
    bool done;     /* message was handed out: clear it at the next call */
};

/* Take the next whole message or control frame out of *in. 1; 0: more bytes
 * are needed, *in is what is left; -CF_INVALID: broken framing, -CF_TOO_BIG.
 * The payload lies in *in's bytes or in parts, until the next call. */
int ws_pull(struct span *in, struct ws_parts *parts, struct ws_message *out);

/* Write the header of a client's frame (FIN) before payload, which has WS_HEAD
 * bytes of room in front, and mask the payload with key (0: as it is).
 * Returns where the frame starts. */
char *ws_head(char *payload, size_t n, enum ws_op op, uint32_t key);

/* The upgrade request. protocol NULL: none is named. key: WS_KEY characters. */
int ws_upgrade(struct buf *out, const char *host, int port, const char *path,
               const char *protocol, const char *key);

/* The server's answer: bytes of its header, 0: not whole yet, -CF_DENIED: not
 * 101 (*status says what), -CF_INVALID: not HTTP, or another accept. */
ssize_t ws_answer(struct span in, const char *accept, int *status);

#endif
