#include "floor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define RUNS 5
#define CALLS 200000
#define UNDER_WAY 65536 /* bytes: less than the buffers of a socket hold */
#define MOST_BATCH 64
#define MESSAGES 19200
#define ENTRY 320       /* bytes: a message of 200 as it is sent */
#define COALESCED 16384 /* bytes: what a catch-up sends at once */

struct floor_figure *floor_add(struct floor *f, const char *key,
                               enum floor_unit unit, double value,
                               const char *what)
{
    struct floor_figure *g = &f->figures[f->n];

    if (f->n < FLOOR_FIGURES - 1)
        f->n++;
    memset(g, 0, sizeof(*g));
    snprintf(g->key, sizeof(g->key), "%s", key);
    snprintf(g->what, sizeof(g->what), "%s", what);
    g->unit = unit;
    g->value = value;
    return g;
}

void floor_missing(struct floor *f, const char *key, enum floor_unit unit,
                   const char *what, const char *why)
{
    struct floor_figure *g = floor_add(f, key, unit, -1, what);

    snprintf(g->note, sizeof(g->note), "%s", why);
}

double floor_value(const struct floor *f, const char *key)
{
    for (int i = 0; i < f->n; i++)
        if (strcmp(f->figures[i].key, key) == 0)
            return f->figures[i].value;
    return -1;
}

uint64_t floor_cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int floor_pair(int fds[2])
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fds[1] = -1;
    if (listener >= 0 && fds[0] >= 0 &&
        bind(listener, (struct sockaddr *)&a, sizeof(a)) == 0 &&
        listen(listener, 8) == 0 &&
        getsockname(listener, (struct sockaddr *)&a, &n) == 0 &&
        connect(fds[0], (struct sockaddr *)&a, sizeof(a)) == 0)
        fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (listener >= 0)
        close(listener);
    if (fds[1] < 0) {
        if (fds[0] >= 0)
            close(fds[0]);
        return -CF_IO;
    }
    setsockopt(fds[0], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fds[1], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return 0;
}

/* ---- system calls ---- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double middle(double *values)
{
    qsort(values, RUNS, sizeof(*values), by_size);
    return values[RUNS / 2];
}

static double time_syscall(void)
{
    uint64_t start = clock_ns();

    for (int i = 0; i < CALLS; i++)
        syscall(SYS_getppid);
    return (double)(clock_ns() - start) / CALLS;
}

static bool receive(int fd, char *room, size_t n)
{
    ssize_t got;

    for (size_t have = 0; have < n; have += (size_t)got) {
        got = recv(fd, room + have, n - have, 0);
        if (got <= 0)
            return false;
    }
    return true;
}

/* A batch of sends, then as many receipts, each of one message: ns each. */
static bool time_pair(const int fds[2], size_t size, double *send_ns,
                      double *recv_ns)
{
    size_t fit = UNDER_WAY / size;
    int batch = fit < MOST_BATCH ? (int)fit : MOST_BATCH;
    int rounds = MESSAGES / batch;
    uint64_t sending = 0, receiving = 0, at;
    static char bytes[COALESCED];

    for (int round = 0; round < rounds; round++) {
        at = clock_ns();
        for (int i = 0; i < batch; i++)
            if (send(fds[0], bytes, size, MSG_NOSIGNAL) != (ssize_t)size)
                return false;
        sending += clock_ns() - at;
        at = clock_ns();
        for (int i = 0; i < batch; i++)
            if (!receive(fds[1], bytes, size))
                return false;
        receiving += clock_ns() - at;
    }
    *send_ns = (double)sending / (rounds * batch);
    *recv_ns = (double)receiving / (rounds * batch);
    return true;
}

