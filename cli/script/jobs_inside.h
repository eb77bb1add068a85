/* jobs_inside.h - for jobs*.c. */
#ifndef SCRIPT_JOBS_INSIDE_H
#define SCRIPT_JOBS_INSIDE_H

#include <stdatomic.h>
#include <sys/types.h>

#include "base/buf.h"
#include "fixture.h"
#include "jobs.h"

enum unit_server {
    UNIT_SHARED, /* the one server of the run */
    UNIT_URL,    /* one that was there */
    UNIT_OWN     /* of this unit alone */
};

struct unit {
    int *tests; /* indexes of the plan, in order */
    int count, next;
    enum unit_server server;
};

/* Seen by both sides of a fork. */
struct slot {
    _Atomic int line; /* being played */
};

/* What a worker has to know. */
struct work {
    const struct jobs_config *cfg;
    const struct unit *unit;
    const char *shared_url, *shared_admin, *shared_log;
    const char *scratch; /* directory; a worker's things go below it */
    struct slot *slot;
    int out; /* results go there, a JSON line each */
};

/* Play what is left of the unit, in the child. Never returns. */
_Noreturn void worker_main(const struct work *w, pid_t parent);

/* The address a test's server has: --url, else that of the file, or NULL. */
const char *jobs_url_of(const struct jobs_config *cfg, const struct planned *p);

/* End a server that nobody needs any more. Ours has nothing worth a farewell,
 * its data goes with it; a program of the script (s) is asked first. */
void jobs_end_server(struct fixture **f, const struct script *s);

/* Fill what a result says about which test it is of. */
void jobs_label(struct test_result *r, const struct jobs_config *cfg,
                const struct planned *p);

/* jobs_plan.c: units from a plan, in its order; tests that cannot be played
 * get a result and no unit. */
struct units {
    struct unit *items;
    int count;
};
void units_make(struct units *u, const struct jobs_config *cfg,
                struct test_result *results);
void units_release(struct units *u);

/* ---- jobs_crew.c: the children, seen from the parent ---- */

struct hand {
    pid_t pid; /* 0: idle */
    int fd;    /* its results */
    struct buf in;
    struct unit *unit;
    int current;             /* test being played, -1: none */
    int64_t began, deadline; /* mono ms, of that test */
    bool late;               /* killed by us at its deadline */
    bool closed;             /* nothing more will be said */
    struct slot *slot;
};

struct crew {
    const struct jobs_config *cfg;
    struct test_result *results;
    struct units units;
    int next; /* unit that nobody took yet */
    struct hand *hands;
    int count, busy;
    struct slot *slots;
    struct fixture *shared; /* or NULL */
    char scratch[256];
    bool failed; /* a test did, or could not be played */
};

int crew_open(struct crew *c, struct error *err);
/* Give idle hands work. -CF_IO: no process can be made. */
int crew_start(struct crew *c, struct error *err);
/* Read what the children say; at the end of one take its status and, when it
 * died during a test, say so in the result. */
void crew_read(struct crew *c);
void crew_late(struct crew *c, int64_t now);
/* End all children now. why: becomes the error of tests being played; NULL:
 * they stay without a result. */
void crew_kill(struct crew *c, const char *why, int exit_code);
void crew_close(struct crew *c);

/* Hand a finished result to the caller. */
void crew_done(struct crew *c, int index);
/* End and reap every process that was left to us. */
void crew_reap_orphans(void);

#endif
