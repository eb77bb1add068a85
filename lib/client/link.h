/* link.h - a WebSocket to a server (libwebsockets behind one door). It knows
 * connecting, frames and closing; no chat. One at a time per struct. */
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H

#include <stdbool.h>

#include "base/error.h"
#include "base/loop.h"
#include "base/span.h"

struct link_events {
    void (*up)(void *ctx);                        /* upgraded */
    void (*message)(void *ctx, struct span text); /* a whole message */
    /* Gone, or never came. close_code 0: no close frame. *err says why
     * (-CF_NOT_FOUND host, -CF_UNAVAILABLE, -CF_DENIED certificate,
     * -CF_VERSION no confab.v1 there, -CF_CLOSED). */
    void (*down)(void *ctx, int close_code, const struct error *err);
    void *ctx;
};

/* Instead of a socket: what is sent, and what it is closed with. It is up as
 * soon as it connects; chat_link_feed() and chat_link_feed_end() are the other
 * side. */
struct link_stand_in {
    void (*sent)(void *ctx, struct span object);
    void (*closed)(void *ctx, int code);
    void *ctx;
};

struct link_config {
    struct loop *loop;
    const char *ca_file; /* NULL: the system's */
    bool tls; /* can connect to wss:// (reads all certificates of the system) */
    const struct link_stand_in *instead; /* NULL: a real connection */
};

struct chat_link;
struct chat_link *chat_link_new(const struct link_config *cfg,
                                const struct link_events *ev);
void chat_link_free(struct chat_link **l); /* no event any more */

/* Connect to ws://, wss://, http:// or https:// host:port (path /v1/chat is
 * added). 0, or an error at once for a bad URL. */
int chat_link_connect(struct chat_link *l, const char *url, struct error *err);
/* Queue one object; objects of one turn are joined with LF into one message.
 * 0, -CF_CLOSED, -CF_TOO_BIG (1 MiB queued). */
int chat_link_send(struct chat_link *l, struct span object);
/* Close with code after what is queued; down() follows. */
void chat_link_close(struct chat_link *l, int code);
/* With a stand-in alone: a message came; the connection ended (code 0: without
 * a close frame). */
void chat_link_feed(struct chat_link *l, struct span text);
void chat_link_feed_end(struct chat_link *l, int code);

#endif
