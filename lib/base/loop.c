#include "base/loop.h"

#include <pthread.h>
#include <stdlib.h>

#include <uv.h>

#include "base/list.h"
#include "base/mem.h"

struct post {
    struct link link;
    void (*fn)(void *arg);
    void *arg;
};

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t turn;
    uv_idle_t again; /* runs while posts of the own thread wait */
    pthread_mutex_t lock;
    struct link posts;
    struct link handles; /* made by loop_*_new() and not freed yet */
    pthread_t owner;     /* of the thread that runs it */
    bool running;
    bool waking; /* a wake-up is under way */
    void (*turn_end)(void *arg);
    void *turn_arg;
};

/* What the three kinds of handle start with. */
struct handle {
    struct link link;
    uv_handle_t *uv;
};

struct loop_timer {
    struct handle handle;
    uv_timer_t uv;
    void (*fn)(void *arg);
    void *arg;
    bool steady;
};

struct loop_fd {
    struct handle handle;
    uv_poll_t uv;
    void (*fn)(void *arg, int events);
    void *arg;
};

struct signal_watch {
    struct handle handle;
    uv_signal_t uv;
    void (*fn)(void *arg, int signo);
    void *arg;
};

/* ---- posts ---- */

static void run_posts(struct loop *l)
{
    struct link batch, *at;

    list_init(&batch);
    pthread_mutex_lock(&l->lock);
    l->waking = false;
    while ((at = list_pop(&l->posts)) != NULL)
        list_push(&batch, at);
    pthread_mutex_unlock(&l->lock);
    while ((at = list_pop(&batch)) != NULL) {
        struct post *p = container_of(at, struct post, link);

        p->fn(p->arg);
        free(p);
    }
}

static void on_wake(uv_async_t *handle)
{
    run_posts(handle->data);
}

static void on_idle(uv_idle_t *handle)
{
    uv_idle_stop(handle);
    run_posts(handle->data);
}

static void end_turn(struct loop *l)
{
    if (l->turn_end != NULL)
        l->turn_end(l->turn_arg);
}

/* Before the loop blocks: all that this turn did is done. */
static void on_turn(uv_prepare_t *handle)
{
    end_turn(handle->data);
}

/* From the own thread no system call is needed: an idle handle keeps the loop
 * from blocking. From others the wake-up is one write, once per batch. */
void loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
    struct post *p = mem_alloc(sizeof(*p));
    bool own, first;

    p->fn = fn;
    p->arg = arg;
    pthread_mutex_lock(&l->lock);
    own = l->running && pthread_equal(l->owner, pthread_self());
    first = !l->waking;
    l->waking = true;
    list_push(&l->posts, &p->link);
    pthread_mutex_unlock(&l->lock);
    if (own)
        uv_idle_start(&l->again, on_idle);
    else if (first)
        uv_async_send(&l->wake);
}

/* ---- handles ---- */

static void handle_add(struct loop *l, struct handle *h, void *uv)
{
    h->uv = uv;
    h->uv->data = h;
    list_push(&l->handles, &h->link);
}

static void handle_free(uv_handle_t *uv)
{
    free(uv->data);
}

/* The memory goes when libuv is done with it, on a later turn. */
static void handle_close(struct handle *h)
{
    list_remove(&h->link);
    uv_close(h->uv, handle_free);
}

/* ---- the loop ---- */

struct loop *loop_new(void)
{
    struct loop *l = mem_alloc(sizeof(*l));

