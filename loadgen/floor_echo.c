/* What a message costs a loop that does nothing with it: echo by epoll and by
 * io_uring, and one hop through a relay. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "floor.h"
#include "hist.h"

#define PAIRS 64
#define SIZE 64
#define ROUNDS 600 /* messages of each pair */
#define HOPS 20000

struct echo {
    int near[PAIRS], far[PAIRS]; /* the client's and the server's ends */
    int rc;
    uint64_t cpu_ns; /* of the server */
};

static bool open_pairs(struct echo *e)
{
    int fds[2];

    for (int i = 0; i < PAIRS; i++) {
        e->near[i] = e->far[i] = -1;
        if (floor_pair(fds) < 0)
            return false;
        e->near[i] = fds[0];
        e->far[i] = fds[1];
    }
    return true;
}

static void close_pairs(struct echo *e)
{
    for (int i = 0; i < PAIRS; i++) {
        if (e->near[i] >= 0)
            close(e->near[i]);
        if (e->far[i] >= 0)
            close(e->far[i]);
    }
}

static int epoll_of(const int *fds, int n)
{
    int ep = epoll_create1(EPOLL_CLOEXEC);

    for (int i = 0; ep >= 0 && i < n; i++) {
        struct epoll_event ev = {.events = EPOLLIN, .data.fd = fds[i]};

        epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &ev);
    }
    return ep;
}

static void *epoll_server(void *ctx)
{
    struct echo *e = ctx;
    struct epoll_event events[PAIRS];
    uint64_t start = floor_cpu_ns();
    int ep = epoll_of(e->far, PAIRS), n = 0;
    char bytes[SIZE];
    ssize_t got = 1;

    while (got > 0 && (n = epoll_wait(ep, events, PAIRS, 5000)) > 0) {
        for (int i = 0; got > 0 && i < n; i++) {
            got = recv(events[i].data.fd, bytes, sizeof(bytes), 0);
            if (got > 0)
                send(events[i].data.fd, bytes, (size_t)got, MSG_NOSIGNAL);
        }
    }
    if (ep >= 0)
        close(ep);
    e->cpu_ns = floor_cpu_ns() - start;
    return NULL;
}

static void *uring_server(void *ctx)
{
    struct echo *e = ctx;

    e->rc = floor_uring_echo(e->far, PAIRS, SIZE, &e->cpu_ns);
    return NULL;
}

/* The client: all pairs at once, ROUNDS times; ns of wall clock, 0: failed. */
static uint64_t drive(const struct echo *e)
{
    uint64_t start = clock_ns();
    char bytes[SIZE] = {0};

    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < PAIRS; i++)
            if (send(e->near[i], bytes, SIZE, MSG_NOSIGNAL) != SIZE)
                return 0;
        for (int i = 0; i < PAIRS; i++)
            if (recv(e->near[i], bytes, SIZE, MSG_WAITALL) != SIZE)
                return 0;
    }
    return clock_ns() - start;
}

static void echo_by(struct floor *f, const char *key, const char *what,
                    void *(*server)(void *))
{
    struct echo e = {.rc = 0};
    struct timeval patience = {.tv_sec = 5};
    pthread_t thread;
    uint64_t took = 0;
    bool well = open_pairs(&e);

    for (int i = 0; well && i < PAIRS; i++)
        setsockopt(e.near[i], SOL_SOCKET, SO_RCVTIMEO, &patience,
                   sizeof(patience));
    well = well && pthread_create(&thread, NULL, server, &e) == 0;
    if (well) {
        took = drive(&e);
        shutdown(e.near[0], SHUT_RDWR); /* the server ends at the first end */
        pthread_join(thread, NULL);
    }
    close_pairs(&e);
    if (took > 0 && e.rc == 0)
        floor_add(f, key, FLOOR_NS, (double)e.cpu_ns / (ROUNDS * PAIRS), what);
    else
        floor_missing(f, key, FLOOR_NS, what,
                      e.rc != 0 ? "io_uring is not allowed here"
                                : "no loopback connection");
}

/* ---- relay ---- */

struct relay {
    int in, out;
    uint64_t cpu_ns;
};

static void *relay_server(void *ctx)
{
    struct relay *r = ctx;
    struct epoll_event ev;
    uint64_t start = floor_cpu_ns();
    int ep = epoll_of(&r->in, 1);
    char bytes[SIZE];
    ssize_t got = 1;

    while (got > 0 && epoll_wait(ep, &ev, 1, 5000) > 0) {
        got = recv(r->in, bytes, sizeof(bytes), 0);
        if (got > 0)
            send(r->out, bytes, (size_t)got, MSG_NOSIGNAL);
    }
    if (ep >= 0)
        close(ep);
    r->cpu_ns = floor_cpu_ns() - start;
    return NULL;
}

/* One message at a time from here through the relay and back here. */
static bool hop(int to, int from, struct hist *h)
{
    char bytes[SIZE] = {0};

    for (int i = 0; i < HOPS; i++) {
        uint64_t start = clock_ns();

        if (send(to, bytes, SIZE, MSG_NOSIGNAL) != SIZE ||
            recv(from, bytes, SIZE, MSG_WAITALL) != SIZE)
            return false;
        hist_add(h, clock_ns() - start);
    }
    return true;
}

static void relay(struct floor *f)
{
    static const char what[] = "one message through a relay, there";
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    struct floor_figure *g;
    struct relay r;
    pthread_t thread;
    struct hist h;
    bool well = floor_pair(in) == 0 && floor_pair(out) == 0;

    hist_init(&h, 1000, UINT64_C(60000000000), 3);
    r = (struct relay){.in = in[1], .out = out[0]};
    if (well && pthread_create(&thread, NULL, relay_server, &r) == 0) {
        well = hop(in[0], out[1], &h);
        shutdown(in[0], SHUT_RDWR);
        pthread_join(thread, NULL);
    }
    if (well) {
        g = floor_add(f, "relay", FLOOR_NS, (double)hist_at(&h, 0.5), what);
        g->p99 = (double)hist_at(&h, 0.99);
        floor_add(f, "relay_cpu", FLOOR_NS, (double)r.cpu_ns / HOPS,
                  "CPU of the relay for it");
    } else {
        floor_missing(f, "relay", FLOOR_NS, what, "no loopback connection");
    }
    hist_release(&h);
    for (int i = 0; i < 2; i++) {
        if (in[i] >= 0)
            close(in[i]);
        if (out[i] >= 0)
            close(out[i]);
    }
}

void floor_echoes(struct floor *f)
{
    echo_by(f, "echo_epoll", "CPU of an echo server, epoll", epoll_server);
    echo_by(f, "echo_uring", "CPU of an echo server, io_uring", uring_server);
    relay(f);
}
