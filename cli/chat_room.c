/* Rooms: a conversation, who is in it, what of it is on the screen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "chat_priv.h"
#include "out.h"
#include "proto/encode.h"
#include "proto/ids.h"

#define ANSWER_STRUCTURE 100000

bool room_known(struct chat *ch, uint64_t conv, struct archive_conv *row)
{
    return archive_conv_get(client_archive(ch->cli->client), conv, row) == 0;
}

struct room *room_get(struct chat *ch, uint64_t conv)
{
    struct room *r = map_get(&ch->rooms, conv);
    struct archive_conv row;

    if (r != NULL)
        return r;
    r = mem_alloc(sizeof(*r));
    r->conv = conv;
    if (room_known(ch, conv, &row))
        r->read = row.read;
    map_put(&ch->rooms, conv, r);
    return r;
}

void room_free_all(struct chat *ch)
{
    for (uint32_t i = 0; i < ch->rooms.len; i++) {
        struct room *r = ch->rooms.entries[i].value;

        free(r->draft);
        free(r);
    }
    map_release(&ch->rooms);
}

/* ---- who is in it ---- */

struct learning {
    struct chat *chat;
    uint64_t conv;
    void (*then)(struct chat *ch, struct room *r);
};

static json_t *tree_of(const struct frame *f)
{
    struct error err;

    if (f == NULL || f->kind != FRAME_OK)
        return NULL;
    return json_parse_bounded(f->raw, LIMIT_DEPTH, ANSWER_STRUCTURE, &err);
}

static uint64_t user_of(const json_t *o)
{
    const char *text = json_string_value(json_object_get(o, "user"));
    uint64_t user = 0;

    return text != NULL && id_parse(span_of(text), 'u', &user) ? user : 0;
}

static void names_came(void *ctx)
{
    struct learning *l = ctx;

    if (l->then != NULL)
        l->then(l->chat, room_get(l->chat, l->conv));
    chat_prompt(l->chat);
    free(l);
}

static void people_came(void *ctx, const struct frame *f)
{
    struct learning *l = ctx;
    struct room *r = room_get(l->chat, l->conv);
    json_t *j = tree_of(f), *one;
    size_t i;

    if (j == NULL) {
        free(l);
        return;
    }
    r->people_count = 0;
    json_array_foreach(json_object_get(j, "members"), i, one)
    {
        if (r->people_count < ROOM_PEOPLE && user_of(one) != 0)
            r->people[r->people_count++] = user_of(one);
    }
    r->members = r->people_count;
    json_decref(j);
    if (r == l->chat->open)
        room_view(l->chat);
    client_learn_users(l->chat->cli->client, r->people, r->people_count,
                       names_came, l);
}

void room_learn_people(struct chat *ch, struct room *r,
                       void (*then)(struct chat *ch, struct room *r))
{
    struct learning *l;
    struct buf b;

    if (client_link_state(ch->cli->client) != LINK_UP)
        return;
    l = mem_alloc(sizeof(*l));
    *l = (struct learning){ch, r->conv, then};
    buf_init(&b, 128);
    enc_member_id(&b, "conv", 'c', r->conv);
    enc_member_int(&b, "limit", ROOM_PEOPLE);
    client_request(ch->cli->client, FRAME_CONV_MEMBERS, buf_span(&b),
                   people_came, l);
    buf_release(&b);
}

void room_view(struct chat *ch)
{
    struct room *r = ch->open;

    if (r != NULL)
        client_view(ch->cli->client, &r->conv, 1, r->people, r->people_count);
}

/* ---- reading ---- */

void room_read(struct chat *ch)
{
    struct room *r = ch->open;

    if (r == NULL || !chat_watched(ch) || r->shown == 0)
        return;
    r->unread = 0;
    if (r->shown <= r->read)
        return;
    client_read(ch->cli->client, r->conv, r->shown);
    if (ch->recording != NULL)
        recording_read(ch->recording, ch->cli->client, r->conv, r->shown);
    if (client_link_state(ch->cli->client) == LINK_UP)
        r->read = r->shown;
}

struct room *room_next_unread(struct chat *ch)
{
    for (uint32_t i = 0; i < ch->rooms.len; i++) {
        struct room *r = ch->rooms.entries[i].value;

        if (r != ch->open && r->unread > 0)
            return r;
    }
    return NULL;
}

/* ---- entering ---- */

struct entering {
    struct chat *chat;
    struct room *room;
    int64_t read; /* what was read when we came */
    int64_t fresh;
    bool ruled;
};

static bool count_fresh(void *ctx, const struct entry *e)
{
    struct entering *en = ctx;

    if (e->kind == ENTRY_MSG && e->from != client_user(en->chat->cli->client))
        en->fresh++;
    return true;
}

static bool is_fresh(const struct entering *en, const struct entry *e)
{
    return e->seq > en->read && e->kind == ENTRY_MSG &&
           e->from != client_user(en->chat->cli->client);
}

