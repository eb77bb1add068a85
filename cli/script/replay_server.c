/* A wire log is played to a server: its requests are sent, what comes is held
 * against what came then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "client/link.h"
#include "fixture.h"
#include "proto/limits.h"
#include "replay.h"
#include "replay_ids.h"
#include "replay_people.h"

#define TEXT_MAX (64 << 20)      /* of a transcript */
#define DIFFERENCE_MAX (1 << 20) /* of what is shown */
#define INBOX_STRUCTURE 200000
#define FENCE INT64_C(900000000000) /* number of the fence at the end */

struct conn {
    struct play *play;
    int number;
    struct chat_link *link;
    json_t *inbox; /* what came and fitted nothing yet */
    bool begun, up, down, fenced;
    bool left; /* it said bye: what the server pushes meanwhile is chance */
    int code;  /* it was closed with */
};

struct play {
    const struct wire_log *log;
    const struct replay_server_config *cfg;
    struct replay_server_result *out;
    struct loop *loop;
    struct loop_timer *patience;
    struct replay_ids ids;
    struct replay_people people;
    struct conn *conns; /* [log->conns + 1] */
    bool late;
};

/* ---- what comes ---- */

static bool is_kind(const json_t *frame, const char *t)
{
    const char *is = json_string_value(json_object_get(frame, "t"));

    return is != NULL && strcmp(is, t) == 0;
}

/* Frames that tell the state of things: how often they come is a matter of
 * time. */
static bool is_hint(const struct play *p, const json_t *frame)
{
    return is_kind(frame, "hb") ||
           (!p->cfg->hints &&
            (is_kind(frame, "receipt") || is_kind(frame, "presence") ||
             is_kind(frame, "typing") || is_kind(frame, "head")));
}

/* A pushed batch and single entries are the same: each entry on its own. */
static void explode(const json_t *frame, json_t *into)
{
    json_t *entries = json_object_get(frame, "entries"), *one;
    size_t i;

    if (!is_kind(frame, "batch") || json_object_get(frame, "re") != NULL) {
        json_array_append(into, (json_t *)(uintptr_t)frame);
        return;
    }
    json_array_foreach(entries, i, one)
    {
        json_t *entry = json_object();

        json_object_set_new(entry, "t", json_string("entry"));
        json_object_set(entry, "conv", json_object_get(frame, "conv"));
        json_object_update(entry, one);
        json_array_append_new(into, entry);
    }
}

static void take_object(struct conn *c, struct span text)
{
    struct error err;
    json_t *frame =
        json_parse_bounded(text, LIMIT_DEPTH, INBOX_STRUCTURE, &err);

    if (frame == NULL)
        return;
    if (json_integer_value(json_object_get(frame, "re")) == FENCE)
        c->fenced = true;
    else if (!is_hint(c->play, frame))
        explode(frame, c->inbox);
    json_decref(frame);
}

static void on_message(void *ctx, struct span text)
{
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end != NULL ? (size_t)(end - text.p) : text.n;

        if (n > 0)
            take_object(ctx, span_make(text.p, n));
        n += end != NULL ? 1 : 0;
        text = span_make(text.p + n, text.n - n);
    }
}

static void on_up(void *ctx)
{
    ((struct conn *)ctx)->up = true;
}

static void on_down(void *ctx, int code, const struct error *err)
{
    struct conn *c = ctx;

    c->up = false;
    c->down = true;
    c->code = code;
}

/* ---- waiting ---- */

static void too_late(void *arg)
{
    ((struct play *)arg)->late = true;
}

/* Until done(c, arg), the end of the connection, or patience is out. */
static bool wait_for(struct conn *c, bool (*done)(struct conn *c, void *arg),
                     void *arg)
{
    struct play *p = c->play;
    bool is;

    p->late = false;
    loop_timer_set(p->patience, p->cfg->patience_ms);
    while (!(is = done(c, arg)) && !p->late && !c->down)
        loop_run_once(p->loop, true);
    loop_timer_cancel(p->patience);
    return is || done(c, arg);
}

