#include "fault.h"

#include <signal.h>

#define MS UINT64_C(1000000)
#define FIRST_MS 10000 /* after the start of the phase, at most */

int faults_check(const struct engine_config *cfg, struct error *err)
{
    switch (cfg->scenario->fault.kind) {
    case FAULT_KILL:
        if (cfg->server_pid <= 0 || cfg->restart == NULL)
            return error_set(err, CF_INVALID,
                             "fault 'kill' needs a server that can be started "
                             "again; try --server");
        return 0;
    case FAULT_FREEZE:
        if (cfg->server_pid <= 0)
            return error_set(err, CF_INVALID,
                             "fault 'freeze' needs the server's process; try "
                             "--server or --server-pid");
        return 0;
    default:
        return 0;
    }
}

void faults_start(struct faults *f, struct engine *e, uint64_t now)
{
    const struct scenario *s = e->scenario;
    int64_t first = s->phases.measure_ms / 4;

    *f = (struct faults){.engine = e, .next = UINT64_MAX};
    if (s->fault.kind == FAULT_NONE)
        return;
    if (s->fault.every_ms > 0)
        first = s->fault.every_ms / 2;
    first = first < FIRST_MS ? first : FIRST_MS;
    f->next = now + (uint64_t)first * MS;
    f->left = s->fault.count > 0 ? s->fault.count : 1;
}

static int kill_and_start(struct engine *e, struct error *err)
{
    int pid = e->server_pid;

    kill(pid, SIGKILL);
    if (e->cfg->restart(e->cfg->ctx, &pid, err) < 0)
        return -CF_UNAVAILABLE;
    e->server_pid = pid;
    return 0;
}

static int strike(struct faults *f, uint64_t now, struct error *err)
{
    struct engine *e = f->engine;

    atomic_store(&e->fault_at, now);
    switch (e->scenario->fault.kind) {
    case FAULT_KILL:
        return kill_and_start(e, err);
    case FAULT_FREEZE:
        kill(e->server_pid, SIGSTOP);
        f->thaw = now + (uint64_t)e->scenario->fault.fault_ms * MS;
        return 0;
    case FAULT_RST:
        atomic_store(&e->drop_at, now);
        return 0;
    case FAULT_NONE:
        break;
    }
    return 0;
}

int faults_run(struct faults *f, uint64_t now, struct error *err)
{
    if (f->thaw > 0 && now >= f->thaw)
        faults_end(f);
    if (now < f->next)
        return 0;
    f->left--;
    f->next += (uint64_t)f->engine->scenario->fault.every_ms * MS;
    if (f->left <= 0 || f->engine->scenario->fault.every_ms == 0)
        f->next = UINT64_MAX;
    return strike(f, now, err);
}

void faults_end(struct faults *f)
{
    if (f->thaw > 0)
        kill(f->engine->server_pid, SIGCONT);
    f->thaw = 0;
}
