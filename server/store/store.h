/* store.h - durable state: the one truth. Everything else in the server is a
 * hint that comparing heads with the store repairs.
 *
 * One `struct store` per process; each node opens a `struct store_port` of its
 * own and submits operations through it. An operation is one struct owned by
 * the caller: fill in the verb and its arguments, submit, keep it alive until
 * `done` runs. `done` runs exactly once, on the port's thread, never inside
 * store_submit(). Operations of one port on one conversation are carried out
 * and completed in the order of submission as long as they are writes; reads
 * see everything whose `done` has run.
 *
 * Results (op->rc): 0; -CF_NOT_FOUND; -CF_EXISTS; -CF_CONFLICT; -CF_STALE (an
 * old term); -CF_LIMIT; -CF_FULL (disk; nothing was written); -CF_BUSY (the
 * queue is full; nothing was written); -CF_TIMEOUT (the deadline passed before
 * it began; nothing was written); -CF_UNKNOWN (a write that may or may not
 * have happened); -CF_UNAVAILABLE, -CF_IO (a read failed).
 *
 * Writes are committed in groups: one transaction and one sync for all that
 * wait. `done` of a write runs after the sync (class `fsync`).
 *
 * Strings and spans of arguments belong to the caller and must live until
 * `done`. Results that are variable in size are put into op->out by the
 * backend (rows, see below) and freed by store_op_release(). */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"
#include "base/span.h"
#include "proto/entry.h"
#include "proto/limits.h"

struct store;
struct store_port;
struct store_op;

enum store_verb {
    STORE_NONE,
    /* ---- writes ---- */
    STORE_OPEN,        /* take over a conversation: a higher term */
    STORE_CREATE,      /* make a conversation with its first entry */
    STORE_APPEND,      /* one entry, with roster changes if any */
    STORE_MARKS,       /* raise acknowledged, delivered and read marks */
    STORE_USER_ADD,    /* a user with a first device or without */
    STORE_USER_SET,    /* display, contact, password */
    STORE_USER_DELETE, /* the user and its data; entries stay, anonymous */
    STORE_DEVICE_ADD,  /* a device with its token hash */
    STORE_DEVICE_SET,  /* its name, or the time it was seen */
    STORE_DEVICE_REVOKE,
    STORE_BLOCK, /* on or off */
    STORE_INVITE_ADD,
    STORE_INVITE_USE, /* once; -CF_NOT_FOUND, -CF_EXPIRED */
    STORE_AUDIT,      /* one line of the audit log */
    STORE_RESERVE,    /* highest id time that may be used: clock guard */
    STORE_EXPIRE,     /* blank bodies whose ttl passed, drop old cids */
    /* ---- reads ---- */
    STORE_PAGE,     /* a range of entries */
    STORE_ENTRY,    /* one entry by conv and seq */
    STORE_CID,      /* the entry of (conv, user, cid) */
    STORE_HEADS,    /* heads of a list of conversations */
    STORE_CONV,     /* one conversation */
    STORE_CONVS_OF, /* the conversations of a user */
    STORE_ROSTER,   /* members of a conversation, in batches */
    STORE_MEMBER,   /* one membership */
    STORE_USER,     /* by id or name, with the password hash */
    STORE_USERS,    /* several by id */
    STORE_DEVICES,  /* of a user */
    STORE_TOKEN,    /* user and device of a token hash */
    STORE_BLOCKS,   /* whom a user blocks */
    STORE_PAIR,     /* what stands between two users: blocks, contact */
    STORE_VISIBLE,  /* of several users, those whose presence one may see */
    STORE_AUDIT_READ,
    STORE_EXPORT, /* what there is about a user, in pages */
    STORE_STATS,  /* counts for status and metrics */
    STORE_VERBS
};

/* ---- rows: what comes back ---- */

