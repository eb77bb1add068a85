#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/memory_data.h"

/* Step 1 of a write with a cid: the same thing said twice is one entry.
 * True: op is answered with *rc. */
static bool find_duplicate(struct memory *m, struct memory_conv *c,
                           struct store_op *op, int *rc)
{
    struct memory_key key;
    struct entry *e = &op->entry;
    uintptr_t seq;

    if (c == NULL || e->cid.p == NULL || m->no_dedupe)
        return false;
    seq = (uintptr_t)strmap_get(&c->keys, memory_key(&key, e->from, 0, e->cid));
    if (seq == 0)
        return false;
    e->seq = (int64_t)seq;
    if (c->meta[seq - 1].hash != store_entry_hash(e)) {
        *rc = -CF_CONFLICT;
        return true;
    }
    e->id = c->log[seq - 1].id;
    e->ts = c->log[seq - 1].ts;
    op->dup = true;
    *rc = 0;
    return true;
}

/* The target of an edit, deletion or reaction. */
static int check_target(const struct memory_conv *c, const struct store_op *op)
{
    const struct entry *e = &op->entry, *target;

    if (e->kind != ENTRY_EDIT && e->kind != ENTRY_DELETE &&
        e->kind != ENTRY_REACT)
        return 0;
    if (e->of < 1 || e->of > c->row.head)
        return -CF_NOT_FOUND;
    target = &c->log[e->of - 1];
    if (target->kind != ENTRY_MSG || target->deleted)
        return -CF_NOT_FOUND;
    if (e->kind != ENTRY_REACT && target->from != e->from && !op->may_delete)
        return -CF_DENIED;
    return 0;
}

static int write_append(struct memory *m, struct store_op *op)
{
    struct memory_conv *c = map_get(&m->convs, op->conv);
    int rc = 0;

    if (find_duplicate(m, c, op, &rc))
        return rc;
    if (op->refuse != 0)
        return op->refuse;
    if (c == NULL)
        return -CF_NOT_FOUND;
    if (op->term != c->row.term || op->entry.id <= c->row.last_id)
        return -CF_STALE;
    rc = check_target(c, op);
    if (rc < 0)
        return rc;
    op->entry.seq = memory_log_add(c, &op->entry)->seq;
    memory_change_roster(m, c, op, op->entry.seq);
    if (op->entry.kind == ENTRY_DELETE)
        memory_blank(c, op->entry.of, op->entry.ts);
    if (op->entry.kind == ENTRY_TITLE && op->has_text)
        store_copy_text(c->row.title, sizeof(c->row.title), op->text.p,
                        op->text.n);
    if (op->change_count > 0 || op->entry.kind == ENTRY_TITLE)
        op->row = c->row;
    return 0;
}

static int write_open(struct memory *m, struct store_op *op)
{
    struct memory_conv *c = map_get(&m->convs, op->conv);
    struct roster_change owner = {.user = op->conv, .role = ROLE_OWNER};

    if (c == NULL && memory_user_live(m, op->conv) != NULL) {
        struct store_op self = {.changes = &owner, .change_count = 1};

        c = memory_conv_new(m, op->conv);
        c->row.kind = CONV_SELF;
        c->row.mode = MODE_OPEN;
        c->row.created = op->now;
        memory_change_roster(m, c, &self, 1);
    }
    if (c == NULL)
        return -CF_NOT_FOUND;
    c->row.term++;
    op->row = c->row;
    op->term = c->row.term;
    return 0;
}

/* The conversation that this creation made before, or NULL. */
static struct memory_conv *find_created(struct memory *m, struct store_op *op,
                                        struct span pair, struct span creation)
{
    uintptr_t conv = 0;

    if (op->kind == CONV_DIRECT)
        conv = (uintptr_t)strmap_get(&m->directs, pair);
    else if (op->entry.cid.p != NULL && !m->no_dedupe)
        conv = (uintptr_t)strmap_get(&m->creates, creation);
    return conv != 0 ? map_get(&m->convs, conv) : NULL;
}

static int created_before(struct memory_conv *c, struct store_op *op)
{
    op->conv = c->row.conv;
    op->row = c->row;
    op->entry.seq = 1;
    if (op->kind != CONV_DIRECT &&
        c->meta[0].hash != store_entry_hash(&op->entry))
        return -CF_CONFLICT;
    op->entry.id = c->log[0].id;
    op->entry.ts = c->log[0].ts;
    op->dup = true;
    return 0;
}

