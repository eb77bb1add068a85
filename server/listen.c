#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "net.h"
#include "socket.h"

#define ACCEPT_BATCH 64
#define PAUSE_MS 100

struct listener {
    struct shard *shard;
    int fd;
    bool secure;
    struct loop_fd *watch;
    struct loop_timer *resume;
};

int listen_parse(const char *text, struct sockaddr_storage *out,
                 struct error *err)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char host[256];
    const char *colon = strrchr(text, ':');
    const char *start = text;
    size_t n;

    if (colon == NULL)
        return error_set(err, CF_INVALID,
                         "'%s': an address is HOST:PORT, for instance "
                         "127.0.0.1:7000",
                         text);
    n = (size_t)(colon - text);
    if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
        start++;
        n -= 2;
    }
    if (n >= sizeof(host))
        return error_set(err, CF_INVALID, "'%s': the host is too long", text);
    memcpy(host, start, n);
    host[n] = '\0';
    if (getaddrinfo(n > 0 ? host : "0.0.0.0", colon + 1, &hints, &found) != 0)
        return error_set(err, CF_INVALID, "'%s': no such address", text);
    memset(out, 0, sizeof(*out));
    memcpy(out, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return 0;
}

static socklen_t address_len(const struct sockaddr_storage *at)
{
    return at->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                     : sizeof(struct sockaddr_in);
}

void listen_format(const struct sockaddr_storage *at, char *out, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (at->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)at;

        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        snprintf(out, size, "[%s]:%d", host, ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const struct sockaddr_in *)at;

        inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
        snprintf(out, size, "%s:%d", host, ntohs(in->sin_port));
    }
}

static int bind_at(const struct sockaddr_storage *at, bool share,
                   struct error *err)
{
    int one = 1, zero = 0;
    char text[80];
    int fd =
        socket(at->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return error_set(err, CF_IO, "socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (share)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
    /* "[::]" is IPv4 too, whatever the system's default is. */
    if (at->ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
    if (bind(fd, (const struct sockaddr *)at, address_len(at)) == 0)
        return fd;
    listen_format(at, text, sizeof(text));
    error_set(err, CF_UNAVAILABLE, "cannot listen on %s: %s", text,
              strerror(errno));
    close(fd);
    return -CF_UNAVAILABLE;
}

int listen_reserve(struct sockaddr_storage *at, struct error *err)
{
    socklen_t len = sizeof(*at);
    /* Alone first: sharing would let a second server take half of the
     * connections of the one that is there. */
    int fd = bind_at(at, false, err);

    if (fd < 0)
        return fd;
    close(fd);
    fd = bind_at(at, true, err);

    if (fd >= 0)
        getsockname(fd, (struct sockaddr *)at, &len);
    return fd;
}

/* ---- accepting ---- */

/* Accepted sockets inherit the first two. */
static void set_options(int fd)
{
    unsigned timeout = 30000;
    int one = 1; /* without it an answer waits 40 ms for a delayed ACK */

    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    /* The first bytes come with the connection: a turn of the loop less. One
     * that says nothing is accepted all the same, after a second. */
    setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &one, sizeof(one));
}

static void adopt(struct listener *l, int fd, struct sockaddr_storage *at)
{
    struct shard *sh = l->shard;
    struct claim claim;

    if (!claim_take(sh, at, &claim)) {
        close(fd);
        return;
    }
    atomic_fetch_add(&sh->connections, 1);
    if (l->secure)
        net_adopt(sh, fd, true, claim);
    else
        socket_adopt(sh, fd, claim);
}

static void listener_pause(struct listener *l, const char *why)
{
    static struct log_gate gate;

    if (log_gate(&gate, 10000))
        log_warn("node %d: accepting paused at %d connections: %s",
                 l->shard->number, atomic_load(&l->shard->connections), why);
    loop_fd_events(l->watch, 0);
    loop_timer_set(l->resume, PAUSE_MS);
}

static bool full(const struct shard *sh)
{
    return atomic_load(&sh->connections) + sh->lingering_count >=
           sh->server->cap;
}

static void listener_resume(void *arg)
{
    struct listener *l = arg;

    if (full(l->shard))
        loop_timer_set(l->resume, PAUSE_MS);
    else
        loop_fd_events(l->watch, LOOP_READ);
}

static void listener_ready(void *arg, int events)
{
    struct listener *l = arg;

    for (int i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage at = {0};
        socklen_t len = sizeof(at);
        int fd;

        if (full(l->shard)) {
            listener_pause(l, "the cap is reached");
            return;
        }
        fd = accept4(l->fd, (struct sockaddr *)&at, &len,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
                listener_pause(l, strerror(errno));
            return;
        }
        adopt(l, fd, &at);
    }
}

int listen_open(struct shard *sh, const struct sockaddr_storage *at,
                bool secure, struct error *err)
{
    struct listener *l;
    int fd = bind_at(at, true, err);

    if (fd < 0)
        return fd;
    set_options(fd);
    if (listen(fd, 4096) < 0) {
        close(fd);
        return error_set(err, CF_IO, "listen: %s", strerror(errno));
    }
    sh->listeners = mem_grow(sh->listeners, (size_t)sh->listener_count + 1,
                             sizeof(*sh->listeners));
    l = &sh->listeners[sh->listener_count++];
    *l = (struct listener){.shard = sh, .fd = fd, .secure = secure};
    return 0;
}

/* Start accepting: after all are open, since the array no longer moves. */
void listen_start(struct shard *sh)
{
    for (int i = 0; i < sh->listener_count; i++) {
        struct listener *l = &sh->listeners[i];

        l->resume = loop_timer_new(sh->loop, listener_resume, l);
        l->watch = loop_fd_new(sh->loop, l->fd, listener_ready, l);
        loop_fd_events(l->watch, LOOP_READ);
    }
}

void listen_close_all(struct shard *sh)
{
    for (int i = 0; i < sh->listener_count; i++) {
        struct listener *l = &sh->listeners[i];

        loop_timer_free(&l->resume);
        loop_fd_free(&l->watch);
        close(l->fd);
    }
    free(sh->listeners);
    sh->listeners = NULL;
    sh->listener_count = 0;
}
