/* user.find and user.info: names and numbers of users. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/commands.h"
#include "core/home.h"

static void user_members(struct buf *b, const struct user_row *u)
{
    enc_member_id(b, "user", 'u', u->user);
    if (u->deleted) {
        enc_member_bool(b, "deleted", true);
        return;
    }
    enc_member_text(b, "name", span_of(u->name));
    enc_member_text(b, "display", span_of(u->display));
}

static void found(struct task *t)
{
    struct buf b;

    if (t->op.rc != 0 || t->op.user_count == 0) {
        command_failed(t, t->op.rc != 0 ? t->op.rc : -CF_NOT_FOUND,
                       "no such user");
        return;
    }
    buf_init(&b, 1024);
    user_members(&b, &t->op.users[0]);
    command_ok(t, &b);
    buf_release(&b);
}

void cmd_user_find(struct conn *c, const struct frame *f)
{
    struct task *t = command_task(c, f, STORE_USER, found);

    t->extra = mem_text_n(f->name.p, f->name.n);
    t->op.user = 0;
    t->op.name = t->extra;
    task_submit(t);
}

static void informed(struct task *t)
{
    struct store_op *op = &t->op;
    struct buf rows, members;

    if (op->rc != 0) {
        command_failed(t, op->rc, "the users could not be read; ask again");
        return;
    }
    buf_init(&rows, LIMIT_FRAME);
    buf_init(&members, LIMIT_FRAME);
    buf_append_byte(&rows, '[');
    for (int i = 0; i < op->user_count; i++) {
        buf_append_text(&rows, i > 0 ? ",{" : "{");
        user_members(&rows, &op->users[i]);
        buf_append_byte(&rows, '}');
    }
    buf_append_byte(&rows, ']');
    enc_member_raw(&members, "users", buf_span(&rows));
    command_ok(t, &members);
    buf_release(&rows);
    buf_release(&members);
}

void cmd_user_info(struct conn *c, const struct frame *f)
{
    struct task *t = command_task(c, f, STORE_USERS, informed);
    uint64_t *users = mem_array(LIMIT_USERS, sizeof(*users));

    t->extra = users;
    t->op.user = 0;
    t->op.ids = users;
    t->op.id_count = users_of(f->users, 0, users);
    task_submit(t);
}
