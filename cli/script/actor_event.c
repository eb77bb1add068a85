/* What a client says becomes events: values that patterns are held against. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor.h"
#include "base/mem.h"
#include "proto/ids.h"

#define BODY_STRUCTURE 20000

static void put_text(json_t *o, const char *key, const char *text)
{
    if (text != NULL)
        json_object_set_new(o, key, json_string(text));
}

static void put_int(json_t *o, const char *key, int64_t v)
{
    json_object_set_new(o, key, json_integer(v));
}

static void put_id(json_t *o, const char *key, const char *prefix, uint64_t id)
{
    char text[32];

    snprintf(text, sizeof(text), "%s%llu", prefix, (unsigned long long)id);
    put_text(o, key, text);
}

static void put_user(struct actor *a, json_t *o, const char *key, uint64_t user,
                     uint32_t dev)
{
    char name[40];

    if (user != 0)
        put_text(o, key, stage_user_name(a, user, dev, name));
}

/* "conv": the other one's name, the title, or the id; "conv_id": always it. */
static void put_conv(struct actor *a, json_t *o, uint64_t conv)
{
    struct archive_conv row = {0};

    if (conv == 0)
        return;
    put_id(o, "conv_id", "c", conv);
    archive_conv_get(client_archive(a->client), conv, &row);
    if (row.kind == CONV_DIRECT)
        put_user(a, o, "conv", row.peer, 0);
    else if (row.title[0] != '\0')
        put_text(o, "conv", row.title);
    else
        put_id(o, "conv", "c", conv);
    if (row.kind != 0)
        json_object_set_new(o, "encrypted",
                            json_boolean(row.mode == MODE_E2EE));
}

/* ---- receipts: marks become events of the messages they cover ---- */

static struct mark_of *mark_get(struct actor *a, uint64_t conv, uint64_t user)
{
    for (int i = 0; i < a->mark_count; i++) {
        if (a->marks[i].conv == conv && a->marks[i].user == user)
            return &a->marks[i];
    }
    a->marks = mem_grow(a->marks, (size_t)a->mark_count + 1, sizeof(*a->marks));
    a->marks[a->mark_count] = (struct mark_of){.conv = conv, .user = user};
    return &a->marks[a->mark_count++];
}

static void receipt_event(struct actor *a, enum event_kind kind,
                          const struct own_message *m, uint64_t user)
{
    struct event e = {.conv = m->conv, .user = user, .seq = m->seq};
    json_t *v = json_object();

    put_conv(a, v, m->conv);
    put_user(a, v, "by", user, 0);
    put_int(v, "seq", m->seq);
    put_id(v, "id", "", m->id);
    actor_add(a, kind, v, &e);
}

/* Own messages of conv in (from, to] have got there. */
static void covered(struct actor *a, enum event_kind kind, uint64_t conv,
                    uint64_t user, int64_t from, int64_t to)
{
    for (int i = 0; i < a->own_count; i++) {
        const struct own_message *m = &a->own[i];

        if (m->conv == conv && m->seq > from && m->seq <= to)
            receipt_event(a, kind, m, user);
    }
}

static void own_message(struct actor *a, uint64_t conv, int64_t seq,
                        uint64_t id)
{
    struct own_message m = {conv, seq, id};

    for (int i = a->own_count; i-- > 0;) {
        if (a->own[i].conv == conv && a->own[i].seq == seq)
            return;
    }
    a->own = mem_grow(a->own, (size_t)a->own_count + 1, sizeof(*a->own));
    a->own[a->own_count++] = m;
    for (int i = 0; i < a->mark_count; i++) { /* the receipt was faster */
        if (a->marks[i].conv != conv)
            continue;
        if (a->marks[i].delivered >= seq)
            receipt_event(a, SEE_DELIVERED, &m, a->marks[i].user);
        if (a->marks[i].read >= seq)
            receipt_event(a, SEE_READ, &m, a->marks[i].user);
    }
}

static void on_counts(struct actor *a, const struct client_event *ev)
{
    struct event e = {.conv = ev->conv, .seq = ev->seq};

    for (int read = 0; read < 2; read++) {
        int64_t n = read ? ev->read_n : ev->delivered_n;
        json_t *v;

        if (n == 0)
            continue;
        v = json_object();
        put_conv(a, v, ev->conv);
        put_int(v, "seq", ev->seq);
        put_int(v, "count", n);
        actor_add(a, read ? SEE_READ : SEE_DELIVERED, v, &e);
    }
}

