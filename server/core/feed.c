/* feed.c - brings from the store what could not be pushed: backlogs, holes and
 * slow readers. One page at a time for each connection, its subs in turn. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/conn.h"

#define FEED_RETRY_MS 300
/* Of a page's bytes in the store to what they are on the wire, at least. */
#define FEED_PAGE_BYTES (LIMIT_BATCH_WIRE - 16 * 1024)

struct feed_op {
    struct node_op op;
    struct store_op store;
    struct timer again; /* the store could not: once more */
    uint64_t conn;
    int64_t target;
};

static void feed_release(struct node_op *op)
{
    struct feed_op *f = container_of(op, struct feed_op, op);

    timer_cancel(&op->node->wheel, &f->again);
    store_op_release(&f->store);
    free(f);
}

/* ---- pushing ---- */

static bool is_own(const struct sub *s, const struct entry *e)
{
    return e->from == s->conn->user->id;
}

static struct wire *encode_entry(struct node *n, const struct entry *e,
                                 bool own)
{
    buf_clear(&n->scratch);
    if (enc_entry(&n->scratch, e, own) < 0)
        return NULL;
    return wire_new(WIRE_ENTRY, e->conv, e->seq, buf_span(&n->scratch));
}

static bool push_wire(struct sub *s, struct wire *w, int count)
{
    struct conn *c = s->conn;
    bool owed = w->seq > s->acked;

    if ((owed && !credit_allows(c, w->len, count)) || !outq_room(c, w->len) ||
        !conn_push(c, w)) {
        c->feed_blocked = true; /* until an ack, or until the queue moves */
        return false;
    }
    if (owed)
        credit_take(c, w->conv, w->seq, w->len, count);
    s->sent = w->seq;
    metrics_add(&c->node->metrics, NM_ENTRIES_DELIVERED, count);
    return true;
}

bool feed_push(struct sub *s, struct copies *copies)
{
    bool own = s->conn->user == copies->author;
    struct wire **w = &copies->wires[own];

    if (*w == NULL)
        *w = encode_entry(s->conn->node, copies->entry, own);
    if (*w == NULL || !push_wire(s, *w, 1))
        return false;
    sub_moved(s);
    return true;
}

bool feed_gap(struct sub *s, int64_t from, int64_t to, const char *why)
{
    struct node *n = s->conn->node;
    struct wire *w;
    bool pushed;

    buf_clear(&n->scratch);
    if (enc_gap(&n->scratch, s->live->conv, from, to, why) < 0)
        return false;
    w = wire_new(WIRE_ENTRY, s->live->conv, to, buf_span(&n->scratch));
    pushed = conn_push(s->conn, w);
    wire_unref(w);
    if (pushed)
        s->sent = to;
    else
        s->conn->feed_blocked = true;
    return pushed;
}

/* ---- a page as batches ---- */

struct batch {
    struct sub *s;
    int64_t from; /* of the open batch */
    int64_t last;
    int count;
    int64_t target;
};

static bool batch_flush(struct batch *b)
{
    struct sub *s = b->s;
    struct buf *out = &s->conn->node->scratch;
    struct wire *w;
    bool pushed;

    if (b->count == 0)
        return true;
    if (enc_batch_close(out, b->from, b->last,
                        s->until > 0 ? s->until : s->live->head,
                        b->last < (s->until > 0 ? s->until : b->target)) < 0)
        return false;
    w = wire_new(WIRE_ENTRY, s->live->conv, b->last, buf_span(out));
    pushed = push_wire(s, w, b->count);
    wire_unref(w);
    b->count = 0;
    return pushed;
}

static void batch_open(struct batch *b, int64_t from)
{
    struct buf *out = &b->s->conn->node->scratch;

    buf_clear(out);
    enc_batch_open(out, 0, b->s->live->conv);
    b->from = from;
}

/* Add e to the batch, or find that what is there has to go first. */
static bool batch_add(struct batch *b, const struct entry *e)
{
    struct buf *out = &b->s->conn->node->scratch;
    struct conn *c = b->s->conn;
    size_t before;

    if (b->count == 0)
        batch_open(b, e->seq);
    before = out->len;
    if (b->count > 0)
        buf_append_byte(out, ',');
    if (enc_entry_bare(out, e, is_own(b->s, e)) < 0 ||
        (b->count > 0 &&
         (!credit_allows(c, out->len + 96, b->count + 1) ||
          !outq_room(c, out->len + 96) || out->len > LIMIT_BATCH_WIRE))) {
        out->len = before;
        return false;
    }
    b->last = e->seq;
    b->count++;
    return true;
}

