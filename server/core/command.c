/* What the commands at a connection's node share: a store operation that
 * remembers whom to answer. */
#include "core/home.h"

struct task *command_task(struct conn *c, const struct frame *f,
                          enum store_verb verb, void (*done)(struct task *t))
{
    struct request *rq = request_new(c, f, 0, false);
    struct task *t = task_new(sizeof(*t), c->node, NULL, rq, verb, done);

    t->op.user = rq->user;
    t->op.now = node_wall(c->node);
    return t;
}

void command_ok(struct task *t, const struct buf *members)
{
    struct node *n = t->node;
    struct request *rq = task_request(t);
    struct buf *b = answer_buf(n);
    struct span none = {NULL, 0};
    bool some = members != NULL && members->len > 0;

    if (enc_ok(b, rq->frame.n, some ? buf_span(members) : none) != 0)
        request_error(n, rq, "too_big", 0, 0, "the answer is too long");
    else
        request_answer(n, rq, buf_span(b));
    task_free(t);
}

void command_failed(struct task *t, int rc, const char *text)
{
    request_failed(t->node, task_request(t), rc, 0, text);
    task_free(t);
}

int enc_member_users(struct buf *b, const char *key, const uint64_t *users,
                     int count)
{
    struct buf list;
    int rc = 0;

    buf_init(&list, b->max);
    buf_append_byte(&list, '[');
    for (int i = 0; i < count; i++) {
        rc |= buf_append_text(&list, i > 0 ? ",\"" : "\"");
        rc |= id_write(&list, 'u', users[i]);
        rc |= buf_append_byte(&list, '"');
    }
    rc |= buf_append_byte(&list, ']');
    if (rc == 0)
        rc = enc_member_raw(b, key, buf_span(&list));
    buf_release(&list);
    return rc != 0 ? -CF_TOO_BIG : 0;
}

int users_of(struct span list, uint64_t except, uint64_t *out)
{
    uint64_t user;
    int count = 0;

    while (frame_next_user(&list, &user)) {
        bool known = user == except;

        for (int i = 0; i < count && !known; i++)
            known = out[i] == user;
        if (!known && count < LIMIT_USERS)
            out[count++] = user;
    }
    return count;
}