struct conv_row {
    uint64_t conv;
    enum conv_kind kind;
    enum conv_mode mode;
    int64_t head; /* seq of the last entry, 0: none */
    uint64_t last_id;
    int64_t term;     /* fencing number */
    int64_t epoch;    /* of the roster: rises with each change */
    int64_t members;  /* live ones */
    uint64_t pair[2]; /* direct: the two users, smaller first */
    int64_t created;
    char title[LIMIT_TITLE + 1];
};

/* A membership as one user sees it. */
struct membership {
    uint64_t conv, user;
    enum role role;    /* ROLE_NONE: left or removed */
    int64_t join;      /* seq of the entry that added the user */
    int64_t left;      /* seq of the removal; 0: still a member */
    int64_t delivered; /* largest acknowledged mark of any device */
    int64_t read;
    int64_t acked;     /* mark of the asking device; -1: none yet */
    struct conv_row c; /* CONVS_OF and MEMBER: the conversation */
    int64_t peer_delivered, peer_read; /* CONVS_OF: other one of a direct */
};

struct user_row {
    uint64_t user;
    char name[LIMIT_NAME + 1]; /* "" when deleted */
    char display[LIMIT_DISPLAY + 1];
    char contact[8];  /* open, request, closed */
    char pwhash[136]; /* "" : no password */
    int64_t created;
    bool deleted;
};

struct device_row {
    uint64_t user;
    uint32_t dev;
    char name[LIMIT_DEVICE_NAME + 1];
    int64_t created, seen;
    bool revoked;
};

struct mark_row {
    uint64_t conv, user;
    uint32_t dev;  /* 0: no device mark (read only) */
    int64_t acked; /* device's mark; 0: leave */
    int64_t read;  /* user's mark; 0: leave. Implies acked >= read */
    /* result: the user's marks after the write */
    int64_t delivered_now, read_now;
    bool moved; /* something rose */
};

/* A change of the roster that goes with an entry. */
struct roster_change {
    uint64_t user;
    enum role role; /* ROLE_NONE: out */
};

struct audit_row {
    int64_t ts;
    char who[64], what[64], about[192];
};

#define TOKEN_HASH 32

/* ---- one operation ---- */

typedef void store_done_fn(struct store_op *op);

struct store_op {
    enum store_verb verb;
    int rc;           /* result */
    int64_t deadline; /* mono ms on the store's clock; 0: LIMIT_STORE_MS */
    store_done_fn *done;
    void *ctx; /* caller's */

    /* Arguments, by verb; results where said. Not used: zero. */
    uint64_t conv;
    uint64_t user, other;
    uint32_t dev; /* DEVICE_ADD, USER_ADD: result */
    int64_t term; /* APPEND: compared. OPEN: result in row.term */
    int64_t now;  /* wall ms, for created, seen, ts */

    /* APPEND: entry with id, ts, from, kind, cid, body...; conv set. Result:
     * entry.seq (and for a duplicate entry.id, entry.ts of the first one with
     * dup = true, rc 0; -CF_CONFLICT: entry.seq says where). The duplicate is
     * looked up before everything else. Then refuse: if it is not 0 it is the
     * result and nothing is written. Then the term (-CF_STALE). edit, delete
     * and react also check entry.of (-CF_NOT_FOUND when there is no such
     * message; edit and delete: -CF_DENIED unless from is its author, or
     * may_delete is set).
     * CREATE: conv, kind, mode, title, changes and the first entry. A direct
     * conversation with pair that exists already: rc 0, dup, row filled, and
     * conv set to the one there is. A group with a known (user, cid): the
     * same (the key is kept under the creator). */
    struct entry entry;
    int refuse;
    bool may_delete;
    bool dup; /* result */
    const struct roster_change *changes;
    int change_count;
    enum conv_kind kind;
    enum conv_mode mode;
    struct span text; /* title, display, device name, search name, ... */
    bool has_text;

