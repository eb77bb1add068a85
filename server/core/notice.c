/* Requests that the server makes itself and that must not get lost: account
 * entries in a user's `self`, departures when an account ends. Each has a cid,
 * so it is repeated until it is answered, and done once. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "core/home.h"

struct notice {
    struct link link; /* in side->notices */
    uint64_t number;
    struct request *rq; /* kept; copies are sent */
    int tries;
    int64_t repeat; /* mono ms */
    void (*done)(void *ctx, int rc);
    void *ctx;
};

static void notice_try(struct node *n, struct notice *no)
{
    const struct request *from = no->rq;
    struct request *rq =
        request_internal_body(n, from->frame.kind, from->conv, from->user,
                              from->frame.cid, from->frame.body);

    rq->dev = from->dev;
    rq->frame.k = from->frame.k;
    rq->conn = no->number | NOTICE_MARK;
    no->tries++;
    no->repeat = node_mono(n) + NOTICE_REPEAT_MS;
    route_request(n, rq);
}

void notice_send(struct node *n, struct request *rq,
                 void (*done)(void *ctx, int rc), void *ctx)
{
    struct notice *no = mem_alloc(sizeof(*no));

    no->number = side_number(n);
    no->rq = rq;
    no->done = done;
    no->ctx = ctx;
    list_push(&side_of(n)->notices, &no->link);
    map_put(&side_of(n)->notice_by_id, no->number, no);
    n->pending++;
    notice_try(n, no);
}

static void notice_free(struct notice *no)
{
    list_remove(&no->link);
    request_free(&no->rq);
    free(no);
}

static void notice_end(struct node *n, struct notice *no, int rc)
{
    void (*done)(void *ctx, int rc) = no->done;
    void *ctx = no->ctx;

    map_remove(&side_of(n)->notice_by_id, no->number);
    notice_free(no);
    n->pending--;
    if (done != NULL)
        done(ctx, rc);
}

void notice_answer(struct node *n, uint64_t number, struct span bytes)
{
    struct notice *no =
        map_get(&side_of(n)->notice_by_id, number & ~NOTICE_MARK);

    if (no == NULL)
        return;
    if (span_is(json_member(bytes, "temp"), "true"))
        return; /* asked again at its time */
    notice_end(n, no, json_member(bytes, "code").p != NULL ? -CF_NOT_FOUND : 0);
}

void notice_account(struct node *n, uint64_t user, struct span cid,
                    struct span body)
{
    char random[24];
    struct request *rq;

    if (cid.n == 0) {
        snprintf(random, sizeof(random), "s%016llx",
                 (unsigned long long)rng_u64(n->env.rng));
        cid = span_of(random);
    }
    rq = request_internal_body(n, FRAME_ENTRY, user, user, cid, body);
    rq->frame.k = ENTRY_ACCOUNT;
    notice_send(n, rq, NULL, NULL);
}

/* An account entry at the home of the user's self. */
void home_account(struct home *h, struct request *rq)
{
    struct append *a;

    if (h->row.kind != CONV_SELF || rq->user != h->conv) {
        request_error(h->node, rq, "not_found", 0, 0, "no such account");
        return;
    }
    a = append_new(h, rq, ENTRY_ACCOUNT);
    a->task.op.entry.body = rq->frame.body;
    append_submit(a);
}

/* ---- who came and went ---- */

static void account_change(struct node *n, const struct entry *e,
                           const struct roster_change *c, bool added)
{
    char cid[64], body[96];

    snprintf(cid, sizeof(cid), "m-c%llu-%lld", (unsigned long long)e->conv,
             (long long)e->seq);
    snprintf(body, sizeof(body), "{\"op\":\"conv.%s\",\"conv\":\"c%llu\"}",
             added ? "add" : "remove", (unsigned long long)e->conv);
    notice_account(n, c->user, span_of(cid), span_of(body));
}

void account_tell(struct node *n, const struct entry *e,
                  const struct roster_change *changes, int count, bool added)
{
    for (int i = 0; i < count; i++) {
        if ((changes[i].role != ROLE_NONE) == added)
            account_change(n, e, &changes[i], added);
    }
}

void account_changes(const struct append *a)
{
    struct node *n = a->task.node;
    const struct entry *e = &a->task.op.entry;

    account_tell(n, e, a->changes, a->change_count, false);
    if (a->adds)
        account_tell(n, e, a->changes, a->change_count, true);
}

/* ---- at the tick ---- */

/* The whole cluster is leaving: nobody will take it. What it says is in the
 * store all the same; only the entry of the user's own log is missing, as
 * after a crash. */
static bool hopeless(const struct node *n, const struct notice *no)
{
    return n->draining && ring_node(&n->ring, no->rq->conv) < 0;
}

void notices_tick(struct node *n)
{
    int64_t now = node_mono(n);
    uint64_t last = side_of(n)->last_number;
    struct link *l = list_first(&side_of(n)->notices);

    while (l != NULL && l != &side_of(n)->notices) {
        struct notice *no = container_of(l, struct notice, link);
        uint64_t number = no->number;

        if (number > last)
            return;
        if (hopeless(n, no) ||
            (no->repeat <= now && no->tries >= NOTICE_TRIES)) {
            notice_end(n, no, -CF_TIMEOUT);
            l = list_first(&side_of(n)->notices);
            continue;
        }
        if (no->repeat <= now)
            notice_try(n, no);
        if (map_get(&side_of(n)->notice_by_id, number) != no)
            return; /* it ended at once; the others follow at the next tick */
        l = no->link.next;
    }
}

void notices_free(struct node *n)
{
    struct link *l;

    while ((l = list_first(&side_of(n)->notices)) != NULL)
        notice_free(container_of(l, struct notice, link));
}
