/* peer_codec.h - what nodes say to each other over the bus, as bytes. Little
 * endian; a header, then the fields of the type. Decoding trusts nothing: every
 * length is checked, every count has a bound. */
#ifndef CORE_PEER_CODEC_H
#define CORE_PEER_CODEC_H

#include "core/core.h"

enum peer_type {
    PEER_TICK = 1,  /* nothing but the number reached */
    PEER_REQUEST,   /* a command on its way to a home */
    PEER_ANSWER,    /* and back */
    PEER_ENTRY,     /* a committed entry */
    PEER_PUSH,      /* a frame for some users */
    PEER_HEAD,      /* a big conversation has news */
    PEER_MARKS,     /* marks that are durable now */
    PEER_KICK,      /* close a connection */
    PEER_ASK_HEADS, /* fence: how far is the log */
    PEER_TELL_HEADS,
    PEER_TYPING,      /* on: to the home; at viewers: from it */
    PEER_VIEW,        /* a node has viewers */
    PEER_FORGET_PAIR, /* a block or contact setting changed */
    PEER_LOST,        /* the sender missed something from here */
    PEER_REPAIR,      /* an entry was told to nobody: compare heads */
    PEER_RECEIPT,     /* marks of user, for the connections of other */
    PEER_TYPES
};

#define PEER_VERSION 2
#define PEER_HEADER 18 /* version, type, incarnation, number */
#define PEER_CHANGES_MAX (LIMIT_USERS + 8)
#define PEER_USERS_MAX LIMIT_LIVE_MEMBERS
#define PEER_MARKS_MAX 512
#define PEER_MESSAGE_MAX (1024 * 1024)

struct peer_header {
    enum peer_type type;
    uint64_t incarnation; /* lease of the sender */
    uint64_t number;      /* of this message; TICK: of the last one */
};

/* One message, encoded or decoded. Only the members of its type count. Spans
 * point into the bytes. */
struct peer_message {
    struct peer_header header;
    uint64_t conv, user, other, conn, rid;
    uint32_t dev, index;
    int code;
    int64_t head;
    bool on, at_viewers;
    enum wire_class class;
    uint64_t except;
    struct span bytes;            /* ANSWER, PUSH: a frame */
    struct delivery delivery;     /* ENTRY */
    const uint64_t *users;        /* PUSH */
    const struct mark_row *marks; /* MARKS */
    int count;                    /* users, marks */
    /* REQUEST */
    int origin;
    uint8_t hops;
    uint64_t round, lease;
    bool over_budget, internal;
    int64_t started;
    enum frame_kind kind; /* internal */
    enum entry_kind k;
    int64_t delivered, read;
    struct span cid, raw;
};

/* Where the lists of a decoded message are. */
struct peer_lists {
    struct roster_change changes[PEER_CHANGES_MAX];
    uint64_t users[PEER_USERS_MAX];
    struct mark_row marks[PEER_MARKS_MAX];
};

/* Append the message to b, the header with number 0. 0 or -CF_TOO_BIG. */
int peer_encode(struct buf *b, enum peer_type type,
                const struct peer_message *m);
/* Write the header's incarnation and number into an encoded message. */
void peer_stamp(struct buf *b, uint64_t incarnation, uint64_t number);
/* 0 or -CF_INVALID. */
int peer_decode(struct peer_message *m, struct peer_lists *lists,
                struct span bytes);

#endif
