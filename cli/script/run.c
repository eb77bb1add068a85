#include "run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "run_inside.h"

#define MS 1000000u
#define TURN_MS 200           /* look again at least so often */
#define TURN_STATEMENTS 10000 /* then the loop turns, and the clock is read */

/* ---- failing ---- */

__attribute__((format(printf, 1, 0))) static char *format(const char *fmt,
                                                          va_list args)
{
    char text[16384];

    vsnprintf(text, sizeof(text), fmt, args);
    return mem_text(text);
}

static void first_failure(struct run *r, const struct stmt *st,
                          enum outcome outcome, char *message)
{
    struct test_result *out = r->out;

    if (r->failed) {
        result_add_further(out, st != NULL ? st->at.file : r->script->path,
                           st != NULL ? st->at.line : r->test->end_line,
                           message);
        return;
    }
    r->failed = true;
    out->outcome = outcome;
    out->message = message;
    out->fail_file = mem_text(st != NULL ? st->at.file : r->script->path);
    out->fail_line = st != NULL ? st->at.line : r->test->end_line;
    if (st != NULL && st->source != NULL)
        out->expected = mem_text(st->source);
}

enum progress run_fail(struct run *r, const struct stmt *st, const char *fmt,
                       ...)
{
    va_list args;

    va_start(args, fmt);
    first_failure(r, st, OUTCOME_FAIL, format(fmt, args));
    va_end(args);
    r->stop = !r->cfg->keep_going;
    return FAILED;
}

enum progress run_error(struct run *r, const struct stmt *st, int exit_code,
                        const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    first_failure(r, st, OUTCOME_ERROR, format(fmt, args));
    va_end(args);
    r->out->exit_code = exit_code;
    r->stop = true;
    return FAILED;
}

/* ---- waiting ---- */

int64_t run_patience(const struct run *r, const struct stmt *st)
{
    int64_t ms = r->script->timeout_ms;

    if (st != NULL && st->see != NULL && st->see->timeout_ms >= 0)
        ms = st->see->timeout_ms;
    return (int64_t)((double)ms * r->cfg->timeout_scale);
}

enum progress run_wait(struct strand *s, struct work *w, const struct stmt *st)
{
    uint64_t now = clock_ns();

    if (w->deadline_ns == 0)
        w->deadline_ns = now + (uint64_t)run_patience(s->run, st) * MS;
    if (now < w->deadline_ns)
        return WAIT;
    return run_fail(s->run, st, "no answer to this (waited %.3f s)",
                    (double)run_patience(s->run, st) / 1000);
}

/* ---- values ---- */

/* A field of something sent may still be on its way. */
static int field_wait(void *ctx, json_t *event, const char *field)
{
    if (json_object_get(event, "pending") != NULL)
        return -CF_AGAIN;
    return -CF_NOT_FOUND;
}

struct eval run_eval(struct strand *s)
{
    return (struct eval){.scope = strand_scope(s),
                         .dir = s->run->dir,
                         .wait = field_wait,
                         .ctx = s->run};
}

enum progress run_value(struct strand *s, struct work *w, const struct stmt *st,
                        const struct expr *x, json_t **out)
{
    struct eval e = run_eval(s);
    struct error err;
    int rc = expr_eval(&e, x, out, &err);

    if (rc == 0)
        return DONE;
    if (rc == -CF_AGAIN)
        return run_wait(s, w, st);
    return run_fail(s->run, st, "%s", err.text);
}

/* Captures belong to the test, unless an inner block has the name. */
enum progress run_capture(struct strand *s, const struct stmt *st,
                          json_t *value)
{
    struct eval e = run_eval(s);
    struct scope *where = scope_get(strand_scope(s), st->as.name) != NULL
                              ? strand_scope(s)
                              : s->run->scope;
    json_t *index = NULL;
    struct error err;
    int rc = 0;

    if (st->as.index != NULL)
        rc = expr_eval(&e, st->as.index, &index, &err);
    if (rc == 0)
        rc = scope_set(where, st->as.name, index, value, &err);
    else
        json_decref(value);
    json_decref(index);
    return rc == 0 ? DONE : run_fail(s->run, st, "%s", err.text);
}

