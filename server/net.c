#include "net.h"

#include <malloc.h>

#include <libwebsockets.h>

#include "base/log.h"
#include "base/mem.h"
#include "guard.h"
#include "http.h"
#include "linger.h"
#include "listen.h"
#include "proto/limits.h"

/* Bytes that libwebsockets reads at a time and allocates per connection: all
 * the fat an idle connection has. Longer messages come in pieces, which
 * conn_receive() joins. */
#define RX_BYTES 64
#define TX_BYTES (64 * 1024)

/* Written without asking the socket first, which costs a system call: what it
 * does not take, libwebsockets keeps. */
#define UNASKED (64 * 1024)

/* ---- what the core asks of us ---- */

static void peer_kick(void *peer)
{
    struct peer *p = peer;

    if (p->kicked.next == NULL)
        list_push(&p->shard->kicked, &p->kicked);
}

static void peer_close(void *peer, int code, const char *why)
{
    struct peer *p = peer;

    if (p->close_code != 0)
        return;
    p->close_code = (uint16_t)code;
    p->close_why = why;
    peer_kick(p);
    /* A peer that does not even take the goodbye is cut after 5 s. */
    lws_set_timeout(p->wsi, PENDING_TIMEOUT_USER_REASON_BASE, 5);
}

static void peer_pause(void *peer, bool on)
{
    struct peer *p = peer;

    if (p->wsi != NULL)
        lws_rx_flow_control(p->wsi, !on);
}

static void peer_settled(void *peer)
{
    struct peer *p = peer;

    if (p->settled != NULL)
        p->settled(p);
}

const struct transport net_transport = {
    .kick = peer_kick,
    .close = peer_close,
    .pause = peer_pause,
    .settled = peer_settled,
};

/* ---- writing ---- */

/* One joined write. False: nothing was there, or the connection broke. */
static bool write_some(struct peer *p, size_t most)
{
    unsigned char *out = (unsigned char *)p->shard->out + LWS_PRE;
    size_t n;

    if (p->conn == NULL)
        return false;
    n = conn_pull(p->conn, (char *)out, most);
    if (n == 0)
        return false;
    return lws_write(p->wsi, out, n, LWS_WRITE_TEXT) >= 0;
}

/* Written directly while the socket takes it: POLLOUT only when it is full. */
static void socket_flush(struct peer *p)
{
    if (p->waiting && p->conn != NULL && conn_user(p->conn) != 0) {
        p->waiting = false; /* its welcome is in the queue */
        address_release(p->shard, p->wsi);
    }
    if (!lws_partial_buffered(p->wsi) && write_some(p, UNASKED))
        while (conn_next(p->conn) != NULL && !lws_send_pipe_choked(p->wsi))
            if (!write_some(p, SHARD_OUT))
                break;
    if (p->close_code != 0 || (p->conn != NULL && conn_next(p->conn) != NULL))
        lws_callback_on_writable(p->wsi);
}

void net_flush(struct shard *sh)
{
    struct link *l;

    while ((l = list_pop(&sh->kicked)) != NULL) {
        struct peer *p = container_of(l, struct peer, kicked);

        if (p->flush != NULL)
            p->flush(p);
        else
            socket_flush(p);
    }
}

/* ---- WebSocket callbacks ---- */

static int socket_open(struct peer *p, struct lws *wsi)
{
    struct shard *sh = lws_context_user(lws_get_context(wsi));

    p->shard = sh;
    p->wsi = wsi;
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
    p->conn = conn_open(sh->node, p, CONN_SOCKET);
    if (p->conn == NULL) {
        lws_close_reason(wsi, 4000, (unsigned char *)"drain", 5);
        return -1;
    }
    p->waiting = true;
    return 0;
}

static int refuse(struct lws *wsi, int code, const char *why)
{
    struct peer *p = lws_wsi_user(wsi);

    p->close_code = (uint16_t)code;
    lws_close_reason(wsi, (enum lws_close_status)code, (unsigned char *)why,
                     strlen(why));
    return -1;
}

/* libwebsockets accepts any length and any number of fragments. */
static int over_bounds(struct peer *p, struct lws *wsi)
{
    size_t left = lws_remaining_packet_payload(wsi);

    if (left > LIMIT_FRAME)
        return refuse(wsi, 1009, "over 256 KiB");
    if (lws_is_first_fragment(wsi))
        p->fragments = 0;
    if (left == 0 && ++p->fragments > LIMIT_FRAGMENTS)
        return refuse(wsi, 1009, "over 64 fragments");
    return 0;
}

static int socket_receive(struct peer *p, struct lws *wsi, void *in, size_t len)
{
    bool last =
        lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;

    if (p->conn == NULL || p->close_code != 0)
        return 0;
    if (lws_frame_is_binary(wsi))
        return refuse(wsi, 1003, "text frames only");
    if (over_bounds(p, wsi) != 0)
        return -1;
    conn_receive(p->conn, in, len, last);
    return 0;
}

static int socket_writeable(struct peer *p, struct lws *wsi)
{
    if (write_some(p, SHARD_OUT)) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    /* Ended from here, libwebsockets takes the socket for broken and sends no
     * close frame; ended from a timer's callback it sends one. */
    if (p->close_code != 0)
        lws_set_timer_usecs(wsi, 1);
    return 0;
}

static void socket_gone(struct peer *p)
{
    struct conn *c = p->conn;

    p->conn = NULL;
    list_remove(&p->kicked);
    if (c != NULL)
        conn_lost(c);
}

