/* sqlite_peek.h - small reads answered where they are asked; for sqlite*.c and
 * the tests of it.
 *
 * A login reads a handful of rows that are nearly always in memory. To wake a
 * reader for them, and to be woken by it, costs more than the reading. So a
 * port reads them itself, by a connection of its own that never waits: when
 * the kernel would have to ask the disk, or another connection is in the way,
 * the operation goes to a reader as if nothing had been tried. */
#ifndef STORE_SQLITE_PEEK_H
#define STORE_SQLITE_PEEK_H

#include "store/store_backend.h"

/* The most conversations that a login may have for it: some 0.2 ms. */
#define PEEK_ROWS 32

/* ---- sqlite_peek.c ---- */

/* Answer op here and now, by store_done(). False: nothing was done to op.
 * Port's thread. */
bool peek_read(struct store_port *p, struct store_op *op);
void peek_close(struct store_port *p);
/* How many operations were answered here since the process began. */
int64_t peek_count(void);

/* ---- sqlite_peek_vfs.c ---- */

/* The VFS of a connection that only reads and never waits. Registered by
 * peek_install(), before threads start. */
#define PEEK_VFS "confab-peek"
void peek_install(void);
/* Forget that this thread's reading would have had to wait. */
void peek_begin(void);
/* It would have had to since peek_begin(). */
bool peek_would_wait(void);

#endif