    uv_loop_init(&l->uv);
    pthread_mutex_init(&l->lock, NULL);
    list_init(&l->posts);
    list_init(&l->handles);
    uv_async_init(&l->uv, &l->wake, on_wake);
    uv_prepare_init(&l->uv, &l->turn);
    uv_idle_init(&l->uv, &l->again);
    l->wake.data = l->turn.data = l->again.data = l;
    return l;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void loop_free(struct loop **lp)
{
    struct loop *l = *lp;
    struct link *at;

    if (l == NULL)
        return;
    while ((at = list_first(&l->handles)) != NULL)
        handle_close(container_of(at, struct handle, link));
    uv_walk(&l->uv, close_handle, NULL);
    while (uv_run(&l->uv, UV_RUN_DEFAULT) != 0)
        ;
    uv_loop_close(&l->uv);
    while ((at = list_pop(&l->posts)) != NULL)
        free(container_of(at, struct post, link));
    pthread_mutex_destroy(&l->lock);
    free(l);
    *lp = NULL;
}

static void take(struct loop *l, bool running)
{
    pthread_mutex_lock(&l->lock);
    l->owner = pthread_self();
    l->running = running;
    if (running)
        l->waking = false; /* what was posted before runs at once */
    pthread_mutex_unlock(&l->lock);
}

void loop_run(struct loop *l)
{
    take(l, true);
    run_posts(l);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    end_turn(l); /* what the turn of loop_stop() did */
    take(l, false);
}

void loop_run_once(struct loop *l, bool wait)
{
    take(l, true);
    uv_run(&l->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    end_turn(l);
    take(l, false);
}

void loop_stop(struct loop *l)
{
    uv_stop(&l->uv);
}

void loop_on_turn_end(struct loop *l, void (*fn)(void *arg), void *arg)
{
    l->turn_end = fn;
    l->turn_arg = arg;
    if (fn != NULL)
        uv_prepare_start(&l->turn, on_turn);
    else
        uv_prepare_stop(&l->turn);
}

void *loop_native(struct loop *l)
{
    return &l->uv;
}

/* ---- timers ---- */

static void on_timer(uv_timer_t *handle)
{
    struct loop_timer *t = container_of(handle, struct loop_timer, uv);

    t->fn(t->arg);
}

struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *arg),
                                  void *arg)
{
    struct loop_timer *t = mem_alloc(sizeof(*t));

    uv_timer_init(&l->uv, &t->uv);
    handle_add(l, &t->handle, &t->uv);
    t->fn = fn;
    t->arg = arg;
    return t;
}

void loop_timer_set(struct loop_timer *t, int64_t after_ms)
{
    uv_update_time(t->uv.loop);
    uv_timer_start(&t->uv, on_timer, after_ms > 0 ? (uint64_t)after_ms : 0, 0);
}

void loop_timer_cancel(struct loop_timer *t)
{
    uv_timer_stop(&t->uv);
}

void loop_timer_free(struct loop_timer **tp)
{
    if (*tp != NULL)
        handle_close(&(*tp)->handle);
    *tp = NULL;
}

void loop_timer_steady(struct loop_timer *t)
{
    t->steady = true;
}

void loop_advance(struct loop *l, int64_t ms)
{
    uv_update_time(&l->uv);
    list_each (&l->handles, k, next) {
        struct handle *h = container_of(k, struct handle, link);
        struct loop_timer *t = container_of(h, struct loop_timer, handle);
        int64_t due;

        if (h->uv->type != UV_TIMER || !uv_is_active(h->uv) || t->steady)
            continue;
        due = (int64_t)uv_timer_get_due_in(&t->uv) - ms;
        uv_timer_start(&t->uv, on_timer, due > 0 ? (uint64_t)due : 0, 0);
    }
}

/* ---- descriptors ---- */

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct loop_fd *f = container_of(handle, struct loop_fd, uv);
    int got = 0;

    if (status < 0)
        got = LOOP_READ | LOOP_WRITE; /* let the owner see the error */
    if (events & (UV_READABLE | UV_DISCONNECT))
        got |= LOOP_READ;
    if (events & UV_WRITABLE)
        got |= LOOP_WRITE;
    f->fn(f->arg, got);
}

struct loop_fd *loop_fd_new(struct loop *l, int fd,
                            void (*fn)(void *arg, int events), void *arg)
{
    struct loop_fd *f = mem_alloc(sizeof(*f));

    if (uv_poll_init(&l->uv, &f->uv, fd) < 0) {
        free(f);
        return NULL;
    }
    handle_add(l, &f->handle, &f->uv);
    f->fn = fn;
    f->arg = arg;
    return f;
}

void loop_fd_events(struct loop_fd *f, int events)
{
    int want = 0;

    if (events & LOOP_READ)
        want |= UV_READABLE;
    if (events & LOOP_WRITE)
        want |= UV_WRITABLE;
    if (want != 0)
        uv_poll_start(&f->uv, want, on_poll);
    else
        uv_poll_stop(&f->uv);
}

void loop_fd_free(struct loop_fd **fp)
{
    if (*fp == NULL)
        return;
    uv_poll_stop(&(*fp)->uv);
    handle_close(&(*fp)->handle);
    *fp = NULL;
}

/* ---- signals ---- */

static void on_signal(uv_signal_t *handle, int signo)
{
    struct signal_watch *w = container_of(handle, struct signal_watch, uv);

    w->fn(w->arg, signo);
}

int loop_on_signal(struct loop *l, int signo, void (*fn)(void *arg, int signo),
                   void *arg)
{
    struct signal_watch *w = mem_alloc(sizeof(*w));

    uv_signal_init(&l->uv, &w->uv);
    handle_add(l, &w->handle, &w->uv);
    w->fn = fn;
    w->arg = arg;
    if (uv_signal_start(&w->uv, on_signal, signo) < 0) {
        handle_close(&w->handle);
        return -CF_IO;
    }
    return 0;
}
