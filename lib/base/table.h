/* table.h - a compact multi-map: rows of one size, each starting with the
 * 64-bit id (not 0) it is found by; an id may have several rows. For tables
 * with hundreds of thousands of rows, where a pointer per row is too much.
 *
 * Open addressing with linear probing (Knuth, TAOCP 6.4, algorithms L and R),
 * grown by half when four fifths full: between 1.25 and 1.9 rows of memory for
 * each row in use. The order of a walk depends on what was added and removed,
 * never on addresses or a seed. Ids come from this server, not from a peer, so
 * the hash needs no key. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table {
    char *rows;
    uint32_t len, cap;
    uint32_t size; /* bytes of a row */
};

/* Rows of size bytes, a multiple of 8. Allocates nothing until the first add.
 */
void table_init(struct table *t, size_t size);
void table_release(struct table *t);

/* The first row of id, and the next one with the same id; NULL: none. Rows
 * move when another is added or removed. */
void *table_first(const struct table *t, uint64_t id);
void *table_next(const struct table *t, const void *row);

/* Add a row for id, the rest zeroed. Memory ends the process like mem.h. */
void *table_add(struct table *t, uint64_t id);
/* Will the next table_add() grow the memory? The owner may drop rows first. */
bool table_full(const struct table *t);

/* Take row out. Another row may be in its place afterwards. */
void table_remove(struct table *t, void *row);

/* Walk: for (i = 0; i < t->cap; i++) if ((row = table_at(t, i))). To remove
 * while walking, look at the same i again after each removal. */
void *table_at(const struct table *t, uint32_t i);

#endif