    /* Fine print of the other verbs.
     * APPEND with changes, or of a title (text): row is filled, as after it.
     *   An entry whose id is not above the last one: -CF_STALE.
     *   A deleted message is no message: its edit, reaction or second deletion
     *   is -CF_NOT_FOUND.
     * CREATE: the pair of a direct conversation is user and other; the creator
     *   is entry.from. A known conv number: -CF_EXISTS. A known (from, cid)
     *   with another first entry: -CF_CONFLICT with conv and entry.seq. The
     *   term of a new conversation is 1 (in row).
     * USER_ADD: user, name, pwhash (NULL: no password), contact (NULL: open).
     *   A first device is made when hash is not zero: text is its name, dev
     *   the result. The display name starts as the name. The name of a deleted
     *   user stays taken (-CF_EXISTS).
     * USER_SET: text (has_text) the display name, contact, pwhash; NULL leaves.
     * DEVICE_ADD: user, text, hash, now; -CF_LIMIT above LIMIT_DEVICES.
     * DEVICE_SET: user, dev, text (has_text), now (not 0: seen).
     * DEVICE_REVOKE: user and dev, or dev 0 and hash; user and dev result.
     * BLOCK: dup says that it stood so before. -CF_LIMIT above LIMIT_BLOCKS.
     * EXPIRE: now, limit (rows at most); stats[0] bodies blanked, stats[1]
     *   keys dropped.
     * ENTRY: entry.seq; CID: user and entry.cid. Result in entry (into out).
     * DEVICES: the ones that are not revoked, rising.
     * TOKEN: user and dev; with limit > 0 also what CONVS_OF says of the two,
     *   in members, with stamp: half a login in one visit.
     * USER: user, or name when user is 0. A deleted user is found by number
     *   only. USERS: those that exist, in the order of ids.
     * VISIBLE: of ids those who are in a conversation with user now and do not
     *   block it; result in blocks, in the order of ids.
     * AUDIT_READ: the newest limit rows, oldest first.
     * STATS: users, convs, entries, bytes, live devices, operations waiting,
     *   commits, rows committed.
     *
     * MARKS: rows with results. Marks of users who never were members are
     * left out (moved false, zeros). HEADS: conv in each row, head in .acked.
     */
    struct mark_row *marks;
    int mark_count;

    /* PAGE: entries with after < seq < before (0: no bound), limit > 0:
     * the lowest ones when forward, else the highest; always in rising order.
     * thread 0: all. Stops when their wire size passes max_bytes (at least one
     * entry comes): then it is cut. Result: entries, entry_count (spans into
     * op->out), cut. */
    int64_t after, before, thread;
    int limit;
    bool forward;
    size_t max_bytes;
    bool cut;
    struct entry *entries;
    int entry_count;

    /* ROSTER: after user `other`, limit. CONVS_OF: after conv `conv`, limit,
     * for user and dev. MEMBER: conv, user (and dev for acked). */
    struct membership *members;
    int member_count;
    int64_t stamp; /* CONVS_OF, TOKEN: when it was read, see store_moved() */

    struct conv_row row;    /* OPEN, CREATE, CONV: result */
    struct user_row *users; /* USER (one), USERS: result */
    int user_count;
    const uint64_t *ids; /* USERS: argument, with id_count */
    int id_count;
    struct device_row *devices; /* DEVICES: result. TOKEN: user, dev */
    int device_count;
    uint64_t *blocks; /* BLOCKS: result */
    int block_count;
    struct audit_row *audits; /* AUDIT: argument, one. AUDIT_READ: result */
    int audit_count;

    const char *name, *pwhash, *contact; /* USER_ADD, USER_SET, USER by name */
    uint8_t hash[TOKEN_HASH]; /* DEVICE_ADD, TOKEN, INVITE_*, REVOKE */
    bool on;                  /* BLOCK */
    int64_t expires;          /* INVITE_ADD */

    /* PAIR: user (who wants), other. Results: */
    bool blocked_by_other, blocks_other; /* other blocks user; user other */
    /* With conv (not 0): has the one, the other, said something in it? */
    bool user_sent, other_sent;
    /* contact of other: in users[0].contact */

