/* shard.c - the loop of one shard: wait, read, take what is due. */
#include "shard.h"

#include <errno.h>
#include <linux/close_range.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine_inside.h"
#include "io_uring.h"

#define EVENTS 512
#define TURN_MS 50    /* the longest wait: main's wishes are seen by then */
#define HANDSHAKES 64 /* at once, when no rate was asked for */

void shard_trouble(struct shard *sh, const char *fmt, ...)
{
    va_list args;

    if (sh->trouble[0] != '\0')
        return;
    va_start(args, fmt);
    vsnprintf(sh->trouble, sizeof(sh->trouble), fmt, args);
    va_end(args);
}

void shard_fault(struct shard *sh, enum count which, const char *fmt, ...)
{
    va_list args;

    tally_count(sh, which, 1);
    if (sh->fault[0] != '\0')
        return;
    sh->fault_kind = which;
    va_start(args, fmt);
    vsnprintf(sh->fault, sizeof(sh->fault), fmt, args);
    va_end(args);
}

void shard_clock(struct shard *sh)
{
    sh->now = clock_ns();
    sh->now_ms = (int64_t)(sh->now / 1000000);
}

/* ---- the first round of connects ---- */

static void connect_next(struct shard *sh, uint64_t due)
{
    struct client *c = &sh->clients[sh->to_connect++];

    if (!(c->flags & FLAG_CHURN))
        client_connect(sh, c, due);
}

static uint64_t connect_some(struct shard *sh)
{
    uint64_t due;

    if (sh->to_connect == sh->nclients)
        return UINT64_MAX;
    if (sh->engine->scenario->users.connect_rate <= 0) {
        while (sh->to_connect < sh->nclients && sh->handshakes < HANDSHAKES)
            connect_next(sh, sh->now);
        return UINT64_MAX;
    }
    while ((due = schedule_due(&sh->connects)) <= sh->now &&
           sh->to_connect < sh->nclients) {
        schedule_step(&sh->connects);
        connect_next(sh, due);
    }
    return due;
}

/* ---- what main wants ---- */

static void see_stage(struct shard *sh)
{
    struct engine *e = sh->engine;
    int stage = atomic_load(&e->stage);

    if (stage == sh->stage)
        return;
    sh->stage = stage;
    if (stage == STAGE_LOOK)
        presence_look_all(sh);
    if (stage == STAGE_FILL)
        backlog_leave(sh);
    if (stage == STAGE_RECALL)
        recall_start(sh);
    if (stage == STAGE_TRAFFIC) {
        backlog_start(sh, atomic_load(&e->traffic_start));
        outflow_start(sh, atomic_load(&e->traffic_start));
        churn_start(sh, atomic_load(&e->traffic_start));
        guard_start(sh);
    }
}

static void see_fold(struct shard *sh)
{
    uint32_t wanted = atomic_load(&sh->engine->fold_wanted);
    struct tally *t = sh->tally;

    if (wanted == atomic_load(&sh->fold_done))
        return;
    sh->tally = sh->spare;
    sh->spare = t;
    atomic_store(&sh->fold_done, wanted);
    if (sh->stage == STAGE_TRAFFIC)
        outflow_factor(sh);
}

static void see_ramp(struct shard *sh)
{
    uint64_t to = atomic_load(&sh->engine->ramp_to);

    if (to == 0 || sh->ramped)
        return;
    sh->ramped = true;
    outflow_ramp(sh, atomic_load(&sh->engine->ramp_from), to);
}

static void see_drop(struct shard *sh)
{
    uint64_t at = atomic_load(&sh->engine->drop_at);

    if (at == 0 || at == sh->dropped_at)
        return;
    sh->dropped_at = at;
    for (uint32_t i = 0; i < sh->nclients; i++) {
        struct client *c = &sh->clients[i];

        if (c->state == CLIENT_READY)
            client_close(sh, c, END_RST, true);
        shard_slots(sh);
    }
}

/* ---- the loop ---- */

void shard_slots(struct shard *sh)
{
    if (sh->stage != STAGE_TRAFFIC || sh->in_slots ||
        clock_ns() < atomic_load(&sh->slot_due))
        return;
    sh->in_slots = true;
    atomic_store(&sh->slot_due, outflow_run(sh));
    sh->in_slots = false;
}

