#include "guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "owner.h"
#include "share.h"

#define PATIENCE_MS 5000 /* for an owner to answer */
#define AGAIN_MS 20      /* between its end and the next one */
#define LINE_STRUCTURE 4096

struct question { /* asked by way of the owner, without an answer yet */
    enum frame_kind kind;
    char *members;
    client_done_fn *done;
    void *ctx;
    bool said;
};

struct own_send { /* of this process, without an outcome yet */
    struct link link;
    uint64_t conv;
    char cid[LIMIT_CID + 1];
};

struct guest {
    struct client *client;
    struct share_line *line;
    struct loop_timer *timer;
    struct map questions; /* n -> struct question */
    struct link sends;
    int64_t next_n, since;
    pid_t owner;
    bool attached; /* the owner has said hello on this line */
    bool known;    /* some owner did: what was told is known */
    bool left;
    struct view {
        uint64_t convs[LIMIT_VIEW], users[LIMIT_VIEW];
        int nconvs, nusers;
    } view;
    bool active, active_said;
};

/* ---- saying ---- */

static void say(struct guest *g, const struct buf *line)
{
    if (g->line != NULL)
        share_line_send(g->line, buf_span(line)); /* its end is noticed */
}

static void say_text(struct guest *g, const char *text)
{
    struct buf b;

    if (!g->attached)
        return;
    buf_init(&b, 512);
    buf_append_text(&b, text);
    say(g, &b);
    buf_release(&b);
}

static void say_question(struct guest *g, uint64_t n, struct question *q)
{
    struct buf b;

    q->said = true;
    buf_init(&b, SHARE_LINE_MAX);
    buf_printf(&b, "{\"t\":\"ask\",\"n\":%lld,\"kind\":\"%s\",\"members\":{",
               (long long)n, frame_kind_name(q->kind));
    buf_append_text(&b, q->members);
    buf_append_text(&b, "}}");
    say(g, &b);
    buf_release(&b);
}

static void put_ids(struct buf *b, const char *key, const uint64_t *ids, int n)
{
    buf_printf(b, ",\"%s\":[", key);
    for (int i = 0; i < n; i++)
        buf_printf(b, "%s%llu", i > 0 ? "," : "", (unsigned long long)ids[i]);
    buf_append_byte(b, ']');
}

static void say_view(struct guest *g)
{
    struct buf b;

    if (!g->attached)
        return;
    buf_init(&b, 32768);
    buf_append_text(&b, "{\"t\":\"view\"");
    put_ids(&b, "convs", g->view.convs, g->view.nconvs);
    put_ids(&b, "users", g->view.users, g->view.nusers);
    buf_append_byte(&b, '}');
    say(g, &b);
    buf_release(&b);
}

static void say_active(struct guest *g)
{
    if (g->active_said)
        say_text(g, g->active ? "{\"t\":\"active\",\"on\":true}"
                              : "{\"t\":\"active\",\"on\":false}");
}

/* ---- questions ---- */

/* May be asked once more, when the owner died with the first answer? */
static bool repeatable(enum frame_kind k)
{
    static const enum frame_kind reading[] = {
        FRAME_HISTORY,     FRAME_STATE,        FRAME_CONV_OPEN, FRAME_CONV_LIST,
        FRAME_CONV_INFO,   FRAME_CONV_MEMBERS, FRAME_USER_FIND, FRAME_USER_INFO,
        FRAME_USER_BLOCKS, FRAME_USER_DEVICES, FRAME_SEARCH,    FRAME_FENCE,
    };

    for (size_t i = 0; i < COUNT_OF(reading); i++)
        if (reading[i] == k)
            return true;
    return false;
}

static void question_end(struct question *q, const struct frame *f)
{
    if (q->done != NULL)
        q->done(q->ctx, f);
    free(q->members);
    free(q);
}

void guest_ask(struct guest *g, enum frame_kind kind, struct span members,
               client_done_fn *done, void *ctx)
{
    struct question *q;

    if (g->left || !g->known || (!g->attached && !repeatable(kind)) ||
        members.n > LIMIT_OBJECT_ENC) {
        if (done != NULL)
            done(ctx, NULL);
        return;
    }
    q = mem_alloc(sizeof(*q));
    *q = (struct question){
        .kind = kind,
        .members = mem_text_n(members.n > 0 ? members.p : "", members.n),
        .done = done,
        .ctx = ctx};
    map_put(&g->questions, (uint64_t)++g->next_n, q);
    if (g->attached)
        say_question(g, (uint64_t)g->next_n, q);
}

