/* Answers that statements wait for. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "run_inside.h"

#define ANSWER_STRUCTURE 200000

struct reply *reply_new(struct work *w)
{
    reply_drop(&w->reply);
    w->reply = mem_alloc(sizeof(*w->reply));
    w->reply->holders = 2; /* the statement and the callback */
    return w->reply;
}

static void let_go(struct reply *r)
{
    if (--r->holders > 0)
        return;
    json_decref(r->answer);
    free(r);
}

void reply_drop(struct reply **rp)
{
    struct reply *r = *rp;

    if (r != NULL)
        let_go(r);
    *rp = NULL;
}

void reply_frame(void *ctx, const struct frame *f)
{
    struct reply *r = ctx;
    struct error err;

    r->done = true;
    r->rc = f != NULL ? 0 : -CF_UNAVAILABLE;
    if (f != NULL) {
        r->answer =
            json_parse_bounded(f->raw, LIMIT_DEPTH + 2, ANSWER_STRUCTURE, &err);
        r->agreed = f->kind == FRAME_OK;
        r->refused = f->kind == FRAME_ERR;
        if (r->refused)
            snprintf(r->code, sizeof(r->code), "%.*s", (int)f->code.n,
                     f->code.p);
    }
    let_go(r);
}

void reply_id(void *ctx, int rc, uint64_t id)
{
    struct reply *r = ctx;

    r->done = true;
    r->rc = rc;
    r->id = id;
    let_go(r);
}