static bool has_come_up(struct conn *c, void *arg)
{
    return c->up;
}

static bool has_ended(struct conn *c, void *arg)
{
    return c->down;
}

static bool has_passed(struct conn *c, void *arg)
{
    return c->fenced;
}

/* ---- what is told ---- */

static void put_line(struct buf *b, int conn, const char *mark,
                     const json_t *what)
{
    buf_printf(b, "%d %s ", conn, mark);
    if (what != NULL)
        json_write(b, what, false);
    buf_append_byte(b, '\n');
}

static bool is_chance(const struct conn *c, const json_t *frame)
{
    return c->left && json_object_get(frame, "re") == NULL;
}

/* The frame as the log could have it: translated back and stripped. */
static json_t *readable(struct play *p, const json_t *frame, bool back)
{
    json_t *copy = back ? replay_ids_translate(&p->ids, frame, true)
                        : json_deep_copy(frame);

    replay_ids_strip(&p->ids, copy);
    return copy;
}

static void tell(struct play *p, int conn, int line, const char *mark,
                 const json_t *frame, bool back)
{
    json_t *what = readable(p, frame, back);

    put_line(&p->out->transcript, conn, mark, what);
    if (mark[0] != '<') {
        if (line > 0)
            buf_printf(&p->out->difference, "line %d, ", line);
        buf_append_text(&p->out->difference, "connection ");
        put_line(&p->out->difference, conn, mark, what);
    }
    json_decref(what);
}

/* ---- going through the log ---- */

static void begin(struct conn *c)
{
    struct play *p = c->play;
    const char *url = fixture_url(p->cfg->fixture);
    struct link_config lc = {
        .loop = p->loop,
        .ca_file = p->cfg->ca_file,
        .tls = strncmp(url, "wss:", 4) == 0 || strncmp(url, "https:", 6) == 0,
    };
    struct link_events ev = {on_up, on_message, on_down, c};
    struct error err = {0};

    if (c->begun)
        return;
    c->begun = true;
    c->inbox = json_array();
    c->link = chat_link_new(&lc, &ev);
    if (c->link == NULL || chat_link_connect(c->link, url, &err) < 0)
        c->down = true;
    else
        wait_for(c, has_come_up, NULL);
}

static void send_frame(struct conn *c, const json_t *frame)
{
    struct play *p = c->play;
    json_t *copy = replay_ids_translate(&p->ids, frame, false);
    struct buf b;

    c->left = c->left || is_kind(frame, "bye");
    if (is_kind(frame, "hello"))
        replay_people_hello(&p->people, c->number, copy);
    buf_init(&b, 4 * LIMIT_OBJECT_ENC);
    if (c->up && json_write(&b, copy, false) == 0 &&
        chat_link_send(c->link, buf_span(&b)) == 0)
        p->out->sent++;
    buf_release(&b);
    json_decref(copy);
}

struct looking {
    const json_t *logged;
    json_t *found; /* owned */
};

static bool find_fit(struct conn *c, void *arg)
{
    struct looking *l = arg;
    json_t *one;
    size_t i;

    if (l->found != NULL)
        return true;
    json_array_foreach(c->inbox, i, one)
    {
        if (!replay_ids_fit(&c->play->ids, l->logged, one))
            continue;
        l->found = json_incref(one);
        json_array_remove(c->inbox, i);
        return true;
    }
    return false;
}

static void expect_one(struct conn *c, const struct wire_line *line,
                       const json_t *logged)
{
    struct looking l = {.logged = logged};
    struct play *p = c->play;

    if (wait_for(c, find_fit, &l)) {
        p->out->matched++;
        tell(p, c->number, line->line, "<", l.found, true);
        json_decref(l.found);
        return;
    }
    p->out->missing++;
    tell(p, c->number, line->line, "- did not come:", logged, false);
}

