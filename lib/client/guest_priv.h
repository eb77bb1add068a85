/* guest_priv.h - the inside of a guest, for guest*.c only. */
#ifndef CLIENT_GUEST_PRIV_H
#define CLIENT_GUEST_PRIV_H

#include "guest.h"
#include "share.h"

struct guest {
    struct client *client;
    struct share_line *line;
    struct loop_timer *timer;
    struct map questions; /* n -> struct question */
    struct link sends;
    int64_t next_n, since;
    pid_t owner;
    bool attached; /* the owner has said hello on this line */
    bool known;    /* some owner did: what was told is known */
    bool left;
    struct view {
        uint64_t convs[LIMIT_VIEW], users[LIMIT_VIEW];
        int nconvs, nusers;
    } view;
    bool active, active_said;
};

/* How an answer begins, before its number, and the frame in it. */
#define ANSWER "{\"t\":\"answer\",\"n\":"
#define FRAME ",\"frame\":"

/* guest_ask.c */
void guest_say(struct guest *g, const struct buf *line);
void guest_say_text(struct guest *g, const char *text); /* once attached */
void guest_say_view(struct guest *g);
void guest_say_active(struct guest *g);
/* The owner is gone: the outcome of what changes something is unknown. all:
 * of every question. */
void guest_drop_questions(struct guest *g, bool all);
void guest_repeat_questions(struct guest *g);
void guest_answer(struct guest *g, struct span line);
void guest_forget_send(struct guest *g, uint64_t conv, const char *cid);
void guest_forget_sends(struct guest *g);
/* An owner may have died between the archive and its word to us: tell what
 * became of our sends. */
void guest_settle(struct guest *g);

#endif