static bool feed_single(struct sub *s, const struct entry *e)
{
    struct wire *w = encode_entry(s->conn->node, e, is_own(s, e));
    bool pushed = w != NULL && push_wire(s, w, 1);

    wire_unref(w);
    return pushed;
}

static bool is_streamed(const struct conn *c)
{
    return c->type == CONN_STREAM || c->type == CONN_POLL;
}

static bool feed_entry(struct batch *b, const struct entry *e)
{
    if (is_streamed(b->s->conn))
        return feed_single(b->s, e);
    if (batch_add(b, e))
        return true;
    if (b->count == 0 || !batch_flush(b))
        return false;
    return batch_add(b, e);
}

#ifdef CONFAB_SABOTAGE
/* One cursor of ids for all conversations: whatever is younger elsewhere
 * hides what is older here. */
static bool hidden_by_id(struct sub *s, const struct entry *e)
{
    if (!SABOTAGED(s->conn->node, cursor_by_id))
        return false;
    if (e->id < s->conn->sabotage_id)
        return true;
    s->conn->sabotage_id = e->id;
    return false;
}
#else
static bool hidden_by_id(struct sub *s, const struct entry *e)
{
    return false;
}
#endif

/* Left out of a catch-up without a word. */
static bool lost_entry(const struct sub *s, const struct entry *e)
{
    return SABOTAGED(s->conn->node, lose_backlog_entry) && e->seq % 10 == 0;
}

static bool removes_user(const struct sub *s, const struct entry *e)
{
    return !SABOTAGED(s->conn->node, no_membership_at_delivery) &&
           !SABOTAGED(s->conn->node, leak_to_removed) &&
           entry_moves_user(e, s->conn->user->id) < 0;
}

/* Hand over the entries of the page. ended: the last one removed the user. */
static void feed_page(struct batch *b, const struct store_op *op, bool *ended)
{
    struct sub *s = b->s;
    struct node *n = s->conn->node;
    int64_t next = s->sent + 1;

    for (int i = 0; i < op->entry_count && !*ended; i++) {
        const struct entry *e = &op->entries[i];

        if (e->seq < next || e->seq < s->join)
            continue; /* pushed meanwhile, or not for this member */
        if (e->seq > next &&
            (!batch_flush(b) || !feed_gap(s, next, e->seq - 1, "expired")))
            return;
        next = e->seq + 1;
        if (hidden_by_id(s, e) || lost_entry(s, e))
            continue;
        if (!feed_entry(b, e))
            break;
        metrics_add(&n->metrics, NM_FED, 1);
        *ended = removes_user(s, e);
        if (*ended)
            s->until = e->seq; /* also the head that it is told of */
    }
    if (!batch_flush(b))
        *ended = false;
    if ((SABOTAGED(n, cursor_by_id) || SABOTAGED(n, lose_backlog_entry)) &&
        s->sent < next - 1)
        s->sent = next - 1;
}

/* ---- where a feed ends ---- */

/* What lies before the member's time is never shown. */
static void gap_below_join(struct sub *s)
{
    if (s->sent < s->join - 1)
        feed_gap(s, s->sent + 1, s->join - 1, "not_member");
}

void feed_joined(struct sub *s)
{
    s->goal = s->join;
    gap_below_join(s);
}

/* The user was removed by the entry that was handed over last. */
static bool sub_ended(struct sub *s)
{
    int64_t rejoin = s->rejoin;

    if (rejoin == 0) {
        sub_remove(s);
        return true;
    }
    s->until = s->rejoin = 0;
    s->join = rejoin;
    gap_below_join(s);
    return false;
}

/* The backlog limit is reached: the rest is the client's to ask for. */
static void end_of_backlog(struct sub *s)
{
    int64_t head = s->defer;

    if (s->defer == 0 || s->sent < s->goal)
        return;
    if (s->sent < head && !feed_gap(s, s->sent + 1, head, "deferred"))
        return;
    s->defer = 0;
    sync_more(s->conn, s->live->conv, head);
}

/* All that a former member may see has been handed over. */
static bool sub_is_over(const struct sub *s)
{
    return s->until > 0 && s->sent >= s->until && s->rejoin == 0 &&
           s->defer == 0;
}

