#include "link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libwebsockets.h>

#include "base/buf.h"
#include "base/mem.h"
#include "proto/limits.h"

#define OUT_MAX (1024 * 1024)
#define IN_MAX (2 * LIMIT_ENTRY_WIRE)
#define WRITE_MAX LIMIT_FRAME
#define TOO_BIG 1009 /* what it sends (RFC 6455, 7.4.1) */

struct chat_link {
    struct link_config cfg;
    struct link_events ev;
    struct lws_context *lws;
    struct lws *wsi;
    struct buf out; /* objects, LF after each */
    struct buf in;  /* the message that is coming in */
    char host[256];
    int close_code; /* we close with it */
    int peer_code;  /* it closed with it */
    bool up, told;
    struct error why;
};

/* ---- URL ---- */

struct address {
    char host[256];
    int port;
    bool tls;
};

static int parse_url(const char *url, struct address *a, struct error *err)
{
    static const struct {
        const char *scheme;
        bool tls;
        int port;
    } schemes[] = {{"ws://", false, 80},
                   {"wss://", true, 443},
                   {"http://", false, 80},
                   {"https://", true, 443}};
    const char *rest = NULL, *end, *colon;

    for (size_t i = 0; i < COUNT_OF(schemes) && rest == NULL; i++) {
        size_t n = strlen(schemes[i].scheme);

        if (strncmp(url, schemes[i].scheme, n) != 0)
            continue;
        rest = url + n;
        a->tls = schemes[i].tls;
        a->port = schemes[i].port;
    }
    if (rest == NULL)
        return error_set(err, CF_INVALID,
                         "'%s': a server is ws://HOST:PORT or wss://HOST:PORT",
                         url);
    end = rest + strcspn(rest, "/?#");
    colon = memchr(rest, ']', (size_t)(end - rest));
    colon = memchr(colon != NULL ? colon : rest, ':',
                   (size_t)(end - (colon != NULL ? colon : rest)));
    if (colon != NULL) {
        a->port = (int)strtol(colon + 1, NULL, 10);
        end = colon;
    }
    if (*rest == '[' && end > rest + 1 && end[-1] == ']') {
        rest++;
        end--;
    }
    if (end == rest || (size_t)(end - rest) >= sizeof(a->host) || a->port < 1 ||
        a->port > 65535)
        return error_set(err, CF_INVALID, "'%s': no usable host and port", url);
    memcpy(a->host, rest, (size_t)(end - rest));
    a->host[end - rest] = '\0';
    return 0;
}

/* ---- what happened ---- */

static void tell_down(struct chat_link *l)
{
    int code = l->peer_code != 0 ? l->peer_code : l->close_code;
    struct error why = l->why;

    l->wsi = NULL;
    l->up = false;
    buf_clear(&l->out);
    buf_clear(&l->in);
    if (l->told)
        return;
    l->told = true;
    if (why.code == 0)
        error_set(&why, CF_CLOSED, "the connection was closed");
    l->ev.down(l->ev.ctx, code, &why);
}

/* libwebsockets says why in words only. */
static int code_of(const char *text)
{
    if (strstr(text, "DNS") != NULL || strstr(text, "getaddrinfo") != NULL)
        return CF_NOT_FOUND;
    if (strstr(text, "cert") != NULL || strstr(text, "ssl") != NULL ||
        strstr(text, "SSL") != NULL || strstr(text, "tls") != NULL)
        return CF_DENIED;
    if (strstr(text, "upgrade") != NULL || strstr(text, "HS:") != NULL)
        return CF_VERSION;
    return CF_UNAVAILABLE;
}

static void failed(struct chat_link *l, const char *text, size_t n)
{
    char copy[200];

    snprintf(copy, sizeof(copy), "%.*s", (int)n, text != NULL ? text : "");
    error_set(&l->why, code_of(copy), "cannot connect to %s: %s", l->host,
              copy[0] != '\0' ? copy : "no answer");
    tell_down(l);
}

