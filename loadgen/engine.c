#include "engine.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "engine_inside.h"
#include "fault.h"
#include "fold.h"
#include "receipts.h"

#define SECOND UINT64_C(1000000000)
#define STEP (SECOND / 20)  /* how often main looks whether a phase is over */
#define STALL (20 * SECOND) /* nobody came, nothing was made: give up */
#define SETTLE_MAX 30       /* seconds */
#define SETTLE_AGREE 3      /* seconds in a row that agree */
#define FILL_MAX (600 * SECOND)
#define ACKS (SECOND / 5)
#define RECALL_IDLE (5 * SECOND) /* nobody came, and nothing was read */
#define DRAIN_MORE (60 * SECOND) /* beyond drain_ms: copies still come */
#define SLO_MS 100 /* when the scenario has no threshold of e2e.p99 */
#define LATE_MAX 0.01

struct run {
    struct engine engine;
    struct fold fold;
    struct faults faults;
    struct error *err; /* why it failed, when rc < 0 */
    int rc;
    struct engine_outcome *outcome;
    enum phase phase;
    uint64_t next;      /* ns: of the next row */
    uint64_t phase_end; /* ns */
    uint64_t looked;    /* ns: the last turn of the phase */
    uint64_t paused;    /* ns, in all */
    struct second row;  /* the last one */
    uint64_t nrows;     /* of this phase */
    /* settle: what the last seconds delivered */
    uint64_t agreed;
    /* ramp */
    int64_t came;
    uint64_t came_at;
};

static int64_t sum(const struct run *r, int64_t (*of)(const struct shard *))
{
    int64_t n = 0;

    for (int i = 0; i < r->engine.nshards; i++)
        n += of(&r->engine.shards[i]);
    return n;
}

static int64_t ready_of(const struct shard *sh)
{
    return atomic_load(&sh->ready);
}

static int64_t pending_of(const struct shard *sh)
{
    return atomic_load(&sh->pending);
}

static int64_t short_of(const struct shard *sh)
{
    return atomic_load(&sh->owed) - atomic_load(&sh->copies);
}

static const char *any_trouble(const struct engine *e)
{
    for (int i = 0; i < e->nshards; i++)
        if (e->shards[i].trouble[0] != '\0')
            return e->shards[i].trouble;
    return "";
}

/* A row, and the caller's turn. False: the caller wants to stop. */
static bool take_row(struct run *r)
{
    const struct engine_config *cfg = r->engine.cfg;

    fold_take(&r->fold, r->phase, &r->row);
    r->nrows++;
    if (cfg->tick == NULL)
        return true;
    if (!cfg->tick(cfg->ctx, &r->row, any_trouble(&r->engine)))
        r->outcome->stopped_early = true;
    return !r->outcome->stopped_early;
}