int net_filter(struct lws *wsi)
{
    struct shard *sh = lws_context_user(lws_get_context(wsi));
    int status;
    const char *why = guard_handshake(sh, wsi, &status);

    if (why == NULL)
        return 0;
    lws_return_http_status(wsi, (unsigned)status, why);
    return -1;
}

static int socket_callback(struct lws *wsi, enum lws_callback_reasons reason,
                           void *user, void *in, size_t len)
{
    struct peer *p = user;

    switch (reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return net_filter(wsi);
    case LWS_CALLBACK_ESTABLISHED:
        return socket_open(p, wsi);
    case LWS_CALLBACK_RECEIVE:
        return socket_receive(p, wsi, in, len);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return socket_writeable(p, wsi);
    case LWS_CALLBACK_TIMER:
        return refuse(wsi, p->close_code,
                      p->close_why != NULL ? p->close_why : "");
    case LWS_CALLBACK_CLOSED:
        linger(p->shard, lws_get_socket_fd(wsi), p->close_code != 0);
        socket_gone(p);
        return 0;
    case LWS_CALLBACK_RAW_ADOPT:
        return -1; /* CONNECT: no raw role, it has no timeout */
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "http",
     .callback = http_callback,
     .per_session_data_size = HTTP_PEER_BYTES},
    {.name = "confab.v1",
     .callback = socket_callback,
     .per_session_data_size = sizeof(struct peer),
     .rx_buffer_size = RX_BYTES,
     .tx_packet_size = TX_BYTES},
    {.name = NULL},
};

/* ---- context ---- */

/* No idle timers of libwebsockets: they are one sorted list, walked from the
 * head at each connect. Our deadlines live in the core's timer wheel. */
static const lws_retry_bo_t no_idle_policy = {0};

static void common_info(struct shard *sh, struct lws_context_creation_info *in)
{
    memset(in, 0, sizeof(*in));
    in->port = CONTEXT_PORT_NO_LISTEN_SERVER;
    in->protocols = protocols;
    in->extensions = NULL;
    in->options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                  LWS_SERVER_OPTION_VALIDATE_UTF8 |
                  LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME |
                  LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS; /* no client here */
    in->user = sh;
    in->alpn = "http/1.1";
    in->timeout_secs = 5;
    in->keepalive_timeout = 5;
    in->max_http_header_data = LIMIT_HTTP_HEADERS;
    in->max_http_header_pool = 64;
    in->retry_and_idle_policy = &no_idle_policy;
    in->server_string = "confabd";
}

static int open_vhosts(struct shard *sh, struct error *err)
{
    const struct settings *cfg = &sh->server->settings;
    struct lws_context_creation_info info;

    common_info(sh, &info);
    info.vhost_name = "plain";
    sh->plain = lws_create_vhost(sh->lws, &info);
    if (sh->plain == NULL)
        return error_set(err, CF_IO, "libwebsockets: no plain vhost");
    if (cfg->listen_tls.count == 0)
        return 0;
    info.vhost_name = "secure";
    info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                    LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
    info.ssl_cert_filepath = cfg->certificate;
    info.ssl_private_key_filepath = cfg->key;
    info.ssl_options_set = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 |
                           SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION;
    sh->secure = lws_create_vhost(sh->lws, &info);
    if (sh->secure == NULL)
        return error_set(err, CF_INVALID,
                         "cannot use certificate %s with key %s",
                         cfg->certificate, cfg->key);
    return 0;
}

static void lws_line(int level, const char *line)
{
    size_t n = strlen(line);

    while (n > 0 && line[n - 1] == '\n')
        n--;
    if (level & LLL_ERR)
        log_debug("libwebsockets: %.*s", (int)n, line);
}

int net_open(struct shard *sh, struct error *err)
{
    struct lws_context_creation_info info;
    void *loops[1] = {loop_native(sh->loop)};

    lws_set_log_level(LLL_ERR, lws_line);
    common_info(sh, &info);
    info.foreign_loops = loops;
    info.pcontext = &sh->lws; /* becomes NULL when all is closed */
    if (sh->server->settings.listen_tls.count > 0)
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    sh->lws = lws_create_context(&info);
    if (sh->lws == NULL)
        return error_set(err, CF_IO, "libwebsockets: no context");
    sh->out = mem_alloc(LWS_PRE + SHARD_OUT);
    return open_vhosts(sh, err);
}

/* On a foreign loop destroying is a request: the handles close in turns of the
 * loop, and a second call finishes it. Bounded, since a handle that never
 * closes is not worth a hang. */
void net_destroy(struct loop *loop, struct lws_context **context)
{
    lws_context_destroy(*context);
    for (int i = 0; i < 100 && *context != NULL; i++)
        loop_run_once(loop, false);
    if (*context != NULL)
        lws_context_destroy(*context);
    *context = NULL;
}

void net_close(struct shard *sh)
{
    if (sh->lws != NULL)
        net_destroy(sh->loop, &sh->lws);
    free(sh->out);
    sh->out = NULL;
}

void net_reload(struct shard *sh)
{
    const struct settings *cfg = &sh->server->settings;

    if (sh->secure == NULL)
        return;
    if (lws_tls_cert_updated(sh->lws, cfg->certificate, cfg->key, NULL, 0, NULL,
                             0) != 0)
        log_error("node %d: certificate %s not reloaded", sh->number,
                  cfg->certificate);
    else
        log_info("node %d: certificate reloaded", sh->number);
}
