/* ring.h - consistent hashing with virtual nodes (Karger et al. 1997):
 * which of the nodes is responsible for a key. Deterministic: the same set of
 * nodes gives the same ring everywhere. */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdint.h>

#define RING_NODES_MAX 1024
#define RING_POINTS 64 /* virtual nodes per node */

struct ring_point {
    uint64_t at;
    uint16_t node;
};

struct ring {
    struct ring_point *points; /* sorted by at, then node */
    uint32_t len;
};

void ring_init(struct ring *r);
void ring_release(struct ring *r);
/* Replace the set of nodes (their numbers, n <= RING_NODES_MAX). */
void ring_set(struct ring *r, const uint16_t *nodes, int n);
/* The node responsible for key; -1 on an empty ring. */
int ring_node(const struct ring *r, uint64_t key);

#endif
