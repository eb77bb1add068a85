/* client_out.c - the outbox: a request stays until it is answered for good,
 * and is said again with the same cid on the next connection. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client.h"
#include "proto/ids.h"
#include "stats.h"

#define ANSWER_MS 12000
#define FLYING_MAX 16

void client_cid(struct client *c, char cid[24])
{
    snprintf(cid, 24, "k%d-%" PRIu64, c->index, ++c->made);
}

struct outgoing *client_queue(struct client *c, enum want want, uint64_t conv,
                              int64_t n, const char *cid)
{
    struct outgoing *o = mem_alloc(sizeof(*o) + c->buf.len);

    o->want = want;
    o->conv = conv;
    o->n = n;
    snprintf(o->cid, sizeof(o->cid), "%s", cid);
    o->len = c->buf.len;
    memcpy(o->bytes, c->buf.data, c->buf.len);
    list_push(&c->outbox, &o->link);
    c->outgoing++;
    if (c->state == CLIENT_READY)
        client_flush(c);
    return o;
}

/* What may go now: new, due again, or without an answer for too long. */
static bool ready(const struct client *c, const struct outgoing *o)
{
    int64_t now = world_now(c->world);

    if (o->sent_at != 0)
        return now - o->sent_at > ANSWER_MS;
    return o->retry_at <= now;
}

void client_flush(struct client *c)
{
    int flying = 0;

    list_each (&c->outbox, l, tmp) {
        struct outgoing *o = container_of(l, struct outgoing, link);

        if (c->state != CLIENT_READY || flying >= FLYING_MAX)
            break;
        flying++;
        if (!ready(c, o))
            continue;
        if (o->station != NULL && o->station != c->pipe->station)
            stats_count("client: again at another node, the first under way");
        o->station = c->pipe->station;
        o->sent_at = world_now(c->world);
        if (o->want == WANT_SENT)
            order_wrote(c, o);
        client_say(c, span_make(o->bytes, o->len));
    }
    if (c->outgoing > 0)
        client_wake_at(c, client_next_retry(c));
}

int64_t client_next_retry(const struct client *c)
{
    int64_t at = 0, now = world_now(c->world);
    int flying = 0;

    list_each (&c->outbox, l, tmp) {
        const struct outgoing *o = container_of(l, struct outgoing, link);
        int64_t due =
            o->sent_at != 0 ? o->sent_at + ANSWER_MS + 1 : o->retry_at;

        if (flying++ >= FLYING_MAX)
            break;
        if (due <= now)
            due = now + 1;
        if (at == 0 || due < at)
            at = due;
    }
    return at;
}

static struct outgoing *find(struct client *c, int64_t n)
{
    list_each (&c->outbox, l, tmp) {
        struct outgoing *o = container_of(l, struct outgoing, link);

        if (o->n == n)
            return o;
    }
    return NULL;
}

static void remove_outgoing(struct client *c, struct outgoing *o)
{
    list_remove(&o->link);
    c->outgoing--;
    free(o);
}

/* Keep some that were acknowledged, to say them again one day. */
static void keep(struct client *c, const struct outgoing *o, int64_t seq)
{
    struct acked_send *a = &c->again[c->again_next];

    if (c->again_count < AGAIN_MAX)
        c->again_count++;
    else
        free(a->bytes);
    c->again_next = (c->again_next + 1) % AGAIN_MAX;
    *a = (struct acked_send){.seq = seq,
                             .conv = o->conv,
                             .len = o->len,
                             .bytes = mem_copy(o->bytes, o->len),
                             .n = o->n};
    memcpy(a->cid, o->cid, sizeof(a->cid));
}

void client_sent(struct client *c, const struct frame *f)
{
    struct outgoing *o = find(c, f->re);

    if (o == NULL)
        return;
    for (int i = 0; i < c->again_count; i++) {
        if (c->again[i].n == o->n && c->again[i].seq != f->seq)
            world_break(c->world, "I6",
                        "c%" PRIu64 ": cid %s had seq %" PRId64
                        ", now %" PRId64,
                        o->conv, o->cid, c->again[i].seq, f->seq);
    }
    c->world->verdict->sends++;
    if (o->want == WANT_SENT)
        order_stored(c, o, f->seq);
    if (o->want == WANT_SENT && !f->dup && chance(&c->rng, 300))
        keep(c, o, f->seq);
    remove_outgoing(c, o);
}

void client_ok(struct client *c, const struct frame *f)
{
    struct outgoing *o = find(c, f->re);
    struct span text = json_member(f->raw, "conv");
    uint64_t conv = 0;
    struct place *p;

    if (o == NULL)
        return;
    if (o->want == WANT_CONV &&
        (text.p == NULL || text.n < 2 ||
         !id_parse(span_make(text.p + 1, text.n - 2), 'c', &conv)))
        world_break(c->world, "answer", "no conversation in %.*s",
                    (int)f->raw.n, f->raw.p);
    if (o->want == WANT_CONV) {
        p = place_get(c, conv, 1);
        if (o->peer != 0) {
            p->kind = CONV_DIRECT;
            p->peer = o->peer;
        } else {
            p->kind = CONV_GROUP;
            map_put(&c->world->groups, conv, c->world);
        }
    }
    remove_outgoing(c, o);
}

void client_error(struct client *c, const struct frame *f)
{
    struct outgoing *o = find(c, f->re);

    if (o == NULL)
        return;
    if (!f->temp) {
        remove_outgoing(c, o);
        return;
    }
    o->station = NULL;
    o->sent_at = 0;
    o->retry_at = world_now(c->world) + (f->retry_max > 0 ? f->retry_max : 500);
    client_wake_at(c, o->retry_at);
}
