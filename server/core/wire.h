/* wire.h - one encoded object, counted and immutable, shared by all queues of
 * a node that it stands in. Not thread-safe: it never leaves its node. */
#ifndef CORE_WIRE_H
#define CORE_WIRE_H

#include <stdint.h>

#include "base/span.h"

/* What may be dropped first when a queue is long. */
enum wire_class {
    WIRE_ANSWER, /* never dropped */
    WIRE_ENTRY,  /* entry or batch: purged on removal; the log has it */
    WIRE_HINT,   /* receipt, head: coalesced or dropped for a slow reader */
    WIRE_SHED,   /* typing, presence: dropped first */
};

struct wire {
    uint32_t refs;
    uint32_t len;
    enum wire_class class;
    uint64_t conv; /* entries, hints; 0: none */
    int64_t seq;   /* last seq in it */
    char data[];   /* len bytes, no LF */
};

/* A wire with one reference, holding a copy of bytes. */
struct wire *wire_new(enum wire_class class, uint64_t conv, int64_t seq,
                      struct span bytes);
struct wire *wire_ref(struct wire *w);
void wire_unref(struct wire *w); /* NULL: nothing */

#endif
