/* Messages between nodes: any bytes decode or are refused, and what decodes
 * encodes to the same bytes again. */
#include <stdint.h>
#include <stdlib.h>

#include "core/peer_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct peer_lists lists;
    struct peer_message m;
    struct buf again;

    if (peer_decode(&m, &lists, span_make(data, size)) != 0)
        return 0;
    buf_init(&again, PEER_MESSAGE_MAX);
    if (peer_encode(&again, m.header.type, &m) != 0)
        abort();
    peer_stamp(&again, m.header.incarnation, m.header.number);
    if (again.len != size || memcmp(again.data, data, size) != 0)
        abort();
    buf_release(&again);
    return 0;
}
