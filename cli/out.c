#include "out.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "proto/encode.h"
#include "proto/ids.h"
#include "proto/limits.h"
#include "tty.h"

#define LINE_MAX_BYTES (4 * LIMIT_OBJECT_ENC)

/* ---- names ---- */

void out_user_name(struct cli *c, uint64_t user, char *out)
{
    if (user != 0 && user == c->profile.user)
        snprintf(out, LIMIT_NAME + 1, "%s", c->profile.name);
    else if (user == 0 ||
             archive_user_name(client_archive(c->client), user, out) < 0)
        snprintf(out, LIMIT_NAME + 1, "u%llu", (unsigned long long)user);
}

void out_conv_name(struct cli *c, uint64_t conv, struct buf *out)
{
    struct archive_conv row;
    char name[LIMIT_NAME + 1];

    if (archive_conv_get(client_archive(c->client), conv, &row) < 0) {
        id_write(out, 'c', conv);
    } else if (row.peer != 0) {
        out_user_name(c, row.peer, name);
        buf_append_text(out, name);
    } else if (row.title[0] != '\0') {
        buf_append_text(out, row.title);
    } else {
        id_write(out, 'c', conv);
    }
}

void out_clock(int64_t ts, char out[8])
{
    time_t seconds = (time_t)(ts / 1000);
    struct tm tm;

    localtime_r(&seconds, &tm);
    strftime(out, 8, "%H:%M", &tm);
}

/* ---- bodies ---- */

static int decode_text(struct buf *out, struct span quoted)
{
    if (quoted.p == NULL || quoted.n < 2)
        return -CF_NOT_FOUND;
    return frame_text(out, span_make(quoted.p + 1, quoted.n - 2));
}

static void member_words(struct buf *out, struct span body)
{
    struct span op = json_member(body, "op");

    buf_append_text(out, "(members: ");
    decode_text(out, op);
    buf_append_byte(out, ')');
}

int out_body_text(struct buf *out, const struct entry *e)
{
    if (e->deleted)
        return buf_append_text(out, "(deleted)");
    switch (e->kind) {
    case ENTRY_MEMBER:
        member_words(out, e->body);
        return 0;
    case ENTRY_TITLE:
        buf_append_text(out, "(title) ");
        return decode_text(out, json_member(e->body, "title"));
    case ENTRY_DELETE:
        return buf_append_text(out, "(deleted a message)");
    case ENTRY_REACT:
        return decode_text(out, json_member(e->body, "emoji"));
    default:
        break;
    }
    if (decode_text(out, json_member(e->body, "text")) == 0)
        return 0;
    return buf_append_text(out, json_member(e->body, "media").p != NULL
                                    ? "(media)"
                                    : "(cannot be shown)");
}

/* ---- events ---- */

const char *out_event_name(const struct client_event *ev)
{
    switch (ev->kind) {
    case EV_MESSAGE:
        return ev->entry->kind == ENTRY_MEMBER || ev->entry->kind == ENTRY_TITLE
                   ? "member"
                   : "message";
    case EV_SENT:
        return "sent";
    case EV_RECEIPT:
        return "receipt";
    case EV_PRESENCE:
        return "presence";
    case EV_TYPING:
        return "typing";
    case EV_LINK:
    case EV_SYNCED:
        return "link";
    case EV_GAP:
        return "gap";
    case EV_REFUSED:
    case EV_ERROR:
        return "error";
    default:
        return NULL;
    }
}

/* ---- JSON ---- */

void out_json_begin(struct buf *b, const char *event, int64_t ts)
{
    char when[32];

    clock_format_rfc3339(ts, when);
    buf_append_text(b, "{\"v\":1");
    enc_member_text(b, "event", span_of(event));
    enc_member_text(b, "ts", span_of(when));
}

void out_json_end(struct cli *c, struct buf *b)
{
    struct error err;
    json_t *j;

    buf_append_byte(b, '}');
    if (tty_is_terminal()) { /* nothing above ASCII reaches the terminal */
        j = json_parse_bounded(buf_span(b), 16, 100000, &err);
        if (j != NULL) {
            buf_clear(b);
            json_write(b, j, true);
            json_decref(j);
        }
    }
    buf_append_byte(b, '\n');
    tty_flush(b, stdout);
}

static void json_conv(struct cli *c, struct buf *b, uint64_t conv)
{
    struct archive_conv row = {0};
    struct buf name;

    archive_conv_get(client_archive(c->client), conv, &row);
    enc_member_id(b, "conv", 'c', conv);
    buf_init(&name, 1024);
    out_conv_name(c, conv, &name);
    enc_member_text(b, "conv_name", buf_span(&name));
    buf_release(&name);
    if (row.kind != 0)
        enc_member_text(b, "kind", span_of(conv_kind_name(row.kind)));
    enc_member_bool(b, "encrypted", row.mode == MODE_E2EE);
}