static void expect(struct conn *c, const struct wire_line *line)
{
    json_t *parts, *one;
    size_t i;

    if (is_hint(c->play, line->what) || is_chance(c, line->what))
        return;
    parts = json_array();
    explode(line->what, parts);
    json_array_foreach(parts, i, one) expect_one(c, line, one);
    json_decref(parts);
}

static void expect_end(struct conn *c, const struct wire_line *line)
{
    json_t *said = json_object();
    bool ended = wait_for(c, has_ended, NULL);

    json_object_set_new(said, "close",
                        json_integer(ended ? c->code : line->close));
    if (ended && (c->code == line->close || line->close == 0)) {
        c->play->out->matched++;
        tell(c->play, c->number, line->line, "<", said, false);
    } else {
        c->play->out->missing++;
        tell(c->play, c->number, line->line,
             ended ? "- ended otherwise:" : "- did not end:", said, false);
    }
    json_decref(said);
}

static void play_line(struct play *p, const struct wire_line *l)
{
    struct conn *c = &p->conns[l->conn];

    if (l->kind == WIRE_EVENT)
        return;
    begin(c);
    if (l->kind == WIRE_UP && !is_kind(l->what, "hb"))
        send_frame(c, l->what);
    else if (l->kind == WIRE_DOWN)
        expect(c, l);
    else if (l->kind == WIRE_UP_CLOSE && c->up)
        chat_link_close(c->link, l->close > 0 ? l->close : 1000);
    else if (l->kind == WIRE_DOWN_CLOSE)
        expect_end(c, l);
}

/* Whatever else was on its way is there when a fence is answered. */
static void leftovers(struct conn *c)
{
    char fence[64];
    json_t *one;
    size_t i;

    if (!c->begun)
        return;
    snprintf(fence, sizeof(fence), "{\"t\":\"fence\",\"n\":%lld}",
             (long long)FENCE);
    if (c->up && chat_link_send(c->link, span_of(fence)) == 0)
        wait_for(c, has_passed, NULL);
    json_array_foreach(c->inbox, i, one)
    {
        if (is_chance(c, one))
            continue;
        c->play->out->extra++;
        tell(c->play, c->number, 0, "+ came, too:", one, true);
    }
}

/* ---- the whole ---- */

static void set_up(struct play *p)
{
    p->loop = loop_new();
    p->patience = loop_timer_new(p->loop, too_late, p);
    replay_ids_init(&p->ids);
    p->ids.hints = p->cfg->hints;
    p->conns = mem_array((size_t)p->log->conns + 1, sizeof(*p->conns));
    for (int i = 0; i <= p->log->conns; i++)
        p->conns[i] = (struct conn){.play = p, .number = i};
}

static void tear_down(struct play *p)
{
    for (int i = 0; i <= p->log->conns; i++) {
        chat_link_free(&p->conns[i].link);
        json_decref(p->conns[i].inbox);
    }
    free(p->conns);
    replay_people_release(&p->people);
    replay_ids_release(&p->ids);
    loop_timer_free(&p->patience);
    loop_free(&p->loop);
}

int replay_server(const struct wire_log *log,
                  const struct replay_server_config *cfg,
                  struct replay_server_result *result, struct error *err)
{
    struct play p = {.log = log, .cfg = cfg, .out = result};
    int rc;

    *result = (struct replay_server_result){0};
    buf_init(&result->transcript, TEXT_MAX);
    buf_init(&result->difference, DIFFERENCE_MAX);
    set_up(&p);
    rc = replay_people_make(&p.people, log, cfg->fixture, cfg->prefix, &p.ids,
                            err);
    for (int i = 0; i < log->count && rc == 0; i++)
        play_line(&p, &log->lines[i]);
    for (int i = 1; i <= log->conns && rc == 0; i++)
        leftovers(&p.conns[i]);
    tear_down(&p);
    return rc;
}

void replay_server_release(struct replay_server_result *result)
{
    buf_release(&result->transcript);
    buf_release(&result->difference);
}
