/* websocket.h - the receiving and the writing side of a WebSocket server (RFC
 * 6455), without sockets and without copies: frames are unmasked where they
 * lie, and a long message is handed on in the pieces it comes in. */
#ifndef PROTO_WEBSOCKET_H
#define PROTO_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEBSOCKET_HEAD 10     /* longest header that a server writes */
#define WEBSOCKET_CONTROL 125 /* longest payload of a control frame */
#define WEBSOCKET_WHOLE (14 + WEBSOCKET_CONTROL) /* never waits for more */

enum websocket_op {
    WEBSOCKET_CONTINUED = 0,
    WEBSOCKET_TEXT = 1,
    WEBSOCKET_BINARY = 2,
    WEBSOCKET_CLOSE = 8,
    WEBSOCKET_PING = 9,
    WEBSOCKET_PONG = 10
};

/* What has come in of a connection; all zero at first. */
struct websocket {
    uint32_t left;     /* bytes of the frame's payload still to come */
    uint32_t mask;     /* turned so that its first byte is the next one */
    uint8_t need;      /* bytes that a begun UTF-8 sequence still needs */
    uint8_t low, high; /* bounds of the next one of them */
    uint8_t fragments; /* of the message so far */
    bool message;      /* one is under way */
    bool final;        /* the running frame is its last */
};

struct websocket_piece {
    enum websocket_op op; /* TEXT, PING, PONG, CLOSE */
    char *data;           /* unmasked, in the input */
    size_t n;
    bool last; /* TEXT: the message is complete with this piece */
};

/* Take the next piece of text or whole control frame from *n bytes at *in, both
 * of which move on. 1: *out is filled; 0: nothing but the beginning of a frame
 * is left, less than WEBSOCKET_WHOLE bytes, to be given again with more behind
 * it; negative: the frame breaks the rules, close with minus that code:
 * 1002 framing, 1003 binary, 1007 bad UTF-8, 1009 over LIMIT_FRAME or
 * LIMIT_FRAGMENTS. */
int websocket_pull(struct websocket *w, char **in, size_t *n,
                   struct websocket_piece *out);

/* XOR n bytes with the key (section 5.3), whose first byte is the lowest; it is
 * turned for the byte that follows. */
void websocket_mask(char *p, size_t n, uint32_t *key);

/* Write the header of an unmasked frame of n bytes so that it ends at payload,
 * which has WEBSOCKET_HEAD bytes of room before it. Returns where it starts. */
char *websocket_head(char *payload, size_t n, enum websocket_op op);

/* The code in a close frame's payload (section 5.5.1): 1005 when there is none,
 * and 1002 or 1007 when the payload is not allowed. */
int websocket_close_code(const char *payload, size_t n);

#endif
