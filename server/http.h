/* http.h - plain HTTP on the chat port: accounts, POST /v1/frames, GET
 * /v1/stream and /v1/poll. One answer per connection, then it is closed:
 * libwebsockets 4.1 mixes up a second request on the same connection. */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include <stddef.h>

#include <libwebsockets.h>

#include "base/buf.h"
#include "peer.h"

struct route;
struct account;

/* One request. Allocated when a route is found, freed when the connection is
 * gone. */
struct http_peer {
    struct peer peer;
    struct lws *wsi;
    const struct route *route;
    struct buf body; /* of the request */
    struct buf out;  /* of the answer */
    size_t written;
    struct account *account; /* the operation under way; it points back */
    struct loop_timer *wait; /* poll: how long */
    char token[LIMIT_TOKEN + 1];
    bool handled;  /* the route's handler ran */
    bool answered; /* headers are out */
    bool streaming;
    bool finished; /* out is the end of the answer */
    bool synced;   /* poll: the backlog has been looked through */
    bool at_once;  /* poll: wait=0 */
};

/* What libwebsockets allocates per HTTP connection. */
#define HTTP_PEER_BYTES sizeof(struct http_peer *)

int http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user,
                  void *in, size_t len);

/* Answer with status and JSON body; once. */
void http_answer(struct http_peer *h, int status, struct span body);
/* Answer with an `err` object; the status follows from its code. retry ms. */
void http_error(struct http_peer *h, const char *code, int64_t retry,
                const char *msg);

/* http_live.c: the handlers of frames, stream, poll. */
void http_frames(struct http_peer *h);
void http_stream(struct http_peer *h);
void http_poll(struct http_peer *h);
int http_live_writeable(struct http_peer *h);
void http_live_gone(struct http_peer *h);

/* Read ?name=value of the request into out; false when absent. */
bool http_argument(struct http_peer *h, const char *name, char *out,
                   size_t size);
/* Send headers now; length < 0: no Content-Length (a stream). */
int http_headers(struct http_peer *h, int status, const char *type,
                 int64_t length, int64_t retry);

#endif
