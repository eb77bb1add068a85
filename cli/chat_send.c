/* What is sent from here, and what became of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat_priv.h"
#include "proto/encode.h"

#define TYPING_EVERY_MS 4000 /* told again while it goes on */
#define TYPING_PAUSE_MS 5000 /* without a key: not typing any more */

/* ---- the list ---- */

struct mine *mine_nth(struct chat *ch, int n)
{
    if (n >= ch->mine_count || n >= MINE_MAX)
        return NULL;
    return &ch->mine[(ch->mine_count - 1 - n) % MINE_MAX];
}

struct mine *mine_add(struct chat *ch, uint64_t conv)
{
    struct mine *m = &ch->mine[ch->mine_count++ % MINE_MAX];

    free(m->text);
    *m = (struct mine){.conv = conv};
    return m;
}

struct mine *mine_find(struct chat *ch, uint64_t conv, const char *cid)
{
    struct mine *m;

    for (int n = 0; (m = mine_nth(ch, n)) != NULL; n++)
        if (m->conv == conv && cid[0] != '\0' && strcmp(m->cid, cid) == 0)
            return m;
    return NULL;
}

struct mine *mine_last(struct chat *ch, uint64_t conv)
{
    struct mine *m;

    for (int n = 0; (m = mine_nth(ch, n)) != NULL; n++)
        if (m->conv == conv && m->message)
            return m;
    return NULL;
}

void mine_free_all(struct chat *ch)
{
    for (int i = 0; i < MINE_MAX; i++)
        free(ch->mine[i].text);
}

bool mine_waiting(struct chat *ch)
{
    struct mine *m;

    for (int n = 0; (m = mine_nth(ch, n)) != NULL; n++)
        if (m->state == MINE_QUEUED)
            return true;
    return false;
}

/* ---- states ---- */

static const char *const symbols[] = {"\xe2\x80\xa6", "\xe2\x9c\x93",
                                      "\xe2\x9c\x93\xe2\x9c\x93",
                                      "\xe2\x9c\x93\xe2\x9c\x93 read"};
static const char *const words[] = {"queued", "stored", "delivered", "read"};

void mine_state(struct chat *ch, const struct mine *m, bool in_words,
                struct buf *out)
{
    struct archive_conv row = {0};
    struct room *r = room_get(ch, m->conv);
    int64_t of = r->members - 1, read, delivered;
    int step = 1;

    if (m->state == MINE_FAILED) {
        buf_append_text(out, "not sent");
        return;
    }
    if (m->state == MINE_QUEUED) {
        buf_append_text(out, in_words ? words[0] : symbols[0]);
        return;
    }
    room_known(ch, m->conv, &row);
    read = row.kind == CONV_DIRECT ? row.read_by >= m->seq : m->read_n;
    delivered =
        row.kind == CONV_DIRECT ? row.delivered_by >= m->seq : m->delivered_n;
    if (m->seq > 0 && (delivered > 0 || read > 0))
        step = read > 0 ? 3 : 2;
    buf_append_text(out, in_words ? words[step] : symbols[step]);
    if (step > 1 && row.kind != CONV_DIRECT && of > 0)
        buf_printf(out, " %lld/%lld", (long long)(read > 0 ? read : delivered),
                   (long long)of);
}

/* Without a prompt that changes, a state is a line. */
static void say_state(struct chat *ch, const struct mine *m)
{
    struct buf state;

    if (!ch->o.accessible || !m->message)
        return;
    buf_init(&state, 256);
    mine_state(ch, m, true, &state);
    chat_note(ch, STYLE_DIM, "%s: %s", buf_cstr(&state),
              m->text != NULL ? m->text : "your last message");
    buf_release(&state);
}

/* ---- sending ---- */

static bool refused_here(struct chat *ch, int rc)
{
    if (rc == -CF_TOO_BIG)
        chat_note(ch, STYLE_RED,
                  "not sent: a message has at most %d bytes (arrow up brings "
                  "it back)",
                  LIMIT_BODY);
    else if (rc < 0)
        chat_note(ch, STYLE_RED, "not sent: %s", error_name(rc));
    return rc < 0;
}

static int make_body(struct buf *body, struct span text)
{
    buf_append_byte(body, '{');
    if (enc_member_text(body, "text", text) < 0)
        return -CF_TOO_BIG;
    return body->len >= LIMIT_BODY ? -CF_TOO_BIG : buf_append_byte(body, '}');
}

