/* harness_store.c - accounts, conversations and entries, past all homes. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/mem.h"

static void op_done(struct store_op *op)
{
    *(bool *)op->ctx = true;
}

static void op_wait(struct rig *r, struct store_op *op)
{
    bool done = false;

    op->ctx = &done;
    store_submit(r->port, op);
    while (!done)
        rig_run(r, 1);
}

static void op_run(struct rig *r, struct store_op *op)
{
    op_wait(r, op);
    ck_assert_msg(op->rc == 0, "%s: %s", store_verb_name(op->verb),
                  error_name(op->rc));
}

static void hash_of(uint64_t user, uint32_t dev, uint8_t out[TOKEN_HASH])
{
    char text[64];
    int n = snprintf(text, sizeof(text), "token-%llu-%u",
                     (unsigned long long)user, dev);

    rig_token_hash(span_make(text, (size_t)n), out);
}

void rig_user(struct rig *r, uint64_t user)
{
    struct store_op op;
    char name[32];

    snprintf(name, sizeof(name), "user%llu", (unsigned long long)user);
    store_op_init(&op, STORE_USER_ADD, op_done, NULL);
    op.user = user;
    op.name = name;
    op.text = SPAN("first");
    op.has_text = true;
    op.now = r->clock.wall_ms;
    hash_of(user, 1, op.hash);
    op_run(r, &op);
    ck_assert_uint_eq(op.dev, 1);
    store_op_release(&op);
}

uint32_t rig_device(struct rig *r, uint64_t user)
{
    struct store_op op;
    uint32_t next;

    store_op_init(&op, STORE_DEVICES, op_done, NULL);
    op.user = user;
    op_run(r, &op);
    next = (uint32_t)op.device_count + 1;
    store_op_release(&op);
    store_op_init(&op, STORE_DEVICE_ADD, op_done, NULL);
    op.user = user;
    op.text = SPAN("more");
    op.has_text = true;
    op.now = r->clock.wall_ms;
    hash_of(user, next, op.hash);
    op_run(r, &op);
    ck_assert_uint_eq(op.dev, next);
    store_op_release(&op);
    return next;
}

void rig_block(struct rig *r, uint64_t user, uint64_t other)
{
    struct store_op op;

    store_op_init(&op, STORE_BLOCK, op_done, NULL);
    op.user = user;
    op.other = other;
    op.on = true;
    op_run(r, &op);
    store_op_release(&op);
}

static uint64_t next_id(struct rig *r)
{
    static uint64_t last;
    uint64_t id = (uint64_t)(r->clock.wall_ms - ID_EPOCH_MS) << 22;

    last = id > last ? id : last + 1;
    return last;
}

static void member_body(char *out, size_t max, const char *op,
                        const struct roster_change *c, int count)
{
    size_t n = (size_t)snprintf(out, max, "{\"op\":\"%s\",\"users\":[", op);

    for (int i = 0; i < count; i++)
        n += (size_t)snprintf(out + n, max - n, "%s\"u%llu\"", i ? "," : "",
                              (unsigned long long)c[i].user);
    snprintf(out + n, max - n, "]}");
}

void rig_conv(struct rig *r, uint64_t conv, enum conv_kind kind,
              const uint64_t *users)
{
    struct roster_change changes[16];
    struct store_op op;
    char body[512];
    int count = 0;

    for (; users[count] != 0; count++)
        changes[count] = (struct roster_change){
            users[count], count == 0 ? ROLE_OWNER : ROLE_MEMBER};
    member_body(body, sizeof(body), "create", changes, count);
    store_op_init(&op, STORE_CREATE, op_done, NULL);
    op.conv = conv;
    op.kind = kind;
    op.mode = MODE_OPEN;
    op.changes = changes;
    op.change_count = count;
    op.user = users[0];
    op.other = users[1];
    op.now = r->clock.wall_ms;
    op.entry = (struct entry){.conv = conv,
                              .id = next_id(r),
                              .ts = r->clock.wall_ms,
                              .kind = ENTRY_MEMBER,
                              .from = users[0],
                              .body = span_of(body)};
    op_run(r, &op);
    store_op_release(&op);
}

/* With the term of now: a home may take the conversation over in between. */
static int64_t append(struct rig *r, struct entry *e,
                      const struct roster_change *change)
{
    struct store_op op;
    int64_t seq, term;
    int rc;

    store_op_init(&op, STORE_CONV, op_done, NULL);
    op.conv = e->conv;
    op_run(r, &op);
    term = op.row.term;
    store_op_release(&op);
    store_op_init(&op, STORE_APPEND, op_done, NULL);
    op.conv = e->conv;
    op.term = term;
    op.entry = *e;
    op.changes = change;
    op.change_count = change != NULL ? 1 : 0;
    op.now = r->clock.wall_ms;
    op_wait(r, &op);
    seq = op.entry.seq;
    rc = op.rc;
    store_op_release(&op);
    if (rc == -CF_STALE) {
        e->id = next_id(r);
        return append(r, e, change);
    }
    ck_assert_int_eq(rc, 0);
    return seq;
}

int64_t rig_append(struct rig *r, uint64_t conv, uint64_t from,
                   const char *body)
{
    struct entry e = {.conv = conv,
                      .id = next_id(r),
                      .ts = r->clock.wall_ms,
                      .kind = ENTRY_MSG,
                      .from = from,
                      .dev = 1,
                      .body = span_of(body)};

    return append(r, &e, NULL);
}

int64_t rig_change(struct rig *r, uint64_t conv, uint64_t user, bool in)
{
    struct roster_change change = {user, in ? ROLE_MEMBER : ROLE_NONE};
    char body[128];
    struct entry e = {.conv = conv,
                      .id = next_id(r),
                      .ts = r->clock.wall_ms,
                      .kind = ENTRY_MEMBER,
                      .from = user};

    member_body(body, sizeof(body), in ? "add" : "remove", &change, 1);
    e.body = span_of(body);
    return append(r, &e, &change);
}

/* The user of the one-member change in e. */
static bool change_of(const struct entry *e, struct roster_change *change)
{
    struct span users = json_member(e->body, "users");
    struct span op = json_member(e->body, "op");

    if (e->kind != ENTRY_MEMBER || !frame_next_user(&users, &change->user))
        return false;
    change->role = span_is(op, "\"remove\"") ? ROLE_NONE : ROLE_MEMBER;
    return true;
}

void rig_deliver(struct rig *r, int node, uint64_t conv, int64_t seq)
{
    int count;
    const struct entry *log = store_memory_log(r->store, conv, &count);
    struct roster_change change;
    struct delivery d = {.kind = CONV_GROUP};

    ck_assert_int_le(seq, count);
    d.entry = log[seq - 1];
    if (change_of(&d.entry, &change)) {
        d.changes = &change;
        d.change_count = 1;
    }
    deliver_entry(r->nodes[node], &d);
    rig_run(r, 0);
}

struct membership rig_member(struct rig *r, uint64_t conv, uint64_t user,
                             uint32_t dev)
{
    struct store_op op;
    struct membership m;

    store_op_init(&op, STORE_MEMBER, op_done, NULL);
    op.conv = conv;
    op.user = user;
    op.dev = dev;
    op_run(r, &op);
    m = op.members[0];
    store_op_release(&op);
    return m;
}