static void on_receipt(struct actor *a, const struct client_event *ev)
{
    struct mark_of *m;

    if (ev->user == 0) {
        on_counts(a, ev);
        return;
    }
    if (ev->user == a->account.user)
        return; /* what we read elsewhere */
    m = mark_get(a, ev->conv, ev->user);
    if (ev->delivered > m->delivered) {
        covered(a, SEE_DELIVERED, ev->conv, ev->user, m->delivered,
                ev->delivered);
        m->delivered = ev->delivered;
    }
    if (ev->read > m->read) {
        covered(a, SEE_READ, ev->conv, ev->user, m->read, ev->read);
        m->read = ev->read;
    }
}

/* ---- entries ---- */

struct id_of_seq {
    uint64_t id;
};

static bool take_id(void *ctx, const struct entry *e)
{
    ((struct id_of_seq *)ctx)->id = e->id;
    return false;
}

/* Messages are named by their ids; entries point by seq. */
static void put_pointer(struct actor *a, json_t *v, const char *key,
                        uint64_t conv, int64_t seq)
{
    struct id_of_seq found = {0};

    if (seq <= 0)
        return;
    archive_entry(client_archive(a->client), conv, seq, take_id, &found);
    if (found.id != 0)
        put_id(v, key, "", found.id);
    else
        put_int(v, key, seq);
}

static json_t *entry_value(struct actor *a, const struct entry *e,
                           struct event *more)
{
    json_t *v = json_object(), *body;
    struct error err;

    *more = (struct event){
        .conv = e->conv, .user = e->from, .dev = e->dev, .seq = e->seq};
    put_user(a, v, "from", e->from, e->dev);
    put_conv(a, v, e->conv);
    put_id(v, "id", "", e->id);
    put_int(v, "seq", e->seq);
    put_int(v, "ts", e->ts);
    if (e->cid.p != NULL)
        json_object_set_new(v, "cid", json_stringn_nocheck(e->cid.p, e->cid.n));
    body = e->body.p != NULL
               ? json_parse_bounded(e->body, LIMIT_DEPTH, BODY_STRUCTURE, &err)
               : NULL;
    if (body != NULL) {
        json_object_set(v, "text", json_object_get(body, "text"));
        json_object_set_new(v, "body", body);
    }
    put_pointer(a, v, "reply_to", e->conv, e->reply);
    put_pointer(a, v, "thread", e->conv, e->thread);
    put_pointer(a, v, "of", e->conv, e->of);
    if (e->deleted)
        json_object_set_new(v, "deleted", json_true());
    return v;
}

static const char *member_word(const char *op, const char *role)
{
    static const char *const table[][2] = {
        {"create", "joined"},  {"add", "joined"}, {"join", "joined"},
        {"remove", "removed"}, {"leave", "left"},
    };

    for (size_t i = 0; i < COUNT_OF(table); i++) {
        if (op != NULL && strcmp(op, table[i][0]) == 0)
            return table[i][1];
    }
    return role != NULL ? role : op;
}

/* One event for each user that the entry is about. */
static void on_member(struct actor *a, const struct entry *e)
{
    struct event more;
    json_t *whole = entry_value(a, e, &more), *users, *one;
    json_t *body = json_object_get(whole, "body");
    const char *op = json_string_value(json_object_get(body, "op"));
    const char *role = json_string_value(json_object_get(body, "role"));
    size_t i;

    users = json_object_get(body, "users");
    json_array_foreach(users, i, one)
    {
        json_t *v = json_copy(whole);

        if (!id_parse(span_of(json_string_value(one)), 'u', &more.subject))
            more.subject = 0;
        put_user(a, v, "of", more.subject, 0);
        put_user(a, v, "by", e->from, e->dev);
        put_text(v, "is", member_word(op, role));
        put_text(v, "role", role);
        actor_add(a, SEE_MEMBER, v, &more);
    }
    json_decref(whole);
}

