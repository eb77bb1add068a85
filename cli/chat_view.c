/* How lines look. Everything that somebody else wrote passes
 * tty_put_untrusted(). */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/text.h"
#include "chat_priv.h"
#include "out.h"
#include "proto/ids.h"

#define NAME_COLUMN 8
#define CLOCK_COLUMN 6                  /* "14:02 " */
#define RULE "\xe2\x94\x80\xe2\x94\x80" /* two box lines */

/* ---- names ---- */

void view_name(struct chat *ch, struct buf *out, uint64_t user)
{
    char name[LIMIT_NAME + 1];

    out_user_name(ch->cli, user, name);
    tty_put_untrusted(out, TEXT_NAME, span_of(name), 0);
}

void view_conv(struct chat *ch, struct buf *out, uint64_t conv)
{
    struct buf name;

    buf_init(&name, 1024);
    out_conv_name(ch->cli, conv, &name);
    tty_put_untrusted(out, TEXT_NAME, buf_span(&name), 0);
    buf_release(&name);
}

static int columns_of(struct span s)
{
    int columns = 0, width;

    for (size_t at = 0; at < s.n;) {
        width = text_width(text_next(s, &at));
        columns += width > 0 ? width : 0;
    }
    return columns;
}

/* ---- rules and dates ---- */

void view_rule(struct chat *ch, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    tty_style(&ch->out, STYLE_DIM);
    if (!ch->o.accessible)
        buf_append_text(&ch->out, RULE " ");
    tty_put_untrusted(&ch->out, TEXT_LINE, span_of(text), 0);
    if (!ch->o.accessible)
        buf_append_text(&ch->out, " " RULE);
    tty_style_end(&ch->out);
    buf_append_byte(&ch->out, '\n');
}

/* A line with the date when it is another one than that of the line before. */
void view_date(struct chat *ch, struct room *r, int64_t ts)
{
    time_t seconds = (time_t)(ts / 1000);
    char text[32];
    struct tm tm;
    int64_t day;

    localtime_r(&seconds, &tm);
    day = (int64_t)tm.tm_year * 366 + tm.tm_yday;
    if (day == r->day)
        return;
    r->day = day;
    strftime(text, sizeof(text), "%Y-%m-%d", &tm);
    view_rule(ch, "%s", text);
}

/* ---- one message ---- */

static void head(struct chat *ch, int64_t ts, uint64_t from)
{
    struct buf name;
    char when[8];

    out_clock(ts, when);
    buf_init(&name, 1024);
    view_name(ch, &name, from);
    if (ch->o.accessible) {
        buf_append_span(&ch->out, buf_span(&name));
        buf_append_text(&ch->out, ": ");
    } else {
        tty_style(&ch->out, STYLE_DIM);
        buf_append_text(&ch->out, when);
        tty_style_end(&ch->out);
        buf_append_byte(&ch->out, ' ');
        tty_style(&ch->out, from == client_user(ch->cli->client) ? STYLE_CYAN
                                                                 : STYLE_BOLD);
        buf_append_span(&ch->out, buf_span(&name));
        tty_style_end(&ch->out);
        for (int n = columns_of(buf_span(&name)); n < NAME_COLUMN; n++)
            buf_append_byte(&ch->out, ' ');
        buf_append_text(&ch->out, "  ");
    }
    buf_release(&name);
}

static void tail(struct chat *ch, int64_t ts, int64_t seq)
{
    char when[8];

    out_clock(ts, when);
    tty_style(&ch->out, STYLE_DIM);
    if (ch->o.accessible && seq > 0)
        buf_printf(&ch->out, " (%s, message %lld)", when, (long long)seq);
    else if (ch->o.accessible)
        buf_printf(&ch->out, " (%s)", when);
    else if (seq > 0)
        buf_printf(&ch->out, "  [%lld]", (long long)seq);
    tty_style_end(&ch->out);
    buf_append_byte(&ch->out, '\n');
}

static int indent(const struct chat *ch)
{
    return ch->o.accessible ? 4 : CLOCK_COLUMN + NAME_COLUMN + 2;
}

static void message(struct chat *ch, const struct entry *e)
{
    struct buf text;

    head(ch, e->ts, e->from);
    tty_style(&ch->out, STYLE_DIM);
    if (e->reply > 0)
        buf_printf(&ch->out, "(to %lld) ", (long long)e->reply);
    if (e->kind == ENTRY_EDIT)
        buf_printf(&ch->out, "(%lld now) ", (long long)e->of);
    tty_style_end(&ch->out);
    buf_init(&text, LIMIT_OBJECT_ENC);
    out_body_text(&text, e);
    tty_put_untrusted(&ch->out, TEXT_BODY, buf_span(&text), indent(ch));
    buf_release(&text);
    tail(ch, e->ts, e->kind == ENTRY_EDIT ? e->of : e->seq);
}

/* ---- the other kinds: a dim line each ---- */

static struct span text_member(struct span body, const char *key)
{
    struct span s = json_member(body, key);

    return s.p != NULL && s.n >= 2 ? span_make(s.p + 1, s.n - 2)
                                   : (struct span){0};
}

static void put_member(struct chat *ch, enum text_kind kind, struct span raw)
{
    struct buf text;

    buf_init(&text, 4096);
    frame_text(&text, raw);
    tty_put_untrusted(&ch->out, kind, buf_span(&text), 0);
    buf_release(&text);
}

