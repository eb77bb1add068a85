/* conv.remove and conv.leave: out of a group. What is queued for those who go
 * is purged at delivery; they see the entry of their own removal. */
#include "core/commands.h"
#include "core/home.h"

static void out_body(struct append *a, const char *op, uint64_t user)
{
    struct buf *b = &a->body;

    buf_append_byte(b, '{');
    enc_member_text(b, "op", span_of(op));
    enc_member_users(b, "users", &user, 1);
    buf_append_byte(b, '}');
    a->task.op.entry.body = buf_span(b);
    append_change(a, user, ROLE_NONE);
}

void home_conv_remove(struct home *h, struct request *rq)
{
    const struct member *m, *target;
    struct append *a;
    int rc;

    if (roster_need(h, rq, rq->user, &m) != 0 ||
        roster_need(h, rq, rq->frame.user, &target) != 0)
        return;
    rc = may(h, m, MAY_REMOVE);
    a = append_new(h, rq, ENTRY_MEMBER);
    a->answer = APPEND_OK;
    if (rc != 0)
        append_refuse_role(a, rc);
    else if (rq->frame.user == rq->user)
        append_refuse(a, -CF_INVALID, "bad_frame", "leave by conv.leave");
    else if (may_over(m, target) == -CF_NOT_FOUND)
        append_refuse(a, -CF_NOT_FOUND, "not_found", "no such member");
    else if (may_over(m, target) != 0)
        append_refuse_role(a, -CF_DENIED);
    out_body(a, "remove", rq->frame.user);
    append_submit(a);
}

/* A group without an owner could never be changed again. */
static void leave_heir(struct append *a, const struct member *m)
{
    struct home *h = a->task.home;
    uint64_t heir;

    if (m == NULL || m->role != ROLE_OWNER || roster_owners(h, m->user) > 0)
        return;
    if (home_is_big(h)) {
        append_refuse(a, -CF_LIMIT, "limit",
                      "name another owner before you leave");
        return;
    }
    heir = roster_heir(h, m->user);
    if (heir != 0)
        append_change(a, heir, ROLE_OWNER);
}

void home_conv_leave(struct home *h, struct request *rq)
{
    const struct member *m;
    struct append *a;
    int rc;

    if (roster_need(h, rq, rq->user, &m) != 0)
        return;
    rc = may(h, m, rq->internal ? MAY_READ : MAY_LEAVE);
    a = append_new(h, rq, ENTRY_MEMBER);
    a->answer = APPEND_OK;
    if (rc != 0)
        append_refuse_role(a, rc);
    out_body(a, "leave", rq->user);
    leave_heir(a, m);
    append_submit(a);
}
