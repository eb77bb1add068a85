#include "admin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <libwebsockets.h>

#include "admin_cmd.h"
#include "auth.h"
#include "base/log.h"
#include "base/mem.h"
#include "guard.h"
#include "listen.h"
#include "metrics_page.h"
#include "net.h"
#include "proto/limits.h"
#include "shard.h"

#define CHUNK ((size_t)32 * 1024)
#define BODY_MAX (4 * 1024 * 1024)
#define ANSWER_MAX (4 * 1024 * 1024)

struct admin {
    struct server *server;
    struct lws_context *lws;
    struct lws_vhost *vhost;
    int unix_fd, tcp_fd;
    struct loop_fd *unix_watch, *tcp_watch;
    char url[96];
    char path[108];
};

/* One request; outlives its connection while a command runs. */
struct admin_request {
    struct admin_cmd cmd; /* first: what the commands see */
    struct lws *wsi;      /* NULL: gone */
    struct buf body;
    size_t written;
    bool trusted;  /* came over the unix socket */
    bool answered; /* out is all of the rest of the answer */
    bool ended;    /* its last bytes are with libwebsockets */
};

const char *admin_url(const struct server *s)
{
    return s->admin != NULL ? s->admin->url : "";
}

const char *admin_socket(const struct server *s)
{
    return s->admin != NULL ? s->admin->path : "";
}

/* ---- answers ---- */

/* n is LWS_ILLEGAL_HTTP_CONTENT_LEN: in chunks (RFC 9112, 7.1), so that the
 * reader knows an end from a cut. */
static int headers(struct lws *wsi, int status, const char *type,
                   lws_filepos_t n)
{
    static const unsigned char name[] = "transfer-encoding:";
    static const unsigned char value[] = "chunked";
    unsigned char room[LWS_PRE + 512];
    unsigned char *start = room + LWS_PRE, *at = start;

    if (lws_add_http_common_headers(wsi, (unsigned)status, type, n, &at,
                                    room + sizeof(room) - 1))
        return -1;
    if (n == LWS_ILLEGAL_HTTP_CONTENT_LEN &&
        lws_add_http_header_by_name(wsi, name, value, sizeof(value) - 1, &at,
                                    room + sizeof(room) - 1))
        return -1;
    return lws_finalize_write_http_header(wsi, start, &at,
                                          room + sizeof(room) - 1);
}

static void answer(struct admin_request *r, const char *type)
{
    r->answered = true;
    if (r->wsi == NULL)
        return;
    if (!r->cmd.streaming &&
        headers(r->wsi, r->cmd.status, type, r->cmd.out.len) < 0)
        buf_clear(&r->cmd.out);
    lws_callback_on_writable(r->wsi);
}

/* A command has made more of a long answer. */
static void command_streams(struct admin_cmd *cmd)
{
    struct admin_request *r = container_of(cmd, struct admin_request, cmd);

    if (!cmd->streaming && headers(r->wsi, 200, "application/x-ndjson",
                                   LWS_ILLEGAL_HTTP_CONTENT_LEN) < 0)
        buf_clear(&cmd->out);
    lws_callback_on_writable(r->wsi);
}

static void request_free(struct admin_request *r)
{
    buf_release(&r->cmd.out);
    buf_release(&r->body);
    admin_cmd_release(&r->cmd);
    free(r);
}

/* A command is done, maybe after its asker has gone. */
static void command_done(struct admin_cmd *cmd)
{
    struct admin_request *r = container_of(cmd, struct admin_request, cmd);

    if (r->wsi == NULL)
        request_free(r);
    else
        answer(r, "application/json");
}

/* ---- what is asked ---- */

static void say(struct admin_request *r, int status, const char *text)
{
    r->cmd.status = status;
    buf_append_text(&r->cmd.out, text);
    answer(r, "text/plain");
}

