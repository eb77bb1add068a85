/* memory_data.h - the memory backend's tables; for memory*.c only. */
#ifndef STORE_MEMORY_DATA_H
#define STORE_MEMORY_DATA_H

#include "base/map.h"
#include "store/store_backend.h"
#include "store/store_memory.h"

/* What is kept beside entry i of a log. */
struct memory_meta {
    uint64_t hash;
    int64_t gone; /* ms when the body was blanked */
};

struct memory_conv {
    struct conv_row row;
    struct entry *log; /* index i holds seq i + 1; owns its spans */
    struct memory_meta *meta;
    int cap;
    struct strmap keys;          /* sender and cid -> seq */
    struct membership **members; /* by user; also those who left */
    int member_count, member_cap;
};

struct memory_device {
    struct device_row row;
    uint8_t hash[TOKEN_HASH];
    struct map acked; /* conv -> mark */
};

struct memory_user {
    struct user_row row;
    uint32_t last_dev;
    struct memory_device **devices; /* rising, also revoked ones */
    int device_count;
    uint64_t *blocks; /* rising */
    int block_count;
    uint64_t *convs; /* rising: all ever joined */
    int conv_count;
};

struct memory_invite {
    int64_t expires;
};

struct memory {
    struct map convs, users;
    uint64_t *conv_order;
    struct strmap names;   /* -> user, also of deleted ones */
    struct strmap tokens;  /* hash -> device */
    struct strmap invites; /* hash -> invite */
    struct strmap directs; /* pair and mode -> conv */
    struct strmap creates; /* creator and cid -> conv */
    struct audit_row *audits;
    int audit_count;
    int64_t reserve;
    int64_t commits, rows;
    bool no_dedupe;
};

void memory_init(struct memory *m);
void memory_release(struct memory *m);

struct memory_conv *memory_conv_new(struct memory *m, uint64_t conv);
struct memory_user *memory_user_live(const struct memory *m, uint64_t user);
struct membership *memory_member(const struct memory_conv *c, uint64_t user);
struct memory_device *memory_device(const struct memory_user *u, uint32_t dev);
/* Where value is in the rising array, or would go. */
int memory_search(const uint64_t *values, int count, uint64_t value);
void memory_insert(uint64_t **values, int *count, uint64_t value);

/* Copy e with its bytes to the end of the log; seq is the new head. */
struct entry *memory_log_add(struct memory_conv *c, const struct entry *e);
void memory_blank(struct memory_conv *c, int64_t seq, int64_t now);
/* Put the roster changes of the entry at seq into effect. */
void memory_change_roster(struct memory *m, struct memory_conv *c,
                          const struct store_op *op, int64_t seq);

/* A key of numbers and bytes; valid until the next call with the same box. */
struct memory_key {
    char bytes[24 + LIMIT_CID];
};
struct span memory_key(struct memory_key *k, uint64_t a, uint64_t b,
                       struct span c);

/* Carry out one operation on the tables. */
int memory_write(struct memory *m, struct store_op *op);
int memory_write_user(struct memory *m, struct store_op *op);
int memory_read(struct memory *m, struct store_op *op);
int memory_convs_of(struct memory *m, struct store_op *op);
int memory_read_user(struct memory *m, struct store_op *op);
int memory_export(struct memory *m, struct store_op *op);

#endif
