/* conv.add: members into a group, by an admin. */
#include "core/commands.h"
#include "core/home.h"

static void add_body(struct append *a, const uint64_t *users, int count)
{
    struct buf *b = &a->body;

    buf_append_text(b, "{\"op\":\"add\"");
    enc_member_users(b, "users", users, count);
    enc_member_text(b, "role", SPAN("member"));
    buf_append_byte(b, '}');
    a->task.op.entry.body = buf_span(b);
}

/* Those who are members already stay as they are: is: which ones, as far as
 * the roster is not at hand. */
static void add_changes(struct append *a, const uint64_t *users, int count,
                        const bool *is)
{
    struct home *h = a->task.home;

    for (int i = 0; i < count; i++) {
        if (is != NULL && is[i])
            continue;
        if (home_is_big(h) || home_member(h, users[i]) == NULL)
            append_change(a, users[i], ROLE_MEMBER);
    }
    a->adds = true;
}

static void add_submit(struct home *h, struct request *rq, int role, int pair,
                       const bool *is)
{
    uint64_t users[LIMIT_USERS];
    int count = users_of(rq->frame.users, 0, users);
    struct append *a = append_new(h, rq, ENTRY_MEMBER);

    a->answer = APPEND_OK;
    if (role != 0)
        append_refuse_role(a, role);
    else if (pair == -CF_NOT_FOUND)
        append_refuse(a, pair, "not_found", "no such user");
    else if (pair != 0)
        append_refuse(a, pair, "blocked", "a block stands between you");
    if (h->row.members + count > LIMIT_MEMBERS)
        append_refuse(a, -CF_LIMIT, "limit", "too many members");
    add_body(a, users, count);
    add_changes(a, users, count, is);
    if (a->change_count == 0)
        append_refuse(a, -CF_EXISTS, "limit", "nothing to change");
    append_submit(a);
}

static void add_checked(struct pair_check *c)
{
    struct home *h = c->task.home;
    struct request *rq = task_request(&c->task);
    const struct member *m;
    int rc = c->rc;

    if (rc != 0 && rc != -CF_NOT_FOUND && rc != -CF_BLOCKED) {
        request_failed(h->node, rq, rc, 0, "the store did not answer");
    } else if (h->stall != &c->task) {
        home_run(h, rq); /* the home was taken over meanwhile: from the start */
    } else {
        h->state = HOME_READY;
        h->stall = NULL;
        if (roster_need(h, rq, rq->user, &m) == 0)
            add_submit(h, rq, may(h, m, MAY_ADD), rc, c->member);
        if (h->state == HOME_READY)
            home_stall(h, &c->task);
    }
    home_resume(h, &c->task);
    task_free(&c->task);
}

void home_conv_add(struct home *h, struct request *rq)
{
    uint64_t users[LIMIT_USERS];
    int count = users_of(rq->frame.users, 0, users);
    const struct member *m;
    int rc;

    if (roster_need(h, rq, rq->user, &m) != 0)
        return;
    rc = may(h, m, MAY_ADD);
    if (rc != 0 || count == 0)
        add_submit(h, rq, rc, 0, NULL);
    else
        pair_check(h->node, h, rq, rq->user, users, count, false, add_checked);
}
