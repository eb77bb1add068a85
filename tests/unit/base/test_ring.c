#include "base/ring.h"

#include <stdbool.h>

#include "unit/base/suite.h"

#define KEYS 100000

static void fill(uint16_t *nodes, int n)
{
    for (int i = 0; i < n; i++)
        nodes[i] = (uint16_t)i;
}

START_TEST(empty_and_single)
{
    uint16_t one = 17;
    struct ring r;

    ring_init(&r);
    ck_assert_int_eq(ring_node(&r, 1), -1);
    ring_set(&r, &one, 1);
    for (uint64_t key = 0; key < 1000; key++)
        ck_assert_int_eq(ring_node(&r, key), 17);
    ring_set(&r, NULL, 0);
    ck_assert_int_eq(ring_node(&r, 1), -1);
    ring_release(&r);
}
END_TEST

START_TEST(balanced)
{
    uint16_t nodes[16];
    int counts[16] = {0};
    struct ring r;

    fill(nodes, 16);
    ring_init(&r);
    ring_set(&r, nodes, 16);
    for (uint64_t key = 1; key <= KEYS; key++)
        counts[ring_node(&r, key)]++;
    /* 64 points: one share in eight of deviation, so three times that. */
    for (int i = 0; i < 16; i++) {
        ck_assert_int_gt(counts[i], KEYS / 16 * 60 / 100);
        ck_assert_int_lt(counts[i], KEYS / 16 * 145 / 100);
    }
    ring_release(&r);
}
END_TEST

START_TEST(order_of_nodes_does_not_matter)
{
    uint16_t up[8], down[8];
    struct ring a, b;

    fill(up, 8);
    for (int i = 0; i < 8; i++)
        down[i] = up[7 - i];
    ring_init(&a);
    ring_init(&b);
    ring_set(&a, up, 8);
    ring_set(&b, down, 8);
    for (uint64_t key = 0; key < 10000; key++)
        ck_assert_int_eq(ring_node(&a, key), ring_node(&b, key));
    ring_release(&a);
    ring_release(&b);
}
END_TEST

START_TEST(a_new_node_takes_only_for_itself)
{
    uint16_t nodes[9];
    struct ring before, after;
    int moved = 0;

    fill(nodes, 9);
    ring_init(&before);
    ring_init(&after);
    ring_set(&before, nodes, 8);
    ring_set(&after, nodes, 9);
    for (uint64_t key = 0; key < KEYS; key++) {
        if (ring_node(&before, key) == ring_node(&after, key))
            continue;
        ck_assert_int_eq(ring_node(&after, key), 8);
        moved++;
    }
    ck_assert_int_gt(moved, KEYS / 9 * 60 / 100);
    ck_assert_int_lt(moved, KEYS / 9 * 145 / 100);
    ring_release(&before);
    ring_release(&after);
}
END_TEST

/* Nodes of different builds must agree, so these may never change. */
START_TEST(same_everywhere)
{
    static const int want[] = {3, 0, 1, 0, 1, 2, 2, 3};
    uint16_t nodes[4];
    struct ring r;
    int got;

    fill(nodes, 4);
    ring_init(&r);
    ring_set(&r, nodes, 4);
    for (uint64_t key = 1; key <= 8; key++) {
        got = ring_node(&r, key * 1000003);
        ck_assert_msg(got == want[key - 1], "key %d: %d", (int)key, got);
    }
    ring_release(&r);
}
END_TEST

START_TEST(as_many_nodes_as_allowed)
{
    static uint16_t nodes[RING_NODES_MAX];
    static bool seen[RING_NODES_MAX];
    struct ring r;
    int count = 0;

    fill(nodes, RING_NODES_MAX);
    ring_init(&r);
    ring_set(&r, nodes, RING_NODES_MAX);
    for (uint64_t key = 0; key < KEYS; key++) {
        int node = ring_node(&r, key);

        count += !seen[node];
        seen[node] = true;
    }
    ck_assert_int_eq(count, RING_NODES_MAX);
    ring_release(&r);
}
END_TEST

SUITE("ring", empty_and_single, balanced, order_of_nodes_does_not_matter,
      a_new_node_takes_only_for_itself, same_everywhere,
      as_many_nodes_as_allowed)
