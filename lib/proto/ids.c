#include "proto/ids.h"

#include <assert.h>
#include <string.h>

#include "proto/write.h"

static uint64_t compose(int64_t ms, uint16_t node, unsigned counter)
{
    return (uint64_t)(ms - ID_EPOCH_MS) << (ID_NODE_BITS + ID_COUNTER_BITS) |
           (uint64_t)node << ID_COUNTER_BITS | counter;
}

void id_maker_init(struct id_maker *m, uint16_t node)
{
    assert(node < ID_NODES);
    m->node = node;
    m->last = 0;
}

uint64_t id_next(struct id_maker *m, int64_t now_ms)
{
    const unsigned full = (1U << ID_COUNTER_BITS) - 1;
    int64_t ms = id_time(m->last);
    unsigned counter = m->last & full;
    uint64_t id;

    if (now_ms > ms)
        ms = now_ms;
    id = compose(ms, m->node, 0);
    if (id <= m->last && counter < full)
        id = compose(ms, m->node, counter + 1);
    /* The counter is used up, or the last id is of a node above ours. */
    if (id <= m->last)
        id = compose(ms + 1, m->node, 0);
    m->last = id;
    return id;
}

void id_raise(struct id_maker *m, uint64_t floor)
{
    if (floor > m->last)
        m->last = floor;
}

bool id_parse(struct span s, char prefix, uint64_t *out)
{
    uint64_t max = prefix == 'd' ? UINT32_MAX : ID_MAX, v = 0;
    size_t i = prefix != 0;

    if (s.n <= i || s.n > i + 19 || s.p[i] == '0')
        return false;
    if (prefix != 0 && s.p[0] != prefix)
        return false;
    for (; i < s.n; i++) {
        unsigned digit = (unsigned char)s.p[i] - '0';

        if (digit > 9)
            return false;
        v = v * 10 + digit; /* 19 digits fit into 64 bits */
    }
    if (v > max)
        return false;
    *out = v;
    return true;
}

int id_write(struct buf *out, char prefix, uint64_t id)
{
    struct writer w;

    write_begin(&w, out);
    if (prefix != 0)
        write_byte(&w, prefix);
    write_u64(&w, id);
    return write_end(&w);
}
