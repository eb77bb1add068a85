/* pipe.c - a connection with latency, a narrow or blocked way down, sudden
 * ends that one side or both do not notice, and messages in pieces. */
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client.h"
#include "core/wire.h"

struct packet {
    struct pipe *pipe;
    int code; /* down: the end of the connection when not 0 */
    size_t len;
    char bytes[];
};

static struct packet *packet_new(struct pipe *p, struct span bytes)
{
    struct packet *k = mem_alloc(sizeof(*k) + bytes.n);

    k->pipe = p;
    k->len = bytes.n;
    if (bytes.n > 0)
        memcpy(k->bytes, bytes.p, bytes.n);
    return k;
}

static int64_t way(struct pipe *p)
{
    return p->latency + between(&p->client->rng, 0, p->jitter);
}

/* ---- down: node to client ---- */

static void schedule_pull(struct pipe *p);

static void arrive_down(void *arg)
{
    struct packet *k = arg;
    struct pipe *p = k->pipe;

    if (!p->hung) { /* a hung one keeps its bytes in flight for ever */
        p->in_flight -= (int64_t)k->len;
        if (k->code != 0)
            client_closed(p->client, p, k->code);
        else if (!p->left)
            client_message(p->client, p, span_make(k->bytes, k->len));
        if (p->stalled && p->conn != NULL)
            schedule_pull(p);
    }
    free(k);
}

static void send_down(struct pipe *p, struct packet *k)
{
    int64_t at = world_now(p->world) + way(p);

    if (at < p->last_down)
        at = p->last_down;
    if (at < p->stall_until)
        at = p->stall_until;
    at += p->per_kib * (int64_t)(k->len + 512) / 1024;
    p->last_down = at;
    p->in_flight += (int64_t)k->len;
    world_at(p->world, at, arrive_down, k, free);
}

static void tell_closed(struct pipe *p, int code)
{
    struct packet *k;

    if (p->told)
        return;
    p->told = true;
    k = packet_new(p, span_make(NULL, 0));
    k->code = code;
    send_down(p, k);
}

/* One message of what the node has for this connection. 0: nothing. */
static size_t pull_one(struct pipe *p, char *out, size_t max)
{
    size_t n = conn_pull(p->conn, out, max);
    const struct wire *w;

    if (n > 0)
        return n;
    w = conn_next(p->conn);
    if (w == NULL)
        return 0;
    n = w->len;
    memcpy(out, w->data, n);
    conn_took(p->conn);
    return n;
}

/* Messages leave until the window is full; what could be had at once is what
 * the node has in memory for this connection. */
static void pull_all(struct pipe *p)
{
    static char out[LIMIT_FRAME + LIMIT_ENTRY_WIRE];
    int64_t room, total = 0;
    size_t n;

    while ((room = p->window - p->in_flight) > 0 || p->closing) {
        if (room < 1024)
            room = 1024;
        n = pull_one(p, out, room < LIMIT_FRAME ? (size_t)room : LIMIT_FRAME);
        if (n == 0)
            return;
        total += (int64_t)n;
        tap_out(p, span_make(out, n));
        send_down(p, packet_new(p, span_make(out, n)));
        if (total > LIMIT_OUTQ_BYTES + LIMIT_ENTRY_WIRE)
            world_break(p->world, "I11", "connection %u had %lld bytes queued",
                        p->id, (long long)total);
    }
    p->stalled = true;
}

static void pipe_gone(struct pipe *p)
{
    list_remove(&p->of_station);
    conn_lost(p->conn);
    p->conn = NULL;
}

static void pull(void *arg)
{
    struct pipe *p = arg;

    p->pulling = p->stalled = false;
    if (p->conn == NULL)
        return;
    pull_all(p);
    if (!p->closing)
        return;
    pipe_gone(p);
    tell_closed(p, p->close_code);
}

static void schedule_pull(struct pipe *p)
{
    if (p->pulling)
        return;
    p->pulling = true;
    station_at(p->station, world_now(p->world), pull, p, NULL);
}

/* ---- up: client to node ---- */

/* In pieces, now and then; the node must not see a difference. */
static void receive_pieces(struct pipe *p, const char *bytes, size_t n)
{
    struct rng *r = &p->client->rng;
    size_t piece = n, at = 0;
    int count = 0;

    if (chance(r, 100))
        piece = n <= 60 ? 1 : n / (size_t)between(r, 2, 50) + 1;
    while (at < n && p->conn != NULL && !p->closing) {
        size_t len = piece < n - at && ++count < 60 ? piece : n - at;

        at += len;
        if (conn_receive(p->conn, bytes + at - len, len, at == n) < 0)
            return;
    }
}

