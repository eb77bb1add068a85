#include "share.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"

#define SOCKET_NAME "owner.sock"
#define BACKLOG 64
#define READ_TURN 16 /* reads of one turn: others of the loop come too */

/* ---- names ---- */

int share_lock(const char *dir, pid_t *pid)
{
    char path[4200], text[32] = "";
    int fd;
    ssize_t n;

    *pid = 0;
    snprintf(path, sizeof(path), "%s/lock", dir);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -CF_IO;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        if (ftruncate(fd, 0) == 0)
            dprintf(fd, "%d\n", (int)getpid());
        return fd;
    }
    n = read(fd, text, sizeof(text) - 1);
    if (n > 0)
        *pid = (pid_t)strtol(text, NULL, 10);
    close(fd);
    return -CF_BUSY;
}

/* The address of the socket. A name has room for 108 bytes alone: a longer one
 * goes by way of an open descriptor of the directory (*dir_fd, to be closed
 * after use; -1: none). */
static int address(const char *dir, struct sockaddr_un *a, int *dir_fd)
{
    int n;

    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    *dir_fd = -1;
    n = snprintf(a->sun_path, sizeof(a->sun_path), "%s/" SOCKET_NAME, dir);
    if (n > 0 && (size_t)n < sizeof(a->sun_path))
        return 0;
    *dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*dir_fd < 0)
        return -CF_IO;
    snprintf(a->sun_path, sizeof(a->sun_path), "/proc/self/fd/%d/" SOCKET_NAME,
             *dir_fd);
    return 0;
}

static void close_if(int fd)
{
    if (fd >= 0)
        close(fd);
}

static int new_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int share_listen(const char *dir)
{
    struct sockaddr_un a;
    int dir_fd, fd, rc;
    mode_t old;

    if (address(dir, &a, &dir_fd) < 0)
        return -CF_IO;
    unlink(a.sun_path);
    fd = new_socket();
    old = umask(0177);
    rc = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&a, sizeof(a));
    umask(old);
    if (rc == 0)
        rc = listen(fd, BACKLOG);
    close_if(dir_fd);
    if (rc == 0)
        return fd;
    close_if(fd);
    return -CF_IO;
}

void share_unlisten(const char *dir)
{
    struct sockaddr_un a;
    int dir_fd;

    if (address(dir, &a, &dir_fd) < 0)
        return;
    unlink(a.sun_path);
    close_if(dir_fd);
}

pid_t share_peer(int fd)
{
    struct ucred who;
    socklen_t size = sizeof(who);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0 ||
        who.uid != geteuid())
        return 0;
    return who.pid;
}

int share_connect(const char *dir)
{
    struct sockaddr_un a;
    int dir_fd, fd, rc, why;

    if (address(dir, &a, &dir_fd) < 0)
        return -CF_IO;
    fd = new_socket();
    rc = fd < 0 ? -1 : connect(fd, (struct sockaddr *)&a, sizeof(a));
    why = errno;
    close_if(dir_fd);
    if (rc == 0 && share_peer(fd) != 0)
        return fd;
    close_if(fd);
    if (rc == 0)
        return -CF_DENIED;
    /* EAGAIN: its queue of those that wait is full. */
    return why == ENOENT || why == ECONNREFUSED || why == EAGAIN
               ? -CF_UNAVAILABLE
               : -CF_IO;
}

/* ---- lines ---- */

struct share_line {
    struct share_events ev;
    struct loop_fd *watch;
    int fd;
    struct buf in, out;
    bool busy, dead, broken;
};

static void release(struct share_line *l)
{
    loop_fd_free(&l->watch);
    close(l->fd);
    buf_release(&l->in);
    buf_release(&l->out);
    free(l);
}

static int flush(struct share_line *l)
{
    while (l->out.len > 0) {
        ssize_t n = send(l->fd, l->out.data, l->out.len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -CF_CLOSED;
        buf_consume(&l->out, (size_t)n);
    }
    return 0;
}

static void watch_what_is_left(struct share_line *l)
{
    loop_fd_events(l->watch, LOOP_READ | (l->out.len > 0 ? LOOP_WRITE : 0));
}

int share_line_send(struct share_line *l, struct span line)
{
    if (l->broken)
        return -CF_CLOSED;
    if (l->out.len + line.n + 1 > l->out.max)
        return -CF_FULL;
    buf_append_span(&l->out, line);
    buf_append_byte(&l->out, '\n');
    l->broken = flush(l) < 0; /* reading comes to the end as well */
    if (!l->dead)
        watch_what_is_left(l);
    return l->broken ? -CF_CLOSED : 0;
}

/* The whole lines that are there. False: one is longer than it may be. */
static bool take_lines(struct share_line *l)
{
    size_t from = 0;
    char *end;

    while (!l->dead && from < l->in.len &&
           (end = memchr(l->in.data + from, '\n', l->in.len - from)) != NULL) {
        size_t n = (size_t)(end - (l->in.data + from));

        if (n > 0)
            l->ev.got(l->ev.ctx, span_make(l->in.data + from, n));
        from += n + 1;
    }
    buf_consume(&l->in, from);
    return l->in.len < SHARE_LINE_MAX;
}

/* False at the end. */
static bool take(struct share_line *l)
{
    for (int i = 0; i < READ_TURN && !l->dead; i++) {
        char chunk[65536];
        ssize_t n = recv(l->fd, chunk, sizeof(chunk), 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n <= 0 || buf_append(&l->in, chunk, (size_t)n) < 0 ||
            !take_lines(l))
            return false;
    }
    return true;
}

static void on_fd(void *arg, int events)
{
    struct share_line *l = arg;
    bool fine = true;

    l->busy = true;
    if (events & LOOP_WRITE)
        l->broken = l->broken || flush(l) < 0;
    if (events & LOOP_READ)
        fine = take(l);
    if (!l->dead && (!fine || l->broken)) {
        loop_fd_events(l->watch, 0);
        l->ev.ended(l->ev.ctx);
    } else if (!l->dead) {
        watch_what_is_left(l);
    }
    l->busy = false;
    if (l->dead)
        release(l);
}

struct share_line *share_line_new(struct loop *loop, int fd,
                                  const struct share_events *ev)
{
    struct share_line *l = mem_alloc(sizeof(*l));

    l->ev = *ev;
    l->fd = fd;
    buf_init(&l->in, SHARE_LINE_MAX + 65536);
    buf_init(&l->out, SHARE_OUT_MAX);
    l->watch = loop_fd_new(loop, fd, on_fd, l);
    loop_fd_events(l->watch, LOOP_READ);
    return l;
}

void share_line_free(struct share_line **lp)
{
    struct share_line *l = *lp;

    *lp = NULL;
    if (l == NULL)
        return;
    l->dead = true;
    if (l->busy)
        loop_fd_events(l->watch, 0);
    else
        release(l);
}
