/* An echo server over io_uring by bare system calls: one recv or send for each
 * socket is under way, all that is ready goes in one call (io_uring(7)). */
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "floor.h"

#define ENTRIES 256

struct ring {
    int fd;
    void *rings; /* of both queues, mapped once */
    size_t rings_size;
    struct io_uring_sqe *sqes;
    _Atomic unsigned *tail, *head, *done_head, *done_tail;
    unsigned mask, done_mask, *array, queued;
    struct io_uring_cqe *cqes;
};

static void unmap(struct ring *r)
{
    if (r->sqes != NULL && (void *)r->sqes != MAP_FAILED)
        munmap(r->sqes, ENTRIES * sizeof(*r->sqes));
    if (r->rings != NULL && r->rings != MAP_FAILED)
        munmap(r->rings, r->rings_size);
    close(r->fd);
}

static int map(struct ring *r)
{
    struct io_uring_params p = {0};
    char *base;

    memset(r, 0, sizeof(*r));
    r->fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &p);
    if (r->fd < 0 || (p.features & IORING_FEAT_SINGLE_MMAP) == 0)
        return -CF_UNAVAILABLE;
    r->rings_size = p.cq_off.cqes + p.cq_entries * sizeof(*r->cqes);
    r->rings = mmap(NULL, r->rings_size, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQ_RING);
    r->sqes = mmap(NULL, ENTRIES * sizeof(*r->sqes), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQES);
    if (r->rings == MAP_FAILED || (void *)r->sqes == MAP_FAILED) {
        unmap(r);
        return -CF_NOMEM;
    }
    base = r->rings;
    r->head = (_Atomic unsigned *)(base + p.sq_off.head);
    r->tail = (_Atomic unsigned *)(base + p.sq_off.tail);
    r->mask = *(unsigned *)(base + p.sq_off.ring_mask);
    r->array = (unsigned *)(base + p.sq_off.array);
    r->done_head = (_Atomic unsigned *)(base + p.cq_off.head);
    r->done_tail = (_Atomic unsigned *)(base + p.cq_off.tail);
    r->done_mask = *(unsigned *)(base + p.cq_off.ring_mask);
    r->cqes = (struct io_uring_cqe *)(base + p.cq_off.cqes);
    return 0;
}

static void queue(struct ring *r, int opcode, int fd, void *bytes, int n,
                  uint64_t data)
{
    unsigned tail = atomic_load_explicit(r->tail, memory_order_relaxed);
    struct io_uring_sqe *s = &r->sqes[tail & r->mask];

    memset(s, 0, sizeof(*s));
    s->opcode = (uint8_t)opcode;
    s->fd = fd;
    s->addr = (uint64_t)(uintptr_t)bytes;
    s->len = (unsigned)n;
    s->user_data = data;
    r->array[tail & r->mask] = tail & r->mask;
    atomic_store_explicit(r->tail, tail + 1, memory_order_release);
    r->queued++;
}

/* Data of a request: the index of its socket, and 1 << 32 for a send. */
#define SENDING (UINT64_C(1) << 32)

/* All that is done; false when a socket ended. */
static bool reap(struct ring *r, const int *fds, char *bytes, int size)
{
    unsigned head = atomic_load_explicit(r->done_head, memory_order_relaxed);
    unsigned tail = atomic_load_explicit(r->done_tail, memory_order_acquire);

    for (; head != tail; head++) {
        const struct io_uring_cqe *c = &r->cqes[head & r->done_mask];
        uint64_t i = c->user_data & ~SENDING;
        char *mine = bytes + i * (uint64_t)size;

        if (c->res <= 0)
            return false;
        if (c->user_data & SENDING)
            queue(r, IORING_OP_RECV, fds[i], mine, size, i);
        else
            queue(r, IORING_OP_SEND, fds[i], mine, c->res, i | SENDING);
    }
    atomic_store_explicit(r->done_head, head, memory_order_release);
    return true;
}

int floor_uring_echo(const int *fds, int count, int size, uint64_t *cpu_ns)
{
    uint64_t start = floor_cpu_ns();
    struct ring r;
    char *bytes;
    long n = 0;
    int rc = map(&r);

    if (rc < 0)
        return rc;
    bytes = mem_array((size_t)count, (size_t)size);
    for (int i = 0; i < count; i++)
        queue(&r, IORING_OP_RECV, fds[i], bytes + (size_t)i * (size_t)size,
              size, (uint64_t)i);
    while (n >= 0 && reap(&r, fds, bytes, size)) {
        n = syscall(SYS_io_uring_enter, r.fd, r.queued, 1,
                    IORING_ENTER_GETEVENTS, NULL, 0);
        r.queued = 0;
    }
    *cpu_ns = floor_cpu_ns() - start;
    unmap(&r); /* cancels what is under way */
    free(bytes);
    return n < 0 ? -CF_UNAVAILABLE : 0;
}
