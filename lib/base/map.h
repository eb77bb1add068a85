/* map.h - hash maps from a 64-bit id, or from bytes, to a pointer.
 *
 * The order of a walk is the order of insertion (a removal moves the last
 * entry into the hole), never that of addresses or hashes: a simulation with
 * the same seed walks the same way. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct map_entry {
    uint64_t key;
    void *value;
};

struct map {
    struct map_entry *entries; /* dense, len of them */
    uint32_t *slots;           /* open addressing: index + 1 into entries */
    uint32_t len, cap, mask;
};

/* Allocates nothing until the first put. */
void map_init(struct map *m);
void map_release(struct map *m); /* the values are the caller's to free */

void *map_get(const struct map *m, uint64_t key); /* NULL: not there */

/* Put value (not NULL) under key; returns the value it replaced, or NULL. */
void *map_put(struct map *m, uint64_t key, void *value);

/* Take key out; returns its value, or NULL. */
void *map_remove(struct map *m, uint64_t key);

/* Walk: for (i = 0; i < map.len; i++) map.entries[i]. To remove while walking
 * go from len - 1 down to 0. */

/* The same with byte-string keys; the map keeps copies of the keys. */
struct strmap_entry {
    char *key; /* NUL-terminated copy, n bytes */
    size_t n;
    void *value;
};

struct strmap {
    struct strmap_entry *entries;
    uint32_t *slots;
    uint32_t len, cap, mask;
};

void strmap_init(struct strmap *m);
void strmap_release(struct strmap *m);
void *strmap_get(const struct strmap *m, struct span key);
void *strmap_put(struct strmap *m, struct span key, void *value);
void *strmap_remove(struct strmap *m, struct span key);

#endif
