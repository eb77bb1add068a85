/* The prompt is the status line: where we are, what became of my last
 * message, who types, what waits elsewhere, the link. */
#include <stdio.h>

#include "chat_priv.h"
#include "proto/frame.h"

#define ROOM_LEFT 24 /* columns kept for typing */
#define DOT " \xc2\xb7 "

static void put_unread(struct chat *ch, struct buf *b)
{
    int64_t unread = 0;

    for (uint32_t i = 0; i < ch->rooms.len; i++) {
        const struct room *r = ch->rooms.entries[i].value;

        if (r != ch->open)
            unread += r->unread;
    }
    if (unread > 0)
        buf_printf(b, DOT "%lld unread", (long long)unread);
}

static void put_link(struct chat *ch, struct buf *b)
{
    int64_t left = ch->retry_at - chat_now(ch);

    switch (client_link_state(ch->cli->client)) {
    case LINK_UP:
        return;
    case LINK_RETRYING:
        buf_printf(b, DOT "reconnecting %lld s",
                   (long long)(left > 0 ? (left + 999) / 1000 : 0));
        return;
    default:
        buf_append_text(b, DOT "connecting");
    }
}

static void put_presence(struct chat *ch, struct buf *b,
                         const struct archive_conv *row)
{
    size_t state;

    if (row->peer == 0)
        return;
    state = (size_t)map_get(&ch->presence, row->peer);
    if (state == PRESENCE_OFF + 1)
        buf_append_text(b, " (offline)");
    else if (state == PRESENCE_AWAY + 1)
        buf_append_text(b, " (away)");
}

static void put_room(struct chat *ch, struct buf *b)
{
    struct room *r = ch->open;
    struct archive_conv row = {0};
    struct mine *last = mine_last(ch, r->conv);

    room_known(ch, r->conv, &row);
    view_conv(ch, b, r->conv);
    put_presence(ch, b, &row);
    if (row.mode != MODE_E2EE)
        buf_append_text(b, " [open]");
    if (last != NULL) {
        buf_append_byte(b, ' ');
        mine_state(ch, last, false, b);
    }
    if (r->typing != 0 && r->typing_until > chat_now(ch)) {
        buf_append_text(b, DOT);
        view_name(ch, b, r->typing);
        buf_append_text(b, " is typing");
    }
}

/* With --accessible the prompt says where we are and nothing else. */
void chat_prompt(struct chat *ch)
{
    struct buf b;

    if (ch->front == NULL)
        return;
    buf_init(&b, 2048);
    if (ch->open == NULL)
        buf_append_text(&b, "confab");
    else if (ch->o.accessible)
        view_conv(ch, &b, ch->open->conv);
    else
        put_room(ch, &b);
    if (!ch->o.accessible && tty_columns() >= 2 * ROOM_LEFT) {
        put_unread(ch, &b);
        put_link(ch, &b);
    }
    buf_append_text(&b, "> ");
    ch->front->kind->prompt(ch->front, buf_span(&b));
    buf_release(&b);
}
