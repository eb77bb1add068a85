/* admin_http.h - what operators ask over the listeners of admin.h, and the
 * answers. Main's thread. */
#ifndef SERVER_ADMIN_HTTP_H
#define SERVER_ADMIN_HTTP_H

#include <libwebsockets.h>

#define ADMIN_HTTP_BYTES sizeof(void *) /* per_session_data_size */

/* The callback of the protocol; the context's user is the struct server. */
int admin_http_callback(struct lws *wsi, enum lws_callback_reasons reason,
                        void *user, void *in, size_t len);

/* wsi came over the unix socket: it may give commands, and the kernel says who
 * is there. Once, when it is new. */
void admin_http_trust(struct lws *wsi);

#endif
