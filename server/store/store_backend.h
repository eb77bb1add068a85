/* store_backend.h - for the files of store/ only: what a backend provides. */
#ifndef STORE_STORE_BACKEND_H
#define STORE_STORE_BACKEND_H

#include <stdatomic.h>

#include "store/store.h"

#define STORE_SLOTS 8192    /* keys share them */
#define STORE_SLOT_SHIFT 51 /* of a hash of 64 bits */

struct store {
    const struct store_backend *backend;
    const struct clock *clock;
    void *priv; /* the backend's */
    char name[33];
    char durability[8];
    _Atomic bool failed;
    void (*watch)(void *ctx, const struct store_op *op); /* NULL: nobody */
    void *watch_ctx;
    /* How many writes there were, and which of them was the last to touch a
     * key of the slot: for store_moved(). */
    _Atomic int64_t changes;
    _Atomic int64_t changed[STORE_SLOTS];
};

struct store_port {
    struct store *store;
    void (*post)(void *ctx, void (*fn)(void *), void *arg);
    void *post_ctx;
    _Atomic int pending;
    /* Operations that are done and not yet handed over, newest first. The one
     * that finds it empty posts; so there is at most one post under way. */
    struct link *_Atomic finished;
    bool dead;               /* its process died: nothing is handed over */
    struct store_port *next; /* the memory backend's list of dead ones */
    void *priv;              /* the backend's, per port */
};

struct store_backend {
    const char *name;
    int (*open)(struct store *s, const struct store_config *cfg,
                struct error *err);
    void (*close)(struct store *s);
    int (*port_open)(struct store_port *p); /* may be NULL */
    void (*port_close)(struct store_port *p);
    /* Take the op; call store_done(op, rc) once, from any thread. */
    void (*submit)(struct store_port *p, struct store_op *op);
    int (*backup)(struct store *s, const char *dir, struct error *err);
};

/* Call it before a read of memberships begins to see the data: sets stamp. */
void store_stamp(struct store *s, struct store_op *op);

/* Set the result and post op->done to the port's thread. Any thread. */
void store_done(struct store_op *op, int rc);

/* ---- what backends share ---- */

#define STORE_OUT_MAX (64u * 1024 * 1024)
#define STORE_LIST_DEFAULT 200 /* rows of a list when limit is 0 */

/* What a second use of a cid is compared by. */
uint64_t store_entry_hash(const struct entry *e);
/* About the bytes of an entry on the wire. */
size_t store_entry_size(const struct entry *e);
/* The two users of a direct conversation that op creates, smaller first. */
void store_pair(const struct store_op *op, uint64_t pair[2]);
/* The highest mark a member may have in a conversation with this head. */
int64_t store_mark_top(int64_t head, int64_t left);
bool store_hash_is_zero(const uint8_t hash[TOKEN_HASH]);
/* Copy text, cut to size - 1 bytes. NULL counts as "". */
void store_copy_text(char *out, size_t size, const char *text, size_t n);

/* Variable results. Bytes go into op->out first, spans hold offsets until
 * store_out_entries() or store_out_entry() turns them into pointers; arrays
 * come last. -CF_TOO_BIG when out is full. */
int store_out_bytes(struct store_op *op, struct span *to, const void *p,
                    size_t n);
int store_out_entries(struct store_op *op, const struct entry *items, int n);
void store_out_entry(struct store_op *op, struct entry *e);
/* A copy of n bytes of rows inside out, aligned; NULL when out is full. The
 * earlier contents may move: spans made before are invalid. */
void *store_out_array(struct store_op *op, const void *items, size_t n);

/* A growing array of rows while they are read. Zero it first. */
struct store_rows {
    void *items;
    int count, cap;
};
void *store_rows_add(struct store_rows *r, size_t size); /* zeroed */
void store_rows_release(struct store_rows *r);

/* Export: one line of JSON for each thing, and the cursor. */
struct export_cursor {
    int stage; /* 0 profile, 1 devices, 2 memberships, 3 entries, 4 the end */
    uint64_t conv;
    int64_t seq;
};
#define EXPORT_PAGE_BYTES (256 * 1024)
int store_export_begin(const struct store_op *op, struct export_cursor *c);
int store_export_user(struct buf *b, const struct user_row *u);
int store_export_device(struct buf *b, const struct device_row *d);
int store_export_member(struct buf *b, const struct membership *m);
int store_export_entry(struct buf *b, const struct entry *e);
int store_export_end(struct store_op *op, const struct export_cursor *c);

#endif
