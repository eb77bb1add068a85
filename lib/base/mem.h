/* mem.h - small allocations: they end the process when memory is gone, since
 * a restart loses nothing and half-done work does. What a peer can size never
 * comes here: it goes through buf.h and its bound. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t n);               /* zeroed */
void *mem_array(size_t count, size_t n); /* zeroed; overflow ends the process */
void *mem_grow(void *p, size_t count, size_t n); /* realloc, not zeroed */
void *mem_copy(const void *p, size_t n);
char *mem_text(const char *text); /* strdup */

/* A NUL-terminated copy of n bytes. */
char *mem_text_n(const char *text, size_t n);

/* Parent structure of an embedded member. */
#define container_of(ptr, type, member) \
    ((type *)((char *)(ptr)-offsetof(type, member)))

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#endif
