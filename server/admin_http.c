#include "admin_http.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "admin_cmd.h"
#include "auth.h"
#include "base/mem.h"
#include "guard.h"
#include "metrics_page.h"
#include "shard.h"

#define CHUNK ((size_t)32 * 1024)
#define BODY_MAX (4 * 1024 * 1024)
#define ANSWER_MAX (4 * 1024 * 1024)

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

/* Its address marks a connection of the unix socket. */
static char trust;

void admin_http_trust(struct lws *wsi)
{
    lws_set_opaque_user_data(wsi, &trust);
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
    auth_wipe_buf(&r->cmd.out); /* tokens, passwords */
    auth_wipe_buf(&r->body);
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

/* Who is at the other end of a unix socket (SO_PEERCRED, unix(7)): what the
 * kernel says, not what the request says. */
static void name_peer(struct lws *wsi, char *out, size_t size)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    struct passwd *user;

    if (getsockopt(lws_get_socket_fd(wsi), SOL_SOCKET, SO_PEERCRED, &peer,
                   &len) < 0) {
        snprintf(out, size, "?");
        return;
    }
    user = getpwuid(peer.uid);
    if (user != NULL)
        snprintf(out, size, "%s", user->pw_name);
    else
        snprintf(out, size, "uid %lu", (unsigned long)peer.uid);
}

/* Room for the whole body at once: a growing buffer leaves copies of a
 * password behind. */
static void reserve_body(struct admin_request *r)
{
    char text[24];
    long n = 0;

    if (guard_header(r->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof(text)))
        n = strtol(text, NULL, 10);
    if (n > 0 && n <= BODY_MAX)
        buf_reserve(&r->body, (size_t)n);
}

static struct admin_request *request_new(struct lws *wsi)
{
    struct admin_request *r = mem_alloc(sizeof(*r));

    r->cmd.server = lws_context_user(lws_get_context(wsi));
    r->cmd.status = 200;
    r->cmd.done = command_done;
    r->cmd.flush = command_streams;
    r->wsi = wsi;
    r->trusted = lws_get_opaque_user_data(wsi) == &trust;
    buf_init(&r->body, BODY_MAX);
    buf_init(&r->cmd.out, ANSWER_MAX);
    if (r->trusted)
        name_peer(wsi, r->cmd.by, sizeof(r->cmd.by));
    reserve_body(r);
    return r;
}

static int request_begins(struct admin_request **slot, struct lws *wsi,
                          const char *path)
{
    bool post = lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0;
    struct admin_request *r = request_new(wsi);

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

int admin_http_callback(struct lws *wsi, enum lws_callback_reasons reason,
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
