/* guard.h - what libwebsockets 4.1 lets through and we do not: checks of the
 * upgrade request before anything else looks at it; and who may come in. */
#ifndef SERVER_GUARD_H
#define SERVER_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "address.h"
#include "base/span.h"

struct lws;
struct shard;

/* Is this Origin on the operator's list? */
bool guard_origin(const struct shard *sh, struct span origin);

/* chain is the X-Forwarded-For of the socket that c counts: if a trusted proxy
 * sent it, c counts against its last address. NULL: go on; else the reason for
 * a person, with *status. */
const char *guard_chain(struct shard *sh, struct claim *c, struct span chain,
                        int *status);

/* For LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: only to `websocket`. */
bool guard_upgrade_name(const char *name);

/* For LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: over TLS, GET /v1/chat, version
 * 13, a key of 24 characters, protocol confab.v1 exactly, Origin absent or
 * allowed. Nobody else: what is plain and good, socket_arrive.c has let in.
 * NULL: let it in; else the reason for a person, with *status. */
const char *guard_handshake(struct shard *sh, struct lws *wsi, int *status);

/* For every request, before it is looked at: who a trusted proxy speaks for.
 * NULL: go on; else as guard_handshake(). */
const char *guard_forwarded(struct shard *sh, struct lws *wsi, int *status);

/* Copy a header of wsi into out; false when absent or too long. token is an
 * enum lws_token_indexes. */
bool guard_header(struct lws *wsi, int token, char *out, size_t size);

#endif
