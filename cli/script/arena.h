/* arena.h - memory that is given out piece by piece and freed at once. */
#ifndef SCRIPT_ARENA_H
#define SCRIPT_ARENA_H

#include <stddef.h>

struct arena;

/* Free with arena_free(), which sets *a to NULL. */
struct arena *arena_new(void);
void arena_free(struct arena **a);

/* n zeroed bytes, aligned for anything, valid until the arena is freed. Ends
 * the process when memory is gone (mem.h): the caller bounds what it asks. */
void *arena_alloc(struct arena *a, size_t n);

/* A NUL-terminated copy of n bytes. */
const char *arena_text(struct arena *a, const char *p, size_t n);

/* A list that grows while it is built: before items[count] is written. NULL
 * and 0 to begin with; the old place is lost to the arena. */
void *arena_grow(struct arena *a, void *items, int count, size_t size);

#endif
