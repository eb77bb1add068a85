/* upgrade.h - the opening handshake of a WebSocket (RFC 6455, section 4.2) in
 * the one form that nearly every client sends. Whatever is not exactly that is
 * left to libwebsockets and guard.h, which answer it. */
#ifndef SERVER_UPGRADE_H
#define SERVER_UPGRADE_H

#include <stdbool.h>

#include "base/span.h"

#define UPGRADE_KEY 24     /* characters of Sec-WebSocket-Key */
#define UPGRADE_ANSWER 256 /* bytes that an answer fits in */

struct upgrade {
    size_t length; /* of the request */
    char key[UPGRADE_KEY];
    struct span forwarded; /* X-Forwarded-For as it came; p NULL: none */
};

/* Is what came a whole `GET /v1/chat` that asks for confab.v1, version 13, and
 * for nothing that wants a decision (an Origin, a body, a second header of a
 * kind)? in lives as long as out is used. */
bool upgrade_read(struct span in, struct upgrade *out);

/* Is what came so far the beginning of such a request, and not all of it? */
bool upgrade_may_come(struct span in);

/* The answer 101 to it. Returns its length. */
size_t upgrade_answer(const struct upgrade *u, char out[UPGRADE_ANSWER]);

#endif
