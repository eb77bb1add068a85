/* run_strand.c - blocks of statements, run without blocking. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run_inside.h"

#define MAX_NOTES 10000 /* of a test; nobody reads more */

/* ---- levels ---- */

static struct level *top(struct strand *s)
{
    return &s->levels[s->depth - 1];
}

struct scope *strand_scope(const struct strand *s)
{
    return s->levels[s->depth - 1].scope;
}

static int *positions(const struct run *r)
{
    int *at = mem_array((size_t)r->stage.count + 1, sizeof(*at));

    for (int i = 0; i < r->stage.count; i++)
        at[i] = -1;
    return at;
}

static void push(struct strand *s, const struct stmt *owner,
                 const struct stmt *first, struct scope *outer)
{
    struct level *l = &s->levels[s->depth++];

    *l = (struct level){.owner = owner, .at = first, .round = 1, .rounds = 1};
    l->scope = scope_new(outer);
    l->outer = s->ordered;
}

/* What an order inside another took lies behind the outer one, too. */
static void order_ends(const struct strand *s, const struct level *l)
{
    for (int i = 0; l->outer != NULL && i < s->run->stage.count; i++) {
        if (l->last[i] > l->outer->last[i])
            l->outer->last[i] = l->last[i];
    }
}

static void pop(struct strand *s)
{
    struct level *l = top(s);

    if (l->last != NULL)
        order_ends(s, l);
    scope_free(&l->scope);
    fence_drop(&l->fence);
    json_decref(l->over);
    free(l->last);
    free(l->mark);
    s->ordered = l->outer;
    s->depth--;
}

struct strand *strand_new(struct run *r, struct strand *parent,
                          const struct stmt *first, const struct stmt *owner,
                          struct scope *scope)
{
    struct strand *s = mem_alloc(sizeof(*s));

    s->run = r;
    s->parent = parent;
    if (parent != NULL)
        s->ordered = parent->ordered;
    push(s, owner, first, scope);
    /* Strands side by side do not wait for each other's places: each begins
     * where the block began. */
    if (s->ordered != NULL) {
        int *last = positions(r);

        memcpy(last, s->ordered->last, (size_t)r->stage.count * sizeof(*last));
        s->levels[0].last = last;
        s->ordered = &s->levels[0];
    }
    return s;
}

static void work_end(struct work *w)
{
    reply_drop(&w->reply);
    fence_drop(&w->fence);
    fault_job_free(&w->job);
    json_decref(w->capture);
    for (int i = 0; i < w->child_count; i++)
        strand_free(&w->children[i]);
    free(w->children);
    *w = (struct work){0};
}

static bool lies_inside(const char *file, int line, const struct stmt *st)
{
    return file != NULL && strcmp(file, st->at.file) == 0 &&
           line >= st->at.line && line <= st->end_line;
}

/* Did the test fail inside the block of st? */
static bool failed_inside(const struct run *r, const struct stmt *st)
{
    const struct test_result *out = r->out;

    for (int i = 0; i < out->nfurther; i++)
        if (lies_inside(out->further[i].file, out->further[i].line, st))
            return true;
    return r->failed && lies_inside(out->fail_file, out->fail_line, st);
}

/* At the end of a step, or where it was left: also the test failed then. */
static void note_step(struct strand *s, const struct level *l, bool ended)
{
    struct test_result *out = s->run->out;
    struct eval e = run_eval(s);
    struct step_result *step;
    struct error err;
    struct buf title;

    buf_init(&title, 4096);
    expr_eval_text(&e, l->owner->value, &title, &err);
    out->steps =
        mem_grow(out->steps, (size_t)out->nsteps + 1, sizeof(*out->steps));
    step = &out->steps[out->nsteps++];
    *step = (struct step_result){.name = mem_text(buf_cstr(&title)),
                                 .passed =
                                     ended && !failed_inside(s->run, l->owner),
                                 .line = l->owner->at.line};
    buf_release(&title);
}

void strand_free(struct strand **sp)
{
    struct strand *s = *sp;

    if (s == NULL)
        return;
    work_end(&s->work);
    while (s->depth > 0) {
        const struct level *l = top(s);

        if (s->run->failed && l->owner != NULL && l->owner->kind == STMT_STEP)
            note_step(s, l, false);
        pop(s);
    }
    free(s);
    *sp = NULL;
}

/* ---- ends of blocks ---- */

