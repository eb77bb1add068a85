/* planner.h - from what one message, connection and heartbeat cost to how many
 * servers so many users need. Pure arithmetic; planner_sim.c adds a small
 * simulation for the times. */
#ifndef LOAD_PLANNER_H
#define LOAD_PLANNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "hist.h"

enum cost {
    COST_CONN,      /* bytes of an idle connection, user and kernel */
    COST_CONNECT,   /* us of CPU: connect, login, sync */
    COST_HEARTBEAT, /* us */
    COST_MESSAGE,   /* us: accepted, stored, acknowledged */
    COST_COPY,      /* us: one delivered, with its receipts */
    COST_NOTICE,    /* us: presence, to one viewer */
    COST_CATCHUP,   /* us: one entry of a backlog */
    COST_HOP,       /* us: a copy that goes to another node */
    COST_DISK,      /* bytes on disk for a message, beside its body */
    COSTS
};

struct band {
    double low, mid, high; /* 95 % interval around mid */
};

struct cost_vector {
    struct band items[COSTS];
    char source[96]; /* who measured, where */
};

struct plan_demand {
    double users;       /* who have an account */
    double online;      /* share at the peak */
    double messages;    /* of a user, a day */
    double peak;        /* times the mean */
    double body;        /* bytes */
    double copies;      /* recipients of a message, mean */
    double heartbeat_s; /* between two of a client */
    double sessions;    /* connects of a user, a day */
    double viewers;     /* who see one come or go */
    double offline;     /* share of copies that wait for their reader */
    double days;        /* of retention */
    double replicas;    /* of the store */
};

struct plan_node {
    double cores, memory, nic, disk, syncs, fds; /* bytes, bytes/s, rows/s */
    double target; /* share of each that may be used */
};

enum resource {
    RESOURCE_CPU,
    RESOURCE_MEMORY,
    RESOURCE_NIC,
    RESOURCE_DISK,
    RESOURCE_SYNC, /* durable rows a second */
    RESOURCE_FDS,
    RESOURCES
};

struct plan_answer {
    struct band demand[RESOURCES], nodes[RESOURCES];
    struct band total; /* nodes, without spare */
    enum resource binds;
    double spare, all; /* nodes */
    double back_s;     /* a lost node's clients are back after so long */
    double conns, messages_s, copies_s, heartbeats_s, connects_s;
    double bytes_day, bytes_kept; /* of storage, all replicas */
    double cross;                 /* share of copies to another node */
};

const char *cost_name(enum cost c);
const char *cost_unit(enum cost c);
const char *resource_name(enum resource r);

/* What one machine showed; replaced by measuring. */
void cost_defaults(struct cost_vector *v);
json_t *cost_json(const struct cost_vector *v);
/* The costs that j names ({"conn": {"low","mid","high"}, ...}); others stay.
 * Of a result of run what it shows. 0 or -CF_INVALID. */
int cost_from_json(struct cost_vector *v, const json_t *j, struct error *err);

void demand_defaults(struct plan_demand *d);
void node_defaults(struct plan_node *n);

/* spare: nodes that may be lost at once, at least; within_s: their clients
 * must be back by then. */
void plan_solve(struct plan_answer *a, const struct cost_vector *v,
                const struct plan_demand *d, const struct plan_node *n,
                double spare, double within_s);

/* CPU (percent of a core) that so many nodes of one machine will take. */
double plan_predict_cpu(const struct cost_vector *v, double messages_s,
                        double copies_s, double heartbeats_s, double connects_s,
                        int nodes);

/* y = a + b x by least squares, b with its 95 % interval; n >= 3. False:
 * all x are the same. */
bool slope_of(const double *x, const double *y, int n, struct band *b);

/* ---- planner_sim.c ---- */

struct plan_sim {
    struct hist calm, lost; /* ns: response of a message; owned */
    double worst_share;     /* load of the fullest node / mean */
    int nodes;              /* simulated */
};

/* Simulate `sample` of a.all nodes for up to 30 s of the peak: placement by
 * consistent hashing, FIFO queues with one server a core, service times around
 * the costs (log-normal, sigma); then the same with one node lost and its
 * clients coming back. */
void plan_simulate(struct plan_sim *s, const struct plan_answer *a,
                   const struct cost_vector *v, const struct plan_demand *d,
                   const struct plan_node *n, int sample, uint64_t seed);
void plan_sim_release(struct plan_sim *s);

#endif
