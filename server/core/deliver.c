/* deliver.c - a committed entry meets the connections of this node. It is
 * pushed where it follows exactly what was handed over; everywhere else it only
 * raises the head, and the feeder brings it. */
#include "base/mem.h"
#include "core/conn.h"

/* ---- who joins by this entry ---- */

static void join_user(struct node *n, const struct delivery *d, uint64_t user)
{
    struct user *u = user_find(n, user);
    int64_t seq = d->entry.seq;

    if (u == NULL)
        return;
    list_each (&u->conns, k, next) {
        struct conn *c = container_of(k, struct conn, of_user);
        struct sub *s;

        if (!conn_takes_entries(c))
            continue;
        s = sub_find(c, d->entry.conv);
        if (s == NULL) /* also of a big one it sees how it came in */
            feed_joined(sub_add(c, d->entry.conv, d->kind, seq, 0));
        else if (s->until > 0 && seq > s->until)
            s->rejoin = seq;
    }
}

/* The user's own log began after its hello, or a page of it is on its way. */
static void join_self(struct node *n, const struct delivery *d)
{
    const struct entry *e = &d->entry;
    struct user *u = user_find(n, e->conv);

    if (u == NULL)
        return;
    list_each (&u->conns, k, next) {
        struct conn *c = container_of(k, struct conn, of_user);

        if (!conn_takes_entries(c) || sub_find(c, e->conv) != NULL)
            continue;
        if (c->sync != NULL && !c->sync->listed)
            c->sync->self_head = e->seq;
        else
            sub_add(c, e->conv, CONV_SELF, 1, 0);
    }
}

static void join_all(struct node *n, const struct delivery *d)
{
    const struct entry *e = &d->entry;

    if (d->kind == CONV_SELF)
        join_self(n, d);
    for (int i = 0; i < d->change_count; i++) {
        if (d->changes[i].role != ROLE_NONE &&
            entry_moves_user(e, d->changes[i].user) > 0)
            join_user(n, d, d->changes[i].user);
    }
}

/* ---- who leaves by it ---- */

static bool removes(const struct delivery *d, uint64_t user)
{
    for (int i = 0; i < d->change_count; i++) {
        if (d->changes[i].user == user && d->changes[i].role == ROLE_NONE)
            return true;
    }
    return false;
}

/* The removal is the last thing s sees: at once, or when the feeder is there
 * (R15). What is queued above it goes. */
static void leave(struct sub *s, int64_t seq)
{
    if (SABOTAGED(s->conn->node, no_membership_at_delivery) ||
        SABOTAGED(s->conn->node, leak_to_removed))
        return;
    if (s->until > 0)
        return; /* it is on its way to an earlier one: the feeder sees this */
    conn_purge(s->conn, s->live->conv, seq);
    if (s->sent >= seq) {
        sub_remove(s);
        return;
    }
    if (s->quiet && s->sent < seq - 1 && s->defer == 0)
        feed_gap(s, s->sent + 1, seq - 1, "deferred");
    s->quiet = false;
    s->until = seq;
    feed_sub(s);
}

void deliver_left(struct sub *s, int64_t seq)
{
    leave(s, seq);
}

/* ---- the push ---- */

#ifdef CONFAB_SABOTAGE
/* Change the places of the last two queued entries. */
static void swap_last(struct conn *c)
{
    unsigned mask = c->out_cap - 1u, last = c->out_head + c->out_len - 1u;
    struct wire *w;

    if (c->out_len < 2)
        return;
    w = c->outq[last & mask];
    c->outq[last & mask] = c->outq[(last - 1) & mask];
    c->outq[(last - 1) & mask] = w;
}

static void break_order(struct sub *s, const struct copies *copies)
{
    if (SABOTAGED(s->conn->node, double_delivery) &&
        copies->entry->seq % 3 == 0)
        conn_push(s->conn, copies->wires[copies->wires[1] != NULL ? 1 : 0]);
    if (SABOTAGED(s->conn->node, swap_order))
        swap_last(s->conn);
}
#endif

/* Does the next entry go out at once? A hole must be fed first. */
static bool follows(const struct sub *s, int64_t seq)
{
    if (SABOTAGED(s->conn->node, bus_loss_unrepaired) && !s->behind)
        return true;
    return seq == s->sent + 1 && !s->behind;
}

