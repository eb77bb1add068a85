/* What comes from the server, and what the chat makes of it. */
#include <stdio.h>

#include "base/map.h"
#include "chat_priv.h"
#include "out.h"

/* ---- messages ---- */

static void message_here(struct chat *ch, struct room *r, const struct entry *e,
                         bool fresh)
{
    bool own = e->from == client_user(ch->cli->client);

    if (e->seq <= r->shown)
        return;
    if (!own && e->kind == ENTRY_MSG && !chat_watched(ch)) {
        if (r->unread++ == 0 && !ch->o.accessible)
            view_rule(ch, "new");
    }
    if (r->typing == e->from)
        r->typing = 0;
    view_entry(ch, r, e);
    if (e->kind == ENTRY_MEMBER)
        room_learn_people(ch, r, NULL);
    room_read(ch);
}

static void message_elsewhere(struct chat *ch, struct room *r,
                              const struct entry *e)
{
    struct archive_conv row = {0};

    room_known(ch, e->conv, &row);
    if (row.kind == CONV_SELF || e->kind != ENTRY_MSG ||
        e->from == client_user(ch->cli->client) || e->seq <= r->read)
        return;
    r->unread++;
    if (ch->synced && !ch->opening)
        view_elsewhere(ch, e);
}

/* Did it start here? Then it is on the screen already. */
static bool own_echo(struct chat *ch, const struct entry *e)
{
    char cid[LIMIT_CID + 1];
    struct mine *m;

    if (e->cid.p == NULL || e->cid.n > LIMIT_CID)
        return false;
    snprintf(cid, sizeof(cid), "%.*s", (int)e->cid.n, e->cid.p);
    m = mine_find(ch, e->conv, cid);
    if (m == NULL)
        return false;
    m->seq = e->seq;
    m->state = MINE_STORED;
    return m->message;
}

static void on_message(struct chat *ch, const struct client_event *ev)
{
    const struct entry *e = ev->entry;
    struct room *r = room_get(ch, ev->conv);

    if (own_echo(ch, e)) {
        if (e->seq > r->shown && r == ch->open)
            r->shown = e->seq;
    } else if (r == ch->open) {
        message_here(ch, r, e, ev->fresh);
    } else {
        message_elsewhere(ch, r, e);
    }
    chat_say(ch);
    chat_prompt(ch);
}

/* ---- the link ---- */

static void say_unread(struct chat *ch)
{
    for (uint32_t i = 0; i < ch->rooms.len; i++) {
        struct room *r = ch->rooms.entries[i].value;

        if (r == ch->open || r->unread == 0)
            continue;
        tty_style(&ch->out, STYLE_DIM);
        buf_printf(&ch->out,
                   ch->o.accessible ? "%lld unread in " : "   %lld unread in ",
                   (long long)r->unread);
        view_conv(ch, &ch->out, r->conv);
        tty_style_end(&ch->out);
        buf_append_byte(&ch->out, '\n');
    }
    chat_say(ch);
}

static void on_synced(struct chat *ch)
{
    if (ch->first != NULL) {
        const char *name = ch->first;

        ch->first = NULL;
        room_open_named(ch, name);
    } else if (ch->open != NULL) {
        room_view(ch);
        room_learn_people(ch, ch->open, NULL);
        if (ch->open->shown > ch->open->read)
            room_read(ch);
    }
    if (!ch->synced)
        say_unread(ch);
    ch->synced = true;
    if (ch->o.cmd != NULL)
        chat_listen(ch);
    chat_prompt(ch);
}

static void on_link(struct chat *ch, const struct client_event *ev)
{
    ch->retry_at = 0;
    if (ev->link == LINK_RETRYING) {
        ch->retry_at = chat_now(ch) + ev->delay_ms;
        loop_timer_set(ch->second, SECOND_MS);
        if (ev->attempt == 1 && (ch->o.accessible || !ch->was_up))
            chat_note(ch, STYLE_YELLOW,
                      "no connection: %s; what you send is kept and goes out "
                      "later",
                      ev->text != NULL && ev->text[0] != '\0'
                          ? ev->text
                          : "the server is gone");
        ch->synced = false;
    } else if (ev->link == LINK_UP) {
        if (ch->o.accessible && ch->was_up)
            chat_note(ch, STYLE_DIM, "connected again");
        ch->was_up = true;
    }
    chat_prompt(ch);
}

/* ---- the rest ---- */

static void on_typing(struct chat *ch, const struct client_event *ev)
{
    struct room *r = room_get(ch, ev->conv);

    if (ev->user == client_user(ch->cli->client))
        return;
    if (ev->on) {
        if (r->typing == 0 && ch->o.accessible && r == ch->open) {
            view_name(ch, &ch->out, ev->user);
            buf_append_text(&ch->out, " is typing\n");
            chat_say(ch);
        }
        r->typing = ev->user;
        r->typing_until = chat_now(ch) + TYPING_SHOWN_MS;
        loop_timer_set(ch->second, SECOND_MS);
    } else if (r->typing == ev->user) {
        r->typing = 0;
    }
    chat_prompt(ch);
}

static void on_gap(struct chat *ch, const struct client_event *ev)
{
    int64_t count = ev->to - ev->from + 1;

    if (ch->open != NULL && ch->open->conv == ev->conv)
        chat_note(ch, STYLE_DIM, "(%lld messages are not here: %s)",
                  (long long)count, ev->code);
}

static void on_conv(struct chat *ch, const struct client_event *ev)
{
    struct archive_conv row = {0};
    struct room *r = room_get(ch, ev->conv);

    if (room_known(ch, ev->conv, &row) && row.read > r->read)
        r->read = row.read;
    if (ch->header_due && r == ch->open && row.kind != 0)
        room_header(ch, r);
    chat_prompt(ch);
}

void chat_event(void *ctx, const struct client_event *ev)
{
    struct chat *ch = ctx;

    if (ch->cli->format != OUTPUT_HUMAN)
        out_event(ch->cli, ev);
    if (ch->recording != NULL)
        recording_event(ch->recording, ch->cli->client, ev);
    switch (ev->kind) {
    case EV_MESSAGE:
        on_message(ch, ev);
        break;
    case EV_LINK:
        on_link(ch, ev);
        break;
    case EV_SYNCED:
        on_synced(ch);
        break;
    case EV_SENT:
        chat_sent(ch, ev);
        break;
    case EV_REFUSED:
        chat_refused(ch, ev);
        break;
    case EV_RECEIPT:
        chat_receipt(ch, ev);
        break;
    case EV_TYPING:
        on_typing(ch, ev);
        break;
    case EV_PRESENCE:
        map_put(&ch->presence, ev->user,
                (void *)((uintptr_t)ev->state + 1)); /* never NULL */
        chat_prompt(ch);
        break;
    case EV_GAP:
        on_gap(ch, ev);
        break;
    case EV_CONV:
        on_conv(ch, ev);
        break;
    case EV_ERROR:
        if (ev->text != NULL && ev->text[0] != '\0')
            chat_note(ch, STYLE_RED, "error: %s", ev->text);
        break;
    default:
        break;
    }
    if (ch->ending && !mine_waiting(ch))
        session_end(ch->cli, EXIT_DONE);
}
