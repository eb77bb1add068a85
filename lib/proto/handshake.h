/* handshake.h - the opening handshake of a WebSocket (RFC 6455, section 4.2.1),
 * read by the letter: what asks for the chat and may not have it is told why,
 * what asks for something else is somebody else's. No sockets, no copies. */
#ifndef PROTO_HANDSHAKE_H
#define PROTO_HANDSHAKE_H

#include "base/span.h"

#define HANDSHAKE_KEY 24 /* characters of Sec-WebSocket-Key */

struct handshake {
    size_t length; /* of the request, when it is good */
    char key[HANDSHAKE_KEY];
    struct span origin;    /* in the input; p NULL: none */
    struct span forwarded; /* the last X-Forwarded-For; p NULL: none */
    int status;            /* of the answer, when it is bad */
    char why[64];          /* for a person */
};

enum handshake_fate {
    HANDSHAKE_MORE,  /* not all of it is there */
    HANDSHAKE_OTHER, /* another request, or no HTTP at all */
    HANDSHAKE_GOOD,
    HANDSHAKE_BAD /* for the chat, and to be refused: status and why */
};

/* Judge the beginning of a connection. Bad as soon as it is sure: the rest of
 * the request may not be there yet. Of in, not more than LIMIT_HTTP_HEADERS + 1
 * bytes are looked at; in lives as long as out is used. */
enum handshake_fate handshake_read(struct span in, struct handshake *out);

#endif
