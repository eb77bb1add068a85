/* client.c - a device: it connects, says hello, beats, comes back. */
#include "client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats.h"

#define QUIET_MS 47000 /* nothing heard for so long: hang up */
#define HELLO_WAIT_MS 15000
#define BACKOFF_MAX_MS 8000

static void wake(void *arg);

void client_wake_at(struct client *c, int64_t at)
{
    if (at <= world_now(c->world))
        at = world_now(c->world) + 1;
    if (at == INT64_MAX || (c->wake_at != 0 && c->wake_at <= at))
        return;
    c->wake_at = at;
    world_at(c->world, at, wake, c, NULL);
}

void client_say(struct client *c, struct span message)
{
    if (c->pipe != NULL)
        pipe_send(c->pipe, message);
}

/* ---- connections ---- */

static void backoff(struct client *c)
{
    int64_t top = INT64_C(500) << (c->failures < 6 ? c->failures : 6);

    if (top > BACKOFF_MAX_MS)
        top = BACKOFF_MAX_MS;
    c->failures++;
    c->retry_at = world_now(c->world) + 1 + between(&c->rng, 0, top);
}

static struct station *choose_station(struct client *c)
{
    struct world *w = c->world;
    int first = (int)rng_below(&c->rng, (uint64_t)w->station_count);

    for (int i = 0; i < w->station_count; i++) {
        struct station *s = &w->stations[(first + i) % w->station_count];

        if (station_serves(s))
            return s;
        /* It takes connections before it has a lease. */
        if (s->node != NULL && !s->draining && chance(&c->rng, 300)) {
            stats_count("client: at a node without a lease");
            return s;
        }
    }
    return NULL;
}

void client_connect(struct client *c)
{
    struct station *s = choose_station(c);

    c->retry_at = 0;
    if (s == NULL) {
        backoff(c);
        return;
    }
    if (c->pipes != NULL && c->pipes->conn != NULL)
        stats_count("client: two connections of a device");
    c->pipe = pipe_open(c, s);
    c->state = CLIENT_HELLO;
    c->hello_at = c->heard_at = world_now(c->world);
    places_reconnect(c);
    list_each (&c->outbox, l, tmp)
        container_of(l, struct outgoing, link)->sent_at = 0;
    for (int i = 0; i < c->watch_count; i++)
        c->watched[i] = 0xff;
}

void client_leave(struct client *c, enum leaving how, int64_t back_at)
{
    struct pipe *p = c->pipe;

    if (p == NULL)
        return;
    if (how == LEAVE_BYE) {
        buf_clear(&c->buf);
        enc_request(&c->buf, 0, FRAME_BYE, span_make(NULL, 0));
        client_say(c, buf_span(&c->buf));
    }
    if (how == LEAVE_HANG) {
        p->left = p->hung = true;
        if (chance(&c->rng, 500)) /* the old end is heard of much later */
            pipe_leave(p, between(&c->rng, 2000, 30000));
    } else {
        pipe_leave(p, 0);
    }
    c->pipe = NULL;
    c->state = CLIENT_AWAY;
    c->retry_at = back_at;
    if (chance(&c->rng, 150))
        places_forget(c);
    if (back_at != 0)
        client_wake_at(c, back_at);
}

static int hello_seen(struct client *c, struct mark *marks, int max)
{
    int n = 0;

    for (uint32_t i = 0; i < c->places.len && n < max; i++) {
        const struct place *p = c->places.entries[i].value;

        if (p->cursor > 0)
            marks[n++] = (struct mark){p->conv, p->cursor};
    }
    return n;
}

void client_opened(struct client *c, struct pipe *p)
{
    struct mark marks[256];
    char token[32];
    struct hello h = {.dev = c->dev,
                      .token = token,
                      .ua = "sim",
                      .win_entries = c->win,
                      .win_bytes = c->win > 0 ? LIMIT_WIN_BYTES : 0,
                      .last_seen = marks};

    if (p != c->pipe)
        return;
    snprintf(token, sizeof(token), "t-%" PRIu64 "-%u", c->user,
             (unsigned)c->dev);
    if (!chance(&c->rng, 150))
        h.last_seen_count = hello_seen(c, marks, (int)COUNT_OF(marks));
    buf_clear(&c->buf);
    enc_hello(&c->buf, ++c->last_n, &h);
    client_say(c, buf_span(&c->buf));
}

