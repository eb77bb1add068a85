#include "store/memory_data.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void memory_init(struct memory *m)
{
    memset(m, 0, sizeof(*m));
    map_init(&m->convs);
    map_init(&m->users);
    strmap_init(&m->names);
    strmap_init(&m->tokens);
    strmap_init(&m->invites);
    strmap_init(&m->directs);
    strmap_init(&m->creates);
}

static void entry_release(struct entry *e)
{
    free((void *)e->cid.p);
    free((void *)e->body.p);
    free((void *)e->mention.p);
}

static void conv_free(struct memory_conv *c)
{
    for (int64_t i = 0; i < c->row.head; i++)
        entry_release(&c->log[i]);
    for (int i = 0; i < c->member_count; i++)
        free(c->members[i]);
    free(c->members);
    free(c->log);
    free(c->meta);
    strmap_release(&c->keys);
    free(c);
}

static void user_free(struct memory_user *u)
{
    for (int i = 0; i < u->device_count; i++) {
        map_release(&u->devices[i]->acked);
        free(u->devices[i]);
    }
    free(u->devices);
    free(u->blocks);
    free(u->convs);
    free(u);
}

void memory_release(struct memory *m)
{
    for (uint32_t i = 0; i < m->convs.len; i++)
        conv_free(m->convs.entries[i].value);
    for (uint32_t i = 0; i < m->users.len; i++)
        user_free(m->users.entries[i].value);
    for (uint32_t i = 0; i < m->invites.len; i++)
        free(m->invites.entries[i].value);
    map_release(&m->convs);
    map_release(&m->users);
    strmap_release(&m->names);
    strmap_release(&m->tokens);
    strmap_release(&m->invites);
    strmap_release(&m->directs);
    strmap_release(&m->creates);
    free(m->conv_order);
    free(m->audits);
}

struct memory_conv *memory_conv_new(struct memory *m, uint64_t conv)
{
    struct memory_conv *c = mem_alloc(sizeof(*c));
    int n = (int)m->convs.len;

    c->row.conv = conv;
    strmap_init(&c->keys);
    map_put(&m->convs, conv, c);
    m->conv_order =
        mem_grow(m->conv_order, (size_t)n + 1, sizeof(*m->conv_order));
    m->conv_order[n] = conv;
    return c;
}

struct memory_user *memory_user_live(const struct memory *m, uint64_t user)
{
    struct memory_user *u = map_get(&m->users, user);

    return u != NULL && !u->row.deleted ? u : NULL;
}

struct memory_device *memory_device(const struct memory_user *u, uint32_t dev)
{
    for (int i = 0; u != NULL && i < u->device_count; i++) {
        if (u->devices[i]->row.dev == dev)
            return u->devices[i];
    }
    return NULL;
}

