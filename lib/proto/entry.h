/* entry.h - one entry of a conversation's log: what is stored, fanned out and
 * shown. Spans point into memory of whoever made the entry. */
#ifndef PROTO_ENTRY_H
#define PROTO_ENTRY_H

#include <stdint.h>

#include "base/span.h"

enum entry_kind {
    ENTRY_MSG = 1,
    ENTRY_EDIT,    /* of: the message; body: its new body */
    ENTRY_DELETE,  /* of: the message; its body is blanked in the store */
    ENTRY_REACT,   /* of: the message; body {"emoji":"+1","on":true} */
    ENTRY_MEMBER,  /* body {"op":"create|add|remove|leave|role|join",
                      "users":["u1"],"role":"member"} */
    ENTRY_TITLE,   /* body {"title":"ops"} */
    ENTRY_KEY,     /* key notices (encryption) */
    ENTRY_ACCOUNT, /* in `self`: body {"op":"device.add|device.name|
                      device.revoke|block|unblock|set",...} */
    ENTRY_KINDS
};

enum conv_kind { CONV_DIRECT = 1, CONV_GROUP, CONV_CHANNEL, CONV_SELF };
enum conv_mode { MODE_OPEN = 1, MODE_E2EE };
enum role { ROLE_NONE = 0, ROLE_MEMBER, ROLE_ADMIN, ROLE_OWNER };
enum presence_state { PRESENCE_OFF = 0, PRESENCE_AWAY, PRESENCE_ON };

struct entry {
    uint64_t conv;
    int64_t seq; /* 0 until committed */
    uint64_t id;
    int64_t ts; /* ms since 1970 */
    enum entry_kind kind;
    uint64_t from;
    uint32_t dev;          /* the sender's device; 0: the server itself */
    int64_t of;            /* edit, delete, react: seq of the target */
    int64_t thread, reply; /* seq, 0: none */
    int64_t expires;       /* ms since 1970, 0: never */
    bool deleted;          /* body was blanked by delete or ttl */
    bool trace;
    struct span cid;     /* shown to the sender's own devices only */
    struct span body;    /* raw JSON object, or absent */
    struct span mention; /* raw JSON array of users, or absent */
};

/* "msg", "edit", ...; 0 for an unknown word. */
const char *entry_kind_name(enum entry_kind k);
enum entry_kind entry_kind_parse(struct span s);
const char *conv_kind_name(enum conv_kind k); /* direct group channel self */
enum conv_kind conv_kind_parse(struct span s);
const char *conv_mode_name(enum conv_mode m); /* open e2ee */
enum conv_mode conv_mode_parse(struct span s);
const char *role_name(enum role r);               /* none member admin owner */
enum role role_parse(struct span s);              /* ROLE_NONE: unknown */
const char *presence_name(enum presence_state s); /* off away on */
int presence_parse(struct span s);                /* -1: unknown */

#endif
