/* Commands that look: /show /last /who /members /receipts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "chat_priv.h"
#include "proto/encode.h"

#define SHOW_MORE 40 /* messages of /show without a number */
#define LAST_SHOWN 10

static bool show_whole(void *ctx, const struct entry *e)
{
    view_whole(ctx, e);
    return true;
}

static bool show_line(void *ctx, const struct entry *e)
{
    struct chat *ch = ctx;

    view_entry(ch, ch->open, e);
    return true;
}

struct showing {
    struct chat *chat;
    struct room *room;
};

static void older_came(void *ctx, int rc, int count)
{
    struct showing *s = ctx;
    struct chat *ch = s->chat;

    if (ch->open == s->room) {
        ch->open->day = 0;
        archive_entries(client_archive(ch->cli->client), ch->open->conv, 0, 0,
                        SHOW_MORE, false, show_line, ch);
        if (rc < 0)
            chat_note(ch, STYLE_DIM, "(older ones could not be fetched: %s)",
                      error_name(rc));
        chat_say(ch);
        room_read(ch);
    }
    free(s);
}

void show_show(struct chat *ch, char *args)
{
    struct archive *a = client_archive(ch->cli->client);
    struct showing *s;
    int64_t seq;

    if (args[0] == '\0') {
        s = mem_alloc(sizeof(*s));
        *s = (struct showing){ch, ch->open};
        client_history(ch->cli->client, ch->open->conv, 0, 0, SHOW_MORE,
                       older_came, s);
        return;
    }
    if (!chat_number(args, &seq) ||
        archive_entry(a, ch->open->conv, seq, show_whole, ch) < 0)
        chat_note(ch, STYLE_RED, "no message '%s' here", args);
    chat_say(ch);
}

static void last_one(struct chat *ch, const struct mine *m)
{
    struct buf state;

    buf_init(&state, 256);
    mine_state(ch, m, true, &state);
    if (m->seq > 0)
        buf_printf(&ch->out, "[%lld] ", (long long)m->seq);
    view_conv(ch, &ch->out, m->conv);
    buf_append_text(&ch->out, ": ");
    tty_put_untrusted(&ch->out, TEXT_LINE, span_of(m->text), 0);
    buf_append_text(&ch->out, "  (");
    buf_append_span(&ch->out, buf_span(&state));
    if (m->state == MINE_FAILED) {
        buf_append_text(&ch->out, ": ");
        tty_put_untrusted(&ch->out, TEXT_LINE, span_of(m->reason), 0);
    }
    buf_append_text(&ch->out, ")\n");
    buf_release(&state);
}

void show_last(struct chat *ch, char *args)
{
    for (int n = LAST_SHOWN - 1; n >= 0; n--) {
        const struct mine *m = mine_nth(ch, n);

        if (m != NULL && m->text != NULL)
            last_one(ch, m);
    }
    if (ch->out.len == 0)
        buf_append_text(&ch->out, "nothing was sent from here yet\n");
    chat_say(ch);
}

static void who_is_there(struct chat *ch, struct room *r)
{
    static const char *const words[] = {"not known", "offline", "away",
                                        "online"};

    for (int i = 0; i < r->people_count; i++) {
        size_t state = (size_t)map_get(&ch->presence, r->people[i]);

        if (r->people[i] == client_user(ch->cli->client))
            state = PRESENCE_ON + 1;
        view_name(ch, &ch->out, r->people[i]);
        buf_printf(&ch->out, "  %s\n", words[state]);
    }
    chat_say(ch);
}

static void need_link(struct chat *ch)
{
    if (client_link_state(ch->cli->client) != LINK_UP)
        chat_note(ch, STYLE_RED, "the link is down: try again when it is up");
}

void show_who(struct chat *ch, char *args)
{
    need_link(ch);
    room_learn_people(ch, ch->open, who_is_there);
}

static void receipts_came(void *ctx, const struct frame *f)
{
    struct chat *ch = ctx;
    struct error err;
    json_t *j = NULL;

    if (f != NULL && f->kind == FRAME_OK)
        j = json_parse_bounded(f->raw, LIMIT_DEPTH, 100000, &err);
    if (j == NULL) {
        chat_note(ch, STYLE_RED, "the server does not say");
        return;
    }
    chat_note(ch, STYLE_PLAIN,
              "[%lld] delivered to %lld, read by %lld of %lld members",
              (long long)json_integer_value(json_object_get(j, "seq")),
              (long long)json_integer_value(json_object_get(j, "delivered_n")),
              (long long)json_integer_value(json_object_get(j, "read_n")),
              (long long)json_integer_value(json_object_get(j, "members")));
    json_decref(j);
}

void show_receipts(struct chat *ch, char *args)
{
    struct buf b;
    int64_t seq;

    need_link(ch);
    if (!chat_which(ch, &args, true, &seq))
        return;
    buf_init(&b, 128);
    enc_member_id(&b, "conv", 'c', ch->open->conv);
    enc_member_int(&b, "seq", seq);
    client_request(ch->cli->client, FRAME_STATE, buf_span(&b), receipts_came,
                   ch);
    buf_release(&b);
}
