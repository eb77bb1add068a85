#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nothing here may allocate: there is no memory left. */
static void *checked(void *p, size_t n)
{
    if (p == NULL) {
        fprintf(stderr, "out of memory: %zu bytes refused\n", n);
        abort();
    }
    return p;
}

/* count * n, at least 1; an overflow ends the process. */
static size_t product(size_t count, size_t n)
{
    size_t total;

    if (__builtin_mul_overflow(count, n, &total) || total > PTRDIFF_MAX)
        checked(NULL, SIZE_MAX);
    return total > 0 ? total : 1;
}

void *mem_alloc(size_t n)
{
    return mem_array(1, n);
}

void *mem_array(size_t count, size_t n)
{
    size_t total = product(count, n);

    return checked(calloc(1, total), total);
}

void *mem_grow(void *p, size_t count, size_t n)
{
    size_t total = product(count, n);

    return checked(realloc(p, total), total);
}

void *mem_copy(const void *p, size_t n)
{
    void *copy = mem_grow(NULL, n, 1);

    if (n > 0)
        memcpy(copy, p, n);
    return copy;
}

char *mem_text(const char *text)
{
    return mem_text_n(text, strlen(text));
}

char *mem_text_n(const char *text, size_t n)
{
    char *copy = mem_grow(NULL, n + 1, 1);

    if (n > 0)
        memcpy(copy, text, n);
    copy[n] = '\0';
    return copy;
}
