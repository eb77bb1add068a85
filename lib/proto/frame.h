/* frame.h - the frames of confab.v1: decoded in one bounded pass into spans,
 * see confab-protocol(7). Nothing is allocated; spans point into the input.
 *
 * A new kind is one row in the table of frame_table.c: its members, their
 * types, which of them are required and who may send it.
 *
 * Where the members of a kind lie is in that table. What is not plain from
 * their names: `after` of conv.list is conv, of conv.members user, of
 * user.export cursor; `from` is a user in entry and a seq (from_seq) in batch
 * and gap; `more` of synced is more_list; `code` of bye is bye_code; `ttl` of
 * welcome is pttl; `kind` of conv.create is ckind; the rows of presence are
 * `at`.
 *
 * Beyond RFC 8259 these are refused: keys given twice (escapes resolved),
 * lone surrogates, \u0000, integers beyond 64 bits, numbers of 1e308 and more,
 * and a line end inside the object, since bodies are passed on as they came
 * and each object is one line. */
#ifndef PROTO_FRAME_H
#define PROTO_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "proto/entry.h"

enum frame_kind {
    FRAME_NONE,
    /* from the client; some names come back as answers or pushes */
    FRAME_HELLO,
    FRAME_HB,
    FRAME_SEND,
    FRAME_EDIT,
    FRAME_DELETE,
    FRAME_REACT,
    FRAME_ACK,
    FRAME_READ,
    FRAME_TYPING,
    FRAME_VIEW,
    FRAME_HISTORY,
    FRAME_STATE,
    FRAME_TICKET,
    FRAME_FETCH,
    FRAME_KEYS_PUT,
    FRAME_KEYS_GET,
    FRAME_KEYS_COUNT,
    FRAME_CONV_OPEN,    /* user, mode? */
    FRAME_CONV_CREATE,  /* title, users[], kind?, mode?, cid? */
    FRAME_CONV_LIST,    /* after? (conv), limit? */
    FRAME_CONV_INFO,    /* conv, limit? */
    FRAME_CONV_MEMBERS, /* conv, after? (user), limit? */
    FRAME_CONV_ADD,     /* conv, users[], cid? */
    FRAME_CONV_REMOVE,  /* conv, user, cid? */
    FRAME_CONV_LEAVE,   /* conv, cid? */
    FRAME_CONV_ROLE,    /* conv, user, role, cid? */
    FRAME_CONV_RENAME,  /* conv, title, cid? */
    FRAME_USER_FIND,    /* name */
    FRAME_USER_INFO,    /* users[] */
    FRAME_USER_SET,     /* display?, contact? */
    FRAME_USER_BLOCK,   /* user, on */
    FRAME_USER_BLOCKS,  /* - */
    FRAME_USER_DEVICES, /* - */
    FRAME_USER_DEVICE,  /* dev, name: name a device */
    FRAME_USER_REVOKE,  /* dev */
    FRAME_USER_DELETE,  /* name: must repeat the own account name */
    FRAME_USER_EXPORT,  /* after? (opaque cursor), limit? */
    FRAME_WS,           /* ws.*: any */
    FRAME_SEARCH,
    FRAME_FENCE, /* convs[]? */
    FRAME_BYE,
    /* from the server only */
    FRAME_WELCOME,
    FRAME_SENT,
    FRAME_ENTRY,
    FRAME_BATCH,
    FRAME_SYNCED,
    FRAME_GAP,
    FRAME_RECEIPT,
    FRAME_PRESENCE,
    FRAME_HEAD,
    FRAME_OK,
    FRAME_ERR,
    FRAME_KINDS
};

enum frame_side { FROM_CLIENT = 1, FROM_SERVER = 2 };

/* Presence of members: bit per member of the struct below. */
enum frame_member {
    M_N,
    M_RE,
    M_CONV,
    M_USER,
    M_DEV,
    M_ID,
    M_SEQ,
    M_CID,
    M_BODY,
    M_THREAD,
    M_REPLY,
    M_MENTION,
    M_TTL,
    M_TRACE,
    M_TOKEN,
    M_UA,
    M_VER,
    M_WIN,
    M_LAST_SEEN,
    M_STRICT,
    M_ACT,
    M_NOW,
    M_AT,
    M_ON,
    M_CONVS,
    M_USERS,
    M_BEFORE,
    M_AFTER,
    M_LIMIT,
    M_NAME,
    M_TITLE,
    M_ROLE,
    M_MODE,
    M_CKIND,
    M_CONTACT,
    M_DISPLAY,
    M_EMOJI,
    M_NODE,
    M_STORE,
    M_LEASE,
    M_HB,
    M_PTTL,
    M_LIMITS,
    M_DURABILITY,
    M_TS,
    M_DUP,
    M_K,
    M_FROM,
    M_OF,
    M_ENTRIES,
    M_FROM_SEQ,
    M_TO,
    M_HEAD,
    M_MORE,
    M_WHY,
    M_DELIVERED,
    M_READ,
    M_DELIVERED_N,
    M_READ_N,
    M_CODE,
    M_TEMP,
    M_RETRY,
    M_MSG,
    M_MENTIONS,
    M_DELETED,
    M_RAW,
    M_CURSOR,
    M_EXPIRES,
    M_WIN_ENTRIES,
    M_WIN_BYTES,
    M_MEMBERS_COUNT
};

