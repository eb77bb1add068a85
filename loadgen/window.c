#include "window.h"

#include <stdlib.h>

#include "base/mem.h"

#define WIDTH 64

void window_init(struct window *w)
{
    w->next = 1;
    w->seen = UINT64_MAX; /* there is nothing below 1 to wait for */
}

void holes_release(struct holes *holes)
{
    free(holes->list);
    *holes = (struct holes){0};
}

static void hole_add(struct holes *holes, uint32_t id, uint32_t from,
                     uint32_t to)
{
    if (holes->count == HOLES_MAX) {
        holes->forgotten += to - from + 1;
        return;
    }
    if (holes->count == holes->room) {
        holes->room = holes->room == 0 ? 64 : holes->room * 2;
        holes->list =
            mem_grow(holes->list, holes->room, sizeof(holes->list[0]));
    }
    holes->list[holes->count++] = (struct hole){id, from, to};
}

/* Take seq out of the hole it lies in. False: it lies in none. */
static bool hole_fill(struct holes *holes, uint32_t id, uint32_t seq)
{
    for (uint32_t i = holes->count; i-- > 0;) {
        struct hole *h = &holes->list[i];
        uint32_t to = h->to;

        if (h->id != id || seq < h->from || seq > to)
            continue;
        if (seq == h->from && seq == to) {
            *h = holes->list[--holes->count];
        } else if (seq == h->from) {
            h->from++;
        } else {
            h->to = seq - 1;
            if (seq < to)
                hole_add(holes, id, seq + 1, to);
        }
        return true;
    }
    return false;
}

/* Numbers from..to leave the window; those without a bit are holes. */
static void leave(const struct window *w, uint32_t id, uint32_t from,
                  uint32_t to, struct holes *holes)
{
    uint32_t start = 0;

    for (uint32_t n = from; n <= to; n++) {
        bool seen = w->seen >> (w->next - 1 - n) & 1;

        if (!seen && start == 0)
            start = n;
        if (start != 0 && (seen || n == to)) {
            hole_add(holes, id, start, seen ? n - 1 : n);
            start = 0;
        }
    }
}

/* Move the window so that seq is its highest. */
static void move(struct window *w, uint32_t id, uint32_t seq,
                 struct holes *holes)
{
    uint32_t steps = seq - w->next + 1;
    uint32_t low = w->next > WIDTH ? w->next - WIDTH : 1;

    if (w->seen != UINT64_MAX || steps > 1) {
        uint32_t out = seq > WIDTH ? seq - WIDTH : 0; /* the highest to leave */

        if (out >= low)
            leave(w, id, low, out < w->next ? out : w->next - 1, holes);
        if (out >= w->next)
            hole_add(holes, id, w->next, out);
    }
    w->seen = steps >= WIDTH ? 0 : w->seen << steps;
    w->seen |= 1;
    w->next = seq + 1;
    if (seq < WIDTH) /* bits below number 1 stand for nothing */
        w->seen |= UINT64_MAX << seq;
}

enum arrival window_take(struct window *w, uint32_t id, uint32_t seq,
                         struct holes *holes)
{
    uint64_t bit;

    if (seq >= w->next) {
        move(w, id, seq, holes);
        return ARRIVED_NEXT;
    }
    if (w->next - seq > WIDTH)
        return hole_fill(holes, id, seq) ? ARRIVED_LATE : ARRIVED_TWICE;
    bit = UINT64_C(1) << (w->next - 1 - seq);
    if (w->seen & bit)
        return ARRIVED_TWICE;
    w->seen |= bit;
    return ARRIVED_LATE;
}

/* The lowest number >= from of a hole of id; UINT32_MAX: none. */
static uint32_t in_holes(const struct holes *holes, uint32_t id, uint32_t from)
{
    uint32_t best = UINT32_MAX;

    for (uint32_t i = 0; i < holes->count; i++) {
        const struct hole *h = &holes->list[i];

        if (h->id == id && h->to >= from) {
            uint32_t n = h->from > from ? h->from : from;

            best = n < best ? n : best;
        }
    }
    return best;
}

uint32_t window_missing(const struct window *w, uint32_t id,
                        const struct holes *holes, uint32_t from, uint32_t last)
{
    uint32_t low = w->next > WIDTH ? w->next - WIDTH : 1;
    uint32_t n = from < 1 ? 1 : from;

    if (n < low) {
        uint32_t found = in_holes(holes, id, n);

        if (found < low)
            return found <= last ? found : 0;
        n = low;
    }
    for (; n < w->next && n <= last; n++)
        if ((w->seen >> (w->next - 1 - n) & 1) == 0)
            return n;
    return n <= last ? n : 0;
}
