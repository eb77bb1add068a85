/* bench_fanout - a group of 500 connected members: CPU of the server for each
 * delivered copy, against a bare loop of send(2) of the same bytes to as many
 * sockets, in the same run. */
#include <sys/epoll.h>

#include "kit.h"

#define MEMBERS 500
#define BODY 200
#define ACK_EVERY 50

struct room {
    struct kit_account *a;
    int fds[MEMBERS];
    uint64_t bytes[MEMBERS]; /* received, to know when all have all */
    char conv[32];
    int epoll;
};

static void make_group(struct kit_server *s, struct room *r)
{
    struct buf b;
    char answer[4096];

    buf_init(&b, 65536);
    for (int first = 1; first < MEMBERS; first += 150) {
        int last = first + 150 < MEMBERS ? first + 150 : MEMBERS;

        buf_clear(&b);
        if (first == 1)
            buf_append_text(&b, "{\"t\":\"conv.create\",\"n\":1,\"title\":"
                                "\"room\",\"users\":[");
        else
            buf_printf(&b,
                       "{\"t\":\"conv.add\",\"n\":1,\"conv\":\"%s\","
                       "\"users\":[",
                       r->conv);
        for (int i = first; i < last; i++)
            buf_printf(&b, "%s\"%s\"", i > first ? "," : "", r->a[i].user);
        buf_append_text(&b, "]}");
        kit_request(s, &r->a[0], buf_cstr(&b), answer, sizeof(answer));
        if (first == 1)
            kit_member(answer, "conv", r->conv, sizeof(r->conv));
    }
    buf_release(&b);
}

static void join(struct kit_server *s, struct room *r)
{
    r->epoll = epoll_create1(0);
    for (int i = 0; i < MEMBERS; i++) {
        struct epoll_event ev = {.events = EPOLLIN, .data.u32 = (uint32_t)i};

        r->fds[i] = kit_login(s->port, 0, &r->a[i]);
        fcntl(r->fds[i], F_SETFL, O_NONBLOCK);
        epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->fds[i], &ev);
    }
}

/* Read what there is; counts the body's mark in each member's bytes. */
static int drain(struct room *r, int wait)
{
    struct epoll_event ev[64];
    int got = 0, n = epoll_wait(r->epoll, ev, 64, wait);
    char in[65536];

    for (int i = 0; i < n; i++) {
        ssize_t len;

        while ((len = read(r->fds[ev[i].data.u32], in, sizeof(in) - 1)) > 0) {
            in[len] = '\0';
            for (char *at = in; (at = memchr(at, '~', (size_t)(in + len - at)));
                 at++)
                got += at > in && at[-1] == '"'; /* 0x7e is in headers too */
        }
    }
    return got;
}

static void say(struct room *r, int i)
{
    char text[BODY + 200], body[BODY + 1];

    memset(body, 'b', BODY);
    body[0] = '~';
    body[BODY] = '\0';
    snprintf(text, sizeof(text),
             "{\"t\":\"send\",\"n\":%d,\"conv\":\"%s\",\"cid\":\"f%d\","
             "\"body\":{\"text\":\"%s\"}}",
             i + 10, r->conv, i, body);
    kit_send(r->fds[0], text);
}

static void ack_all(struct room *r, int seq)
{
    char text[128];

    snprintf(text, sizeof(text), "{\"t\":\"ack\",\"at\":[[\"%s\",%d]]}",
             r->conv, seq);
    for (int i = 0; i < MEMBERS; i++)
        kit_send(r->fds[i], text);
}

/* The floor: as many sockets, the same bytes, one send each. */
static double floor_us(int rounds)
{
    static int in[MEMBERS], out[MEMBERS];
    char bytes[BODY + 170] = {0}, drop[65536];
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(0x7f000001u)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct rusage before, after;
    double us = 0;

    if (bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, 1000) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) < 0)
        kit_die("floor");
    for (int i = 0; i < MEMBERS; i++) {
        in[i] = kit_connect(ntohs(at.sin_port), 0);
        out[i] = accept(fd, NULL, NULL);
        setsockopt(out[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
    for (int r = 0; r < rounds; r++) {
        getrusage(RUSAGE_SELF, &before);
        for (int i = 0; i < MEMBERS; i++)
            if (send(out[i], bytes, sizeof(bytes), 0) < 0)
                kit_die("send");
        getrusage(RUSAGE_SELF, &after);
        us += (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec +
                       after.ru_stime.tv_sec - before.ru_stime.tv_sec) *
                  1e6 +
              (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec +
                       after.ru_stime.tv_usec - before.ru_stime.tv_usec);
        for (int i = 0; i < MEMBERS; i++)
            if (read(in[i], drop, sizeof(drop)) < 0)
                kit_die("read");
    }
    for (int i = 0; i < MEMBERS; i++) {
        close(in[i]);
        close(out[i]);
    }
    close(fd);
    return us / rounds / MEMBERS;
}

int main(void)
{
    int messages = getenv("QUICK") != NULL ? 40 : 400;
    struct kit_server s;
    static struct room r;
    uint64_t cpu, ns;
    double mine, floor;
    long expected = 0, got = 0;

    signal(SIGPIPE, SIG_IGN);
    fetch_init();
    kit_start(&s, NULL);
    r.a = kit_accounts(&s, "room", MEMBERS);
    make_group(&s, &r);
    join(&s, &r);
    while (drain(&r, 200) > 0)
        ;
    cpu = kit_cpu(s.pid);
    ns = clock_ns();
    for (int i = 0; i < messages; i++) {
        say(&r, i);
        expected += MEMBERS;
        while (got < expected)
            got += drain(&r, 1000);
        if (i % ACK_EVERY == ACK_EVERY - 1)
            ack_all(&r, i + 1);
    }
    ns = clock_ns() - ns;
    cpu = kit_cpu(s.pid) - cpu;
    mine = (double)cpu / (double)expected;
    floor = floor_us(messages);
    printf("A group of %d connected members, %d messages of %d bytes, one "
           "after the other; acknowledged every %d messages (included).\n\n"
           "| us of CPU a delivered copy | bare loop of send | ratio | copies "
           "a second |\n|---|---|---|---|\n| %.2f | %.2f | %.2f | %.0f |\n",
           MEMBERS, messages, BODY, ACK_EVERY, mine, floor, mine / floor,
           (double)expected * 1e9 / (double)ns);
    kit_stop(&s);
    return 0;
}