struct frame {
    enum frame_kind kind;
    uint64_t present[2]; /* by enum frame_member; see frame_has() */
    struct span raw;     /* the whole object */

    int64_t n, re; /* > 0; 0: absent */
    uint64_t conv, user, from, id;
    uint32_t dev;
    int64_t seq, of, thread, reply, ttl, expires, ts, now;
    int64_t before, after, limit;
    int64_t from_seq, to, head, delivered, read, delivered_n, read_n;
    int64_t node, lease, hb, pttl, mentions;
    int64_t bye_code; /* bye: close code */
    int64_t win_entries, win_bytes;
    int64_t retry_min, retry_max; /* err.retry (min == max), bye.retry */
    bool on, act, strict, trace, dup, more, temp, deleted;
    bool v1;           /* hello: ver contains 1 */
    enum entry_kind k; /* 0: a kind of a later version */
    enum conv_kind ckind;
    enum conv_mode mode;
    enum role role;

    /* Text members: the bytes between the quotes, escapes not yet resolved
     * (frame_text() resolves them). cid, token, code, why, contact, and name
     * but for a device's are plain: an escape in them is an error. */
    struct span cid, token, ua, name, title, display, contact, emoji;
    struct span store, durability, code, msg, why, cursor;

    /* Raw JSON values, validated; walk the lists with the functions below. */
    struct span body, mention, limits, entries;
    struct span last_seen;    /* {"c5":74,...} */
    struct span at;           /* [["c5",74],...], presence rows too */
    struct span more_list;    /* synced.more, same form */
    struct span convs, users; /* ["c5",...], ["u2",...] */
};

struct frame_error {
    const char *code; /* bad_frame, bad_type, unknown_kind, bad_direction,
                         too_big: static strings of the protocol */
    char text[160];   /* for a person; names the member and the byte */
    int64_t n;        /* request number if it could be read, else 0 */
};

static inline bool frame_has(const struct frame *f, enum frame_member m)
{
    return f->present[m >> 6] >> (m & 63) & 1;
}

/* Split a message at LF: takes the first object out of *rest (empty lines are
 * skipped). False when nothing is left. */
bool frame_next(struct span *rest, struct span *object);

/* Decode one object sent by side, at most max bytes; from a client also at
 * most LIMIT_OBJECT unless it is a send with `enc`. `t` must be the first
 * key. Strict about JSON, UTF-8, types and ranges; unknown members are skipped
 * (validated all the same) or, with strict, refused, but not in the kinds that
 * hold members of their own (ok, err, keys.*, ticket, fetch, ws.*, search: see
 * json_member() on raw). 0, or -CF_INVALID / -CF_TOO_BIG with *err filled:
 * bad_frame not JSON or a rule of the form broken, bad_type another type, a
 * value out of range or a member missing, too_big over a bound, bad_direction,
 * unknown_kind. */
int frame_decode(struct frame *f, struct span object, enum frame_side side,
                 size_t max, bool strict, struct frame_error *err);

/* The name on the wire ("conv.open"), and back (FRAME_NONE: unknown). */
const char *frame_kind_name(enum frame_kind k);
enum frame_kind frame_kind_parse(struct span s);

/* Walk the decoded lists: takes the first element out of *list. False at the
 * end. They cannot fail: frame_decode() has checked types and counts. */
struct mark {
    uint64_t conv;
    int64_t seq;
};
bool frame_next_mark(struct span *list, struct mark *m);   /* at, more_list */
bool frame_next_seen(struct span *object, struct mark *m); /* last_seen */
bool frame_next_conv(struct span *list, uint64_t *conv);
bool frame_next_user(struct span *list, uint64_t *user); /* users, mention */
struct presence_row {
    uint64_t user;
    enum presence_state state;
    int64_t last; /* ms since 1970; 0: unknown */
};
bool frame_next_presence(struct span *list, struct presence_row *row);
/* batch.entries: each element is an entry object without `t`. */
bool frame_next_entry(struct span *list, uint64_t conv, struct entry *e);
/* An `entry` frame as an entry. */
void frame_entry(const struct frame *f, struct entry *e);

/* Resolve the escapes of a text member into out (appended). 0, -CF_TOO_BIG. */
int frame_text(struct buf *out, struct span raw);

/* Any JSON value in text: validated by the same scanner. *end gets where the
 * value ends; white space before it is skipped, what follows is not read. 0,
 * -CF_INVALID, -CF_TOO_BIG (depth, structure). For the fuzz target and for raw
 * values from elsewhere. */
int json_scan(struct span text, size_t *end);

/* Find key in the raw object; the value's span without white space; absent:
 * p NULL. The object must have been validated: decoded, or by json_scan(). */
struct span json_member(struct span object, const char *key);

#endif
