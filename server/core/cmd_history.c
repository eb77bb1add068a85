/* cmd_history.c - `history`: a page of a conversation's log, bounded by what
 * the member may see. Needs no ack and costs no credit. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/commands.h"
#include "core/conn.h"

#define HISTORY_DEFAULT 50

struct history {
    int64_t n, before, after, limit, thread;
    uint64_t conv;
    bool forward;
};

struct history_op {
    struct node_op op;
    struct store_op store;
    struct history ask;
    uint64_t conn;
    int64_t low, high, head;
};

static void history_release(struct node_op *op)
{
    struct history_op *h = container_of(op, struct history_op, op);

    store_op_release(&h->store);
    free(h);
}

/* ---- step 3: the answer ---- */

/* The range that the answer covers: what is missing in it is not for this
 * member. Asked for what follows a former stay, it begins there. */
static void covered(const struct history_op *h, int64_t *from, int64_t *to)
{
    const struct store_op *op = &h->store;
    bool whole = op->entry_count < op->limit && !op->cut;

    *from = (op->forward ? h->ask.after : op->after) + 1;
    *to = op->before - 1;
    if (op->entry_count == 0)
        return;
    if (op->forward && !whole)
        *to = op->entries[op->entry_count - 1].seq;
    if (!op->forward && !whole)
        *from = op->entries[0].seq;
}

/* As many entries as fit: the oldest ones (forward) or the newest ones. */
static int encode(struct history_op *h, struct conn *c, int first, int count)
{
    struct buf *out = &c->node->scratch;
    const struct store_op *op = &h->store;
    int64_t from, to;
    int rc;

    covered(h, &from, &to);
    if (first > 0)
        from = op->entries[first].seq;
    if (first + count < op->entry_count)
        to = op->entries[first + count - 1].seq;
    buf_clear(out);
    rc = enc_batch_open(out, h->ask.n, h->ask.conv);
    for (int i = first; rc == 0 && i < first + count; i++) {
        const struct entry *e = &op->entries[i];

        if (i > first)
            rc = buf_append_byte(out, ',');
        if (rc == 0)
            rc = enc_entry_bare(out, e, e->from == c->user->id);
    }
    if (rc == 0)
        rc = enc_batch_close(out, from, to, h->head,
                             op->forward ? to < h->high : from > h->low);
    return rc;
}

static void answer(struct history_op *h, struct conn *c)
{
    int n = h->store.entry_count, first = 0;

    while (encode(h, c, first, n) < 0 && n > 1) {
        if (!h->store.forward)
            first += n - n / 2;
        n /= 2;
    }
    conn_answer(c, buf_span(&c->node->scratch));
}

static void page_known(struct store_op *op)
{
    struct history_op *h = op->ctx;
    struct conn *c = conn_find(h->op.node, h->conn);

    if (c != NULL && op->rc < 0)
        conn_error(c, h->ask.n, err_code_of(op->rc), 1000,
                   "the page could not be read");
    else if (c != NULL && !outq_room(c, LIMIT_BATCH_WIRE / 2))
        conn_error(c, h->ask.n, "busy", 1000, "read what is queued first");
    else if (c != NULL)
        answer(h, c);
    node_op_end(&h->op);
}

/* ---- step 2: a member asks ---- */

static void ask_page(struct conn *c, const struct history *ask,
                     const struct membership *m)
{
    struct history_op *h = mem_alloc(sizeof(*h));
    struct store_op *op = &h->store;
    int64_t limit = ask->limit > 0 ? ask->limit : HISTORY_DEFAULT;

    h->ask = *ask;
    h->conn = c->id;
    h->low = member_low(m);
    h->high = member_high(m);
    h->head = h->high;
    store_op_init(op, STORE_PAGE, page_known, h);
    op->conv = ask->conv;
    op->after = ask->after > h->low - 1 ? ask->after : h->low - 1;
    op->before =
        ask->before > 0 && ask->before <= h->high ? ask->before : h->high + 1;
    op->forward = ask->forward;
    op->thread = ask->thread;
    op->limit = (int)(limit < LIMIT_HISTORY ? limit : LIMIT_HISTORY);
    op->max_bytes = LIMIT_BATCH_WIRE - 16 * 1024;
    if (op->before <= op->after + 1)
        op->before = op->after + 1; /* an empty range */
    node_op_begin(c->node, &h->op, history_release);
    store_submit(c->node->store, op);
}

static void member_known(struct node *n, struct conn *c, void *ctx, int rc,
                         const struct membership *m)
{
    struct history *ask = ctx;

    if (c != NULL && m != NULL)
        ask_page(c, ask, m);
    else if (c != NULL && rc == -CF_NOT_FOUND)
        conn_error(c, ask->n, "not_found", 0, "no such conversation");
    else if (c != NULL)
        conn_error(c, ask->n, err_code_of(rc), 1000,
                   "the conversation could not be looked up");
    free(ask);
}

/* Step 1. */
void cmd_history(struct conn *c, const struct frame *f)
{
    struct history *ask = mem_alloc(sizeof(*ask));

    ask->n = f->n;
    ask->conv = f->conv;
    ask->before = f->before;
    ask->after = f->after;
    ask->limit = f->limit;
    ask->thread = f->thread;
    ask->forward = frame_has(f, M_AFTER);
    member_ask(c, f->conv, member_known, ask);
}
