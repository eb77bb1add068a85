/* send: a message, at the home of its conversation. */
#include "core/commands.h"
#include "core/home.h"

static void send_refuse_pair(struct append *a, int refuse)
{
    if (refuse == -CF_NOT_FOUND)
        append_refuse(a, refuse, "not_found", "this account is gone");
    else if (refuse != 0)
        append_refuse(a, -CF_BLOCKED, "blocked",
                      "this user does not take your messages now");
}

void home_send(struct home *h, struct request *rq)
{
    const struct frame *f = &rq->frame;
    const struct member *m;
    struct append *a;
    struct entry *e;
    int rc, refuse = 0;

    if (roster_need(h, rq, rq->user, &m) != 0)
        return;
    rc = may(h, m, MAY_SEND);
    if (rc == 0 && h->row.kind == CONV_DIRECT && pair_need(h, rq, &refuse) != 0)
        return;
    a = append_new(h, rq, ENTRY_MSG);
    e = &a->task.op.entry;
    e->body = f->body;
    e->thread = f->thread;
    e->reply = f->reply;
    e->mention = f->mention;
    if (rc != 0)
        append_refuse_role(a, rc);
    if (f->thread > h->row.head || f->reply > h->row.head)
        append_refuse(a, -CF_NOT_FOUND, "not_found", "no message has this seq");
    if (f->ttl > LIMIT_TTL_MS)
        append_refuse(a, -CF_TOO_BIG, "too_big", "ttl: at most 366 days");
    send_refuse_pair(a, refuse);
    if (a->task.op.refuse == 0 && h->row.kind == CONV_DIRECT)
        pair_sent(h, rq->user);
    append_submit(a);
}
