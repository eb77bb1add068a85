#include "script/proxy_inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "unit/base/suite.h"

#define GOT_MAX (48 << 20)

/* One end of a connection, in the test's own hands. */
struct peer {
    int fd;
    struct loop_fd *watch;
    struct buf got;
    const char *out; /* being written */
    size_t left;
    bool eof, reset, paused;
};

static struct loop *loop;
static struct loop_timer *guard;
static int listener, port;
static struct error err;

static void too_long(void *arg)
{
    ck_abort_msg("waited too long");
}

static void peer_watch(struct peer *p)
{
    loop_fd_events(p->watch, (p->eof || p->paused ? 0 : LOOP_READ) |
                                 (p->left > 0 ? LOOP_WRITE : 0));
}

static void peer_read(struct peer *p)
{
    char room[65536];
    ssize_t n = read(p->fd, room, sizeof(room));

    if (n > 0)
        ck_assert_int_eq(buf_append(&p->got, room, (size_t)n), 0);
    else if (n == 0)
        p->eof = true;
    else if (errno != EAGAIN)
        p->eof = p->reset = true;
}

static void peer_event(void *arg, int events)
{
    struct peer *p = arg;
    ssize_t n;

    if ((events & LOOP_READ) && !p->paused && !p->eof)
        peer_read(p);
    if (p->left > 0) {
        n = send(p->fd, p->out, p->left, MSG_NOSIGNAL);
        if (n > 0) {
            p->out += n;
            p->left -= (size_t)n;
        }
    }
    peer_watch(p);
}

static void peer_open(struct peer *p, int fd)
{
    *p = (struct peer){.fd = fd};
    ck_assert_int_ge(fd, 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    buf_init(&p->got, GOT_MAX);
    p->watch = loop_fd_new(loop, fd, peer_event, p);
    peer_watch(p);
}

static void peer_close(struct peer *p)
{
    loop_fd_free(&p->watch);
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
    buf_release(&p->got);
}

static void say(struct peer *p, const char *bytes, size_t n)
{
    p->out = bytes;
    p->left = n;
    peer_event(p, 0);
}

#define SAY(p, literal) say(p, literal, sizeof(literal) - 1)

/* Run the loop until it is so; the guard fails the test instead of a hang. */
#define UNTIL(condition)               \
    do {                               \
        loop_timer_set(guard, 60000);  \
        while (!(condition))           \
            loop_run_once(loop, true); \
        loop_timer_cancel(guard);      \
    } while (0)

static bool raise_limit(rlim_t by)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur += by;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static int connect_to(int to)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)to),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    /* The proxy raises the limit when it meets it; we may meet it first. */
    if (fd < 0 && errno == EMFILE && raise_limit(16))
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_msg(fd >= 0, "socket: %s", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

static void begin(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);

    loop = loop_new();
    guard = loop_timer_new(loop, too_long, NULL);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    ck_assert_int_eq(listen(listener, 1024), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &n), 0);
    port = ntohs(at.sin_port);
}

static void end(void)
{
    close(listener);
    loop_timer_free(&guard);
    loop_free(&loop);
}

static struct proxy *proxied(void)
{
    struct proxy *p = NULL;

    ck_assert_msg(proxy_new(&p, loop, "127.0.0.1", port, &err) == 0, "%s",
                  err.text);
    return p;
}

