/* bench_store - durable sends through store_submit(), as in life: two ports,
 * a fixed number in flight, conversations at random. In the same run, on the
 * same directory, the floor: a plain log with one write and one fdatasync per
 * group. Sync calls are counted in a wrapper of SQLite's files.
 *
 *   bench_store [--dir D] [--rows N] [--convs N] [--flight N] [--body N]
 *
 * Without --flight and --body it runs the table of BENCHMARKS.md. */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "shim/count_vfs.h"
#include "store/store.h"

#define PORTS 2

struct options {
    const char *dir;
    int rows, convs, flight, body;
};

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int head, tail;
    struct {
        void (*fn)(void *);
        void *arg;
    } calls[1024];
};

struct port {
    pthread_t thread;
    struct queue queue;
    struct store_port *port;
    struct store_op *ops;
    uint64_t *begun; /* ns, by op */
    int index, flight, done, sent, wanted, convs;
    struct span body;
    struct rng rng;
    float *samples; /* ms */
};

static _Atomic uint64_t next_id = 1000;
static _Atomic int failures;

static void post(void *ctx, void (*fn)(void *), void *arg)
{
    struct queue *q = ctx;

    pthread_mutex_lock(&q->lock);
    q->calls[q->tail % 1024].fn = fn;
    q->calls[q->tail++ % 1024].arg = arg;
    pthread_cond_signal(&q->wake);
    pthread_mutex_unlock(&q->lock);
}

static void run_posted(struct queue *q)
{
    void (*fn)(void *);
    void *arg;

    pthread_mutex_lock(&q->lock);
    while (q->head == q->tail)
        pthread_cond_wait(&q->wake, &q->lock);
    fn = q->calls[q->head % 1024].fn;
    arg = q->calls[q->head++ % 1024].arg;
    pthread_mutex_unlock(&q->lock);
    fn(arg);
}

static void send_done(struct store_op *op);

/* Each port is the home of its own conversations, as nodes are: ids then rise
 * inside each conversation. */
static void send_next(struct port *p, int slot)
{
    struct store_op *op = &p->ops[slot];
    static _Thread_local char cid[256][24];

    store_op_init(op, STORE_APPEND, send_done, p);
    op->conv = 1 + (uint64_t)p->index +
               PORTS * rng_below(&p->rng, (uint64_t)p->convs / PORTS);
    op->term = 1;
    op->entry.id = atomic_fetch_add(&next_id, 1);
    op->entry.ts = 1764000000000;
    op->entry.kind = ENTRY_MSG;
    op->entry.from = op->conv;
    op->entry.dev = 1;
    snprintf(cid[slot], sizeof(cid[slot]), "%016" PRIx64, rng_u64(&p->rng));
    op->entry.cid = span_of(cid[slot]);
    op->entry.body = p->body;
    p->begun[slot] = clock_ns();
    p->sent++;
    store_submit(p->port, op);
}

static void send_done(struct store_op *op)
{
    struct port *p = op->ctx;
    int slot = (int)(op - p->ops);

    if (op->rc != 0)
        atomic_fetch_add(&failures, 1);
    p->samples[p->done++] = (float)(clock_ns() - p->begun[slot]) / 1e6f;
    store_op_release(op);
    if (p->sent < p->wanted)
        send_next(p, slot);
}

static void *port_main(void *arg)
{
    struct port *p = arg;

    for (int i = 0; i < p->flight; i++)
        send_next(p, i);
    while (p->done < p->wanted)
        run_posted(&p->queue);
    return NULL;
}

/* ---- preparing ---- */

static void simple_done(struct store_op *op)
{
    if (op->rc != 0)
        atomic_fetch_add(&failures, 1);
    ++*(int *)op->ctx;
}

/* Conversations 1..n with their user as the only member. */
static void make_convs(struct store *s, int n)
{
    struct queue *q = mem_alloc(sizeof(*q));
    struct store_port *port;
    struct roster_change change = {1, ROLE_OWNER};

    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->wake, NULL);
    port = store_port_new(s, post, q);
    for (int made = 0; made < n;) {
        struct store_op ops[128];
        int count = n - made < 128 ? n - made : 128, done = 0;

        for (int i = 0; i < count; i++) {
            store_op_init(&ops[i], STORE_CREATE, simple_done, &done);
            ops[i].conv = (uint64_t)(made + i) + 1;
            ops[i].kind = CONV_GROUP;
            ops[i].mode = MODE_OPEN;
            ops[i].changes = &change;
            ops[i].change_count = 1;
            ops[i].entry.id = atomic_fetch_add(&next_id, 1);
            ops[i].entry.kind = ENTRY_MEMBER;
            ops[i].entry.from = 1;
            store_submit(port, &ops[i]);
        }
        while (done < count)
            run_posted(q);
        made += count;
    }
    store_port_free(&port);
    free(q);
}

static void port_init(struct port *p, int i, struct store *s,
                      const struct options *o, struct span body)
{
    memset(p, 0, sizeof(*p));
    pthread_mutex_init(&p->queue.lock, NULL);
    pthread_cond_init(&p->queue.wake, NULL);
    p->index = i;
    p->flight = o->flight / PORTS;
    p->wanted = o->rows / PORTS;
    p->convs = o->convs;
    p->body = body;
    p->ops = mem_array((size_t)p->flight, sizeof(*p->ops));
    p->begun = mem_array((size_t)p->flight, sizeof(*p->begun));
    p->samples = mem_array((size_t)p->wanted, sizeof(*p->samples));
    p->port = store_port_new(s, post, &p->queue);
    rng_init_seeded(&p->rng, (uint64_t)i + 1);
}

