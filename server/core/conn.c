/* conn.c - a connection's life: opened, fed with messages, closed. Closing
 * marks and lets go of everything but the queue; conn_lost() frees. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/conn.h"

#define PENDING_MOST 64
#define PENDING_FEW 32
#define BEAT_EVERY_S 10
#define ERRORS_WINDOW_S 10

static const unsigned may_follow[] = {
    [CONN_NEW] = IN(CONN_LOGIN) | IN(CONN_CLOSED),
    [CONN_LOGIN] = IN(CONN_SYNC) | IN(CONN_CLOSED),
    [CONN_SYNC] = IN(CONN_READY) | IN(CONN_CLOSED),
    [CONN_READY] = IN(CONN_CLOSED),
    [CONN_CLOSED] = 0,
};

void conn_set_state(struct conn *c, enum conn_state next)
{
    assert(may_follow[c->state] & IN(next));
    log_debug("conn %" PRIu64 ": state %d -> %d", c->id, c->state, next);
    c->state = next;
}

struct conn *conn_find(struct node *n, uint64_t id)
{
    struct conn *c = map_get(&n->conns, id);

    return c != NULL && c->state != CONN_CLOSED ? c : NULL;
}

uint64_t conn_id(const struct conn *c)
{
    return c->id;
}

uint64_t conn_user(const struct conn *c)
{
    return c->user != NULL ? c->user->id : 0;
}

void conn_fetch(const struct conn *c)
{
    if (c == NULL)
        return;
    __builtin_prefetch(c);
    __builtin_prefetch((const char *)c + 64);
    __builtin_prefetch((const char *)c + 128);
}

void conn_fetch_user(const struct conn *c)
{
    if (c != NULL && c->user != NULL) {
        __builtin_prefetch(c->user);
        __builtin_prefetch(c->user + 1);
    }
}

/* ---- deadlines: one lazy timer ---- */

static bool is_socket(const struct conn *c)
{
    return c->type == CONN_SOCKET;
}

static void deadline_post(struct conn *c)
{
    /* What was not answered by now is unknown; the client asks again. */
    c->pending = 0;
    c->node->env.transport->settled(c->peer);
}

/* Mono ms when ms have passed since that second, never early. */
static int64_t after(uint32_t since, int64_t ms)
{
    return ((int64_t)since + 1) * 1000 + ms;
}

/* Next time something can be overdue. */
static int64_t next_deadline(const struct conn *c)
{
    const struct node_config *cfg = &c->node->config;
    int64_t next = 0;

    if (is_socket(c))
        next = after(c->seen, cfg->ttl_ms);
    if (c->out_len > 0) {
        int64_t stall = after(c->moved, cfg->stall_ms);

        next = next == 0 || stall < next ? stall : next;
    }
    if (c->rx != NULL && after(c->rx_since, LIMIT_MESSAGE_MS) < next)
        next = after(c->rx_since, LIMIT_MESSAGE_MS);
    return next != 0 ? next : now_mono(c->node) + cfg->stall_ms;
}

/* Only messages in pieces come here, so the wheel is touched rarely. */
void conn_message_began(struct conn *c)
{
    struct node *n = c->node;

    c->rx_since = now_seconds(n);
    if (c->state != CONN_NEW && is_socket(c) &&
        c->deadline.due > after(c->rx_since, LIMIT_MESSAGE_MS))
        timer_set(&n->wheel, &c->deadline,
                  after(c->rx_since, LIMIT_MESSAGE_MS));
}

static bool overdue(const struct node *n, uint32_t since, int64_t ms)
{
    return now_mono(n) >= after(since, ms);
}

static void deadline(struct timer *t, void *node)
{
    struct conn *c = container_of(t, struct conn, deadline);
    struct node *n = node;
    const struct node_config *cfg = &n->config;

    if (c->state == CONN_NEW) {
        conn_close(c, 4003, "no hello");
        return;
    }
    if (c->type == CONN_POST) {
        deadline_post(c);
        return;
    }
    if (c->out_len > 0 && overdue(n, c->moved, cfg->stall_ms)) {
        conn_close(c, 4002, "write stalled");
        return;
    }
    if (c->rx != NULL && !c->paused &&
        now_mono(n) >= after(c->rx_since, LIMIT_MESSAGE_MS)) {
        conn_close(c, 4400, "message took too long");
        return;
    }
    if (is_socket(c) && overdue(n, c->seen, cfg->ttl_ms)) {
        if (!c->paused) {
            conn_close(c, 4001, "heartbeat missed");
            return;
        }
        c->seen = now_seconds(n); /* it was us who did not read */
        c->pending = 0;
        conn_pressure(c);
    }
    credit_rest(c);
    timer_set(&n->wheel, &c->deadline, next_deadline(c));
}