static int receive(struct chat_link *l, struct lws *wsi, void *in, size_t len)
{
    /* To refuse here and now would be wrong: libwebsockets goes on to read
     * until the other side has closed, into a buffer that it has not emptied.
     */
    if (l->close_code == TOO_BIG)
        return 0;
    if (buf_append(&l->in, in, len) < 0) {
        buf_clear(&l->in);
        chat_link_close(l, TOO_BIG);
        return 0;
    }
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0)
        return 0;
    l->ev.message(l->ev.ctx, buf_span(&l->in));
    buf_clear(&l->in);
    return 0;
}

/* How much of out is one message: whole objects, bounded in bytes and count.
 */
static size_t message_size(const struct buf *out)
{
    size_t end = 0, objects = 0;

    for (size_t i = 0; i < out->len; i++) {
        if (out->data[i] != '\n')
            continue;
        if (end > 0 && i > WRITE_MAX)
            break;
        end = i + 1;
        if (++objects == LIMIT_FRAME_OBJECTS)
            break;
    }
    return end;
}

static int writeable(struct chat_link *l, struct lws *wsi)
{
    size_t n = message_size(&l->out);
    unsigned char *room;
    int rc;

    if ((n == 0 && l->close_code != 0) || l->close_code == TOO_BIG) {
        lws_close_reason(wsi, (enum lws_close_status)l->close_code, NULL, 0);
        return -1;
    }
    if (n == 0)
        return 0;
    room = mem_alloc(LWS_PRE + n);
    memcpy(room + LWS_PRE, l->out.data, n - 1); /* the last LF stays behind */
    rc = lws_write(wsi, room + LWS_PRE, n - 1, LWS_WRITE_TEXT);
    free(room);
    if (rc < 0)
        return -1;
    buf_consume(&l->out, n);
    if (l->out.len > 0 || l->close_code != 0)
        lws_callback_on_writable(wsi);
    return 0;
}

static void peer_closes(struct chat_link *l, const unsigned char *in,
                        size_t len)
{
    if (len >= 2)
        l->peer_code = in[0] << 8 | in[1];
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason,
                    void *user, void *in, size_t len)
{
    struct chat_link *l = lws_context_user(lws_get_context(wsi));

    if (l == NULL || (l->wsi != NULL && wsi != l->wsi))
        return 0;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        failed(l, in, len);
        return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        l->up = true;
        lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
        l->ev.up(l->ev.ctx);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return receive(l, wsi, in, len);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return writeable(l, wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        peer_closes(l, in, len);
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        tell_down(l);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        if (wsi == l->wsi) /* it went without a word, while connecting */
            tell_down(l);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "confab.v1", .callback = callback, .rx_buffer_size = 16384},
    {.name = NULL},
};

/* ---- life ---- */

static const lws_retry_bo_t no_idle_policy = {0};

struct chat_link *chat_link_new(const struct link_config *cfg,
                                const struct link_events *ev)
{
    struct chat_link *l = mem_alloc(sizeof(*l));
    struct lws_context_creation_info info = {0};
    void *loops[1] = {loop_native(cfg->loop)};

    l->cfg = *cfg;
    l->ev = *ev;
    buf_init(&l->out, OUT_MAX);
    buf_init(&l->in, IN_MAX);
    if (cfg->instead != NULL)
        return l;
    lws_set_log_level(0, NULL);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = protocols;
    info.options =
        LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME;
    if (cfg->tls)
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.foreign_loops = loops;
    info.pcontext = &l->lws; /* becomes NULL when all is closed */
    info.user = l;
    info.timeout_secs = 10;
    info.connect_timeout_secs = 10;
    info.retry_and_idle_policy = &no_idle_policy;
    info.client_ssl_ca_filepath = cfg->ca_file;
    info.ssl_client_options_set = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1;
    info.fd_limit_per_thread = 64;
    l->lws = lws_create_context(&info);
    if (l->lws == NULL) {
        buf_release(&l->out);
        buf_release(&l->in);
        free(l);
        return NULL;
    }
    return l;
}

