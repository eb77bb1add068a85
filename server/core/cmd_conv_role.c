/* conv.role: who owns and who helps, decided by an owner. */
#include "core/commands.h"
#include "core/home.h"

static void role_body(struct append *a, const struct frame *f)
{
    struct buf *b = &a->body;

    buf_append_text(b, "{\"op\":\"role\"");
    enc_member_users(b, "users", &f->user, 1);
    enc_member_text(b, "role", span_of(role_name(f->role)));
    buf_append_byte(b, '}');
    a->task.op.entry.body = buf_span(b);
    append_change(a, f->user, f->role);
}

static bool last_owner(struct home *h, const struct request *rq)
{
    return rq->frame.role < ROLE_OWNER && rq->frame.user == rq->user &&
           roster_owners(h, rq->user) == 0;
}

void home_conv_role(struct home *h, struct request *rq)
{
    const struct member *m, *target;
    struct append *a;
    int rc;

    if (roster_need(h, rq, rq->user, &m) != 0 ||
        roster_need(h, rq, rq->frame.user, &target) != 0)
        return;
    rc = may(h, m, MAY_ROLE);
    a = append_new(h, rq, ENTRY_MEMBER);
    a->answer = APPEND_OK;
    if (rc != 0)
        append_refuse_role(a, rc);
    else if (rq->frame.role == ROLE_NONE)
        append_refuse(a, -CF_INVALID, "bad_frame",
                      "role is member, admin or owner");
    else if (target == NULL)
        append_refuse(a, -CF_NOT_FOUND, "not_found", "no such member");
    else if (last_owner(h, rq))
        append_refuse(a, -CF_LIMIT, "limit", "one owner has to remain");
    else if (target->role == rq->frame.role)
        append_refuse(a, -CF_EXISTS, "limit", "nothing to change");
    role_body(a, &rq->frame);
    append_submit(a);
}
