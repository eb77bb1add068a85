/* plain_reader.c - a chat without Readline: a line in is a message, a line
 * out is an event. For TERM=dumb, pipes, screen readers and tests. */
#include "front.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "proto/limits.h"
#include "tty.h"

#define READ_MAX 4096

struct plain {
    struct front front;
    struct front_events ev;
    struct loop *loop;
    struct loop_fd *watch;
    struct loop_timer *turn; /* a file is always readable: once a turn */
    struct buf line;
    int fd;
    bool too_long, ended, closed;
};

int front_stdin(void)
{
    struct stat st;

    if (fstat(STDIN_FILENO, &st) < 0 || S_ISREG(st.st_mode))
        return -1; /* a file has one offset, that of the descriptor */
    return open("/proc/self/fd/0",
                O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* ---- lines in ---- */

static void end_line(struct plain *p)
{
    if (p->too_long) {
        struct buf b;

        buf_init(&b, 256);
        buf_printf(&b, "error: a message has at most %d bytes\n", LIMIT_BODY);
        tty_flush(&b, stderr);
        buf_release(&b);
    } else {
        if (p->line.len > 0 && p->line.data[p->line.len - 1] == '\r')
            p->line.len--;
        p->ev.key(p->ev.ctx, SPAN(""));
        p->ev.line(p->ev.ctx, buf_span(&p->line));
    }
    p->too_long = false;
    buf_clear(&p->line);
}

static void take(struct plain *p, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n && !p->closed; i++) {
        if (bytes[i] == '\n')
            end_line(p);
        else if (buf_append_byte(&p->line, bytes[i]) < 0)
            p->too_long = true;
    }
}

/* False: nothing more comes. */
static bool read_some(struct plain *p)
{
    char bytes[READ_MAX];
    ssize_t n = read(p->fd, bytes, sizeof(bytes));

    if (n > 0) {
        take(p, bytes, (size_t)n);
        return !p->closed;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (p->line.len > 0)
        end_line(p);
    p->ended = true;
    p->ev.end(p->ev.ctx);
    return false;
}

static void readable(void *arg, int events)
{
    struct plain *p = arg;

    if (!read_some(p) && p->watch != NULL)
        loop_fd_events(p->watch, 0);
}

static void turn(void *arg)
{
    struct plain *p = arg;

    if (read_some(p))
        loop_timer_set(p->turn, 0);
}

static void plain_listen(struct front *f)
{
    struct plain *p = container_of(f, struct plain, front);

    if (p->watch != NULL)
        loop_fd_events(p->watch, LOOP_READ);
    else
        loop_timer_set(p->turn, 0);
}

/* ---- lines out ---- */

static void plain_print(struct front *f, struct buf *lines)
{
    tty_flush(lines, stdout);
}

static void plain_prompt(struct front *f, struct span text)
{
}

static void plain_draft(struct front *f, struct buf *old, struct span text)
{
}

static bool plain_visible(const struct front *f)
{
    return true;
}

static void plain_close(struct front *f)
{
    struct plain *p = container_of(f, struct plain, front);

    p->closed = true;
    if (p->watch != NULL)
        loop_fd_events(p->watch, 0);
    loop_timer_cancel(p->turn);
}

static void plain_free(struct front **fp)
{
    struct plain *p;

    if (*fp == NULL)
        return;
    p = container_of(*fp, struct plain, front);
    loop_fd_free(&p->watch);
    loop_timer_free(&p->turn);
    buf_release(&p->line);
    if (p->fd != STDIN_FILENO)
        close(p->fd);
    free(p);
    *fp = NULL;
}

static const struct front_kind kind = {
    .print = plain_print,
    .prompt = plain_prompt,
    .draft = plain_draft,
    .visible = plain_visible,
    .listen = plain_listen,
    .close = plain_close,
    .free = plain_free,
};

struct front *plain_new(struct loop *l, const struct front_events *ev)
{
    struct plain *p = mem_alloc(sizeof(*p));

    p->front.kind = &kind;
    p->ev = *ev;
    p->loop = l;
    p->fd = front_stdin();
    buf_init(&p->line, LIMIT_BODY);
    if (p->fd < 0)
        p->fd = STDIN_FILENO;
    p->watch = loop_fd_new(l, p->fd, readable, p);
    p->turn = loop_timer_new(l, turn, p);
    return &p->front;
}