/* The owner is gone: the outcome of what changes something is unknown. */
static void drop_questions(struct guest *g, bool all)
{
    struct map old = g->questions;

    map_init(&g->questions);
    for (uint32_t i = 0; i < old.len; i++) {
        struct question *q = old.entries[i].value;

        if (all || !repeatable(q->kind))
            question_end(q, NULL);
        else
            map_put(&g->questions, old.entries[i].key, q);
    }
    map_release(&old);
    for (uint32_t i = 0; i < g->questions.len; i++)
        ((struct question *)g->questions.entries[i].value)->said = false;
}

static void repeat_questions(struct guest *g)
{
    for (uint32_t i = 0; i < g->questions.len; i++) {
        struct question *q = g->questions.entries[i].value;

        if (!q->said)
            say_question(g, g->questions.entries[i].key, q);
    }
}

#define ANSWER "{\"t\":\"answer\",\"n\":"
#define FRAME ",\"frame\":"

/* ANSWER number [FRAME object] }. The object may be larger than what a scan
 * of a whole line takes; it is checked as one of the server. */
static void on_answer(struct guest *g, struct span line)
{
    const char *at = line.p + sizeof(ANSWER) - 1, *end = line.p + line.n - 1;
    struct frame_error err;
    struct question *q;
    struct frame f;
    uint64_t n = 0;

    for (; at < end && *at >= '0' && *at <= '9' && n < 1u << 30; at++)
        n = 10 * n + (uint64_t)(*at - '0');
    q = n != 0 ? map_remove(&g->questions, n) : NULL;
    if (q == NULL)
        return;
    if ((size_t)(end - at) < sizeof(FRAME) ||
        memcmp(at, FRAME, sizeof(FRAME) - 1) != 0) {
        question_end(q, NULL);
        return;
    }
    at += sizeof(FRAME) - 1;
    question_end(q,
                 frame_decode(&f, span_make(at, (size_t)(end - at)),
                              FROM_SERVER, LIMIT_ENTRY_WIRE, false, &err) == 0
                     ? &f
                     : NULL);
}

/* ---- sends ---- */

void guest_queued(struct guest *g, uint64_t conv, const char *cid)
{
    struct own_send *s = mem_alloc(sizeof(*s));

    s->conv = conv;
    snprintf(s->cid, sizeof(s->cid), "%s", cid);
    list_push(&g->sends, &s->link);
    say_text(g, "{\"t\":\"nudge\"}");
}

static void forget_send(struct guest *g, uint64_t conv, const char *cid)
{
    list_each (&g->sends, l, next) {
        struct own_send *s = container_of(l, struct own_send, link);

        if (s->conv != conv || cid == NULL || strcmp(s->cid, cid) != 0)
            continue;
        list_remove(l);
        free(s);
        return;
    }
}

static void settle_one(struct guest *g, const struct outbox_item *i)
{
    struct client_event ev = {.kind = EV_SENT,
                              .conv = i->conv,
                              .cid = i->cid,
                              .seq = i->seq,
                              .id = i->id,
                              .ts = i->queued};

    if (i->state == OUT_FAILED) {
        ev.kind = EV_REFUSED;
        ev.code = i->code;
        ev.text = "the server refused it";
    }
    client_emit(g->client, &ev);
}

/* An owner may have died between the archive and its word to us. */
static void settle(struct guest *g)
{
    list_each (&g->sends, l, next) {
        struct own_send *s = container_of(l, struct own_send, link);
        struct outbox_item item;

        if (archive_outbox_get(g->client->archive, s->conv, s->cid, &item) <
                0 ||
            item.state < OUT_STORED)
            continue;
        list_remove(l);
        free(s);
        settle_one(g, &item);
    }
}

/* ---- lines of the owner ---- */

static void on_told(struct guest *g, const json_t *j)
{
    const json_t *list = json_object_get(j, "at");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *mark = json_array_get(list, i);
        int64_t conv = json_integer_value(json_array_get(mark, 0));
        int64_t seq = json_integer_value(json_array_get(mark, 1));
        struct place *p;

        if (conv <= 0 || seq < 0)
            continue;
        p = place_get(g->client, (uint64_t)conv);
        if (g->known)
            client_tell_held(g->client, p, seq, true);
        else
            p->told = seq;
    }
}

