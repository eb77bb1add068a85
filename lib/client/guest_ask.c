/* What a guest says to the owner. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "guest_priv.h"

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

/* ---- saying ---- */

void guest_say(struct guest *g, const struct buf *line)
{
    if (g->line != NULL)
        share_line_send(g->line, buf_span(line)); /* its end is noticed */
}

void guest_say_text(struct guest *g, const char *text)
{
    struct buf b;

    if (!g->attached)
        return;
    buf_init(&b, 512);
    buf_append_text(&b, text);
    guest_say(g, &b);
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
    guest_say(g, &b);
    buf_release(&b);
}

static void put_ids(struct buf *b, const char *key, const uint64_t *ids, int n)
{
    buf_printf(b, ",\"%s\":[", key);
    for (int i = 0; i < n; i++)
        buf_printf(b, "%s%llu", i > 0 ? "," : "", (unsigned long long)ids[i]);
    buf_append_byte(b, ']');
}

void guest_say_view(struct guest *g)
{
    struct buf b;

    if (!g->attached)
        return;
    buf_init(&b, 32768);
    buf_append_text(&b, "{\"t\":\"view\"");
    put_ids(&b, "convs", g->view.convs, g->view.nconvs);
    put_ids(&b, "users", g->view.users, g->view.nusers);
    buf_append_byte(&b, '}');
    guest_say(g, &b);
    buf_release(&b);
}

void guest_say_active(struct guest *g)
{
    if (g->active_said)
        guest_say_text(g, g->active ? "{\"t\":\"active\",\"on\":true}"
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

void guest_drop_questions(struct guest *g, bool all)
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

void guest_repeat_questions(struct guest *g)
{
    for (uint32_t i = 0; i < g->questions.len; i++) {
        struct question *q = g->questions.entries[i].value;

        if (!q->said)
            say_question(g, g->questions.entries[i].key, q);
    }
}

/* ANSWER number [FRAME object] }. The object may be larger than what a scan
 * of a whole line takes; it is checked as one of the server. */
void guest_answer(struct guest *g, struct span line)
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

/* ---- sends ---- */

void guest_queued(struct guest *g, uint64_t conv, const char *cid)
{
    struct own_send *s = mem_alloc(sizeof(*s));

    s->conv = conv;
    snprintf(s->cid, sizeof(s->cid), "%s", cid);
    list_push(&g->sends, &s->link);
    guest_say_text(g, "{\"t\":\"nudge\"}");
}

void guest_forget_send(struct guest *g, uint64_t conv, const char *cid)
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

void guest_forget_sends(struct guest *g)
{
    list_each (&g->sends, l, next)
        free(container_of(l, struct own_send, link));
    list_init(&g->sends);
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

void guest_settle(struct guest *g)
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

/* ---- small things ---- */

void guest_read(struct guest *g, uint64_t conv, int64_t seq)
{
    char text[128];

    snprintf(text, sizeof(text), "{\"t\":\"read\",\"conv\":%llu,\"seq\":%lld}",
             (unsigned long long)conv, (long long)seq);
    guest_say_text(g, text);
}

void guest_typing(struct guest *g, uint64_t conv, bool on)
{
    char text[128];

    snprintf(text, sizeof(text), "{\"t\":\"typing\",\"conv\":%llu,\"on\":%s}",
             (unsigned long long)conv, on ? "true" : "false");
    guest_say_text(g, text);
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
    guest_say_view(g);
}

void guest_active(struct guest *g, bool active)
{
    g->active = active;
    g->active_said = true;
    guest_say_active(g);
}

void guest_retry(struct guest *g)
{
    guest_say_text(g, "{\"t\":\"retry\"}");
}
