/* POST /v1/frames, GET /v1/stream, GET /v1/poll: the chat over plain HTTP. */
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/wire.h"
#include "guard.h"
#include "net.h"
#include "proto/frame.h"
#include "proto/ids.h"
#include "proto/limits.h"

#define POLL_WAIT_MAX 60
#define STREAM_OUT (64 * 1024) /* gathered before a write */

static const char *code_of_close(int code)
{
    switch (code) {
    case 4401:
        return "auth";
    case 4400:
        return "bad_frame";
    case 4000:
        return "unavailable";
    default:
        return "busy";
    }
}

static bool open_conn(struct http_peer *h, enum conn_type type,
                      struct mark last, bool auto_ack)
{
    h->peer.conn = conn_open(h->peer.shard->node, &h->peer, type);
    if (h->peer.conn == NULL) {
        http_error(h, "unavailable", 1000, "the server is closing");
        return false;
    }
    conn_login(h->peer.conn, span_of(h->token), last, auto_ack);
    return true;
}

/* The login failed: a status says so, not an object in a good answer. */
static bool refused(struct http_peer *h)
{
    int code = h->peer.close_code;

    if (h->answered || (code != 4401 && code != 1011))
        return false;
    http_error(h, code_of_close(code), 0,
               h->peer.close_why != NULL ? h->peer.close_why : "closed");
    return true;
}

static void let_in(struct http_peer *h)
{
    if (h->peer.conn != NULL && conn_user(h->peer.conn) != 0)
        net_let_in(h->wsi);
}

static void http_closing(struct peer *p)
{
    struct http_peer *h = container_of(p, struct http_peer, peer);

    /* A peer that does not even take the goodbye is cut after 5 s. */
    lws_set_timeout(h->wsi, PENDING_TIMEOUT_USER_REASON_BASE, 5);
}

static void http_pause(struct peer *p, bool on)
{
    struct http_peer *h = container_of(p, struct http_peer, peer);

    lws_rx_flow_control(h->wsi, !on);
}

/* ---- POST /v1/frames: requests in, answers out ---- */

static void take_answers(struct http_peer *h)
{
    const struct wire *w;

    while (h->peer.conn != NULL && (w = conn_next(h->peer.conn)) != NULL) {
        if (buf_append(&h->out, w->data, w->len) == 0)
            buf_append_byte(&h->out, '\n');
        conn_took(h->peer.conn);
    }
}

static void frames_end(struct http_peer *h)
{
    if (h->answered)
        return;
    h->finished = true;
    if (http_headers(h, 200, "application/x-ndjson", (int64_t)h->out.len, 0) <
        0)
        buf_clear(&h->out);
    lws_callback_on_writable(h->wsi);
}

static void frames_flush(struct peer *p)
{
    struct http_peer *h = container_of(p, struct http_peer, peer);
    bool known = p->conn != NULL && conn_user(p->conn) != 0;

    let_in(h);
    take_answers(h);
    if (p->close_code == 0)
        return;
    if (known && h->out.len > 0)
        frames_end(h);
    else
        http_error(h, code_of_close(p->close_code), 0,
                   p->close_why != NULL ? p->close_why : "closed");
}

static void frames_settled(struct peer *p)
{
    struct http_peer *h = container_of(p, struct http_peer, peer);

    take_answers(h);
    frames_end(h);
}

static const struct peer_ops frames_ops = {
    .flush = frames_flush,
    .closing = http_closing,
    .pause = http_pause,
    .settled = frames_settled,
};

void http_frames(struct http_peer *h)
{
    struct mark none = {0};

    h->peer.ops = &frames_ops;
    lws_set_timeout(h->wsi, PENDING_TIMEOUT_HTTP_CONTENT, 30);
    if (open_conn(h, CONN_POST, none, false))
        conn_receive(h->peer.conn, h->body.data, h->body.len, true);
}

/* ---- GET /v1/stream: server-sent events ---- */

static struct span kind_of(const struct wire *w)
{
    struct span t = json_member(span_make(w->data, w->len), "t");

    return t.p != NULL && t.n > 2 ? span_make(t.p + 1, t.n - 2) : SPAN("?");
}

static void put_event(struct buf *out, const struct wire *w)
{
    buf_append_text(out, "event: ");
    buf_append_span(out, kind_of(w));
    if (w->class == WIRE_ENTRY && w->seq > 0) {
        buf_append_text(out, "\nid: ");
        id_write(out, 'c', w->conv);
        buf_append_byte(out, ':');
        buf_append_i64(out, w->seq);
    }
    buf_append_text(out, "\ndata: ");
    buf_append(out, w->data, w->len);
    buf_append_text(out, "\n\n");
}