struct actor *run_actor(struct strand *s, const struct stmt *st,
                        const char *name, const struct expr *x)
{
    struct eval e = run_eval(s);
    struct actor *a;
    struct error err;
    struct buf text;

    buf_init(&text, 256);
    if (x == NULL)
        buf_append_text(&text, name);
    else if (expr_eval_text(&e, x, &text, &err) < 0)
        run_fail(s->run, st, "%s", err.text);
    a = stage_named(&s->run->stage, buf_cstr(&text));
    if (a == NULL && !s->run->failed)
        run_fail(s->run, st, "there is no actor '%s'", buf_cstr(&text));
    buf_release(&text);
    return a;
}

enum progress do_let(struct strand *s, struct work *w, const struct stmt *st)
{
    json_t *v;
    enum progress p = run_value(s, w, st, st->value, &v);

    return p == DONE ? run_capture(s, st, v) : p;
}

/* "$in.id == $q.id": both sides, for the one who reads the failure. */
static void show_sides(struct strand *s, const struct expr *x, struct buf *out)
{
    struct eval e = run_eval(s);

    if (x->kind != EXPR_BINARY)
        return;
    for (int i = 0; i < 2; i++) {
        struct error err;
        json_t *v;

        if (expr_eval(&e, x->items[i], &v, &err) < 0)
            return;
        buf_append_text(out, i == 0 ? ": " : " and ");
        json_write(out, v, false);
        json_decref(v);
    }
}

enum progress do_check(struct strand *s, struct work *w, const struct stmt *st)
{
    struct buf sides;
    json_t *v;
    enum progress p = run_value(s, w, st, st->value, &v);
    bool held;

    if (p != DONE)
        return p;
    held = value_true(v);
    json_decref(v);
    if (held)
        return DONE;
    buf_init(&sides, 8192);
    show_sides(s, st->value, &sides);
    p = run_fail(s->run, st, "this does not hold%s", buf_cstr(&sides));
    buf_release(&sides);
    return p;
}

enum progress do_sync(struct strand *s, struct work *w, const struct stmt *st)
{
    return fence_passed(s->run, &w->fence) ? DONE : fence_wait(s, w, st);
}

/* ---- the network of actors ---- */

static bool uses_network(const struct stmt *st, const struct actor *a)
{
    for (; st != NULL; st = st->next) {
        if (st->kind == STMT_NETWORK &&
            (st->actor_expr != NULL || strcmp(st->actor, a->name) == 0))
            return true;
        if (uses_network(st->block, a))
            return true;
    }
    return false;
}

/* Straight to the server, or by the actor's own network when the test breaks
 * it. */
const char *run_url(struct run *r, struct actor *a, struct error *err)
{
    static char url[128];

    if (a->proxy == NULL && uses_network(r->test->block, a) &&
        proxy_new(&a->proxy, r->loop, r->host, r->port, err) < 0)
        return NULL;
    if (a->proxy == NULL)
        return r->url;
    snprintf(url, sizeof(url), "ws://127.0.0.1:%d", proxy_port(a->proxy));
    return url;
}

static void split_url(struct run *r)
{
    const char *host = strstr(r->url, "://"), *colon;

    host = host != NULL ? host + 3 : r->url;
    colon = strrchr(host, ':');
    if (colon == NULL)
        colon = host + strlen(host);
    snprintf(r->host, sizeof(r->host), "%.*s", (int)(colon - host), host);
    r->port = *colon == ':' ? (int)strtol(colon + 1, NULL, 10) : 80;
}

/* ---- actors ---- */

static void collect_names(struct run *r, const struct stmt *st)
{
    for (; st != NULL; st = st->next) {
        for (int i = 0; st->kind == STMT_ACTORS && i < st->nnames; i++) {
            struct stage *g = &r->stage;
            struct actor *a = mem_alloc(sizeof(*a));

            a->name = st->names[i];
            a->stage = g;
            if (st->device_of != NULL)
                a->device_of = stage_named(g, st->device_of);
            g->actors = mem_grow(g->actors, (size_t)g->count + 1,
                                 sizeof(struct actor *));
            g->actors[g->count++] = a;
        }
        collect_names(r, st->block);
    }
}

