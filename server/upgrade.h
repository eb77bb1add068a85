/* upgrade.h - the answers to the opening handshake of a WebSocket (RFC 6455,
 * section 4.2.2; proto/handshake.h reads it). */
#ifndef SERVER_UPGRADE_H
#define SERVER_UPGRADE_H

#include "proto/handshake.h"

#define UPGRADE_ANSWER 256  /* bytes that an answer fits in */
#define UPGRADE_REFUSAL 512 /* and a refusal, with a reason of 127 bytes */

/* The answer 101. Returns its length. */
size_t upgrade_answer(const struct handshake *h, char out[UPGRADE_ANSWER]);

/* The answer that says why not, for a person; behind it the connection ends.
 * Returns its length. */
size_t upgrade_refusal(int status, const char *why, char out[UPGRADE_REFUSAL]);

#endif