static int write_create(struct memory *m, struct store_op *op)
{
    struct memory_key pair_key, create_key;
    uint64_t pair[2];
    struct span by_pair, by_cid;
    struct memory_conv *c;
    char mode = (char)op->mode;

    store_pair(op, pair);
    by_pair = memory_key(&pair_key, pair[0], pair[1], span_make(&mode, 1));
    by_cid = memory_key(&create_key, op->entry.from, 0, op->entry.cid);
    c = find_created(m, op, by_pair, by_cid);
    if (c != NULL)
        return created_before(c, op);
    if (op->refuse != 0)
        return op->refuse;
    if (map_get(&m->convs, op->conv) != NULL)
        return -CF_EXISTS;
    c = memory_conv_new(m, op->conv);
    c->row.kind = op->kind;
    c->row.mode = op->mode;
    c->row.term = 1;
    c->row.created = op->now;
    store_copy_text(c->row.title, sizeof(c->row.title), op->text.p, op->text.n);
    op->entry.conv = op->conv;
    op->entry.seq = memory_log_add(c, &op->entry)->seq;
    memory_change_roster(m, c, op, 1);
    if (op->kind == CONV_DIRECT) {
        memcpy(c->row.pair, pair, sizeof(pair));
        strmap_put(&m->directs, by_pair, (void *)(uintptr_t)op->conv);
    } else if (op->entry.cid.p != NULL) {
        strmap_put(&m->creates, by_cid, (void *)(uintptr_t)op->conv);
    }
    op->row = c->row;
    return 0;
}

static bool raise_to(int64_t *mark, int64_t value)
{
    if (value <= *mark)
        return false;
    *mark = value;
    return true;
}

static void raise_device(struct memory *m, struct mark_row *r, int64_t acked)
{
    struct memory_user *u = memory_user_live(m, r->user);
    struct memory_device *d = memory_device(u, r->dev);
    int64_t now;

    if (d == NULL || d->row.revoked)
        return;
    now = (int64_t)(uintptr_t)map_get(&d->acked, r->conv);
    if (raise_to(&now, acked)) {
        map_put(&d->acked, r->conv, (void *)(uintptr_t)now);
        r->moved = true;
    }
}

static void raise_marks(struct memory *m, struct mark_row *r)
{
    struct memory_conv *c = map_get(&m->convs, r->conv);
    struct membership *mb = c != NULL ? memory_member(c, r->user) : NULL;
    int64_t top, acked, read;

    r->moved = false;
    r->delivered_now = r->read_now = 0;
    if (mb == NULL)
        return;
    top = store_mark_top(c->row.head, mb->left);
    read = r->read < top ? r->read : top;
    acked = r->acked < top ? r->acked : top;
    if (acked < read)
        acked = read;
    if (raise_to(&mb->delivered, acked))
        r->moved = true;
    if (raise_to(&mb->read, read))
        r->moved = true;
    if (r->dev != 0 && acked > 0)
        raise_device(m, r, acked);
    r->delivered_now = mb->delivered;
    r->read_now = mb->read;
}

static void expire_conv(struct memory_conv *c, struct store_op *op)
{
    const int64_t keep = INT64_C(86400000) * LIMIT_CID_DAYS;
    struct memory_key key;

    for (int64_t i = 0; i < c->row.head; i++) {
        struct entry *e = &c->log[i];
        int64_t gone = c->meta[i].gone;

        if (!e->deleted && e->expires > 0 && e->expires <= op->now) {
            memory_blank(c, i + 1, op->now);
            op->stats[0]++;
        }
        if (gone > 0 && gone <= op->now - keep && e->cid.p != NULL) {
            strmap_remove(&c->keys, memory_key(&key, e->from, 0, e->cid));
            free((void *)e->cid.p);
            e->cid = (struct span){NULL, 0};
            op->stats[1]++;
        }
    }
}

static int write_expire(struct memory *m, struct store_op *op)
{
    op->stats[0] = op->stats[1] = 0;
    for (uint32_t i = 0; i < m->convs.len; i++)
        expire_conv(m->convs.entries[i].value, op);
    return 0;
}

int memory_write(struct memory *m, struct store_op *op)
{
    switch (op->verb) {
    case STORE_OPEN:
        return write_open(m, op);
    case STORE_CREATE:
        return write_create(m, op);
    case STORE_APPEND:
        return write_append(m, op);
    case STORE_EXPIRE:
        return write_expire(m, op);
    case STORE_MARKS:
        for (int i = 0; i < op->mark_count; i++)
            raise_marks(m, &op->marks[i]);
        return 0;
    default:
        return memory_write_user(m, op);
    }
}
