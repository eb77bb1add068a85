#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts.h"
#include "base/mem.h"
#include "guard.h"
#include "net.h"
#include "proto/encode.h"
#include "proto/limits.h"

struct route {
    const char *method, *path;
    void (*handle)(struct http_peer *h); /* the whole body is there */
    bool token;                          /* needs Authorization: Bearer */
};

static const struct route routes[] = {
    {"POST", "/v1/register", account_register_request, false},
    {"POST", "/v1/login", account_login_request, false},
    {"POST", "/v1/logout", account_logout_request, true},
    {"POST", "/v1/password", account_password_request, true},
    {"POST", "/v1/frames", http_frames, true},
    {"GET", "/v1/stream", http_stream, true},
    {"GET", "/v1/poll", http_poll, true},
};

/* ---- answering ---- */

static int status_of(const char *code)
{
    static const struct {
        const char *code;
        int status;
    } table[] = {
        {"auth", 401},       {"blocked", 403}, {"not_found", 404},
        {"exists", 409},     {"too_big", 413}, {"rate", 429},
        {"busy", 503},       {"limit", 403},   {"unavailable", 503},
        {"store_full", 503}, {"timeout", 503}, {"expired", 403},
        {"version", 426},
    };

    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (strcmp(table[i].code, code) == 0)
            return table[i].status;
    return 400;
}

static int add_header(struct http_peer *h, const char *name, const char *value,
                      unsigned char **at, unsigned char *end)
{
    return lws_add_http_header_by_name(h->wsi, (const unsigned char *)name,
                                       (const unsigned char *)value,
                                       (int)strlen(value), at, end);
}

int http_headers(struct http_peer *h, int status, const char *type,
                 int64_t length, int64_t retry)
{
    unsigned char room[LWS_PRE + 1024];
    unsigned char *start = room + LWS_PRE, *at = start;
    unsigned char *end = room + sizeof(room) - 1;
    lws_filepos_t n =
        length < 0 ? LWS_ILLEGAL_HTTP_CONTENT_LEN : (lws_filepos_t)length;
    char text[24];
    int bad;

    h->answered = true;
    bad = lws_add_http_common_headers(h->wsi, (unsigned)status, type, n, &at,
                                      end);
    bad |= add_header(h, "cache-control:", "no-store", &at, end);
    bad |= add_header(h, "x-content-type-options:", "nosniff", &at, end);
    if (retry > 0) {
        snprintf(text, sizeof(text), "%lld", (long long)(retry + 999) / 1000);
        bad |= add_header(h, "retry-after:", text, &at, end);
    }
    if (bad)
        return -1;
    return lws_finalize_write_http_header(h->wsi, start, &at, end);
}

static void answer(struct http_peer *h, int status, int64_t retry)
{
    h->finished = true;
    if (http_headers(h, status, "application/json", (int64_t)h->out.len,
                     retry) < 0)
        h->out.len = 0;
    lws_callback_on_writable(h->wsi);
}

void http_answer(struct http_peer *h, int status, struct span body)
{
    if (h->answered)
        return;
    buf_clear(&h->out);
    buf_append_span(&h->out, body);
    if (body.n > 0)
        buf_append_byte(&h->out, '\n');
    answer(h, status, 0);
}

void http_error(struct http_peer *h, const char *code, int64_t retry,
                const char *msg)
{
    if (h->answered)
        return;
    buf_clear(&h->out);
    enc_err(&h->out, 0, code, retry, 0, msg);
    buf_append_byte(&h->out, '\n');
    answer(h, status_of(code), retry);
}

/* ---- a request comes in ---- */

bool http_argument(struct http_peer *h, const char *name, char *out,
                   size_t size)
{
    char pattern[40];
    const char *value;

    snprintf(pattern, sizeof(pattern), "%s=", name);
    value = lws_get_urlarg_by_name(h->wsi, pattern, out, (int)size);
    if (value == NULL)
        return false;
    memmove(out, value, strlen(value) + 1);
    return true;
}

static bool read_token(struct http_peer *h)
{
    char text[LIMIT_TOKEN + 16];

    if (!guard_header(h->wsi, WSI_TOKEN_HTTP_AUTHORIZATION, text,
                      sizeof(text)) ||
        strncasecmp(text, "Bearer ", 7) != 0 || strlen(text + 7) > LIMIT_TOKEN)
        return false;
    strncpy(h->token, text + 7, sizeof(h->token) - 1);
    return true;
}

static const struct route *route_find(struct lws *wsi, const char *path,
                                      bool *known)
{
    const char *method =
        lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0    ? "GET"
        : lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0 ? "POST"
                                                            : "?";

    *known = false;
    for (size_t i = 0; i < COUNT_OF(routes); i++) {
        if (strcmp(routes[i].path, path) != 0)
            continue;
        *known = true;
        if (strcmp(routes[i].method, method) == 0)
            return &routes[i];
    }
    return NULL;
}

