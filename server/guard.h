/* guard.h - what libwebsockets 4.1 lets through and we do not: checks of the
 * upgrade request before anything else looks at it. */
#ifndef SERVER_GUARD_H
#define SERVER_GUARD_H

#include <stdbool.h>
#include <stddef.h>

struct lws;
struct shard;

/* For LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: only to `websocket`. */
bool guard_upgrade_name(const char *name);

/* For LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: GET /v1/chat, version 13, a key
 * of 24 characters, protocol confab.v1 exactly, Origin absent or allowed.
 * NULL: let it in; else the reason for a person, with *status. */
const char *guard_handshake(struct shard *sh, struct lws *wsi, int *status);

/* For every request, before it is looked at: who a trusted proxy speaks for.
 * NULL: go on; else as guard_handshake(). */
const char *guard_forwarded(struct shard *sh, struct lws *wsi, int *status);

/* Copy a header of wsi into out; false when absent or too long. token is an
 * enum lws_token_indexes. */
bool guard_header(struct lws *wsi, int token, char *out, size_t size);

#endif
