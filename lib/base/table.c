#include "base/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define TABLE_FIRST 16

static void *slot(const struct table *t, uint32_t i)
{
    return t->rows + (size_t)i * t->size;
}

static uint64_t id_at(const struct table *t, uint32_t i)
{
    uint64_t id;

    memcpy(&id, slot(t, i), sizeof(id));
    return id;
}

/* splitmix64's finaliser (Steele, Lea, Flood 2014), scaled to the number of
 * slots (Lemire 2019), which need not be a power of two. */
static uint32_t ideal(const struct table *t, uint64_t id)
{
    id = (id ^ (id >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    id = (id ^ (id >> 27)) * UINT64_C(0x94d049bb133111eb);
    id ^= id >> 31;
    return (uint32_t)(((id >> 32) * t->cap) >> 32);
}

static uint32_t after(const struct table *t, uint32_t i)
{
    return i + 1 < t->cap ? i + 1 : 0;
}

static uint32_t index_of(const struct table *t, const void *row)
{
    return (uint32_t)((size_t)((const char *)row - t->rows) / t->size);
}

void table_init(struct table *t, size_t size)
{
    assert(size >= sizeof(uint64_t) && size % sizeof(uint64_t) == 0);
    *t = (struct table){.size = (uint32_t)size};
}

void table_release(struct table *t)
{
    free(t->rows);
    t->rows = NULL;
    t->len = t->cap = 0;
}

static void *find(const struct table *t, uint32_t i, uint64_t id)
{
    uint64_t at;

    while ((at = id_at(t, i)) != 0) {
        if (at == id)
            return slot(t, i);
        i = after(t, i);
    }
    return NULL;
}

void *table_first(const struct table *t, uint64_t id)
{
    return t->cap > 0 ? find(t, ideal(t, id), id) : NULL;
}

void *table_next(const struct table *t, const void *row)
{
    uint32_t i = index_of(t, row);

    return find(t, after(t, i), id_at(t, i));
}

static void *place(struct table *t, uint64_t id)
{
    uint32_t i = ideal(t, id);

    while (id_at(t, i) != 0)
        i = after(t, i);
    t->len++;
    return slot(t, i);
}

bool table_full(const struct table *t)
{
    return (uint64_t)(t->len + 1) * 5 > (uint64_t)t->cap * 4;
}

static void grow(struct table *t)
{
    struct table old = *t;

    t->cap = old.cap > 0 ? old.cap + old.cap / 2 : TABLE_FIRST;
    t->rows = mem_array(t->cap, t->size);
    t->len = 0;
    for (uint32_t i = 0; i < old.cap; i++) {
        if (id_at(&old, i) != 0)
            memcpy(place(t, id_at(&old, i)), slot(&old, i), t->size);
    }
    free(old.rows);
}

void *table_add(struct table *t, uint64_t id)
{
    void *row;

    assert(id != 0);
    if (table_full(t))
        grow(t);
    row = place(t, id);
    memcpy(row, &id, sizeof(id));
    return row;
}

/* May the row at i move to the hole? Not when its ideal place lies between
 * them (cyclically): it would not be found there. */
static bool may_move(const struct table *t, uint32_t hole, uint32_t i)
{
    uint32_t want = ideal(t, id_at(t, i));

    return hole <= i ? want <= hole || want > i : want <= hole && want > i;
}

void table_remove(struct table *t, void *row)
{
    uint32_t hole = index_of(t, row);

    for (uint32_t i = after(t, hole); id_at(t, i) != 0; i = after(t, i)) {
        if (may_move(t, hole, i)) {
            memcpy(slot(t, hole), slot(t, i), t->size);
            hole = i;
        }
    }
    memset(slot(t, hole), 0, t->size);
    t->len--;
}

void *table_at(const struct table *t, uint32_t i)
{
    return id_at(t, i) != 0 ? slot(t, i) : NULL;
}
