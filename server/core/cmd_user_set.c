/* user.set: display name, and who may begin a conversation with the user. */
#include "base/mem.h"
#include "core/commands.h"
#include "core/home.h"

static bool contact_known(struct span s)
{
    return span_is(s, "open") || span_is(s, "request") || span_is(s, "closed");
}

static void set_notice(struct task *t)
{
    const struct frame *f = &t->rq->frame;
    struct buf b;

    buf_init(&b, LIMIT_OBJECT);
    buf_append_text(&b, "{\"op\":\"set\"");
    if (t->op.has_text)
        enc_member_text(&b, "display", t->op.text);
    if (f->contact.p != NULL)
        enc_member_text(&b, "contact", f->contact);
    buf_append_byte(&b, '}');
    notice_account(t->node, t->rq->user, (struct span){NULL, 0}, buf_span(&b));
    buf_release(&b);
}

static void set_done(struct task *t)
{
    if (t->op.rc != 0) {
        command_failed(t, t->op.rc, "the settings were not stored");
        return;
    }
    set_notice(t);
    if (t->op.contact != NULL)
        route_forget_pair(t->node, t->rq->user, 0);
    command_ok(t, NULL);
}

void cmd_user_set(struct conn *c, const struct frame *f)
{
    struct buf text;
    struct task *t;
    int rc = 0;

    buf_init(&text, LIMIT_DISPLAY + 1 + sizeof("request"));
    if (f->display.p != NULL)
        rc = frame_text(&text, f->display);
    if (rc != 0 || text.len > LIMIT_DISPLAY ||
        (f->contact.p != NULL && !contact_known(f->contact))) {
        buf_release(&text);
        conn_error(c, f->n, "bad_frame", 0,
                   "display has at most 64 bytes, contact is open, request "
                   "or closed");
        return;
    }
    t = command_task(c, f, STORE_USER_SET, set_done);
    t->op.has_text = f->display.p != NULL;
    t->op.text = span_make("", 0);
    if (text.len > 0) {
        t->extra = mem_copy(text.data, text.len);
        t->op.text = span_make(t->extra, text.len);
    }
    if (f->contact.p != NULL)
        t->op.contact = span_is(f->contact, "open")      ? "open"
                        : span_is(f->contact, "request") ? "request"
                                                         : "closed";
    buf_release(&text);
    task_submit(t);
}
