/* Receipts: who has what, told to whom it concerns, and only from marks that
 * are durable. Direct conversations tell the other one; groups count, for the
 * newest message of each sender, at most once a second. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/home.h"

static bool receipt_forgotten(struct node *n)
{
    return SABOTAGED(n, forget_receipt) &&
           ++side_of(n)->receipt_count % 10 == 0;
}

/* user's marks, for the connections of `to`. */
static void receipt_marks(struct home *h, const struct member *m, uint64_t to)
{
    struct node *n = h->node;
    struct member said = *m;

    if (receipt_forgotten(n))
        return;
    said.delivered += SABOTAGED(n, receipt_ahead);
    metrics_add(&n->metrics, NM_RECEIPTS, 1);
    push_receipt(n, h->conv, to, &said);
}

static void receipt_dirty(struct home *h)
{
    if (h->dirty.next == NULL)
        list_push(&h->node->receipts_dirty, &h->dirty);
}

/* The first marks since the roster was read are told even when nothing rises:
 * the roster may have been read after they were stored. again: they were told
 * before, and may have been lost. */
void receipts_mark(struct home *h, const struct mark_row *row, bool again)
{
    struct member *m = home_member(h, row->user);
    bool read_moved;

    if (m == NULL)
        return;
    again = again || !m->told;
    m->told = true;
    read_moved = row->read_now > m->read || (again && row->read_now > 0);
    if (row->delivered_now <= m->delivered && !read_moved && !again)
        return;
    if (row->delivered_now > m->delivered)
        m->delivered = row->delivered_now;
    if (row->read_now > m->read)
        m->read = row->read_now;
    if (read_moved)
        receipt_marks(h, m, m->user);
    if (h->row.kind == CONV_DIRECT) {
        for (int i = 0; i < h->roster_count; i++) {
            if (h->roster[i].user != m->user)
                receipt_marks(h, m, h->roster[i].user);
        }
    }
    h->told = node_mono(h->node);
    receipt_dirty(h);
}

/* ---- groups ---- */

void receipts_sent(struct home *h, uint64_t from, int64_t seq)
{
    struct home_recent *r = h->recent;
    struct recent_message *row = NULL;

    /* Nobody has asked for counts yet: recent_load() will find it. */
    if (r == NULL)
        return;
    for (int i = 0; i < r->count; i++) {
        if (r->rows[i].from == from)
            row = &r->rows[i];
    }
    if (row == NULL) {
        row = &r->rows[r->next++ % HOME_RECENT];
        if (r->count < HOME_RECENT)
            r->count++;
    }
    if (row->from != from || seq > row->seq)
        *row = (struct recent_message){.from = from, .seq = seq};
}

static void receipt_counts(struct home *h, struct recent_message *row)
{
    struct node *n = h->node;
    int64_t delivered = 0, read = 0;
    struct buf *b;

    for (int i = 0; i < h->roster_count; i++) {
        const struct member *m = &h->roster[i];

        if (m->user == row->from)
            continue;
        delivered += m->delivered >= row->seq;
        read += m->read >= row->seq;
    }
    if (delivered == row->delivered_n && read == row->read_n)
        return;
    row->delivered_n = delivered;
    row->read_n = read;
    if (receipt_forgotten(n))
        return;
    delivered += SABOTAGED(n, receipt_ahead);
    metrics_add(&n->metrics, NM_RECEIPTS, 1);
    b = answer_buf(n);
    enc_receipt_counts(b, h->conv, row->seq, delivered, read);
    push_users(n, WIRE_HINT, h->conv, &row->from, 1, buf_span(b));
}

/* A home that began after the last messages were sent reads who sent them. */
static void recent_read(struct task *t)
{
    struct home *h = t->home;

    for (int i = 0; t->op.rc == 0 && i < t->op.entry_count; i++) {
        const struct entry *e = &t->op.entries[i];

        if (e->kind == ENTRY_MSG)
            receipts_sent(h, e->from, e->seq);
    }
    if (t->op.rc != 0) { /* read once more */
        SEEN(h->node, "receipts: who sent last again");
        free(h->recent);
        h->recent = NULL;
    }
    receipt_dirty(h);
    task_free(t);
}