static void on_hello(struct guest *g, const json_t *j)
{
    struct client_event ev = {.kind = EV_SYNCED};
    struct client *c = g->client;
    const char *text = json_string_value(json_object_get(j, "text"));
    int64_t link = json_integer_value(json_object_get(j, "link"));

    loop_timer_cancel(g->timer);
    g->attached = g->known = true;
    c->last_error.code = (int)json_integer_value(json_object_get(j, "code"));
    snprintf(c->last_error.text, sizeof(c->last_error.text), "%s",
             text != NULL ? text : "");
    settle(g);
    say_active(g);
    if (g->view.nconvs + g->view.nusers > 0)
        say_view(g);
    if (!list_empty(&g->sends))
        say_text(g, "{\"t\":\"nudge\"}");
    if (link > LINK_DOWN && link < LINK_ENDED)
        client_link_event(c, (enum client_link)link, 0, 0, c->last_error.text);
    if (!json_is_true(json_object_get(j, "synced")))
        return;
    repeat_questions(g);
    client_emit(c, &ev);
}

static void on_link(struct guest *g, const struct client_event *ev)
{
    g->client->state = ev->link;
    if (ev->link != LINK_RETRYING || ev->text == NULL)
        return;
    snprintf(g->client->last_error.text, sizeof(g->client->last_error.text),
             "%s", ev->text);
}

static void on_event(struct guest *g, const json_t *j)
{
    struct client_event ev;

    if (!share_event_read(&ev, j))
        return;
    if (ev.kind == EV_MESSAGE) {
        client_tell_held(g->client, place_get(g->client, ev.conv), ev.seq,
                         ev.fresh);
        return;
    }
    if (ev.kind == EV_LINK)
        on_link(g, &ev);
    if ((ev.kind == EV_SENT || ev.kind == EV_REFUSED) && ev.cid == NULL)
        return;
    if (ev.kind == EV_SENT || ev.kind == EV_REFUSED)
        forget_send(g, ev.conv, ev.cid);
    if (ev.kind == EV_SYNCED)
        repeat_questions(g);
    client_emit(g->client, &ev);
}

static void give_up(struct guest *g, const char *code, const char *text)
{
    struct client_event ev = {
        .kind = EV_LINK, .link = LINK_ENDED, .code = code, .text = text};

    g->left = true;
    g->attached = false;
    share_line_free(&g->line);
    loop_timer_cancel(g->timer);
    g->client->state = LINK_ENDED;
    client_emit(g->client, &ev);
}

static void handle(struct guest *g, const json_t *j)
{
    const char *t = json_string_value(json_object_get(j, "t"));
    const char *text = json_string_value(json_object_get(j, "text"));

    if (t == NULL)
        return;
    if (strcmp(t, "told") == 0)
        on_told(g, j);
    else if (strcmp(t, "hello") == 0)
        on_hello(g, j);
    else if (strcmp(t, "event") == 0 && g->attached)
        on_event(g, j);
    else if (strcmp(t, "sorry") == 0)
        give_up(g, "busy", text != NULL ? text : "");
}

static void got(void *ctx, struct span line)
{
    struct guest *g = ctx;
    struct error err;
    json_t *j;

    if (line.n > sizeof(ANSWER) &&
        memcmp(line.p, ANSWER, sizeof(ANSWER) - 1) == 0) {
        on_answer(g, line);
        return;
    }
    j = json_parse_bounded(line, LIMIT_DEPTH, LINE_STRUCTURE, &err);
    if (j == NULL)
        return;
    handle(g, j);
    json_decref(j);
}

/* ---- finding the owner, or being it ---- */

static void lost(void *ctx)
{
    struct guest *g = ctx;
    bool attached = g->attached;

    share_line_free(&g->line);
    g->attached = false;
    if (attached)
        g->since = clock_mono(g->client->cfg.clock);
    drop_questions(g, false);
    if (!g->left)
        loop_timer_set(g->timer, attached ? 0 : AGAIN_MS);
}

static void say_hi(struct guest *g)
{
    struct buf b;

    buf_init(&b, 128);
    buf_printf(&b, "{\"t\":\"hi\",\"v\":%d}", SHARE_VERSION);
    say(g, &b);
    buf_release(&b);
}

