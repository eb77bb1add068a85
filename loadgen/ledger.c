#include "ledger.h"

#include <stdlib.h>

#include "base/mem.h"

#define RING_FIRST 8

void ledger_init(struct ledger *l)
{
    *l = (struct ledger){
        .first = 1, .next = 1, .write = 1, .receipted = 1, .seen = 1};
}

void ledger_release(struct ledger *l)
{
    free(l->ring);
    free(l->refused);
    ledger_init(l);
}

static void grow(struct ledger *l)
{
    uint32_t room = l->ring == NULL ? RING_FIRST : (l->mask + 1) * 2;
    struct sent *ring = mem_array(room, sizeof(*ring));

    for (uint32_t n = l->first; l->ring != NULL && n < l->next; n++)
        ring[n & (room - 1)] = l->ring[n & l->mask];
    free(l->ring);
    l->ring = ring;
    l->mask = room - 1;
}

uint32_t ledger_add(struct ledger *l, uint64_t due, uint32_t size)
{
    if (l->ring == NULL || l->next - l->first > l->mask)
        grow(l);
    l->ring[l->next & l->mask] =
        (struct sent){.due = due, .size = size, .fate = FATE_WAITING};
    return l->next++;
}

struct sent *ledger_at(const struct ledger *l, uint32_t number)
{
    if (number < l->first || number >= l->next)
        return NULL;
    return &l->ring[number & l->mask];
}

struct sent *ledger_to_write(const struct ledger *l)
{
    return ledger_at(l, l->write);
}

/* Skip what has an answer, or waits for one on this connection. */
static void skip_answered(struct ledger *l)
{
    while (l->write < l->next) {
        const struct sent *s = ledger_at(l, l->write);

        if (s != NULL && s->fate < FATE_ACKED && !s->on_wire)
            break;
        l->write++;
    }
}

void ledger_wrote(struct ledger *l)
{
    struct sent *s = ledger_at(l, l->write);

    s->on_wire = s->tried = true;
    if (s->fate == FATE_WAITING)
        s->fate = FATE_UNKNOWN;
    l->write++;
    skip_answered(l);
}

void ledger_rewind(struct ledger *l)
{
    for (uint32_t n = l->first; n < l->next; n++)
        l->ring[n & l->mask].on_wire = false;
    l->write = l->first;
    skip_answered(l);
}

void ledger_again(struct ledger *l, uint32_t number)
{
    l->ring[number & l->mask].on_wire = false;
    if (number < l->write)
        l->write = number;
}

static void note_refused(struct ledger *l, uint32_t number)
{
    if ((l->nrefused & (l->nrefused - 1)) == 0)
        l->refused =
            mem_grow(l->refused, l->nrefused == 0 ? 1 : l->nrefused * 2,
                     sizeof(l->refused[0]));
    l->refused[l->nrefused++] = number;
}

void ledger_settle(struct ledger *l, bool receipts, bool reads)
{
    while (l->first < l->write) {
        const struct sent *s = &l->ring[l->first & l->mask];
        bool wanted = (receipts && l->receipted <= l->first) ||
                      (reads && l->seen <= l->first);

        if (s->fate < FATE_ACKED)
            break;
        if (s->fate == FATE_ACKED && wanted &&
            l->next - l->first <= LEDGER_KEPT)
            break;
        if (s->fate == FATE_REFUSED)
            note_refused(l, l->first);
        l->first++;
    }
    if (l->receipted < l->first)
        l->receipted = l->first;
    if (l->seen < l->first)
        l->seen = l->first;
}

/* The first refused one that left and is not below number: numbers leave in
 * their order, so that these are sorted. */
static uint32_t refused_from(const struct ledger *l, uint32_t number)
{
    uint32_t low = 0, high = l->nrefused;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (l->refused[mid] < number)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool was_refused(const struct ledger *l, uint32_t number)
{
    uint32_t i = refused_from(l, number);

    return i < l->nrefused && l->refused[i] == number;
}

enum fate ledger_fate(const struct ledger *l, uint32_t number)
{
    const struct sent *s = ledger_at(l, number);

    if (s != NULL)
        return s->fate;
    if (number >= l->next)
        return FATE_WAITING;
    return was_refused(l, number) ? FATE_REFUSED : FATE_ACKED;
}

bool ledger_in_flight(const struct ledger *l, uint32_t *first, uint32_t *last)
{
    *first = *last = 0;
    for (uint32_t n = l->first; n < l->next; n++) {
        const struct sent *s = ledger_at(l, n);

        if (!s->on_wire)
            continue;
        *last = n;
        if (*first == 0 && s->fate == FATE_UNKNOWN)
            *first = n;
    }
    return *first != 0 && *first < *last;
}

uint32_t ledger_unacked(const struct ledger *l, uint32_t from, uint32_t to)
{
    uint32_t n = from < l->first ? l->first : from, count;

    if (from > to)
        return 0;
    count = refused_from(l, to + 1) - refused_from(l, from);
    for (; n <= to && n < l->next; n++)
        count += ledger_at(l, n)->tried && ledger_at(l, n)->fate != FATE_ACKED;
    return count;
}

uint32_t ledger_open(const struct ledger *l)
{
    uint32_t open = 0;

    for (uint32_t n = l->first; n < l->next; n++)
        open += l->ring[n & l->mask].fate < FATE_ACKED;
    return open;
}
