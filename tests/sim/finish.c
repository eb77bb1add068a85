/* finish.c - all is healed and people fall silent. Then everything stored must
 * be on every screen it belongs on, marks and presence must be right. */
#include "client.h"
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>

/* What waits for a device on the slowest link takes minutes to arrive. */
#define QUIET_MAX_MS 300000
#define TTL_MS 45000
#define TTL_SLACK_MS 2000

/* ---- quiet: everybody is here and nothing is under way ---- */

static bool place_quiet(const struct place *p)
{
    return p->out || (p->cursor >= p->head && p->asked == 0);
}

static bool client_quiet(const struct client *c)
{
    if (c->dead)
        return true;
    if (c->state != CLIENT_READY || c->outgoing > 0 || c->ack_at != 0)
        return false;
    if (c->pipe->conn == NULL || c->pipe->hung || c->pipe->closing ||
        c->pipe->in_flight > 0)
        return false;
    for (uint32_t i = 0; i < c->places.len; i++) {
        if (!place_quiet(c->places.entries[i].value))
            return false;
    }
    return true;
}

static int loud_client(const struct world *w)
{
    for (int i = 0; i < w->client_count; i++) {
        if (!client_quiet(&w->clients[i]))
            return i;
    }
    return -1;
}

static int missing_station(const struct world *w)
{
    for (int i = 0; i < w->station_count; i++) {
        if (!station_serves(&w->stations[i]))
            return i;
    }
    return -1;
}

/* The server itself has something to do: notices that it repeats, reads. */
static bool stations_busy(const struct world *w)
{
    for (int i = 0; i < w->station_count; i++) {
        struct node_stats stats;

        if (w->stations[i].node == NULL)
            return true;
        node_stats(w->stations[i].node, &stats);
        if (stats.pending > 0)
            return true;
    }
    return false;
}

static void say_why(struct world *w, int64_t limit)
{
    int i = loud_client(w), k = missing_station(w);
    const struct client *c;
    const struct outgoing *o = NULL;

    if (k >= 0) {
        world_break(w, "liveness",
                    "node %d does not serve after %" PRId64 " ms of calm", k,
                    limit);
        return;
    }
    if (i < 0)
        return;
    c = &w->clients[i];
    if (c->outgoing > 0)
        o = (const struct outgoing *)(const void *)c->outbox.next;
    world_break(w, "liveness",
                "client %d (u%" PRIu64 ") is not done after %" PRId64
                " ms of calm: state %d, %d requests, first %.*s",
                i, c->user, limit, (int)c->state, c->outgoing,
                o != NULL ? (int)o->len : 0, o != NULL ? o->bytes : "");
}

static void wait_quiet(struct world *w, int64_t limit)
{
    int64_t end = world_now(w) + limit;
    int calm = 0;

    while (calm < 2 && world_now(w) < end && !world_broken(w)) {
        world_until(w, world_now(w) + 500);
        calm = loud_client(w) < 0 && missing_station(w) < 0 && !stations_busy(w)
                   ? calm + 1
                   : 0;
    }
    if (calm < 2 && !world_broken(w))
        say_why(w, limit);
}

/* ---- I2: what is stored is shown ---- */

static bool shown(struct client *c, uint64_t conv, int64_t seq)
{
    const struct place *p = place_find(c, conv);

    return p != NULL && seq < p->cap && p->seen[seq] == 1;
}

static void check_shown(struct world *w, struct client *c, uint64_t conv)
{
    int64_t head = model_head(w, conv), join, left;

    for (int64_t seq = 1; seq <= head; seq++) {
        if (!model_stay(w, conv, c->user, seq, &join, &left))
            return;
        if (left != 0 || join > seq || shown(c, conv, seq))
            continue;
        world_break(w, "I2",
                    "c%" PRIu64 ": %" PRId64 " of %" PRId64
                    " is not shown by client %d (u%" PRIu64 " d%u), a member "
                    "since %" PRId64,
                    conv, seq, head, c->index, c->user, (unsigned)c->dev, join);
        return;
    }
}

static void check_all_shown(struct world *w)
{
    const uint64_t *convs;
    int n = store_memory_convs(w->store, &convs);

    for (int i = 0; i < w->client_count && !world_broken(w); i++) {
        if (w->clients[i].dead)
            continue;
        for (int k = 0; k < n && !world_broken(w); k++)
            check_shown(w, &w->clients[i], convs[k]);
    }
}

/* ---- one more message from everybody, and everything is read ---- */

static void probe(struct world *w)
{
    for (int i = 0; i < w->client_count; i++) {
        struct client *c = &w->clients[i];
        int sent = 0;

        for (uint32_t k = 0; k < c->places.len && sent < 3; k++) {
            struct place *p = c->places.entries[k].value;

            if (p->out || p->conv < USER_FIRST + (uint64_t)w->user_count ||
                !model_live(w, p->conv, c->user))
                continue;
            client_send_text(c, p->conv, "probe");
            sent++;
        }
        client_wake_at(c, world_now(w) + 1);
    }
}

