#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/memory_data.h"

static struct span hash_key(const uint8_t hash[TOKEN_HASH])
{
    return span_make(hash, TOKEN_HASH);
}

static void set_text(char *out, size_t size, const char *text)
{
    store_copy_text(out, size, text, text != NULL ? strlen(text) : 0);
}

static int live_devices(const struct memory_user *u)
{
    int n = 0;

    for (int i = 0; i < u->device_count; i++)
        n += !u->devices[i]->row.revoked;
    return n;
}

static int device_add(struct memory *m, struct memory_user *u,
                      struct store_op *op)
{
    struct memory_device *d;

    if (strmap_get(&m->tokens, hash_key(op->hash)) != NULL)
        return -CF_EXISTS;
    if (live_devices(u) >= LIMIT_DEVICES)
        return -CF_LIMIT;
    d = mem_alloc(sizeof(*d));
    d->row.user = u->row.user;
    d->row.dev = op->dev = ++u->last_dev;
    store_copy_text(d->row.name, sizeof(d->row.name), op->text.p, op->text.n);
    d->row.created = d->row.seen = op->now;
    memcpy(d->hash, op->hash, TOKEN_HASH);
    map_init(&d->acked);
    u->devices = mem_grow(u->devices, (size_t)u->device_count + 1,
                          sizeof(struct memory_device *));
    u->devices[u->device_count++] = d;
    strmap_put(&m->tokens, hash_key(d->hash), d);
    return 0;
}

static int user_add(struct memory *m, struct store_op *op)
{
    struct memory_user *u;
    bool device = !store_hash_is_zero(op->hash);

    if (op->name == NULL || op->name[0] == '\0' || op->user == 0)
        return -CF_INVALID;
    if (map_get(&m->users, op->user) != NULL ||
        map_get(&m->convs, op->user) != NULL ||
        strmap_get(&m->names, span_of(op->name)) != NULL)
        return -CF_EXISTS;
    if (device && strmap_get(&m->tokens, hash_key(op->hash)) != NULL)
        return -CF_EXISTS;
    u = mem_alloc(sizeof(*u));
    u->row.user = op->user;
    u->row.created = op->now;
    set_text(u->row.name, sizeof(u->row.name), op->name);
    set_text(u->row.display, sizeof(u->row.display), op->name);
    set_text(u->row.contact, sizeof(u->row.contact),
             op->contact != NULL ? op->contact : "open");
    set_text(u->row.pwhash, sizeof(u->row.pwhash), op->pwhash);
    map_put(&m->users, op->user, u);
    strmap_put(&m->names, span_of(op->name), u);
    return device ? device_add(m, u, op) : 0;
}

static int user_set(struct memory_user *u, struct store_op *op)
{
    if (op->has_text)
        store_copy_text(u->row.display, sizeof(u->row.display), op->text.p,
                        op->text.n);
    if (op->contact != NULL)
        set_text(u->row.contact, sizeof(u->row.contact), op->contact);
    if (op->pwhash != NULL)
        set_text(u->row.pwhash, sizeof(u->row.pwhash), op->pwhash);
    return 0;
}

static void device_drop(struct memory *m, struct memory_device *d)
{
    if (!d->row.revoked)
        strmap_remove(&m->tokens, hash_key(d->hash));
    d->row.revoked = true;
    map_release(&d->acked);
    map_init(&d->acked);
}

static void blank_entries_of(struct memory_conv *c, uint64_t user, int64_t now)
{
    for (int64_t i = 0; i < c->row.head; i++) {
        if (c->log[i].from == user || c->row.conv == user)
            memory_blank(c, i + 1, now);
    }
}

static int user_delete(struct memory *m, struct memory_user *u,
                       struct store_op *op)
{
    for (int i = 0; i < u->device_count; i++)
        device_drop(m, u->devices[i]);
    for (int i = 0; i < u->conv_count; i++)
        blank_entries_of(map_get(&m->convs, u->convs[i]), u->row.user, op->now);
    u->row.name[0] = u->row.display[0] = u->row.pwhash[0] = '\0';
    u->row.deleted = true;
    free(u->blocks);
    u->blocks = NULL;
    u->block_count = 0;
    return 0;
}

