/* What stands between two users: blocks, and the setting `contact`. Read from
 * the store, believed for some seconds, forgotten at once when one of the two
 * changes it. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/home.h"

static uint64_t pair_other(const struct home *h, uint64_t user)
{
    return h->row.pair[0] == user ? h->row.pair[1] : h->row.pair[0];
}

static struct pair_side *pair_side(struct home *h, uint64_t user)
{
    if (h->pair == NULL)
        h->pair = mem_alloc(sizeof(*h->pair));
    return &h->pair->side[h->row.pair[0] == user ? 0 : 1];
}

static bool contact_is(const struct store_op *op, const char *what)
{
    return op->user_count > 0 && span_is(span_of(op->users[0].contact), what);
}

static void pair_read(struct task *t)
{
    struct home *h = t->home;
    struct store_op *op = &t->op;
    struct pair_side *s;

    home_unpark(h);
    if (op->rc != 0 && op->rc != -CF_NOT_FOUND) {
        request_failed(h->node, task_request(t), op->rc, 0,
                       "the store did not answer");
    } else {
        s = pair_side(h, op->user);
        s->until = node_mono(h->node) + HOME_PAIR_MS;
        s->gone = op->rc == -CF_NOT_FOUND;
        s->blocked = op->blocked_by_other;
        s->request = contact_is(op, "request") && !op->other_sent;
        s->sent = op->user_sent;
        home_requeue(h, task_request(t));
    }
    home_resume(h, t);
    task_free(t);
}

int pair_need(struct home *h, struct request *rq, int *refuse)
{
    struct pair_side *s = pair_side(h, rq->user);
    struct task *t;

    if (SABOTAGED(h->node, ignore_block)) {
        *refuse = 0;
        return 0;
    }
    if (s->until > node_mono(h->node)) {
        *refuse = s->gone                                 ? -CF_NOT_FOUND
                  : s->blocked || (s->request && s->sent) ? -CF_BLOCKED
                                                          : 0;
        return 0;
    }
    t = task_new(sizeof(*t), h->node, h, rq, STORE_PAIR, pair_read);
    t->op.user = rq->user;
    t->op.other = pair_other(h, rq->user);
    home_park(h, t);
    task_submit(t);
    return 1;
}

/* user has a message here now: it cannot send a second one unasked, and has
 * answered whatever the other one asked. */
void pair_sent(struct home *h, uint64_t user)
{
    pair_side(h, user)->sent = true;
    pair_side(h, pair_other(h, user))->request = false;
}

void pair_forget(struct node *n, uint64_t user, uint64_t other)
{
    for (uint32_t i = 0; i < n->homes.len; i++) {
        struct home *h = n->homes.entries[i].value;
        const uint64_t *p = h->row.pair;

        if (h->pair == NULL || (p[0] != user && p[1] != user))
            continue;
        if (other != 0 && p[0] != other && p[1] != other)
            continue;
        h->pair->side[0].until = h->pair->side[1].until = 0;
    }
}

/* ---- several, one after the other ---- */

static void check_done(struct task *t);

static void check_release(struct task *t)
{
    free(((struct pair_check *)t)->users);
    free(((struct pair_check *)t)->member);
}

static int check_result(const struct pair_check *c)
{
    const struct store_op *op = &c->task.op;

    if (op->rc != 0)
        return op->rc;
    if (SABOTAGED(c->task.node, ignore_block))
        return 0;
    if (op->blocked_by_other || op->blocks_other)
        return -CF_BLOCKED;
    return c->open && contact_is(op, "closed") ? -CF_BLOCKED : 0;
}

static void check_next(struct pair_check *c)
{
    struct store_op *op = &c->task.op;

    store_op_release(op);
    if (c->rc != 0 || ++c->at >= c->count) {
        c->ready(c);
        return;
    }
    op->verb = STORE_PAIR;
    op->conv = 0;
    op->user = c->actor;
    op->other = c->users[c->at];
    c->task.done = check_done;
    task_submit(&c->task);
}

/* A big roster is not at hand: is this one a member already? */
static void check_member(struct task *t)
{
    struct pair_check *c = (struct pair_check *)t;
    struct store_op *op = &t->op;

    if (op->rc != 0 && op->rc != -CF_NOT_FOUND)
        c->rc = op->rc;
    else
        c->member[c->at] = op->rc == 0 && op->member_count > 0 &&
                           op->members[0].role != ROLE_NONE;
    check_next(c);
}

static void check_done(struct task *t)
{
    struct pair_check *c = (struct pair_check *)t;
    struct store_op *op = &t->op;

    c->rc = check_result(c);
    if (c->rc != 0 || t->home == NULL || !home_is_big(t->home)) {
        check_next(c);
        return;
    }
    store_op_release(op);
    op->verb = STORE_MEMBER;
    op->conv = t->home->conv;
    op->user = c->users[c->at];
    t->done = check_member;
    task_submit(t);
}

void pair_check(struct node *n, struct home *h, struct request *rq,
                uint64_t actor, const uint64_t *users, int count, bool open,
                void (*done)(struct pair_check *c))
{
    struct pair_check *c =
        task_new(sizeof(*c), n, h, rq, STORE_PAIR, check_done);

    c->task.release = check_release;
    c->actor = actor;
    c->open = open;
    c->count = count;
    c->users = mem_copy(users, (size_t)count * sizeof(*users));
    c->member = mem_array((size_t)count, sizeof(bool));
    c->ready = done;
    c->task.op.conv = 0;
    c->task.op.user = actor;
    c->task.op.other = users[0];
    if (h != NULL)
        home_stall(h, &c->task);
    task_submit(&c->task);
}
