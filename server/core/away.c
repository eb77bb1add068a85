/* Requests of this node's connections on their way to homes elsewhere. What
 * one device writes keeps its order when homes move: a node that is no longer
 * home sends a request back instead of on, with all of its round that follow;
 * and here nothing leaves before everything of the round is back or answered.
 * On two ways to a third node one could overtake the other. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/home.h"

#define ROUND_AGAIN_MS 100
#define BOUNCED_MS (4 * ROUTE_AWAY_MS) /* longer than a round can take */

/* What is needed when the answer comes. */
struct away {
    uint64_t conn, conv;
    int node;        /* where it went */
    int64_t n;       /* request number of the client */
    int64_t started; /* mono ns, 0: not measured */
    int64_t until;   /* mono ms */
};

/* A round: requests of one conversation on another node. When the ring has
 * changed since, also when the same node is home again by now, what follows
 * waits for the next round. */
struct away_conv {
    uint64_t conv, round;
    uint64_t lease;     /* of that node, as far as this one knew */
    struct timer again; /* all are back, and the ring has not changed yet */
    int node, count, held;
    uint64_t changes;    /* of the ring, when the first one left */
    struct link waiting; /* came back, by rid; then those that never left */
};

/* A round of another node that was sent back from here. */
struct bounced {
    int64_t until; /* mono ms */
};

/* ---- a round ---- */

/* All are back: the next round begins. */
static void round_over(struct node *n, struct away_conv *ac)
{
    struct link *l;

    map_remove(&side_of(n)->away_convs, ac->conv);
    while ((l = list_pop(&ac->waiting)) != NULL) {
        struct request *rq = container_of(l, struct request, link);

        rq->rid = 0;
        route_request(n, rq);
    }
    free(ac);
}

static void round_again(struct timer *t, void *node)
{
    round_over(node, container_of(t, struct away_conv, again));
}

static struct away_conv *round_of(struct node *n, uint64_t conv, int home)
{
    struct map *convs = &side_of(n)->away_convs;
    struct away_conv *ac = map_get(convs, conv);

    if (ac == NULL) {
        ac = mem_alloc(sizeof(*ac));
        ac->conv = conv;
        timer_init(&ac->again, round_again);
        list_init(&ac->waiting);
        ac->round = side_number(n);
        ac->lease = peer_lease(n, home);
        ac->changes = side_of(n)->ring_changes;
        map_put(convs, conv, ac);
    }
    ac->node = home;
    ac->count++;
    return ac;
}

/* That node knows of a change that this one has yet to hear of. */
static bool knows_less(struct node *n, struct away_conv *ac)
{
    const struct link *l = list_first(&ac->waiting);

    return l != NULL && container_of(l, struct request, link)->rid != 0 &&
           ac->changes == side_of(n)->ring_changes;
}

/* One of the round is back. */
static void round_left(struct node *n, uint64_t conv)
{
    struct away_conv *ac = map_get(&side_of(n)->away_convs, conv);

    if (ac == NULL || --ac->count > 0)
        return;
    if (knows_less(n, ac))
        timer_set(&n->wheel, &ac->again, node_mono(n) + ROUND_AGAIN_MS);
    else
        round_over(n, ac);
}

static bool is_ours(const struct node *n, const struct request *rq)
{
    return rq->origin == n->env.number && rq->rid == 0 && rq->conn != 0;
}

bool away_holds_back(struct node *n, struct request *rq, int home)
{
    struct away_conv *ac;
    bool moved;

    if (!is_ours(n, rq) || SABOTAGED(n, overtake_away))
        return false;
    ac = map_get(&side_of(n)->away_convs, rq->conv);
    if (ac == NULL)
        return false;
    moved = ac->node != home || (ac->changes != side_of(n)->ring_changes &&
                                 !SABOTAGED(n, overtake_return));
    if (!moved && ac->held == 0)
        return false;
    if (ac->held >= HOME_WAITING_MAX) {
        request_error(n, rq, "busy", retry_jitter(n), 0,
                      "too many requests wait for this conversation");
        return true;
    }
    SEEN(n, "away: waits for a round");
    ac->held++;
    list_push(&ac->waiting, &rq->link);
    return true;
}

void away_add(struct node *n, struct request *rq, int home)
{
    struct away_conv *ac;
    struct away *aw;

    if (!is_ours(n, rq))
        return;
    aw = mem_alloc(sizeof(*aw));
    rq->rid = side_number(n);
    aw->conn = rq->conn;
    aw->conv = rq->conv;
    aw->node = home;
    aw->n = rq->frame.n;
    aw->started = rq->started;
    aw->until = node_mono(n) + ROUTE_AWAY_MS;
    map_put(&side_of(n)->away, rq->rid, aw);
    ac = round_of(n, rq->conv, home);
    rq->round = ac->round;
    rq->lease = ac->lease;
}

/* ---- back from there ---- */

/* NULL: it had been given up, or a former life of this node asked. */
static struct away *away_take(struct node *n, uint64_t rid, uint64_t conn)
{
    struct map *away = &side_of(n)->away;
    struct away *aw = map_get(away, rid);

    if (aw == NULL || (aw->conn != conn && !SABOTAGED(n, believe_former)))
        return NULL;
    map_remove(away, rid);
    return aw;
}

void route_answer(struct node *n, uint64_t rid, uint64_t conn,
                  struct span bytes)
{
    struct away *aw = away_take(n, rid, conn);

