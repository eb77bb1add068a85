/* cmd_ack.c - `ack`: this device has it; `read`: the person saw it. */
#include "core/commands.h"
#include "core/conn.h"

static void take_marks(struct conn *c, struct span at, bool read)
{
    struct mark m;

    while (c->state != CONN_CLOSED && frame_next_mark(&at, &m))
        marks_ack(c, m.conv, m.seq, read);
}

void cmd_ack(struct conn *c, const struct frame *f)
{
    take_marks(c, f->at, false);
}

void cmd_read(struct conn *c, const struct frame *f)
{
    take_marks(c, f->at, true);
}
