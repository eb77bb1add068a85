/* cmd_view.c - `view`: what the person sees on the screen. Users who share no
 * conversation with this one, or block it, are `off` and stay so: the answer
 * tells nothing about whether they exist. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/commands.h"
#include "core/view.h"

#define VISIBLE_RETRY_MS 300

struct visible_op {
    struct node_op op;
    struct store_op store;
    struct timer again; /* the store could not: once more */
    uint64_t conn;
    uint32_t round;
    uint64_t *users; /* a copy: the view may be replaced meanwhile */
};

static void visible_release(struct node_op *op)
{
    struct visible_op *o = container_of(op, struct visible_op, op);

    timer_cancel(&op->node->wheel, &o->again);
    store_op_release(&o->store);
    free(o->users);
    free(o);
}

static bool among(const uint64_t *ids, int count, uint64_t id)
{
    for (int i = 0; i < count; i++) {
        if (ids[i] == id)
            return true;
    }
    return false;
}

/* The view that o is for; NULL: replaced, or its connection is gone. */
static struct view *view_of(const struct visible_op *o)
{
    struct conn *c = conn_find(o->op.node, o->conn);
    struct view *v = c != NULL ? c->view : NULL;

    return v != NULL && v->round == o->round ? v : NULL;
}

static void visible_known(struct store_op *op)
{
    struct visible_op *o = op->ctx;
    struct node *n = o->op.node;
    struct view *v = view_of(o);

    if (v != NULL && op->rc < 0 && op->rc != -CF_NOT_FOUND) {
        SEEN(n, "view: again");
        /* Whoever counts as invisible now stays so as long as the view. */
        timer_set(&n->wheel, &o->again, now_mono(n) + VISIBLE_RETRY_MS);
        return;
    }
    if (v != NULL) {
        uint64_t self = v->conn->user->id;

        for (int i = 0; i < v->user_count && op->rc == 0; i++)
            v->visible[i] = v->users[i] == self ||
                            among(op->blocks, op->block_count, v->users[i]);
        view_watch(v->conn);
        view_answer(v->conn);
    }
    node_op_end(&o->op);
}

static void visible_submit(struct visible_op *o)
{
    const struct view *v = view_of(o);

    if (v == NULL) {
        node_op_end(&o->op);
        return;
    }
    store_op_release(&o->store);
    store_op_init(&o->store, STORE_VISIBLE, visible_known, o);
    o->store.user = v->conn->user->id;
    o->store.ids = o->users;
    o->store.id_count = v->user_count;
    store_submit(o->op.node->store, &o->store);
}

static void visible_again(struct timer *t, void *node)
{
    visible_submit(container_of(t, struct visible_op, again));
}

static void ask_visible(struct conn *c, struct view *v)
{
    struct visible_op *o = mem_alloc(sizeof(*o));
    size_t bytes = (size_t)v->user_count * sizeof(*v->users);

    o->conn = c->id;
    o->round = v->round;
    o->users = mem_copy(v->users, bytes);
    timer_init(&o->again, visible_again);
    node_op_begin(c->node, &o->op, visible_release);
    visible_submit(o);
}

static int read_convs(uint64_t *ids, struct span list)
{
    int count = 0;
    uint64_t id;

    while (count < LIMIT_VIEW && frame_next_conv(&list, &id)) {
        if (!among(ids, count, id))
            ids[count++] = id;
    }
    return count;
}

static int read_users(uint64_t *ids, struct span list)
{
    int count = 0;
    uint64_t id;

    while (count < LIMIT_VIEW && frame_next_user(&list, &id)) {
        if (!among(ids, count, id))
            ids[count++] = id;
    }
    return count;
}

static uint64_t *copy_ids(const uint64_t *ids, int count)
{
    return count > 0 ? mem_copy(ids, (size_t)count * sizeof(*ids)) : NULL;
}

void cmd_view(struct conn *c, const struct frame *f)
{
    struct view *v = mem_alloc(sizeof(*v));
    uint64_t ids[LIMIT_VIEW];

    v->round = ++c->node->view_round;
    v->re = f->n;
    v->conv_count = read_convs(ids, f->convs);
    v->convs = copy_ids(ids, v->conv_count);
    v->user_count = read_users(ids, f->users);
    v->users = copy_ids(ids, v->user_count);
    v->visible = mem_array((size_t)v->user_count + 1, sizeof(*v->visible));
    view_set(c, v);
    if (v->user_count > 0)
        ask_visible(c, v);
    else
        view_answer(c);
}