/* Bytes of the body that was announced; -1: not acceptable. */
static long content_length(struct lws *wsi)
{
    char text[24];
    char *end;
    long n;

    if (!guard_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof(text)))
        return 0;
    n = strtol(text, &end, 10);
    return *end != '\0' || n < 0 || n > LIMIT_HTTP_BODY ? -1 : n;
}

static struct http_peer *peer_new(struct lws *wsi)
{
    struct http_peer *h = mem_alloc(sizeof(*h));

    h->peer.shard = lws_context_user(lws_get_context(wsi));
    h->wsi = wsi;
    buf_init(&h->body, LIMIT_HTTP_BODY);
    buf_init(&h->out, 4 * LIMIT_FRAME);
    return h;
}

static int refuse(struct lws *wsi, unsigned status, const char *why)
{
    lws_return_http_status(wsi, status, why);
    return -1;
}

/* Once: libwebsockets also reports the end of a body of no bytes. */
static void handle(struct http_peer *h)
{
    if (h->answered || h->handled)
        return;
    h->handled = true;
    h->route->handle(h);
}

static int request_begins(struct http_peer **slot, struct lws *wsi,
                          const char *path)
{
    bool known;
    const struct route *r = route_find(wsi, path, &known);
    long length = content_length(wsi);
    struct http_peer *h;
    const char *why;
    int status;

    if (lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) > 0)
        return refuse(wsi, 400, "chat is at GET /v1/chat, protocol confab.v1");
    if (r == NULL)
        return known ? refuse(wsi, 405, "wrong method")
                     : refuse(wsi, 404, "see confab-protocol(7)");
    why = guard_forwarded(lws_context_user(lws_get_context(wsi)), wsi, &status);
    if (why != NULL)
        return refuse(wsi, (unsigned)status, why);
    h = peer_new(wsi);
    *slot = h;
    h->route = r;
    if (length < 0) {
        http_error(h, "too_big", 0, "the body is over 256 KiB");
        return 0;
    }
    if (r->token && !read_token(h)) {
        http_error(h, "auth", 0, "Authorization: Bearer TOKEN is needed");
        return 0;
    }
    if (strcmp(r->method, "GET") == 0 || length == 0)
        handle(h);
    return 0;
}

static int body_comes(struct http_peer *h, const void *in, size_t len)
{
    if (h->answered)
        return 0;
    if (buf_append(&h->body, in, len) < 0)
        http_error(h, "too_big", 0, "the body is over 256 KiB");
    return 0;
}

/* ---- writing ---- */

/* Write what is in out. 1: all of it is written; 0: later; -1: broken. */
static int write_out(struct http_peer *h)
{
    unsigned char room[LWS_PRE + 16384];
    size_t n = h->out.len - h->written;
    enum lws_write_protocol how = LWS_WRITE_HTTP;

    if (n > sizeof(room) - LWS_PRE)
        n = sizeof(room) - LWS_PRE;
    else if (h->finished)
        how = LWS_WRITE_HTTP_FINAL;
    if (n == 0)
        return 1;
    memcpy(room + LWS_PRE, h->out.data + h->written, n);
    if (lws_write(h->wsi, room + LWS_PRE, n, how) < 0)
        return -1;
    h->written += n;
    if (h->written < h->out.len || lws_partial_buffered(h->wsi)) {
        lws_callback_on_writable(h->wsi);
        return 0;
    }
    buf_clear(&h->out);
    h->written = 0;
    return 1;
}

static int writeable(struct http_peer *h)
{
    int rc;

    if (!h->answered)
        return 0;
    if (h->written == h->out.len && h->streaming && !h->finished &&
        http_live_writeable(h) < 0)
        return -1;
    rc = write_out(h);
    if (rc < 0)
        return -1;
    return rc == 1 && h->finished ? -1 : 0;
}

static void gone(struct http_peer **slot)
{
    struct http_peer *h = *slot;

    if (h == NULL)
        return;
    *slot = NULL;
    account_abandon(h);
    http_live_gone(h);
    list_remove(&h->peer.kicked);
    memset(h->token, 0, sizeof(h->token));
    buf_release(&h->body);
    buf_release(&h->out);
    free(h);
}

int http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user,
                  void *in, size_t len)
{
    struct http_peer **slot = user;

    switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return guard_upgrade_name(in) ? 0 : -1;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return net_filter(wsi); /* an upgrade that names no protocol */
    case LWS_CALLBACK_RAW_ADOPT:
        return -1; /* CONNECT */
    case LWS_CALLBACK_HTTP:
        return request_begins(slot, wsi, in);
    case LWS_CALLBACK_HTTP_BODY:
        return *slot == NULL ? -1 : body_comes(*slot, in, len);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        if (*slot == NULL)
            return -1;
        handle(*slot);
        return 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return slot == NULL || *slot == NULL ? -1 : writeable(*slot);
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED_HTTP:
        if (slot != NULL)
            gone(slot);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        net_gone(wsi);
        return 0;
    default:
        return 0;
    }
}
