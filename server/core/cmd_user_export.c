/* user.export: everything there is about the user, in pages. */
#include "core/commands.h"
#include "core/home.h"

/* Lines of JSON become the elements of a list. */
static void export_rows(struct buf *b, struct span lines)
{
    buf_append_byte(b, '[');
    for (size_t i = 0; i < lines.n; i++) {
        bool last = i + 1 == lines.n;

        if (lines.p[i] != '\n')
            buf_append_byte(b, lines.p[i]);
        else if (!last)
            buf_append_byte(b, ',');
    }
    buf_append_byte(b, ']');
}

static void exported(struct task *t)
{
    struct buf rows, members;

    if (t->op.rc != 0) {
        command_failed(t, t->op.rc,
                       t->op.rc == -CF_INVALID ? "the cursor is wrong"
                                               : "ask again");
        return;
    }
    buf_init(&rows, PEER_MESSAGE_MAX / 2);
    buf_init(&members, PEER_MESSAGE_MAX / 2);
    export_rows(&rows, t->op.rows);
    enc_member_raw(&members, "rows", buf_span(&rows));
    if (t->op.cursor.p != NULL)
        enc_member_text(&members, "cursor", t->op.cursor);
    enc_member_bool(&members, "more", t->op.cursor.p != NULL);
    command_ok(t, &members);
    buf_release(&rows);
    buf_release(&members);
}

void cmd_user_export(struct conn *c, const struct frame *f)
{
    struct task *t = command_task(c, f, STORE_EXPORT, exported);

    t->op.cursor = t->rq->frame.cursor;
    t->op.limit = f->limit > 0 && f->limit <= LIMIT_LIST ? (int)f->limit : 50;
    task_submit(t);
}
