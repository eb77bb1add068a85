#include "proxy.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "proxy_pair.h"

#define BACKLOG 128
#define ACCEPT_BATCH 16

/* ---- accepting ---- */

/* A thousand actors need four thousand descriptors: take what we may. */
bool proxy_more_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
        limit.rlim_cur >= limit.rlim_max)
        return false;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static bool has_left(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};

    return poll(&p, 1, 0) > 0 &&
           (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/* stale: those that left while nobody could answer are not let in. */
static void accept_some(struct proxy *p, bool stale)
{
    for (int i = 0; i < ACCEPT_BATCH || stale; i++) {
        int fd = accept4(p->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0 && errno == EMFILE && proxy_more_descriptors())
            continue;
        if (fd < 0) {
            p->starved = errno == EMFILE || errno == ENFILE;
            if (p->starved)
                loop_fd_events(p->watch, 0);
            return;
        }
        if (stale && has_left(fd))
            close(fd);
        else
            pair_new(p, fd);
    }
}

static void on_accept(void *arg, int events)
{
    accept_some(arg, false);
}

/* ---- making one ---- */

static int find_server(struct proxy *p, const char *host, int port,
                       struct error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char service[16];
    int rc;

    snprintf(service, sizeof(service), "%d", port);
    rc = getaddrinfo(host, service, &hints, &found);
    if (rc != 0)
        return error_set(err, CF_NOT_FOUND, "%s: %s", host, gai_strerror(rc));
    memcpy(&p->server, found->ai_addr, found->ai_addrlen);
    p->server_len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static int start_listening(struct proxy *p, struct error *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

    p->fd = socket(AF_INET, type, 0);
    if (p->fd < 0 && errno == EMFILE && proxy_more_descriptors())
        p->fd = socket(AF_INET, type, 0);
    if (p->fd < 0 || bind(p->fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
        listen(p->fd, BACKLOG) < 0 ||
        getsockname(p->fd, (struct sockaddr *)&at, &len) < 0)
        return error_set(err, CF_IO, "no proxy on 127.0.0.1: %s",
                         strerror(errno));
    p->port = ntohs(at.sin_port);
    p->watch = loop_fd_new(p->loop, p->fd, on_accept, p);
    if (p->watch == NULL)
        return error_set(err, CF_IO, "no proxy: the loop takes no descriptor");
    loop_fd_events(p->watch, LOOP_READ);
    return 0;
}

int proxy_new(struct proxy **out, struct loop *loop, const char *host, int port,
              struct error *err)
{
    struct proxy *p = mem_alloc(sizeof(*p));
    int rc;

    p->loop = loop;
    p->fd = -1;
    list_init(&p->pairs);
    rc = find_server(p, host, port, err);
    if (rc == 0)
        rc = start_listening(p, err);
    if (rc < 0)
        proxy_free(&p);
    *out = p;
    return rc;
}

static void end_all(struct proxy *p, bool reset)
{
    while (!list_empty(&p->pairs))
        pair_end(container_of(list_first(&p->pairs), struct pair, link), reset);
}

void proxy_free(struct proxy **slot)
{
    struct proxy *p = *slot;

    *slot = NULL;
    if (p == NULL)
        return;
    end_all(p, false);
    loop_fd_free(&p->watch);
    if (p->fd >= 0)
        close(p->fd);
    free(p);
}

int proxy_port(const struct proxy *p)
{
    return p->port;
}

/* ---- faults ---- */

/* fn may end its pair and no other. */
static void each_pair(struct proxy *p, void (*fn)(struct pair *x))
{
    for (struct link *l = p->pairs.next, *next; l != &p->pairs; l = next) {
        next = l->next;
        fn(container_of(l, struct pair, link));
    }
}

void proxy_cut(struct proxy *p)
{
    p->cut = true;
    loop_fd_events(p->watch, 0);
    each_pair(p, pair_go);
}

void proxy_heal(struct proxy *p)
{
    if (!p->cut)
        return;
    p->cut = false;
    each_pair(p, pair_heal);
    loop_fd_events(p->watch, LOOP_READ);
    accept_some(p, true);
}

void proxy_reset(struct proxy *p)
{
    end_all(p, true);
}

void proxy_latency(struct proxy *p, int64_t ms)
{
    p->latency = ms > 0 ? ms : 0;
}

void proxy_rate(struct proxy *p, int64_t bytes_s)
{
    p->rate = bytes_s > 0 ? bytes_s : 0;
    each_pair(p, pair_go);
}

void proxy_drip(struct proxy *p, bool on)
{
    p->drip = on;
    each_pair(p, pair_go);
}

void proxy_close(struct proxy *p, int code)
{
    for (struct link *l = p->pairs.next, *next; l != &p->pairs; l = next) {
        next = l->next;
        pair_close(container_of(l, struct pair, link), code);
    }
}

void proxy_counts(const struct proxy *p, struct proxy_counts *out)
{
    *out = p->counts;
}

void proxy_conn_tap(struct proxy *p,
                    void (*fn)(void *ctx, int conn, int direction,
                               const void *bytes, size_t n),
                    void *ctx)
{
    p->conn_tap = fn;
    p->conn_tap_ctx = ctx;
}

void proxy_tap(struct proxy *p,
               void (*fn)(void *ctx, int direction, const void *bytes,
                          size_t n),
               void *ctx)
{
    p->tap = fn;
    p->tap_ctx = ctx;
}
