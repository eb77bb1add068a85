#include <stdlib.h>
#include <string.h>

#include "store/memory_data.h"

/* Copy e with its bytes into op->out; spans are offsets. */
static int put_entry(struct store_op *op, struct entry *to,
                     const struct entry *e)
{
    int rc;

    *to = *e;
    rc = store_out_bytes(op, &to->cid, e->cid.p, e->cid.n);
    if (rc == 0)
        rc = store_out_bytes(op, &to->body, e->body.p, e->body.n);
    if (rc == 0)
        rc = store_out_bytes(op, &to->mention, e->mention.p, e->mention.n);
    return rc;
}

static bool wanted(const struct store_op *op, const struct entry *e)
{
    return op->thread == 0 || e->thread == op->thread;
}

static void reverse(struct entry *items, int n)
{
    for (int i = 0; i < n / 2; i++) {
        struct entry e = items[i];

        items[i] = items[n - 1 - i];
        items[n - 1 - i] = e;
    }
}

static int read_page(struct memory *m, struct store_op *op)
{
    struct memory_conv *c = map_get(&m->convs, op->conv);
    struct store_rows rows = {0};
    int64_t low = op->after + 1, high, step = op->forward ? 1 : -1;
    size_t size = 0;
    int rc = 0;

    op->cut = false;
    if (c == NULL)
        return 0;
    high = op->before > 0 && op->before <= c->row.head ? op->before - 1
                                                       : c->row.head;
    for (int64_t seq = op->forward ? low : high;
         rc == 0 && seq >= low && seq <= high && rows.count < op->limit;
         seq += step) {
        const struct entry *e = &c->log[seq - 1];

        if (!wanted(op, e))
            continue;
        size += store_entry_size(e);
        op->cut = rows.count > 0 && op->max_bytes > 0 && size > op->max_bytes;
        if (op->cut)
            break;
        rc = put_entry(op, store_rows_add(&rows, sizeof(*e)), e);
    }
    if (!op->forward)
        reverse(rows.items, rows.count);
    if (rc == 0)
        rc = store_out_entries(op, rows.items, rows.count);
    store_rows_release(&rows);
    return rc;
}

static int read_entry(struct memory *m, struct store_op *op, int64_t seq)
{
    struct memory_conv *c = map_get(&m->convs, op->conv);
    int rc;

    if (c == NULL || seq < 1 || seq > c->row.head)
        return -CF_NOT_FOUND;
    rc = put_entry(op, &op->entry, &c->log[seq - 1]);
    if (rc == 0)
        store_out_entry(op, &op->entry);
    return rc;
}

static int read_cid(struct memory *m, struct store_op *op)
{
    struct memory_conv *c = map_get(&m->convs, op->conv);
    struct memory_key key;

    if (c == NULL)
        return -CF_NOT_FOUND;
    return read_entry(
        m, op,
        (int64_t)(uintptr_t)strmap_get(
            &c->keys, memory_key(&key, op->user, 0, op->entry.cid)));
}

static int read_heads(struct memory *m, struct store_op *op)
{
    for (int i = 0; i < op->mark_count; i++) {
        struct memory_conv *c = map_get(&m->convs, op->marks[i].conv);

        op->marks[i].acked = c != NULL ? c->row.head : 0;
    }
    return 0;
}

static int read_conv(struct memory *m, struct store_op *op)
{
    struct memory_conv *c = map_get(&m->convs, op->conv);

    if (c == NULL)
        return -CF_NOT_FOUND;
    op->row = c->row;
    return 0;
}

/* The membership with all that CONVS_OF and MEMBER say about it. */
static void fill_member(struct memory *m, const struct store_op *op,
                        const struct memory_conv *c,
                        const struct membership *from, struct membership *to)
{
    struct memory_user *u = map_get(&m->users, from->user);
    struct memory_device *d = memory_device(u, op->dev);
    uintptr_t acked =
        d != NULL ? (uintptr_t)map_get(&d->acked, c->row.conv) : 0;
    uint64_t other =
        c->row.pair[0] == from->user ? c->row.pair[1] : c->row.pair[0];
    struct membership *peer =
        c->row.kind == CONV_DIRECT ? memory_member(c, other) : NULL;

    *to = *from;
    to->c = c->row;
    to->acked = acked != 0 ? (int64_t)acked : -1;
    if (peer != NULL) {
        to->peer_delivered = peer->delivered;
        to->peer_read = peer->read;
    }
}

static int put_members(struct store_op *op, struct store_rows *rows)
{
    op->members = store_out_array(
        op, rows->items, (size_t)rows->count * sizeof(struct membership));
    op->member_count = op->members != NULL ? rows->count : 0;
    store_rows_release(rows);
    return op->members != NULL || op->member_count == 0 ? 0 : -CF_TOO_BIG;
}

static int list_limit(const struct store_op *op)
{
    return op->limit > 0 ? op->limit : STORE_LIST_DEFAULT;
}

int memory_convs_of(struct memory *m, struct store_op *op)
{
    struct memory_user *u = map_get(&m->users, op->user);
    struct store_rows rows = {0};
    int at;

    if (u == NULL)
        return 0;
    at = memory_search(u->convs, u->conv_count, op->conv + 1);
    for (; at < u->conv_count && rows.count < list_limit(op); at++) {
        struct memory_conv *c = map_get(&m->convs, u->convs[at]);

        if (c->row.kind == CONV_SELF && c->row.head == 0)
            continue;
        fill_member(m, op, c, memory_member(c, op->user),
                    store_rows_add(&rows, sizeof(struct membership)));
    }
    return put_members(op, &rows);
}

static int read_roster(struct memory *m, struct store_op *op)
{
    struct memory_conv *c = map_get(&m->convs, op->conv);
    struct store_rows rows = {0};

    if (c == NULL)
        return -CF_NOT_FOUND;
    for (int i = 0; i < c->member_count && rows.count < list_limit(op); i++) {
        struct membership *to;

        if (c->members[i]->user <= op->other ||
            c->members[i]->role == ROLE_NONE)
            continue;
        to = store_rows_add(&rows, sizeof(*to));
        *to = *c->members[i];
    }
    return put_members(op, &rows);
}

static int read_member(struct memory *m, struct store_op *op)
{
    struct memory_conv *c = map_get(&m->convs, op->conv);
    struct membership *mb = c != NULL ? memory_member(c, op->user) : NULL;
    struct store_rows rows = {0};

    if (mb == NULL)
        return -CF_NOT_FOUND;
    fill_member(m, op, c, mb, store_rows_add(&rows, sizeof(*mb)));
    return put_members(op, &rows);
}

int memory_read(struct memory *m, struct store_op *op)
{
    switch (op->verb) {
    case STORE_PAGE:
        return read_page(m, op);
    case STORE_ENTRY:
        return read_entry(m, op, op->entry.seq);
    case STORE_CID:
        return read_cid(m, op);
    case STORE_HEADS:
        return read_heads(m, op);
    case STORE_CONV:
        return read_conv(m, op);
    case STORE_CONVS_OF:
        return memory_convs_of(m, op);
    case STORE_ROSTER:
        return read_roster(m, op);
    case STORE_MEMBER:
        return read_member(m, op);
    default:
        return memory_read_user(m, op);
    }
}
