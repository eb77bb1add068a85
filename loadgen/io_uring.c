#include "io_uring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#ifdef HAVE_LIBURING
#include <liburing.h>

#define ARENA (256 * 1024) /* bytes of sends that wait for the call */

struct uring {
    struct io_uring ring;
    struct uring_done queue[URING_QUEUE];
    int count;
    size_t used;
    char arena[ARENA];
};

struct uring *uring_new(void)
{
    struct uring *u = mem_alloc(sizeof(*u));

    if (io_uring_queue_init(URING_QUEUE, &u->ring, 0) < 0) {
        free(u);
        return NULL;
    }
    return u;
}

void uring_free(struct uring **u)
{
    if (*u == NULL)
        return;
    io_uring_queue_exit(&(*u)->ring);
    free(*u);
    *u = NULL;
}

static struct io_uring_sqe *next_entry(struct uring *u, uint32_t who, char *p,
                                       size_t n, bool sending)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

    if (sqe == NULL)
        return NULL;
    u->queue[u->count] = (struct uring_done){who, sending, 0, p, n};
    return sqe;
}

bool uring_send(struct uring *u, uint32_t who, int fd, const char *p, size_t n)
{
    char *copy = u->arena + u->used;
    struct io_uring_sqe *sqe;

    if (u->count == URING_QUEUE || n > ARENA - u->used)
        return false;
    sqe = next_entry(u, who, copy, n, true);
    if (sqe == NULL)
        return false;
    memcpy(copy, p, n);
    u->used += n;
    io_uring_prep_send(sqe, fd, copy, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    io_uring_sqe_set_data64(sqe, (uint64_t)u->count++);
    return true;
}

bool uring_receive(struct uring *u, uint32_t who, int fd, char *p, size_t n)
{
    struct io_uring_sqe *sqe;

    if (u->count == URING_QUEUE)
        return false;
    sqe = next_entry(u, who, p, n, false);
    if (sqe == NULL)
        return false;
    io_uring_prep_recv(sqe, fd, p, n, MSG_DONTWAIT);
    io_uring_sqe_set_data64(sqe, (uint64_t)u->count++);
    return true;
}

bool uring_idle(const struct uring *u)
{
    return u->count == 0;
}

int uring_submit(struct uring *u, struct uring_done *out)
{
    int count = u->count, left = count;
    struct io_uring_cqe *cqe;

    u->count = 0;
    u->used = 0;
    if (count == 0)
        return 0;
    memcpy(out, u->queue, (size_t)count * sizeof(*out));
    for (int i = 0; i < count; i++)
        out[i].result = -EAGAIN;
    while (left > 0) {
        int rc = io_uring_submit_and_wait(&u->ring, (unsigned)left);

        if (rc < 0 && rc != -EINTR)
            break;
        while (io_uring_peek_cqe(&u->ring, &cqe) == 0) {
            out[io_uring_cqe_get_data64(cqe)].result = cqe->res;
            io_uring_cqe_seen(&u->ring, cqe);
            left--;
        }
    }
    return count;
}

/* ---- is it worth it? ---- */

#define TRIAL_PAIRS 32
#define TRIAL_ROUNDS 100
#define TRIAL_BYTES 200

static uint64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void round_by_calls(const int (*fds)[2], char *bytes)
{
    for (int i = 0; i < TRIAL_PAIRS; i++)
        if (send(fds[i][0], bytes, TRIAL_BYTES, MSG_DONTWAIT) < 0)
            return;
    for (int i = 0; i < TRIAL_PAIRS; i++)
        if (recv(fds[i][1], bytes, TRIAL_BYTES, MSG_DONTWAIT) < 0)
            return;
}

static void round_by_ring(struct uring *u, const int (*fds)[2], char *bytes)
{
    struct uring_done done[URING_QUEUE];

    for (uint32_t i = 0; i < TRIAL_PAIRS; i++)
        uring_send(u, i, fds[i][0], bytes, TRIAL_BYTES);
    uring_submit(u, done);
    for (uint32_t i = 0; i < TRIAL_PAIRS; i++)
        uring_receive(u, i, fds[i][1], bytes, TRIAL_BYTES);
    uring_submit(u, done);
}

static bool trial(struct uring *u, const int (*fds)[2])
{
    static _Thread_local char bytes[TRIAL_BYTES];
    uint64_t calls = 0, ring = 0, start;

    /* In turns, so that both see the same machine. */
    for (int i = 0; i < TRIAL_ROUNDS; i++) {
        start = cpu_ns();
        round_by_calls(fds, bytes);
        calls += cpu_ns() - start;
        start = cpu_ns();
        round_by_ring(u, fds, bytes);
        ring += cpu_ns() - start;
    }
    return ring < calls - calls / 20;
}

bool uring_pays(void)
{
    int fds[TRIAL_PAIRS][2], n = 0;
    struct uring *u = uring_new();
    bool pays = false;

    if (u == NULL)
        return false;
    while (n < TRIAL_PAIRS &&
           socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds[n]) == 0)
        n++;
    if (n == TRIAL_PAIRS)
        pays = trial(u, (const int(*)[2])fds);
    while (n-- > 0) {
        close(fds[n][0]);
        close(fds[n][1]);
    }
    uring_free(&u);
    return pays;
}

#else

struct uring *uring_new(void)
{
    return NULL;
}

void uring_free(struct uring **u)
{
    *u = NULL;
}

bool uring_send(struct uring *u, uint32_t who, int fd, const char *p, size_t n)
{
    return false;
}

bool uring_receive(struct uring *u, uint32_t who, int fd, char *p, size_t n)
{
    return false;
}

bool uring_idle(const struct uring *u)
{
    return true;
}

int uring_submit(struct uring *u, struct uring_done *out)
{
    return 0;
}

bool uring_pays(void)
{
    return false;
}

#endif

bool uring_offered(void)
{
    struct uring *u = uring_new();
    bool offered = u != NULL;

    uring_free(&u);
    return offered;
}
