/* sqlite_gate.h - who may read the log's index while who moves the log; for
 * sqlite*.c only.
 *
 * SQLite's locks are the kernel's, and those belong to a table of descriptors:
 * a node has a table of its own, so what it locked nobody would see, and what
 * it unlocked would stay locked for all others. So those who read on a node's
 * thread (sqlite_peek.c) lock here instead, in memory, and every connection of
 * the process looks here before it takes a lock for itself alone. They only
 * share: to whatever they do not lock, SQLite's own locks apply. */
#ifndef STORE_SQLITE_GATE_H
#define STORE_SQLITE_GATE_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* One for each database that is open. */
struct gate {
    struct gate *next;
    char *path;
    int refs;
    /* For each of SQLite's locks: how many share it here, or GATE_ALONE. */
    _Atomic int locks[SQLITE_SHM_NLOCK];
    /* The first connection's file: it knows the mapped index of the log. */
    sqlite3_file *first;
    /* To read by, opened before any thread has a table of its own and closed
     * with the last connection, since closing drops the process's locks. */
    int database, log;
    uint64_t inodes[2]; /* of the two */
    bool allowed;
};

/* Every connection opened from now on has a gate. Before the first one. */
void gate_install(void);

/* Let it be peeked at: false when what lies below is not the system's plain
 * files, or they cannot be read without waiting. Before threads unshare. */
bool gate_allow(const char *path);

/* The gate of an open database (path or that of its log) that may be peeked at
 * from this thread: its table has the descriptors. NULL: none. Give it back;
 * any thread. */
struct gate *gate_hold(const char *path);
void gate_drop(struct gate *g);

/* SQLite's lock number i, shared. False: somebody has it alone. */
bool gate_share(struct gate *g, int i);
void gate_unshare(struct gate *g, int i);

#endif
