/* Acknowledgements: at the end of the turn when the client wrote none for
 * ACK_MS and all that came is read, otherwise with the others at the next tick,
 * and in any case before half of the server's credit is used up. */
#include <stdlib.h>

#include "base/mem.h"
#include "engine_inside.h"
#include "proto/encode.h"
#include "proto/limits.h"
#include "receipts.h"
#include "shard.h"

#define ACK_MS 50
#define STALE 16 /* one in so many is followed by an older mark */

static void list_add(struct ack_list *l, uint32_t client)
{
    if (l->count == l->room) {
        l->room = l->room == 0 ? 256 : l->room * 2;
        l->clients = mem_grow(l->clients, l->room, sizeof(l->clients[0]));
    }
    l->clients[l->count++] = client;
}

void acks_note(struct shard *sh, struct client *c, size_t bytes)
{
    bool half, recent;

    if (sh->engine->cfg->driver != NULL)
        return; /* drivers answer by themselves, where it is the custom */
    c->unacked++;
    c->unacked_bytes += (uint32_t)bytes;
    half = c->unacked >= LIMIT_WIN_ENTRIES / 2 ||
           c->unacked_bytes >= LIMIT_WIN_BYTES / 2;
    if (c->flags & FLAG_ACK_LISTED) {
        if (half)
            list_add(&sh->ack_now, client_index(sh, c));
        return;
    }
    recent = (uint32_t)sh->now_ms - c->acked_at < ACK_MS;
    c->flags |= FLAG_ACK_LISTED;
    list_add(recent && !half ? &sh->ack_later : &sh->ack_now,
             client_index(sh, c));
}

/* The seats of c with something new, at most LIMIT_MARKS; stale: what stood
 * there before. */
static int marks_of(struct shard *sh, struct client *c, struct mark *marks,
                    struct mark *stale, bool read)
{
    const struct plan *p = &sh->engine->plan;
    int n = 0;

    for (uint32_t i = 0; i < c->nseats && n < LIMIT_MARKS; i++) {
        struct seat *s = &sh->seats[c->first_seat + i];

        if (s->next <= s->acked + 1 || s->read != read)
            continue;
        stale[n].conv = atomic_load(&p->convs[s->conv].id);
        stale[n].seq = s->acked;
        s->acked = s->next - 1;
        s->read = false;
        marks[n].conv = stale[n].conv;
        marks[n++].seq = s->acked;
        receipts_acked(sh, s, s->acked, read);
    }
    return n;
}

static void say_marks(struct buf *out, const struct mark *marks, int n,
                      bool read)
{
    if (n == 0)
        return;
    if (out->len > WS_HEAD)
        buf_append_byte(out, '\n');
    if (read)
        enc_read(out, marks, n);
    else
        enc_ack(out, marks, n);
}

/* Now and then an older mark follows the new one, as when two devices of a
 * user overtake each other: it must change nothing. */
static void say_stale(struct shard *sh, struct buf *out, struct mark *stale,
                      int n)
{
    int kept = 0;

    if (n == 0 || rng_below(&sh->rng, STALE) != 0)
        return;
    for (int i = 0; i < n; i++)
        if (stale[i].seq > 0)
            stale[kept++] = stale[i];
    say_marks(out, stale, kept, false);
}

void acks_write(struct shard *sh, struct client *c)
{
    struct mark marks[LIMIT_MARKS], stale[LIMIT_MARKS];
    struct buf *out;
    int n;

    c->flags &= (uint16_t)~FLAG_ACK_LISTED;
    if (c->fd < 0 || c->unacked == 0)
        return;
    c->unacked = 0;
    c->unacked_bytes = 0;
    c->acked_at = (uint32_t)sh->now_ms;
    out = wire_begin(sh);
    for (int read = 0; read <= 1; read++) {
        n = marks_of(sh, c, marks, stale, read);
        say_marks(out, marks, n, read);
        say_stale(sh, out, stale, n);
    }
    if (out->len > WS_HEAD)
        wire_send(sh, c, WS_TEXT);
}

static void write_list(struct shard *sh, struct ack_list *l)
{
    for (uint32_t i = 0; i < l->count; i++) {
        acks_write(sh, &sh->clients[l->clients[i]]);
        shard_slots(sh);
    }
    l->count = 0;
}

/* While more comes than one look brings, reading goes first: what waits unread
 * in this process would count as the server's time. */
void acks_flush(struct shard *sh)
{
    bool tick = sh->now_ms >= sh->ack_tick;

    if (sh->flooded && !tick)
        return;
    write_list(sh, &sh->ack_now);
    if (!tick)
        return;
    sh->ack_tick = sh->now_ms + ACK_MS;
    write_list(sh, &sh->ack_later);
}

void acks_direct(struct shard *sh, struct client *c, uint64_t conv, int64_t seq)
{
    struct mark mark = {conv, seq};

    if (conv == 0 || seq <= 0 || sh->engine->cfg->driver != NULL)
        return;
    enc_ack(wire_begin(sh), &mark, 1);
    wire_send(sh, c, WS_TEXT);
}
