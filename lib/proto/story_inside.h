/* story_inside.h - the inside of story*.c. */
#ifndef PROTO_STORY_INSIDE_H
#define PROTO_STORY_INSIDE_H

#include "base/json.h"
#include "base/map.h"
#include "proto/story.h"

struct person {
    uint64_t user;
    char name[16];
    bool there; /* declared and connected */
};

struct story_member {
    struct person *who;
    int64_t since; /* seq; 0: from the beginning */
    int64_t read;
    bool in;
};

struct said {   /* the message of a seq */
    int number; /* of $m; 0: the entry is no message */
    struct person *by;
};

struct story_conv {
    uint64_t id;
    enum conv_kind kind;
    int number;            /* of $g */
    struct person *remade; /* who makes anew what was there before; NULL */
    bool begun, left_out;
    struct story_member members[STORY_PEOPLE];
    int count;
    int64_t first, last; /* seqs that came */
    struct said *said;   /* of seq first and on */
    size_t room;
};

struct story {
    char *path;
    off_t end; /* where the brace of the test is */
    struct buf text;
    struct map people, convs;
    struct story_secrets secrets;
    int messages, groups;
    int state;
};

/* Lines of the test; put_text quotes and masks. */
void put(struct story *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void put_text(struct story *s, struct span text);
void story_flush(struct story *s);

struct person *story_who(struct story *s, uint64_t user);
/* Declared and connected from here on. */
void story_meet(struct story *s, struct person *p);
struct story_conv *story_conv_get(const struct story *s, uint64_t conv);
struct story_conv *story_conv_add(struct story *s, uint64_t conv,
                                  enum conv_kind kind);
/* NULL: there are too many, and the conversation is left out from now on. */
struct story_member *story_member_add(struct story *s, struct story_conv *c,
                                      struct person *p, int64_t since);
struct story_member *story_member_of(struct story_conv *c,
                                     const struct person *p);
struct said *story_said(struct story_conv *c, int64_t seq); /* NULL: unknown */
/* Make room for what is said at seq. NULL: no room. */
struct said *story_say(struct story_conv *c, int64_t seq);

#endif
