/* coordinate.h - a run over many agents: who they are, what they said this
 * second, and what it comes to. */
#ifndef LOAD_COORDINATE_H
#define LOAD_COORDINATE_H

#include "agent_wire.h"
#include "coordinate_split.h"
#include "run.h"

struct peer {
    struct wire_end wire;
    char name[80];
    int cores, pid; /* pid: of a local agent that we started, else 0 */
    int64_t fit, users;
    bool local, ready, done, lost;
    bool spoke;        /* in this second */
    int64_t conns, up; /* connected, and logged in, as it last said */
    double gen_cpu, srv_cpu, foreign_cpu;
    int64_t gen_rss, srv_rss;
    enum phase phase;
    struct engine_outcome outcome;
};

struct coordinator {
    struct run_state *r;
    int listener, port;
    char secret[WIRE_SECRET], secret_path[300]; /* path: ours, to remove */
    struct peer peers[SPLIT_PARTS];
    struct scenario parts[SPLIT_PARTS];
    int64_t first[SPLIT_PARTS];
    int n, wanted;
    int pids[SPLIT_PARTS], npids; /* local agents */
    int64_t start_ms;             /* mono */
    struct second row;            /* gathered since the last one */
    struct hist fresh[METRICS];
    struct collect heard; /* the times of all intervals: results come last */
    int64_t lost_users;
    int lost;
    bool draining;
};

/* ---- coordinate.c: agents ---- */
int coordinate_listen(struct coordinator *c); /* exit code */
int coordinate_start_local(struct coordinator *c, int count);
/* Accept and check agents until all wanted are here; then cut the scenario and
 * give each its part. */
int coordinate_gather(struct coordinator *c);
int coordinate_assign(struct coordinator *c);
void coordinate_close(struct coordinator *c);

/* ---- coordinate_run.c: the run ---- */
int coordinate_run(struct coordinator *c);
/* Take one line of an agent. */
void coordinate_hear(struct coordinator *c, struct peer *p, json_t *j);
void coordinate_lost(struct coordinator *c, struct peer *p, const char *why);
/* Before the first line. */
void coordinate_begin(struct coordinator *c);
/* The row of this second from what was heard, and a fresh one. An agent that
 * is done counts in the second in which it was last heard. */
void coordinate_second(struct coordinator *c, int64_t at_ms,
                       struct second *out);
/* All outcomes as one. */
void coordinate_outcome(struct coordinator *c, struct engine_outcome *out);

#endif
