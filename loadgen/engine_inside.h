/* engine_inside.h - the run as its threads see it; for the files of the
 * engine. Main writes the atomics, shards read them. */
#ifndef LOAD_ENGINE_INSIDE_H
#define LOAD_ENGINE_INSIDE_H

#include <sys/socket.h>

#include "base/map.h"
#include "engine.h"
#include "plan.h"
#include "shard.h"

#define SOURCE_CLIENTS 8000 /* that share a source address */

/* What shards do; each follows on the one before. */
enum stage {
    STAGE_CONNECT, /* all clients come, conversations are made */
    STAGE_LOOK,    /* clients say what they view */
    STAGE_FILL,    /* some leave, and messages for them pile up */
    STAGE_TRAFFIC, /* the schedules run, from start on */
    STAGE_DRAIN,   /* no more slots; answers and copies still come */
    STAGE_RECALL,  /* who is away comes back, to get what waits for it */
    STAGE_STOP
};

/* What its contacts should see of a user. */
struct user_life {
    _Atomic uint64_t on_at;   /* ns: `hello` was written */
    _Atomic uint64_t last_at; /* ns: the last sign of life; 0: it lives */
};

struct engine {
    const struct engine_config *cfg;
    const struct scenario *scenario; /* = &own */
    struct scenario own;             /* sped up, with the circles of contacts */
    struct plan plan;
    struct shard *shards; /* owned */
    int nshards;
    struct sockaddr_storage server;
    socklen_t server_length;
    uint32_t source_net; /* clients bind to addresses from here on; 0: none */
    struct buf upgrade;  /* the request, the same for all */
    char accept[WS_ACCEPT + 1];
    struct user_life *lives; /* owned, of each user; NULL: not needed */
    struct map users;        /* index + 1 by the server's number */
    uint64_t begin;          /* ns: of the run */
    int server_pid;
    void *tls;  /* context */
    bool uring; /* shards use io_uring */

    _Atomic int stage;
    _Atomic uint64_t traffic_start;      /* ns */
    _Atomic uint64_t ramp_from, ramp_to; /* ns; 0: not known yet */
    _Atomic uint32_t fold_wanted;
    _Atomic uint64_t drop_at;  /* ns: clients drop all (fault), 0 */
    _Atomic uint64_t fault_at; /* ns: the last fault */
    _Atomic int64_t lost;      /* clients that faults took and are not back */
    uint64_t drained;          /* ns: main saw the drain end */
    _Atomic int deaf;          /* slow clients do not read */
    _Atomic int setup_failed;
    _Atomic int refused_tokens;
};

static inline uint32_t engine_run_id(const struct engine *e)
{
    return (uint32_t)(e->cfg->run ^ e->cfg->run >> 32);
}

/* ---- engine_make.c ---- */
int engine_make(struct engine *e, const struct engine_config *cfg,
                struct error *err);
void engine_release(struct engine *e);
int engine_start(struct engine *e, struct error *err);
void engine_stop(struct engine *e); /* and wait for the shards */

/* verdict.c: judge the whole after the shards have ended: what no second
 * could know is added to the counts. */
void verdict_judge(struct engine *e, struct collect *c,
                   struct engine_outcome *outcome);

#endif
