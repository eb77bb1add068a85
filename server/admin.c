#include "admin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin_http.h"
#include "base/log.h"
#include "base/mem.h"
#include "listen.h"
#include "net.h"

#define PAUSE_MS 100

/* One listening socket. */
struct door {
    struct admin *admin;
    int fd;       /* -1: none */
    bool trusted; /* a unix socket: commands, and the peer is known */
    struct loop_fd *watch;
    struct loop_timer *resume; /* after a pause */
};

struct admin {
    struct server *server;
    struct lws_context *lws;
    struct lws_vhost *vhost;
    struct door local, tcp;
    char url[96];
    char path[108];
};

const char *admin_url(const struct server *s)
{
    return s->admin != NULL ? s->admin->url : "";
}

const char *admin_socket(const struct server *s)
{
    return s->admin != NULL ? s->admin->path : "";
}

static const struct lws_protocols protocols[] = {
    {.name = "http",
     .callback = admin_http_callback,
     .per_session_data_size = ADMIN_HTTP_BYTES},
    {.name = NULL},
};

/* ---- listening ---- */

/* Out of descriptors: the socket stays readable, and asking again at once
 * would spin. */
static void door_pause(struct door *d)
{
    static struct log_gate gate;

    if (log_gate(&gate, 10000))
        log_warn("admin: accepting paused: %s", strerror(errno));
    loop_fd_events(d->watch, 0);
    loop_timer_set(d->resume, PAUSE_MS);
}

static void door_resume(void *arg)
{
    struct door *d = arg;

    loop_fd_events(d->watch, LOOP_READ);
}

static void door_ready(void *arg, int events)
{
    struct door *d = arg;
    int fd = accept4(d->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct lws *wsi;

    if (fd < 0) {
        if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
            door_pause(d);
        return;
    }
    wsi = lws_adopt_socket_vhost(d->admin->vhost, fd);
    if (wsi != NULL && d->trusted)
        admin_http_trust(wsi);
}

static void door_open(struct door *d)
{
    struct loop *loop = d->admin->server->loop;

    d->resume = loop_timer_new(loop, door_resume, d);
    d->watch = loop_fd_new(loop, d->fd, door_ready, d);
    loop_fd_events(d->watch, LOOP_READ);
}

static void door_close(struct door *d)
{
    loop_fd_free(&d->watch);
    loop_timer_free(&d->resume);
    if (d->fd >= 0)
        close(d->fd);
}

static int listen_unix(struct admin *a, struct error *err)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char path[4200];
    mode_t old;
    int rc;

    snprintf(path, sizeof(path), "%s/admin.sock", a->server->data);
    if (strlen(path) >= sizeof(at.sun_path))
        return error_set(err, CF_TOO_BIG,
                         "%s: too long for a unix socket, choose a shorter "
                         "--data",
                         path);
    snprintf(a->path, sizeof(a->path), "%.*s", (int)sizeof(a->path) - 1, path);
    memcpy(at.sun_path, a->path, strlen(a->path));
    unlink(path); /* we hold the lock of the data directory */
    a->local.fd =
        socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    old = umask(0177);
    rc = bind(a->local.fd, (struct sockaddr *)&at, sizeof(at));
    umask(old);
    if (rc < 0 || listen(a->local.fd, 64) < 0)
        return error_set(err, CF_IO, "%s: %s", path, strerror(errno));
    door_open(&a->local);
    return 0;
}

static int listen_tcp(struct admin *a, struct error *err)
{
    const char *text = a->server->settings.admin;
    struct sockaddr_storage at;
    char where[80];
    int rc;

    if (text == NULL && !a->server->settings.dev)
        return 0;
    rc = listen_parse(text != NULL ? text : "127.0.0.1:0", &at, err);
    if (rc == 0)
        rc = a->tcp.fd = listen_reserve(&at, err);
    if (rc < 0)
        return rc;
    if (listen(a->tcp.fd, 64) < 0)
        return error_set(err, CF_IO, "admin: %s", strerror(errno));
    listen_format(&at, where, sizeof(where));
    snprintf(a->url, sizeof(a->url), "http://%s", where);
    door_open(&a->tcp);
    return 0;
}

static int open_lws(struct admin *a, struct error *err)
{
    struct lws_context_creation_info info = {0};
    void *loops[1] = {loop_native(a->server->loop)};

    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.protocols = protocols;
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME;
    info.foreign_loops = loops;
    info.pcontext = &a->lws;
    info.user = a->server;
    info.timeout_secs = 10;
    info.vhost_name = "admin";
    info.alpn = "http/1.1";
    lws_set_log_level(0, NULL);
    a->lws = lws_create_context(&info);
    if (a->lws != NULL)
        a->vhost = lws_create_vhost(a->lws, &info);
    return a->vhost != NULL ? 0 : error_set(err, CF_IO, "no admin listener");
}

int admin_open(struct server *s, struct error *err)
{
    struct admin *a = mem_alloc(sizeof(*a));
    int rc;

    a->server = s;
    a->local = (struct door){.admin = a, .fd = -1, .trusted = true};
    a->tcp = (struct door){.admin = a, .fd = -1};
    s->admin = a;
    rc = open_lws(a, err);
    if (rc == 0)
        rc = listen_unix(a, err);
    if (rc == 0)
        rc = listen_tcp(a, err);
    return rc;
}

void admin_close(struct server *s)
{
    struct admin *a = s->admin;

    if (a == NULL)
        return;
    if (a->local.fd >= 0)
        unlink(a->path);
    door_close(&a->local);
    door_close(&a->tcp);
    if (a->lws != NULL)
        net_destroy(s->loop, &a->lws);
    free(a);
    s->admin = NULL;
}
