/* user.block and user.blocks: whom the user does not want to hear. */
#include "core/commands.h"
#include "core/home.h"

static void block_done(struct task *t)
{
    const struct frame *f = &t->rq->frame;
    struct buf b;

    if (t->op.rc != 0) {
        command_failed(t, t->op.rc,
                       t->op.rc == -CF_LIMIT ? "too many blocked users"
                                             : "no such user");
        return;
    }
    buf_init(&b, 256);
    buf_append_byte(&b, '{');
    enc_member_text(&b, "op", span_of(f->on ? "block" : "unblock"));
    enc_member_id(&b, "user", 'u', f->user);
    buf_append_byte(&b, '}');
    if (!t->op.dup)
        notice_account(t->node, t->rq->user, (struct span){NULL, 0},
                       buf_span(&b));
    buf_release(&b);
    route_forget_pair(t->node, t->rq->user, f->user);
    command_ok(t, NULL);
}

/* Step 2: there is such a user. */
static void block_found(struct task *t)
{
    struct store_op *op = &t->op;

    if (op->rc != 0) {
        command_failed(t, op->rc, "no such user");
        return;
    }
    store_op_release(op);
    op->verb = STORE_BLOCK;
    op->on = t->rq->frame.on;
    t->done = block_done;
    task_submit(t);
}

void cmd_user_block(struct conn *c, const struct frame *f)
{
    struct task *t;

    if (f->user == c->user->id) {
        conn_error(c, f->n, "bad_frame", 0, "nobody blocks oneself");
        return;
    }
    t = command_task(c, f, STORE_PAIR, block_found);
    t->op.other = f->user;
    task_submit(t);
}

static void blocks_read(struct task *t)
{
    struct buf b;

    if (t->op.rc != 0) {
        command_failed(t, t->op.rc, "the list could not be read; ask again");
        return;
    }
    buf_init(&b, LIMIT_FRAME);
    enc_member_users(&b, "users", t->op.blocks, t->op.block_count);
    command_ok(t, &b);
    buf_release(&b);
}

void cmd_user_blocks(struct conn *c, const struct frame *f)
{
    task_submit(command_task(c, f, STORE_BLOCKS, blocks_read));
}
