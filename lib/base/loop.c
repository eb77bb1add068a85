#include "base/loop.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <uv.h>

#include "base/list.h"
#include "base/mem.h"

#define SAME_TURN 4 /* rounds of posts that a turn still runs */

struct post {
    struct link link;
    void (*fn)(void *arg);
    void *arg;
};

struct loop {
    uv_loop_t uv;
    uv_poll_t wake;
    int wake_fd; /* an eventfd */
    uv_prepare_t turn;
    uv_check_t awake;
    uv_idle_t again; /* keeps the loop from blocking while posts wait */
    pthread_mutex_t lock;
    struct link posts;
    struct link handles; /* made by loop_*_new() and not freed yet */
    bool asleep;         /* about to block, blocked, or just back */
    bool blocked;        /* the same, for the loop's own thread alone */
    bool waking;         /* a wake-up is under way */
    bool again_at_once;  /* loop_again() */
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

/* Back from waiting, before anything else: what this turn posts is seen before
 * the loop sleeps again, so it needs no wake-up. */
static void wake_up(struct loop *l)
{
    if (!l->blocked)
        return;
    l->blocked = false;
    pthread_mutex_lock(&l->lock);
    l->asleep = false;
    pthread_mutex_unlock(&l->lock);
}

/* True: there were some. */
static bool run_posts(struct loop *l)
{
    struct link batch, *at;
    bool some;

    list_init(&batch);
    pthread_mutex_lock(&l->lock);
    l->waking = false;
    while ((at = list_pop(&l->posts)) != NULL)
        list_push(&batch, at);
    pthread_mutex_unlock(&l->lock);
    some = !list_empty(&batch);
    while ((at = list_pop(&batch)) != NULL) {
        struct post *p = container_of(at, struct post, link);

        p->fn(p->arg);
        free(p);
    }
    return some;
}

/* Not by uv_async_t: its two ends wait for each other in a spin. */
static void on_wake(uv_poll_t *handle, int status, int events)
{
    struct loop *l = handle->data;
    uint64_t count;

    wake_up(l);
    if (read(l->wake_fd, &count, sizeof(count)) > 0)
        run_posts(l);
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

/* Before the loop blocks: all that this turn did is done, and what it posted,
 * a few times over. What is left keeps it awake; from here on a post has to
 * wake it. */
static void on_turn(uv_prepare_t *handle)
{
    struct loop *l = handle->data;

    end_turn(l);
    for (int i = 0; i < SAME_TURN && run_posts(l); i++)
        end_turn(l);
    pthread_mutex_lock(&l->lock);
    l->asleep = list_empty(&l->posts) && !l->again_at_once;
    pthread_mutex_unlock(&l->lock);
    l->again_at_once = false;
    l->blocked = l->asleep;
    if (!l->asleep)
        uv_idle_start(&l->again, on_idle);
}

static void on_awake(uv_check_t *handle)
{
    wake_up(handle->data);
}

static void wake(struct loop *l)
{
    static const uint64_t one = 1;
    /* It fails only when the count is full, and then it wakes as well. */
    ssize_t ignored = write(l->wake_fd, &one, sizeof(one));

    (void)ignored;
}

/* A loop that is awake needs no system call: it looks before it sleeps. One
 * that sleeps is woken by one write for a whole batch. */
void loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
    struct post *p = mem_alloc(sizeof(*p));
    bool first;

    p->fn = fn;
    p->arg = arg;
    pthread_mutex_lock(&l->lock);
    first = l->asleep && !l->waking;
    l->waking = l->waking || first;
    list_push(&l->posts, &p->link);
    pthread_mutex_unlock(&l->lock);
    if (first)
        wake(l);
}

void loop_again(struct loop *l)
{
    l->again_at_once = true;
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
    l->uv.data = l;
    pthread_mutex_init(&l->lock, NULL);
    list_init(&l->posts);
    list_init(&l->handles);
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    uv_poll_init(&l->uv, &l->wake, l->wake_fd);
    uv_prepare_init(&l->uv, &l->turn);
    uv_check_init(&l->uv, &l->awake);
    uv_idle_init(&l->uv, &l->again);
    l->wake.data = l->turn.data = l->awake.data = l->again.data = l;
    uv_poll_start(&l->wake, UV_READABLE, on_wake);
    uv_prepare_start(&l->turn, on_turn);
    uv_check_start(&l->awake, on_awake);
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
    close(l->wake_fd);
    while ((at = list_pop(&l->posts)) != NULL)
        free(container_of(at, struct post, link));
    pthread_mutex_destroy(&l->lock);
    free(l);
    *lp = NULL;
}

void loop_run(struct loop *l)
{
    run_posts(l);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    end_turn(l); /* what the turn of loop_stop() did */
}

void loop_run_once(struct loop *l, bool wait)
{
    if (run_posts(l))
        wait = false;
    uv_run(&l->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    end_turn(l);
}

void loop_stop(struct loop *l)
{
    uv_stop(&l->uv);
}

void loop_on_turn_end(struct loop *l, void (*fn)(void *arg), void *arg)
{
    l->turn_end = fn;
    l->turn_arg = arg;
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

    wake_up(handle->loop->data);
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