static uint64_t work(struct shard *sh)
{
    uint64_t next = sh->now + (uint64_t)TURN_MS * 1000000, due;

    wheel_advance(&sh->wheel, sh->now_ms);
    due = connect_some(sh);
    next = due < next ? due : next;
    if (sh->stage == STAGE_CONNECT)
        setup_run(sh);
    if (sh->stage == STAGE_FILL)
        backlog_fill(sh);
    if (sh->stage == STAGE_RECALL)
        recall_run(sh);
    if (sh->stage == STAGE_TRAFFIC || sh->stage == STAGE_DRAIN) {
        due = backlog_run(sh);
        next = due < next ? due : next;
    }
    if (sh->stage == STAGE_TRAFFIC) {
        due = churn_run(sh);
        next = due < next ? due : next;
    }
    seat_holes(sh);
    if (sh->stage == STAGE_TRAFFIC) {
        atomic_store(&sh->slot_due, 0);
        shard_slots(sh);
    }
    acks_flush(sh);
    due = atomic_load(&sh->slot_due);
    if (sh->stage == STAGE_TRAFFIC && due < next)
        next = due;
    if (sh->progressed)
        atomic_store_explicit(&sh->progress, sh->now, memory_order_relaxed);
    sh->progressed = false;
    due = (uint64_t)wheel_next(&sh->wheel);
    if (due < UINT64_MAX / 1000000 && due * 1000000 < next)
        next = due * 1000000;
    return next;
}

/* Are answers to heartbeats all that can come? Nobody measures when they do:
 * they are read when the next ones are due, many at a time. */
static bool nothing_is_timed(const struct shard *sh)
{
    const struct scenario *s = sh->engine->scenario;

    return sh->stage == STAGE_TRAFFIC && s->ntraffic == 0 &&
           s->churn.connects <= 0 && s->presence.contacts == 0 &&
           s->backlog.users == 0 && sh->handshakes == 0;
}

static struct timespec span_of_ns(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / 1000000000),
                             (long)(ns % 1000000000)};
}

static int wait(struct shard *sh, struct epoll_event *events, uint64_t until)
{
    bool sleep = nothing_is_timed(sh);
    uint64_t now = clock_ns();
    struct timespec t = span_of_ns(until > now ? until - now : 0);
    int n;

    pthread_mutex_unlock(&sh->turn);
    if (sleep) {
        clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
        t = span_of_ns(0);
    }
    n = epoll_pwait2(sh->ep, events, EVENTS, &t, NULL);
    pthread_mutex_lock(&sh->turn);
    return n;
}

/* A table of its own: the descriptors of main are closed in it. */
static void own_table(struct shard *sh)
{
    struct epoll_event bell = {.events = EPOLLIN, .data.u32 = NONE};

    sh->own_table = sh->engine->nshards > 1 && unshare(CLONE_FILES) == 0;
    if (sh->own_table)
        close_range(3, ~0U, 0);
    sh->ep = epoll_create1(EPOLL_CLOEXEC);
    sh->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    epoll_ctl(sh->ep, EPOLL_CTL_ADD, sh->bell, &bell);
    if (sh->engine->uring)
        sh->uring = uring_new();
}

static void close_all(struct shard *sh)
{
    for (uint32_t i = 0; i < sh->nclients; i++) {
        struct client *c = &sh->clients[i];

        if (c->state == CLIENT_READY && !(c->flags & FLAG_DEAF))
            c->flags |= FLAG_PRESENT;
        if (c->fd >= 0)
            client_close(sh, c, END_FIN, false);
    }
    uring_free(&sh->uring);
    close(sh->bell);
    close(sh->ep);
}

static void take_event(struct shard *sh, const struct epoll_event *ev)
{
    struct client *c;
    eventfd_t rung;

    if (ev->data.u32 == NONE) {
        (void)eventfd_read(sh->bell, &rung);
        return;
    }
    c = &sh->clients[ev->data.u32];
    if (!wire_queue_receive(sh, c, ev->events))
        client_event(sh, c, ev->events);
}

void *shard_run(void *arg)
{
    struct shard *sh = arg;
    struct epoll_event events[EVENTS];
    uint64_t until = 0;

    own_table(sh);
    if (sh->engine->scenario->ntraffic > 0)
        shard_wake_promptly();
    pthread_mutex_lock(&sh->turn);
    shard_clock(sh);
    wheel_init(&sh->wheel, sh->now_ms, sh);
    while (sh->stage != STAGE_STOP) {
        int n = wait(sh, events, until);

        sh->flooded = n == EVENTS;
        shard_clock(sh);
        see_fold(sh);
        see_stage(sh);
        see_ramp(sh);
        see_drop(sh);
        slow_see(sh);
        for (int i = 0; i < n; i++) {
            take_event(sh, &events[i]);
            shard_clock(sh);
            shard_slots(sh);
        }
        wire_submit(sh);
        until = work(sh);
        if (sh->flooded)
            until = 0;
        wire_submit(sh);
    }
    pthread_mutex_unlock(&sh->turn);
    guard_join(sh);
    close_all(sh);
    return NULL;
}
