/* A conversation at the node that is home to it: taken over under a fresh
 * term, asked, and given up when the ring of nodes changes. */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/home.h"

static void home_load(struct home *h);
static void home_opened(struct task *t);
static void home_drain(struct home *h);

/* ---- life ---- */

bool home_is_ours(const struct node *n, uint64_t conv)
{
    return n->ready && !n->lost && ring_node(&n->ring, conv) == n->env.number;
}

static struct home *home_new(struct node *n, uint64_t conv)
{
    struct home *h = mem_alloc(sizeof(*h));

    side_of(n);
    h->node = n;
    h->conv = conv;
    h->state = HOME_LOADING;
    h->recheck = -1;
    list_init(&h->waiting);
    list_init(&h->fans);
    map_put(&n->homes, conv, h);
    list_push(&n->home_lru, &h->lru);
    h->used = node_mono(n);
    return h;
}

void home_free(struct home *h)
{
    struct link *l;

    map_remove(&h->node->homes, h->conv);
    list_remove(&h->lru);
    list_remove(&h->dirty);
    while ((l = list_pop(&h->waiting)) != NULL) {
        struct request *rq = container_of(l, struct request, link);

        request_free(&rq);
    }
    roster_clear(h);
    free(h->pair);
    free(h->recent);
    free(h->viewers);
    free(h);
}

/* Hand everything that waits to whoever is home now. */
static void home_send_on(struct home *h)
{
    struct link waiting, *l;

    list_init(&waiting);
    while ((l = list_pop(&h->waiting)) != NULL)
        list_push(&waiting, l);
    h->waiting_count = 0;
    h->leaving = true;
    while ((l = list_pop(&waiting)) != NULL)
        route_request(h->node, container_of(l, struct request, link));
    h->leaving = false;
}

/* There may be an entry that nobody was told of, and another node is home now:
 * all nodes compare heads. */
static void home_untold(struct home *h)
{
    static const struct peer_message nothing;
    struct node *n = h->node;

    h->recheck = -1;
    h->retry_at = 0;
    peer_send_all(n, n->nodes, n->node_count, PEER_REPAIR, &nothing);
    repair_from_store(n, -1);
}

/* Another node is home now, or nobody has asked for long. */
void home_drop(struct home *h)
{
    h->state = HOME_LOST;
    h->stall = NULL;
    if (h->recheck >= 0)
        home_untold(h);
    h->holds++; /* what waits goes on behind what is under way */
    if (SABOTAGED(h->node, overtake_leaving))
        home_send_on(h);
    home_release_hold(h);
}

void home_release_hold(struct home *h)
{
    if (--h->holds > 0 || h->state != HOME_LOST)
        return;
    if (!list_empty(&h->waiting) && home_is_ours(h->node, h->conv)) {
        home_load(h);
        return;
    }
    h->holds++;
    home_send_on(h);
    if (--h->holds == 0 && h->state == HOME_LOST)
        home_free(h);
}

void home_touch(struct home *h)
{
    h->used = node_mono(h->node);
    list_remove(&h->lru);
    list_push(&h->node->home_lru, &h->lru);
}

struct home *home_get(struct node *n, uint64_t conv)
{
    struct home *h = map_get(&n->homes, conv);

    if (h == NULL) {
        h = home_new(n, conv);
        home_load(h);
    } else if (h->state == HOME_LOST) {
        home_load(h);
    }
    home_touch(h);
    return h;
}

struct home *home_adopt(struct node *n, const struct conv_row *row,
                        const struct roster_change *changes, int count)
{
    struct home *h = map_get(&n->homes, row->conv);

    if (h != NULL)
        return h;
    h = home_new(n, row->conv);
    h->row = *row;
    h->state = HOME_READY;
    h->head_announced = row->head;
    if (!home_is_big(h))
        roster_apply(h, changes, count, row->head);
    return h;
}

/* ---- taking over ---- */

