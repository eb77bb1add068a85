/* user.devices, user.device, user.revoke: the devices of the user. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/commands.h"
#include "core/home.h"

static void device_row(struct buf *b, const struct device_row *d, uint32_t own)
{
    buf_append_text(b, b->len > 1 ? ",{" : "{");
    enc_member_id(b, "dev", 'd', d->dev);
    enc_member_text(b, "name", span_of(d->name));
    enc_member_int(b, "created", d->created);
    enc_member_int(b, "seen", d->seen);
    if (d->dev == own)
        enc_member_bool(b, "own", true);
    buf_append_byte(b, '}');
}

static void devices_read(struct task *t)
{
    struct buf rows, members;

    if (t->op.rc != 0) {
        command_failed(t, t->op.rc, "the list could not be read; ask again");
        return;
    }
    buf_init(&rows, LIMIT_FRAME);
    buf_init(&members, LIMIT_FRAME);
    buf_append_byte(&rows, '[');
    for (int i = 0; i < t->op.device_count; i++)
        device_row(&rows, &t->op.devices[i], t->rq->dev);
    buf_append_byte(&rows, ']');
    enc_member_raw(&members, "devices", buf_span(&rows));
    command_ok(t, &members);
    buf_release(&rows);
    buf_release(&members);
}

void cmd_user_devices(struct conn *c, const struct frame *f)
{
    task_submit(command_task(c, f, STORE_DEVICES, devices_read));
}

static void notice_of(struct node *n, uint64_t user, uint32_t dev,
                      const char *what, struct span name)
{
    struct buf b;

    buf_init(&b, LIMIT_OBJECT);
    buf_append_byte(&b, '{');
    enc_member_text(&b, "op", span_of(what));
    enc_member_id(&b, "dev", 'd', dev);
    if (name.p != NULL)
        enc_member_text(&b, "name", name);
    buf_append_byte(&b, '}');
    notice_account(n, user, (struct span){NULL, 0}, buf_span(&b));
    buf_release(&b);
}

static void device_notice(struct task *t, const char *what, struct span name)
{
    notice_of(t->node, t->rq->user, t->rq->frame.dev, what, name);
}

void node_device_added(struct node *n, uint64_t user, uint32_t dev,
                       struct span name)
{
    if (n->ready && !n->draining)
        notice_of(n, user, dev, "device.add", name);
}

static void device_named(struct task *t)
{
    if (t->op.rc != 0) {
        command_failed(t, t->op.rc, "no such device");
        return;
    }
    device_notice(t, "device.name", t->op.text);
    command_ok(t, NULL);
}

void cmd_user_device(struct conn *c, const struct frame *f)
{
    struct buf text;
    struct task *t;

    buf_init(&text, LIMIT_DEVICE_NAME);
    if (frame_text(&text, f->name) != 0) {
        buf_release(&text);
        conn_error(c, f->n, "bad_frame", 0,
                   "a device's name has at most 64 bytes");
        return;
    }
    t = command_task(c, f, STORE_DEVICE_SET, device_named);
    t->extra = text.len > 0 ? mem_copy(text.data, text.len) : NULL;
    t->op.dev = f->dev;
    t->op.text = span_make(t->extra != NULL ? t->extra : "", text.len);
    t->op.has_text = true;
    t->op.now = 0;
    buf_release(&text);
    task_submit(t);
}

static void device_revoked(struct task *t)
{
    struct node *n = t->node;
    uint64_t user = t->rq->user;
    uint32_t dev = t->rq->frame.dev;

    if (t->op.rc != 0) {
        command_failed(t, t->op.rc, "no such device");
        return;
    }
    device_notice(t, "device.revoke", (struct span){NULL, 0});
    command_ok(t, NULL);
    node_revoke(n, user, dev);
}

void cmd_user_revoke(struct conn *c, const struct frame *f)
{
    struct task *t = command_task(c, f, STORE_DEVICE_REVOKE, device_revoked);

    t->op.dev = f->dev;
    task_submit(t);
}
