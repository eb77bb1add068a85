#include "guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "guest_priv.h"

#define PATIENCE_MS 5000 /* for an owner to answer */
#define AGAIN_MS 20      /* between its end and the next one */
#define LINE_STRUCTURE 4096

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

bool guest_hears(const struct guest *g)
{
    return g->known;
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
    guest_settle(g);
    guest_say_active(g);
    if (g->view.nconvs + g->view.nusers > 0)
        guest_say_view(g);
    if (!list_empty(&g->sends))
        guest_say_text(g, "{\"t\":\"nudge\"}");
    if (link > LINK_DOWN && link < LINK_ENDED)
        client_link_event(c, (enum client_link)link, 0, 0, c->last_error.text);
    if (!json_is_true(json_object_get(j, "synced")))
        return;
    guest_repeat_questions(g);
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
        guest_forget_send(g, ev.conv, ev.cid);
    if (ev.kind == EV_SYNCED)
        guest_repeat_questions(g);
    if (ev.kind == EV_ERROR && ev.code != NULL &&
        strcmp(ev.code, CLIENT_RESTORED) == 0)
        client_forget_marks(g->client);
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
        guest_answer(g, line);
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
    guest_drop_questions(g, false);
    if (!g->left)
        loop_timer_set(g->timer, attached ? 0 : AGAIN_MS);
}

static void say_hi(struct guest *g)
{
    struct buf b;

    buf_init(&b, 128);
    buf_printf(&b, "{\"t\":\"hi\",\"v\":%d}", SHARE_VERSION);
    guest_say(g, &b);
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
        guest_settle(g);
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

void guest_free(struct guest **gp)
{
    struct guest *g = *gp;

    *gp = NULL;
    if (g == NULL)
        return;
    guest_drop_questions(g, true);
    map_release(&g->questions);
    share_line_free(&g->line);
    loop_timer_free(&g->timer);
    guest_forget_sends(g);
    free(g);
}