static void json_user(struct cli *c, struct buf *b, const char *key,
                      const char *name_key, uint64_t user)
{
    char name[LIMIT_NAME + 1];

    if (user == 0)
        return;
    out_user_name(c, user, name);
    enc_member_id(b, key, 'u', user);
    enc_member_text(b, name_key, span_of(name));
}

void out_json_entry(struct cli *c, struct buf *b, const struct entry *e)
{
    struct buf text;

    json_conv(c, b, e->conv);
    enc_member_id(b, "id", 0, e->id);
    enc_member_int(b, "seq", e->seq);
    enc_member_text(b, "entry", span_of(entry_kind_name(e->kind)));
    json_user(c, b, "from", "from_name", e->from);
    if (e->of > 0)
        enc_member_int(b, "of", e->of);
    if (e->reply > 0)
        enc_member_int(b, "reply_to", e->reply);
    if (e->thread > 0)
        enc_member_int(b, "thread", e->thread);
    if (e->deleted)
        enc_member_bool(b, "deleted", true);
    buf_init(&text, LIMIT_OBJECT_ENC);
    if (e->kind == ENTRY_MSG || e->kind == ENTRY_EDIT ||
        e->kind == ENTRY_REACT) {
        out_body_text(&text, e);
        enc_member_text(b, "text", buf_span(&text));
    }
    buf_release(&text);
    if (e->body.p != NULL)
        enc_member_raw(b, "body", e->body);
}

static void json_link(struct buf *b, const struct client_event *ev)
{
    static const char *const names[] = {"down", "connecting", "syncing",
                                        "up",   "retrying",   "ended"};

    enc_member_text(
        b, "state",
        span_of(ev->kind == EV_SYNCED ? "synced" : names[ev->link]));
    if (ev->kind == EV_SYNCED)
        enc_member_int(b, "replayed", ev->replayed);
    if (ev->link == LINK_RETRYING) {
        enc_member_int(b, "delay_ms", ev->delay_ms);
        enc_member_int(b, "attempt", ev->attempt);
    }
    if (ev->code != NULL)
        enc_member_text(b, "code", span_of(ev->code));
    if (ev->text != NULL && ev->text[0] != '\0')
        enc_member_text(b, "text", span_of(ev->text));
}

static void json_receipt(struct cli *c, struct buf *b,
                         const struct client_event *ev)
{
    json_conv(c, b, ev->conv);
    if (ev->user != 0) {
        json_user(c, b, "user", "user_name", ev->user);
        enc_member_int(b, "delivered", ev->delivered);
        enc_member_int(b, "read", ev->read);
        return;
    }
    enc_member_int(b, "seq", ev->seq);
    enc_member_int(b, "delivered_n", ev->delivered_n);
    enc_member_int(b, "read_n", ev->read_n);
}

static void json_rest(struct cli *c, struct buf *b,
                      const struct client_event *ev)
{
    if (ev->conv != 0)
        json_conv(c, b, ev->conv);
    json_user(c, b, "user", "user_name", ev->user);
    if (ev->cid != NULL)
        enc_member_text(b, "cid", span_of(ev->cid));
    if (ev->id != 0)
        enc_member_id(b, "id", 0, ev->id);
    if (ev->seq != 0)
        enc_member_int(b, "seq", ev->seq);
    if (ev->kind == EV_PRESENCE) {
        enc_member_text(b, "state", span_of(presence_name(ev->state)));
        enc_member_int(b, "last", ev->last);
    }
    if (ev->kind == EV_TYPING)
        enc_member_bool(b, "on", ev->on);
    if (ev->kind == EV_GAP) {
        enc_member_int(b, "from_seq", ev->from);
        enc_member_int(b, "to_seq", ev->to);
    }
    if (ev->dup)
        enc_member_bool(b, "dup", true);
    if (ev->code != NULL)
        enc_member_text(b, "code", span_of(ev->code));
    if (ev->text != NULL && ev->text[0] != '\0')
        enc_member_text(b, "text", span_of(ev->text));
}

static void event_json(struct cli *c, const struct client_event *ev)
{
    int64_t ts = ev->entry != NULL ? ev->entry->ts
                 : ev->ts != 0     ? ev->ts
                                   : clock_wall(clock_system());
    struct buf b;

    buf_init(&b, LINE_MAX_BYTES);
    out_json_begin(&b, out_event_name(ev), ts);
    if (ev->kind == EV_MESSAGE)
        out_json_entry(c, &b, ev->entry);
    else if (ev->kind == EV_LINK || ev->kind == EV_SYNCED)
        json_link(&b, ev);
    else if (ev->kind == EV_RECEIPT)
        json_receipt(c, &b, ev);
    else
        json_rest(c, &b, ev);
    out_json_end(c, &b);
    buf_release(&b);
}