    if (aw == NULL) {
        SEEN(n, "away: an answer too late");
        return;
    }
    request_answer_here(n, aw->conn, aw->started, bytes);
    round_left(n, aw->conv);
    free(aw);
}

/* Before those that never left, in the order in which they did leave. */
static void wait_again(struct away_conv *ac, struct request *rq)
{
    struct link *at = &ac->waiting;

    while (at->prev != &ac->waiting) {
        uint64_t rid = container_of(at->prev, struct request, link)->rid;

        if (rid != 0 && rid < rq->rid)
            break;
        at = at->prev;
    }
    list_insert_before(at, &rq->link);
    ac->held++;
}

void away_back(struct node *n, struct request *rq)
{
    struct away *aw = away_take(n, rq->rid, rq->conn);
    struct away_conv *ac = map_get(&side_of(n)->away_convs, rq->conv);

    if (aw == NULL || ac == NULL) {
        SEEN(n, "away: came back too late");
        free(aw);
        request_free(&rq);
        return;
    }
    SEEN(n, "away: came back");
    rq->started = aw->started;
    wait_again(ac, rq);
    round_left(n, aw->conv);
    free(aw);
}

/* ---- at a node that is not home ---- */

static void bounce(struct node *n, struct request *rq)
{
    struct map *bounced = &side_of(n)->bounced;
    struct bounced *b = map_get(bounced, rq->round);

    if (b == NULL) {
        b = mem_alloc(sizeof(*b));
        map_put(bounced, rq->round, b);
    }
    b->until = node_mono(n) + BOUNCED_MS;
    route_send(n, rq, rq->origin);
}

/* One of its round went back, or may have from a former life of this node: rq
 * would overtake that one, also when this node is home again. */
static bool is_late(struct node *n, const struct request *rq)
{
    bool former = rq->lease != 0 && rq->lease != (uint64_t)n->lease;

    return (former || map_get(&side_of(n)->bounced, rq->round) != NULL) &&
           !SABOTAGED(n, forget_bounced);
}

bool away_bounces(struct node *n, struct request *rq, int home)
{
    bool late;

    if (rq->origin == n->env.number || rq->rid == 0 || rq->conn == 0 ||
        SABOTAGED(n, forward_away))
        return false;
    late = is_late(n, rq);
    if (!late && home == n->env.number)
        return false;
    if (late && home == n->env.number)
        SEEN(n, "away: goes back though home is here");
    if (late || !home_holds_back(n, rq))
        bounce(n, rq);
    return true;
}

/* ---- at the tick ---- */

static bool wait_until(struct away *aw, int64_t until)
{
    if (aw->until <= until)
        return false;
    aw->until = until;
    return true;
}

void away_gone(struct node *n, int node)
{
    struct map *away = &side_of(n)->away;

    for (uint32_t i = 0; i < away->len; i++) {
        struct away *aw = away->entries[i].value;

        if (aw->node == node && wait_until(aw, node_mono(n)))
            SEEN(n, "away: a node began anew");
    }
}

static bool is_there(const struct node *n, int node)
{
    for (int i = 0; i < n->node_count; i++) {
        if (n->nodes[i] == node)
            return true;
    }
    return false;
}

void away_ring_changed(struct node *n)
{
    struct map *away = &side_of(n)->away;

    for (uint32_t i = 0; i < away->len; i++) {
        struct away *aw = away->entries[i].value;

        if (!is_there(n, aw->node) &&
            wait_until(aw, node_mono(n) + ROUTE_GONE_MS))
            SEEN(n, "away: a node is gone");
    }
}

/* What got no answer for long is answered here: the client asks again with
 * the same cid. */
static void away_expire(struct node *n, struct away *aw)
{
    struct buf *b = answer_buf(n);

    SEEN(n, "away: given up");
    enc_err(b, aw->n, "timeout", retry_jitter(n), 0,
            "no answer from the conversation's node; ask again");
    request_answer_here(n, aw->conn, 0, buf_span(b));
    round_left(n, aw->conv);
    free(aw);
}

static void bounced_tick(struct node *n)
{
    struct map *bounced = &side_of(n)->bounced;
    int64_t now = node_mono(n);

    for (uint32_t i = bounced->len; i-- > 0;) {
        struct bounced *b;

        if (i >= bounced->len)
            continue;
        b = bounced->entries[i].value;
        if (b->until > now)
            continue;
        map_remove(bounced, bounced->entries[i].key);
        free(b);
    }
}

void away_tick(struct node *n)
{
    struct map *away = &side_of(n)->away;
    int64_t now = node_mono(n);

    for (uint32_t i = away->len; i-- > 0;) {
        struct away *aw;

        if (i >= away->len)
            continue;
        aw = away->entries[i].value;
        if (aw->until > now)
            continue;
        map_remove(away, away->entries[i].key);
        away_expire(n, aw);
    }
    bounced_tick(n);
}

void away_free(struct node *n)
{
    struct map *away = &side_of(n)->away, *convs = &side_of(n)->away_convs;
    struct map *bounced = &side_of(n)->bounced;

    for (uint32_t i = 0; i < away->len; i++)
        free(away->entries[i].value);
    for (uint32_t i = 0; i < bounced->len; i++)
        free(bounced->entries[i].value);
    for (uint32_t i = 0; i < convs->len; i++) {
        struct away_conv *ac = convs->entries[i].value;
        struct link *l;

        timer_cancel(&n->wheel, &ac->again);
        while ((l = list_pop(&ac->waiting)) != NULL) {
            struct request *rq = container_of(l, struct request, link);

            request_free(&rq);
        }
        free(ac);
    }
}
