#include "core/wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct wire *wire_new(enum wire_class class, uint64_t conv, int64_t seq,
                      struct span bytes)
{
    struct wire *w = mem_alloc(sizeof(*w) + bytes.n);

    w->refs = 1;
    w->len = (uint32_t)bytes.n;
    w->class = class;
    w->conv = conv;
    w->seq = seq;
    memcpy(w->data, bytes.p, bytes.n);
    return w;
}

struct wire *wire_ref(struct wire *w)
{
    w->refs++;
    return w;
}

void wire_unref(struct wire *w)
{
    if (w != NULL && --w->refs == 0)
        free(w);
}