static void sleep_until(uint64_t ns)
{
    struct timespec t = {(time_t)(ns / SECOND), (long)(ns % SECOND)};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* A pause makes the phase so much longer. */
static void count_pause(struct run *r, uint64_t now)
{
    const _Atomic double *factor = r->engine.cfg->rate_factor;

    if (factor != NULL && atomic_load(factor) == 0 &&
        (r->phase == PHASE_SETTLE || r->phase == PHASE_MEASURE)) {
        r->phase_end += now - r->looked;
        r->paused += now - r->looked;
    }
    r->looked = now;
}

/* Rows once a second until over() says so or phase_end comes; a last row ends
 * the phase. False: stopped early. */
static bool run_phase(struct run *r, enum phase phase,
                      bool (*over)(struct run *))
{
    r->phase = phase;
    r->nrows = 0;
    r->looked = clock_ns();
    for (;;) {
        uint64_t now = clock_ns(), until = now + STEP;

        count_pause(r, now);
        if (now >= r->phase_end || (over != NULL && over(r)))
            break;
        if (now >= r->next) {
            r->next += SECOND;
            if (!take_row(r) && phase != PHASE_DRAIN)
                return false;
            continue;
        }
        until = r->next < until ? r->next : until;
        sleep_until(until < r->phase_end ? until : r->phase_end);
    }
    r->next = clock_ns() + SECOND;
    return take_row(r) || phase == PHASE_DRAIN;
}

/* ---- ramp ---- */

static int64_t expected(const struct run *r)
{
    int64_t n = 0;

    for (int i = 0; i < r->engine.nshards; i++)
        n += atomic_load(&r->engine.shards[i].residents);
    return n;
}

static bool ramp_over(struct run *r)
{
    struct engine *e = &r->engine;
    int64_t came = sum(r, ready_of) + atomic_load(&e->plan.made);
    uint64_t now = clock_ns();

    if (came > r->came) {
        r->came = came;
        r->came_at = now;
    }
    return (sum(r, ready_of) >= expected(r) &&
            atomic_load(&e->plan.made) == e->plan.nconvs) ||
           atomic_load(&e->setup_failed) || atomic_load(&e->refused_tokens) ||
           now - r->came_at > STALL;
}

static int ramp(struct run *r, struct error *err)
{
    struct engine *e = &r->engine;

    r->phase_end = UINT64_MAX;
    r->came_at = clock_ns();
    if (!run_phase(r, PHASE_RAMP, ramp_over))
        return 0;
    if (sum(r, ready_of) >= expected(r) &&
        atomic_load(&e->plan.made) == e->plan.nconvs)
        return 0;
    return error_set(err, CF_UNAVAILABLE,
                     "%s:%d: %" PRId64 " of %" PRId64 " clients came, %u of "
                     "%u conversations were made (%s)",
                     e->cfg->host, e->cfg->port, sum(r, ready_of), expected(r),
                     atomic_load(&e->plan.made), e->plan.nconvs,
                     any_trouble(e));
}

/* ---- settle ---- */

/* Steady: three seconds in a row deliver as much as each other, within a
 * tenth and what chance makes of a Poisson count. */
static bool settle_over(struct run *r)
{
    const struct collect *c = r->fold.collect;
    double low = INFINITY, high = 0;

    if (r->nrows < SETTLE_AGREE || r->nrows == r->agreed)
        return false;
    r->agreed = r->nrows;
    for (int i = 1; i <= SETTLE_AGREE; i++) {
        const struct second *s = &c->seconds[c->nseconds - i];
        double n = (double)(s->counts[COUNT_ACKED] + s->counts[COUNT_COPIES] +
                            s->counts[COUNT_HB]);

        low = n < low ? n : low;
        high = n > high ? n : high;
    }
    return high - low <= high / 10 + 4 * sqrt(high);
}

static bool settle(struct run *r)
{
    int64_t ms = r->engine.scenario->phases.settle_ms;

    if (ms >= 0) {
        r->phase_end = clock_ns() + (uint64_t)ms * 1000000;
        return ms == 0 || run_phase(r, PHASE_SETTLE, NULL);
    }
    r->phase_end = clock_ns() + SETTLE_MAX * SECOND;
    r->agreed = 0;
    return run_phase(r, PHASE_SETTLE, settle_over);
}

/* ---- measure, drain ---- */

static bool look_over(struct run *r)
{
    struct engine *e = &r->engine;

    for (int i = 0; i < e->nshards; i++)
        if (!atomic_load(&e->shards[i].looked) ||
            atomic_load(&e->shards[i].looking) > 0)
            return false;
    return true;
}

/* Clients say what is on their screens, before there is anything to see. */
static bool look(struct run *r)
{
    atomic_store(&r->engine.stage, STAGE_LOOK);
    r->phase_end = clock_ns() + STALL;
    return run_phase(r, PHASE_RAMP, look_over);
}

static bool fill_over(struct run *r)
{
    struct engine *e = &r->engine;

    for (int i = 0; i < e->nshards; i++)
        if (!atomic_load(&e->shards[i].filled))
            return false;
    return true;
}

static bool fill(struct run *r)
{
    if (r->engine.plan.backlog_traffic < 0)
        return true;
    atomic_store(&r->engine.stage, STAGE_FILL);
    r->phase_end = clock_ns() + FILL_MAX;
    return run_phase(r, PHASE_RAMP, fill_over);
}

static void start_traffic(struct run *r)
{
    struct engine *e = &r->engine;
    uint64_t now = clock_ns();

    atomic_store(&e->traffic_start, now);
    atomic_store(&e->stage, STAGE_TRAFFIC);
}

/* Not over before its time, but what is to go wrong does so on the way. */
static bool measure_over(struct run *r)
{
    r->rc = faults_run(&r->faults, clock_ns(), r->err);
    return r->rc < 0;
}

static bool measure(struct run *r)
{
    const struct scenario *s = r->engine.scenario;
    uint64_t now = clock_ns();
    bool on;

    r->phase_end = now + (uint64_t)s->phases.measure_ms * 1000000;
    faults_start(&r->faults, &r->engine, now);
    atomic_store(&r->engine.ramp_from, now);
    atomic_store(&r->engine.ramp_to, r->phase_end);
    atomic_store(&r->engine.deaf, 1);
    on = run_phase(r, PHASE_MEASURE, measure_over);
    atomic_store(&r->engine.deaf, 0);
    faults_end(&r->faults);
    return on;
}

static uint64_t last_progress(const struct engine *e)
{
    uint64_t last = 0;

    for (int i = 0; i < e->nshards; i++) {
        uint64_t at = atomic_load(&e->shards[i].progress);

        last = at > last ? at : last;
    }
    return last;
}

/* Acknowledgements follow copies by some ms: before that nothing is owed. */
static bool receipts_in(struct run *r, uint64_t now)
{
    struct receipts found;

    if (now - last_progress(&r->engine) < ACKS)
        return false;
    receipts_judge(&r->engine, UINT64_MAX, &found);
    return found.lost == 0;
}

/* All is answered, delivered and receipted; or drain_ms are over and nothing
 * moves. */
static bool drain_over(struct run *r)
{
    struct engine *e = &r->engine;
    uint64_t now = clock_ns(), since, idle;

    if (sum(r, pending_of) <= 0 && sum(r, short_of) <= 0 && receipts_in(r, now))
        return true;
    since = r->phase_end - DRAIN_MORE;
    idle = receipts_folded(e) + SECOND;
    return now >= since && now - last_progress(e) > idle;
}

static int64_t recalling_of(const struct shard *sh)
{
    return atomic_load(&sh->recalling);
}

static bool recall_over(struct run *r)
{
    struct engine *e = &r->engine;
    uint64_t now = clock_ns(), last = last_progress(e);

    for (int i = 0; i < e->nshards; i++)
        if (!atomic_load(&e->shards[i].recalled))
            return false;
    if (sum(r, recalling_of) <= 0)
        return true;
    last = last > e->drained ? last : e->drained;
    return now - last > RECALL_IDLE;
}

static void recall(struct run *r)
{
    atomic_store(&r->engine.stage, STAGE_RECALL);
    r->phase_end = r->engine.drained + DRAIN_MORE;
    run_phase(r, PHASE_DRAIN, recall_over);
}

static void drain(struct run *r)
{
    uint64_t ms = (uint64_t)r->engine.scenario->phases.drain_ms;

    atomic_store(&r->engine.stage, STAGE_DRAIN);
    r->phase_end = clock_ns() + ms * 1000000 + DRAIN_MORE;
    run_phase(r, PHASE_DRAIN, drain_over);
    r->engine.drained = clock_ns();
    recall(r);
}

/* ---- the outcome ---- */

static double slo_ms(const struct scenario *s)
{
    for (int i = 0; i < s->nthresholds; i++)
        if (strcmp(s->thresholds[i].metric, "e2e.p99") == 0)
            return s->thresholds[i].value / 1e6;
    return SLO_MS;
}

/* Mostly storm: then there is nothing else to judge the generator by. */
static void judge_storm(struct engine_outcome *o, struct fold *f)
{
    o->storm_ms = (int64_t)f->storm_ms;
    o->storm_lag_p99_ms = (double)hist_at(&f->storm_lag, 0.99) / 1e6;
    if (f->storm_ms <= f->measured_ms / 2)
        return;
    hist_merge(&f->lag, &f->storm_lag);
    f->due += f->storm_due;
    f->late += f->storm_late;
}

static void judge_generator(struct run *r)
{
    struct engine_outcome *o = r->outcome;
    struct fold *f = &r->fold;

    o->shards = r->engine.nshards;
    o->paused_ms = (int64_t)(r->paused / 1000000);
    judge_storm(o, f);
    o->lag_p99_ms = (double)hist_at(&f->lag, 0.99) / 1e6;
    if (f->due > 0)
        o->late_share = (double)f->late / (double)f->due;
    o->generator_bound = o->lag_p99_ms > slo_ms(r->engine.scenario) / 10 ||
                         o->late_share > LATE_MAX;
    if (f->measured_ms > 0)
        o->foreign_cpu = f->foreign / f->measured_ms;
    o->inconclusive = o->foreign_cpu > FOREIGN_MAX;
}

static int64_t bytes_per_client(const struct engine *e)
{
    uint64_t all = e->plan.bytes;

    for (int i = 0; i < e->nshards; i++)
        all += shard_bytes(&e->shards[i]);
    return (int64_t)(all / e->plan.users);
}

static int run_all(struct run *r, struct error *err)
{
    r->err = err;
    r->rc = ramp(r, err);
    if (r->rc == 0 && !r->outcome->stopped_early && look(r) && fill(r)) {
        start_traffic(r);
        if (settle(r))
            measure(r);
    }
    if (r->rc == 0)
        drain(r);
    return r->rc;
}

int engine_run(const struct engine_config *cfg, struct collect *collect,
               struct engine_outcome *outcome, struct error *err)
{
    struct run r = {.outcome = outcome};
    int rc;

    memset(outcome, 0, sizeof(*outcome));
    rc = faults_check(cfg, err);
    if (rc == 0)
        rc = engine_make(&r.engine, cfg, err);
    if (rc < 0)
        return rc;
    fold_init(&r.fold, &r.engine, collect);
    r.next = clock_ns() + SECOND;
    rc = engine_start(&r.engine, err);
    if (rc == 0)
        rc = run_all(&r, err);
    outcome->bytes_per_client = bytes_per_client(&r.engine);
    engine_stop(&r.engine);
    if (rc == 0) {
        verdict_judge(&r.engine, collect, outcome);
        judge_generator(&r);
    }
    fold_release(&r.fold);
    engine_release(&r.engine);
    return rc;
}