int memory_search(const uint64_t *values, int count, uint64_t value)
{
    int low = 0, high = count;

    while (low < high) {
        int mid = low + (high - low) / 2;

        if (values[mid] < value)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

void memory_insert(uint64_t **values, int *count, uint64_t value)
{
    int at = memory_search(*values, *count, value);

    if (at < *count && (*values)[at] == value)
        return;
    *values = mem_grow(*values, (size_t)*count + 1, sizeof(**values));
    memmove(*values + at + 1, *values + at,
            (size_t)(*count - at) * sizeof(**values));
    (*values)[at] = value;
    (*count)++;
}

/* ---- members ---- */

static int member_search(const struct memory_conv *c, uint64_t user)
{
    int low = 0, high = c->member_count;

    while (low < high) {
        int mid = low + (high - low) / 2;

        if (c->members[mid]->user < user)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct membership *memory_member(const struct memory_conv *c, uint64_t user)
{
    int at = member_search(c, user);

    if (at < c->member_count && c->members[at]->user == user)
        return c->members[at];
    return NULL;
}

static struct membership *member_new(struct memory *m, struct memory_conv *c,
                                     uint64_t user)
{
    int at = member_search(c, user);
    struct membership *mb = mem_alloc(sizeof(*mb));
    struct memory_user *u = map_get(&m->users, user);

    if (c->member_count == c->member_cap) {
        c->member_cap = c->member_cap > 0 ? c->member_cap * 2 : 4;
        c->members = mem_grow(c->members, (size_t)c->member_cap,
                              sizeof(struct membership *));
    }
    memmove(c->members + at + 1, c->members + at,
            (size_t)(c->member_count - at) * sizeof(struct membership *));
    c->members[at] = mb;
    c->member_count++;
    mb->conv = c->row.conv;
    mb->user = user;
    mb->acked = -1;
    if (u != NULL)
        memory_insert(&u->convs, &u->conv_count, c->row.conv);
    return mb;
}

static void change_one(struct memory *m, struct memory_conv *c,
                       const struct roster_change *change, int64_t seq)
{
    struct membership *mb = memory_member(c, change->user);
    bool was_live = mb != NULL && mb->role != ROLE_NONE;

    if (change->role == ROLE_NONE) {
        if (!was_live)
            return;
        mb->role = ROLE_NONE;
        mb->left = seq;
        c->row.members--;
        return;
    }
    if (mb == NULL)
        mb = member_new(m, c, change->user);
    mb->role = change->role;
    if (was_live)
        return;
    mb->join = seq;
    mb->left = 0;
    c->row.members++;
}

void memory_change_roster(struct memory *m, struct memory_conv *c,
                          const struct store_op *op, int64_t seq)
{
    for (int i = 0; i < op->change_count; i++)
        change_one(m, c, &op->changes[i], seq);
    if (op->change_count > 0)
        c->row.epoch++;
}

/* ---- the log ---- */

static struct span span_copy(struct span s)
{
    if (s.p == NULL)
        return s;
    return span_make(mem_text_n(s.p, s.n), s.n);
}

struct entry *memory_log_add(struct memory_conv *c, const struct entry *e)
{
    struct memory_key key;
    struct entry *mine;
    int at = (int)c->row.head;

    if (at == c->cap) {
        c->cap = c->cap > 0 ? c->cap * 2 : 8;
        c->log = mem_grow(c->log, (size_t)c->cap, sizeof(*c->log));
        c->meta = mem_grow(c->meta, (size_t)c->cap, sizeof(*c->meta));
    }
    mine = &c->log[at];
    *mine = *e;
    mine->conv = c->row.conv;
    mine->seq = ++c->row.head;
    mine->cid = span_copy(e->cid);
    mine->body = span_copy(e->body);
    mine->mention = span_copy(e->mention);
    c->meta[at] = (struct memory_meta){.hash = store_entry_hash(e)};
    c->row.last_id = e->id;
    if (e->cid.p != NULL)
        strmap_put(&c->keys, memory_key(&key, e->from, 0, e->cid),
                   (void *)(uintptr_t)mine->seq);
    return mine;
}

static void blank_one(struct memory_conv *c, int64_t seq, int64_t now)
{
    struct entry *e = &c->log[seq - 1];

    if (e->deleted)
        return;
    free((void *)e->body.p);
    free((void *)e->mention.p);
    e->body = e->mention = (struct span){NULL, 0};
    e->deleted = true;
    c->meta[seq - 1].gone = now;
}

void memory_blank(struct memory_conv *c, int64_t seq, int64_t now)
{
    blank_one(c, seq, now);
    for (int64_t i = seq; i < c->row.head; i++) {
        if (c->log[i].kind == ENTRY_EDIT && c->log[i].of == seq)
            blank_one(c, i + 1, now);
    }
}

struct span memory_key(struct memory_key *k, uint64_t a, uint64_t b,
                       struct span c)
{
    size_t n = c.n < LIMIT_CID ? c.n : LIMIT_CID;

    memcpy(k->bytes, &a, sizeof(a));
    memcpy(k->bytes + sizeof(a), &b, sizeof(b));
    if (n > 0)
        memcpy(k->bytes + sizeof(a) + sizeof(b), c.p, n);
    return span_make(k->bytes, sizeof(a) + sizeof(b) + n);
}