static void stream_flush(struct peer *p)
{
    struct http_peer *h = container_of(p, struct http_peer, peer);

    let_in(h);
    if (!h->answered && p->close_code != 0) {
        http_error(h, code_of_close(p->close_code), 0, p->close_why);
        return;
    }
    if (!h->answered) {
        h->streaming = true;
        lws_set_timeout(h->wsi, NO_PENDING_TIMEOUT, 0);
        if (http_headers(h, 200, "text/event-stream", -1, 0) < 0)
            h->finished = true;
    }
    lws_callback_on_writable(h->wsi);
}

int http_live_writeable(struct http_peer *h)
{
    const struct wire *w;

    while (h->peer.conn != NULL && h->out.len < STREAM_OUT &&
           (w = conn_next(h->peer.conn)) != NULL) {
        put_event(&h->out, w);
        conn_took(h->peer.conn);
    }
    if (h->peer.close_code != 0)
        h->finished = true;
    return h->finished && h->out.len == 0 ? -1 : 0;
}

/* Last-Event-ID: conv:seq. */
static struct mark last_event(struct http_peer *h)
{
    struct mark m = {0};
    static const char name[] = "last-event-id:";
    char text[64];
    char *colon;
    int n = lws_hdr_custom_length(h->wsi, name, sizeof(name) - 1);

    if (n <= 0 || n >= (int)sizeof(text) ||
        lws_hdr_custom_copy(h->wsi, text, sizeof(text), name,
                            sizeof(name) - 1) < 0)
        return m;
    colon = strchr(text, ':');
    if (colon == NULL ||
        !id_parse(span_make(text, (size_t)(colon - text)), 'c', &m.conv))
        return (struct mark){0};
    m.seq = strtoll(colon + 1, NULL, 10);
    return m;
}

static bool wants_auto_ack(struct http_peer *h)
{
    char text[16];

    return http_argument(h, "ack", text, sizeof(text)) &&
           strcmp(text, "auto") == 0;
}

static const struct peer_ops stream_ops = {
    .flush = stream_flush,
    .closing = http_closing,
    .pause = http_pause,
};

void http_stream(struct http_peer *h)
{
    h->peer.ops = &stream_ops;
    open_conn(h, CONN_STREAM, last_event(h), wants_auto_ack(h));
}

/* ---- GET /v1/poll: what there is, or the first that comes ---- */

static void poll_end(struct http_peer *h)
{
    if (h->answered)
        return;
    if (h->out.len > 0) {
        frames_end(h);
        return;
    }
    h->finished = true;
    http_headers(h, 204, "application/x-ndjson", 0, 0);
    lws_callback_on_writable(h->wsi);
}

static void poll_timeout(void *arg)
{
    poll_end(arg);
}

static bool is_news(const struct wire *w)
{
    struct span kind = kind_of(w);

    return !span_is(kind, "welcome") && !span_is(kind, "synced");
}

static void poll_flush(struct peer *p)
{
    struct http_peer *h = container_of(p, struct http_peer, peer);
    const struct wire *w;

    let_in(h);
    if (h->answered || refused(h))
        return;
    while (p->conn != NULL && h->out.len < LIMIT_FRAME &&
           (w = conn_next(p->conn)) != NULL) {
        h->synced = h->synced || span_is(kind_of(w), "synced");
        if (is_news(w) && buf_append(&h->out, w->data, w->len) == 0)
            buf_append_byte(&h->out, '\n');
        conn_took(p->conn);
    }
    if (p->close_code != 0 && h->out.len == 0)
        http_error(h, code_of_close(p->close_code), 0, p->close_why);
    else if (h->out.len > 0 || (h->synced && h->at_once))
        poll_end(h);
}

static const struct peer_ops poll_ops = {
    .flush = poll_flush,
    .closing = http_closing,
    .pause = http_pause,
};

void http_poll(struct http_peer *h)
{
    char text[16];
    long wait = 25;

    if (http_argument(h, "wait", text, sizeof(text)))
        wait = strtol(text, NULL, 10);
    if (wait < 0 || wait > POLL_WAIT_MAX) {
        http_error(h, "bad_frame", 0, "wait is 0 to 60 seconds");
        return;
    }
    h->peer.ops = &poll_ops;
    lws_set_timeout(h->wsi, NO_PENDING_TIMEOUT, 0);
    h->wait = loop_timer_new(h->peer.shard->loop, poll_timeout, h);
    h->at_once = wait == 0; /* as soon as the backlog was looked through */
    loop_timer_set(h->wait, wait > 0 ? wait * 1000 : 5000);
    open_conn(h, CONN_POLL, last_event(h), wants_auto_ack(h));
}

void http_live_gone(struct http_peer *h)
{
    struct conn *c = h->peer.conn;

    loop_timer_free(&h->wait);
    h->peer.conn = NULL;
    if (c != NULL)
        conn_lost(c);
}