static void read_all(struct world *w)
{
    for (int i = 0; i < w->client_count; i++) {
        struct client *c = &w->clients[i];

        for (uint32_t k = 0; k < c->places.len; k++) {
            struct place *p = c->places.entries[k].value;

            if (!p->out)
                client_read(c, p);
        }
    }
}

/* The other one's marks, as stored, are known to whoever wrote last. */
static void check_receipts(struct world *w, struct client *c, struct place *p)
{
    const struct membership *m =
        store_memory_member(w->store, p->conv, p->peer);
    const struct entry *last = model_entry(w, p->conv, p->head);

    if (m == NULL || last == NULL || last->from != c->user ||
        !model_since_calm(w, p->conv, last->seq))
        return;
    if (m->delivered < last->seq || m->read < last->seq)
        world_break(w, "I4",
                    "c%" PRIu64 ": u%" PRIu64 " has shown %" PRId64
                    " and is stored with %" PRId64 ", %" PRId64,
                    p->conv, p->peer, last->seq, m->delivered, m->read);
    else if (p->peer_delivered < m->delivered || p->peer_read < m->read)
        world_break(w, "receipt",
                    "c%" PRIu64 ": client %d knows %" PRId64 ", %" PRId64
                    " of u%" PRIu64 ", the store %" PRId64 ", %" PRId64,
                    p->conv, c->index, p->peer_delivered, p->peer_read, p->peer,
                    m->delivered, m->read);
}

static void check_all_receipts(struct world *w)
{
    for (int i = 0; i < w->client_count && !world_broken(w); i++) {
        struct client *c = &w->clients[i];

        for (uint32_t k = 0; k < c->places.len && !world_broken(w); k++) {
            struct place *p = c->places.entries[k].value;

            if (p->kind == CONV_DIRECT && !p->out)
                check_receipts(w, c, p);
        }
    }
}

/* ---- presence ---- */

/* Every third user goes, some without a word. */
static void some_leave(struct world *w)
{
    for (int i = 0; i < w->client_count; i++) {
        struct client *c = &w->clients[i];

        if (c->user % 3 != 0)
            continue;
        c->dead = true;
        client_leave(c, c->user % 2 == 0 ? LEAVE_BYE : LEAVE_HANG, 0);
    }
}

static bool watches(const struct client *c, uint64_t user)
{
    for (int i = 0; i < c->watch_count; i++) {
        if (c->watch[i] == user)
            return true;
    }
    return false;
}

/* Presence is for those who share a conversation and have no block. */
static void watch_members(struct client *c, uint64_t conv)
{
    struct world *w = c->world;
    uint64_t user;

    for (int i = 0; (user = model_member(w, conv, i)) != 0; i++) {
        if (c->watch_count == WATCH_MAX)
            return;
        if (user == c->user || watches(c, user) ||
            map_get(&w->blocked, pair_key(user, c->user)) != NULL)
            continue;
        c->watched[c->watch_count] = 0xff;
        c->watch[c->watch_count++] = user;
    }
}

static void all_watch(struct world *w)
{
    for (int i = 0; i < w->client_count; i++) {
        struct client *c = &w->clients[i];

        c->watch_count = 0;
        for (uint32_t k = 0; k < c->places.len; k++) {
            struct place *p = c->places.entries[k].value;

            if (!p->out && model_live(w, p->conv, c->user))
                watch_members(c, p->conv);
        }
        client_view(c);
    }
}

static void check_presence(struct world *w)
{
    for (int i = 0; i < w->client_count && !world_broken(w); i++) {
        struct client *c = &w->clients[i];

        for (int k = 0; k < c->watch_count && !c->dead; k++) {
            bool off = c->watched[k] == PRESENCE_OFF;
            bool gone = c->watch[k] % 3 == 0;

            if (off != gone || c->watched[k] == 0xff)
                world_break(
                    w, "I10", "client %d sees u%" PRIu64 " as %d, who %s", i,
                    c->watch[k], c->watched[k], gone ? "is gone" : "is there");
        }
    }
}

void finish(struct world *w)
{
    if (world_broken(w))
        return;
    world_trace(w, 0, "calm", SPAN(""));
    w->silent = true;
    nemesis_stop(w);
    wait_quiet(w, QUIET_MAX_MS);
    world_until(w, world_now(w) + 4000);
    model_marks(w);
    check_all_shown(w);
    model_calm(w);
    probe(w);
    wait_quiet(w, 90000);
    world_until(w, world_now(w) + 4000); /* heads of big ones come later */
    wait_quiet(w, 90000);
    check_all_shown(w);
    model_marks_settled(w);
    read_all(w);
    world_until(w, world_now(w) + 6000);
    model_marks(w);
    check_all_receipts(w);
    all_watch(w);
    world_until(w, world_now(w) + 2000);
    some_leave(w);
    world_until(w, world_now(w) + TTL_MS + TTL_SLACK_MS);
    check_presence(w);
}
