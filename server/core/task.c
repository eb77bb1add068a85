/* What the home side keeps per node, and its store operations: each ends once,
 * and those that never end are freed with the node. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/home.h"

struct home_side *side_of(struct node *n)
{
    struct home_side *side = n->side;

    if (side != NULL)
        return side;
    side = n->side = mem_alloc(sizeof(*side));
    list_init(&side->tasks);
    list_init(&side->pushes);
    list_init(&side->notices);
    list_init(&side->asks);
    list_init(&side->kicks);
    map_init(&side->notice_by_id);
    map_init(&side->away);
    map_init(&side->away_convs);
    map_init(&side->bounced);
    buf_init(&side->wire, PEER_MESSAGE_MAX);
    buf_init(&side->answer, PEER_MESSAGE_MAX / 2);
    /* An answer to what a former life of this node asked fits nothing here. */
    if (!SABOTAGED(n, believe_former))
        side->last_number = rng_u64(n->env.rng) >> 16;
    list_ready(&n->home_lru);
    list_ready(&n->receipts_dirty);
    return side;
}

struct buf *answer_buf(struct node *n)
{
    struct buf *b = &side_of(n)->answer;

    buf_clear(b);
    return b;
}

uint64_t side_number(struct node *n)
{
    return ++side_of(n)->last_number;
}

int node_live_members(const struct node *n)
{
    return n->config.live_members > 0 ? n->config.live_members
                                      : LIMIT_LIVE_MEMBERS;
}

int64_t retry_jitter(struct node *n)
{
    return 200 + (int64_t)rng_below(n->env.rng, 801);
}

void *task_new(size_t size, struct node *n, struct home *h, struct request *rq,
               enum store_verb verb, void (*done)(struct task *t))
{
    struct task *t = mem_alloc(size);

    t->node = n;
    t->home = h;
    t->rq = rq;
    t->done = done;
    store_op_init(&t->op, verb, NULL, t);
    if (h != NULL) {
        h->holds++;
        t->op.conv = h->conv;
    }
    list_push(&side_of(n)->tasks, &t->link);
    return t;
}

static void task_stored(struct store_op *op)
{
    struct task *t = op->ctx;

    t->node->pending--;
    t->done(t);
}

void task_submit(struct task *t)
{
    t->op.done = task_stored;
    t->op.ctx = t;
    t->node->pending++;
    store_submit(t->node->store, &t->op);
}

struct request *task_request(struct task *t)
{
    struct request *rq = t->rq;

    t->rq = NULL;
    return rq;
}

void task_destroy(struct task *t)
{
    list_remove(&t->link);
    request_free(&t->rq);
    store_op_release(&t->op);
    free(t->extra);
    if (t->release != NULL)
        t->release(t);
    free(t);
}

void task_free(struct task *t)
{
    struct home *h = t->home;

    task_destroy(t);
    if (h != NULL)
        home_release_hold(h);
}
