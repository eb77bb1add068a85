/* order.c - what one device says in one conversation is stored in the order in
 * which it was written. What was written again, because it was refused or
 * nobody knows what became of it, may owe its place to any of its writes: so
 * only what was first written after the last write of another has to come
 * behind that one. Receivers get the order of the log (tap_log.c). */
#include <inttypes.h>

#include "base/mem.h"
#include "client.h"

void order_wrote(struct client *c, struct outgoing *o)
{
    o->last = ++c->writes;
    if (o->first == 0)
        o->first = o->last;
    o->disordered = c->world->disordered;
}

/* Both were written on connections that the device still had when the earlier
 * one was acknowledged: else that one would have been written again. */
static void check_order(const struct client *c, const struct placed *first,
                        const struct placed *then)
{
    if (first->last < then->first && first->seq >= then->seq)
        world_break(c->world, "order",
                    "c%" PRIu64 ": client %d wrote %" PRId64
                    " before it wrote %" PRId64,
                    first->conv, c->index, first->seq, then->seq);
}

void order_stored(struct client *c, const struct outgoing *o, int64_t seq)
{
    struct placed p = {o->conv, o->first, o->last, seq};

    /* A bus that lets one message pass another keeps no order: then nobody
     * can. */
    if (o->old || o->disordered != c->world->disordered)
        return;
    for (int i = 0; i < c->placed_count; i++) {
        const struct placed *q = &c->placed[i];

        if (q->conv != p.conv)
            continue;
        check_order(c, q, &p);
        check_order(c, &p, q);
    }
    if (c->placed_count == c->placed_cap) {
        c->placed_cap = c->placed_cap > 0 ? 2 * c->placed_cap : 16;
        c->placed =
            mem_grow(c->placed, (size_t)c->placed_cap, sizeof(*c->placed));
    }
    c->placed[c->placed_count++] = p;
}
