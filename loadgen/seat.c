#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine_inside.h"
#include "proto/encode.h"
#include "proto/limits.h"
#include "receipts.h"
#include "shard.h"

#define HOLE_MS 500 /* R6: wait so long before asking */
#define AHEAD 64

/* ---- numbers ---- */

static void watch_hole(struct shard *sh, const struct seat *s)
{
    if (sh->nwatches == sh->watches_room) {
        sh->watches_room = sh->watches_room == 0 ? 64 : sh->watches_room * 2;
        sh->watches =
            mem_grow(sh->watches, sh->watches_room, sizeof(sh->watches[0]));
    }
    sh->watches[sh->nwatches++] =
        (struct hole_watch){(uint32_t)(s - sh->seats), (uint32_t)sh->now_ms};
}

/* Step over what came ahead of its turn. */
static void advance(struct seat *s)
{
    s->next++;
    while (s->ahead & 1) {
        s->ahead >>= 1;
        s->next++;
    }
    s->ahead >>= 1;
}

/* What lies below seq comes later, by history. */
static void defer(struct seat *s, int64_t from, int64_t to)
{
    if (from > to)
        return;
    if (s->late > s->late_to) {
        s->late = from;
        s->late_to = to;
    } else {
        s->late = from < s->late ? from : s->late;
        s->late_to = to > s->late_to ? to : s->late_to;
    }
}

/* The seqs below `to` are explained: go on at `to`. */
static void jump(struct seat *s, int64_t to)
{
    while (s->next < to && s->ahead != 0)
        advance(s);
    if (s->next < to)
        s->next = to;
}

static enum seat_fit take_ahead(struct shard *sh, struct seat *s, int64_t seq)
{
    int64_t place = seq - s->next - 1;
    uint64_t bit;
    enum seat_fit fit;

    if (seq - 1 <= s->head || place >= AHEAD) {
        /* A `head` told of it, or it is too far: asked for by history. */
        if (seq - 1 > s->head)
            tally_count(sh, COUNT_GAPS, 1);
        defer(s, s->next, seq - 1);
        jump(s, seq);
        advance(s);
        return SEAT_NEXT;
    }
    bit = UINT64_C(1) << place;
    if (s->ahead & bit)
        return SEAT_TWICE;
    fit = s->ahead >= bit ? SEAT_FILL : SEAT_AHEAD;
    if (s->ahead == 0)
        watch_hole(sh, s);
    s->ahead |= bit;
    return fit;
}

static bool is_late(const struct seat *s, int64_t seq)
{
    return seq >= s->late && seq <= s->late_to;
}

enum seat_fit seat_take(struct shard *sh, struct seat *s, int64_t seq)
{
    bool hole = s->ahead != 0;

    if (s->next == 0)
        s->next = seq;
    if (seq == s->next) {
        advance(s);
        return hole ? SEAT_FILL : SEAT_NEXT;
    }
    if (seq > s->next)
        return take_ahead(sh, s, seq);
    if (!is_late(s, seq))
        return SEAT_TWICE;
    return SEAT_FILL;
}

/* ---- history ---- */

static void ask(struct shard *sh, struct client *c, struct seat *s)
{
    const struct plan *p = &sh->engine->plan;

    if (s->asked || s->late > s->late_to || c->state != CLIENT_READY)
        return;
    s->asked = true;
    enc_history(wire_begin(sh), REQUEST_HISTORY,
                atomic_load(&p->convs[s->conv].id), 0, s->late - 1,
                LIMIT_HISTORY, 0);
    wire_send(sh, c, WS_TEXT);
}

bool seat_behind(struct shard *sh, struct client *c)
{
    bool behind = false;

    for (uint32_t i = 0; i < c->nseats && c->fd >= 0; i++) {
        struct seat *s = &sh->seats[c->first_seat + i];

        if (s->late <= s->late_to) {
            behind = true;
            ask(sh, c, s);
        }
    }
    return behind;
}

void seat_lost(struct shard *sh, struct client *c)
{
    for (uint32_t i = 0; i < c->nseats; i++) {
        struct seat *s = &sh->seats[c->first_seat + i];

        s->asked = false;
        s->live = 0;
    }
    receipts_lost(sh, c);
}

