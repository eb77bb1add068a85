#include "net.h"

#include <malloc.h>

#include <libwebsockets.h>

#include "base/log.h"
#include "base/mem.h"
#include "guard.h"
#include "http.h"
#include "linger.h"
#include "peer.h"
#include "proto/limits.h"

/* Bytes that libwebsockets reads at a time and allocates per connection; beside
 * the state of TLS they do not count. Longer messages come in pieces, which
 * conn_receive() joins. */
#define RX_BYTES 512
#define TX_BYTES (64 * 1024)

/* Written without asking the socket first, which costs a system call: what it
 * does not take, libwebsockets keeps. */
#define UNASKED (64 * 1024)

/* One WebSocket; libwebsockets allocates it. */
struct net_peer {
    struct peer peer;
    struct lws *wsi;
    uint8_t fragments; /* of the message that is coming in */
};

static struct net_peer *net_peer_of(struct peer *p)
{
    return container_of(p, struct net_peer, peer);
}

/* ---- what a socket counts against ---- */

struct claim net_claim(struct lws *wsi)
{
    return (struct claim){(uintptr_t)lws_get_opaque_user_data(wsi)};
}

void net_set_claim(struct lws *wsi, struct claim c)
{
    lws_set_opaque_user_data(wsi, (void *)c.tagged);
}

void net_let_in(struct lws *wsi)
{
    struct claim c = net_claim(wsi);

    claim_release(&c);
    net_set_claim(wsi, c);
}

void net_gone(struct lws *wsi)
{
    struct shard *sh = lws_context_user(lws_get_context(wsi));
    struct claim c = net_claim(wsi);

    if (c.tagged == 0)
        return; /* not one of listen.c */
    claim_drop(sh, &c);
    net_set_claim(wsi, c);
    atomic_fetch_sub(&sh->connections, 1);
}

void net_adopt(struct shard *sh, int fd, bool secure, struct claim claim)
{
    lws_sock_file_fd_type sock = {.sockfd = fd};
    struct lws *wsi;

    if (secure)
        wsi = lws_adopt_descriptor_vhost(
            sh->secure, LWS_ADOPT_HTTP | LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL,
            sock, NULL, NULL);
    else
        wsi = lws_adopt_socket_vhost(sh->plain, fd);
    if (wsi != NULL) {
        net_set_claim(wsi, claim);
        return;
    }
    claim_drop(sh, &claim);
    atomic_fetch_sub(&sh->connections, 1);
}

/* ---- writing ---- */

/* One joined write. False: nothing was there, or the connection broke. */
static bool write_some(struct net_peer *np, size_t most)
{
    struct peer *p = &np->peer;
    unsigned char *out = (unsigned char *)p->shard->out + LWS_PRE;
    size_t n;

    if (p->conn == NULL)
        return false;
    n = conn_pull(p->conn, (char *)out, most);
    if (n == 0)
        return false;
    return lws_write(np->wsi, out, n, LWS_WRITE_TEXT) >= 0;
}

/* Written directly while the socket takes it: POLLOUT only when it is full. */
static void net_flush(struct peer *p)
{
    struct net_peer *np = net_peer_of(p);

    if (p->conn != NULL && conn_user(p->conn) != 0)
        net_let_in(np->wsi); /* its welcome is in the queue */
    if (!lws_partial_buffered(np->wsi) && write_some(np, UNASKED))
        while (conn_next(p->conn) != NULL && !lws_send_pipe_choked(np->wsi))
            if (!write_some(np, SHARD_OUT))
                break;
    if (p->close_code != 0 || (p->conn != NULL && conn_next(p->conn) != NULL))
        lws_callback_on_writable(np->wsi);
}

static void net_closing(struct peer *p)
{
    /* A peer that does not even take the goodbye is cut after 5 s. */
    lws_set_timeout(net_peer_of(p)->wsi, PENDING_TIMEOUT_USER_REASON_BASE, 5);
}

static void net_pause(struct peer *p, bool on)
{
    lws_rx_flow_control(net_peer_of(p)->wsi, !on);
}

static const struct peer_ops net_ops = {
    .flush = net_flush,
    .closing = net_closing,
    .pause = net_pause,
};

/* ---- WebSocket callbacks ---- */

static int socket_open(struct net_peer *np, struct lws *wsi)
{
    struct shard *sh = lws_context_user(lws_get_context(wsi));
    struct peer *p = &np->peer;

    p->ops = &net_ops;
    p->shard = sh;
    np->wsi = wsi;
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
    p->conn = conn_open(sh->node, p, CONN_SOCKET);
    if (p->conn == NULL) {
        lws_close_reason(wsi, 4000, (unsigned char *)"drain", 5);
        return -1;
    }
    return 0;
}

static int refuse(struct lws *wsi, int code, const char *why)
{
    struct net_peer *np = lws_wsi_user(wsi);
    struct peer *p = &np->peer;

    p->close_code = (uint16_t)code;
    lws_close_reason(wsi, (enum lws_close_status)code, (unsigned char *)why,
                     strlen(why));
    return -1;
}

/* libwebsockets accepts any length and any number of fragments. */
static int over_bounds(struct net_peer *np, struct lws *wsi)
{
    size_t left = lws_remaining_packet_payload(wsi);

    if (left > LIMIT_FRAME)
        return refuse(wsi, 1009, "over 256 KiB");
    if (lws_is_first_fragment(wsi))
        np->fragments = 0;
    if (left == 0 && ++np->fragments > LIMIT_FRAGMENTS)
        return refuse(wsi, 1009, "over 64 fragments");
    return 0;
}

static int socket_receive(struct net_peer *np, struct lws *wsi, void *in,
                          size_t len)
{
    struct peer *p = &np->peer;
    bool last =
        lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;

    if (p->conn == NULL || p->close_code != 0)
        return 0;
    if (lws_frame_is_binary(wsi))
        return refuse(wsi, 1003, "text frames only");
    if (over_bounds(np, wsi) != 0)
        return -1;
    conn_receive(p->conn, in, len, last);
    return 0;
}

static int socket_writeable(struct net_peer *np, struct lws *wsi)
{
    if (write_some(np, SHARD_OUT)) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    /* Ended from here, libwebsockets takes the socket for broken and sends no
     * close frame; ended from a timer's callback it sends one. */
    if (np->peer.close_code != 0)
        lws_set_timer_usecs(wsi, 1);
    return 0;
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
    struct net_peer *np = user;

    switch (reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return net_filter(wsi);
    case LWS_CALLBACK_ESTABLISHED:
        return socket_open(np, wsi);
    case LWS_CALLBACK_RECEIVE:
        return socket_receive(np, wsi, in, len);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return socket_writeable(np, wsi);
    case LWS_CALLBACK_TIMER:
        return refuse(wsi, np->peer.close_code,
                      np->peer.close_why != NULL ? np->peer.close_why : "");
    case LWS_CALLBACK_CLOSED:
        linger(np->peer.shard, lws_get_socket_fd(wsi), np->peer.close_code != 0,
               NULL);
        peer_gone(&np->peer);
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
     .per_session_data_size = sizeof(struct net_peer),
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
