/* From a committed entry to the nodes that have somebody to tell. The entry is
 * encoded once, each node gets one message. Answers of the registry may pass
 * each other; the entries of a conversation leave in their order. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/home.h"

#define FANOUT_NODES RING_NODES_MAX

/* ---- which nodes ---- */

/* Add node to the rising list. */
static void nodes_add(uint16_t **nodes, int *count, uint16_t node)
{
    int at = *count;

    while (at > 0 && (*nodes)[at - 1] > node)
        at--;
    if (at > 0 && (*nodes)[at - 1] == node)
        return;
    *nodes = mem_grow(*nodes, (size_t)*count + 1, sizeof(uint16_t));
    memmove(*nodes + at + 1, *nodes + at,
            (size_t)(*count - at) * sizeof(uint16_t));
    (*nodes)[at] = node;
    (*count)++;
}

static void nodes_of_pairs(struct append *a)
{
    for (int i = 0; i < a->where.pair_count; i++)
        nodes_add(&a->nodes, &a->node_count, a->where.pairs[i].node);
}

static void nodes_of_viewers(struct append *a)
{
    struct home *h = a->task.home;
    int64_t now = node_mono(h->node);

    for (int i = 0; i < h->viewer_count; i++) {
        if (h->viewers[i].until > now)
            nodes_add(&a->nodes, &a->node_count, h->viewers[i].node);
    }
}

/* The users to look for: the members, and whom this entry took out. */
static void fanout_ids(struct append *a, bool big)
{
    struct home *h = a->task.home;
    int members = big ? 0 : h->roster_count;

    a->ids = mem_array((size_t)members + (size_t)a->change_count + 1,
                       sizeof(uint64_t));
    for (int i = 0; i < members; i++)
        a->ids[a->id_count++] = h->roster[i].user;
    for (int i = 0; i < a->change_count; i++) {
        if (big || home_member(h, a->changes[i].user) == NULL)
            a->ids[a->id_count++] = a->changes[i].user;
    }
}

/* ---- out ---- */

static void fanout_message(struct append *a, struct peer_message *m)
{
    struct home *h = a->task.home;
    struct delivery *d = &m->delivery;

    memset(m, 0, sizeof(*m));
    d->entry = a->task.op.entry;
    d->kind = h->row.kind;
    d->big = home_is_big(h);
    d->epoch = a->epoch;
    d->changes = a->changes;
    d->change_count = a->change_count;
}

/* One in a thousand, by the ms of its id: on every node and life alike. */
static bool fanout_lost(const struct append *a)
{
    return SABOTAGED(a->task.node, drop_thousandth) &&
           id_time(a->task.op.entry.id) % 1000 == 0;
}

static void fanout_send(struct append *a)
{
    struct node *n = a->task.node;
    struct peer_message m;
    const uint16_t *nodes = a->everywhere ? n->nodes : a->nodes;
    int count = a->everywhere ? n->node_count : a->node_count;

    if (fanout_lost(a))
        return;
    fanout_message(a, &m);
    peer_send_all(n, nodes, count, PEER_ENTRY, &m);
    for (int i = 0; i < count; i++) {
        if (nodes[i] == n->env.number) {
            deliver_entry(n, &m.delivery);
            return;
        }
    }
}

/* Let out what stands at the front and knows its way. */
static void fanout_flow(struct home *h)
{
    struct link *l;

    h->holds++;
    while ((l = list_first(&h->fans)) != NULL) {
        struct append *a = container_of(l, struct append, of_home);

        if (!a->ready)
            break;
        list_remove(&a->of_home);
        fanout_send(a);
        append_free(a);
    }
    home_release_hold(h);
}

static void fanout_found(struct registry_op *op)
{
    struct append *a = op->ctx;

    a->task.node->pending--;
    if (op->rc == 0)
        nodes_of_pairs(a);
    else
        a->everywhere = true;
    if (a->everywhere)
        SEEN(a->task.node, "entry: to all nodes");
    a->ready = true;
    fanout_flow(a->task.home);
}

void fanout_start(struct append *a)
{
    struct home *h = a->task.home;
    bool big = home_is_big(h);

    if (big)
        nodes_of_viewers(a);
    fanout_ids(a, big);
    list_push(&h->fans, &a->of_home);
    /* It was big until this entry: who is in it is not known yet. */
    if (!big && h->roster_count != h->row.members)
        a->everywhere = true;
    if (a->everywhere || a->id_count == 0) {
        a->ready = true;
        fanout_flow(h);
        return;
    }
    registry_op_init(&a->where, REGISTRY_WHERE, fanout_found, a);
    a->where.ids = a->ids;
    a->where.id_count = a->id_count;
    h->node->pending++;
    registry_submit(h->node->registry, &a->where);
}