    int64_t reserve;  /* RESERVE: argument; result: stored value */
    int64_t stats[8]; /* STATS: users, convs, entries, bytes, ... */

    struct buf out; /* memory of the results */
    /* EXPORT: of user, from cursor (absent: the start), about limit rows.
     * Result: rows (lines of JSON, each with its LF) and the cursor of the
     * next page, absent at the end. Copy the cursor before releasing. */
    struct span rows;
    struct span cursor;

    /* The store's own, while it has the op. */
    struct link link;
    struct store_port *port;
    int64_t due;
    void *priv;
};

/* Prepare an operation: zeroed, verb set. */
void store_op_init(struct store_op *op, enum store_verb verb,
                   store_done_fn *done, void *ctx);
/* Free result memory (not op itself). */
void store_op_release(struct store_op *op);
bool store_verb_is_write(enum store_verb v);
const char *store_verb_name(enum store_verb v);

/* ---- opening ---- */

struct store_config {
    const char *backend; /* "sqlite", "memory" */
    const char *dir;     /* data directory (sqlite) */
    const struct clock *clock;
    const char *durability; /* "fsync" (default) or "async" */
    void *sim;              /* memory: struct store_memory_sim *, or NULL */
};

/* Open the store; a fresh one gets a schema and a random incarnation name.
 * *out is NULL on error. The text lists the backends when the name is wrong. */
int store_open(struct store **out, const struct store_config *cfg,
               struct error *err);
/* Waits for what runs, fails what waits with -CF_UNAVAILABLE. Ports first. */
void store_close(struct store **s);
/* True once a write could not be made durable (a sync failed): nothing is
 * written any more, every later operation gets -CF_UNAVAILABLE, and the
 * process has to end: after a restart the store says what happened. */
bool store_failed(const struct store *s);
/* Show fn each write that was done and was no repetition, in the order of the
 * commits, before it is answered, on the backend's thread. One watcher, set
 * before the first port is made. */
void store_watch(struct store *s,
                 void (*fn)(void *ctx, const struct store_op *op), void *ctx);
/* The incarnation's name: changes when a backup is restored. */
const char *store_name(const struct store *s);
const char *store_durability(const struct store *s);
const char *store_backend_name(const struct store *s);

/* Register a backend that is not linked in by default (sqlite lives in a
 * library of its own so that the machine knows no file): called by main and
 * by tests before store_open(). */
struct store_backend;
void store_backend_add(const struct store_backend *b);
extern const struct store_backend store_sqlite;
extern const struct store_backend store_memory;

/* Online backup into the empty directory `dir`, blocking: call it in a worker.
 * Restore is offline: `dir` becomes a data directory with a new name. */
int store_backup(struct store *s, const char *dir, struct error *err);
int store_sqlite_restore(const char *backup_dir, const char *data_dir,
                         struct error *err);

/* ---- ports ---- */

/* post: run fn(arg) later on the port's thread (loop_post, or the
 * simulation's queue). */
struct store_port *store_port_new(struct store *s,
                                  void (*post)(void *post_ctx,
                                               void (*fn)(void *), void *arg),
                                  void *post_ctx);
/* Nothing may be under way on it. */
void store_port_free(struct store_port **p);

/* Hand op to the store. */
void store_submit(struct store_port *p, struct store_op *op);

/* Has key changed since stamp, an operation's: a conversation has a new entry,
 * a user a membership, a mark or a device? False is certain for every write
 * whose `done` has begun to run anywhere: what was read with this stamp is
 * what would be read now. True may be a mistake: keys share counters (the
 * version lock of optimistic reading: Kung, Robinson 1981). Any thread. */
bool store_moved(const struct store_port *p, uint64_t key, int64_t stamp);

/* Operations submitted and not yet done, for drain and back-pressure. */
int store_port_pending(const struct store_port *p);

#endif