static void home_load(struct home *h)
{
    struct task *t;

    h->state = HOME_LOADING;
    h->stall = NULL;
    h->retry_at = 0;
    t = task_new(sizeof(*t), h->node, h, NULL, STORE_OPEN, home_opened);
    t->op.now = node_wall(h->node);
    task_submit(t);
}

void home_reload(struct home *h)
{
    if (h->state == HOME_LOST) {
        home_untold(h);
        return;
    }
    if (h->recheck < 0)
        h->recheck = h->row.head;
    if (h->state == HOME_LOADING)
        return;
    if (home_is_ours(h->node, h->conv))
        home_load(h);
    else
        home_drop(h);
}

/* It cannot be opened: everybody who waits is told, and it is forgotten. */
static void home_fail(struct home *h, int rc)
{
    struct link *l;
    int64_t retry = rc == -CF_NOT_FOUND ? 0 : retry_jitter(h->node);

    SEEN(h->node, "home: cannot be opened");
    h->holds++;
    while ((l = list_pop(&h->waiting)) != NULL) {
        struct request *rq = container_of(l, struct request, link);

        h->waiting_count--;
        if (rq->internal && rq->frame.kind == FRAME_FENCE) {
            ask_refused(h->node, rq, rc);
            continue;
        }
        request_error(h->node, rq,
                      rc == -CF_UNKNOWN ? "timeout" : err_code_of(rc), retry, 0,
                      rc == -CF_NOT_FOUND ? "no such conversation"
                                          : "the store did not answer");
    }
    if (h->recheck >= 0 && rc != -CF_NOT_FOUND) {
        h->retry_at = node_mono(h->node) + HOME_RETRY_MS;
        h->state = HOME_LOADING;
    } else {
        h->state = HOME_LOST;
    }
    home_release_hold(h);
}

/* Entries that were committed although nobody could say so. */
static void home_rechecked(struct task *t)
{
    struct home *h = t->home;
    struct store_op *op = &t->op;

    for (int i = 0; op->rc == 0 && i < op->entry_count; i++) {
        SEEN(h->node, "home: told what nobody knew of");
        fanout_again(h, &op->entries[i]);
    }
    if (op->rc != 0 && (h->recheck < 0 || h->recheck > op->after)) {
        h->recheck = op->after;
        h->retry_at = node_mono(h->node) + HOME_RETRY_MS;
        if (h->state == HOME_LOST)
            home_untold(h);
    }
    task_free(t);
}

static void home_recheck(struct home *h)
{
    struct task *t;

    if (h->recheck >= 0 && h->recheck < h->row.head) {
        SEEN(h->node, "home: reads again what is unknown");
        t = task_new(sizeof(*t), h->node, h, NULL, STORE_PAGE, home_rechecked);
        t->op.after = h->recheck;
        t->op.limit = LIMIT_STORE_QUEUE; /* more cannot have been under way */
        t->op.forward = true;
        t->op.max_bytes = LIMIT_STORE_QUEUE * (size_t)LIMIT_ENTRY_WIRE;
        task_submit(t);
    }
    h->recheck = -1;
}

void home_retry(struct home *h)
{
    h->retry_at = 0;
    if (h->state == HOME_READY)
        home_recheck(h);
    else if (h->state == HOME_LOADING)
        home_load(h);
}

static void home_ready(struct home *h, int rc)
{
    if (rc != 0) {
        home_fail(h, rc);
        return;
    }
    h->state = HOME_READY;
    home_recheck(h);
    home_drain(h);
}

static void home_opened(struct task *t)
{
    struct home *h = t->home;
    struct node *n = h->node;
    int64_t term = h->row.term;
    int rc = t->op.rc;

    if (h->state != HOME_LOADING) {
        task_free(t);
        return;
    }
    if (rc == 0) {
        h->row = t->op.row;
        if (SABOTAGED(n, keep_old_term) && term > 0)
            h->row.term = term;
        id_raise(&n->ids, h->row.last_id);
        free(h->pair);
        h->pair = NULL;
        roster_clear(h);
        if (home_is_big(h))
            home_ready(h, 0);
        else
            roster_load(h, home_ready);
    } else {
        home_fail(h, rc);
    }
    task_free(t);
}

