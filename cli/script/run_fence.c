/* run_fence.c - everything that has happened has got to everybody.
 *
 * Not a settling time: requests that the server answers behind all it has
 * queued. One round is not enough, since what happened may go on from one
 * client to the next: a message reaches bob in the first round, bob's
 * acknowledgement the server in the second, the receipt alice in the third. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "proto/encode.h"
#include "proto/ids.h"
#include "run_inside.h"

#define FENCE_ROUNDS 3
#define FENCE_CONVS 10000
#define FENCE_LOST_NS 20000000u
#define FENCE_AGAIN_NS 300000000u /* over budget: so much later */

static void let_go(struct fence *f)
{
    if (--f->holders == 0)
        free(f);
}

static void passed(void *ctx, const struct frame *answer)
{
    struct fence *f = ctx;

    f->waiting--;
    if (answer == NULL) /* the link went, and what was to come with it */
        f->again_ns = clock_ns() + FENCE_LOST_NS;
    if (answer != NULL && answer->kind == FRAME_ERR && answer->temp)
        f->again_ns = clock_ns() + FENCE_AGAIN_NS;
    let_go(f);
}

/* conv 0: behind what is queued. Each conversation by itself: one that we are
 * no longer in is refused, and the others count all the same. */
static void fence_conv(struct fence *f, struct actor *a, uint64_t conv)
{
    struct buf members;

    buf_init(&members, 256);
    if (conv != 0) {
        buf_append_text(&members, "\"convs\":[\"");
        id_write(&members, 'c', conv);
        buf_append_text(&members, "\"]");
    }
    f->waiting++;
    f->holders++;
    client_request(a->client, FRAME_FENCE, buf_span(&members), passed, f);
    buf_release(&members);
}

static void fence_actor(struct fence *f, struct actor *a)
{
    uint64_t *convs = mem_array(FENCE_CONVS, sizeof(*convs));
    int count = client_convs(a->client, convs, FENCE_CONVS);

    for (int i = 0; i < count; i++)
        fence_conv(f, a, convs[i]);
    fence_conv(f, a, 0);
    free(convs);
}

static bool all_sent(const struct run *r)
{
    for (int i = 0; i < r->stage.count; i++) {
        struct actor *a = r->stage.actors[i];

        if (actor_reachable(a) && !client_outbox_empty(a->client))
            return false;
    }
    return true;
}

static void next_round(struct fence *f)
{
    const struct run *r = f->run;

    if (f->again_ns == 0)
        f->round++;
    f->again_ns = 0;
    for (int i = 0; i < r->stage.count; i++) {
        if (actor_reachable(r->stage.actors[i]))
            fence_actor(f, r->stage.actors[i]);
    }
}

static const struct actor *lost(const struct run *r)
{
    for (int i = 0; i < r->stage.count; i++) {
        if (actor_lost(r->stage.actors[i]))
            return r->stage.actors[i];
    }
    return NULL;
}

bool fence_passed(struct run *r, struct fence **fp)
{
    struct fence *f = *fp;

    if (f == NULL) {
        f = *fp = mem_alloc(sizeof(*f));
        f->run = r;
        f->holders = 1;
    }
    for (;;) {
        if (f->waiting > 0)
            return false;
        if (f->again_ns > clock_ns())
            return false;
        if (lost(r) != NULL)
            return false;
        if (f->round >= FENCE_ROUNDS && f->again_ns == 0)
            return true;
        if (f->round == 0 && !all_sent(r))
            return false;
        next_round(f);
    }
}

void fence_why(const struct run *r, char *out, size_t size)
{
    const struct actor *a = lost(r);

    out[0] = '\0';
    if (a != NULL)
        snprintf(out, size,
                 "%s has lost its connection and may have missed something: %s",
                 a->name, client_last_error(a->client)->text);
}

enum progress fence_wait(struct strand *s, struct work *w,
                         const struct stmt *st)
{
    char why[300];
    bool first = !s->run->failed;
    enum progress p = run_wait(s, w, st);

    fence_why(s->run, why, sizeof(why));
    if (p == FAILED && first && why[0] != '\0')
        explain_add(s->run->out, "%s", why);
    return p;
}

void fence_drop(struct fence **fp)
{
    if (*fp != NULL)
        let_go(*fp);
    *fp = NULL;
}