/* The changes of the roster that went with an entry, as its body says them. */
static void changes_again(struct append *a, const struct entry *e)
{
    struct span users = json_member(e->body, "users");
    struct span op = json_member(e->body, "op");
    bool out = span_is(op, "\"remove\"") || span_is(op, "\"leave\"");
    uint64_t user;

    if (e->kind != ENTRY_MEMBER || users.p == NULL || span_is(op, "\"role\""))
        return;
    while (frame_next_user(&users, &user))
        append_change(a, user, out ? ROLE_NONE : ROLE_MEMBER);
    a->adds = true;
    account_changes(a);
}

/* An entry that the store knows and perhaps nobody else: its bytes belong to
 * somebody else and are copied. */
void fanout_again(struct home *h, const struct entry *e)
{
    struct append *a = append_blank(h);

    append_copy(a, e);
    changes_again(a, e);
    a->epoch = h->row.epoch;
    fanout_start(a);
}

/* ---- big conversations: `head`, coalesced ---- */

struct announce {
    struct task task;
    int64_t head;
    struct registry_op where;
    uint64_t *ids;
    uint16_t *nodes;
    int node_count;
    bool failed; /* not all who are to be told are known */
};

static void announce_release(struct task *t)
{
    struct announce *an = (struct announce *)t;

    registry_op_release(&an->where);
    free(an->ids);
    free(an->nodes);
}

static void announce_end(struct announce *an)
{
    struct home *h = an->task.home;
    struct node *n = an->task.node;
    struct peer_message m = {.conv = h->conv, .head = an->head};

    h->announcing = false;
    if (an->failed && !SABOTAGED(n, unread_is_told))
        h->head_announced = 0; /* to all of them, in a while */
    peer_send_all(n, an->nodes, an->node_count, PEER_HEAD, &m);
    for (int i = 0; i < an->node_count; i++) {
        if (an->nodes[i] == n->env.number)
            deliver_head(n, h->conv, an->head);
    }
    task_free(&an->task);
}

static void announce_found(struct registry_op *op)
{
    struct announce *an = op->ctx;
    struct store_op *st = &an->task.op;
    bool more = st->member_count >= ROSTER_BATCH;

    an->task.node->pending--;
    an->failed |= op->rc != 0;
    for (int i = 0; op->rc == 0 && i < op->pair_count; i++)
        nodes_add(&an->nodes, &an->node_count, op->pairs[i].node);
    registry_op_release(op);
    store_op_release(st);
    if (more)
        task_submit(&an->task);
    else
        announce_end(an);
}

static void announce_read(struct task *t)
{
    struct announce *an = (struct announce *)t;
    struct store_op *op = &t->op;

    an->failed |= op->rc != 0;
    if (op->rc != 0)
        SEEN(t->node, "head: members not known");
    if (op->rc != 0 || op->member_count == 0) {
        announce_end(an);
        return;
    }
    if (an->ids == NULL)
        an->ids = mem_array(ROSTER_BATCH, sizeof(uint64_t));
    for (int i = 0; i < op->member_count; i++)
        an->ids[i] = op->members[i].user;
    op->other = op->members[op->member_count - 1].user;
    registry_op_init(&an->where, REGISTRY_WHERE, announce_found, an);
    an->where.ids = an->ids;
    an->where.id_count = op->member_count;
    t->node->pending++;
    registry_submit(t->node->registry, &an->where);
}

void fanout_heads(struct home *h)
{
    struct announce *an;
    int64_t now = node_mono(h->node);

    if (h->announcing || h->row.head <= h->head_announced || now < h->next_head)
        return;
    h->announcing = true;
    h->head_announced = h->row.head;
    h->next_head = now + (h->node->config.head_ms > 0 ? h->node->config.head_ms
                                                      : LIMIT_HEAD_MS);
    an = task_new(sizeof(*an), h->node, h, NULL, STORE_ROSTER, announce_read);
    an->task.release = announce_release;
    an->head = h->row.head;
    an->task.op.limit = ROSTER_BATCH;
    task_submit(&an->task);
}