static enum event_kind kind_of(const struct entry *e, const json_t *v)
{
    switch (e->kind) {
    case ENTRY_EDIT:
        return SEE_EDIT;
    case ENTRY_DELETE:
        return SEE_DELETE;
    case ENTRY_REACT:
        return SEE_REACTION;
    case ENTRY_TITLE:
        return SEE_TITLE;
    case ENTRY_KEY:
        return SEE_KEY;
    default:
        break;
    }
    return json_object_get(json_object_get(v, "body"), "media") != NULL
               ? SEE_MEDIA
               : SEE_MESSAGE;
}

static void on_entry(struct actor *a, const struct client_event *ev)
{
    const struct entry *e = ev->entry;
    bool own = e->from == a->account.user && e->dev == a->account.dev;
    struct event more;
    enum event_kind kind;
    json_t *v;

    if (own && e->kind == ENTRY_MSG)
        own_message(a, e->conv, e->seq, e->id);
    if (e->kind == ENTRY_MEMBER) {
        on_member(a, e);
        return;
    }
    if (own)
        return; /* one knows what one did */
    v = entry_value(a, e, &more);
    kind = kind_of(e, v);
    if (kind == SEE_REACTION) {
        json_t *body = json_object_get(v, "body");

        json_object_set(v, "emoji", json_object_get(body, "emoji"));
        json_object_set(v, "on", json_object_get(body, "on"));
    } else if (kind == SEE_TITLE) {
        json_object_set(v, "text",
                        json_object_get(json_object_get(v, "body"), "title"));
    } else if (kind == SEE_MEDIA) {
        json_object_update_missing(
            v, json_object_get(json_object_get(v, "body"), "media"));
    }
    actor_add(a, kind, v, &more);
}

/* ---- answers to sends ---- */

/* What is answered now: the first under this key that waits for its answer; a
 * repetition knows its own. */
static json_t *capture_of(struct actor *a, const char *cid)
{
    json_t *last = NULL;

    if (a->answering != NULL)
        return a->answering;
    for (int i = 0; i < a->capture_count; i++) {
        const char *known =
            json_string_value(json_object_get(a->captures[i], "cid"));

        if (known == NULL || strcmp(known, cid) != 0)
            continue;
        last = a->captures[i];
        if (json_object_get(last, "pending") != NULL)
            break;
    }
    return last;
}

static void on_sent(struct actor *a, const struct client_event *ev)
{
    json_t *v = json_object(), *capture = capture_of(a, ev->cid);
    struct event e = {
        .conv = ev->conv, .user = a->account.user, .seq = ev->seq};

    put_conv(a, v, ev->conv);
    put_text(v, "cid", ev->cid);
    put_id(v, "id", "", ev->id);
    put_int(v, "seq", ev->seq);
    put_int(v, "ts", ev->ts);
    json_object_set_new(v, "dup", json_boolean(ev->dup));
    if (capture != NULL) {
        put_id(capture, "id", "", ev->id);
        put_int(capture, "seq", ev->seq);
        put_int(capture, "ts", ev->ts);
        json_object_set_new(capture, "dup", json_boolean(ev->dup));
        json_object_del(capture, "pending");
        json_object_set(v, "text", json_object_get(capture, "text"));
    }
    a->stage->stored(a->stage->ctx, a, ev->conv, ev->seq, ev->cid);
    actor_add(a, SEE_SENT, v, &e);
    if (capture == NULL ||
        json_object_get(capture, "what") == NULL) /* a plain message */
        own_message(a, ev->conv, ev->seq, ev->id);
}

static void on_refused(struct actor *a, const struct client_event *ev)
{
    json_t *v = json_object(), *capture = capture_of(a, ev->cid);
    struct event e = {.conv = ev->conv, .seq = ev->seq};

    put_conv(a, v, ev->conv);
    put_text(v, "code", ev->code);
    put_text(v, "text", ev->text);
    put_text(v, "cid", ev->cid);
    if (ev->seq > 0)
        put_int(v, "seq", ev->seq);
    if (capture != NULL) {
        put_text(capture, "error", ev->code);
        json_object_del(capture, "pending");
    }
    actor_add(a, SEE_ERROR, v, &e);
}

/* ---- the rest ---- */