/* On a foreign loop destroying is a request: the handles close in turns of
 * the loop, and a second call finishes it. */
static void destroy(struct chat_link *l)
{
    if (l->lws == NULL)
        return;
    lws_context_destroy(l->lws);
    for (int i = 0; i < 100 && l->lws != NULL; i++)
        loop_run_once(l->cfg.loop, false);
    if (l->lws != NULL)
        lws_context_destroy(l->lws);
    l->lws = NULL;
}

void chat_link_free(struct chat_link **lp)
{
    struct chat_link *l = *lp;

    if (l == NULL)
        return;
    l->told = true;
    destroy(l);
    buf_release(&l->out);
    buf_release(&l->in);
    free(l);
    *lp = NULL;
}

int chat_link_connect(struct chat_link *l, const char *url, struct error *err)
{
    struct lws_client_connect_info info = {0};
    struct address a = {0};
    int rc = parse_url(url, &a, err);

    if (rc < 0)
        return rc;
    if (a.tls && !l->cfg.tls)
        return error_set(err, CF_INVALID, "%s: this link is without TLS", url);
    snprintf(l->host, sizeof(l->host), "%s", a.host);
    l->close_code = l->peer_code = 0;
    l->why = (struct error){0};
    l->told = false;
    if (l->cfg.instead != NULL) {
        l->up = true;
        l->ev.up(l->ev.ctx);
        return 0;
    }
    info.context = l->lws;
    info.address = a.host;
    info.host = a.host;
    info.port = a.port;
    info.path = "/v1/chat";
    info.protocol = "confab.v1";
    info.local_protocol_name = "confab.v1";
    info.ssl_connection = a.tls ? LCCSCF_USE_SSL : 0;
    info.pwsi = &l->wsi;
    if (lws_client_connect_via_info(&info) == NULL && !l->told)
        failed(l, "connection refused", 18);
    return 0;
}

int chat_link_send(struct chat_link *l, struct span object)
{
    if (!l->up || l->close_code != 0)
        return -CF_CLOSED;
    if (l->cfg.instead != NULL) {
        l->cfg.instead->sent(l->cfg.instead->ctx, object);
        return 0;
    }
    if (l->out.len + object.n + 1 > l->out.max)
        return -CF_TOO_BIG;
    buf_append_span(&l->out, object);
    buf_append_byte(&l->out, '\n');
    lws_callback_on_writable(l->wsi);
    return 0;
}

void chat_link_feed(struct chat_link *l, struct span text)
{
    if (l->cfg.instead != NULL && l->up)
        l->ev.message(l->ev.ctx, text);
}

void chat_link_feed_end(struct chat_link *l, int code)
{
    struct error why = {.code = CF_CLOSED};

    if (l->cfg.instead == NULL || !l->up)
        return;
    snprintf(why.text, sizeof(why.text), "the server closed the connection");
    l->up = false;
    l->ev.down(l->ev.ctx, code, &why);
}

void chat_link_close(struct chat_link *l, int code)
{
    if (l->cfg.instead != NULL && l->up && l->close_code == 0) {
        l->close_code = code;
        l->cfg.instead->closed(l->cfg.instead->ctx, code);
    }
    if (l->wsi == NULL)
        return;
    l->close_code = code;
    if (l->up) {
        lws_callback_on_writable(l->wsi);
        return;
    }
    /* A line that is not up yet: libwebsockets would look at a timeout only
     * when something else happens, but notices an end. */
    if (shutdown(lws_get_socket_fd(l->wsi), SHUT_RDWR) == 0)
        return;
    lws_set_timeout(l->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
    lws_cancel_service(l->lws); /* or nobody looks at that timeout */
}