static int queue(struct chat *ch, struct client_send *s, struct span text)
{
    struct mine *m = mine_add(ch, s->conv);
    int rc;

    m->message = s->kind == FRAME_NONE || s->kind == FRAME_SEND;
    m->text = mem_text_n(text.n > 0 ? text.p : "", text.n < 60 ? text.n : 60);
    rc = client_send(ch->cli->client, s, m->cid);
    if (rc < 0) {
        m->state = MINE_FAILED;
        snprintf(m->reason, sizeof(m->reason), "%s", error_name(rc));
    }
    return rc;
}

bool chat_send_text(struct chat *ch, uint64_t conv, struct span text,
                    int64_t reply)
{
    struct client_send s = {.conv = conv, .reply = reply};
    struct buf body;
    int rc;

    buf_init(&body, 2 * LIMIT_OBJECT);
    rc = make_body(&body, text);
    s.body = buf_span(&body);
    if (rc == 0) {
        /* Shown first: the answer may come before client_send() returns. */
        view_own(ch, room_get(ch, conv), text, reply);
        chat_say(ch);
        rc = queue(ch, &s, text);
    }
    buf_release(&body);
    typing_stop(ch);
    chat_prompt(ch);
    return !refused_here(ch, rc);
}

bool chat_send_change(struct chat *ch, enum frame_kind kind, int64_t seq,
                      struct span text)
{
    struct client_send s = {
        .conv = ch->open->conv, .kind = kind, .of = seq, .on = true};
    struct buf body;
    int rc = 0;

    buf_init(&body, 2 * LIMIT_OBJECT);
    if (kind == FRAME_EDIT) {
        rc = make_body(&body, text);
        s.body = buf_span(&body);
    } else if (kind == FRAME_REACT) {
        s.on = text.p[0] != '-' || text.n == 1 || text.p[1] == '1';
        s.emoji = s.on ? text : span_make(text.p + 1, text.n - 1);
    }
    if (rc == 0)
        rc = queue(ch, &s, text);
    buf_release(&body);
    return !refused_here(ch, rc);
}

/* ---- answers ---- */

void chat_sent(struct chat *ch, const struct client_event *ev)
{
    struct mine *m = mine_find(ch, ev->conv, ev->cid);

    if (m == NULL)
        return;
    m->state = MINE_STORED;
    m->seq = ev->seq;
    say_state(ch, m);
    chat_prompt(ch);
}

void chat_refused(struct chat *ch, const struct client_event *ev)
{
    struct mine *m = mine_find(ch, ev->conv, ev->cid);
    const char *why =
        ev->text != NULL && ev->text[0] != '\0' ? ev->text : ev->code;

    if (m != NULL) {
        m->state = MINE_FAILED;
        snprintf(m->reason, sizeof(m->reason), "%s", why);
    }
    chat_note(ch, STYLE_RED, "not sent: %s (%s): %s", why, ev->code,
              m != NULL && m->text != NULL ? m->text : "a message");
    chat_prompt(ch);
}

void chat_receipt(struct chat *ch, const struct client_event *ev)
{
    struct mine *last = mine_last(ch, ev->conv), *m;
    struct buf was, is;

    buf_init(&was, 256);
    buf_init(&is, 256);
    for (int n = 0; (m = mine_nth(ch, n)) != NULL; n++) {
        if (m->conv != ev->conv || ev->user != 0 || m->seq == 0 ||
            m->seq > ev->seq)
            continue;
        if (m == last)
            mine_state(ch, m, true, &was);
        if (ev->delivered_n > m->delivered_n)
            m->delivered_n = ev->delivered_n;
        if (ev->read_n > m->read_n)
            m->read_n = ev->read_n;
    }
    if (last != NULL && ev->user != client_user(ch->cli->client)) {
        mine_state(ch, last, true, &is);
        if (!span_eq(buf_span(&was), buf_span(&is)) &&
            !span_is(buf_span(&is), words[1]))
            say_state(ch, last);
    }
    buf_release(&was);
    buf_release(&is);
    chat_prompt(ch);
}

/* ---- own typing ---- */

void typing_stop(struct chat *ch)
{
    if (ch->typing_at != 0 && ch->open != NULL)
        client_typing(ch->cli->client, ch->open->conv, false);
    ch->typing_at = 0;
}

/* Keys came; tell it now and then. A command is nobody's business. */
void typing_keys(struct chat *ch, struct span draft)
{
    int64_t now = chat_now(ch);

    if (ch->open == NULL || draft.n == 0 || draft.p[0] == '/') {
        typing_stop(ch);
        return;
    }
    ch->typed_at = now;
    if (ch->typing_at != 0 && now - ch->typing_at < TYPING_EVERY_MS)
        return;
    ch->typing_at = now;
    client_typing(ch->cli->client, ch->open->conv, true);
}