/* ---- opening ---- */

struct conn *conn_open(struct node *n, void *peer, enum conn_type type)
{
    struct conn *c;

    if (n->draining || !n->ready)
        return NULL;
    c = mem_alloc(sizeof(*c));
    c->node = n;
    c->peer = peer;
    c->type = (uint8_t)type;
    c->id = ++n->next_conn;
    c->seen = c->moved = now_seconds(n);
    c->win_entries = LIMIT_WIN_ENTRIES;
    c->win_bytes = LIMIT_WIN_BYTES;
    list_init(&c->subs);
    list_init(&c->behind);
    timer_init(&c->deadline, deadline);
    timer_set(&n->wheel, &c->deadline, now_mono(n) + n->config.hello_ms);
    map_put(&n->conns, c->id, c);
    metrics_set(&n->metrics, NM_CONNS, n->conns.len);
    return c;
}

void conn_login(struct conn *c, struct span token, struct mark last,
                bool auto_ack)
{
    struct sync *sy;

    if (c->state != CONN_NEW)
        return;
    sy = mem_alloc(sizeof(*sy));
    buf_init(&sy->held, LIMIT_RX);
    c->sync = sy;
    c->auto_ack = auto_ack;
    if (last.conv != 0) {
        sy->seen = mem_copy(&last, sizeof(last));
        sy->seen_count = 1;
    }
    timer_set(&c->node->wheel, &c->deadline,
              now_mono(c->node) + c->node->config.stall_ms);
    sync_start(c, token);
}

/* ---- frames out ---- */

void conn_settled(struct conn *c)
{
    if (c->type == CONN_POST && c->state == CONN_READY && c->pending == 0 &&
        !c->handling)
        c->node->env.transport->settled(c->peer);
}

bool conn_push(struct conn *c, struct wire *w)
{
    if (c->state == CONN_CLOSED)
        return false;
    return outq_push(c, w);
}

bool conn_put(struct conn *c, enum wire_class class, uint64_t conv, int64_t seq,
              struct span bytes)
{
    struct wire *w = wire_new(class, conv, seq, bytes);
    bool pushed = conn_push(c, w);

    wire_unref(w);
    return pushed;
}

void conn_purge(struct conn *c, uint64_t conv, int64_t above)
{
    outq_purge(c, conv, above);
}

void conn_pressure(struct conn *c)
{
    bool much = c->pending > PENDING_MOST || c->out_bytes > LIMIT_OUTQ_BYTES;
    bool little =
        c->pending < PENDING_FEW && c->out_bytes < LIMIT_OUTQ_BYTES / 2;

    if (c->state == CONN_CLOSED || (c->paused ? !little : !much))
        return;
    c->paused = !c->paused;
    c->node->env.transport->pause(c->peer, c->paused);
}

void conn_answered(struct conn *c)
{
    if (c->state == CONN_CLOSED)
        return;
    if (c->pending > 0)
        c->pending--;
    conn_pressure(c);
    conn_settled(c);
}

void conn_answer(struct conn *c, struct span bytes)
{
    conn_put(c, WIRE_ANSWER, 0, 0, bytes);
    conn_answered(c);
}

static void put_error(struct conn *c, int64_t re, const char *code,
                      int64_t retry, const char *msg)
{
    struct buf *out = &c->node->scratch;

    buf_clear(out);
    if (enc_err(out, re, code, retry, 0, msg) == 0)
        conn_put(c, WIRE_ANSWER, 0, 0, buf_span(out));
    metrics_add(&c->node->metrics, NM_ERRORS, 1);
}

void conn_error(struct conn *c, int64_t re, const char *code, int64_t retry,
                const char *msg)
{
    put_error(c, re, code, retry, msg);
    conn_answered(c);
}