static void set_round(struct strand *s, struct level *l)
{
    struct error err;
    json_t *v;

    if (l->owner->as.name == NULL)
        return;
    v = l->over != NULL
            ? json_incref(json_array_get(l->over, (size_t)l->round - 1))
            : json_integer(l->round);
    scope_set(l->scope, l->owner->as.name, NULL, v, &err);
}

/* Has anything come since the block began that must not? */
static enum progress forbid_end(struct strand *s, struct level *l)
{
    struct run *r = s->run;
    struct actor *a =
        run_actor(s, l->owner, l->owner->actor, l->owner->actor_expr);
    struct buf text;
    struct error err;
    int rc;

    if (a == NULL)
        return FAILED;
    if (!fence_passed(r, &l->fence))
        return fence_wait(s, &s->work, l->owner);
    if (a->client == NULL)
        return run_fail(r, l->owner, "%s has not connected: nothing could come",
                        a->name);
    for (int i = l->mark[0]; i < a->count; i++) {
        rc = see_fits(s, l->owner, a, &a->events[i], NULL, &err);
        if (rc == -CF_AGAIN)
            return run_wait(s, &s->work, l->owner);
        if (rc < 0)
            return run_fail(r, l->owner, "%s", err.text);
        if (rc == 0)
            continue;
        buf_init(&text, 8192);
        explain_event(&text, a, &a->events[i]);
        run_fail(r, l->owner, "%s saw what is forbidden here: %s", a->name,
                 buf_cstr(&text));
        buf_release(&text);
        return FAILED;
    }
    return DONE;
}

/* The level's last statement is done: once more, or out. */
static enum progress level_end(struct strand *s)
{
    struct level *l = top(s);

    if (l->owner != NULL && l->owner->kind == STMT_REPEAT &&
        l->round < l->rounds) {
        l->round++;
        l->at = l->owner->block;
        set_round(s, l);
        return DONE;
    }
    if (l->owner != NULL && l->owner->kind == STMT_FORBID) {
        enum progress p = forbid_end(s, l);

        if (p == WAIT || s->run->stop)
            return p;
        s->work = (struct work){0};
    }
    if (l->owner != NULL && l->owner->kind == STMT_STEP)
        note_step(s, l, true);
    pop(s);
    return DONE;
}

/* ---- blocks ---- */

static void enter(struct strand *s, const struct stmt *st)
{
    struct level *l;

    push(s, st, st->block, strand_scope(s));
    l = top(s);
    if (st->kind == STMT_IN_ORDER) {
        l->last = positions(s->run);
        s->ordered = l;
    }
    if (st->kind == STMT_FORBID) {
        struct actor *a = run_actor(s, st, st->actor, st->actor_expr);

        l->mark = mem_array(1, sizeof(*l->mark));
        l->mark[0] = a != NULL ? a->count : 0;
    }
}

static enum progress enter_repeat(struct strand *s, struct work *w,
                                  const struct stmt *st)
{
    struct level *l;
    json_t *v;
    enum progress p = run_value(s, w, st, st->value, &v);
    int64_t rounds;

    if (p != DONE)
        return p;
    rounds =
        json_is_array(v) ? (int64_t)json_array_size(v) : json_integer_value(v);
    if ((!json_is_array(v) && !json_is_integer(v)) || rounds < 0 ||
        rounds > SCRIPT_MAX_REPEAT) {
        json_decref(v);
        return run_fail(s->run, st,
                        "repeat needs a number from 0 to %d, or a list",
                        SCRIPT_MAX_REPEAT);
    }
    enter(s, st);
    l = top(s);
    l->rounds = rounds;
    if (json_is_array(v))
        l->over = json_incref(v);
    json_decref(v);
    if (rounds == 0)
        l->at = NULL;
    else
        set_round(s, l);
    return DONE;
}

/* `together` and `any order`: each statement a strand of its own. */
static enum progress split(struct strand *s, struct work *w,
                           const struct stmt *st)
{
    bool ended, moved;

    if (!w->begun) {
        for (const struct stmt *k = st->block; k != NULL; k = k->next)
            w->child_count++;
        w->children =
            mem_array((size_t)w->child_count + 1, sizeof(*w->children));
        w->child_count = 0;
        for (struct stmt *k = st->block; k != NULL; k = k->next)
            w->children[w->child_count++] =
                strand_new(s->run, s, k, st, strand_scope(s));
        w->begun = true;
    }
    do { /* what one did may be what another waits for */
        ended = true;
        moved = false;
        for (int i = 0; i < w->child_count && !s->run->stop; i++) {
            moved = strand_step(w->children[i]) || moved;
            ended = ended && w->children[i]->ended;
        }
    } while (moved && !ended && !s->run->stop && s->run->budget > 0);
    return s->run->stop ? FAILED : ended ? DONE : WAIT;
}

