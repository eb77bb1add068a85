/* tap.h - what is known about one connection, for the files tap*.c. */
#ifndef SIM_TAP_H
#define SIM_TAP_H

#include "client.h"
#include "sim.h"

struct asked { /* a request that arrived */
    enum frame_kind kind;
    int times; /* said again on this connection: as many answers */
    bool repeated;
    uint64_t conv;
    char cid[LIMIT_CID + 1];
    uint64_t convs[8]; /* fence */
    int64_t heads[8];
    int count;
};

struct strand {     /* one conversation on one connection */
    int64_t pushed; /* handed over up to here, or explained */
    int64_t acked;  /* what comes up to here owes nothing */
    bool begun;
};

struct owed {
    uint64_t conv;
    int64_t seq;
};

struct marks_told {
    int64_t delivered, read;
};

struct tap {
    struct map strands;  /* conv -> strand */
    struct map asked;    /* n -> asked */
    struct strmap marks; /* "conv user" -> marks_told */
    struct owed owed[LIMIT_WIN_ENTRIES + 8];
    int owed_count;
    int64_t win;
    int hellos, synced;
};

struct strand *tap_strand(struct pipe *p, uint64_t conv);
/* Is there something between two seqs that the user may see? */
bool tap_misses(struct pipe *p, uint64_t conv, int64_t after, int64_t before);
void tap_ack(struct pipe *p, uint64_t conv, int64_t seq);
void tap_push(struct pipe *p, const struct entry *e);
void tap_batch(struct pipe *p, const struct frame *f);
void tap_gap(struct pipe *p, const struct frame *f);
void tap_receipt(struct pipe *p, const struct frame *f);
void tap_fence(struct pipe *p, const struct asked *a);

#endif
