/* fault.h - what goes wrong on purpose during the measured phase; main's. */
#ifndef LOAD_FAULT_H
#define LOAD_FAULT_H

#include "engine_inside.h"

struct faults {
    struct engine *engine;
    uint64_t next; /* ns: of the next fault; UINT64_MAX: none */
    uint64_t thaw; /* ns: SIGCONT is due; 0: it runs */
    int64_t left;
};

/* 0, or -CF_INVALID: the fault needs the server's pid or a way to start it. */
int faults_check(const struct engine_config *cfg, struct error *err);

/* The measured phase begins now. */
void faults_start(struct faults *f, struct engine *e, uint64_t now);

/* Do what is due. 0; -CF_*: the server could not be started again. */
int faults_run(struct faults *f, uint64_t now, struct error *err);

/* A frozen server runs again. */
void faults_end(struct faults *f);

#endif
