/* guest.h - a process of an account that another one has the connection of;
 * for client*.c, owner.c and guest.c only. */
#ifndef CLIENT_GUEST_H
#define CLIENT_GUEST_H

#include "client_priv.h"

struct guest;

struct guest *guest_new(struct client *c);
void guest_free(struct guest **g);
/* This process has become the owner and its link is up: ask what the last one
 * did not answer. */
void guest_hand_over(struct guest *g);
/* Find the owner, or become it by client_own(). Goes on by itself until one of
 * the two came true; after five seconds without an owner that answers the link
 * is ended, with the code "busy". */
void guest_join(struct guest *g);
/* Has an owner said how far events have come? A conversation that is new from
 * then on is younger than this process: all of it is to be told. */
bool guest_hears(const struct guest *g);
/* Leave: the owner is not touched. */
void guest_leave(struct guest *g);

void guest_ask(struct guest *g, enum frame_kind kind, struct span members,
               client_done_fn *done, void *ctx);
/* A row was put into the outbox. */
void guest_queued(struct guest *g, uint64_t conv, const char *cid);
void guest_read(struct guest *g, uint64_t conv, int64_t seq);
void guest_typing(struct guest *g, uint64_t conv, bool on);
void guest_view(struct guest *g, const uint64_t *convs, int nconvs,
                const uint64_t *users, int nusers);
void guest_active(struct guest *g, bool active);
void guest_retry(struct guest *g);

#endif
