/* credit.c - what was handed over and is not acknowledged yet, also of
 * conversations that the user has left. The ring is bounded by the window: at
 * most LIMIT_WIN_ENTRIES items. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/conn.h"

#define CREDIT_MIN 4 /* items: so few are kept until credit_rest() */

static struct credit_item *item_at(const struct conn *c, unsigned i)
{
    return &c->credit[(c->credit_head + i) & (c->credit_cap - 1u)];
}

bool credit_allows(const struct conn *c, size_t bytes, int count)
{
    if (c->credit_entries == 0)
        return count == 1 || (count <= c->win_entries && bytes <= c->win_bytes);
    return c->credit_entries + count <= c->win_entries &&
           c->credit_bytes + bytes <= c->win_bytes;
}

int credit_entries(const struct conn *c)
{
    return c->credit_entries < c->win_entries
               ? c->win_entries - c->credit_entries
               : 0;
}

size_t credit_bytes(const struct conn *c)
{
    if (c->credit_entries == 0)
        return c->win_bytes;
    return c->credit_bytes < c->win_bytes ? c->win_bytes - c->credit_bytes : 0;
}

static void grow(struct conn *c)
{
    unsigned cap = c->credit_cap > 0 ? c->credit_cap * 2u : CREDIT_MIN;
    struct credit_item *ring = mem_array(cap, sizeof(*ring));

    for (unsigned i = 0; i < c->credit_len; i++)
        ring[i] = *item_at(c, i);
    free(c->credit);
    c->credit = ring;
    c->credit_cap = (uint16_t)cap;
    c->credit_head = 0;
}

void credit_take(struct conn *c, uint64_t conv, int64_t seq, size_t bytes,
                 int count)
{
    if (c->credit_len == c->credit_cap)
        grow(c);
    *item_at(c, c->credit_len) = (struct credit_item){
        .conv = conv,
        .seq = seq,
        .bytes = (uint32_t)bytes,
        .count = (uint32_t)count,
    };
    c->credit_len++;
    c->credit_entries += (uint16_t)count;
    c->credit_bytes += (uint32_t)bytes;
}

static void give_back(struct conn *c, struct credit_item *item)
{
    c->credit_entries -= (uint16_t)item->count;
    c->credit_bytes -= item->bytes;
    item->conv = 0;
    c->feed_blocked = false;
}

void credit_ack(struct conn *c, uint64_t conv, int64_t seq)
{
    for (unsigned i = 0; i < c->credit_len; i++) {
        struct credit_item *item = item_at(c, i);

        if (item->conv == conv && item->seq <= seq)
            give_back(c, item);
    }
    while (c->credit_len > 0 && item_at(c, 0)->conv == 0) {
        c->credit_head =
            (uint16_t)((c->credit_head + 1u) & (c->credit_cap - 1u));
        c->credit_len--;
    }
    if (c->credit_len == 0 && c->credit_cap > CREDIT_MIN)
        credit_release(c);
}

void credit_rest(struct conn *c)
{
    if (c->credit_len == 0)
        credit_release(c);
}

void credit_release(struct conn *c)
{
    free(c->credit);
    c->credit = NULL;
    c->credit_len = c->credit_cap = c->credit_head = 0;
    c->credit_entries = 0;
    c->credit_bytes = 0;
}