static int device_set(struct memory_user *u, struct store_op *op)
{
    struct memory_device *d = memory_device(u, op->dev);

    if (d == NULL || d->row.revoked)
        return -CF_NOT_FOUND;
    if (op->has_text)
        store_copy_text(d->row.name, sizeof(d->row.name), op->text.p,
                        op->text.n);
    if (op->now > d->row.seen)
        d->row.seen = op->now;
    return 0;
}

static int device_revoke(struct memory *m, struct store_op *op)
{
    struct memory_device *d;

    if (op->dev != 0)
        d = memory_device(memory_user_live(m, op->user), op->dev);
    else
        d = strmap_get(&m->tokens, hash_key(op->hash));
    if (d == NULL || d->row.revoked)
        return -CF_NOT_FOUND;
    op->user = d->row.user;
    op->dev = d->row.dev;
    device_drop(m, d);
    return 0;
}

static int block(struct memory *m, struct memory_user *u, struct store_op *op)
{
    int at = memory_search(u->blocks, u->block_count, op->other);
    bool is = at < u->block_count && u->blocks[at] == op->other;

    op->dup = is == op->on;
    if (op->dup)
        return 0;
    if (op->on) {
        if (memory_user_live(m, op->other) == NULL)
            return -CF_NOT_FOUND;
        if (u->block_count >= LIMIT_BLOCKS)
            return -CF_LIMIT;
        memory_insert(&u->blocks, &u->block_count, op->other);
        return 0;
    }
    memmove(u->blocks + at, u->blocks + at + 1,
            (size_t)(--u->block_count - at) * sizeof(*u->blocks));
    return 0;
}

static int invite_add(struct memory *m, struct store_op *op)
{
    struct memory_invite *i;

    if (strmap_get(&m->invites, hash_key(op->hash)) != NULL)
        return -CF_EXISTS;
    i = mem_alloc(sizeof(*i));
    i->expires = op->expires;
    strmap_put(&m->invites, hash_key(op->hash), i);
    return 0;
}

static int invite_use(struct memory *m, struct store_op *op)
{
    struct memory_invite *i = strmap_get(&m->invites, hash_key(op->hash));

    if (i == NULL)
        return -CF_NOT_FOUND;
    if (i->expires > 0 && i->expires <= op->now)
        return -CF_EXPIRED;
    strmap_remove(&m->invites, hash_key(op->hash));
    free(i);
    return 0;
}

static int audit(struct memory *m, struct store_op *op)
{
    m->audits =
        mem_grow(m->audits, (size_t)m->audit_count + 1, sizeof(*m->audits));
    m->audits[m->audit_count++] = op->audits[0];
    return 0;
}

static int reserve(struct memory *m, struct store_op *op)
{
    if (op->reserve > m->reserve)
        m->reserve = op->reserve;
    op->reserve = m->reserve;
    return 0;
}

/* Writes that change a user who must exist. */
static int write_of_user(struct memory *m, struct store_op *op)
{
    struct memory_user *u = memory_user_live(m, op->user);

    if (u == NULL)
        return -CF_NOT_FOUND;
    switch (op->verb) {
    case STORE_USER_SET:
        return user_set(u, op);
    case STORE_USER_DELETE:
        return user_delete(m, u, op);
    case STORE_DEVICE_ADD:
        return device_add(m, u, op);
    case STORE_DEVICE_SET:
        return device_set(u, op);
    default:
        return block(m, u, op);
    }
}

int memory_write_user(struct memory *m, struct store_op *op)
{
    switch (op->verb) {
    case STORE_USER_ADD:
        return user_add(m, op);
    case STORE_DEVICE_REVOKE:
        return device_revoke(m, op);
    case STORE_INVITE_ADD:
        return invite_add(m, op);
    case STORE_INVITE_USE:
        return invite_use(m, op);
    case STORE_AUDIT:
        return audit(m, op);
    case STORE_RESERVE:
        return reserve(m, op);
    default:
        return write_of_user(m, op);
    }
}
