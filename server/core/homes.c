/* All homes of a node: what happens to them every second, when the ring of
 * nodes changes, and in the end. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/home.h"

void home_ring_changed(struct node *n)
{
    for (uint32_t i = n->homes.len; i-- > 0;) {
        struct home *h;

        if (i >= n->homes.len)
            continue;
        h = n->homes.entries[i].value;
        if (!home_is_ours(n, h->conv) && h->state != HOME_LOST)
            home_drop(h);
    }
    side_of(n)->next_views = 0;
    side_of(n)->say_again = true;
    side_of(n)->ring_changes++;
    away_ring_changed(n);
}

static void homes_evict(struct node *n)
{
    int over = (int)n->homes.len - HOME_MAX;

    list_each (&n->home_lru, l, tmp) {
        struct home *h = container_of(l, struct home, lru);

        if (over <= 0)
            return;
        if (h->state != HOME_READY || h->holds > 0)
            continue;
        if (home_is_big(h) && h->row.head > h->head_announced)
            continue; /* nobody else will say it */
        home_drop(h);
        over--;
    }
}

static void homes_announce(struct node *n)
{
    for (uint32_t i = 0; i < n->homes.len; i++) {
        struct home *h = n->homes.entries[i].value;

        if (h->retry_at > 0 && h->retry_at <= node_mono(n))
            home_retry(h);
        if (h->state == HOME_READY && home_is_big(h))
            fanout_heads(h);
    }
}

void homes_tick(struct node *n)
{
    struct home_side *side = side_of(n);

    if (side->say_again && n->ready) {
        side->say_again = false;
        marks_again(n, -1);
    }
    receipts_tick(n);
    homes_announce(n);
    homes_evict(n);
    notices_tick(n);
    asks_tick(n);
    kicks_tick(n);
    away_tick(n);
    views_tick(n);
}

void homes_free(struct node *n)
{
    struct home_side *side = n->side;
    struct link *l;

    if (side == NULL)
        return;
    while ((l = list_first(&side->tasks)) != NULL)
        task_destroy(container_of(l, struct task, link));
    pushes_free(n);
    notices_free(n);
    asks_free(n);
    kicks_free(n);
    away_free(n);
    while (n->homes.len > 0)
        home_free(n->homes.entries[n->homes.len - 1].value);
    map_release(&n->homes);
    map_release(&side->notice_by_id);
    map_release(&side->away);
    map_release(&side->away_convs);
    map_release(&side->bounced);
    buf_release(&side->wire);
    buf_release(&side->answer);
    free(side->lists);
    free(side->said);
    free(side->said_at);
    free(side);
    n->side = NULL;
}