static void link_event(struct actor *a, const char *word,
                       const struct client_event *ev)
{
    json_t *v = json_object();
    struct event e = {0};

    put_text(v, "is", word);
    if (ev->kind == EV_SYNCED)
        put_int(v, "replayed", ev->replayed);
    if (ev->kind == EV_LINK && ev->link == LINK_RETRYING) {
        put_int(v, "attempt", ev->attempt);
        put_int(v, "delay_ms", ev->delay_ms);
    }
    if (ev->kind == EV_LINK && ev->code != NULL)
        put_int(v, "code", strtoll(ev->code, NULL, 10));
    put_text(v, "text", ev->text);
    actor_add(a, SEE_LINK, v, &e);
}

static void on_link(struct actor *a, const struct client_event *ev)
{
    static const char *const words[] = {"down", "connecting", "syncing",
                                        "up",   "retrying",   "ended"};

    if (ev->link == LINK_ENDED)
        snprintf(a->ended, sizeof(a->ended), "%s %s",
                 ev->code != NULL ? ev->code : "",
                 ev->text != NULL ? ev->text : "");
    if (ev->link != LINK_UP) /* told with `synced`, when it is of use */
        link_event(a, words[ev->link], ev);
}

static void on_presence(struct actor *a, const struct client_event *ev)
{
    static const char *const words[] = {"offline", "away", "online"};
    struct event e = {.user = ev->user, .subject = ev->user};
    json_t *v = json_object();

    put_user(a, v, "of", ev->user, 0);
    put_text(v, "is", words[ev->state]);
    put_int(v, "last", ev->last);
    actor_add(a, SEE_PRESENCE, v, &e);
}

static void on_typing(struct actor *a, const struct client_event *ev)
{
    struct event e = {.conv = ev->conv, .user = ev->user};
    json_t *v = json_object();

    put_user(a, v, "from", ev->user, 0);
    put_conv(a, v, ev->conv);
    put_text(v, "is", ev->on ? "on" : "off");
    json_object_set_new(v, "on", json_boolean(ev->on));
    actor_add(a, SEE_TYPING, v, &e);
}

static void on_gap(struct actor *a, const struct client_event *ev)
{
    struct event e = {.conv = ev->conv, .seq = ev->to};
    json_t *v = json_object();

    put_conv(a, v, ev->conv);
    put_int(v, "from_seq", ev->from);
    put_int(v, "to", ev->to);
    put_text(v, "is", ev->code);
    actor_add(a, SEE_GAP, v, &e);
}

static void on_error(struct actor *a, const struct client_event *ev)
{
    json_t *v;
    struct event e = {.conv = ev->conv};

    if (ev->code != NULL && strcmp(ev->code, "retry") == 0)
        return; /* the client repeats it by itself */
    v = json_object();
    put_conv(a, v, ev->conv);
    put_text(v, "code", ev->code);
    put_text(v, "text", ev->text);
    actor_add(a, SEE_ERROR, v, &e);
}

/* The server broke the protocol in a way that a client heals. */
static void on_odd(struct actor *a, const struct client_event *ev)
{
    struct event e = {.conv = ev->conv, .seq = ev->seq};
    json_t *v = json_object();

    put_conv(a, v, ev->conv);
    put_text(v, "code", "protocol");
    put_text(v, "text", ev->text != NULL ? ev->text : ev->code);
    put_int(v, "seq", ev->seq);
    actor_add(a, SEE_ERROR, v, &e);
}

void actor_event(void *ctx, const struct client_event *ev)
{
    struct actor *a = ctx;

    switch (ev->kind) {
    case EV_LINK:
        on_link(a, ev);
        break;
    case EV_MESSAGE:
        on_entry(a, ev);
        break;
    case EV_SENT:
        on_sent(a, ev);
        break;
    case EV_REFUSED:
        on_refused(a, ev);
        break;
    case EV_RECEIPT:
        on_receipt(a, ev);
        break;
    case EV_PRESENCE:
        on_presence(a, ev);
        break;
    case EV_TYPING:
        on_typing(a, ev);
        break;
    case EV_GAP:
        on_gap(a, ev);
        break;
    case EV_SYNCED:
        a->synced++;
        a->away = false;
        link_event(a, "up", ev);
        break;
    case EV_ERROR:
        on_error(a, ev);
        break;
    case EV_ODD:
        on_odd(a, ev);
        break;
    case EV_CONV:
    case EV_HEAD:
        break;
    }
}
