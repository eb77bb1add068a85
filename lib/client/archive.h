/* archive.h - the client's own memory of an account: one SQLite database with
 * history, cursors, outbox and names, changed in one transaction where it
 * matters. Directory 0700, file 0600. Blocking; the client is one thread. */
#ifndef CLIENT_ARCHIVE_H
#define CLIENT_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"
#include "proto/entry.h"

struct archive;

/* Open or make dir/archive.db; dir NULL: in memory, gone with the process. */
int archive_open(struct archive **out, const char *dir, struct error *err);
void archive_close(struct archive **a);

void archive_begin(struct archive *a);
int archive_commit(struct archive *a); /* 0 or -CF_IO, -CF_FULL */

/* ---- entries: deduplicated by (conv, seq); by id across store restores ----
 */
/* 1 new, 0 known already, negative error. Spans are copied. */
int archive_put(struct archive *a, const struct entry *e);
/* Rising seq, after < seq < before (0: no bound), at most limit (the highest
 * ones unless forward). fn returns false to stop. */
int archive_entries(struct archive *a, uint64_t conv, int64_t after,
                    int64_t before, int limit, bool forward,
                    bool (*fn)(void *ctx, const struct entry *e), void *ctx);
int archive_entry(struct archive *a, uint64_t conv, int64_t seq,
                  bool (*fn)(void *ctx, const struct entry *e), void *ctx);
/* Find by entry id (display ids on the command line). 0, -CF_NOT_FOUND. */
int archive_find_id(struct archive *a, uint64_t id, uint64_t *conv,
                    int64_t *seq);
/* Highest seq up to which there is no hole after `from`. */
int64_t archive_prefix_from(struct archive *a, uint64_t conv, int64_t from);

/* ---- cursors and marks, per conversation ---- */
struct archive_conv {
    uint64_t conv;
    enum conv_kind kind;
    enum conv_mode mode;
    char title[132];
    uint64_t peer; /* direct: the other one */
    enum role role;
    int64_t head, acked, read;     /* own marks */
    int64_t shown;                 /* highest seq a person was shown */
    int64_t delivered_by, read_by; /* marks of the other one (direct) */
    int64_t low; /* entries below are not held (deferred gap) */
};
int archive_conv_put(struct archive *a, const struct archive_conv *c);
int archive_conv_get(struct archive *a, uint64_t conv,
                     struct archive_conv *out);
int archive_convs(struct archive *a,
                  bool (*fn)(void *ctx, const struct archive_conv *c),
                  void *ctx);
/* The server was restored from a backup and may use numbers again: all entries
 * are laid aside as former ones, and cursors and marks forgotten. 0 or -CF_*:
 * nothing was done. */
int archive_start_over(struct archive *a);
/* Was an entry of this id laid aside? It was told before. */
bool archive_is_former(struct archive *a, uint64_t id);

/* ---- outbox ---- */
enum outbox_state { OUT_QUEUED = 1, OUT_SENT, OUT_STORED, OUT_FAILED };
struct outbox_item {
    int64_t row; /* order of sending */
    uint64_t conv;
    char cid[65];
    enum outbox_state state;
    struct span frame; /* members of the request after conv and cid, raw */
    int64_t seq;       /* when stored */
    uint64_t id;
    int64_t queued; /* wall ms */
    char code[24];  /* failed: the server's code */
    int kind;       /* enum frame_kind: send, edit, delete, react */
};
/* -CF_EXISTS: this cid is there already (an idempotent retry): *item filled. */
int archive_outbox_add(struct archive *a, struct outbox_item *item);
int archive_outbox_set(struct archive *a, uint64_t conv, const char *cid,
                       enum outbox_state state, int64_t seq, uint64_t id,
                       const char *code);
int archive_outbox_get(struct archive *a, uint64_t conv, const char *cid,
                       struct outbox_item *out);
/* Those not stored and not failed, in order. */
int archive_outbox(struct archive *a,
                   bool (*fn)(void *ctx, const struct outbox_item *i),
                   void *ctx);

/* ---- names, settings, named cursors ---- */
int archive_user_put(struct archive *a, uint64_t user, const char *name,
                     const char *display);
/* 0, or -CF_NOT_FOUND. name[33]. */
int archive_user_name(struct archive *a, uint64_t user, char *name);
int archive_user_find(struct archive *a, const char *name, uint64_t *user);
int archive_set(struct archive *a, const char *key, const char *value);
int archive_get(struct archive *a, const char *key, char *value, size_t size);

#endif
