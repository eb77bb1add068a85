#include "linger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

struct lingering {
    struct shard *shard;
    struct link link; /* in shard->lingering */
    int fd;
    struct claim claim;
    size_t left; /* bytes that we still read */
    struct loop_fd *watch;
    struct loop_timer *end;
};

static void lingering_free(struct lingering *l)
{
    loop_fd_free(&l->watch);
    loop_timer_free(&l->end);
    list_remove(&l->link);
    l->shard->lingering_count--;
    claim_drop(l->shard, &l->claim);
    close(l->fd);
    free(l);
}

/* Read what there is. False: the end, or enough of it. */
static bool drink(int fd, size_t *left)
{
    char away[4096];

    while (*left > 0) {
        ssize_t n = recv(fd, away, sizeof(away), MSG_DONTWAIT);

        if (n <= 0)
            return n < 0 && (errno == EAGAIN || errno == EINTR);
        *left -= (size_t)n < *left ? (size_t)n : *left;
    }
    return false;
}

static void readable(void *arg, int events)
{
    struct lingering *l = arg;

    if (!drink(l->fd, &l->left))
        lingering_free(l);
}

static void too_late(void *arg)
{
    lingering_free(arg);
}

void linger(struct shard *sh, int fd, bool ours, struct claim *c)
{
    size_t left = LINGER_BYTES;
    struct lingering *l;

    shutdown(fd, SHUT_WR);
    if (!drink(fd, &left))
        return; /* the peer has closed already */
    if (!ours && left == LINGER_BYTES)
        return;
    fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return;
    l = mem_alloc(sizeof(*l));
    l->shard = sh;
    l->fd = fd;
    l->left = left;
    if (c != NULL) {
        l->claim = *c;
        *c = (struct claim){0};
    }
    l->watch = loop_fd_new(sh->loop, fd, readable, l);
    l->end = loop_timer_new(sh->loop, too_late, l);
    list_push(&sh->lingering, &l->link);
    sh->lingering_count++;
    loop_timer_set(l->end, LINGER_MS);
    if (l->watch != NULL)
        loop_fd_events(l->watch, LOOP_READ);
}

void linger_end(struct shard *sh)
{
    struct link *at;

    while ((at = list_first(&sh->lingering)) != NULL)
        lingering_free(container_of(at, struct lingering, link));
}
