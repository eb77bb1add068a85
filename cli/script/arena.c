#include "arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define CHUNK 16000
#define ALIGN _Alignof(max_align_t)

struct chunk {
    struct chunk *next;
    size_t used, size;
    _Alignas(max_align_t) char bytes[];
};

struct arena {
    struct chunk *chunks; /* newest first */
};

struct arena *arena_new(void)
{
    return mem_alloc(sizeof(struct arena));
}

void arena_free(struct arena **a)
{
    struct chunk *c;

    if (*a == NULL)
        return;
    while ((c = (*a)->chunks) != NULL) {
        (*a)->chunks = c->next;
        free(c);
    }
    free(*a);
    *a = NULL;
}

static struct chunk *chunk_new(struct arena *a, size_t n)
{
    size_t size = n > CHUNK ? n : CHUNK;
    struct chunk *c = mem_alloc(sizeof(*c) + size);

    c->size = size;
    c->next = a->chunks;
    a->chunks = c;
    return c;
}

void *arena_alloc(struct arena *a, size_t n)
{
    struct chunk *c = a->chunks;
    void *p;

    n = (n + ALIGN - 1) & ~(ALIGN - 1);
    if (c == NULL || c->size - c->used < n)
        c = chunk_new(a, n);
    p = c->bytes + c->used;
    c->used += n;
    return p;
}

const char *arena_text(struct arena *a, const char *p, size_t n)
{
    char *copy = arena_alloc(a, n + 1);

    if (n > 0)
        memcpy(copy, p, n);
    return copy;
}

/* Lists double: at 4, 8, 16 ... items. */
void *arena_grow(struct arena *a, void *items, int count, size_t size)
{
    bool full = count == 0 || (count >= 4 && (count & (count - 1)) == 0);
    size_t cap = count == 0 ? 4 : 2 * (size_t)count;
    void *larger;

    if (!full)
        return items;
    larger = arena_alloc(a, cap * size);
    if (count > 0)
        memcpy(larger, items, (size_t)count * size);
    return larger;
}
