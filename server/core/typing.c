/* Typing, and who looks at what: hints between a node with viewers and the
 * home of what they view. Lost ones do no harm: typing comes again, interest
 * is repeated and has a time to live. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/home.h"

/* ---- typing ---- */

void typing_here(struct node *n, uint64_t conv, uint64_t user, bool on)
{
    struct buf *b = answer_buf(n);

    enc_typing_push(b, conv, user, on);
    deliver_push(n, WIRE_SHED, conv, NULL, 0, user, buf_span(b));
}

void route_typing(struct node *n, uint64_t conv, uint64_t user, bool on)
{
    struct peer_message m = {.conv = conv, .user = user, .on = on};
    int home = ring_node(&n->ring, conv);
    struct request *rq;

    if (home < 0 || !n->ready)
        return;
    if (home != n->env.number) {
        peer_send(n, home, PEER_TYPING, &m);
        return;
    }
    rq = request_internal(n, FRAME_TYPING, conv, user);
    rq->frame.on = on;
    home_request(n, rq);
}

static void typing_to_viewers(struct home *h, uint64_t user, bool on)
{
    struct node *n = h->node;
    struct peer_message m = {
        .conv = h->conv, .user = user, .on = on, .at_viewers = true};
    int64_t now = node_mono(n);

    for (int i = 0; i < h->viewer_count; i++) {
        if (h->viewers[i].until <= now)
            continue;
        if (h->viewers[i].node == n->env.number)
            typing_here(n, h->conv, user, on);
        else
            peer_send(n, h->viewers[i].node, PEER_TYPING, &m);
    }
}

/* Small conversations: wherever members are, that node knows who looks. */
static void typing_to_members(struct home *h, uint64_t user, bool on)
{
    uint64_t *users = mem_array((size_t)h->roster_count + 1, sizeof(*users));

    for (int i = 0; i < h->roster_count; i++)
        users[i] = h->roster[i].user;
    push_typing(h->node, h->conv, user, on, users, h->roster_count);
    free(users);
}

void home_typing(struct home *h, struct request *rq)
{
    const struct member *m;
    int refuse = 0;

    if (roster_need(h, rq, rq->user, &m) != 0)
        return;
    if (h->row.kind == CONV_DIRECT && may(h, m, MAY_TYPE) == 0 &&
        pair_need(h, rq, &refuse) != 0)
        return;
    if (refuse == 0 && may(h, m, MAY_TYPE) == 0 &&
        !SABOTAGED(h->node, forget_typing)) {
        if (home_is_big(h))
            typing_to_viewers(h, rq->user, rq->frame.on);
        else
            typing_to_members(h, rq->user, rq->frame.on);
    }
    request_free(&rq);
}

/* ---- interest ---- */

void viewers_set(struct home *h, int node, bool on)
{
    int64_t until = on ? node_mono(h->node) + VIEW_TTL_MS : 0;

    for (int i = 0; i < h->viewer_count; i++) {
        if (h->viewers[i].node == node) {
            h->viewers[i].until = until;
            return;
        }
    }
    if (!on)
        return;
    h->viewers =
        mem_grow(h->viewers, (size_t)h->viewer_count + 1, sizeof(*h->viewers));
    h->viewers[h->viewer_count++] =
        (struct viewer_node){.node = (uint16_t)node, .until = until};
}

void home_view(struct home *h, struct request *rq)
{
    viewers_set(h, rq->origin, rq->frame.on);
    request_free(&rq);
}

void view_from(struct node *n, int from, uint64_t conv, bool on)
{
    struct request *rq;

    if (!home_is_ours(n, conv))
        return;
    rq = request_internal(n, FRAME_VIEW, conv, 0);
    rq->origin = from;
    rq->frame.on = on;
    home_request(n, rq);
}

void route_view(struct node *n, uint64_t conv, bool on)
{
    struct peer_message m = {.conv = conv, .on = on};
    struct live *live = live_find(n, conv);
    int home = ring_node(&n->ring, conv);

    /* Only big conversations ask who looks. */
    if (home < 0 || (live != NULL && !live->big))
        return;
    if (home == n->env.number)
        view_from(n, home, conv, on);
    else
        peer_send(n, home, PEER_VIEW, &m);
}

void views_tick(struct node *n)
{
    struct home_side *side = side_of(n);
    int64_t now = node_mono(n);

    if (now < side->next_views || !n->ready)
        return;
    side->next_views = now + VIEW_REPEAT_MS;
    for (uint32_t i = 0; i < n->lives.len; i++) {
        struct live *live = n->lives.entries[i].value;

        if (live->big && live->viewers > 0)
            route_view(n, live->conv, true);
    }
}
