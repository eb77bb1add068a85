#include <stdlib.h>
#include <string.h>

#include "store/memory_data.h"

static int put_users(struct store_op *op, struct store_rows *rows)
{
    op->users = store_out_array(op, rows->items,
                                (size_t)rows->count * sizeof(struct user_row));
    op->user_count = op->users != NULL ? rows->count : 0;
    store_rows_release(rows);
    return op->users != NULL || op->user_count == 0 ? 0 : -CF_TOO_BIG;
}

static void add_user(struct store_rows *rows, const struct memory_user *u)
{
    struct user_row *to = store_rows_add(rows, sizeof(*to));

    *to = u->row;
}

static int read_user(struct memory *m, struct store_op *op)
{
    struct store_rows rows = {0};
    struct memory_user *u;

    if (op->user != 0)
        u = map_get(&m->users, op->user);
    else
        u = strmap_get(&m->names, span_of(op->name));
    if (u == NULL || (op->user == 0 && u->row.deleted))
        return -CF_NOT_FOUND;
    add_user(&rows, u);
    return put_users(op, &rows);
}

static int read_users(struct memory *m, struct store_op *op)
{
    struct store_rows rows = {0};

    for (int i = 0; i < op->id_count; i++) {
        struct memory_user *u = map_get(&m->users, op->ids[i]);

        if (u != NULL)
            add_user(&rows, u);
    }
    return put_users(op, &rows);
}

static int read_devices(struct memory *m, struct store_op *op)
{
    struct memory_user *u = memory_user_live(m, op->user);
    struct store_rows rows = {0};

    for (int i = 0; u != NULL && i < u->device_count; i++) {
        struct device_row *to;

        if (u->devices[i]->row.revoked)
            continue;
        to = store_rows_add(&rows, sizeof(*to));
        *to = u->devices[i]->row;
    }
    op->devices = store_out_array(
        op, rows.items, (size_t)rows.count * sizeof(struct device_row));
    op->device_count = op->devices != NULL ? rows.count : 0;
    store_rows_release(&rows);
    return 0;
}

static int read_token(struct memory *m, struct store_op *op)
{
    struct memory_device *d =
        strmap_get(&m->tokens, span_make(op->hash, TOKEN_HASH));

    if (d == NULL)
        return -CF_NOT_FOUND;
    op->user = d->row.user;
    op->dev = d->row.dev;
    return op->limit > 0 ? memory_convs_of(m, op) : 0;
}

static int read_blocks(struct memory *m, struct store_op *op)
{
    struct memory_user *u = memory_user_live(m, op->user);
    int n = u != NULL ? u->block_count : 0;

    op->blocks = store_out_array(op, n > 0 ? u->blocks : NULL,
                                 (size_t)n * sizeof(uint64_t));
    op->block_count = op->blocks != NULL ? n : 0;
    return 0;
}

static bool blocks(const struct memory_user *u, uint64_t other)
{
    int at;

    if (u == NULL)
        return false;
    at = memory_search(u->blocks, u->block_count, other);
    return at < u->block_count && u->blocks[at] == other;
}

static bool has_said(struct memory *m, uint64_t conv, uint64_t user)
{
    struct memory_conv *c = conv != 0 ? map_get(&m->convs, conv) : NULL;

    for (int64_t i = 0; c != NULL && i < c->row.head; i++) {
        if (c->log[i].from == user && c->log[i].kind == ENTRY_MSG)
            return true;
    }
    return false;
}

static int read_pair(struct memory *m, struct store_op *op)
{
    struct memory_user *u = memory_user_live(m, op->user);
    struct memory_user *other = memory_user_live(m, op->other);
    struct store_rows rows = {0};

    if (other == NULL)
        return -CF_NOT_FOUND;
    op->blocks_other = blocks(u, op->other);
    op->blocked_by_other = blocks(other, op->user);
    op->user_sent = has_said(m, op->conv, op->user);
    op->other_sent = has_said(m, op->conv, op->other);
    add_user(&rows, other);
    return put_users(op, &rows);
}

static bool is_member(struct memory *m, uint64_t conv, uint64_t user)
{
    struct membership *mb = memory_member(map_get(&m->convs, conv), user);

    return mb != NULL && mb->role != ROLE_NONE;
}

static bool visible(struct memory *m, const struct memory_user *u,
                    uint64_t other)
{
    if (blocks(memory_user_live(m, other), u->row.user))
        return false;
    for (int i = 0; i < u->conv_count; i++) {
        if (is_member(m, u->convs[i], u->row.user) &&
            is_member(m, u->convs[i], other))
            return true;
    }
    return false;
}

static int read_visible(struct memory *m, struct store_op *op)
{
    struct memory_user *u = memory_user_live(m, op->user);
    struct store_rows rows = {0};

    for (int i = 0; u != NULL && i < op->id_count; i++) {
        if (visible(m, u, op->ids[i]))
            *(uint64_t *)store_rows_add(&rows, sizeof(uint64_t)) = op->ids[i];
    }
    op->blocks =
        store_out_array(op, rows.items, (size_t)rows.count * sizeof(uint64_t));
    op->block_count = op->blocks != NULL ? rows.count : 0;
    store_rows_release(&rows);
    return 0;
}

static int read_audit(struct memory *m, struct store_op *op)
{
    int limit = op->limit > 0 ? op->limit : STORE_LIST_DEFAULT;
    int n = m->audit_count < limit ? m->audit_count : limit;

    op->audits =
        store_out_array(op, n > 0 ? m->audits + (m->audit_count - n) : NULL,
                        (size_t)n * sizeof(struct audit_row));
    op->audit_count = op->audits != NULL ? n : 0;
    return 0;
}

static int read_stats(struct memory *m, struct store_op *op)
{
    memset(op->stats, 0, sizeof(op->stats));
    for (uint32_t i = 0; i < m->users.len; i++) {
        struct memory_user *u = m->users.entries[i].value;

        op->stats[0] += !u->row.deleted;
        for (int d = 0; d < u->device_count; d++)
            op->stats[4] += !u->devices[d]->row.revoked;
    }
    op->stats[1] = m->convs.len;
    for (uint32_t i = 0; i < m->convs.len; i++) {
        struct memory_conv *c = m->convs.entries[i].value;

        op->stats[2] += c->row.head;
        for (int64_t e = 0; e < c->row.head; e++)
            op->stats[3] += (int64_t)store_entry_size(&c->log[e]);
    }
    op->stats[6] = m->commits;
    op->stats[7] = m->rows;
    return 0;
}

int memory_read_user(struct memory *m, struct store_op *op)
{
    switch (op->verb) {
    case STORE_USER:
        return read_user(m, op);
    case STORE_USERS:
        return read_users(m, op);
    case STORE_DEVICES:
        return read_devices(m, op);
    case STORE_TOKEN:
        return read_token(m, op);
    case STORE_BLOCKS:
        return read_blocks(m, op);
    case STORE_PAIR:
        return read_pair(m, op);
    case STORE_VISIBLE:
        return read_visible(m, op);
    case STORE_AUDIT_READ:
        return read_audit(m, op);
    case STORE_EXPORT:
        return memory_export(m, op);
    case STORE_STATS:
        return read_stats(m, op);
    default:
        return -CF_INVALID;
    }
}