static int give_accounts(struct run *r, struct error *err)
{
    struct stage *g = &r->stage;
    const char **names = mem_array((size_t)g->count + 1, sizeof(*names));
    struct account *got = mem_array((size_t)g->count + 1, sizeof(*got));
    int people = 0, rc;

    for (int i = 0; i < g->count; i++) {
        if (g->actors[i]->device_of == NULL)
            names[people++] = g->actors[i]->name;
    }
    rc = fixture_accounts(r->cfg->fixture, names, people, r->cfg->prefix, got,
                          err);
    people = 0;
    for (int i = 0; rc == 0 && i < g->count; i++) {
        if (g->actors[i]->device_of == NULL)
            g->actors[i]->account = got[people++];
    }
    for (int i = 0; rc == 0 && i < g->count; i++) {
        struct actor *a = g->actors[i];

        if (a->device_of != NULL)
            rc = fixture_device(r->cfg->fixture, &a->device_of->account,
                                &a->account, err);
    }
    explicit_bzero(got, ((size_t)g->count + 1) * sizeof(*got));
    free(got);
    free(names);
    return rc;
}

/* The answer to a send: when did its action begin? */
static void stored(void *ctx, struct actor *a, uint64_t conv, int64_t seq,
                   const char *cid)
{
    struct run *r = ctx;

    for (int i = r->begun_count; i-- > 0;) {
        if (strcmp(r->begun[i].cid, cid) != 0)
            continue;
        r->stored = mem_grow(r->stored, (size_t)r->stored_count + 1,
                             sizeof(*r->stored));
        r->stored[r->stored_count++] =
            (struct stored){conv, seq, r->begun[i].began_ns};
        r->begun[i] = r->begun[--r->begun_count];
        return;
    }
}

/* ---- the loop ---- */

static void wake(void *arg)
{
}

static bool flooded(struct run *r)
{
    for (int i = 0; i < r->stage.count; i++) {
        if (r->stage.actors[i]->flood)
            return true;
    }
    return false;
}

/* Until the strand ends or the run stops. */
static void play(struct run *r, struct strand *s)
{
    while (!s->ended && !r->stop) {
        bool moved;

        r->budget = TURN_STATEMENTS;
        moved = strand_step(s) || r->budget <= 0;
        if (s->ended || r->stop)
            break;
        if (!moved)
            loop_timer_set(r->wake, TURN_MS);
        loop_run_once(r->loop, !moved);
        if (clock_ns() > r->limit_ns)
            run_error(r, s->levels[s->depth - 1].at, 75,
                      "the test took longer than its limit of %.0f s",
                      (double)r->cfg->limit_ms / 1000);
        if (flooded(r))
            run_error(r, NULL, 70, "an actor got more than %d events",
                      ACTOR_EVENTS);
    }
}

static void play_block(struct run *r, const struct stmt *first)
{
    struct strand *s = strand_new(r, NULL, first, NULL, r->scope);

    play(r, s);
    strand_free(&s);
}

/* ---- the end ---- */

/* What came and no line took. */
static void check_strict(struct run *r, bool errors_only)
{
    struct buf text;

    for (int i = 0; i < r->stage.count && !r->failed; i++) {
        struct actor *a = r->stage.actors[i];

        for (int k = a->first; k < a->count && !r->failed; k++) {
            if (a->events[k].consumed || !event_strict(a->events[k].kind) ||
                (errors_only && a->events[k].kind != SEE_ERROR))
                continue;
            buf_init(&text, 8192);
            explain_event(&text, a, &a->events[k]);
            run_fail(r, NULL, "%s got what no line expects: %s", a->name,
                     buf_cstr(&text));
            buf_release(&text);
        }
    }
}

static void last_fence(struct run *r)
{
    uint64_t patience = clock_ns() + (uint64_t)run_patience(r, NULL) * MS;
    struct fence *f = NULL;
    char why[300];

    while (!fence_passed(r, &f) && clock_ns() < patience) {
        loop_timer_set(r->wake, TURN_MS);
        loop_run_once(r->loop, true);
    }
    if (!fence_passed(r, &f)) {
        fence_why(r, why, sizeof(why));
        run_fail(r, NULL,
                 "the test ended, but the server did not answer everybody "
                 "within %.3f s%s%s",
                 (double)run_patience(r, NULL) / 1000, why[0] ? ": " : "", why);
    }
    fence_drop(&f);
}

static bool play_finally(struct run *r)
{
    bool stop = r->stop, any = false;

    r->finishing = true;
    for (const struct stmt *st = r->test->block; st != NULL; st = st->next) {
        if (st->kind != STMT_FINALLY)
            continue;
        r->stop = false;
        any = true;
        play_block(r, st->block);
    }
    r->stop = stop;
    return any;
}

