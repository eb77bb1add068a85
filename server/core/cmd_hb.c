/* cmd_hb.c - `hb`: the heartbeat, and whether a person is there. */
#include "core/commands.h"
#include "core/conn.h"

void cmd_hb(struct conn *c, const struct frame *f)
{
    struct node *n = c->node;

    metrics_add(&n->metrics, NM_HEARTBEATS, 1);
    conn_beat(c, f->act);
    buf_clear(&n->scratch);
    if (enc_hb(&n->scratch, f->n, clock_wall(n->env.clock)) == 0)
        conn_answer(c, buf_span(&n->scratch));
}
