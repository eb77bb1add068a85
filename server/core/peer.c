/* The numbered link to another node. Each message to a node has the next
 * number, and an idle link repeats its last one, so that a receiver finds out
 * about anything lost and compares heads with the store. Which messages came
 * is kept in a window of bits (the anti-replay window of RFC 4303, 3.4.3). */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/home.h"

#define WINDOW 64
#define REPAIR_MS 250 /* holes within this time are one repair */

struct peer {
    int node;
    uint64_t out_lease, out; /* our lease, number of the last message */
    int64_t spoke;           /* mono ms of the last message */
    uint64_t lease, in;      /* its lease, highest number seen */
    uint64_t window;         /* bit i: in - i has come */
    int64_t next_repair;
    bool repair; /* a hole waits for its repair */
};

static struct peer *peer_get(struct node *n, int node)
{
    struct peer *p = map_get(&n->peers, (uint64_t)node + 1);

    if (p == NULL) {
        p = mem_alloc(sizeof(*p));
        p->node = node;
        map_put(&n->peers, (uint64_t)node + 1, p);
    }
    return p;
}

uint64_t peer_lease(struct node *n, int node)
{
    return peer_get(n, node)->lease;
}

/* ---- out ---- */

static int peer_write(struct node *n, struct peer *p, struct buf *b)
{
    int rc;

    p->out++;
    p->spoke = node_mono(n);
    peer_stamp(b, p->out_lease, p->out);
    metrics_add(&n->metrics, NM_BUS_OUT, 1);
    rc = bus_send(n->bus, p->node, buf_span(b));
    /* A full queue tells the other side of the gap; it is not our failure. */
    return rc == -CF_BUSY ? 0 : rc;
}

static struct peer *peer_ready(struct node *n, int node)
{
    struct peer *p = peer_get(n, node);

    /* Without a lease it still ends what it began under the last one. */
    if (n->lease != 0 && p->out_lease != (uint64_t)n->lease) {
        p->out_lease = (uint64_t)n->lease;
        p->out = 0;
    }
    return p;
}

int peer_send(struct node *n, int to, enum peer_type type,
              const struct peer_message *m)
{
    struct buf *b = &side_of(n)->wire;
    int rc;

    buf_clear(b);
    rc = peer_encode(b, type, m);
    if (rc != 0)
        return rc;
    return peer_write(n, peer_ready(n, to), b);
}

void peer_send_all(struct node *n, const uint16_t *nodes, int count,
                   enum peer_type type, const struct peer_message *m)
{
    struct buf *b = &side_of(n)->wire;

    buf_clear(b);
    if (peer_encode(b, type, m) != 0)
        return;
    for (int i = 0; i < count; i++) {
        if (nodes[i] != n->env.number)
            peer_write(n, peer_ready(n, nodes[i]), b);
    }
}

void peer_tick(struct node *n)
{
    static const struct peer_message nothing;
    struct buf *b = &side_of(n)->wire;
    int64_t now = node_mono(n);

    for (uint32_t i = 0; i < n->peers.len; i++) {
        struct peer *p = n->peers.entries[i].value;

        if (p->repair && now >= p->next_repair)
            peer_gap(n, p->node);
        if (p->out == 0 || now - p->spoke < n->config.tick_ms)
            continue;
        buf_clear(b);
        if (peer_encode(b, PEER_TICK, &nothing) != 0)
            continue;
        peer_stamp(b, p->out_lease, p->out);
        bus_send(n->bus, p->node, buf_span(b));
        p->spoke = now;
    }
}

/* ---- holes ---- */

static void peer_repair(struct node *n, struct peer *p)
{
    static const struct peer_message nothing;
    int64_t now = node_mono(n);

    if (SABOTAGED(n, bus_loss_unrepaired))
        return;
    if (now < p->next_repair) {
        p->repair = true;
        return;
    }
    p->repair = false;
    p->next_repair = now + REPAIR_MS;
    repair_from_store(n, p->node);
    if (n->ready)
        peer_send(n, p->node, PEER_LOST, &nothing);
}

void peer_gap(void *node, int from)
{
    struct node *n = node;

    if (from >= 0) {
        peer_repair(n, peer_get(n, from));
        return;
    }
    if (SABOTAGED(n, bus_loss_unrepaired))
        return;
    repair_from_store(n, -1);
}

static void peer_hole(struct node *n, struct peer *p)
{
    metrics_add(&n->metrics, NM_HOLES, 1);
    peer_repair(n, p);
}

