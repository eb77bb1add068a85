#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"

#define MAP_FIRST                                              \
    8 /* entries of the first allocation; slots are twice that \
       */

#define NO_SLOT UINT32_MAX

/* One key for the process. Hashes decide only where a slot is, never the
 * order of a walk, so a random key does not disturb a simulation. */
static uint8_t hash_key[16];
static pthread_once_t hash_key_once = PTHREAD_ONCE_INIT;

static void make_hash_key(void)
{
    struct rng r;

    rng_init_system(&r);
    rng_bytes(&r, hash_key, sizeof(hash_key));
}

/* Room for twice as many entries: new empty slots, and the new capacity. */
static uint32_t *new_slots(uint32_t *cap, uint32_t *mask)
{
    pthread_once(&hash_key_once, make_hash_key);
    *cap = *cap > 0 ? *cap * 2 : MAP_FIRST;
    *mask = *cap * 2 - 1;
    return mem_array((size_t)*mask + 1, sizeof(uint32_t));
}

static void slot_add(uint32_t *slots, uint32_t mask, uint32_t home,
                     uint32_t index)
{
    uint32_t at = home & mask;

    while (slots[at] != 0)
        at = (at + 1) & mask;
    slots[at] = index + 1;
}

/* The slot of an entry that is in the table. */
static uint32_t slot_of(const uint32_t *slots, uint32_t mask, uint32_t home,
                        uint32_t index)
{
    uint32_t at = home & mask;

    while (slots[at] != index + 1)
        at = (at + 1) & mask;
    return at;
}

/* Empty a slot and move those behind it forward, so that no search that
 * passes here stops too early (Knuth vol. 3, 6.4, algorithm R). */
static void slot_clear(uint32_t *slots, uint32_t mask, uint32_t hole,
                       uint32_t (*home_of)(const void *map, uint32_t index),
                       const void *map)
{
    uint32_t at = hole, home;

    for (;;) {
        at = (at + 1) & mask;
        if (slots[at] == 0)
            break;
        home = home_of(map, slots[at] - 1) & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            slots[hole] = slots[at];
            hole = at;
        }
    }
    slots[hole] = 0;
}

static uint32_t home_u64(uint64_t key)
{
    return (uint32_t)hash_u64(hash_key, key);
}

static uint32_t map_home(const void *map, uint32_t index)
{
    return home_u64(((const struct map *)map)->entries[index].key);
}

void map_init(struct map *m)
{
    *m = (struct map){0};
}

void map_release(struct map *m)
{
    free(m->entries);
    free(m->slots);
    map_init(m);
}

static uint32_t map_find(const struct map *m, uint64_t key)
{
    uint32_t at;

    if (m->len == 0)
        return NO_SLOT;
    at = home_u64(key) & m->mask;
    for (; m->slots[at] != 0; at = (at + 1) & m->mask) {
        if (m->entries[m->slots[at] - 1].key == key)
            return at;
    }
    return NO_SLOT;
}

static void map_grow(struct map *m)
{
    free(m->slots);
    m->slots = new_slots(&m->cap, &m->mask);
    m->entries = mem_grow(m->entries, m->cap, sizeof(*m->entries));
    for (uint32_t i = 0; i < m->len; i++)
        slot_add(m->slots, m->mask, map_home(m, i), i);
}

void *map_get(const struct map *m, uint64_t key)
{
    uint32_t at = map_find(m, key);

    return at != NO_SLOT ? m->entries[m->slots[at] - 1].value : NULL;
}

void *map_put(struct map *m, uint64_t key, void *value)
{
    uint32_t at = map_find(m, key);
    void *old;

    if (at != NO_SLOT) {
        old = m->entries[m->slots[at] - 1].value;
        m->entries[m->slots[at] - 1].value = value;
        return old;
    }
    if (m->len == m->cap)
        map_grow(m);
    m->entries[m->len] = (struct map_entry){.key = key, .value = value};
    slot_add(m->slots, m->mask, home_u64(key), m->len++);
    return NULL;
}

void *map_remove(struct map *m, uint64_t key)
{
    uint32_t at = map_find(m, key), index, last;
    void *old;

    if (at == NO_SLOT)
        return NULL;
    index = m->slots[at] - 1;
    old = m->entries[index].value;
    slot_clear(m->slots, m->mask, at, map_home, m);
    last = m->len - 1;
    if (index != last) {
        at = slot_of(m->slots, m->mask, map_home(m, last), last);
        m->slots[at] = index + 1;
        m->entries[index] = m->entries[last];
    }
    m->len--;
    return old;
}

static uint32_t home_span(struct span key)
{
    return (uint32_t)hash_bytes(hash_key, key.p, key.n);
}

static uint32_t strmap_home(const void *map, uint32_t index)
{
    const struct strmap_entry *e =
        &((const struct strmap *)map)->entries[index];

    return home_span(span_make(e->key, e->n));
}

void strmap_init(struct strmap *m)
{
    *m = (struct strmap){0};
}

void strmap_release(struct strmap *m)
{
    for (uint32_t i = 0; i < m->len; i++)
        free(m->entries[i].key);
    free(m->entries);
    free(m->slots);
    strmap_init(m);
}

static uint32_t strmap_find(const struct strmap *m, struct span key)
{
    const struct strmap_entry *e;
    uint32_t at;

    if (m->len == 0)
        return NO_SLOT;
    at = home_span(key) & m->mask;
    for (; m->slots[at] != 0; at = (at + 1) & m->mask) {
        e = &m->entries[m->slots[at] - 1];
        if (span_eq(span_make(e->key, e->n), key))
            return at;
    }
    return NO_SLOT;
}

static void strmap_grow(struct strmap *m)
{
    free(m->slots);
    m->slots = new_slots(&m->cap, &m->mask);
    m->entries = mem_grow(m->entries, m->cap, sizeof(*m->entries));
    for (uint32_t i = 0; i < m->len; i++)
        slot_add(m->slots, m->mask, strmap_home(m, i), i);
}

void *strmap_get(const struct strmap *m, struct span key)
{
    uint32_t at = strmap_find(m, key);

    return at != NO_SLOT ? m->entries[m->slots[at] - 1].value : NULL;
}

void *strmap_put(struct strmap *m, struct span key, void *value)
{
    uint32_t at = strmap_find(m, key);
    struct strmap_entry *e;
    void *old;

    if (at != NO_SLOT) {
        old = m->entries[m->slots[at] - 1].value;
        m->entries[m->slots[at] - 1].value = value;
        return old;
    }
    if (m->len == m->cap)
        strmap_grow(m);
    e = &m->entries[m->len];
    e->key = mem_text_n(key.p, key.n);
    e->n = key.n;
    e->value = value;
    slot_add(m->slots, m->mask, home_span(key), m->len++);
    return NULL;
}

void *strmap_remove(struct strmap *m, struct span key)
{
    uint32_t at = strmap_find(m, key), index, last;
    char *copy;
    void *old;

    if (at == NO_SLOT)
        return NULL;
    index = m->slots[at] - 1;
    old = m->entries[index].value;
    copy = m->entries[index].key;
    slot_clear(m->slots, m->mask, at, strmap_home, m);
    last = m->len - 1;
    if (index != last) {
        at = slot_of(m->slots, m->mask, strmap_home(m, last), last);
        m->slots[at] = index + 1;
        m->entries[index] = m->entries[last];
    }
    m->len--;
    free(copy); /* last: key may point into the entry */
    return old;
}