void node_answer(struct node *n, uint64_t conn, struct span bytes)
{
    struct conn *c = conn_find(n, conn);

    if (c != NULL)
        conn_answer(c, bytes);
}

/* ---- misbehaviour ---- */

static void errors_window(struct conn *c)
{
    uint32_t now = now_seconds(c->node);

    if (now - c->since < ERRORS_WINDOW_S)
        return;
    c->since = now;
    c->bad_frames = 0;
    c->rate_errors = 0;
}

void conn_bad_frame(struct conn *c, int64_t re, const char *code,
                    const char *msg)
{
    put_error(c, re, code, 0, msg);
    errors_window(c);
    if (c->state != CONN_CLOSED && ++c->bad_frames >= LIMIT_BAD_FRAMES)
        conn_close(c, 4400, "bad frames");
}

void conn_over_budget(struct conn *c)
{
    errors_window(c);
    if (++c->rate_errors >= LIMIT_RATE_ERRORS)
        conn_close(c, 4400, "over budget");
}

void conn_beat(struct conn *c, bool act)
{
    struct user *u = c->user;
    uint32_t now = now_seconds(c->node);

    if (u->beat != 0 && now - u->beat < BEAT_EVERY_S && u->act == act)
        return;
    u->beat = now;
    u->act = act;
    presence_beat(c->node->presence, u->id, act);
}

static void conn_hold(struct conn *c)
{
    struct user *u = c->user;

    c->seen = c->moved = now_seconds(c->node);
    if (u == NULL || u->beat == 0)
        return;
    u->beat = now_seconds(c->node);
    presence_beat(c->node->presence, u->id, u->act);
}

void node_hold(struct node *n)
{
    for (uint32_t i = 0; i < n->conns.len; i++)
        conn_hold(n->conns.entries[i].value);
}

/* ---- closing ---- */

void conn_end(struct conn *c)
{
    timer_cancel(&c->node->wheel, &c->deadline);
    fence_free(c);
    sync_free(c);
    view_free(c);
    subs_free(c);
    credit_release(c);
    conn_drop_pieces(&c->rx);
    user_leave(c);
}

void conn_close(struct conn *c, int code, const char *why)
{
    if (c->state == CONN_CLOSED)
        return;
    conn_set_state(c, CONN_CLOSED);
    log_debug("conn %" PRIu64 ": closed %d: %s", c->id, code, why);
    metrics_add(&c->node->metrics, NM_CLOSED, 1);
    conn_end(c);
    c->node->env.transport->close(c->peer, code, why);
}

void conn_free(struct conn *c)
{
    outq_release(c);
    free(c);
}

void conn_lost(struct conn *c)
{
    struct node *n = c->node;

    if (c->state != CONN_CLOSED) {
        conn_set_state(c, CONN_CLOSED);
        conn_end(c);
    }
    map_remove(&n->conns, c->id);
    metrics_set(&n->metrics, NM_CONNS, n->conns.len);
    conn_free(c);
}

static bool kick_one(struct conn *c, uint64_t user, uint32_t dev, int code)
{
    if (c == NULL || c->user == NULL || c->user->id != user ||
        (dev != 0 && c->dev != dev))
        return false;
    conn_close(c, code, code == 4409 ? "superseded" : "revoked");
    return true;
}

void conn_kick(struct node *n, uint64_t conn, uint64_t user, uint32_t dev,
               int code)
{
    struct user *u = user_find(n, user);
    struct link *k;

    if (conn != 0) {
        kick_one(conn_find(n, conn), user, dev, code);
        return;
    }
    k = u != NULL ? list_first(&u->conns) : NULL;
    while (k != NULL) {
        struct conn *c = container_of(k, struct conn, of_user);
        bool last = k->next == &u->conns;

        k = last ? NULL : k->next;
        kick_one(c, user, dev, code);
    }
}

void conn_drain(struct conn *c, int64_t retry_min, int64_t retry_max)
{
    struct buf *out = &c->node->scratch;

    if (c->state == CONN_CLOSED)
        return;
    buf_clear(out);
    if (enc_bye(out, 4000, retry_min, retry_max, "the server restarts") == 0)
        conn_put(c, WIRE_ANSWER, 0, 0, buf_span(out));
    conn_close(c, 4000, "drain");
}
