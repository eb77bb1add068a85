/* cmd_hello.c - `hello`: the first frame of a socket. The rest of the story is
 * in sync.c. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/commands.h"
#include "core/conn.h"

static void read_seen(struct sync *sy, struct span object)
{
    struct mark m;
    int cap = 0;

    while (frame_next_seen(&object, &m)) {
        if (sy->seen_count == cap) {
            cap = cap > 0 ? cap * 2 : 8;
            sy->seen = mem_grow(sy->seen, (size_t)cap, sizeof(*sy->seen));
        }
        sy->seen[sy->seen_count++] = m;
    }
}

static void set_window(struct conn *c, const struct frame *f)
{
    if (f->win_entries > 0 && f->win_entries < LIMIT_WIN_ENTRIES)
        c->win_entries = (uint16_t)f->win_entries;
    if (f->win_bytes > 0 && f->win_bytes < LIMIT_WIN_BYTES)
        c->win_bytes = (uint32_t)f->win_bytes;
}

void cmd_hello(struct conn *c, const struct frame *f)
{
    struct node *n = c->node;
    struct sync *sy;

    if (!f->v1) {
        conn_error(c, f->n, "version", 0, "this server speaks version 1");
        conn_close(c, 4426, "version");
        return;
    }
    sy = mem_alloc(sizeof(*sy));
    sy->re = f->n;
    buf_init(&sy->held, LIMIT_RX);
    read_seen(sy, f->last_seen);
    c->sync = sy;
    c->strict = f->strict;
    c->dev = f->dev;
    c->seen = now_seconds(n);
    set_window(c, f);
    timer_set(&n->wheel, &c->deadline, now_mono(n) + n->config.ttl_ms);
    sync_start(c, f->token);
}