/* ---- plain: tab separated, one line per record ---- */

static void field(struct buf *b, struct span s)
{
    buf_append_byte(b, '\t');
    tty_put_untrusted(b, TEXT_LINE, s, 0);
}

static void event_plain(struct cli *c, const struct client_event *ev)
{
    char name[LIMIT_NAME + 1], when[32];
    struct buf b, text;

    buf_init(&b, LINE_MAX_BYTES);
    buf_init(&text, LIMIT_OBJECT_ENC);
    clock_format_rfc3339(
        ev->entry != NULL ? ev->entry->ts : clock_wall(clock_system()), when);
    buf_printf(&b, "%s\t%s", out_event_name(ev), when);
    out_conv_name(c, ev->conv, &text);
    field(&b, buf_span(&text));
    buf_clear(&text);
    out_user_name(c, ev->user, name);
    field(&b, span_of(name));
    buf_printf(
        &b, "\t%llu",
        (unsigned long long)(ev->entry != NULL ? ev->entry->id : ev->id));
    if (ev->entry != NULL)
        out_body_text(&text, ev->entry);
    else if (ev->kind == EV_RECEIPT)
        buf_printf(&text, "delivered=%lld read=%lld", (long long)ev->delivered,
                   (long long)ev->read);
    else if (ev->kind == EV_PRESENCE)
        buf_append_text(&text, presence_name(ev->state));
    else if (ev->text != NULL)
        buf_append_text(&text, ev->text);
    field(&b, buf_span(&text));
    buf_append_byte(&b, '\n');
    tty_flush(&b, stdout);
    buf_release(&text);
    buf_release(&b);
}

/* ---- human ---- */

static void human_message(struct cli *c, struct buf *b,
                          const struct client_event *ev)
{
    const struct entry *e = ev->entry;
    char name[LIMIT_NAME + 1], when[8];
    struct buf text;

    buf_init(&text, LIMIT_OBJECT_ENC);
    out_clock(e->ts, when);
    tty_style(b, STYLE_DIM);
    buf_printf(b, "%s ", when);
    out_conv_name(c, e->conv, &text);
    tty_put_untrusted(b, TEXT_NAME, buf_span(&text), 0);
    tty_style_end(b);
    buf_append_byte(b, ' ');
    out_user_name(c, e->from, name);
    tty_style(b, STYLE_BOLD);
    tty_put_untrusted(b, TEXT_NAME, span_of(name), 0);
    tty_style_end(b);
    buf_append_text(b, "  ");
    buf_clear(&text);
    out_body_text(&text, e);
    tty_put_untrusted(b, TEXT_BODY, buf_span(&text), 8);
    buf_append_byte(b, '\n');
    buf_release(&text);
}

static bool human_rest(struct cli *c, struct buf *b,
                       const struct client_event *ev)
{
    char name[LIMIT_NAME + 1];

    out_user_name(c, ev->user, name);
    tty_style(b, STYLE_DIM);
    switch (ev->kind) {
    case EV_PRESENCE:
        tty_put_untrusted(b, TEXT_NAME, span_of(name), 0);
        buf_printf(b, " is %s", presence_name(ev->state));
        break;
    case EV_GAP:
        buf_printf(b, "(%lld messages are not here)",
                   (long long)ev->to - (long long)ev->from + 1);
        break;
    case EV_ERROR:
    case EV_REFUSED:
        buf_append_text(b, "error: ");
        tty_put_untrusted(b, TEXT_LINE, span_of(ev->text), 0);
        break;
    default:
        return false;
    }
    tty_style_end(b);
    buf_append_byte(b, '\n');
    return true;
}

static bool event_human(struct cli *c, const struct client_event *ev)
{
    struct buf b;
    bool shown = true;

    buf_init(&b, LINE_MAX_BYTES);
    if (ev->kind == EV_MESSAGE)
        human_message(c, &b, ev);
    else
        shown = human_rest(c, &b, ev);
    if (shown)
        tty_flush(&b, stdout);
    buf_release(&b);
    return shown;
}

bool out_event(struct cli *c, const struct client_event *ev)
{
    if (out_event_name(ev) == NULL)
        return false;
    if (c->format == OUTPUT_JSON)
        event_json(c, ev);
    else if (c->format == OUTPUT_PLAIN)
        event_plain(c, ev);
    else
        return event_human(c, ev);
    return true;
}
