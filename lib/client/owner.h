/* owner.h - the process of an account that has its connection, and lends it to
 * the others; for client*.c, owner.c and guest.c only. */
#ifndef CLIENT_OWNER_H
#define CLIENT_OWNER_H

#include "client_priv.h"

struct owner;

/* Listen: c holds the lock of its directory. NULL: the socket cannot be made;
 * then others end with 75 as if nobody listened. */
struct owner *owner_new(struct client *c);
/* Nobody more is let in. Before the link is freed: libwebsockets closes one of
 * its descriptors twice, and the number must not be taken in between. */
void owner_stop(struct owner *o);
/* The name goes first, then the lock lock_fd (-1: none) is let go, then the
 * guests see the end: they find the account free. */
void owner_free(struct owner **o, int lock_fd);

/* Every event of the owner goes to every guest. */
void owner_tell(struct owner *o, const struct client_event *ev);
/* What this process itself looks at, or does: merged with what guests do and
 * sent. */
void owner_view(struct owner *o, const uint64_t *convs, int nconvs,
                const uint64_t *users, int nusers);
/* Is a person there, in any of the processes? own: as this one says. */
bool owner_active(const struct owner *o, bool own);

#endif