/* $name of `secret name`; not set when the environment lacks it. */
static void set_secrets(struct run *r)
{
    for (int i = 0; i < r->script->nsecrets; i++) {
        const char *name = r->script->secrets[i], *value;
        char variable[100];
        struct error err;

        snprintf(variable, sizeof(variable), "CONFAB_SECRET_%s", name);
        value = getenv(variable);
        if (value != NULL && text_is_utf8(span_of(value)))
            scope_set(r->scope, name, NULL, json_string(value), &err);
    }
}

static bool lets(struct run *r)
{
    set_secrets(r);
    if (r->script->lets != NULL)
        play_block(r, r->script->lets);
    return !r->failed;
}

static void keep_logs(struct run *r)
{
    struct buf logs;

    if (!r->failed || r->out->log != NULL)
        return;
    buf_init(&logs, 1 << 20);
    explain_logs(r, &logs);
    r->out->log = mem_text(buf_cstr(&logs));
    buf_release(&logs);
}

/* Nothing may be left over; after `finally` only errors count, since tidying
 * up makes messages that nobody reads. */
static void check_end(struct run *r, bool errors_only)
{
    if (r->failed || r->skipped || r->cfg->until_line != 0)
        return;
    last_fence(r);
    check_strict(r, errors_only);
}

static void play_all(struct run *r)
{
    if (!lets(r))
        return;
    play_block(r, r->test->block);
    check_end(r, false);
    keep_logs(r);
    if (play_finally(r))
        check_end(r, true);
    keep_logs(r);
}

/* ---- life ---- */

static void prepare(struct run *r)
{
    const char *slash = strrchr(r->script->path, '/');

    snprintf(r->dir, sizeof(r->dir), "%.*s",
             slash != NULL ? (int)(slash - r->script->path) : 1,
             slash != NULL ? r->script->path : ".");
    r->loop = loop_new();
    r->wake = loop_timer_new(r->loop, wake, r);
    loop_timer_steady(r->wake);
    r->scope = scope_new(NULL);
    r->url = fixture_url(r->cfg->fixture);
    split_url(r);
    r->stage.loop = r->loop;
    r->stage.stored = stored;
    r->stage.ctx = r;
    r->stage.began_ns = clock_ns();
    clock_shifted_init(&r->stage.clock);
    rng_init_seeded(&r->stage.rng, r->cfg->seed);
    r->limit_ns = r->stage.began_ns + (uint64_t)r->cfg->limit_ms * MS;
    collect_names(r, r->test->block);
}

static void clean_up(struct run *r)
{
    /* None may connect anew while others are freed: libwebsockets closes
     * descriptors that libuv still knows, and numbers are used again. */
    for (int i = 0; i < r->stage.count; i++) {
        if (r->stage.actors[i]->client != NULL)
            client_stop(r->stage.actors[i]->client);
    }
    /* A link that ends turns the loop, and others hear who did what. */
    for (int i = 0; i < r->stage.count; i++)
        actor_release(r->stage.actors[i]);
    for (int i = 0; i < r->stage.count; i++)
        free(r->stage.actors[i]);
    free(r->stage.actors);
    free(r->stored);
    free(r->begun);
    scope_free(&r->scope);
    loop_timer_free(&r->wake);
    loop_free(&r->loop);
}

static void describe(struct run *r)
{
    struct test_result *out = r->out;

    *out = (struct test_result){.file = mem_text(r->script->path),
                                .name = mem_text(r->test->name),
                                .line = r->test->at.line,
                                .index = r->test->index,
                                .seed = r->cfg->seed};
}

void script_run_test(const struct script *s, const struct test *t,
                     const struct run_config *cfg, struct test_result *out)
{
    struct run r = {.script = s, .test = t, .cfg = cfg, .out = out};
    struct error err = {0};

    describe(&r);
    prepare(&r);
    if (give_accounts(&r, &err) < 0)
        run_error(&r, t->block, 69, "no accounts for this test: %s", err.text);
    else
        play_all(&r);
    if (r.skipped && !r.failed)
        out->outcome = OUTCOME_SKIP;
    out->ms = (int64_t)((clock_ns() - r.stage.began_ns) / MS);
    out->events = explain_timeline(&r);
    clean_up(&r);
}
