/* receipts.h - who was told what was delivered and read; between the shards,
 * and main that judges. Only confab's own protocol has receipts. */
#ifndef LOAD_RECEIPTS_H
#define LOAD_RECEIPTS_H

#include "engine_inside.h"
#include "object.h"

struct receipts {
    uint64_t owed; /* last marks that senders have to know */
    uint64_t lost; /* and do not */
    char first[160];
};

/* ---- in shards ---- */

/* A member is about to write a mark. */
void receipts_acked(struct shard *sh, const struct seat *s, int64_t seq,
                    bool read);
/* Its connection is gone, and maybe the marks with it. */
void receipts_lost(struct shard *sh, const struct client *c);
/* From now on c can be told; also after it was too slow for a while. */
void receipts_here(struct shard *sh, const struct client *c);
/* A message of f was acknowledged as seq. */
void receipts_sent(struct shard *sh, const struct outflow *f, int64_t seq);
/* The marks of f were raised. */
void receipts_told(struct shard *sh, const struct outflow *f);
/* A receipt came: it may not fall, nor say more than its user did. */
void receipts_check(struct shard *sh, const struct outflow *f,
                    const struct object *o);

/* ---- in main ---- */

/* How long a server may gather marks before they are told, ns. */
uint64_t receipts_folded(const struct engine *e);
/* What is owed at `end` (ns); UINT64_MAX: with what is still being folded.
 * Also while shards run. */
void receipts_judge(const struct engine *e, uint64_t end, struct receipts *out);

#endif
