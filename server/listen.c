#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libwebsockets.h>

#include "base/log.h"
#include "base/mem.h"

#define ACCEPT_BATCH 64
#define PAUSE_MS 100

struct listener {
    struct shard *shard;
    int fd;
    bool secure;
    struct loop_fd *watch;
    struct loop_timer *resume;
};

/* Connections before login from one address; shared by all of them. */
struct address {
    int waiting; /* not logged in yet */
    int refs;    /* sockets that point here */
    bool exempt; /* loopback with --dev, or a trusted proxy */
    bool proxy;
    char text[INET6_ADDRSTRLEN + 8];
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

/* ---- limits per address ---- */

/* An IPv4 address that came over an IPv6 socket ("::ffff:10.0.0.1", RFC 4291,
 * 2.5.5.2) is an IPv4 address. */
static void unmap(struct sockaddr_storage *at)
{
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)at;
    struct sockaddr_in in = {.sin_family = AF_INET};

    if (at->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
        return;
    memcpy(&in.sin_addr, in6->sin6_addr.s6_addr + 12, sizeof(in.sin_addr));
    in.sin_port = in6->sin6_port;
    memcpy(at, &in, sizeof(in));
}

static bool parse_address(const char *text, struct sockaddr_storage *at)
{
    memset(at, 0, sizeof(*at));
    if (inet_pton(AF_INET, text, &((struct sockaddr_in *)at)->sin_addr) == 1)
        at->ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text,
                       &((struct sockaddr_in6 *)at)->sin6_addr) == 1)
        at->ss_family = AF_INET6;
    else
        return false;
    unmap(at);
    return true;
}

bool listen_is_address(const char *text)
{
    struct sockaddr_storage at;

    return parse_address(text, &at);
}

/* Both families in one form, to compare by. */
static struct in6_addr as_ipv6(const struct sockaddr_storage *at)
{
    struct in6_addr out = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

    if (at->ss_family == AF_INET6)
        return ((const struct sockaddr_in6 *)at)->sin6_addr;
    memcpy(out.s6_addr + 12, &((const struct sockaddr_in *)at)->sin_addr, 4);
    return out;
}

static bool is_proxy(struct shard *sh, const struct sockaddr_storage *from)
{
    const struct option_list *list = &sh->server->settings.trusted_proxies;
    struct in6_addr client = as_ipv6(from), proxy;
    struct sockaddr_storage at;

    for (int i = 0; i < list->count; i++) {
        if (!parse_address(list->items[i], &at))
            continue;
        proxy = as_ipv6(&at);
        if (IN6_ARE_ADDR_EQUAL(&client, &proxy))
            return true;
    }
    return false;
}

/* One text per limit: an IPv4 address, or the /64 of an IPv6 one. A proxy is
 * not its neighbours: it has a whole address. */
static void address_key(const struct sockaddr_storage *from, bool proxy,
                        char *out, size_t size)
{
    char text[INET6_ADDRSTRLEN] = "?";

    if (from->ss_family == AF_INET6) {
        struct in6_addr net = ((const struct sockaddr_in6 *)from)->sin6_addr;

        if (!proxy)
            memset(net.s6_addr + 8, 0, 8);
        inet_ntop(AF_INET6, &net, text, sizeof(text));
        snprintf(out, size, proxy ? "%s" : "%s/64", text);
    } else {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)from)->sin_addr, text,
                  sizeof(text));
        snprintf(out, size, "%s", text);
    }
}

static bool is_loopback(const char *text)
{
    return strncmp(text, "127.", 4) == 0 || strcmp(text, "::/64") == 0;
}

static struct address *address_get(struct shard *sh,
                                   struct sockaddr_storage *from)
{
    char text[INET6_ADDRSTRLEN + 8];
    struct address *a;
    bool proxy;

    unmap(from);
    proxy = is_proxy(sh, from);
    address_key(from, proxy, text, sizeof(text));
    a = strmap_get(&sh->addresses, span_of(text));
    if (a != NULL)
        return a;
    a = mem_alloc(sizeof(*a));
    snprintf(a->text, sizeof(a->text), "%s", text);
    a->proxy = proxy;
    a->exempt = proxy || (sh->server->settings.dev && is_loopback(text));
    strmap_put(&sh->addresses, span_of(text), a);
    return a;
}

