/* encode.h - frames written straight into a buffer: no tree, numbers and ids
 * by hand, bodies copied as the validated bytes they came as. Each returns 0
 * or -CF_TOO_BIG with nothing appended. No LF is written: joining is the
 * transport's. Arguments of 0 (NULL, absent span) leave a member out. */
#ifndef PROTO_ENCODE_H
#define PROTO_ENCODE_H

#include "base/buf.h"
#include "proto/entry.h"
#include "proto/frame.h"

/* ---- from the server ---- */
struct welcome {
    uint64_t user;
    uint32_t dev;
    int node;
    const char *store;
    int64_t lease, now;
    const char *durability;
    int64_t live_members; /* other limits come from limits.h */
};
int enc_welcome(struct buf *b, int64_t re, const struct welcome *w);
int enc_hb(struct buf *b, int64_t re, int64_t now);
int enc_sent(struct buf *b, int64_t re, uint64_t conv, struct span cid,
             int64_t seq, uint64_t id, int64_t ts, bool dup);
/* own: with cid. bare: the members of a batch element ({"seq":..} without t
 * and conv). */
int enc_entry(struct buf *b, const struct entry *e, bool own);
int enc_entry_bare(struct buf *b, const struct entry *e, bool own);
/* batch: open, then elements separated by ',' with enc_entry_bare, then
 * close. re 0: pushed. */
int enc_batch_open(struct buf *b, int64_t re, uint64_t conv);
int enc_batch_close(struct buf *b, int64_t from, int64_t to, int64_t head,
                    bool more);
int enc_synced(struct buf *b, const struct mark *more, int count);
int enc_gap(struct buf *b, uint64_t conv, int64_t from, int64_t to,
            const char *why);
/* user's marks in conv; or (user 0) counts for one seq of a group. */
int enc_receipt(struct buf *b, uint64_t conv, uint64_t user, int64_t delivered,
                int64_t read);
int enc_receipt_counts(struct buf *b, uint64_t conv, int64_t seq,
                       int64_t delivered_n, int64_t read_n);
int enc_presence(struct buf *b, int64_t re, const struct presence_row *rows,
                 int count);
int enc_head(struct buf *b, uint64_t conv, int64_t seq, int64_t mentions);
int enc_typing_push(struct buf *b, uint64_t conv, uint64_t user, bool on);
/* members: raw JSON members to follow ("\"conv\":\"c5\""), or absent. */
int enc_ok(struct buf *b, int64_t re, struct span members);
/* code: one of the protocol's; temp is looked up. retry ms, 0: none.
 * seq: for cid_conflict, 0: none. */
int enc_err(struct buf *b, int64_t re, const char *code, int64_t retry,
            int64_t seq, const char *msg);
int enc_bye(struct buf *b, int code, int64_t retry_min, int64_t retry_max,
            const char *why);
/* Is this code a temporary one? */
bool err_is_temporary(const char *code);
/* The protocol's code for a CF_* result ("busy", "not_found", ...). */
const char *err_code_of(int cf);

/* ---- from the client ---- */
struct hello {
    uint32_t dev;
    const char *token;
    const char *ua;
    int64_t win_entries, win_bytes; /* 0: server's default */
    const struct mark *last_seen;
    int last_seen_count;
    bool strict;
};
int enc_hello(struct buf *b, int64_t n, const struct hello *h);
int enc_hb_act(struct buf *b, int64_t n, bool act);
struct send {
    uint64_t conv;
    struct span cid;
    struct span body;      /* raw JSON object */
    int64_t thread, reply; /* seq */
    struct span mention;   /* raw JSON array, or absent */
    int64_t ttl;           /* ms */
};
int enc_send(struct buf *b, int64_t n, const struct send *s);
int enc_edit(struct buf *b, int64_t n, uint64_t conv, int64_t seq,
             struct span cid, struct span body);
int enc_delete(struct buf *b, int64_t n, uint64_t conv, int64_t seq,
               struct span cid);
int enc_react(struct buf *b, int64_t n, uint64_t conv, int64_t seq,
              struct span cid, struct span emoji, bool on);
int enc_ack(struct buf *b, const struct mark *marks, int count);
int enc_read(struct buf *b, const struct mark *marks, int count);
int enc_typing(struct buf *b, uint64_t conv, bool on);
int enc_view(struct buf *b, int64_t n, const uint64_t *convs, int nconvs,
             const uint64_t *users, int nusers);
int enc_history(struct buf *b, int64_t n, uint64_t conv, int64_t before,
                int64_t after, int64_t limit, int64_t thread);
int enc_fence(struct buf *b, int64_t n, const uint64_t *convs, int count);
/* Any request: kind name and raw members. */
int enc_request(struct buf *b, int64_t n, enum frame_kind kind,
                struct span members);

/* Pieces for raw members: "key":"text" with escapes, "key":"u5", "key":5;
 * a comma is put before when the buffer is not empty and does not end in
 * '{' or '['. */
int enc_member_text(struct buf *b, const char *key, struct span text);
int enc_member_id(struct buf *b, const char *key, char prefix, uint64_t id);
int enc_member_int(struct buf *b, const char *key, int64_t v);
int enc_member_bool(struct buf *b, const char *key, bool v);
int enc_member_raw(struct buf *b, const char *key, struct span json);

#endif
