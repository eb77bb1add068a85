/* plan.h - who talks with whom: conversations, their members and the streams
 * of messages in them. Made before the shards start; then read by all of them,
 * and changed only through the atomics. */
#ifndef LOAD_PLAN_H
#define LOAD_PLAN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/map.h"
#include "scenario.h"

#define PLAN_SENDERS 4 /* streams of a group; direct: 2 */
#define FAN_SLOTS 256  /* messages of a stream under way, for fan-out times */

/* The copies of one message, counted by all shards. */
struct fan {
    _Atomic uint64_t tag_count; /* number of the message << 32 | copies */
    _Atomic uint64_t first;     /* ns of the first copy */
};

struct plan_stream {
    uint32_t conv, user;       /* user: index of the account */
    struct fan *fans;          /* FAN_SLOTS of them, NULL: direct */
    _Atomic uint64_t in_doubt; /* first << 32 | last: among these numbers order
                                  says nothing, see plan_doubt() */
    _Atomic uint64_t here;     /* ns: its user can be told since; 0: away */
    _Atomic uint64_t last_at;  /* ns: when `last` was acknowledged */
    _Atomic int64_t last;      /* the highest seq of its messages */
    _Atomic int64_t delivered, seen; /* marks it was told */
};

/* What a member acknowledged. */
struct plan_mark {
    _Atomic int64_t acked, read; /* on the present connection, 0: nothing */
    _Atomic int64_t most_acked, most_read; /* ever */
    _Atomic uint64_t acked_at, read_at;    /* ns */
};

struct plan_conv {
    _Atomic uint64_t id;            /* the server's, 0: not made yet */
    uint32_t first_member, members; /* in plan.members; the first one owns */
    uint32_t first_stream;
    uint16_t streams;
    uint8_t traffic;
    bool backlog;           /* for a user who is away */
    bool outsider;          /* the last member is removed before the run */
    uint32_t viewers;       /* channel: so many of the members view it */
    uint32_t added, adding; /* setup: members that are in; asked for */
    bool quiet;             /* nothing is said in it: it makes contacts */
    bool asked;             /* setup: a request is under way */
    _Atomic int32_t live;   /* members that get live copies now */
    _Atomic bool headed;    /* the server told a head of it: it is big */
};

struct plan {
    struct plan_conv *convs; /* owned */
    struct plan_stream *streams;
    uint32_t *members;       /* indexes of accounts */
    struct plan_mark *marks; /* of each of them */
    uint32_t nconvs, nstreams, nmembers;
    struct map pairs;      /* direct conversations: there is one for each two */
    int backlog_traffic;   /* of the scenario; -1: none */
    uint32_t talkers;      /* the first of them talk; others come and go */
    uint32_t users;        /* how many accounts are used */
    uint64_t bytes;        /* of memory */
    _Atomic uint32_t made; /* conversations that are ready */
};

/* 0, or -CF_INVALID: the scenario asks for more users than there are. */
int plan_make(struct plan *p, const struct scenario *s, struct error *err);
void plan_release(struct plan *p);

/* What was under way at once, first .. last, may have changed its order: one of
 * them was refused, which was lost with the connection or said as `timeout`,
 * and goes out again behind the others, which were not. */
void plan_doubt(struct plan_stream *s, uint32_t first, uint32_t last);
/* May `number` come behind `highest`? */
bool plan_in_doubt(const struct plan_stream *s, uint32_t number,
                   uint32_t highest);

/* The members that are owed each message of conv, its sender not counted:
 * without the outsider, and of a channel the viewers alone. */
uint32_t plan_audience(const struct plan_conv *c);

/* Is the member at place i of conv one of the audience (or the sender)? */
bool plan_in_audience(const struct plan_conv *c, uint32_t i);

#endif
