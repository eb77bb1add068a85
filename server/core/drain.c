/* drain.c - leaving in good order: off the ring, commits, goodbyes, marks. */
#include "core/conn.h"

#define DRAIN_WAIT_MS 2000 /* for commits, before the goodbyes */
#define DRAIN_READ_MS 50   /* what is on its way is read all the same */

static void left(struct registry_op *reg)
{
    struct lease_op *l = reg->ctx;
    struct node *n = l->op.node;

    if (n->drain == DRAIN_LEAVING)
        n->drain_until = now_mono(n) + DRAIN_WAIT_MS;
    node_op_end(&l->op);
}

void node_drain(struct node *n, int64_t spread_ms)
{
    if (n->draining)
        return;
    n->draining = true;
    n->drain = DRAIN_LEAVING;
    n->drain_spread = spread_ms;
    n->drain_until = now_mono(n) + 2 * DRAIN_WAIT_MS;
    n->drain_from = now_mono(n) + DRAIN_READ_MS;
    timer_set(&n->wheel, &n->second, n->drain_from);
    node_ask_registry(n, REGISTRY_LEAVE, true, left);
}

static void say_bye(struct node *n)
{
    int64_t window = n->drain_spread > 0 ? n->drain_spread : 1;

    for (uint32_t i = n->conns.len; i-- > 0;) {
        struct conn *c = n->conns.entries[i].value;
        int64_t from = (int64_t)rng_below(n->env.rng, (uint64_t)window) / 2;

        conn_drain(c, from, from + window / 2 + 1);
        if (i > n->conns.len)
            i = n->conns.len;
    }
}

/* Leaving the ring, then commits, then the goodbyes, then the last marks. */
void node_drain_step(struct node *n)
{
    int64_t now = now_mono(n);

    if (n->drain == DRAIN_LEAVING && now >= n->drain_from &&
        (n->pending == 0 || now >= n->drain_until)) {
        n->drain = DRAIN_BYE;
        say_bye(n);
    }
    if (n->drain == DRAIN_BYE && n->conns.len == 0 && n->pending == 0 &&
        !marks_waiting(n)) {
        n->drain = DRAIN_GONE;
        node_ask_registry(n, REGISTRY_LEAVE, false, left);
    }
}

bool node_drained(const struct node *n)
{
    return n->drain == DRAIN_GONE && n->pending == 0;
}
