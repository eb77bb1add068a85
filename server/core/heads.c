/* How far is the log of each of these conversations? Asked of their homes, so
 * that the answer covers everything committed there before. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/home.h"

#define ASK_REPEAT_MS 1500
#define ASK_TRIES 4
#define HEAD_OPEN INT64_MIN /* not answered yet */

struct ask {
    struct link link; /* in side->asks */
    uint64_t number;
    uint64_t user;
    int count, open, tries;
    int64_t repeat; /* mono ms */
    void (*done)(void *ctx, const int64_t *heads, int count);
    void *ctx;
    int64_t *heads;
    uint64_t convs[];
};

static struct ask *ask_find(struct node *n, uint64_t number)
{
    list_each (&side_of(n)->asks, l, tmp) {
        struct ask *a = container_of(l, struct ask, link);

        if (a->number == number)
            return a;
    }
    return NULL;
}

static void ask_end(struct ask *a)
{
    list_remove(&a->link);
    for (int i = 0; i < a->count; i++) {
        if (a->heads[i] == HEAD_OPEN)
            a->heads[i] = -1;
    }
    a->done(a->ctx, a->heads, a->count);
    free(a->heads);
    free(a);
}

void ask_told(struct node *n, uint64_t number, uint32_t index, int64_t head)
{
    struct ask *a = ask_find(n, number);

    if (a == NULL || index >= (uint32_t)a->count ||
        a->heads[index] != HEAD_OPEN)
        return;
    a->heads[index] = head;
    if (--a->open == 0)
        ask_end(a);
}

/* ---- at the home ---- */

static void ask_answer(struct node *n, struct request *rq, int64_t head)
{
    struct peer_message m = {
        .rid = rq->rid, .conv = rq->conv, .user = rq->user, .head = head};

    m.index = (uint32_t)rq->frame.seq;
    if (rq->origin == n->env.number)
        ask_told(n, rq->rid, m.index, head);
    else
        peer_send(n, rq->origin, PEER_TELL_HEADS, &m);
    request_free(&rq);
}

/* What is committed counts, also when the home has not heard of it yet, or is
 * home no longer. An ask without an answer comes again. */
static void ask_read(struct task *t)
{
    struct node *n = t->node;
    int64_t head = t->home->row.head;
    struct request *rq = task_request(t);

    if (t->op.row.head > head)
        head = t->op.row.head;
    if (t->op.rc == 0)
        ask_answer(n, rq, head);
    else
        request_free(&rq);
    task_free(t);
}

void home_ask(struct home *h, struct request *rq)
{
    const struct member *m;

    struct task *t;

    if (roster_need(h, rq, rq->user, &m) != 0)
        return;
    if (may(h, m, MAY_READ) != 0) {
        ask_answer(h->node, rq, -1);
        return;
    }
    t = task_new(sizeof(*t), h->node, h, rq, STORE_CONV, ask_read);
    task_submit(t);
}

/* The home cannot be opened: there is no such conversation, or it is asked
 * again in a while. */
void ask_refused(struct node *n, struct request *rq, int rc)
{
    if (rc == -CF_NOT_FOUND)
        ask_answer(n, rq, -1);
    else
        request_free(&rq);
}

void ask_from(struct node *n, int from, uint64_t number, uint32_t index,
              uint64_t user, uint64_t conv)
{
    struct request *rq;

    if (!home_is_ours(n, conv))
        return;
    rq = request_internal(n, FRAME_FENCE, conv, user);
    rq->origin = from;
    rq->rid = number;
    rq->frame.seq = index;
    home_request(n, rq);
}

/* ---- asking ---- */

static void ask_one(struct node *n, struct ask *a, int i)
{
    struct peer_message m = {.rid = a->number,
                             .index = (uint32_t)i,
                             .user = a->user,
                             .conv = a->convs[i]};
    int home = ring_node(&n->ring, a->convs[i]);

    if (home == n->env.number)
        ask_from(n, home, a->number, m.index, a->user, a->convs[i]);
    else if (home >= 0)
        peer_send(n, home, PEER_ASK_HEADS, &m);
}

/* Answers that are here already come from within: a may end at any time. */
static void ask_round(struct node *n, uint64_t number)
{
    struct ask *a = ask_find(n, number);

    a->tries++;
    a->repeat = node_mono(n) + ASK_REPEAT_MS;
    for (int i = 0; a != NULL && i < a->count; i++) {
        if (a->heads[i] == HEAD_OPEN)
            ask_one(n, a, i);
        a = ask_find(n, number);
    }
}

void route_ask_heads(struct node *n, uint64_t user, const uint64_t *convs,
                     int count,
                     void (*done)(void *ctx, const int64_t *heads, int count),
                     void *ctx)
{
    struct ask *a = mem_alloc(sizeof(*a) + (size_t)count * sizeof(uint64_t));

    a->number = side_number(n);
    a->user = user;
    a->count = a->open = count;
    a->done = done;
    a->ctx = ctx;
    a->heads = mem_array((size_t)count + 1, sizeof(int64_t));
    for (int i = 0; i < count; i++) {
        a->convs[i] = convs[i];
        a->heads[i] = HEAD_OPEN;
    }
    list_push(&side_of(n)->asks, &a->link);
    if (count == 0)
        ask_end(a);
    else
        ask_round(n, a->number);
}

void asks_tick(struct node *n)
{
    int64_t now = node_mono(n);

    list_each (&side_of(n)->asks, l, tmp) {
        struct ask *a = container_of(l, struct ask, link);

        if (now < a->repeat)
            continue;
        if (a->tries >= ASK_TRIES) {
            ask_end(a);
            return;
        }
        /* The list may change under the walk: the rest waits a tick. */
        ask_round(n, a->number);
        return;
    }
}

void asks_free(struct node *n)
{
    struct link *l;

    while ((l = list_pop(&side_of(n)->asks)) != NULL) {
        struct ask *a = container_of(l, struct ask, link);

        free(a->heads);
        free(a);
    }
}