/* Nothing came although something should be there. */
static void feed_nothing(struct sub *s, const struct feed_op *f)
{
    if (f->store.entry_count == 0 && s->sent < f->target)
        feed_gap(s, s->sent + 1, f->target, "expired");
}

static void feed_go(struct feed_op *f);

static void page_taken(struct feed_op *f, struct sub *s)
{
    struct conn *c = s->conn;
    bool ended = false;
    struct batch b = {.s = s, .target = f->target};

    feed_page(&b, &f->store, &ended);
    feed_nothing(s, f);
    if (ended && sub_ended(s)) {
        feed_conn(c);
        return;
    }
    end_of_backlog(s);
    if (sub_is_over(s)) {
        sub_remove(s);
        feed_conn(c);
        return;
    }
    sub_moved(s);
    if (s->behind) { /* its turn comes again after the others */
        list_remove(&s->of_behind);
        list_push(&c->behind, &s->of_behind);
    }
    feed_conn(c);
}

static void feed_again(struct timer *t, void *node)
{
    feed_go(container_of(t, struct feed_op, again));
}

static void page_done(struct store_op *op)
{
    struct feed_op *f = op->ctx;
    struct node *n = f->op.node;
    struct conn *c = conn_find(n, f->conn);
    struct sub *s = c != NULL ? sub_find(c, op->conv) : NULL;

    if (op->rc < 0 && s != NULL) {
        SEEN(n, "feed: page again");
        store_op_release(op);
        timer_set(&n->wheel, &f->again, now_mono(n) + FEED_RETRY_MS);
        return;
    }
    if (c != NULL)
        c->feed_busy = false;
    if (s != NULL)
        page_taken(f, s);
    else if (c != NULL)
        feed_conn(c);
    node_op_end(&f->op);
}

/* ---- asking ---- */

/* Ask for the page behind s->sent. The sub may be gone by now. */
static void feed_go(struct feed_op *f)
{
    struct node *n = f->op.node;
    struct conn *c = conn_find(n, f->conn);
    struct sub *s = c != NULL ? sub_find(c, f->store.conv) : NULL;
    uint64_t conv = f->store.conv;
    int room;

    if (s == NULL) {
        if (c != NULL) {
            c->feed_busy = false;
            feed_conn(c);
        }
        node_op_end(&f->op);
        return;
    }
    room = credit_entries(c);
    f->target = sub_target(s);
    store_op_init(&f->store, STORE_PAGE, page_done, f);
    f->store.conv = conv;
    f->store.after = s->sent;
    f->store.before = f->target + 1;
    f->store.forward = true;
    f->store.limit = room < 1 ? 1 : room < LIMIT_PAGE ? room : LIMIT_PAGE;
    f->store.max_bytes =
        credit_bytes(c) < FEED_PAGE_BYTES ? credit_bytes(c) : FEED_PAGE_BYTES;
    store_submit(n->store, &f->store);
}

static bool may_feed(const struct conn *c)
{
    return !c->feed_busy && !c->feed_blocked && conn_takes_entries(c) &&
           c->out_bytes <= LIMIT_OUTQ_BYTES / 2 &&
           c->out_len < LIMIT_OUTQ_WIRES / 2 && credit_entries(c) > 0 &&
           credit_bytes(c) > 0;
}

/* Subs that only wait for a gap or an end need no page. */
static bool needs_page(struct sub *s)
{
    gap_below_join(s);
    end_of_backlog(s);
    if (sub_is_over(s)) {
        sub_remove(s);
        return false;
    }
    sub_moved(s);
    return s->behind && !s->conn->feed_blocked;
}

void feed_conn(struct conn *c)
{
    struct feed_op *f;
    struct link *k;

    while ((k = list_first(&c->behind)) != NULL && may_feed(c)) {
        struct sub *s = container_of(k, struct sub, of_behind);

        if (!needs_page(s))
            continue;
        f = mem_alloc(sizeof(*f));
        f->conn = c->id;
        f->store.conv = s->live->conv;
        timer_init(&f->again, feed_again);
        c->feed_busy = true;
        node_op_begin(c->node, &f->op, feed_release);
        feed_go(f);
    }
}

void feed_sub(struct sub *s)
{
    bool was = s->behind;

    sub_update(s);
    if (s->behind && !was)
        metrics_add(&s->conn->node->metrics, NM_BEHIND, 1);
    if (s->behind)
        feed_conn(s->conn);
}
