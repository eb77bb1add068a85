/* edit, delete, react: entries about an earlier message. The store checks the
 * message and its author in the same transaction. */
#include "core/commands.h"
#include "core/home.h"

static struct append *about(struct home *h, struct request *rq,
                            enum entry_kind kind, enum action action)
{
    const struct member *m;
    struct append *a;
    int rc;

    if (roster_need(h, rq, rq->user, &m) != 0)
        return NULL;
    rc = may(h, m, action);
    a = append_new(h, rq, kind);
    a->task.op.entry.of = rq->frame.seq;
    if (rc != 0)
        append_refuse_role(a, rc);
    else if (rq->frame.seq < m->join)
        append_refuse(a, -CF_NOT_FOUND, "not_found", "no such message");
    if (SABOTAGED(h->node, edit_by_anyone))
        a->task.op.may_delete = true;
    if (kind == ENTRY_DELETE && m != NULL && h->row.kind != CONV_DIRECT)
        a->task.op.may_delete = m->role >= ROLE_ADMIN;
    return a;
}

void home_edit(struct home *h, struct request *rq)
{
    struct append *a = about(h, rq, ENTRY_EDIT, MAY_EDIT);

    if (a == NULL)
        return;
    a->task.op.entry.body = rq->frame.body;
    append_submit(a);
}

void home_delete(struct home *h, struct request *rq)
{
    struct append *a = about(h, rq, ENTRY_DELETE, MAY_EDIT);

    if (a != NULL)
        append_submit(a);
}

void home_react(struct home *h, struct request *rq)
{
    struct append *a = about(h, rq, ENTRY_REACT, MAY_REACT);
    struct buf *b;

    if (a == NULL)
        return;
    b = &a->body;
    buf_append_text(b, "{\"emoji\":\"");
    buf_append_span(b, rq->frame.emoji);
    buf_append_text(b, rq->frame.on ? "\",\"on\":true}" : "\",\"on\":false}");
    a->task.op.entry.body = buf_span(b);
    append_submit(a);
}
