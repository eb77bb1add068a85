/* outq.c - what waits to be written to one connection: a ring of shared wires,
 * bounded in bytes and in number. A single one, the usual case, needs no ring.
 * A long queue sheds what is soft; entries are refused, because the log has
 * them; answers always go in. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/conn.h"

#define OUTQ_MIN 4
/* Answers only: their number is bounded by `pending`, their bytes here. */
#define OUTQ_HARD (4 * LIMIT_OUTQ_BYTES)

static struct wire **slot(struct conn *c, unsigned i)
{
    if (c->out_cap == 1)
        return &c->only;
    return &c->outq[(c->out_head + i) & (c->out_cap - 1u)];
}

static void drop_ring(struct conn *c)
{
    if (c->out_cap > 1)
        free(c->outq);
    c->outq = NULL;
    c->out_cap = c->out_head = 0;
}

static void grow(struct conn *c)
{
    unsigned cap = c->out_cap > 1 ? c->out_cap * 2u : OUTQ_MIN;
    struct wire **ring;

    if (c->out_cap == 0) {
        c->out_cap = 1;
        return;
    }
    ring = mem_array(cap, sizeof(*ring));
    for (unsigned i = 0; i < c->out_len; i++)
        ring[i] = *slot(c, i);
    drop_ring(c);
    c->outq = ring;
    c->out_cap = (uint16_t)cap;
}

bool outq_room(const struct conn *c, size_t len)
{
    return c->out_len < LIMIT_OUTQ_WIRES &&
           (c->out_len == 0 || c->out_bytes + len <= LIMIT_OUTQ_BYTES);
}

/* Take out every wire that drop() names; the order of the others stays. */
static int sweep(struct conn *c,
                 bool (*drop)(const struct wire *w, const void *arg),
                 const void *arg)
{
    unsigned kept = 0, dropped = 0;

    for (unsigned i = 0; i < c->out_len; i++) {
        struct wire *w = *slot(c, i);

        if (drop(w, arg)) {
            c->out_bytes -= w->len;
            wire_unref(w);
            dropped++;
        } else {
            *slot(c, kept++) = w;
        }
    }
    c->out_len = (uint16_t)kept;
    return (int)dropped;
}

static bool of_class(const struct wire *w, const void *class)
{
    return w->class == *(const enum wire_class *)class;
}

/* A lost `head` is said again when there is room. */
static void head_lost(struct conn *c)
{
    SEEN(c->node, "head: shed");
    c->heads_shed = !SABOTAGED(c->node, forget_shed_heads);
}

static void shed(struct conn *c, enum wire_class class)
{
    int dropped = sweep(c, of_class, &class);

    metrics_add(&c->node->metrics, NM_SHED, dropped);
    if (class == WIRE_HINT && dropped > 0)
        head_lost(c);
}

/* Of the hints `head` alone has a seq: a newer one says all that the older one
 * said. It goes to the end: who is added hears of that first. */
static bool same_hint(const struct wire *w, const void *arg)
{
    const struct wire *newer = arg;

    return w->class == WIRE_HINT && w->conv == newer->conv && w->conv != 0 &&
           w->seq != 0 && newer->seq != 0;
}

static bool make_room(struct conn *c, const struct wire *w)
{
    if (outq_room(c, w->len))
        return true;
    shed(c, WIRE_SHED);
    if (!outq_room(c, w->len))
        shed(c, WIRE_HINT);
    if (outq_room(c, w->len))
        return true;
    if (w->class == WIRE_ANSWER)
        return true;
    if (w->class == WIRE_HINT)
        head_lost(c);
    if (w->class != WIRE_ENTRY)
        metrics_add(&c->node->metrics, NM_SHED, 1);
    return false;
}

bool outq_push(struct conn *c, struct wire *w)
{
    bool idle = c->out_len == 0;

    if (w->class == WIRE_HINT && w->seq != 0)
        sweep(c, same_hint, w);
    if (!make_room(c, w))
        return false;
    if (w->class == WIRE_ANSWER && (c->out_bytes + w->len > OUTQ_HARD ||
                                    c->out_len >= 4 * LIMIT_OUTQ_WIRES)) {
        conn_close(c, 4002, "it does not read its answers");
        return false;
    }
    if (c->out_len == c->out_cap)
        grow(c);
    *slot(c, c->out_len) = wire_ref(w);
    c->out_len++;
    c->out_bytes += w->len;
    if (idle) {
        c->moved = now_seconds(c->node);
        c->node->env.transport->kick(c->peer);
    }
    return true;
}

static bool is_above(const struct wire *w, const void *arg)
{
    const struct mark *m = arg;

    return w->class == WIRE_ENTRY && w->conv == m->conv && w->seq > m->seq;
}

void outq_purge(struct conn *c, uint64_t conv, int64_t above)
{
    struct mark m = {conv, above};

    sweep(c, is_above, &m);
}

static bool any(const struct wire *w, const void *arg)
{
    return true;
}

void outq_release(struct conn *c)
{
    sweep(c, any, NULL);
    drop_ring(c);
}

const struct wire *conn_next(struct conn *c)
{
    return c->out_len > 0 ? *slot(c, 0) : NULL;
}

/* An event of a stream counts as acknowledged when the next one is taken. A
 * poll ends with its answer: there what is taken counts itself. */
static void ack_before(struct conn *c, uint64_t conv, int64_t seq)
{
    bool itself = c->type == CONN_POLL;

    while (c->credit_len > 0) {
        struct credit_item item = c->credit[c->credit_head];

        if (item.conv == conv && item.seq >= seq + itself)
            return;
        marks_ack(c, item.conv, item.seq, false);
        credit_ack(c, item.conv, item.seq);
    }
}

static void tell_shed_heads(struct conn *c)
{
    if (!c->heads_shed || c->out_bytes > LIMIT_OUTQ_BYTES / 2 ||
        c->out_len > LIMIT_OUTQ_WIRES / 2)
        return;
    c->heads_shed = false;
    list_each (&c->subs, k, next)
        sub_tell_head(container_of(k, struct sub, of_conn));
}

void conn_took(struct conn *c)
{
    struct wire *w = *slot(c, 0);
    struct metrics *m = &c->node->metrics;

    c->out_head = (uint16_t)((c->out_head + 1u) & (c->out_cap - 1u));
    c->out_len--;
    c->out_bytes -= w->len;
    metrics_add(m, NM_FRAMES_OUT, 1);
    metrics_add(m, NM_BYTES_OUT, w->len);
    if (c->state != CONN_CLOSED && c->auto_ack && w->class == WIRE_ENTRY)
        ack_before(c, w->conv, w->seq);
    wire_unref(w);
    if (c->out_len == 0)
        drop_ring(c);
    else
        c->moved = now_seconds(c->node);
    if (c->state == CONN_CLOSED)
        return;
    c->feed_blocked = false;
    tell_shed_heads(c);
    conn_pressure(c);
    if (c->out_bytes <= LIMIT_OUTQ_BYTES / 2)
        feed_conn(c);
}

size_t conn_pull(struct conn *c, char *out, size_t max)
{
    size_t n = 0;

    for (int objects = 0; c->out_len > 0 && objects < LIMIT_FRAME_OBJECTS;
         objects++) {
        const struct wire *w = *slot(c, 0);
        size_t lf = n > 0 ? 1 : 0;

        if (n + lf + w->len > max)
            break;
        if (lf > 0)
            out[n++] = '\n';
        memcpy(out + n, w->data, w->len);
        n += w->len;
        conn_took(c);
    }
    return n;
}