static void visit(struct guest *g, int fd)
{
    struct share_events ev = {.got = got, .ended = lost, .ctx = g};
    int64_t left = g->since + PATIENCE_MS - clock_mono(g->client->cfg.clock);

    g->line = share_line_new(g->client->cfg.loop, fd, &ev);
    loop_timer_set(g->timer, left > 0 ? left : 0);
    say_hi(g);
}

static void out_of_patience(struct guest *g)
{
    char text[160];

    snprintf(text, sizeof(text),
             "process %d uses the account now and does not answer",
             (int)g->owner);
    give_up(g, "busy", text);
}

static void try_once(struct guest *g)
{
    struct client *c = g->client;
    int fd = share_lock(c->cfg.dir, &g->owner);

    if (fd >= 0) {
        client_own(c, fd, g->known);
        settle(g);
        return;
    }
    if (fd != -CF_BUSY) {
        give_up(g, "io", "the lock of the account cannot be opened");
        return;
    }
    fd = share_connect(c->cfg.dir);
    if (fd >= 0)
        visit(g, fd);
    else if (clock_mono(c->cfg.clock) - g->since > PATIENCE_MS)
        out_of_patience(g);
    else
        loop_timer_set(g->timer, AGAIN_MS);
}

static void on_timer(void *arg)
{
    struct guest *g = arg;

    if (g->left)
        return;
    if (g->line != NULL)
        out_of_patience(g);
    else
        try_once(g);
}

void guest_join(struct guest *g)
{
    g->left = false;
    g->since = clock_mono(g->client->cfg.clock);
    if (g->line == NULL)
        try_once(g);
}

void guest_leave(struct guest *g)
{
    g->left = true;
    g->attached = false;
    loop_timer_cancel(g->timer);
    share_line_free(&g->line);
    client_link_event(g->client, LINK_ENDED, 0, 0, NULL);
}

/* ---- small things ---- */

void guest_read(struct guest *g, uint64_t conv, int64_t seq)
{
    char text[128];

    snprintf(text, sizeof(text), "{\"t\":\"read\",\"conv\":%llu,\"seq\":%lld}",
             (unsigned long long)conv, (long long)seq);
    say_text(g, text);
}

void guest_typing(struct guest *g, uint64_t conv, bool on)
{
    char text[128];

    snprintf(text, sizeof(text), "{\"t\":\"typing\",\"conv\":%llu,\"on\":%s}",
             (unsigned long long)conv, on ? "true" : "false");
    say_text(g, text);
}

static int copy_ids(uint64_t *to, const uint64_t *from, int n)
{
    n = n < LIMIT_VIEW ? n : LIMIT_VIEW;
    if (n > 0)
        memcpy(to, from, (size_t)n * sizeof(*to));
    return n;
}

void guest_view(struct guest *g, const uint64_t *convs, int nconvs,
                const uint64_t *users, int nusers)
{
    g->view.nconvs = copy_ids(g->view.convs, convs, nconvs);
    g->view.nusers = copy_ids(g->view.users, users, nusers);
    say_view(g);
}

void guest_active(struct guest *g, bool active)
{
    g->active = active;
    g->active_said = true;
    say_active(g);
}

void guest_retry(struct guest *g)
{
    say_text(g, "{\"t\":\"retry\"}");
}

/* ---- life ---- */

struct guest *guest_new(struct client *c)
{
    struct guest *g = mem_alloc(sizeof(*g));

    g->client = c;
    map_init(&g->questions);
    list_init(&g->sends);
    g->timer = loop_timer_new(c->cfg.loop, on_timer, g);
    return g;
}

/* The link of the new owner is up: what nobody answered is asked again. */
void guest_hand_over(struct guest *g)
{
    struct map old = g->questions;

    map_init(&g->questions);
    for (uint32_t i = 0; i < old.len; i++) {
        struct question *q = old.entries[i].value;

        client_request(g->client, q->kind, span_of(q->members), q->done,
                       q->ctx);
        free(q->members);
        free(q);
    }
    map_release(&old);
}

void guest_free(struct guest **gp)
{
    struct guest *g = *gp;

    *gp = NULL;
    if (g == NULL)
        return;
    drop_questions(g, true);
    map_release(&g->questions);
    share_line_free(&g->line);
    loop_timer_free(&g->timer);
    list_each (&g->sends, l, next)
        free(container_of(l, struct own_send, link));
    free(g);
}
