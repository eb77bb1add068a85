/* marks.c - acknowledgements of the users here: folded in memory, stored when
 * their time is up, and told to the homes when they are durable. Those of
 * groups take a second, as their counts do. Those of direct conversations are
 * quick while there are few, since a person waits for the receipt; the time
 * grows with their number, so that they never crowd out messages. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/conn.h"

#define MARKS_SLOT_MS 10
#define MARKS_IN_STORE 250 /* operations under way: then the rest waits */
#define MARKS_A_MS 50      /* rows a second that lengthen the fold by 1 ms */

/* One user's folded marks. */
struct marks {
    struct link link; /* with rows: in marks_now, _soon or _dirty of the node */
    struct user *user; /* NULL: gone, only what is here is still stored */
    uint64_t id;
    int64_t stored; /* mono ms: when it was done last */
    int64_t next;   /* mono ms: when it is done next */
    struct mark_row *rows;
    int count, cap;
    bool busy;  /* being stored; the rest waits */
    bool quick; /* somebody waits for a receipt of this */
    bool flush; /* a fence waits: the rest goes at once */
};

struct marks_op {
    struct node_op op;
    struct store_op store;
    uint64_t user;
    struct mark_row *rows;
    int count;
};

static void marks_release(struct node_op *op)
{
    struct marks_op *m = container_of(op, struct marks_op, op);

    store_op_release(&m->store);
    free(m->rows);
    free(m);
}

/* ---- folding ---- */

static struct marks *marks_of(struct node *n, struct user *u)
{
    if (u->marks == NULL) {
        u->marks = mem_alloc(sizeof(*u->marks));
        u->marks->user = u;
        u->marks->id = u->id;
        u->marks->stored = now_mono(n) - n->config.fold_ms; /* long ago */
    }
    return u->marks;
}

static struct mark_row *row_of(struct marks *m, uint64_t conv, uint32_t dev)
{
    for (int i = 0; i < m->count; i++) {
        if (m->rows[i].conv == conv && m->rows[i].dev == dev)
            return &m->rows[i];
    }
    if (m->count == m->cap) {
        m->cap = m->cap > 0 ? m->cap * 2 : 2;
        m->rows = mem_grow(m->rows, (size_t)m->cap, sizeof(*m->rows));
    }
    m->rows[m->count] = (struct mark_row){
        .conv = conv,
        .user = m->id,
        .dev = dev,
    };
    return &m->rows[m->count++];
}

static void raise(int64_t *mark, int64_t seq, bool fall)
{
    if (seq > *mark || (fall && seq > 0))
        *mark = seq;
}

static int64_t marks_due(const struct node *n, const struct marks *m)
{
    int64_t now = now_mono(n), slot = now - now % MARKS_SLOT_MS + MARKS_SLOT_MS;
    int64_t due = m->stored + (m->quick ? n->fold_ms : n->config.fold_ms);

    return due > slot ? due : slot;
}

/* Where m waits: for the end of this turn when a fence asks, else for its time
 * among the others. Times are slots of some ms, so that marks of many users are
 * stored together: one commit, not one each. */
static void marks_wait(struct node *n, struct marks *m)
{
    int64_t due = marks_due(n, m);
    bool waits = m->link.next != NULL;

    if (m->busy || (waits && !m->flush && m->next <= due))
        return;
    if (waits)
        list_remove(&m->link);
    if (m->flush) {
        list_push(&n->marks_now, &m->link);
        return;
    }
    m->next = due;
    list_push(m->quick ? &n->marks_soon : &n->marks_dirty, &m->link);
    if (!timer_is_set(&n->fold) || n->fold.due > due)
        timer_set(&n->wheel, &n->fold, due);
}

bool marks_settled(const struct user *u)
{
    return u->marks == NULL || (!u->marks->busy && u->marks->count == 0);
}

void marks_flush(struct node *n, struct user *u)
{
    struct marks *m = u->marks;

    if (marks_settled(u))
        return;
    m->flush = true;
    marks_wait(n, m);
}

/* Returns whether it is a direct conversation. */
static bool give_credit(struct conn *c, uint64_t conv, int64_t seq)
{
    bool direct = false;

    list_each (&c->user->conns, k, next) {
        struct conn *other = container_of(k, struct conn, of_user);
        struct sub *s;

        if (other->dev != c->dev)
            continue;
        s = sub_find(other, conv);
        if (s != NULL && seq > s->acked)
            s->acked = seq;
        direct = direct || (s != NULL && s->live->kind == CONV_DIRECT);
        credit_ack(other, conv, seq);
        feed_conn(other);
    }
    return direct;
}

void marks_ack(struct conn *c, uint64_t conv, int64_t seq, bool read)
{
    struct node *n = c->node;
    struct marks *m = marks_of(n, c->user);
    struct mark_row *row;
    bool fall = SABOTAGED(n, marks_fall);

    /* A mark above the head ends at the head, but this node may not know it
     * yet (history comes from the store): the store cuts. */
    if (seq < 1)
        return;
    row = row_of(m, conv, c->dev);
    raise(&row->acked, seq, fall);
    if (read)
        raise(&row->read, seq, fall);
    if (give_credit(c, conv, seq))
        m->quick = true;
    marks_wait(n, m);
}

/* ---- storing ---- */

static void marks_free(struct marks *m)
{
    list_remove(&m->link);
    free(m->rows);
    free(m);
}

static struct marks *marks_find(struct node *n, uint64_t user)
{
    struct user *u = user_find(n, user);

    return u != NULL ? u->marks : NULL;
}