static void pair_of_size(struct floor *f, int size)
{
    double sends[RUNS], receipts[RUNS];
    char key[32], what[64];
    int fds[2];
    bool well = floor_pair(fds) == 0;

    for (int i = 0; well && i < RUNS; i++)
        well = time_pair(fds, (size_t)size, &sends[i], &receipts[i]);
    snprintf(key, sizeof(key), "send_%d", size);
    snprintf(what, sizeof(what), "send of %d bytes over loopback", size);
    if (well)
        floor_add(f, key, FLOOR_NS, middle(sends), what);
    else
        floor_missing(f, key, FLOOR_NS, what, "no loopback connection");
    snprintf(key, sizeof(key), "recv_%d", size);
    snprintf(what, sizeof(what), "recv of %d bytes that are there", size);
    if (well)
        floor_add(f, key, FLOOR_NS, middle(receipts), what);
    if (fds[1] >= 0) {
        close(fds[0]);
        close(fds[1]);
    }
}

void floor_calls(struct floor *f)
{
    double runs[RUNS];

    for (int i = 0; i < RUNS; i++)
        runs[i] = time_syscall();
    floor_add(f, "syscall", FLOOR_NS, middle(runs), "a system call");
    pair_of_size(f, 64);
    pair_of_size(f, 1024);
    pair_of_size(f, COALESCED);
}

/* ---- all ---- */

static void heartbeat(struct floor *f)
{
    double send_ns = floor_value(f, "send_64");

    if (send_ns >= 0)
        floor_add(f, "heartbeat", FLOOR_NS, send_ns + floor_value(f, "recv_64"),
                  "a heartbeat: a recv and a send");
}

/* What a server cannot do without for one 1:1 message with all receipts:
 * it receives the message, `delivered` and `read`, sends `sent`, the message
 * and both receipts, and stores a row in a batch of 64. */
static void message(struct floor *f)
{
    double send_ns = floor_value(f, "send_64"), row = floor_value(f, "row");
    double recv_ns = floor_value(f, "recv_64"), ns;

    if (send_ns < 0 || recv_ns < 0 || row < 0)
        return;
    ns = 3 * recv_ns + 4 * send_ns + row;
    floor_add(f, "message", FLOOR_NS, ns, "1:1 message: 3 recv, 4 send, a row");
    floor_add(f, "messages", FLOOR_RATE, 1e9 / ns,
              "such messages of one core and disk");
}

/* An entry of a backlog: its share of a send of many; and, since entries of
 * one conversation lie apart where they were appended, the page it is on. */
static void catchup(struct floor *f)
{
    double send_ns = floor_value(f, "send_16384");
    double page = floor_value(f, "page");

    if (send_ns < 0)
        return;
    send_ns = send_ns * ENTRY / COALESCED;
    floor_add(f, "coalesced", FLOOR_NS, send_ns,
              "an entry of 320 bytes in sends of 16 KiB");
    if (page >= 0)
        floor_add(f, "entry", FLOOR_NS, send_ns + page,
                  "the same, and a page read for it");
}

static void tell(const struct floor *f, const char *what)
{
    if (f->progress != NULL)
        f->progress(what);
}

void floor_measure(struct floor *f, const char *dir)
{
    f->n = 0;
    tell(f, "system calls");
    floor_calls(f);
    tell(f, "echo and relay");
    floor_echoes(f);
    tell(f, "memory of idle sockets");
    floor_memory(f);
    tell(f, "disk");
    floor_disk(f, dir);
    heartbeat(f);
    message(f);
    catchup(f);
}

json_t *floor_json(const struct floor *f)
{
    json_t *out = json_object();

    for (int i = 0; i < f->n; i++) {
        const struct floor_figure *g = &f->figures[i];
        json_t *j = json_pack("{s:s,s:s}", "what", g->what, "unit",
                              g->unit == FLOOR_NS      ? "ns"
                              : g->unit == FLOOR_BYTES ? "bytes"
                                                       : "per second");

        json_object_set_new(j, "value",
                            g->value >= 0 ? json_real(g->value) : json_null());
        if (g->p99 > 0)
            json_object_set_new(j, "p99", json_real(g->p99));
        if (g->note[0] != '\0')
            json_object_set_new(j, "note", json_string(g->note));
        json_object_set_new(out, g->key, j);
    }
    return out;
}
