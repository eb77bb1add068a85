/* ids.h - identifiers. Inside a process every id is an integer; on the wire
 * it is an opaque string: `u` user, `c` conversation and the decimal number
 * without leading zeros; `d` and a u32, a device, unique within its user; an
 * entry's id is the decimal number alone.
 *
 * Users and conversations share one number space, and the user's `self`
 * conversation has the number of the user: `c7` is the self of `u7`. */
#ifndef PROTO_IDS_H
#define PROTO_IDS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

#define ID_MAX INT64_MAX

/* Snowflake: 41 bits of ms since 2024-01-01 UTC, 14 of node, 8 of counter. */
#define ID_EPOCH_MS INT64_C(1704067200000)
#define ID_NODE_BITS 14
#define ID_COUNTER_BITS 8
#define ID_NODES (1 << ID_NODE_BITS)

static inline int64_t id_time(uint64_t id)
{
    return (int64_t)(id >> (ID_NODE_BITS + ID_COUNTER_BITS)) + ID_EPOCH_MS;
}

/* A maker of ids. Ids rise; when the clock stands or goes back, or more than
 * 256 are made in a ms, the time part runs ahead of the clock. */
struct id_maker {
    uint16_t node;
    uint64_t last;
};

void id_maker_init(struct id_maker *m, uint16_t node);
/* The next id: its time is max(now_ms, time of the last one). */
uint64_t id_next(struct id_maker *m, int64_t now_ms);
/* Never make an id <= floor (a new home continues above the last id). */
void id_raise(struct id_maker *m, uint64_t floor);

/* Parse "c123" with prefix 'c' ('u', 'd'; 0: none). False unless the whole
 * span is the prefix and a decimal without sign or leading zeros,
 * 1..ID_MAX (devices: 1..UINT32_MAX). */
bool id_parse(struct span s, char prefix, uint64_t *out);

/* Append prefix (0: none) and number. 0 or -CF_TOO_BIG. */
int id_write(struct buf *out, char prefix, uint64_t id);

#endif
