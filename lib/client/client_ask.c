/* What the client asks of its own accord: names, lists, what is missing. A
 * server that has no time now ("temp") is asked again a little later, since
 * nobody else would: the events that wait for the answer would wait for the
 * next connection. */
#include "client_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define ASK_AGAIN_MS 1000 /* when the server does not say */
#define ASK_LEAST_MS 100
#define ASK_MOST_MS 60000

struct ask {
    struct link link; /* in client.again */
    struct client *client;
    client_done_fn *done;
    void *ctx;
    enum frame_kind kind;
    size_t n;
    char members[];
};

static void ask_end(struct ask *a, const struct frame *f)
{
    a->done(a->ctx, f);
    free(a);
}

static int64_t bounded(int64_t wait)
{
    if (wait == 0)
        return ASK_AGAIN_MS;
    if (wait < ASK_LEAST_MS)
        return ASK_LEAST_MS;
    return wait < ASK_MOST_MS ? wait : ASK_MOST_MS;
}

/* All that wait go out together, at the time that the first was told. */
static void ask_later(struct ask *a, int64_t wait)
{
    struct client *c = a->client;

    if (list_empty(&c->again))
        loop_timer_set(c->again_due, bounded(wait));
    list_push(&c->again, &a->link);
}

static void ask_answered(void *ctx, const struct frame *f)
{
    struct ask *a = ctx;

    if (f != NULL && f->kind == FRAME_ERR && f->temp)
        ask_later(a, f->retry_max);
    else
        ask_end(a, f);
}

static void ask_now(struct ask *a)
{
    client_request(a->client, a->kind, span_make(a->members, a->n),
                   ask_answered, a);
}

void client_ask(struct client *c, enum frame_kind kind, struct span members,
                client_done_fn *done, void *ctx)
{
    struct ask *a = mem_alloc(sizeof(*a) + members.n);

    a->client = c;
    a->done = done;
    a->ctx = ctx;
    a->kind = kind;
    a->n = members.n;
    if (members.n > 0)
        memcpy(a->members, members.p, members.n);
    ask_now(a);
}

void client_ask_again(void *ctx)
{
    struct client *c = ctx;
    struct link now, *k;

    list_init(&now);
    while ((k = list_pop(&c->again)) != NULL)
        list_push(&now, k);
    while ((k = list_pop(&now)) != NULL)
        ask_now(container_of(k, struct ask, link));
}

void client_ask_forget(struct client *c)
{
    struct link *k;

    while ((k = list_pop(&c->again)) != NULL)
        ask_end(container_of(k, struct ask, link), NULL);
}
