/* conv.create and conv.open: the node of the connection makes the number, the
 * node that is home to that number makes the conversation. Made twice (the
 * same pair, the same cid) it is the one there is. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/commands.h"
#include "core/home.h"

/* ---- at the connection's node ---- */

static void create_route(struct conn *c, const struct frame *f)
{
    struct request *rq;
    uint64_t conv = node_make_id(c->node);

    if (conv == 0) {
        conn_error(c, f->n, "unavailable", retry_jitter(c->node),
                   "this node has no lease");
        return;
    }
    rq = request_new(c, f, conv, false);
    route_request(c->node, rq);
}

void cmd_conv_open(struct conn *c, const struct frame *f)
{
    if (f->user == c->user->id)
        conn_error(c, f->n, "bad_frame", 0,
                   "a conversation of one needs no opening");
    else
        create_route(c, f);
}

void cmd_conv_create(struct conn *c, const struct frame *f)
{
    if (f->ckind == CONV_DIRECT || f->ckind == CONV_SELF ||
        f->title.n > LIMIT_TITLE)
        conn_error(c, f->n, "bad_frame", 0,
                   "kind is group or channel, title at most 128 bytes");
    else
        create_route(c, f);
}

/* ---- at the home ---- */

struct create {
    struct task task;
    struct buf body, title;
    struct roster_change changes[LIMIT_USERS + 1];
    int count;
};

static void create_release(struct task *t)
{
    struct create *cr = (struct create *)t;

    buf_release(&cr->body);
    buf_release(&cr->title);
}

static void create_answer(struct create *cr)
{
    struct node *n = cr->task.node;
    struct request *rq = task_request(&cr->task);
    struct buf members, *b = answer_buf(n);

    buf_init(&members, 128);
    enc_member_id(&members, "conv", 'c', cr->task.op.conv);
    enc_member_bool(&members, "created", !cr->task.op.dup);
    enc_ok(b, rq->frame.n, buf_span(&members));
    buf_release(&members);
    request_answer_keep(n, rq, buf_span(b));
    cr->task.rq = rq; /* the entry's bytes are in it */
}

/* Everybody who is in it hears of it: the first entry, and their `self`. */
static void create_tell(struct create *cr)
{
    struct node *n = cr->task.node;
    struct store_op *op = &cr->task.op;
    struct home *h = home_adopt(n, &op->row, cr->changes, cr->count);
    struct append *a = append_blank(h);

    append_copy(a, &op->entry);
    for (int i = 0; i < cr->count; i++)
        append_change(a, cr->changes[i].user, cr->changes[i].role);
    a->epoch = op->row.epoch;
    account_tell(n, &op->entry, cr->changes, cr->count, true);
    fanout_start(a);
}

static const char *create_text(int rc)
{
    switch (-rc) {
    case CF_NOT_FOUND:
        return "no such user";
    case CF_BLOCKED:
        return "a block or a contact setting stands between you";
    case CF_CONFLICT:
        return "another conversation was made under this cid";
    default:
        return "the conversation was not made; ask again";
    }
}

static void created(struct task *t)
{
    struct create *cr = (struct create *)t;

    if (t->op.rc != 0) {
        /* If it was made all the same, its members have to hear of it. */
        if (t->op.rc == -CF_UNKNOWN)
            home_get(t->node, t->rq->conv)->recheck = 0;
        request_failed(t->node, task_request(t), t->op.rc, 0,
                       create_text(t->op.rc));
    } else {
        create_answer(cr);
        if (!t->op.dup)
            create_tell(cr);
    }
    task_free(t);
}

static void create_entry(struct create *cr, struct request *rq)
{
    struct node *n = cr->task.node;
    struct entry *e = &cr->task.op.entry;

    e->conv = rq->conv;
    e->kind = ENTRY_MEMBER;
    e->from = rq->user;
    e->dev = rq->dev;
    e->cid = rq->frame.cid;
    e->id = id_next(&n->ids, node_wall(n));
    e->ts = id_time(e->id);
    e->body = buf_span(&cr->body);
}

static void create_body(struct create *cr, const uint64_t *users, int count,
                        const struct frame *f)
{
    struct buf *b = &cr->body;

    buf_append_text(b, "{\"op\":\"create\"");
    enc_member_users(b, "users", users, count);
    if (f->title.p != NULL) {
        buf_append_text(b, ",\"title\":\"");
        buf_append_span(b, f->title);
        buf_append_byte(b, '"');
        frame_text(&cr->title, f->title);
    }
    buf_append_byte(b, '}');
}

static void create_submit(struct node *n, struct request *rq, int refuse)
{
    struct create *cr =
        task_new(sizeof(*cr), n, NULL, rq, STORE_CREATE, created);
    struct store_op *op = &cr->task.op;
    const struct frame *f = &rq->frame;
    uint64_t users[LIMIT_USERS + 1];
    bool direct = f->kind == FRAME_CONV_OPEN;
    int count = 1;

    cr->task.release = create_release;
    buf_init(&cr->body, LIMIT_OBJECT);
    buf_init(&cr->title, LIMIT_TITLE);
    users[0] = rq->user;
    if (direct)
        users[count++] = f->user;
    else
        count += users_of(f->users, rq->user, users + 1);
    for (int i = 0; i < count; i++)
        cr->changes[i] = (struct roster_change){
            users[i], i == 0 && !direct ? ROLE_OWNER : ROLE_MEMBER};
    cr->count = count;
    create_body(cr, users, count, f);
    create_entry(cr, rq);
    op->conv = rq->conv;
    op->refuse = refuse;
    op->kind = direct ? CONV_DIRECT : f->ckind != 0 ? f->ckind : CONV_GROUP;
    op->mode = f->mode != 0 ? f->mode : MODE_OPEN;
    op->user = rq->user;
    op->other = f->user;
    op->text = buf_span(&cr->title);
    op->has_text = f->title.p != NULL;
    op->changes = cr->changes;
    op->change_count = cr->count;
    op->now = node_wall(n);
    task_submit(&cr->task);
}

/* A reason against it counts only when there is no such conversation yet. */
static void create_checked(struct pair_check *c)
{
    struct node *n = c->task.node;
    struct request *rq = task_request(&c->task);
    int rc = c->rc;

    task_free(&c->task);
    if (rc != 0 && rc != -CF_NOT_FOUND && rc != -CF_BLOCKED)
        request_failed(n, rq, rc, 0, "the store did not answer");
    else
        create_submit(n, rq, rc);
}

void conv_create_request(struct node *n, struct request *rq)
{
    uint64_t users[LIMIT_USERS];
    bool direct = rq->frame.kind == FRAME_CONV_OPEN;
    int count = 1;

    if (direct)
        users[0] = rq->frame.user;
    else
        count = users_of(rq->frame.users, rq->user, users);
    if (count == 0)
        create_submit(n, rq, 0);
    else
        pair_check(n, NULL, rq, rq->user, users, count, direct, create_checked);
}
