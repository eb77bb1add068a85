/* user.delete: the end of an account. It leaves its conversations, so that
 * the others see it go, and then its data is taken out of the store. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/commands.h"
#include "core/home.h"

#define LEAVE_PAGE 100

struct departure {
    struct task task;
    uint64_t user;
    int open; /* departures without an answer */
    bool more;
    int rc;
    void (*done)(void *ctx, int rc);
    void *ctx;
};

static void departure_page(struct departure *d);

static void departure_end(struct departure *d, int rc)
{
    void (*done)(void *ctx, int rc) = d->done;
    void *ctx = d->ctx;

    task_free(&d->task);
    if (done != NULL)
        done(ctx, rc);
}

/* Step 4: the store has forgotten. */
static void departure_deleted(struct task *t)
{
    struct departure *d = (struct departure *)t;
    struct node *n = t->node;
    uint64_t user = d->user;
    int rc = t->op.rc;

    departure_end(d, rc); /* the last answer comes before the close */
    if (rc == 0)
        node_revoke(n, user, 0);
}

static void departure_delete(struct departure *d)
{
    struct store_op *op = &d->task.op;

    store_op_release(op);
    op->verb = STORE_USER_DELETE;
    op->user = d->user;
    op->now = node_wall(d->task.node);
    d->task.done = departure_deleted;
    task_submit(&d->task);
}

/* Step 3: one conversation has been left, or could not be. */
static void departure_left(void *ctx, int rc)
{
    struct departure *d = ctx;

    if (rc != 0 && rc != -CF_NOT_FOUND)
        d->rc = rc;
    if (--d->open > 0)
        return;
    if (d->rc != 0)
        departure_end(d, d->rc);
    else if (d->more)
        departure_page(d);
    else
        departure_delete(d);
}

static void departure_leave(struct departure *d, uint64_t conv)
{
    struct buf b;

    buf_init(&b, LIMIT_CID);
    buf_printf(&b, "gone-u%llu", (unsigned long long)d->user);
    d->open++;
    notice_send(d->task.node,
                request_internal_body(d->task.node, FRAME_CONV_LEAVE, conv,
                                      d->user, buf_span(&b),
                                      (struct span){NULL, 0}),
                departure_left, d);
    buf_release(&b);
}

/* Step 2: a page of conversations is known. */
static void departure_listed(struct task *t)
{
    struct departure *d = (struct departure *)t;
    struct store_op *op = &t->op;

    if (op->rc != 0) {
        departure_end(d, op->rc);
        return;
    }
    d->more = op->member_count >= LEAVE_PAGE;
    d->open++;
    for (int i = 0; i < op->member_count; i++) {
        const struct membership *m = &op->members[i];

        op->conv = m->conv;
        if (m->role != ROLE_NONE && m->c.kind != CONV_SELF)
            departure_leave(d, m->conv);
    }
    departure_left(d, 0);
}

static void departure_page(struct departure *d)
{
    struct store_op *op = &d->task.op;

    store_op_release(op);
    op->verb = STORE_CONVS_OF;
    op->user = d->user;
    op->limit = LEAVE_PAGE;
    d->task.done = departure_listed;
    task_submit(&d->task);
}

/* Step 1. */
void node_user_delete(struct node *n, uint64_t user,
                      void (*done)(void *ctx, int rc), void *ctx)
{
    struct departure *d =
        task_new(sizeof(*d), n, NULL, NULL, STORE_CONVS_OF, departure_listed);

    d->user = user;
    d->done = done;
    d->ctx = ctx;
    departure_page(d);
}

/* ---- asked for by the user ---- */

static void deletion_done(struct task *t)
{
    if (t->op.rc != 0)
        command_failed(t, t->op.rc, "the account was not deleted; ask again");
    else
        command_ok(t, NULL);
}

static void deletion_over(void *ctx, int rc)
{
    struct task *t = ctx;

    t->op.rc = rc;
    deletion_done(t);
}

static void deletion_named(struct task *t)
{
    const struct frame *f = &t->rq->frame;

    if (t->op.rc != 0) {
        command_failed(t, t->op.rc, "no such account");
    } else if (t->op.user_count == 0 ||
               !span_is(f->name, t->op.users[0].name)) {
        command_failed(t, -CF_NOT_FOUND, "name is not that of the account");
    } else {
        node_user_delete(t->node, t->rq->user, deletion_over, t);
    }
}

void cmd_user_delete(struct conn *c, const struct frame *f)
{
    task_submit(command_task(c, f, STORE_USER, deletion_named));
}
