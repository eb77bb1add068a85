#include "fold.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"

#define LOW 1000
#define HIGH UINT64_C(60000000000)
#define POLL_NS 500000
#define PATIENCE_NS UINT64_C(2000000000) /* a shard that hangs for longer */

void tally_init(struct tally *t, int digits)
{
    memset(t, 0, sizeof(*t));
    for (int i = 0; i < METRICS; i++)
        hist_init(&t->hists[i], LOW, HIGH, digits);
}

void tally_release(struct tally *t)
{
    for (int i = 0; i < METRICS; i++)
        hist_release(&t->hists[i]);
}

static void tally_clear(struct tally *t)
{
    memset(t->counts, 0, sizeof(t->counts));
    for (int i = 0; i < METRICS; i++)
        if (t->hists[i].count > 0)
            hist_reset(&t->hists[i]);
}

static void tally_merge(struct tally *into, const struct tally *from)
{
    for (int i = 0; i < COUNTS; i++)
        into->counts[i] += from->counts[i];
    for (int i = 0; i < METRICS; i++)
        if (from->hists[i].count > 0)
            hist_merge(&into->hists[i], &from->hists[i]);
}

void fold_init(struct fold *f, struct engine *e, struct collect *c)
{
    memset(f, 0, sizeof(*f));
    f->engine = e;
    f->collect = c;
    tally_init(&f->second, 3);
    hist_init(&f->lag, LOW, HIGH, 3);
    hist_init(&f->storm_lag, LOW, HIGH, 3);
    f->last = clock_ns();
    f->machine = proc_machine_busy();
    proc_read(0, &f->self);
    proc_read(e->server_pid, &f->server);
}

void fold_release(struct fold *f)
{
    tally_release(&f->second);
    hist_release(&f->lag);
    hist_release(&f->storm_lag);
}

/* Each shard swaps its tally for the spare one at its next turn. */
static void swap_tallies(struct engine *e)
{
    uint32_t wanted = atomic_fetch_add(&e->fold_wanted, 1) + 1;
    uint64_t give_up = clock_ns() + PATIENCE_NS;

    for (int i = 0; i < e->nshards; i++)
        while (e->shards[i].running &&
               atomic_load(&e->shards[i].fold_done) != wanted &&
               clock_ns() < give_up)
            clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, POLL_NS},
                            NULL);
    for (int i = 0; i < e->nshards; i++)
        if (!e->shards[i].running)
            atomic_store(&e->shards[i].fold_done, wanted);
}

static void gather(struct fold *f, struct second *row)
{
    struct engine *e = f->engine;
    uint32_t wanted;

    tally_clear(&f->second);
    swap_tallies(e);
    wanted = atomic_load(&e->fold_wanted);
    for (int i = 0; i < e->nshards; i++) {
        struct shard *sh = &e->shards[i];

        row->conns += atomic_load(&sh->conns);
        row->ready += atomic_load(&sh->ready);
        if (atomic_load(&sh->fold_done) != wanted)
            continue; /* it hangs; its figures come with the next one */
        tally_merge(&f->second, sh->running ? sh->spare : sh->tally);
        tally_clear(sh->running ? sh->spare : sh->tally);
    }
}

/* ---- processes ---- */

static double share(double now, double before, double seconds)
{
    return seconds > 0 && now >= before ? 100 * (now - before) / seconds : 0;
}

static void look_at_machine(struct fold *f, struct second *row)
{
    uint64_t now = clock_ns();
    double seconds = (double)(now - f->last) / 1e9;
    double machine = proc_machine_busy();
    struct proc_figures self, server;

    proc_read(0, &self);
    row->gen_cpu = share(self.cpu, f->self.cpu, seconds);
    row->gen_rss = self.rss;
    row->srv_rss = row->srv_fds = -1;
    server = f->server;
    if (f->engine->server_pid > 0 &&
        proc_read(f->engine->server_pid, &server) == 0) {
        row->srv_cpu = share(server.cpu, f->server.cpu, seconds);
        row->srv_rss = server.rss;
        row->srv_fds = server.fds;
    }
    row->foreign_cpu =
        share(machine, f->machine, seconds) - row->gen_cpu - row->srv_cpu;
    if (row->foreign_cpu < 0)
        row->foreign_cpu = 0;
    row->kernel_tcp = proc_kernel_tcp();
    f->self = self;
    f->server = server;
    f->machine = machine;
    f->last = now;
}

/* ---- the row ---- */

static void add_measured(struct fold *f, enum phase phase,
                         const struct second *row, double ms)
{
    struct collect *c = f->collect;

    for (int i = 0; i < COUNTS; i++) {
        c->all[i] += row->counts[i];
        if (phase >= PHASE_MEASURE)
            c->counts[i] += row->counts[i];
    }
    if (phase < PHASE_MEASURE)
        return;
    /* Nothing falls due in the drain: what comes in it is the slowest part of
     * what was measured, and must not be missing from the times. */
    for (int i = 0; i < METRICS; i++)
        if (f->second.hists[i].count > 0)
            hist_merge(&c->hists[i], &f->second.hists[i]);
    if (phase != PHASE_MEASURE)
        return;
    if (f->storm) {
        hist_merge(&f->storm_lag, &f->second.hists[METRIC_LAG]);
        f->storm_due += row->counts[COUNT_DUE];
        f->storm_late += row->counts[COUNT_LATE];
        f->storm_ms += ms;
    } else {
        hist_merge(&f->lag, &f->second.hists[METRIC_LAG]);
        f->due += row->counts[COUNT_DUE];
        f->late += row->counts[COUNT_LATE];
    }
    f->foreign += row->foreign_cpu * ms;
    f->measured_ms += ms;
}

/* Was any part of this second between a fault and the return of all? */
static void look_for_storm(struct fold *f)
{
    uint64_t at = atomic_load(&f->engine->fault_at);
    int64_t lost = atomic_load(&f->engine->lost);

    f->storm = at != f->fault_at || lost > 0 || f->lost > 0;
    f->fault_at = at;
    f->lost = lost;
}

void fold_take(struct fold *f, enum phase phase, struct second *row)
{
    uint64_t was = f->last;

    memset(row, 0, sizeof(*row));
    gather(f, row);
    look_at_machine(f, row);
    look_for_storm(f);
    row->phase = phase;
    row->at_ms = (int64_t)((f->last - f->engine->begin) / 1000000);
    memcpy(row->counts, f->second.counts, sizeof(row->counts));
    for (int i = 0; i < METRICS; i++)
        quantiles_of(&row->q[i], &f->second.hists[i]);
    f->collect->phase_ms[phase] += (int64_t)((f->last - was) / 1000000);
    add_measured(f, phase, row, (double)(f->last - was) / 1e6);
    collect_second(f->collect, row);
}
