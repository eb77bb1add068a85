/* store_memory.h - the backend of the simulation: a store that commits after
 * a delay, loses what was not synced when it crashes, and can lie about
 * nothing else. Single-threaded. */
#ifndef STORE_STORE_MEMORY_H
#define STORE_STORE_MEMORY_H

#include "store/store.h"

struct store_memory_sim {
    /* Run fn(arg) after `delay_ms` of virtual time. */
    void (*after)(void *ctx, int64_t delay_ms, void (*fn)(void *), void *arg);
    void *ctx;
    /* Called for each group of writes and for each read: the delay until it is
     * committed (or read), in ms. */
    int64_t (*delay)(void *ctx, bool write);
    /* Asked for each write just before its commit: 0, or a result to give
     * instead (-CF_FULL, -CF_UNKNOWN with *happens saying whether it is
     * carried out all the same, -CF_TIMEOUT). NULL: never. */
    int (*fault)(void *ctx, enum store_verb verb, bool *happens);
    /* How a read ends: 0, or -CF_BUSY and the like. NULL-able. */
    int (*read_fault)(void *ctx, enum store_verb verb);
    /* Sabotage for tests that must notice: answer before the commit. */
    bool ack_before_commit;
    /* ... do not look for duplicates. */
    bool no_dedupe;
};

/* The process that owned these ports died: operations that were not committed
 * are gone, and none of the ports' `done` will run any more. Ports are freed
 * by this call (and set to NULL). A post or an event of the simulation that is
 * still under way for them does nothing; none may run after store_close(). */
void store_memory_crash(struct store *s, struct store_port **ports, int count);

/* For checkers: the log as it is now. Entries stay valid until the next
 * write; *count gets their number; index i holds seq i + 1. */
const struct entry *store_memory_log(const struct store *s, uint64_t conv,
                                     int *count);
/* Membership as committed; NULL: never a member. */
const struct membership *store_memory_member(const struct store *s,
                                             uint64_t conv, uint64_t user);
/* All conversations, in order of creation. */
int store_memory_convs(const struct store *s, const uint64_t **convs);

#endif