/* ---- one statement ---- */

static enum progress do_actors(struct strand *s, struct work *w,
                               const struct stmt *st)
{
    return DONE; /* made before the test began */
}

static enum progress do_note(struct strand *s, struct work *w,
                             const struct stmt *st)
{
    struct test_result *out = s->run->out;
    struct eval e = run_eval(s);
    struct error err;
    struct buf text;

    if (out->nnotes >= MAX_NOTES)
        return DONE;
    buf_init(&text, 8192);
    if (expr_eval_text(&e, st->value, &text, &err) < 0)
        buf_append_text(&text, err.text);
    out->notes =
        mem_grow(out->notes, (size_t)out->nnotes + 1, sizeof(*out->notes));
    out->notes[out->nnotes++] = mem_text(buf_cstr(&text));
    buf_release(&text);
    return DONE;
}

static enum progress do_skip(struct strand *s, struct work *w,
                             const struct stmt *st)
{
    struct eval e = run_eval(s);
    struct error err;
    struct buf text;

    buf_init(&text, 8192);
    expr_eval_text(&e, st->value, &text, &err);
    free(s->run->out->reason);
    s->run->out->reason = mem_text(buf_cstr(&text));
    buf_release(&text);
    s->run->skipped = s->run->stop = true;
    return FAILED;
}

static enum progress do_enter(struct strand *s, struct work *w,
                              const struct stmt *st)
{
    enter(s, st);
    return DONE;
}

/* `finally` runs when the rest is over, see run.c. */
static enum progress do_finally(struct strand *s, struct work *w,
                                const struct stmt *st)
{
    return DONE;
}

static enum progress (*const doing[])(struct strand *s, struct work *w,
                                      const struct stmt *st) = {
    [STMT_ACTORS] = do_actors,    [STMT_ACTION] = do_action,
    [STMT_EXPECT] = do_expect,    [STMT_ANY_ORDER] = split,
    [STMT_IN_ORDER] = do_enter,   [STMT_TOGETHER] = split,
    [STMT_REPEAT] = enter_repeat, [STMT_STEP] = do_enter,
    [STMT_FORBID] = do_enter,     [STMT_FINALLY] = do_finally,
    [STMT_NETWORK] = do_network,  [STMT_SERVER] = do_server,
    [STMT_CLOCK] = do_clock,      [STMT_SYNC] = do_sync,
    [STMT_LET] = do_let,          [STMT_CHECK] = do_check,
    [STMT_NOTE] = do_note,        [STMT_SKIP] = do_skip,
};

/* A strand of `together` has one statement of its block. */
static bool single(const struct strand *s)
{
    return s->parent != NULL && s->depth == 1;
}

static void advance(struct strand *s, const struct stmt *st, int depth)
{
    struct level *l = &s->levels[depth - 1];

    if (l->at == st)
        l->at = s->parent != NULL && depth == 1 ? NULL : st->next;
}

static enum progress one(struct strand *s)
{
    const struct stmt *st = top(s)->at;
    struct run *r = s->run;
    enum progress p;
    int depth = s->depth;

    if (r->cfg->until_line > 0 && st->at.line >= r->cfg->until_line &&
        !r->finishing && strcmp(st->at.file, r->script->path) == 0) {
        r->stop = true;
        return FAILED;
    }
    if (s->work.began_ns == 0) {
        s->work.began_ns = clock_ns();
        if (r->cfg->progress != NULL)
            r->cfg->progress(r->cfg->ctx, st->at.line);
    }
    p = doing[st->kind](s, &s->work, st);
    if (p == FAILED && !r->stop)
        p = DONE; /* keep going */
    if (p == DONE) {
        work_end(&s->work);
        advance(s, st, depth);
    }
    return p;
}

bool strand_step(struct strand *s)
{
    bool moved = false;

    while (!s->ended && !s->run->stop && s->run->budget-- > 0) {
        enum progress p = top(s)->at != NULL ? one(s) : level_end(s);

        if (p == FAILED && !s->run->stop)
            p = DONE;
        if (p != DONE)
            return moved;
        moved = true;
        s->ended = s->depth == 0 || (single(s) && top(s)->at == NULL);
    }
    return moved;
}
