#include "metrics_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#define TEXT_BYTES (4 << 20)
#define PATIENCE_MS 2000

struct metrics_http {
    int listener, stop;
    pthread_t thread;
    pthread_mutex_t lock;
    struct buf text; /* under lock */
};

static bool readable(int fd, int other, int ms)
{
    struct pollfd p[2] = {{.fd = fd, .events = POLLIN},
                          {.fd = other, .events = POLLIN}};

    return poll(p, 2, ms) > 0 && p[0].revents != 0 && p[1].revents == 0;
}

static void send_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

        if (sent <= 0)
            return;
        p += sent;
        n -= (size_t)sent;
    }
}

/* One request of at most 4 KB, one answer, good-bye. */
static void answer(struct metrics_http *m, int fd)
{
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    char request[4096], head[160];
    struct buf body;
    size_t n = 0;
    ssize_t got;

    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    while (n < sizeof(request) - 1 &&
           memmem(request, n, "\r\n\r\n", 4) == NULL) {
        if (!readable(fd, m->stop, PATIENCE_MS))
            return;
        got = recv(fd, request + n, sizeof(request) - 1 - n, 0);
        if (got <= 0)
            return;
        n += (size_t)got;
    }
    buf_init(&body, TEXT_BYTES);
    pthread_mutex_lock(&m->lock);
    buf_append_span(&body, buf_span(&m->text));
    pthread_mutex_unlock(&m->lock);
    snprintf(head, sizeof(head),
             "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
             "Content-Length: %zu\r\nConnection: close\r\n\r\n",
             body.len);
    send_all(fd, head, strlen(head));
    send_all(fd, body.data, body.len);
    buf_release(&body);
}

static void *serve(void *ctx)
{
    struct metrics_http *m = ctx;

    while (readable(m->listener, m->stop, -1)) {
        int fd = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0)
            continue;
        answer(m, fd);
        close(fd);
    }
    return NULL;
}

static int parse(struct sockaddr_in *a, const char *listen, struct error *err)
{
    const char *colon = strrchr(listen, ':');
    char host[64] = "127.0.0.1", *end;
    long port = colon != NULL ? strtol(colon + 1, &end, 10) : -1;

    if (colon != NULL && colon > listen)
        snprintf(host, sizeof(host), "%.*s", (int)(colon - listen), listen);
    a->sin_family = AF_INET;
    a->sin_port = htons((uint16_t)port);
    if (port < 0 || port > 65535 || end == colon + 1 || *end != '\0' ||
        inet_pton(AF_INET, host, &a->sin_addr) != 1)
        return error_set(err, CF_INVALID,
                         "--metrics '%s' must be ADDR:PORT or :PORT", listen);
    return 0;
}

int metrics_http_start(struct metrics_http **out, const char *listen_at,
                       struct error *err)
{
    struct sockaddr_in a = {0};
    struct metrics_http *m;
    int on = 1, rc = parse(&a, listen_at, err), fd;

    *out = NULL;
    if (rc < 0)
        return rc;
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
        listen(fd, 16) < 0) {
        rc = error_set(err, CF_IO, "--metrics %s: %s", listen_at,
                       strerror(errno));
        if (fd >= 0)
            close(fd);
        return rc;
    }
    m = mem_alloc(sizeof(*m));
    m->listener = fd;
    m->stop = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&m->lock, NULL);
    buf_init(&m->text, TEXT_BYTES);
    if (m->stop < 0 || pthread_create(&m->thread, NULL, serve, m) != 0) {
        close(fd);
        free(m);
        return error_set(err, CF_IO, "--metrics: no thread");
    }
    *out = m;
    return 0;
}

void metrics_http_set(struct metrics_http *m, struct span text)
{
    pthread_mutex_lock(&m->lock);
    buf_clear(&m->text);
    buf_append_span(&m->text, text);
    pthread_mutex_unlock(&m->lock);
}

void metrics_http_stop(struct metrics_http **m)
{
    uint64_t one = 1;

    if (*m == NULL)
        return;
    (void)!write((*m)->stop, &one, sizeof(one));
    pthread_join((*m)->thread, NULL);
    close((*m)->listener);
    close((*m)->stop);
    buf_release(&(*m)->text);
    pthread_mutex_destroy(&(*m)->lock);
    free(*m);
    *m = NULL;
}
