/* cmd_fence.c - `fence`: `ok` behind everything that is queued; with convs
 * behind every entry committed there before the fence came. The user's own
 * acknowledgements are stored and told before: what they cause at others is
 * on its way when the fence is answered. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/commands.h"
#include "core/conn.h"

struct fence {
    struct fence *next;
    uint64_t number; /* of its question */
    int64_t n;
    bool settled; /* the user's marks are */
    bool known;   /* heads are */
    int count;
    uint64_t convs[LIMIT_FENCE];
    int64_t heads[LIMIT_FENCE];
};

struct fence_op {
    struct node_op op;
    uint64_t conn, number;
    int count;
    uint64_t convs[LIMIT_FENCE];
};

static void fence_op_release(struct node_op *op)
{
    free(container_of(op, struct fence_op, op));
}

static void answer_ok(struct conn *c, int64_t n)
{
    struct buf *out = &c->node->scratch;
    struct span none = {NULL, 0};

    buf_clear(out);
    if (enc_ok(out, n, none) == 0)
        conn_answer(c, buf_span(out));
}

static bool arrived(struct conn *c, uint64_t conv, int64_t head)
{
    struct sub *s = sub_find(c, conv);

    return s == NULL || s->quiet || s->sent >= head ||
           (s->until > 0 && s->sent >= s->until);
}

static bool all_arrived(struct conn *c, const struct fence *f)
{
    for (int i = 0; f->known && i < f->count; i++) {
        if (!arrived(c, f->convs[i], f->heads[i]))
            return false;
    }
    return f->known;
}

void fence_check(struct conn *c)
{
    struct fence **at = &c->fences;

    while (c->state != CONN_CLOSED && *at != NULL) {
        struct fence *f = *at;

        if (!all_arrived(c, f)) {
            at = &f->next;
            continue;
        }
        *at = f->next;
        answer_ok(c, f->n);
        free(f);
    }
}

void fence_free(struct conn *c)
{
    while (c->fences != NULL) {
        struct fence *f = c->fences;

        c->fences = f->next;
        free(f);
    }
}

static struct fence **fence_find(struct conn *c, uint64_t number)
{
    struct fence **at = &c->fences;

    while (*at != NULL && (*at)->number != number)
        at = &(*at)->next;
    return at;
}

static void fence_refuse(struct conn *c, struct fence **at)
{
    struct fence *f = *at;

    *at = f->next;
    conn_error(c, f->n, "not_found", 0, "no such conversation");
    free(f);
}

/* The home knows more than we have heard of: fetch it. */
static void raise_head(struct conn *c, uint64_t conv, int64_t head)
{
    struct sub *s = sub_find(c, conv);

    if (s != NULL && s->live->head < head)
        deliver_head(c->node, conv, head);
}

static void heads_known(void *ctx, const int64_t *heads, int count)
{
    struct fence_op *o = ctx;
    struct conn *c = conn_find(o->op.node, o->conn);
    struct fence **at = c != NULL ? fence_find(c, o->number) : NULL;

    if (at == NULL || *at == NULL) {
        node_op_end(&o->op);
        return;
    }
    for (int i = 0; i < count; i++) {
        if (heads[i] < 0) {
            fence_refuse(c, at);
            node_op_end(&o->op);
            return;
        }
    }
    memcpy((*at)->heads, heads, (size_t)count * sizeof(*heads));
    (*at)->known = true;
    for (int i = 0; i < count && c->state != CONN_CLOSED; i++)
        raise_head(c, o->convs[i], heads[i]);
    fence_check(c);
    node_op_end(&o->op);
}

static void ask_heads(struct conn *c, const struct fence *f)
{
    struct node *n = c->node;
    struct fence_op *o = mem_alloc(sizeof(*o));

    o->conn = c->id;
    o->number = f->number;
    o->count = f->count;
    memcpy(o->convs, f->convs, sizeof(o->convs));
    node_op_begin(n, &o->op, fence_op_release);
    route_ask_heads(n, c->user->id, o->convs, o->count, heads_known, o);
}

static void settle(struct conn *c, struct fence *f)
{
    f->settled = true;
    if (f->count > 0)
        ask_heads(c, f);
    else
        f->known = true;
}

void fence_settle(struct conn *c)
{
    if (c->state == CONN_CLOSED)
        return;
    /* Asking may end fences at once: begin anew after each. */
    for (struct fence *f = c->fences; f != NULL;) {
        if (f->settled) {
            f = f->next;
            continue;
        }
        settle(c, f);
        f = c->state != CONN_CLOSED ? c->fences : NULL;
    }
    fence_check(c);
}

void cmd_fence(struct conn *c, const struct frame *f)
{
    struct span list = f->convs;
    struct fence *fence = mem_alloc(sizeof(*fence));
    struct fence **tail = &c->fences;

    fence->n = f->n;
    fence->number = ++c->node->fences;
    while (fence->count < LIMIT_FENCE &&
           frame_next_conv(&list, &fence->convs[fence->count]))
        fence->count++;
    if (SABOTAGED(c->node, fence_early)) {
        free(fence);
        answer_ok(c, f->n);
        return;
    }
    while (*tail != NULL)
        tail = &(*tail)->next;
    *tail = fence;
    if (marks_settled(c->user))
        fence_settle(c);
    else
        marks_flush(c->node, c->user);
}
