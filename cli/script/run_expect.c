/* run_expect.c - what actors see. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run_inside.h"

#define MS 1000000u

/* ---- how long it took ---- */

/* When did the action begin that made this event? Of a message that is known;
 * else the last action counts. */
static uint64_t cause_ns(const struct run *r, const struct event *e)
{
    for (int i = r->stored_count; e->conv != 0 && i-- > 0;) {
        if (r->stored[i].conv == e->conv && r->stored[i].seq == e->seq)
            return r->stored[i].began_ns;
    }
    return e->cause_ns;
}

static enum progress in_time(struct strand *s, const struct stmt *st,
                             struct actor *a, const struct event *e)
{
    uint64_t cause = cause_ns(s->run, e), took;
    struct buf text;

    if (st->see->within_ms < 0 || s->run->cfg->no_slo || cause == 0)
        return DONE;
    took = e->at_ns > cause ? e->at_ns - cause : 0;
    if (took <= (uint64_t)st->see->within_ms * MS)
        return DONE;
    buf_init(&text, 8192);
    explain_event(&text, a, e);
    run_fail(s->run, st, "%s saw it late: %.1f ms, promised within %lld ms: %s",
             a->name, (double)took / MS, (long long)st->see->within_ms,
             buf_cstr(&text));
    buf_release(&text);
    return FAILED;
}

/* ---- looking ---- */

static int from_where(struct strand *s, const struct actor *a)
{
    const struct stage *g = &s->run->stage;

    for (int i = 0; s->ordered != NULL && i < g->count; i++) {
        if (g->actors[i] == a && s->ordered->last[i] >= a->first)
            return s->ordered->last[i] + 1;
    }
    return a->first;
}

static void consume(struct strand *s, struct actor *a, int index)
{
    const struct stage *g = &s->run->stage;

    a->events[index].consumed = true;
    while (a->first < a->count && a->events[a->first].consumed)
        a->first++;
    for (int i = 0; s->ordered != NULL && i < g->count; i++) {
        if (g->actors[i] == a)
            s->ordered->last[i] = index;
    }
}

/* The first event that fits and was not consumed; NONE, FAULT when the run
 * failed, or UNKNOWN: none, but it hangs on an answer that has not come. */
enum { NONE = -1, FAULT = -2, UNKNOWN = -3 };

static int look(struct strand *s, const struct stmt *st, struct actor *a)
{
    struct error err;
    int none = NONE;

    for (int i = from_where(s, a); i < a->count; i++) {
        int rc;

        if (a->events[i].consumed)
            continue;
        rc = see_fits(s, st, a, &a->events[i], NULL, &err);
        if (rc == 1)
            return i;
        if (rc == -CF_AGAIN) {
            none = UNKNOWN;
        } else if (rc < 0) {
            run_fail(s->run, st, "%s", err.text);
            return FAULT;
        }
    }
    return none;
}

static enum progress take(struct strand *s, struct work *w,
                          const struct stmt *st, int index)
{
    struct actor *a = w->actor;
    json_t *value = json_incref(a->events[index].value);
    struct event e = a->events[index];
    enum progress p;

    consume(s, a, index);
    p = in_time(s, st, a, &e);
    if (p == DONE && st->as.name != NULL)
        return run_capture(s, st, value);
    json_decref(value);
    return p;
}

/* An error that nobody asked for is often the reason. */
static void also_got(struct strand *s, struct actor *a)
{
    struct buf text;

    for (int i = a->first; i < a->count; i++) {
        if (a->events[i].kind != SEE_ERROR || a->events[i].consumed)
            continue;
        buf_init(&text, 8192);
        explain_event(&text, a, &a->events[i]);
        explain_add(s->run->out, "%s got: %s", a->name, buf_cstr(&text));
        buf_release(&text);
        return;
    }
}

static enum progress did_not_see(struct strand *s, struct work *w,
                                 const struct stmt *st)
{
    struct run *r = s->run;
    const char *source = st->source != NULL ? st->source : "";
    const char *what = strstr(source, " sees ");
    bool first = !r->failed;
    struct buf near;

    run_fail(r, st, "%s did not see: %s   (waited %.3f s)", w->actor->name,
             what != NULL ? what + 6 : source,
             (double)run_patience(r, st) / 1000);
    if (!first)
        return FAILED;
    if (w->left < st->see->times)
        explain_add(r->out, "it came %lld times instead of %lld",
                    (long long)(st->see->times - w->left),
                    (long long)st->see->times);
    if (w->actor->client == NULL)
        explain_add(r->out, "%s has not connected: '%s connects' comes first",
                    w->actor->name, w->actor->name);
    also_got(s, w->actor);
    buf_init(&near, 16384);
    explain_nearest(s, st, w->actor, &near);
    r->out->nearest = near.len > 0 ? mem_text(buf_cstr(&near)) : NULL;
    buf_release(&near);
    return FAILED;
}

static enum progress sees(struct strand *s, struct work *w,
                          const struct stmt *st)
{
    if (w->deadline_ns == 0) {
        w->deadline_ns = clock_ns() + (uint64_t)run_patience(s->run, st) * MS;
        w->left = st->see->times;
    }
    while (w->left > 0) {
        int index = look(s, st, w->actor);

        if (index == FAULT)
            return FAILED;
        if (index < 0)
            return clock_ns() < w->deadline_ns ? WAIT : did_not_see(s, w, st);
        if (take(s, w, st, index) == FAILED)
            return FAILED;
        w->left--;
    }
    return DONE;
}

/* ---- nothing ---- */

static enum progress sees_nothing(struct strand *s, struct work *w,
                                  const struct stmt *st)
{
    struct actor *a = w->actor;
    struct buf text;
    int index;

    if (!fence_passed(s->run, &w->fence))
        return fence_wait(s, w, st);
    if (a->client == NULL)
        return run_fail(s->run, st, "%s has not connected: nothing could come",
                        a->name);
    index = look(s, st, a);
    if (index == FAULT)
        return FAILED;
    if (index == UNKNOWN)
        return run_wait(s, w, st);
    if (index < 0)
        return DONE;
    buf_init(&text, 8192);
    explain_event(&text, a, &a->events[index]);
    run_fail(s->run, st, "%s saw what must not come: %s", a->name,
             buf_cstr(&text));
    buf_release(&text);
    return FAILED;
}

enum progress do_expect(struct strand *s, struct work *w, const struct stmt *st)
{
    if (w->actor == NULL) {
        w->actor = run_actor(s, st, st->actor, st->actor_expr);
        if (w->actor == NULL)
            return FAILED;
    }
    return st->see->nothing ? sees_nothing(s, w, st) : sees(s, w, st);
}