static void address_unref(struct shard *sh, struct address *a)
{
    if (--a->refs > 0)
        return;
    strmap_remove(&sh->addresses, span_of(a->text));
    free(a);
}

/* Room for one more before login? Between half the limit and the limit the
 * chance to be refused rises from 0 to 1 (the shape of OpenSSH's
 * MaxStartups): a crowd is thinned before it locks everybody out. */
static bool address_admit(struct shard *sh, struct address *a)
{
    int limit = (int)sh->server->settings.per_address;
    int half = limit / 2;

    if (a->exempt || a->waiting < half)
        return true;
    if (a->waiting >= limit)
        return false;
    return (int)rng_below(&sh->rng, (uint64_t)(limit - half)) >=
           a->waiting - half;
}

/* Bit 0 of the opaque pointer: this socket still counts as waiting. */
static struct address *address_of(struct lws *wsi, bool *waiting)
{
    uintptr_t tagged = (uintptr_t)lws_get_opaque_user_data(wsi);

    *waiting = tagged & 1;
    return (struct address *)(tagged & ~(uintptr_t)1);
}

static void address_hold(struct lws *wsi, struct address *a)
{
    a->refs++;
    a->waiting++;
    lws_set_opaque_user_data(wsi, (void *)((uintptr_t)a | 1));
}

void address_release(struct shard *sh, struct lws *wsi)
{
    bool waiting;
    struct address *a = address_of(wsi, &waiting);

    if (a == NULL || !waiting)
        return;
    a->waiting--;
    lws_set_opaque_user_data(wsi, a);
}

void address_gone(struct shard *sh, struct lws *wsi)
{
    bool waiting;
    struct address *a = address_of(wsi, &waiting);

    if (a == NULL)
        return;
    if (waiting)
        a->waiting--;
    lws_set_opaque_user_data(wsi, NULL);
    address_unref(sh, a);
    atomic_fetch_sub(&sh->connections, 1);
}

bool address_is_proxy(struct shard *sh, struct lws *wsi)
{
    bool waiting;
    struct address *a = address_of(wsi, &waiting);

    return a != NULL && a->proxy;
}

const char *address_text(struct lws *wsi)
{
    bool waiting;
    struct address *a = address_of(wsi, &waiting);

    return a != NULL ? a->text : "?";
}

int address_forwarded(struct shard *sh, struct lws *wsi, const char *client)
{
    bool waiting;
    struct address *old = address_of(wsi, &waiting);
    struct sockaddr_storage at;
    struct address *a;

    if (!parse_address(client, &at))
        return -CF_INVALID;
    a = address_get(sh, &at);
    if (!address_admit(sh, a)) {
        if (a->refs == 0) {
            a->refs = 1;
            address_unref(sh, a);
        }
        return -CF_LIMIT;
    }
    address_hold(wsi, a);
    if (old != NULL) {
        old->waiting -= waiting;
        address_unref(sh, old);
    }
    return 0;
}

/* ---- accepting ---- */

static void adopt(struct listener *l, int fd, struct sockaddr_storage *at)
{
    struct shard *sh = l->shard;
    unsigned timeout = 30000;
    int one = 1; /* without it an answer waits 40 ms for a delayed ACK */
    lws_sock_file_fd_type sock = {.sockfd = fd};
    struct address *a = address_get(sh, at);
    struct lws *wsi;

    a->refs++; /* ours, so that it lives through what follows */
    if (!address_admit(sh, a)) {
        static struct log_gate gate;

        if (log_gate(&gate, 10000))
            log_warn("too many connections before login from %s", a->text);
        close(fd);
        address_unref(sh, a);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (l->secure)
        wsi = lws_adopt_descriptor_vhost(
            sh->secure, LWS_ADOPT_HTTP | LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL,
            sock, NULL, NULL);
    else
        wsi = lws_adopt_socket_vhost(sh->plain, fd);
    if (wsi != NULL) {
        address_hold(wsi, a);
        atomic_fetch_add(&sh->connections, 1);
    }
    address_unref(sh, a);
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
