/* Marks that became durable here, told to the homes of their conversations,
 * where receipts are made of them. The latest are kept and said again when a
 * home has lost a message, or another node is home now. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/home.h"

/* ---- at the home ---- */

static void mark_here(struct node *n, const struct mark_row *row, bool again)
{
    struct home *h = map_get(&n->homes, row->conv);
    struct request *rq;

    if (h != NULL && h->state == HOME_READY && list_empty(&h->waiting)) {
        receipts_mark(h, row, again);
        return;
    }
    rq = request_internal(n, FRAME_ACK, row->conv, row->user);
    rq->dev = row->dev;
    rq->frame.delivered = row->delivered_now;
    rq->frame.read = row->read_now;
    home_request(n, rq);
}

void home_mark(struct home *h, struct request *rq)
{
    struct mark_row row = {
        .conv = rq->conv, .user = rq->user, .dev = rq->dev, .moved = true};

    row.delivered_now = rq->frame.delivered;
    row.read_now = rq->frame.read;
    receipts_mark(h, &row, false);
    request_free(&rq);
}

void marks_from(struct node *n, const struct mark_row *rows, int count,
                bool again)
{
    for (int i = 0; i < count; i++) {
        if (home_is_ours(n, rows[i].conv))
            mark_here(n, &rows[i], again);
    }
}

void home_marks(struct node *n, const struct mark_row *rows, int count)
{
    marks_from(n, rows, count, false);
}

/* ---- on the way ---- */

static void said_keep(struct node *n, const struct mark_row *row)
{
    struct home_side *side = side_of(n);
    int at = side->said_next++ % MARKS_SAID;

    if (side->said == NULL) {
        side->said = mem_array(MARKS_SAID, sizeof(*side->said));
        side->said_at = mem_array(MARKS_SAID, sizeof(*side->said_at));
    }
    if (side->said_count < MARKS_SAID)
        side->said_count++;
    side->said[at] = *row;
    side->said_at[at] = node_mono(n);
}

static void marks_to(struct node *n, int node, const struct mark_row *rows,
                     int count, bool again)
{
    struct mark_row batch[64];
    struct peer_message m = {.marks = batch, .on = again};

    for (int i = 0; i < count; i++) {
        if (!rows[i].moved || ring_node(&n->ring, rows[i].conv) != node)
            continue;
        batch[m.count++] = rows[i];
        if (m.count == (int)COUNT_OF(batch)) {
            peer_send(n, node, PEER_MARKS, &m);
            m.count = 0;
        }
    }
    if (m.count > 0)
        peer_send(n, node, PEER_MARKS, &m);
}

static void marks_send(struct node *n, const struct mark_row *rows, int count,
                       bool again, int only)
{
    for (int i = 0; i < n->node_count; i++) {
        if (n->nodes[i] != n->env.number && (only < 0 || n->nodes[i] == only))
            marks_to(n, n->nodes[i], rows, count, again);
    }
    for (int i = 0; only < 0 && i < count; i++) {
        if (rows[i].moved && home_is_ours(n, rows[i].conv))
            mark_here(n, &rows[i], again);
    }
}

void route_marks(struct node *n, const struct mark_row *rows, int count)
{
    for (int i = 0; i < count; i++) {
        if (rows[i].moved)
            said_keep(n, &rows[i]);
    }
    marks_send(n, rows, count, false, -1);
}

void marks_again(struct node *n, int home)
{
    struct home_side *side = side_of(n);
    int64_t since = node_mono(n) - MARKS_SAID_MS;

    for (int i = 0; i < side->said_count; i++) {
        if (side->said_at[i] >= since)
            marks_send(n, &side->said[i], 1, true, home);
    }
}