/* ---- asking ---- */

static void home_handle(struct home *h, struct request *rq)
{
    const struct command *cmd;

    switch (rq->internal ? rq->frame.kind : FRAME_NONE) {
    case FRAME_ACK:
        home_mark(h, rq);
        return;
    case FRAME_TYPING:
        home_typing(h, rq);
        return;
    case FRAME_VIEW:
        home_view(h, rq);
        return;
    case FRAME_FENCE:
        home_ask(h, rq);
        return;
    case FRAME_ENTRY:
        home_account(h, rq);
        return;
    default:
        break;
    }
    cmd = command_of(rq->frame.kind);
    if (cmd == NULL || cmd->home == NULL)
        request_error(h->node, rq, "unknown_kind", 0, 0, "not a command");
    else
        cmd->home(h, rq);
}

void home_requeue(struct home *h, struct request *rq)
{
    struct link *at = &h->waiting;

    if (rq->turn == 0)
        rq->turn = ++h->turns;
    while (at->prev != &h->waiting &&
           container_of(at->prev, struct request, link)->turn > rq->turn)
        at = at->prev;
    list_insert_before(at, &rq->link);
    h->waiting_count++;
}

void home_run(struct home *h, struct request *rq)
{
    if (h->state == HOME_READY && h->parked == 0 && list_empty(&h->waiting)) {
        if (rq->turn == 0)
            rq->turn = ++h->turns;
        home_handle(h, rq);
    } else if (h->waiting_count >= HOME_WAITING_MAX) {
        request_error(h->node, rq, "busy", retry_jitter(h->node), 0,
                      "too many requests wait for this conversation");
    } else {
        home_requeue(h, rq);
    }
}

static void home_drain(struct home *h)
{
    struct link *l;

    h->holds++;
    while (h->state == HOME_READY && h->parked == 0 &&
           (l = list_pop(&h->waiting)) != NULL) {
        h->waiting_count--;
        home_handle(h, container_of(l, struct request, link));
    }
    home_release_hold(h);
}

bool home_holds_back(struct node *n, struct request *rq)
{
    struct home *h = map_get(&n->homes, rq->conv);

    if (h == NULL || h->state != HOME_LOST || h->leaving || rq->internal ||
        SABOTAGED(n, overtake_leaving))
        return false;
    SEEN(n, "home: a former one holds back");
    if (h->waiting_count < HOME_WAITING_MAX)
        home_requeue(h, rq);
    else
        request_error(n, rq, "busy", retry_jitter(n), 0,
                      "too many requests wait for this conversation");
    return true;
}

void home_stall(struct home *h, struct task *t)
{
    h->state = HOME_CHANGING;
    h->stall = t;
}

void home_park(struct home *h, struct task *t)
{
    h->parked += !SABOTAGED(h->node, overtake_parked);
    home_stall(h, t);
}

void home_unpark(struct home *h)
{
    h->parked -= !SABOTAGED(h->node, overtake_parked);
}

void home_resume(struct home *h, struct task *t)
{
    if (h->stall == t) {
        h->stall = NULL;
        if (h->state == HOME_CHANGING)
            h->state = HOME_READY;
    }
    /* Also when a takeover has passed the read: it put its request back. */
    if (h->state == HOME_READY)
        home_drain(h);
}

void home_request(struct node *n, struct request *rq)
{
    enum frame_kind k = rq->frame.kind;

    rq->turn = 0;
    if (k == FRAME_CONV_OPEN || k == FRAME_CONV_CREATE)
        conv_create_request(n, rq);
    else
        home_run(home_get(n, rq->conv), rq);
}
