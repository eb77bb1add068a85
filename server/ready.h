/* ready.h - the file that says where a server is, for scripts. */
#ifndef SERVER_READY_H
#define SERVER_READY_H

#include "server.h"

/* Write {"pid":..,"url":"ws://..","tls":"wss://..","admin":"..","socket":".."}
 * to
 * --ready-file, whole or not at all (rename). Nothing without the option. */
int ready_write(struct server *s, struct error *err);

#endif
