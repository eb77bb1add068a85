/* run_fault.c - broken networks, broken servers, and time. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run_inside.h"

#define STEP_MS 10000    /* of a clock: beats (30 s) come before TTLs (45 s) */
#define HONEST_MS 120000 /* the most that goes in such steps */

/* ---- networks ---- */

static void everybody_silent(struct actor *a, enum fault fault)
{
    a->cut = fault == FAULT_CUT ||
             (a->cut && fault != FAULT_HEAL && fault != FAULT_RESET);
}

enum progress do_network(struct strand *s, struct work *w,
                         const struct stmt *st)
{
    struct actor *a = run_actor(s, st, st->actor, st->actor_expr);
    struct proxy *p = a != NULL ? a->proxy : NULL;

    if (a == NULL)
        return FAILED;
    if (p == NULL)
        return run_fail(s->run, st, "%s has not connected yet", a->name);
    s->run->stage.last_action_ns = clock_ns();
    everybody_silent(a, st->fault);
    if (st->fault == FAULT_CUT || st->fault == FAULT_RESET ||
        st->fault == FAULT_CLOSE)
        a->away = true;
    switch (st->fault) {
    case FAULT_CUT:
        proxy_cut(p);
        break;
    case FAULT_HEAL:
        proxy_heal(p);
        break;
    case FAULT_RESET:
        proxy_reset(p);
        break;
    case FAULT_LATENCY:
        proxy_latency(p, st->number);
        break;
    case FAULT_RATE:
        proxy_rate(p, st->number);
        break;
    case FAULT_CLOSE:
        proxy_close(p, (int)st->number);
        break;
    default:
        proxy_drip(p, !st->off);
        break;
    }
    return DONE;
}

/* ---- servers ---- */

/* Every link breaks, which is no loss that a fence must wait for. */
static void everybody_away(struct run *r)
{
    for (int i = 0; i < r->stage.count; i++)
        r->stage.actors[i]->away = true;
}

/* Stopping waits for the server, which says good-bye to our own clients: it
 * happens beside the loop. Starting does not: the child must belong to the
 * main thread, or it would die with the helper's. */
struct fault_job {
    pthread_t thread;
    struct run *run;
    enum fault fault;
    int rc;
    struct error err;
    _Atomic bool done;
    bool joined;
};

static void nothing(void *arg)
{
}

static void *job_main(void *arg)
{
    struct fault_job *j = arg;

    j->rc = fixture_fault(j->run->cfg->fixture, j->fault, &j->err);
    j->done = true;
    loop_post(j->run->loop, nothing, NULL);
    return NULL;
}

void fault_job_free(struct fault_job **jp)
{
    if (*jp == NULL)
        return;
    pthread_join((*jp)->thread, NULL);
    free(*jp);
    *jp = NULL;
}

static enum progress lacks(struct strand *s, struct work *w,
                           const struct stmt *st)
{
    struct eval e = run_eval(s);
    struct error err = {0};
    struct buf text;
    int rc;

    buf_init(&text, 1 << 16);
    rc = expr_eval_text(&e, st->value, &text, &err);
    if (rc == 0)
        rc = fixture_store_has(s->run->cfg->fixture, buf_cstr(&text), &err);
    buf_release(&text);
    if (rc < 0)
        return run_fail(s->run, st, "%s", err.text);
    return rc == 0 ? DONE : run_fail(s->run, st, "the store has it in clear");
}

static enum progress stop_beside(struct run *r, struct work *w, enum fault f)
{
    w->job = mem_alloc(sizeof(*w->job));
    w->job->run = r;
    w->job->fault = f;
    pthread_create(&w->job->thread, NULL, job_main, w->job);
    return WAIT;
}

static enum progress fault_failed(struct run *r, const struct stmt *st, int rc,
                                  const struct error *err)
{
    if (rc == -CF_DENIED)
        return run_fail(r, st, "%s", err->text);
    return run_error(r, st, 69, "%s", err->text);
}

enum progress do_server(struct strand *s, struct work *w, const struct stmt *st)
{
    struct run *r = s->run;
    struct error err = {0};
    bool stops = st->fault == FAULT_STOP || st->fault == FAULT_KILL ||
                 st->fault == FAULT_RESTART;
    int rc;

    if (st->fault == FAULT_LACKS)
        return lacks(s, w, st);
    if (st->word != NULL)
        return run_fail(r, st,
                        "the nodes of this server are one process: name none");
    r->stage.last_action_ns = clock_ns();
    if (stops && w->job == NULL) {
        everybody_away(r);
        return stop_beside(r, w,
                           st->fault == FAULT_KILL ? FAULT_KILL : FAULT_STOP);
    }
    if (w->job != NULL && !w->job->done)
        return WAIT; /* bounded by the fixture */
    if (w->job != NULL && w->job->rc < 0)
        return fault_failed(r, st, w->job->rc, &w->job->err);
    if (st->fault == FAULT_STOP || st->fault == FAULT_KILL)
        return DONE;
    rc = fixture_fault(r->cfg->fixture, FAULT_START, &err);
    return rc < 0 ? fault_failed(r, st, rc, &err) : DONE;
}

/* ---- time ---- */

/* How far the next step goes. A long time is walked in steps at its two ends,
 * so that what expires does; in between it jumps, since nothing but deadlines
 * of days can lie there. */
static int64_t step_of(int64_t left, int64_t whole)
{
    if (whole > HONEST_MS && left == whole - HONEST_MS / 2)
        return whole - HONEST_MS;
    return left < STEP_MS ? left : STEP_MS;
}

static enum progress one_step(struct strand *s, struct work *w,
                              const struct stmt *st)
{
    int64_t ms = step_of(w->left, st->number);
    struct run *r = s->run;
    struct error err = {0};
    int rc;

    w->left -= ms;
    rc = fixture_clock(r->cfg->fixture, ms, ms > STEP_MS, &err);
    if (rc < 0)
        return fault_failed(r, st, rc, &err);
    clock_shifted_advance(&r->stage.clock, ms);
    if (ms <= STEP_MS)
        loop_advance(r->loop, ms);
    w->step = 1;
    w->deadline_ns = 0; /* each step has patience of its own */
    return WAIT;
}

enum progress do_clock(struct strand *s, struct work *w, const struct stmt *st)
{
    if (!w->begun) {
        w->begun = true;
        w->left = st->number;
    }
    s->run->stage.last_action_ns = clock_ns();
    for (;;) {
        if (w->step == 1) {
            /* Timers that are due run, and what they say arrives. */
            loop_run_once(s->run->loop, false);
            w->step = 2;
        }
        if (w->step == 2) {
            if (!fence_passed(s->run, &w->fence))
                return fence_wait(s, w, st);
            fence_drop(&w->fence);
            w->step = 0;
        }
        if (w->left == 0)
            return DONE;
        if (one_step(s, w, st) == FAILED)
            return FAILED;
    }
}