static int accepted(void)
{
    int fd = -1;

    UNTIL((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0 ||
          errno == EMFILE);
    return fd < 0 && raise_limit(16) ? accepted() : fd;
}

/* A client and a server's side, joined by the proxy. */
static void join(struct proxy *p, struct peer *client, struct peer *server)
{
    peer_open(client, connect_to(proxy_port(p)));
    peer_open(server, accepted());
}

static bool has(const struct peer *p, const char *text)
{
    return span_is(buf_span(&p->got), text);
}

/* Bytes there and back through another proxy, some times: whatever could have
 * come meanwhile has come. */
static void fence(void)
{
    struct proxy *p = proxied();
    struct peer a, b;

    join(p, &a, &b);
    for (size_t i = 1; i <= 20; i++) {
        SAY(&a, "x");
        UNTIL(b.got.len == i);
        SAY(&b, "y");
        UNTIL(a.got.len == i);
    }
    peer_close(&a);
    peer_close(&b);
    proxy_free(&p);
}

static void finish(struct proxy **p, struct peer *client, struct peer *server)
{
    peer_close(client);
    peer_close(server);
    proxy_free(p);
    end();
}

START_TEST(relays_both_ways)
{
    struct proxy_counts n;
    struct proxy *p;
    struct peer c, s;

    begin();
    p = proxied();
    join(p, &c, &s);
    SAY(&c, "hello");
    UNTIL(has(&s, "hello"));
    SAY(&s, "and hello");
    UNTIL(has(&c, "and hello"));
    proxy_counts(p, &n);
    ck_assert_int_eq(n.accepted, 1);
    ck_assert_int_eq(n.open, 1);
    ck_assert_int_eq(n.up_bytes, 5);
    ck_assert_int_eq(n.down_bytes, 9);
    /* Half closed: the other direction goes on. */
    shutdown(c.fd, SHUT_WR);
    UNTIL(s.eof);
    SAY(&s, ", bye");
    UNTIL(has(&c, "and hello, bye"));
    peer_close(&s);
    UNTIL(c.eof);
    ck_assert(!c.reset);
    proxy_counts(p, &n);
    ck_assert_int_eq(n.open, 0);
    peer_close(&c);
    proxy_free(&p);
    end();
}
END_TEST

START_TEST(cut_is_silent_and_heals)
{
    struct proxy *p;
    struct peer c, s;

    begin();
    p = proxied();
    join(p, &c, &s);
    SAY(&c, "one ");
    UNTIL(has(&s, "one "));
    proxy_cut(p);
    SAY(&c, "two");
    SAY(&s, "three");
    fence();
    ck_assert(has(&s, "one "));
    ck_assert_uint_eq(c.got.len, 0);
    ck_assert(!c.eof && !s.eof);
    proxy_heal(p);
    UNTIL(has(&s, "one two") && has(&c, "three"));
    finish(&p, &c, &s);
}
END_TEST

START_TEST(cut_keeps_what_is_under_way)
{
    int64_t until;
    struct proxy *p;
    struct peer c, s;

    begin();
    p = proxied();
    join(p, &c, &s);
    proxy_latency(p, 200);
    SAY(&c, "late");
    fence(); /* the relay has read it */
    proxy_cut(p);
    until = clock_mono(clock_system()) + 250;
    while (clock_mono(clock_system()) < until)
        fence();
    ck_assert_uint_eq(s.got.len, 0);
    proxy_heal(p);
    UNTIL(has(&s, "late"));
    finish(&p, &c, &s);
}
END_TEST

START_TEST(cut_hides_that_one_left)
{
    struct proxy *p;
    struct peer c, s;

    begin();
    p = proxied();
    join(p, &c, &s);
    proxy_cut(p);
    peer_close(&s);
    fence();
    ck_assert(!c.eof);
    proxy_heal(p);
    UNTIL(c.eof);
    peer_close(&c);
    proxy_free(&p);
    end();
}
END_TEST

START_TEST(cut_leaves_newcomers_without_answer)
{
    struct proxy_counts n;
    struct proxy *p;
    struct peer gone, c, s;

    begin();
    p = proxied();
    proxy_cut(p);
    peer_open(&gone, connect_to(proxy_port(p)));
    peer_open(&c, connect_to(proxy_port(p)));
    SAY(&gone, "never mind");
    SAY(&c, "anybody?");
    peer_close(&gone);
    fence();
    ck_assert_int_lt(accept4(listener, NULL, NULL, SOCK_NONBLOCK), 0);
    ck_assert(!c.eof && c.got.len == 0);
    proxy_heal(p);
    peer_open(&s, accepted());
    UNTIL(has(&s, "anybody?"));
    proxy_counts(p, &n);
    ck_assert_int_eq(n.accepted, 1); /* not the one that left */
    finish(&p, &c, &s);
}
END_TEST

START_TEST(resets_both)
{
    struct proxy_counts n;
    struct proxy *p;
    struct peer c, s;

    begin();
    p = proxied();
    join(p, &c, &s);
    proxy_reset(p);
    UNTIL(c.reset && s.reset);
    proxy_counts(p, &n);
    ck_assert_int_eq(n.open, 0);
    finish(&p, &c, &s);
}
END_TEST

START_TEST(tells_that_nobody_is_there)
{
    struct proxy *p;
    struct peer c;

    begin();
    p = proxied();
    close(listener);
    peer_open(&c, connect_to(proxy_port(p)));
    UNTIL(c.reset);
    peer_close(&c);
    proxy_free(&p);
    end();
}
END_TEST

START_TEST(latency_delays_in_order)
{
    int64_t before;
    struct proxy *p;
    struct peer c, s;

    begin();
    p = proxied();
    join(p, &c, &s);
    proxy_latency(p, 60);
    before = clock_mono(clock_system());
    SAY(&c, "slow");
    UNTIL(has(&s, "slow"));
    SAY(&s, "ly");
    UNTIL(has(&c, "ly"));
    ck_assert_int_ge(clock_mono(clock_system()) - before, 118);
    SAY(&c, ", then");
    fence(); /* the relay has read it */
    proxy_latency(p, 0);
    SAY(&c, " fast");
    UNTIL(has(&s, "slow, then fast"));
    finish(&p, &c, &s);
}
END_TEST

START_TEST(rate_paces)
{
    static char bytes[20000];
    int64_t before;
    struct proxy *p;
    struct peer c, s;

    begin();
    p = proxied();
    join(p, &c, &s);
    proxy_rate(p, 100000);
    before = clock_mono(clock_system());
    say(&c, bytes, sizeof(bytes));
    UNTIL(s.got.len == sizeof(bytes));
    /* 200 ms, of which a burst may go at once. */
    ck_assert_int_ge(clock_mono(clock_system()) - before, 160);
    proxy_rate(p, 1); /* hardly anything, and then all of it */
    say(&c, bytes, sizeof(bytes));
    fence();
    ck_assert_uint_lt(s.got.len, sizeof(bytes) + 1000);
    proxy_rate(p, 0);
    UNTIL(s.got.len == 2 * sizeof(bytes));
    finish(&p, &c, &s);
}
END_TEST

struct tapped {
    int up, down;
    size_t largest;
};

static void on_tap(void *ctx, int direction, const void *bytes, size_t n)
{
    struct tapped *t = ctx;

    *(direction > 0 ? &t->up : &t->down) += 1;
    if (n > t->largest)
        t->largest = n;
}

START_TEST(drips_byte_by_byte)
{
    struct tapped t = {0};
    struct proxy *p;
    struct peer c, s;

    begin();
    p = proxied();
    proxy_tap(p, on_tap, &t);
    join(p, &c, &s);
    proxy_drip(p, true);
    SAY(&c, "drop by drop");
    SAY(&s, "drip");
    UNTIL(has(&s, "drop by drop") && has(&c, "drip"));
    ck_assert_int_eq(t.up, 12);
    ck_assert_int_eq(t.down, 4);
    ck_assert_uint_eq(t.largest, 1);
    proxy_drip(p, false);
    SAY(&c, ", at once");
    UNTIL(has(&s, "drop by drop, at once"));
    ck_assert_int_eq(t.up, 13);
    finish(&p, &c, &s);
}
END_TEST

#define UPGRADED "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"
#define CLOSE_4000 "\x88\x02\x0f\xa0"

START_TEST(closes_between_frames)
{
    struct proxy *p;
    struct peer c, s;

    begin();
    p = proxied();
    join(p, &c, &s);
    SAY(&s, UPGRADED "\x81\x02hi\x81\x06"
                     "ha");
    UNTIL(has(&c, UPGRADED "\x81\x02hi\x81\x06"
                           "ha"));
    proxy_close(p, 4000);
    fence();
    ck_assert(!c.eof && !s.eof); /* in the middle of a frame */
    SAY(&s, "lf a\x81\x01xnot this");
    UNTIL(c.eof && s.eof);
    ck_assert_int_eq(c.reset, 0);
    ck_assert(has(&c, UPGRADED "\x81\x02hi\x81\x06"
                               "half a\x81\x01x" CLOSE_4000) ||
              has(&c, UPGRADED "\x81\x02hi\x81\x06"
                               "half a" CLOSE_4000));
    SAY(&c, "bye");
    shutdown(c.fd, SHUT_WR);
    {
        struct proxy_counts n = {.open = 1};

        UNTIL((proxy_counts(p, &n), n.open == 0));
    }
    finish(&p, &c, &s);
}
END_TEST

START_TEST(closes_idle_and_unfinished_ones)
{
    struct proxy *p;
    struct peer c, s, other, there;

    begin();
    p = proxied();
    join(p, &c, &s);
    join(p, &other, &there);
    SAY(&s, UPGRADED);
    UNTIL(has(&c, UPGRADED));
    proxy_close(p, 4000);
    UNTIL(c.eof && s.eof);
    ck_assert(has(&c, UPGRADED CLOSE_4000));
    /* This one is told once it is a WebSocket. */
    SAY(&there, UPGRADED "\x81\x02hi");
    UNTIL(other.eof && there.eof);
    ck_assert(has(&other, UPGRADED CLOSE_4000));
    peer_close(&c);
    peer_close(&s);
    peer_close(&other);
    peer_close(&there);
    proxy_free(&p);
    end();
}
END_TEST

START_TEST(holds_a_bounded_amount)
{
    size_t size = 32 << 20, stuck;
    char *bytes = malloc(size);
    struct proxy *p;
    struct peer c, s;

    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i * 31 + i / 65536);
    begin();
    p = proxied();
    join(p, &c, &s);
    c.paused = true;
    peer_watch(&c);
    say(&s, bytes, size);
    do {
        stuck = s.left;
        fence();
    } while (s.left != stuck);
    ck_assert_uint_gt(s.left, 0); /* pushed back */
    c.paused = false;
    peer_watch(&c);
    UNTIL(c.got.len == size);
    ck_assert(memcmp(c.got.data, bytes, size) == 0);
    finish(&p, &c, &s);
    free(bytes);
}
END_TEST