static void member_line(struct chat *ch, const struct entry *e)
{
    struct span op = text_member(e->body, "op");
    struct span users = json_member(e->body, "users");
    const char *verb = span_is(op, "create")   ? " made this group with"
                       : span_is(op, "add")    ? " added"
                       : span_is(op, "remove") ? " removed"
                       : span_is(op, "leave")  ? " left"
                       : span_is(op, "role")   ? " set the role of"
                                               : " joined";
    uint64_t user;
    int count = 0;

    view_name(ch, &ch->out, e->from);
    buf_append_text(&ch->out, verb);
    while (users.p != NULL && frame_next_user(&users, &user)) {
        if (user == e->from || span_is(op, "leave"))
            continue;
        buf_append_text(&ch->out, count++ > 0 ? ", " : " ");
        view_name(ch, &ch->out, user);
    }
    if (span_is(op, "role")) {
        buf_append_text(&ch->out, " to ");
        put_member(ch, TEXT_LINE, text_member(e->body, "role"));
    }
}

static void change_line(struct chat *ch, const struct entry *e)
{
    view_name(ch, &ch->out, e->from);
    if (e->kind == ENTRY_DELETE) {
        buf_printf(&ch->out, " took back message %lld", (long long)e->of);
    } else if (e->kind == ENTRY_TITLE) {
        buf_append_text(&ch->out, " renamed this to ");
        put_member(ch, TEXT_NAME, text_member(e->body, "title"));
    } else {
        bool off = span_is(json_member(e->body, "on"), "false");

        buf_append_text(&ch->out, off ? " took back " : " reacted ");
        put_member(ch, TEXT_LINE, text_member(e->body, "emoji"));
        buf_printf(&ch->out, off ? " from %lld" : " to %lld", (long long)e->of);
    }
}

static void small_line(struct chat *ch, const struct entry *e)
{
    tty_style(&ch->out, STYLE_DIM);
    if (!ch->o.accessible)
        buf_append_text(&ch->out, "      ");
    if (e->kind == ENTRY_MEMBER)
        member_line(ch, e);
    else
        change_line(ch, e);
    tty_style_end(&ch->out);
    buf_append_byte(&ch->out, '\n');
}

/* ---- what others call ---- */

/* That a direct conversation began is nothing to tell. */
static bool silent(struct chat *ch, const struct entry *e)
{
    struct archive_conv row = {0};

    room_known(ch, e->conv, &row);
    return row.kind == CONV_DIRECT && e->kind == ENTRY_MEMBER;
}

void view_entry(struct chat *ch, struct room *r, const struct entry *e)
{
    if (e->seq > r->shown)
        r->shown = e->seq;
    if (silent(ch, e))
        return;
    view_date(ch, r, e->ts);
    switch (e->kind) {
    case ENTRY_MSG:
    case ENTRY_EDIT:
        message(ch, e);
        break;
    case ENTRY_DELETE:
    case ENTRY_REACT:
    case ENTRY_MEMBER:
    case ENTRY_TITLE:
        small_line(ch, e);
        break;
    default:
        break; /* of a newer server, or nothing to see */
    }
}

/* Our own message, the moment it was queued: its number is not known yet. */
void view_own(struct chat *ch, struct room *r, struct span text, int64_t reply)
{
    int64_t now = clock_wall(clock_system());

    if (r != ch->open) {
        tty_style(&ch->out, STYLE_DIM);
        buf_append_text(&ch->out, ch->o.accessible ? "to " : "   to ");
        view_conv(ch, &ch->out, r->conv);
        buf_append_text(&ch->out, ": ");
        tty_put_untrusted(&ch->out, TEXT_LINE, text, 0);
        tty_style_end(&ch->out);
        buf_append_byte(&ch->out, '\n');
        return;
    }
    view_date(ch, r, now);
    head(ch, now, client_user(ch->cli->client));
    tty_style(&ch->out, STYLE_DIM);
    if (reply > 0)
        buf_printf(&ch->out, "(to %lld) ", (long long)reply);
    tty_style_end(&ch->out);
    tty_put_untrusted(&ch->out, TEXT_BODY, text, indent(ch));
    tail(ch, now, 0);
}

/* A message in another conversation: one dim line. */
void view_elsewhere(struct chat *ch, const struct entry *e)
{
    struct archive_conv row = {0};
    struct buf text;

    if (e->kind != ENTRY_MSG)
        return;
    room_known(ch, e->conv, &row);
    tty_style(&ch->out, STYLE_DIM);
    if (!ch->o.accessible)
        buf_append_text(&ch->out, "   ");
    view_name(ch, &ch->out, e->from);
    if (row.kind == CONV_DIRECT) {
        buf_append_text(&ch->out, " (direct): ");
    } else {
        buf_append_text(&ch->out, " (");
        view_conv(ch, &ch->out, e->conv);
        buf_append_text(&ch->out, "): ");
    }
    buf_init(&text, LIMIT_OBJECT_ENC);
    out_body_text(&text, e);
    if (text.len > 120)
        text.len = 120; /* a character cut in two is shown as U+FFFD */
    tty_put_untrusted(&ch->out, TEXT_LINE, buf_span(&text), 0);
    buf_release(&text);
    tty_style_end(&ch->out);
    buf_append_byte(&ch->out, '\n');
}

void view_whole(struct chat *ch, const struct entry *e)
{
    struct buf text;
    size_t from = 0;

    head(ch, e->ts, e->from);
    buf_append_byte(&ch->out, '\n');
    buf_init(&text, LIMIT_OBJECT_ENC);
    out_body_text(&text, e);
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.data[i] != '\n')
            continue;
        buf_append_text(&ch->out, "    ");
        tty_put_untrusted(&ch->out, TEXT_LINE,
                          span_make(text.data + from, i - from), 0);
        buf_append_byte(&ch->out, '\n');
        from = i + 1;
    }
    buf_release(&text);
}