static void recent_load(struct home *h)
{
    struct task *t;

    h->recent = mem_alloc(sizeof(*h->recent));
    t = task_new(sizeof(*t), h->node, h, NULL, STORE_PAGE, recent_read);
    t->op.limit = 3 * HOME_RECENT;
    t->op.max_bytes = PEER_MESSAGE_MAX;
    task_submit(t);
}

static void receipts_group(struct home *h)
{
    if (h->recent == NULL) {
        recent_load(h);
        return;
    }
    for (int i = 0; i < h->recent->count; i++)
        receipt_counts(h, &h->recent->rows[i]);
}

void receipts_tick(struct node *n)
{
    struct link later, *l;
    int64_t now = node_mono(n);

    list_ready(&n->receipts_dirty);
    list_init(&later);
    while ((l = list_pop(&n->receipts_dirty)) != NULL) {
        struct home *h = container_of(l, struct home, dirty);

        if (h->state == HOME_LOST || home_is_big(h) ||
            h->row.kind == CONV_DIRECT || h->row.kind == CONV_SELF)
            continue;
        if (now < h->next_receipt || h->state != HOME_READY) {
            list_push(&later, l);
            continue;
        }
        h->next_receipt = now + n->config.fold_ms;
        receipts_group(h);
    }
    while ((l = list_pop(&later)) != NULL)
        list_push(&n->receipts_dirty, l);
}

/* ---- after a loss ---- */

static void receipts_repeat(struct home *h)
{
    for (int i = 0; h->recent != NULL && i < h->recent->count; i++) {
        h->recent->rows[i].delivered_n = 0;
        h->recent->rows[i].read_n = 0;
    }
    receipt_dirty(h);
}

void receipts_again(struct node *n)
{
    int64_t since = node_mono(n) - RECEIPT_ECHO_MS;

    for (uint32_t i = 0; i < n->homes.len; i++) {
        struct home *h = n->homes.entries[i].value;

        if (h->state == HOME_READY && h->told > since && h->told > 0)
            receipts_repeat(h);
    }
}

/* ---- at the node of the connection ---- */

struct told {
    uint64_t of;
    int64_t delivered, read;
};

static struct told *told_get(struct live *l, uint64_t of)
{
    for (int i = 0; i < l->told_count; i++) {
        if (l->told[i].of == of)
            return &l->told[i];
    }
    l->told = mem_grow(l->told, (size_t)l->told_count + 1, sizeof(*l->told));
    l->told[l->told_count] = (struct told){.of = of};
    return &l->told[l->told_count++];
}

/* True: something rose. */
static bool told_raise(struct told *t, int64_t delivered, int64_t read)
{
    bool rose = delivered > t->delivered || read > t->read;

    if (delivered > t->delivered)
        t->delivered = delivered;
    if (read > t->read)
        t->read = read;
    return rose;
}

static void told_push(struct node *n, uint64_t conv, const struct told *t,
                      uint64_t to)
{
    struct buf *b = answer_buf(n);

    enc_receipt(b, conv, t->of, t->delivered, t->read);
    deliver_push(n, WIRE_HINT, conv, &to, 1, 0, buf_span(b));
}

void receipt_here(struct node *n, uint64_t conv, uint64_t of, uint64_t to,
                  int64_t delivered, int64_t read)
{
    struct live *l = live_find(n, conv);
    struct told *t;

    if (l == NULL || user_find(n, to) == NULL)
        return;
    t = told_get(l, of);
    told_raise(t, delivered, read);
    told_push(n, conv, t, to);
}

void receipt_repaired(struct node *n, const struct membership *m)
{
    struct live *l = live_find(n, m->conv);
    uint64_t other = m->c.pair[0] == m->user ? m->c.pair[1] : m->c.pair[0];
    struct told *t;

    if (l == NULL || m->c.kind != CONV_DIRECT || m->peer_delivered == 0)
        return;
    t = told_get(l, other);
    if (told_raise(t, m->peer_delivered, m->peer_read))
        told_push(n, m->conv, t, m->user);
}
