/* ledger.h - what a sender knows of the messages of one stream: due, written,
 * and answered how. Settled messages leave; the few that were refused are kept
 * by number, so that at the end every number has a fate. */
#ifndef LOAD_LEDGER_H
#define LOAD_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

enum fate {
    FATE_WAITING, /* due, not written yet */
    FATE_UNKNOWN, /* written, no answer */
    FATE_ACKED,
    FATE_REFUSED
};

struct sent {
    uint64_t due, written; /* ns; as they stand in the marker */
    int64_t seq;           /* the server's, once acked */
    uint32_t size;         /* of the body */
    uint8_t fate;
    bool in_thread; /* answers the first message of its stream */
    bool on_wire;   /* written on the present connection */
    bool tried;     /* written on any */
};

struct ledger {
    struct sent *ring; /* owned; mask + 1 places */
    uint32_t mask;
    uint32_t first;     /* the oldest number that is kept */
    uint32_t next;      /* the next number, from 1 */
    uint32_t write;     /* the first not written on this connection */
    uint32_t receipted; /* delivered is measured below this number */
    uint32_t seen;      /* read is measured below this one */
    uint32_t *refused;  /* owned: numbers that left refused, sorted */
    uint32_t nrefused;
};

#define LEDGER_KEPT 1024 /* acked messages that wait for a receipt */

void ledger_init(struct ledger *l);
void ledger_release(struct ledger *l);

/* A message is due: its number. */
uint32_t ledger_add(struct ledger *l, uint64_t due, uint32_t size);

/* The message of that number while it is kept, else NULL. Valid until the
 * next ledger_add(). */
struct sent *ledger_at(const struct ledger *l, uint32_t number);

/* The next one to write, NULL: none; then ledger_wrote(). */
struct sent *ledger_to_write(const struct ledger *l);
void ledger_wrote(struct ledger *l);

/* The connection is gone: what has no answer is written again, in order. */
void ledger_rewind(struct ledger *l);

/* This one, which is kept and has no answer, is written again. */
void ledger_again(struct ledger *l, uint32_t number);

/* Let go of what is settled. receipts: keep acked ones (LEDGER_KEPT of them)
 * until their `delivered` was measured; reads: until `read` was. */
void ledger_settle(struct ledger *l, bool receipts, bool reads);

enum fate ledger_fate(const struct ledger *l, uint32_t number);

/* From the first that waits for an answer on this connection to the last that
 * was written on it. False: none waits, or it is alone. */
bool ledger_in_flight(const struct ledger *l, uint32_t *first, uint32_t *last);

/* How many of these numbers were written, and never acknowledged: refused, or
 * without an answer. They may have been stored all the same. */
uint32_t ledger_unacked(const struct ledger *l, uint32_t from, uint32_t to);

/* Without an answer, written or not. */
uint32_t ledger_open(const struct ledger *l);

#endif