/* A page came: the range behind it is what is left. */
static void page_done(struct shard *sh, struct client *c, struct seat *s,
                      const struct object *o)
{
    s->asked = false;
    if (o->to >= s->late)
        s->late = o->to + 1;
    if (!o->more || o->to < o->from_seq)
        s->late = s->late_to + 1;
    if (s->late <= s->late_to)
        ask(sh, c, s);
    else if (c->flags & FLAG_CATCHING && !seat_behind(sh, c))
        client_caught_up(sh, c);
}

static void take_entries(struct shard *sh, struct client *c, struct seat *s,
                         struct span list, enum source source)
{
    struct object o;

    if (list.n < 2)
        return;
    list = span_make(list.p + 1, list.n - 1);
    while (c->fd >= 0 && object_next(&list, &o) > 0) {
        if (s == NULL)
            continue;
        copies_entry(sh, c, s, &o, source);
    }
}

void seat_batch(struct shard *sh, struct client *c, const struct object *o)
{
    struct seat *s = client_seat(sh, c, o->conv);
    bool asked = o->re == REQUEST_HISTORY;

    if (s == NULL) {
        if (!asked)
            acks_direct(sh, c, o->conv, o->to);
        return;
    }
    /* Of a batch the server's numbers count: what is not in it is gone. */
    if (!asked && c->state == CLIENT_READY)
        receipts_here(sh, c); /* it was behind: hints were shed */
    if (!asked && (s->next == 0 || s->next < o->from_seq))
        jump(s, o->from_seq);
    take_entries(sh, c, s, o->entries, asked ? SOURCE_HISTORY : SOURCE_BATCH);
    if (c->fd < 0)
        return;
    if (asked)
        page_done(sh, c, s, o);
    else if (s->next <= o->to)
        jump(s, o->to + 1);
}

void seat_gap(struct shard *sh, struct client *c, const struct object *o)
{
    struct seat *s = client_seat(sh, c, o->conv);

    if (c->state == CLIENT_READY)
        receipts_here(sh, c);
    if (s == NULL || o->to < s->next)
        return;
    if (span_is(o->why, "deferred")) {
        defer(s, o->from_seq > s->next ? o->from_seq : s->next, o->to);
        if (c->state == CLIENT_READY)
            ask(sh, c, s);
    }
    jump(s, o->to + 1);
}

void seat_head(struct shard *sh, struct client *c, const struct object *o)
{
    struct seat *s = client_seat(sh, c, o->conv);

    tally_count(sh, COUNT_HEADS, 1);
    if (s == NULL)
        return;
    atomic_store(&sh->engine->plan.convs[s->conv].headed, true);
    if (o->seq > s->head)
        s->head = o->seq;
}

int seat_last_seen(struct shard *sh, struct client *c, struct mark *marks,
                   int room)
{
    const struct plan *p = &sh->engine->plan;
    int n = 0;

    for (uint32_t i = 0; i < c->nseats && n < room; i++) {
        const struct seat *s = &sh->seats[c->first_seat + i];

        if (s->next < 2 || s->removed)
            continue;
        marks[n].conv = atomic_load(&p->convs[s->conv].id);
        marks[n++].seq = s->next - 1;
    }
    return n;
}

/* ---- holes that stay ---- */

static void give_up(struct shard *sh, struct seat *s)
{
    struct client *c = &sh->clients[s->client];
    int64_t from = s->next, to;

    to = s->next + __builtin_ctzll(s->ahead);
    tally_count(sh, COUNT_GAPS, 1);
    defer(s, from, to);
    jump(s, to + 1);
    if (s->ahead != 0)
        watch_hole(sh, s);
    ask(sh, c, s);
}

void seat_holes(struct shard *sh)
{
    uint32_t n = 0;

    while (n < sh->nwatches &&
           (uint32_t)sh->now_ms - sh->watches[n].since >= HOLE_MS)
        n++;
    for (uint32_t i = 0; i < n; i++) {
        struct seat *s = &sh->seats[sh->watches[i].seat];

        if (s->ahead != 0)
            give_up(sh, s);
    }
    if (n > 0) {
        sh->nwatches -= n;
        memmove(sh->watches, sh->watches + n,
                sh->nwatches * sizeof(sh->watches[0]));
    }
}
