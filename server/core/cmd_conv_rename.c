/* conv.rename: a new title. */
#include "core/commands.h"
#include "core/home.h"

void home_conv_rename(struct home *h, struct request *rq)
{
    const struct frame *f = &rq->frame;
    const struct member *m;
    struct append *a;
    int rc;

    if (roster_need(h, rq, rq->user, &m) != 0)
        return;
    rc = may(h, m, MAY_RENAME);
    a = append_new(h, rq, ENTRY_TITLE);
    a->answer = APPEND_OK;
    if (rc != 0)
        append_refuse_role(a, rc);
    if (frame_text(&a->title, f->title) != 0 || a->title.len > LIMIT_TITLE)
        append_refuse(a, -CF_INVALID, "bad_frame",
                      "a title has at most 128 bytes");
    buf_append_text(&a->body, "{\"title\":\"");
    buf_append_span(&a->body, f->title);
    buf_append_text(&a->body, "\"}");
    a->task.op.entry.body = buf_span(&a->body);
    a->task.op.text = buf_span(&a->title);
    a->task.op.has_text = true;
    append_submit(a);
}