START_TEST(a_thousand_at_once)
{
    static struct proxy *proxies[1000];
    static struct peer c[1000], s[1000];
    struct rlimit limit;
    int count = 1000;

    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < 6000)
        count = (int)(limit.rlim_max / 6);
    limit.rlim_cur = limit.rlim_max < 256 ? limit.rlim_max : 256;
    setrlimit(RLIMIT_NOFILE, &limit); /* it is raised when it is needed */
    begin();
    for (int i = 0; i < count; i++) {
        proxies[i] = proxied();
        join(proxies[i], &c[i], &s[i]);
        SAY(&c[i], "ping");
    }
    for (int i = 0; i < count; i++)
        UNTIL(has(&s[i], "ping"));
    for (int i = 0; i < count; i++)
        proxy_reset(proxies[i]);
    for (int i = 0; i < count; i++)
        UNTIL(c[i].reset && s[i].reset);
    for (int i = 0; i < count; i++) {
        peer_close(&c[i]);
        peer_close(&s[i]);
        proxy_free(&proxies[i]);
    }
    end();
}
END_TEST

SUITE("proxy", relays_both_ways, cut_is_silent_and_heals,
      cut_keeps_what_is_under_way, cut_hides_that_one_left,
      cut_leaves_newcomers_without_answer, resets_both,
      tells_that_nobody_is_there, latency_delays_in_order, rate_paces,
      drips_byte_by_byte, closes_between_frames,
      closes_idle_and_unfinished_ones, holds_a_bounded_amount,
      a_thousand_at_once)