void client_closed(struct client *c, struct pipe *p, int code)
{
    struct world *w = c->world;

    p->left = true;
    world_trace(w, c->index, "closed", SPAN(""));
    if (p != c->pipe)
        return;
    if (code == 4400 || code == 4426 || code == 4401)
        world_break(w, "close", "client %d was closed with %d", c->index, code);
    c->pipe = NULL;
    c->state = CLIENT_AWAY;
    if (c->dead)
        return;
    if (c->retry_at <= world_now(w))
        backoff(c);
    client_wake_at(c, c->retry_at);
}

/* ---- when something is to do ---- */

static int64_t soonest(int64_t a, int64_t b)
{
    return b != 0 && b < a ? b : a;
}

static int64_t next_wake(struct client *c)
{
    int64_t at;

    if (c->pipe == NULL)
        return c->retry_at != 0 ? c->retry_at : INT64_MAX;
    at = soonest(c->heard_at + QUIET_MS + 1, places_next(c));
    if (c->state == CLIENT_HELLO)
        return soonest(at, c->hello_at + HELLO_WAIT_MS + 1);
    at = soonest(at, c->beat_at);
    if (c->state == CLIENT_READY)
        at = soonest(soonest(at, c->act_at), client_next_retry(c));
    return at;
}

/* ---- what comes ---- */

static void on_welcome(struct client *c, const struct frame *f)
{
    if (f->user != c->user || f->dev != c->dev)
        world_break(c->world, "answer", "welcome for u%" PRIu64 " d%u", f->user,
                    (unsigned)f->dev);
    c->state = CLIENT_SYNC;
    c->beat_at = world_now(c->world) + between(&c->rng, 0, 30000);
}

static void on_synced(struct client *c)
{
    c->state = CLIENT_READY;
    c->failures = 0;
    if (c->watch_count > 0)
        client_view(c);
    c->ack_at = world_now(c->world) + 1; /* what a crash may have lost */
    client_flush(c);
}

static void on_presence(struct client *c, const struct frame *f)
{
    struct span rows = f->at;
    struct presence_row row;

    while (rows.p != NULL && frame_next_presence(&rows, &row)) {
        for (int i = 0; i < c->watch_count; i++) {
            if (c->watch[i] != row.user)
                continue;
            if (c->watched[i] != row.state)
                c->watch_since[i] = world_now(c->world);
            c->watched[i] = (uint8_t)row.state;
        }
    }
}

static void on_receipt(struct client *c, const struct frame *f)
{
    struct place *p = place_find(c, f->conv);

    if (p == NULL || f->user == 0 || f->user != p->peer)
        return;
    if (f->delivered > p->peer_delivered)
        p->peer_delivered = f->delivered;
    if (f->read > p->peer_read)
        p->peer_read = f->read;
}

static void on_bye(struct client *c, const struct frame *f)
{
    if (f->retry_max > 0)
        c->retry_at =
            world_now(c->world) + between(&c->rng, f->retry_min, f->retry_max);
}

static void on_frame(struct client *c, const struct frame *f)
{
    struct entry e;

    switch (f->kind) {
    case FRAME_WELCOME:
        on_welcome(c, f);
        break;
    case FRAME_SYNCED:
        on_synced(c);
        break;
    case FRAME_ENTRY:
        frame_entry(f, &e);
        place_entry(c, &e);
        break;
    case FRAME_BATCH:
        place_batch(c, f);
        break;
    case FRAME_GAP:
        place_gap(c, f);
        break;
    case FRAME_HEAD:
        place_head(c, f->conv, f->seq);
        break;
    case FRAME_RECEIPT:
        on_receipt(c, f);
        break;
    case FRAME_PRESENCE:
        on_presence(c, f);
        break;
    case FRAME_SENT:
        client_sent(c, f);
        break;
    case FRAME_OK:
        client_ok(c, f);
        break;
    case FRAME_ERR:
        place_error(c, f);
        client_error(c, f);
        break;
    case FRAME_BYE:
        on_bye(c, f);
        break;
    default:
        break;
    }
}

