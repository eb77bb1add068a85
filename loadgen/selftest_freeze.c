#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/rng.h"
#include "floor.h"
#include "hist.h"
#include "schedule.h"
#include "selftest.h"

#define SIZE 16 /* bytes of a message */
#define MS UINT64_C(1000000)

/* ---- the server ---- */

struct icy {
    int fd;
    uint64_t start, freeze, every; /* ns */
    uint64_t frozen, longest;      /* what the freezes really took */
    int freezes;
};

static void wait_until(uint64_t at)
{
    struct timespec t = {.tv_sec = (time_t)(at / 1000000000),
                         .tv_nsec = (long)(at % 1000000000)};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}

static bool readable(int fd, uint64_t until)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    uint64_t now = clock_ns();
    struct timespec left = {0};

    if (until > now) {
        left.tv_sec = (time_t)((until - now) / 1000000000);
        left.tv_nsec = (long)((until - now) % 1000000000);
    }
    return ppoll(&p, 1, &left, NULL) > 0;
}

/* Everything that is there goes back in one piece, so that what came during a
 * freeze is answered at its end. False: the client is gone. */
static bool echo(int fd, char *room, size_t size)
{
    ssize_t n = recv(fd, room, size, 0);

    return n > 0 && send(fd, room, (size_t)n, MSG_NOSIGNAL) == n;
}

static void *icy_server(void *ctx)
{
    struct icy *s = ctx;
    static char room[1 << 16];
    uint64_t next = s->start, began;
    bool well = true;

    while (well) {
        while (well && clock_ns() < next)
            if (readable(s->fd, next))
                well = echo(s->fd, room, sizeof(room));
        if (!well)
            break;
        began = clock_ns();
        wait_until(next + s->freeze);
        began = clock_ns() - began;
        s->frozen += began;
        s->longest = began > s->longest ? began : s->longest;
        s->freezes++;
        next += s->every;
    }
    return NULL;
}

/* ---- the client ---- */

struct dues {
    uint64_t *at; /* ns, by number */
    size_t sent, got, most;
    size_t part; /* bytes of the next answer that came already */
};

static bool take_answers(struct dues *d, int fd, struct hist *response)
{
    char room[1 << 16];
    ssize_t n = recv(fd, room, sizeof(room), MSG_DONTWAIT);
    uint64_t now = clock_ns();

    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR);
    d->part += (size_t)n;
    for (; d->part >= SIZE && d->got < d->sent; d->part -= SIZE)
        hist_add(response, now - d->at[d->got++]);
    return true;
}

static bool send_due(struct dues *d, int fd, struct schedule *s,
                     struct hist *lag)
{
    char bytes[SIZE] = {0};
    uint64_t now = clock_ns();

    while (d->sent < d->most && schedule_due(s) <= now) {
        d->at[d->sent] = schedule_due(s);
        hist_add(lag, now - d->at[d->sent]);
        d->sent++;
        schedule_step(s);
        if (send(fd, bytes, SIZE, MSG_NOSIGNAL) != SIZE)
            return false;
    }
    return true;
}

static int drive(int fd, struct schedule *s, struct dues *d,
                 struct hist *response, struct hist *lag)
{
    bool well = true;

    while (well && d->got < d->most) {
        uint64_t next =
            d->sent < d->most ? schedule_due(s) : clock_ns() + 5000 * MS;

        if (readable(fd, next))
            well = take_answers(d, fd, response);
        else if (d->sent == d->most)
            return -CF_TIMEOUT;
        well = well && send_due(d, fd, s, lag);
    }
    return well ? 0 : -CF_IO;
}

/* ---- judging ---- */

double selftest_freeze_quantile(double freeze_ns, double every_ns, double q)
{
    double wait = freeze_ns - (1 - q) * every_ns;

    return wait > 0 ? wait : 0;
}

static void judge(struct selftest *t, const struct icy *s,
                  const struct hist *response, const struct hist *lag)
{
    static const double quantiles[] = {0.5, 0.9, 0.99};
    double freeze = (double)s->frozen / s->freezes;
    struct selftest_check *c;
    char what[64];

    for (size_t i = 0; i < COUNT_OF(quantiles); i++) {
        snprintf(what, sizeof(what), "freeze: response time p%g",
                 quantiles[i] * 100);
        c = selftest_add(
            t, what,
            selftest_freeze_quantile(freeze, (double)s->every, quantiles[i]),
            (double)hist_at(response, quantiles[i]), 0.05, 0.3 * MS);
        c->is_time = true;
    }
    c = selftest_add(t, "freeze: response time max", (double)s->longest,
                     (double)response->max, 0.05, 0.3 * MS);
    c->is_time = true;
    /* Told, not judged: a busy machine is no fault of the instrument. */
    c = selftest_add(t, "freeze: lag of the generator p99", 0,
                     (double)hist_at(lag, 0.99), 0, 1e12);
    c->is_time = true;
}

static void run(struct selftest *t, struct icy *s, int fd,
                const struct selftest_freeze *f, int *rc)
{
    struct traffic traffic = {.arrivals = ARRIVE_CONSTANT};
    struct hist response, lag;
    struct schedule schedule;
    struct dues d = {.most = (size_t)(f->rate * (double)f->length_ms / 1000)};
    struct rng rng;
    pthread_t thread;

    rng_init_seeded(&rng, 1);
    hist_init(&response, 1000, UINT64_C(60000000000), 3);
    hist_init(&lag, 1000, UINT64_C(60000000000), 3);
    d.at = mem_array(d.most, sizeof(*d.at));
    s->start = clock_ns() + 20 * MS;
    schedule_init(&schedule, &traffic, f->rate, 0, s->start, UINT64_MAX, &rng);
    *rc = -CF_IO;
    if (pthread_create(&thread, NULL, icy_server, s) == 0) {
        *rc = drive(fd, &schedule, &d, &response, &lag);
        shutdown(fd, SHUT_RDWR);
        pthread_join(thread, NULL);
    }
    if (*rc == 0)
        judge(t, s, &response, &lag);
    free(d.at);
    hist_release(&response);
    hist_release(&lag);
}

int selftest_freeze(struct selftest *t, const struct selftest_freeze *f)
{
    struct icy s = {.freeze = (uint64_t)f->freeze_ms * MS,
                    .every = (uint64_t)f->every_ms * MS};
    int fds[2], rc;

    if (floor_pair(fds) < 0)
        return -CF_IO;
    s.fd = fds[1];
    run(t, &s, fds[0], f, &rc);
    close(fds[0]);
    close(fds[1]);
    return rc;
}
