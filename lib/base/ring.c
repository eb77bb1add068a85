#include "base/ring.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

void ring_init(struct ring *r)
{
    *r = (struct ring){0};
}

void ring_release(struct ring *r)
{
    free(r->points);
    ring_init(r);
}

static int compare(const void *a, const void *b)
{
    const struct ring_point *x = a, *y = b;

    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (int)x->node - (int)y->node;
}

void ring_set(struct ring *r, const uint16_t *nodes, int n)
{
    struct ring_point *p;
    uint32_t name[2];

    assert(n >= 0 && n <= RING_NODES_MAX);
    ring_release(r);
    if (n == 0)
        return;
    p = r->points = mem_array((size_t)n * RING_POINTS, sizeof(*p));
    r->len = (uint32_t)n * RING_POINTS;
    for (int i = 0; i < n; i++) {
        for (uint32_t k = 0; k < RING_POINTS; k++, p++) {
            name[0] = htole32(nodes[i]);
            name[1] = htole32(k);
            p->at = hash_stable(name, sizeof(name));
            p->node = nodes[i];
        }
    }
    qsort(r->points, r->len, sizeof(*r->points), compare);
}

int ring_node(const struct ring *r, uint64_t key)
{
    uint64_t le = htole64(key);
    uint64_t at = hash_stable(&le, sizeof(le));
    uint32_t low = 0, high = r->len, middle;

    if (r->len == 0)
        return -1;
    while (low < high) { /* the first point at or after the key's */
        middle = low + (high - low) / 2;
        if (r->points[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return r->points[low < r->len ? low : 0].node;
}