/* Not stored: they wait with what has come since. */
static void put_back(struct node *n, const struct marks_op *op)
{
    struct marks *m = marks_find(n, op->user);

    if (m == NULL) {
        m = mem_alloc(sizeof(*m));
        m->id = op->user;
    }
    for (int i = 0; i < op->count; i++) {
        struct mark_row *row = row_of(m, op->rows[i].conv, op->rows[i].dev);

        raise(&row->acked, op->rows[i].acked, false);
        raise(&row->read, op->rows[i].read, false);
    }
    m->busy = m->quick = false; /* the store has enough to do */
    m->stored = now_mono(n);
    marks_wait(n, m);
}

static bool worth_another_try(int rc)
{
    return rc == -CF_BUSY || rc == -CF_TIMEOUT || rc == -CF_UNKNOWN ||
           rc == -CF_UNAVAILABLE || rc == -CF_FULL;
}

/* Sabotage: what homes hear is what was asked for, not what is stored. */
static void claim_stored(struct marks_op *op)
{
    for (int i = 0; i < op->count; i++) {
        op->rows[i].delivered_now = op->rows[i].acked;
        op->rows[i].read_now = op->rows[i].read;
        op->rows[i].moved = true;
    }
}

/* What has come meanwhile; or nothing, and fences may go on. */
static void marks_next(struct node *n, struct marks *m)
{
    struct user *u = m->user;

    m->busy = false;
    if (m->count > 0) {
        marks_wait(n, m);
        return;
    }
    m->flush = false;
    list_each (&u->conns, k, next)
        fence_settle(container_of(k, struct conn, of_user));
}

static void marks_stored(struct store_op *store)
{
    struct marks_op *op = store->ctx;
    struct node *n = op->op.node;
    struct marks *m = marks_find(n, op->user);

    if (worth_another_try(store->rc)) {
        put_back(n, op);
    } else {
        if (SABOTAGED(n, marks_fall))
            claim_stored(op);
        if (store->rc == 0)
            route_marks(n, op->rows, op->count);
        if (m != NULL)
            marks_next(n, m);
    }
    node_op_end(&op->op);
}

static void marks_store(struct node *n, struct marks *m)
{
    struct marks_op *op = mem_alloc(sizeof(*op));

    list_remove(&m->link);
    op->user = m->id;
    op->rows = m->rows;
    op->count = m->count;
    m->rows = NULL;
    m->count = m->cap = 0;
    m->busy = true;
    m->quick = false;
    m->stored = now_mono(n);
    n->mark_rows += op->count;
    if (SABOTAGED(n, receipt_before_durable)) {
        claim_stored(op);
        route_marks(n, op->rows, op->count);
    }
    store_op_init(&op->store, STORE_MARKS, marks_stored, op);
    op->store.marks = op->rows;
    op->store.mark_count = op->count;
    op->store.now = clock_wall(n->env.clock);
    node_op_begin(n, &op->op, marks_release);
    store_submit(n->store, &op->store);
    if (m->user == NULL)
        marks_free(m);
}

void marks_turn(struct node *n)
{
    struct link *k;

    while ((k = list_first(&n->marks_now)) != NULL)
        marks_store(n, container_of(k, struct marks, link));
}

void marks_pace(struct node *n)
{
    int64_t a_second = n->mark_rows * 1000 / n->config.tick_ms;
    int64_t fold = a_second / MARKS_A_MS;

    if (fold < LIMIT_MARK_FOLD_LEAST_MS)
        fold = LIMIT_MARK_FOLD_LEAST_MS;
    n->fold_ms = fold < n->config.fold_ms ? fold : n->config.fold_ms;
    n->mark_rows = 0;
}

/* They wait in order of their times, but for those that began to wait when the
 * fold was longer: these are late by that at most. */
static void fold_list(struct node *n, struct link *list)
{
    int64_t now = now_mono(n);
    struct link *k;

    while ((k = list_first(list)) != NULL) {
        struct marks *m = container_of(k, struct marks, link);

        int64_t due = m->next;

        /* Thousands may be due at once; messages must find room, too. */
        if (due <= now && store_port_pending(n->store) >= MARKS_IN_STORE)
            due = now + MARKS_SLOT_MS;
        if (due > now) {
            if (!timer_is_set(&n->fold) || n->fold.due > due)
                timer_set(&n->wheel, &n->fold, due);
            break;
        }
        marks_store(n, m);
    }
}

void marks_fold(struct node *n)
{
    fold_list(n, &n->marks_soon);
    fold_list(n, &n->marks_dirty);
}

bool marks_waiting(const struct node *n)
{
    return !list_empty(&n->marks_now) || !list_empty(&n->marks_soon) ||
           !list_empty(&n->marks_dirty);
}

/* ---- ends ---- */

void marks_orphan(struct node *n, struct user *u)
{
    struct marks *m = u->marks;

    u->marks = NULL;
    if (m == NULL)
        return;
    m->user = NULL;
    m->busy = false;
    m->quick = true; /* it may come back at once */
    if (m->count == 0)
        marks_free(m);
    else
        marks_wait(n, m);
}

static void free_all(struct link *head)
{
    struct link *k;

    while ((k = list_first(head)) != NULL) {
        struct marks *m = container_of(k, struct marks, link);

        if (m->user != NULL)
            m->user->marks = NULL;
        marks_free(m);
    }
}

void marks_all_free(struct node *n)
{
    free_all(&n->marks_now);
    free_all(&n->marks_soon);
    free_all(&n->marks_dirty);
    for (uint32_t i = 0; i < n->users.len; i++) {
        struct user *u = n->users.entries[i].value;

        if (u->marks != NULL)
            marks_free(u->marks);
        u->marks = NULL;
    }
}
