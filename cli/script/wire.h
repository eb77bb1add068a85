/* wire.h - a wire log: what went over connections of the protocol, a JSON
 * object a line, in the order in which it passed.
 *
 *   {"conn":1,"dir":"up","frame":{"t":"hello",...}}     client to server
 *   {"conn":1,"dir":"down","frame":{"t":"welcome",...}}
 *   {"conn":1,"dir":"down","close":4000}                or "close":0: no code
 *   {"conn":1,"event":{"kind":"message",...}}           what a client made of
 * it
 *
 * Tokens become "[token 1]", the same token the same number. Unknown members
 * and lines without any of these are skipped. */
#ifndef SCRIPT_WIRE_H
#define SCRIPT_WIRE_H

#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "base/map.h"

#define WIRE_MAX_BYTES (256 << 20) /* of a log that is read */
#define WIRE_MAX_LINES 1000000
#define WIRE_MAX_CONNS 10000
#define WIRE_MAX_MESSAGE (4 << 20) /* of one WebSocket message */

enum wire_kind {
    WIRE_UP,
    WIRE_DOWN,
    WIRE_UP_CLOSE,
    WIRE_DOWN_CLOSE,
    WIRE_EVENT
};

struct wire_line {
    enum wire_kind kind;
    int conn;     /* from 1 */
    int line;     /* in the file, from 1 */
    json_t *what; /* frame or event; owned; NULL: a close */
    int close;
};

struct wire_log {
    struct wire_line *lines;
    int count, room;
    int conns; /* highest number */
};

/* -CF_NOT_FOUND, -CF_INVALID with file:line, -CF_TOO_BIG. */
int wire_read(struct wire_log *out, const char *path, struct error *err);
void wire_release(struct wire_log *log);

/* ---- writing ---- */

struct wire_writer {
    FILE *to;
    struct strmap tokens; /* -> their number */
    int64_t lines;
};
void wire_writer_init(struct wire_writer *w, FILE *to);
void wire_writer_release(struct wire_writer *w);
/* One frame, flushed; masks its token. 0, or -CF_IO. */
int wire_write(struct wire_writer *w, int conn, enum wire_kind kind,
               json_t *what, int close);

/* ---- from the bytes of a connection (RFC 6455) ---- */

struct wire_stream; /* one direction */
struct wire_stream *wire_stream_new(void);
void wire_stream_free(struct wire_stream **slot);
/* Calls frame with each object of the messages that end in these bytes, and
 * closed with the code of a close frame (0: none in it). What is no WebSocket
 * and what breaks its rules ends the stream: nothing more comes of it. */
void wire_stream_feed(struct wire_stream *s, const void *bytes, size_t n,
                      void (*frame)(void *ctx, json_t *frame),
                      void (*closed)(void *ctx, int code), void *ctx);

#endif