static bool show_one(void *ctx, const struct entry *e)
{
    struct entering *en = ctx;
    struct chat *ch = en->chat;
    struct mine *m;

    if (!en->ruled && en->fresh > 0 && is_fresh(en, e)) {
        en->ruled = true;
        view_date(ch, en->room, e->ts);
        view_rule(ch, "%lld new", (long long)en->fresh);
    }
    view_entry(ch, en->room, e);
    if (e->from == client_user(ch->cli->client) && e->kind == ENTRY_MSG &&
        mine_last(ch, e->conv) == NULL) {
        m = mine_add(ch, e->conv);
        m->message = true;
        m->state = MINE_STORED;
    }
    m = mine_last(ch, e->conv);
    if (m != NULL && m->cid[0] == '\0' && e->kind == ENTRY_MSG &&
        e->from == client_user(ch->cli->client))
        m->seq = e->seq; /* sent before this start: the newest one counts */
    chat_say(ch);
    return true;
}

void room_header(struct chat *ch, struct room *r)
{
    struct archive_conv row = {0};
    struct buf name;
    size_t state = 0;

    ch->header_due = false;
    room_known(ch, r->conv, &row);
    buf_init(&name, 1024);
    out_conv_name(ch->cli, r->conv, &name);
    if (row.peer != 0)
        state = (size_t)map_get(&ch->presence, row.peer);
    view_rule(ch, "%s: %s%s, %s", buf_cstr(&name),
              row.kind == CONV_DIRECT ? "direct"
              : row.kind == 0         ? "conversation"
                                      : conv_kind_name(row.kind),
              state == PRESENCE_ON + 1    ? ", online"
              : state == PRESENCE_OFF + 1 ? ", offline"
                                          : "",
              row.mode == MODE_E2EE ? "encrypted" : "not encrypted");
    buf_release(&name);
    chat_say(ch);
}

static void show_history(struct chat *ch, struct room *r)
{
    struct archive *a = client_archive(ch->cli->client);
    struct entering en = {.chat = ch, .room = r, .read = r->read};

    archive_entries(a, r->conv, r->read, 0, 1000, false, count_fresh, &en);
    r->day = 0;
    archive_entries(a, r->conv, 0, 0,
                    en.fresh > HISTORY_SHOWN ? (int)en.fresh : HISTORY_SHOWN,
                    false, show_one, &en);
    r->unread = en.fresh;
    room_read(ch);
    chat_prompt(ch);
}

static void history_came(void *ctx, int rc, int count)
{
    struct entering *en = ctx;

    if (en->chat->open == en->room)
        show_history(en->chat, en->room);
    free(en);
}

static bool count_one(void *ctx, const struct entry *e)
{
    ++*(int *)ctx;
    return true;
}

/* Swap the half-typed lines. */
static void switch_draft(struct chat *ch, struct room *to)
{
    struct room *from = ch->open;
    struct buf old;

    buf_init(&old, LIMIT_OBJECT);
    ch->front->kind->draft(ch->front, &old, span_of(to->draft));
    free(to->draft);
    to->draft = NULL;
    if (from != NULL && old.len > 0) {
        free(from->draft);
        from->draft = mem_text_n(old.data, old.len);
    }
    buf_release(&old);
}

void room_open(struct chat *ch, uint64_t conv)
{
    struct room *r = room_get(ch, conv);
    struct archive *a = client_archive(ch->cli->client);
    struct archive_conv row = {0};
    struct entering *en;
    int held = 0;

    if (r != ch->open) {
        typing_stop(ch);
        switch_draft(ch, r);
    }
    ch->open = r;
    room_known(ch, conv, &row);
    ch->header_due = row.kind == 0; /* what it is comes with EV_CONV */
    if (!ch->header_due)
        room_header(ch, r);
    archive_entries(a, conv, 0, 0, HISTORY_SHOWN, false, count_one, &held);
    if (held < HISTORY_SHOWN && row.head > held &&
        client_link_state(ch->cli->client) == LINK_UP) {
        en = mem_alloc(sizeof(*en));
        *en = (struct entering){.chat = ch, .room = r};
        client_history(ch->cli->client, conv, 0, 0, HISTORY_SHOWN, history_came,
                       en);
    } else {
        show_history(ch, r);
    }
    room_view(ch);
    room_learn_people(ch, r, NULL);
    chat_prompt(ch);
}

/* ---- by name ---- */

struct naming {
    struct chat *chat;
    char *name;
};

static void named(void *ctx, int rc, uint64_t conv)
{
    struct naming *n = ctx;
    struct chat *ch = n->chat;

    ch->opening = false;
    if (rc == 0)
        room_open(ch, conv);
    else if (rc == -CF_CONFLICT)
        chat_note(ch, STYLE_RED,
                  "several conversations are called '%s': use @NAME for a "
                  "person, or cN (/unread lists them)",
                  n->name);
    else if (rc == -CF_UNAVAILABLE)
        chat_note(ch, STYLE_RED, "'%s' is not known here and the link is down",
                  n->name);
    else
        chat_note(ch, STYLE_RED, "no user or conversation '%s' (%s)", n->name,
                  error_name(rc));
    chat_listen(ch);
    free(n->name);
    free(n);
}

void room_open_named(struct chat *ch, const char *name)
{
    struct naming *n = mem_alloc(sizeof(*n));

    *n = (struct naming){ch, mem_text(name)};
    ch->opening = true;
    client_find_conv(ch->cli->client, name, true, named, n);
}