static bool ready(const struct server *s)
{
    if (atomic_load(&s->draining))
        return false;
    for (int i = 0; i < s->shard_count; i++)
        if (!atomic_load(&s->shards[i]->serving))
            return false;
    return true;
}

static bool get(struct admin_request *r, const char *path)
{
    struct server *s = r->cmd.server;

    if (strcmp(path, "/healthz") == 0)
        say(r, 200, "ok\n");
    else if (strcmp(path, "/readyz") == 0)
        say(r, ready(s) ? 200 : 503, ready(s) ? "ready\n" : "not ready\n");
    else if (strcmp(path, "/metrics") == 0) {
        r->cmd.status = 200;
        metrics_page(s, &r->cmd.out);
        answer(r, "text/plain; version=0.0.4");
    } else
        return false;
    return true;
}

static struct admin_request *request_new(struct admin *a, struct lws *wsi)
{
    struct admin_request *r = mem_alloc(sizeof(*r));

    r->cmd.server = a->server;
    r->cmd.status = 200;
    r->cmd.done = command_done;
    r->cmd.flush = command_streams;
    r->wsi = wsi;
    r->trusted = lws_get_opaque_user_data(wsi) == (void *)a;
    buf_init(&r->body, BODY_MAX);
    buf_init(&r->cmd.out, ANSWER_MAX);
    return r;
}

static int request_begins(struct admin_request **slot, struct lws *wsi,
                          const char *path)
{
    struct admin *a = lws_context_user(lws_get_context(wsi));
    bool post = lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0;
    struct admin_request *r = request_new(a, wsi);

    *slot = r;
    if (post && strcmp(path, "/v1/ctl") == 0) {
        if (!r->trusted)
            say(r, 403, "commands go over the unix socket\n");
    } else if (post || !get(r, path))
        say(r, 404, "there are /healthz, /readyz, /metrics\n");
    return 0;
}

/* All that was there is written: make more of it. */
static int chunks_written(struct admin_request *r)
{
    auth_wipe(r->cmd.out.data, r->cmd.out.len);
    buf_clear(&r->cmd.out);
    r->written = 0;
    if (r->cmd.running && r->cmd.more != NULL)
        r->cmd.more(r->cmd.more_arg);
    if (r->answered || r->cmd.out.len > 0)
        lws_callback_on_writable(r->wsi);
    return 0;
}

static int chunk_end(struct admin_request *r)
{
    unsigned char room[LWS_PRE + 8];

    if (r->ended)
        return lws_partial_buffered(r->wsi) ? 0 : -1;
    r->ended = true;
    memcpy(room + LWS_PRE, "0\r\n\r\n", 5);
    if (lws_write(r->wsi, room + LWS_PRE, 5, LWS_WRITE_HTTP) < 0)
        return -1;
    lws_callback_on_writable(r->wsi);
    return 0;
}

static int chunk_write(struct admin_request *r)
{
    unsigned char room[LWS_PRE + 16 + CHUNK + 2];
    size_t n = r->cmd.out.len - r->written, head;

    if (n == 0)
        return r->answered ? chunk_end(r) : 0;
    if (n > CHUNK)
        n = CHUNK;
    head = (size_t)snprintf((char *)room + LWS_PRE, 16, "%zx\r\n", n);
    memcpy(room + LWS_PRE + head, r->cmd.out.data + r->written, n);
    memcpy(room + LWS_PRE + head + n, "\r\n", 2);
    if (lws_write(r->wsi, room + LWS_PRE, head + n + 2, LWS_WRITE_HTTP) < 0)
        return -1;
    r->written += n;
    if (r->written == r->cmd.out.len)
        return chunks_written(r);
    lws_callback_on_writable(r->wsi);
    return 0;
}