/* More lists of conversations that stopped at the backlog's limit. */
static void on_more(struct client *c, const struct frame *f)
{
    struct span list = f->more_list;
    struct mark m;

    while (f->kind == FRAME_SYNCED && list.p != NULL &&
           frame_next_mark(&list, &m))
        place_head(c, m.conv, m.seq);
}

void client_message(struct client *c, struct pipe *p, struct span message)
{
    struct frame_error err;
    struct span object;
    struct frame f;

    if (p != c->pipe)
        return;
    c->heard_at = world_now(c->world);
    while (frame_next(&message, &object) && c->pipe == p) {
        if (frame_decode(&f, object, FROM_SERVER, LIMIT_ENTRY_WIRE, false,
                         &err) < 0)
            continue; /* the tap has reported it */
        on_more(c, &f);
        on_frame(c, &f);
    }
    client_wake_at(c, next_wake(c));
}

/* ---- time ---- */

static void beat(struct client *c)
{
    buf_clear(&c->buf);
    enc_hb_act(&c->buf, ++c->last_n, c->active);
    client_say(c, buf_span(&c->buf));
    c->beat_at = world_now(c->world) + 30000;
}

/* A connection that says nothing any more is given up. */
static bool hang_up(struct client *c)
{
    int64_t now = world_now(c->world);
    bool deaf = now - c->heard_at > QUIET_MS;
    bool slow = c->state == CLIENT_HELLO && now - c->hello_at > HELLO_WAIT_MS;

    if (!deaf && !slow)
        return false;
    backoff(c);
    client_leave(c, LEAVE_RESET, c->retry_at);
    return true;
}

static void connected(struct client *c)
{
    int64_t now = world_now(c->world);

    if (hang_up(c))
        return;
    if (c->state >= CLIENT_SYNC && c->beat_at <= now)
        beat(c);
    places_due(c);
    if (c->state == CLIENT_READY) {
        if (c->act_at <= now)
            client_act(c);
        client_flush(c);
    }
}

static void wake(void *arg)
{
    struct client *c = arg;
    int64_t now = world_now(c->world);

    if (c->wake_at != now)
        return; /* an earlier one came between */
    c->wake_at = 0;
    if (c->pipe == NULL && c->retry_at != 0 && c->retry_at <= now)
        client_connect(c);
    else if (c->pipe != NULL)
        connected(c);
    client_wake_at(c, next_wake(c));
}

/* ---- life ---- */

static void client_init(struct world *w, int i)
{
    struct client *c = &w->clients[i];

    *c = (struct client){.world = w, .index = i};
    c->user = USER_FIRST + (uint64_t)(i % w->user_count);
    c->dev = 1 + (uint32_t)(i / w->user_count);
    rng_init_seeded(&c->rng, rng_u64(&w->rng));
    c->win = chance(&c->rng, 300) ? between(&c->rng, 4, 30) : 0;
    c->active = !chance(&c->rng, 200);
    map_init(&c->places);
    list_init(&c->outbox);
    buf_init(&c->buf, LIMIT_FRAME);
    c->retry_at = 1000 + between(&c->rng, 0, 4000);
    c->act_at = c->retry_at;
    client_wake_at(c, c->retry_at);
}

void clients_start(struct world *w)
{
    w->clients = mem_array((size_t)w->client_count, sizeof(*w->clients));
    for (int i = 0; i < w->client_count; i++)
        client_init(w, i);
}

static void client_release(struct client *c)
{
    struct link *l;

    for (uint32_t i = 0; i < c->places.len; i++) {
        struct place *p = c->places.entries[i].value;

        free(p->seen);
        free(p);
    }
    map_release(&c->places);
    while ((l = list_pop(&c->outbox)) != NULL)
        free(container_of(l, struct outgoing, link));
    for (int i = 0; i < c->again_count; i++)
        free(c->again[i].bytes);
    free(c->placed);
    buf_release(&c->buf);
}

void clients_free(struct world *w)
{
    for (int i = 0; i < w->client_count; i++)
        client_release(&w->clients[i]);
    free(w->clients);
    w->clients = NULL;
}