static void deliver_sub(struct sub *s, struct copies *copies)
{
    const struct entry *e = copies->entry;
    struct node *n = s->conn->node;

    if (e->seq <= s->sent || (s->quiet && e->seq > s->goal) ||
        (s->until > 0 && e->seq > s->until))
        return;
    if (follows(s, e->seq) && feed_push(s, copies)) {
#ifdef CONFAB_SABOTAGE
        break_order(s, copies);
#endif
        return;
    }
    if (SABOTAGED(n, forget_behind) && !s->syncing) {
        s->sent = e->seq;
        return;
    }
    if (e->seq > s->sent + 1 && !s->behind)
        metrics_add(&n->metrics, NM_HOLES, 1);
    feed_sub(s);
}

/* Into the caches: of the sub at k the connection, and the sub behind it. */
static void fetch_ahead(const struct live *l, const struct link *k)
{
    if (k == &l->subs)
        return;
    __builtin_prefetch(k->next);
    __builtin_prefetch(k->next + 4);
    conn_fetch(container_of(k, struct sub, of_live)->conn);
}

static void deliver_subs(struct live *l, struct copies *copies)
{
    list_each (&l->subs, k, next) {
        fetch_ahead(l, next);
        deliver_sub(container_of(k, struct sub, of_live), copies);
    }
}

/* Whom the entry took out of the conversation. */
static void leave_all(struct live *l, const struct delivery *d)
{
    /* The last leave() frees the live and with it the list's head. */
    struct link *k = l->subs.next, *end = &l->subs;

    while (k != end) {
        struct sub *s = container_of(k, struct sub, of_live);
        bool last = k->next == end;

        k = k->next;
        if (removes(d, s->conn->user->id))
            leave(s, d->entry.seq);
        if (last)
            return;
    }
}

void deliver_entry(struct node *n, const struct delivery *d)
{
    struct copies copies = {
        .entry = &d->entry,
        .author = user_find(n, d->entry.from),
    };
    struct live *l;

    join_all(n, d);
    l = live_find(n, d->entry.conv);
    if (l == NULL)
        return;
    if (d->entry.seq > l->head)
        l->head = d->entry.seq;
    live_set_big(n, l->conv, d->big);
    deliver_subs(l, &copies);
    if (d->change_count > 0)
        leave_all(l, d);
    wire_unref(copies.wires[0]);
    wire_unref(copies.wires[1]);
}

/* ---- frames that are no entries ---- */

static void push_user(struct node *n, uint64_t user, struct wire *w,
                      uint64_t except)
{
    struct user *u = user_find(n, user);

    if (u == NULL)
        return;
    list_each (&u->conns, k, next) {
        struct conn *c = container_of(k, struct conn, of_user);

        if (c->id != except && conn_takes_entries(c))
            conn_push(c, w);
    }
}

static void push_viewers(struct node *n, uint64_t conv, struct wire *w,
                         uint64_t user)
{
    struct live *l = live_find(n, conv);

    if (l == NULL || l->viewers == 0)
        return;
    list_each (&l->subs, k, next) {
        struct sub *s = container_of(k, struct sub, of_live);

        if (s->viewing && s->until == 0 && s->conn->user->id != user)
            conn_push(s->conn, w);
    }
}

void deliver_push(struct node *n, enum wire_class class, uint64_t conv,
                  const uint64_t *to, int count, uint64_t except,
                  struct span bytes)
{
    struct wire *w = wire_new(class, conv, 0, bytes);

    for (int i = 0; to != NULL && i < count; i++)
        push_user(n, to[i], w, except);
    if (to == NULL)
        push_viewers(n, conv, w, except);
    wire_unref(w);
}

/* There is more in a big conversation than s was given. */
static struct wire *encode_head(struct node *n, const struct live *l)
{
    buf_clear(&n->scratch);
    if (enc_head(&n->scratch, l->conv, l->head, 0) < 0)
        return NULL;
    return wire_new(WIRE_HINT, l->conv, l->head, buf_span(&n->scratch));
}

void sub_tell_head(struct sub *s)
{
    struct wire *w;

    if (!s->quiet || s->until > 0 || s->sent >= s->live->head)
        return;
    w = encode_head(s->conn->node, s->live);
    if (w != NULL)
        conn_push(s->conn, w);
    wire_unref(w);
}

void deliver_head(struct node *n, uint64_t conv, int64_t head)
{
    struct live *l = live_find(n, conv);
    struct wire *w;

    if (l == NULL)
        return;
    if (head > l->head)
        l->head = head;
    l->announced = l->head;
    w = encode_head(n, l);
    list_each (&l->subs, k, next) {
        struct sub *s = container_of(k, struct sub, of_live);

        if (!s->quiet)
            feed_sub(s);
        else if (w != NULL && s->until == 0 && !s->syncing)
            conn_push(s->conn, w);
    }
    wire_unref(w);
}