static int writeable(struct admin_request *r)
{
    unsigned char room[LWS_PRE + 32768];
    size_t n = r->cmd.out.len - r->written;
    bool last = n <= sizeof(room) - LWS_PRE;

    if (r->cmd.streaming)
        return chunk_write(r);
    if (!r->answered)
        return 0;
    if (!last)
        n = sizeof(room) - LWS_PRE;
    if (n > 0) {
        memcpy(room + LWS_PRE, r->cmd.out.data + r->written, n);
        if (lws_write(r->wsi, room + LWS_PRE, n,
                      last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
            return -1;
        r->written += n;
    }
    if (last && !lws_partial_buffered(r->wsi))
        return -1;
    lws_callback_on_writable(r->wsi);
    return 0;
}

static void gone(struct admin_request **slot)
{
    struct admin_request *r = *slot;

    *slot = NULL;
    if (r == NULL)
        return;
    r->wsi = NULL;
    r->cmd.gone = true;
    if (r->answered || !r->cmd.running)
        request_free(r);
    else if (r->cmd.more != NULL)
        r->cmd.more(r->cmd.more_arg); /* sees it, and may end at once */
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason,
                    void *user, void *in, size_t len)
{
    struct admin_request **slot = user;

    switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    case LWS_CALLBACK_RAW_ADOPT:
        return -1;
    case LWS_CALLBACK_HTTP:
        return request_begins(slot, wsi, in);
    case LWS_CALLBACK_HTTP_BODY:
        return *slot == NULL || buf_append(&(*slot)->body, in, len) < 0 ? -1
                                                                        : 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0); /* a backup takes long */
        if (*slot != NULL && !(*slot)->answered)
            admin_cmd_run(&(*slot)->cmd, buf_span(&(*slot)->body));
        return 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return slot == NULL || *slot == NULL ? -1 : writeable(*slot);
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED_HTTP:
        if (slot != NULL)
            gone(slot);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "http",
     .callback = callback,
     .per_session_data_size = sizeof(struct admin_request *)},
    {.name = NULL},
};

/* ---- listening ---- */

static void accept_one(struct admin *a, int listener, bool trusted)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct lws *wsi;

    if (fd < 0)
        return;
    wsi = lws_adopt_socket_vhost(a->vhost, fd);
    if (wsi != NULL && trusted)
        lws_set_opaque_user_data(wsi, a);
}

static void unix_ready(void *arg, int events)
{
    struct admin *a = arg;

    accept_one(a, a->unix_fd, true);
}

static void tcp_ready(void *arg, int events)
{
    struct admin *a = arg;

    accept_one(a, a->tcp_fd, false);
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
    a->unix_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    old = umask(0177);
    rc = bind(a->unix_fd, (struct sockaddr *)&at, sizeof(at));
    umask(old);
    if (rc < 0 || listen(a->unix_fd, 64) < 0)
        return error_set(err, CF_IO, "%s: %s", path, strerror(errno));
    a->unix_watch = loop_fd_new(a->server->loop, a->unix_fd, unix_ready, a);
    loop_fd_events(a->unix_watch, LOOP_READ);
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
        rc = a->tcp_fd = listen_reserve(&at, err);
    if (rc < 0)
        return rc;
    if (listen(a->tcp_fd, 64) < 0)
        return error_set(err, CF_IO, "admin: %s", strerror(errno));
    listen_format(&at, where, sizeof(where));
    snprintf(a->url, sizeof(a->url), "http://%s", where);
    a->tcp_watch = loop_fd_new(a->server->loop, a->tcp_fd, tcp_ready, a);
    loop_fd_events(a->tcp_watch, LOOP_READ);
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
    info.user = a;
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
    a->unix_fd = a->tcp_fd = -1;
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
    loop_fd_free(&a->unix_watch);
    loop_fd_free(&a->tcp_watch);
    if (a->unix_fd >= 0) {
        close(a->unix_fd);
        unlink(a->path);
    }
    if (a->tcp_fd >= 0)
        close(a->tcp_fd);
    if (a->lws != NULL)
        net_destroy(s->loop, &a->lws);
    free(a);
    s->admin = NULL;
}