/* A node began again: what its former life sent last may be lost. */
static void peer_begins(struct node *n, struct peer *p,
                        const struct peer_header *h)
{
    bool known = p->lease != 0;

    p->lease = h->incarnation;
    p->in = 0;
    p->window = 0;
    if (!known)
        return;
    away_gone(n, p->node);
    peer_hole(n, p);
}

static void peer_advance(struct node *n, struct peer *p, uint64_t number,
                         bool arrived)
{
    uint64_t by = number - p->in;

    p->window = by < WINDOW ? p->window << by : 0;
    if (arrived)
        p->window |= 1;
    if (by > 1 || !arrived)
        peer_hole(n, p);
    p->in = number;
}

/* Is this message new? Notes what is missing before it. */
static bool peer_accept(struct node *n, struct peer *p,
                        const struct peer_header *h)
{
    uint64_t back;

    if (h->incarnation < p->lease)
        return false;
    if (h->incarnation > p->lease)
        peer_begins(n, p, h);
    if (h->type == PEER_TICK) {
        if (h->number > p->in)
            peer_advance(n, p, h->number, false);
        return false;
    }
    if (h->number > p->in) {
        peer_advance(n, p, h->number, true);
        return true;
    }
    back = p->in - h->number;
    if (back >= WINDOW || (p->window >> back & 1))
        return false;
    p->window |= UINT64_C(1) << back;
    return true;
}

/* ---- in ---- */

static void message_request(struct node *n, const struct peer_message *m)
{
    struct request *rq = request_received(n, m);

    if (rq != NULL)
        route_request(n, rq);
}

static void message_typing(struct node *n, const struct peer_message *m)
{
    if (m->at_viewers)
        typing_here(n, m->conv, m->user, m->on);
    else
        route_typing(n, m->conv, m->user, m->on);
}

static void peer_handle(struct node *n, int from, struct peer_message *m)
{
    switch (m->header.type) {
    case PEER_REQUEST:
        message_request(n, m);
        break;
    case PEER_ANSWER:
        route_answer(n, m->rid, m->conn, m->bytes);
        break;
    case PEER_ENTRY:
        deliver_entry(n, &m->delivery);
        break;
    case PEER_PUSH:
        deliver_push(n, m->class, m->conv, m->users, m->count, m->except,
                     m->bytes);
        break;
    case PEER_HEAD:
        deliver_head(n, m->conv, m->head);
        break;
    case PEER_MARKS:
        marks_from(n, m->marks, m->count, m->on);
        break;
    case PEER_KICK:
        conn_kick(n, m->conn, m->user, m->dev, m->code);
        break;
    case PEER_ASK_HEADS:
        ask_from(n, from, m->rid, m->index, m->user, m->conv);
        break;
    case PEER_TELL_HEADS:
        ask_told(n, m->rid, m->index, m->head);
        break;
    case PEER_TYPING:
        message_typing(n, m);
        break;
    case PEER_VIEW:
        view_from(n, from, m->conv, m->on);
        break;
    case PEER_FORGET_PAIR:
        pair_forget(n, m->user, m->other);
        break;
    case PEER_LOST:
        marks_again(n, from);
        receipts_again(n);
        break;
    case PEER_REPAIR:
        repair_from_store(n, -1);
        break;
    case PEER_RECEIPT:
        receipt_here(n, m->conv, m->user, m->other, m->delivered, m->read);
        break;
    default:
        break;
    }
}

/* A receipt or head that newer messages have overtaken would show marks that
 * fall; the hole it left has asked for all of them again. */
static bool overtaken(const struct peer *p, const struct peer_message *m)
{
    return m->header.number < p->in && m->header.type == PEER_PUSH &&
           m->class == WIRE_HINT;
}

void peer_message(void *node, int from, struct span bytes)
{
    static struct log_gate gate;
    struct node *n = node;
    struct peer *p;
    struct home_side *side = side_of(n);
    struct peer_message m;

    metrics_add(&n->metrics, NM_BUS_IN, 1);
    if (side->lists == NULL)
        side->lists = mem_alloc(sizeof(*side->lists));
    if (peer_decode(&m, side->lists, bytes) != 0) {
        if (log_gate(&gate, 10000))
            log_warn("bus: a message of node %d cannot be read", from);
        return;
    }
    p = peer_get(n, from);
    if (peer_accept(n, p, &m.header) && !overtaken(p, &m))
        peer_handle(n, from, &m);
}

void peers_free(struct node *n)
{
    for (uint32_t i = 0; i < n->peers.len; i++)
        free(n->peers.entries[i].value);
    map_release(&n->peers);
}