static void give(struct pipe *p, const char *bytes, size_t n)
{
    if (p->conn == NULL || p->closing)
        return;
    p->client->last_data = world_now(p->world);
    tap_in(p, span_make(bytes, n));
    receive_pieces(p, bytes, n);
}

static void hold(struct pipe *p, const struct packet *k)
{
    struct held *h = mem_alloc(sizeof(*h) + k->len);

    h->len = k->len;
    memcpy(h->bytes, k->bytes, k->len);
    list_push(&p->held, &h->link);
}

static void arrive_up(void *arg)
{
    struct packet *k = arg;
    struct pipe *p = k->pipe;

    if (p->paused || !list_empty(&p->held))
        hold(p, k);
    else if (!p->hung)
        give(p, k->bytes, k->len);
    free(k);
}

static void give_held(void *arg)
{
    struct pipe *p = arg;
    struct link *l;

    while (!p->paused && (l = list_pop(&p->held)) != NULL) {
        struct held *h = container_of(l, struct held, link);

        if (!p->hung)
            give(p, h->bytes, h->len);
        free(h);
    }
}

static void open_refused(void *arg)
{
    struct pipe *p = arg;

    if (!p->world->ending)
        tell_closed(p, 1013);
}

static void arrive_open(void *arg)
{
    struct pipe *p = arg;

    if (p->left)
        return;
    p->conn = conn_open(p->station->node, p, CONN_SOCKET);
    if (p->conn == NULL) {
        open_refused(p);
        return;
    }
    list_push(&p->station->pipes, &p->of_station);
}

static void client_hears(void *arg)
{
    struct pipe *p = arg;

    if (!p->left && !p->told && !p->hung)
        client_opened(p->client, p);
}

struct pipe *pipe_open(struct client *c, struct station *s)
{
    struct world *w = c->world;
    struct pipe *p = mem_alloc(sizeof(*p));
    struct rng *r = &c->rng;

    p->world = w;
    p->id = ++w->pipe_count;
    p->client = c;
    p->station = s;
    p->older = w->pipes;
    w->pipes = p;
    p->older_of_client = c->pipes;
    c->pipes = p;
    p->latency = between(r, 0, 40);
    p->jitter = chance(r, 500) ? between(r, 0, 60) : 0;
    p->window = chance(r, 200) ? 4096 : 65536;
    p->per_kib = !w->calm && chance(r, 60) ? between(r, 50, 1000) : 0;
    list_init(&p->held);
    p->tap = tap_new(p);
    station_at(s, world_now(w) + way(p), arrive_open, p, open_refused);
    world_at(w, world_now(w) + 2 * p->latency + p->jitter, client_hears, p,
             NULL);
    return p;
}

void pipe_send(struct pipe *p, struct span message)
{
    int64_t at = world_now(p->world) + way(p);

    if (p->hung || p->left)
        return;
    if (at < p->last_up)
        at = p->last_up;
    p->last_up = at;
    station_at(p->station, at, arrive_up, packet_new(p, message), free);
}

static void arrive_leave(void *arg)
{
    struct pipe *p = arg;

    if (p->conn != NULL)
        pipe_gone(p);
}

void pipe_leave(struct pipe *p, int64_t delay)
{
    int64_t at = world_now(p->world) + way(p) + delay;

    p->left = true;
    if (at < p->last_up)
        at = p->last_up;
    station_at(p->station, at, arrive_leave, p, NULL);
}

void pipe_orphan(struct pipe *p, bool loud)
{
    p->of_station.next = NULL;
    p->conn = NULL;
    if (p->world->ending)
        return;
    if (loud)
        tell_closed(p, 1006);
    else
        p->hung = true;
}

void pipes_free(struct world *w)
{
    while (w->pipes != NULL) {
        struct pipe *p = w->pipes;
        struct link *l;

        w->pipes = p->older;
        while ((l = list_pop(&p->held)) != NULL)
            free(container_of(l, struct held, link));
        tap_free(&p->tap);
        free(p);
    }
}

/* ---- what the core asks for ---- */

static void on_kick(void *peer)
{
    schedule_pull(peer);
}

static void on_close(void *peer, int code, const char *why)
{
    struct pipe *p = peer;

    world_trace(p->world, p->client->index, "close", span_of(why));
    p->closing = true;
    p->close_code = code;
    schedule_pull(p);
}

static void on_pause(void *peer, bool on)
{
    struct pipe *p = peer;

    p->paused = on;
    if (!on && !list_empty(&p->held))
        station_at(p->station, world_now(p->world), give_held, p, NULL);
}

static void on_settled(void *peer)
{
    struct pipe *p = peer;

    world_break(p->world, "transport", "settled on a socket");
}

const struct transport pipe_transport = {
    .kick = on_kick,
    .close = on_close,
    .pause = on_pause,
    .settled = on_settled,
};
