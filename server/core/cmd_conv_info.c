/* conv.info and conv.members: what a member may know of a conversation. */
#include "core/commands.h"
#include "core/home.h"

/* The first step of both: is the asking user a member? Those who left may
 * still know what it was. */
static void info_ask(struct conn *c, const struct frame *f,
                     void (*done)(struct task *t))
{
    struct task *t = command_task(c, f, STORE_MEMBER, done);

    t->op.conv = f->conv;
    t->op.dev = c->dev;
    task_submit(t);
}

static bool info_refused(struct task *t, bool live)
{
    struct store_op *op = &t->op;
    int rc = op->rc;

    if (rc == 0 &&
        (op->member_count == 0 || (live && op->members[0].role == ROLE_NONE)))
        rc = -CF_NOT_FOUND;
    if (rc == 0)
        return false;
    command_failed(t, rc,
                   rc == -CF_NOT_FOUND ? "no such conversation" : "ask again");
    return true;
}

static void info_direct(struct buf *b, const struct membership *m)
{
    uint64_t peer = m->c.pair[0] == m->user ? m->c.pair[1] : m->c.pair[0];

    if (m->c.kind == CONV_DIRECT)
        enc_member_id(b, "user", 'u', peer);
}

static void informed(struct task *t)
{
    const struct membership *m;
    struct buf b;

    if (info_refused(t, false))
        return;
    m = &t->op.members[0];
    buf_init(&b, 2048);
    enc_member_id(&b, "conv", 'c', m->conv);
    enc_member_text(&b, "kind", span_of(conv_kind_name(m->c.kind)));
    enc_member_text(&b, "mode", span_of(conv_mode_name(m->c.mode)));
    enc_member_text(&b, "title", span_of(m->c.title));
    info_direct(&b, m);
    enc_member_text(&b, "role", span_of(role_name(m->role)));
    enc_member_int(&b, "join", m->join);
    if (m->left > 0)
        enc_member_int(&b, "left", m->left);
    enc_member_int(&b, "head", m->left > 0 ? m->left : m->c.head);
    enc_member_int(&b, "members", m->c.members);
    enc_member_int(&b, "created", m->c.created);
    enc_member_int(&b, "read", m->read);
    command_ok(t, &b);
    buf_release(&b);
}

void cmd_conv_info(struct conn *c, const struct frame *f)
{
    info_ask(c, f, informed);
}

/* ---- members ---- */

static void members_row(struct buf *b, const struct membership *m)
{
    buf_append_text(b, b->len > 1 ? ",{" : "{");
    enc_member_id(b, "user", 'u', m->user);
    enc_member_text(b, "role", span_of(role_name(m->role)));
    enc_member_int(b, "join", m->join);
    enc_member_int(b, "delivered", m->delivered);
    enc_member_int(b, "read", m->read);
    buf_append_byte(b, '}');
}

static void members_read(struct task *t)
{
    struct store_op *op = &t->op;
    struct buf rows, members;

    if (op->rc != 0) {
        command_failed(t, op->rc, "the members could not be read; ask again");
        return;
    }
    buf_init(&rows, LIMIT_FRAME);
    buf_init(&members, LIMIT_FRAME);
    buf_append_byte(&rows, '[');
    for (int i = 0; i < op->member_count; i++) {
        if (op->members[i].role != ROLE_NONE)
            members_row(&rows, &op->members[i]);
    }
    buf_append_byte(&rows, ']');
    enc_member_id(&members, "conv", 'c', op->conv);
    enc_member_raw(&members, "members", buf_span(&rows));
    enc_member_bool(&members, "more", op->member_count >= op->limit);
    command_ok(t, &members);
    buf_release(&rows);
    buf_release(&members);
}

/* Step 2: a page of the roster. */
static void members_allowed(struct task *t)
{
    const struct frame *f = &t->rq->frame;
    struct store_op *op = &t->op;

    if (info_refused(t, true))
        return;
    store_op_release(op);
    op->verb = STORE_ROSTER;
    op->other = f->user != 0 ? f->user : (uint64_t)f->after;
    op->limit =
        f->limit > 0 && f->limit <= LIMIT_LIST ? (int)f->limit : LIMIT_LIST;
    t->done = members_read;
    task_submit(t);
}

void cmd_conv_members(struct conn *c, const struct frame *f)
{
    info_ask(c, f, members_allowed);
}
