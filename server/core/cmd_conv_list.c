/* conv.list: the conversations of the user, in pages by number. */
#include "core/commands.h"
#include "core/home.h"

static int list_row(struct buf *b, const struct membership *m)
{
    uint64_t self = m->user,
             peer = m->c.pair[0] == self ? m->c.pair[1] : m->c.pair[0];
    int rc = buf_append_text(b, b->len > 1 ? ",{" : "{");

    rc |= enc_member_id(b, "conv", 'c', m->conv);
    rc |= enc_member_text(b, "kind", span_of(conv_kind_name(m->c.kind)));
    rc |= enc_member_text(b, "mode", span_of(conv_mode_name(m->c.mode)));
    if (m->c.title[0] != '\0')
        rc |= enc_member_text(b, "title", span_of(m->c.title));
    if (m->c.kind == CONV_DIRECT)
        rc |= enc_member_id(b, "user", 'u', peer);
    rc |= enc_member_text(b, "role", span_of(role_name(m->role)));
    rc |= enc_member_int(b, "head", m->left > 0 ? m->left : m->c.head);
    rc |= enc_member_int(b, "join", m->join);
    if (m->left > 0)
        rc |= enc_member_int(b, "left", m->left);
    rc |= enc_member_int(b, "members", m->c.members);
    rc |= enc_member_int(b, "read", m->read);
    if (m->acked >= 0)
        rc |= enc_member_int(b, "acked", m->acked);
    if (m->c.kind == CONV_DIRECT) {
        rc |= enc_member_int(b, "delivered", m->peer_delivered);
        rc |= enc_member_int(b, "read_by", m->peer_read);
    }
    rc |= buf_append_byte(b, '}');
    return rc;
}

static void listed(struct task *t)
{
    struct store_op *op = &t->op;
    struct buf rows, members;

    if (op->rc != 0) {
        command_failed(t, op->rc, "the list could not be read; ask again");
        return;
    }
    buf_init(&rows, LIMIT_FRAME);
    buf_init(&members, LIMIT_FRAME);
    buf_append_byte(&rows, '[');
    for (int i = 0; i < op->member_count; i++)
        list_row(&rows, &op->members[i]);
    buf_append_byte(&rows, ']');
    enc_member_raw(&members, "convs", buf_span(&rows));
    enc_member_bool(&members, "more", op->member_count >= op->limit);
    command_ok(t, &members);
    buf_release(&rows);
    buf_release(&members);
}

void cmd_conv_list(struct conn *c, const struct frame *f)
{
    struct task *t = command_task(c, f, STORE_CONVS_OF, listed);

    t->op.dev = c->dev;
    t->op.conv = (uint64_t)f->after;
    if (f->conv != 0)
        t->op.conv = f->conv;
    t->op.limit =
        f->limit > 0 && f->limit <= LIMIT_LIST ? (int)f->limit : LIMIT_LIST;
    task_submit(t);
}