static void port_release(struct port *p)
{
    store_port_free(&p->port);
    free(p->ops);
    free(p->begun);
    free(p->samples);
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static char *make_body(int size)
{
    char *body = mem_alloc((size_t)size + 1);
    int n = snprintf(body, (size_t)size + 1, "{\"text\":\"");

    memset(body + n, 'x', (size_t)(size - n - 2));
    memcpy(body + size - 2, "\"}", 2);
    return body;
}

/* ---- the floor ---- */

/* Groups of `group` rows of `bytes`, one write and one fdatasync each. */
static double floor_rate(const char *dir, int rows, int group, int bytes)
{
    char path[512];
    size_t n = (size_t)group * (size_t)bytes;
    char *data = mem_alloc(n);
    uint64_t begun;
    double seconds;
    int fd;

    snprintf(path, sizeof(path), "%s/floor", dir);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    memset(data, 'x', n);
    begun = clock_ns();
    for (int i = 0; i < rows / group; i++) {
        if (write(fd, data, n) != (ssize_t)n || fdatasync(fd) != 0)
            abort();
    }
    seconds = (double)(clock_ns() - begun) / 1e9;
    close(fd);
    unlink(path);
    free(data);
    return (double)(rows / group) * group / seconds;
}

/* ---- one line of the table ---- */

static void report(const struct options *o, struct port *ports, double seconds,
                   long syncs, long wal_writes)
{
    int n = ports[0].done + ports[1].done;
    float *all = mem_array((size_t)n, sizeof(*all));
    double rate = n / seconds, group = (double)n / (double)syncs;
    double floor = floor_rate(o->dir, o->rows / 4, group < 1 ? 1 : (int)group,
                              o->body + 100);

    memcpy(all, ports[0].samples, (size_t)ports[0].done * sizeof(*all));
    memcpy(all + ports[0].done, ports[1].samples,
           (size_t)ports[1].done * sizeof(*all));
    qsort(all, (size_t)n, sizeof(*all), by_value);
    printf("%5d B %4d in flight: %7.0f sends/s, %6ld syncs (%5.1f a sync), "
           "%5ld MB written, ms p50 %5.2f p99 %6.2f max %6.2f, "
           "floor %8.0f/s, ratio %.3f\n",
           o->body, o->flight, rate, syncs, group, wal_writes >> 20,
           (double)all[n / 2], (double)all[n / 100 * 99], (double)all[n - 1],
           floor, rate / floor);
    fflush(stdout);
    free(all);
}

static void run_line(struct options o)
{
    char dir[512];
    struct store_config cfg = {.backend = "sqlite", .dir = dir};
    struct error err = {0};
    struct store *s;
    struct port ports[PORTS];
    char *body = make_body(o.body);
    uint64_t begun;
    double seconds;
    long syncs, written;

    snprintf(dir, sizeof(dir), "%s/store-%d-%d", o.dir, o.body, o.flight);
    if (store_open(&s, &cfg, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    make_convs(s, o.convs);
    for (int i = 0; i < PORTS; i++)
        port_init(&ports[i], i, s, &o, span_of(body));
    syncs = count_vfs_syncs();
    written = count_vfs_bytes();
    begun = clock_ns();
    for (int i = 0; i < PORTS; i++)
        pthread_create(&ports[i].thread, NULL, port_main, &ports[i]);
    for (int i = 0; i < PORTS; i++)
        pthread_join(ports[i].thread, NULL);
    seconds = (double)(clock_ns() - begun) / 1e9;
    report(&o, ports, seconds, count_vfs_syncs() - syncs,
           count_vfs_bytes() - written);
    for (int i = 0; i < PORTS; i++)
        port_release(&ports[i]);
    store_close(&s);
    free(body);
}

static void run_table(struct options o)
{
    static const int flights[] = {2, 64, 128, 256}, bodies[] = {300, 1024};

    for (size_t b = 0; b < COUNT_OF(bodies); b++) {
        for (size_t f = 0; f < COUNT_OF(flights); f++) {
            struct options line = o;

            line.body = bodies[b];
            line.flight = flights[f];
            if (flights[f] < 64)
                line.rows = o.rows / 10;
            run_line(line);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct option names[] = {
        {"dir", 1, NULL, 'd'},   {"rows", 1, NULL, 'r'},
        {"convs", 1, NULL, 'c'}, {"flight", 1, NULL, 'f'},
        {"body", 1, NULL, 'b'},  {NULL, 0, NULL, 0}};
    struct options o = {.rows = 200000, .convs = 2000};
    char made[] = "/tmp/confab-bench-XXXXXX";
    int c;

    while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
        long n = optarg != NULL ? strtol(optarg, NULL, 10) : 0;

        if (c == 'd')
            o.dir = optarg;
        else if (c == 'r')
            o.rows = (int)n;
        else if (c == 'c')
            o.convs = (int)n;
        else if (c == 'f')
            o.flight = (int)n;
        else if (c == 'b')
            o.body = (int)n;
        else
            return 64;
    }
    if (o.dir == NULL)
        o.dir = mkdtemp(made);
    count_vfs_install();
    store_backend_add(&store_sqlite);
    printf("store: %d rows, %d conversations, 2 ports, in %s\n", o.rows,
           o.convs, o.dir);
    if (o.flight > 0)
        run_line((struct options){o.dir, o.rows, o.convs, o.flight,
                                  o.body > 0 ? o.body : 300});
    else
        run_table(o);
    if (atomic_load(&failures) > 0)
        printf("FAILED: %d operations\n", atomic_load(&failures));
    return atomic_load(&failures) > 0;
}
