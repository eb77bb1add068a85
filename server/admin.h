/* admin.h - the listener for operators: DATA/admin.sock (mode 0600) and, if
 * asked for, a loopback port. /healthz, /readyz, /metrics on both; POST
 * /v1/ctl (what `confabd ctl` says) on the unix socket only. */
#ifndef SERVER_ADMIN_H
#define SERVER_ADMIN_H

#include "server.h"

int admin_open(struct server *s, struct error *err);
void admin_close(struct server *s);
const char *admin_url(const struct server *s);    /* "http://..." or "" */
const char *admin_socket(const struct server *s); /* path of the socket */

#endif
