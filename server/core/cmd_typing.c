/* cmd_typing.c - `typing`: a member's hint to those who look. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/commands.h"
#include "core/conn.h"

struct typing {
    int64_t n;
    uint64_t conv;
    bool on;
};

static void not_found(struct conn *c, int64_t n)
{
    c->pending++; /* this kind is answered only when it fails */
    conn_error(c, n, "not_found", 0, "no such conversation");
}

static void typing_known(struct node *n, struct conn *c, void *ctx, int rc,
                         const struct membership *m)
{
    struct typing *t = ctx;

    if (c != NULL && m != NULL && m->left == 0)
        route_typing(n, t->conv, c->user->id, t->on);
    else if (c != NULL)
        not_found(c, t->n);
    free(t);
}

void cmd_typing(struct conn *c, const struct frame *f)
{
    struct sub *s = sub_find(c, f->conv);
    struct typing *t;

    if (s != NULL && s->until == 0) {
        route_typing(c->node, f->conv, c->user->id, f->on);
        return;
    }
    if (c->type != CONN_POST) {
        not_found(c, f->n);
        return;
    }
    t = mem_alloc(sizeof(*t));
    t->n = f->n;
    t->conv = f->conv;
    t->on = f->on;
    member_ask(c, f->conv, typing_known, t);
}
