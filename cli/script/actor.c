#include "actor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proto/encode.h"

bool event_strict(enum event_kind kind)
{
    return kind == SEE_MESSAGE || kind == SEE_MEDIA || kind == SEE_EDIT ||
           kind == SEE_DELETE || kind == SEE_REACTION || kind == SEE_ERROR;
}

/* ---- who is who ---- */

struct actor *stage_actor(const struct stage *s, uint64_t user, uint32_t dev)
{
    struct actor *found = NULL;

    for (int i = 0; user != 0 && i < s->count; i++) {
        struct actor *a = s->actors[i];

        if (a->account.user != user)
            continue;
        if (dev == 0 ? a->device_of == NULL : a->account.dev == dev)
            return a;
        if (found == NULL || a->device_of == NULL)
            found = a;
    }
    return found;
}

struct actor *stage_named(const struct stage *s, const char *name)
{
    for (int i = 0; i < s->count; i++) {
        if (strcmp(s->actors[i]->name, name) == 0)
            return s->actors[i];
    }
    return NULL;
}

const char *stage_user_name(struct actor *a, uint64_t user, uint32_t dev,
                            char out[40])
{
    struct actor *who = stage_actor(a->stage, user, dev);

    if (who != NULL)
        return who->name;
    if (archive_user_name(client_archive(a->client), user, out) < 0)
        snprintf(out, 40, "u%llu", (unsigned long long)user);
    return out;
}

/* ---- the log ---- */

void actor_add(struct actor *a, enum event_kind kind, json_t *value,
               const struct event *more)
{
    struct event *e;

    if (a->count >= ACTOR_EVENTS) {
        a->flood = true;
        json_decref(value);
        return;
    }
    if (a->count == a->room) {
        a->room = a->room > 0 ? a->room * 2 : 32;
        a->events = mem_grow(a->events, (size_t)a->room, sizeof(*a->events));
    }
    e = &a->events[a->count++];
    *e = *more;
    e->kind = kind;
    e->consumed = false;
    e->at_ns = clock_ns();
    e->cause_ns = a->stage->last_action_ns;
    e->value = value;
    json_object_set_new(value, "kind", json_string(see_name(kind)));
    e->cid = json_string_value(json_object_get(value, "cid"));
}

void actor_refused(struct actor *a, const json_t *answer, const char *what)
{
    json_t *v = json_object();
    struct event e = {0};

    json_object_set(v, "code", json_object_get(answer, "code"));
    json_object_set(v, "text", json_object_get(answer, "msg"));
    json_object_set(v, "temp", json_object_get(answer, "temp"));
    json_object_set_new(v, "to", json_string(what));
    actor_add(a, SEE_ERROR, v, &e);
}

/* ---- captures ---- */

void actor_watch(struct actor *a, const char *cid, json_t *capture)
{
    json_object_set_new(capture, "cid", json_string(cid));
    json_object_set_new(capture, "pending", json_true());
    a->captures = mem_grow(a->captures, (size_t)a->capture_count + 1,
                           sizeof(*a->captures));
    a->captures[a->capture_count++] = json_incref(capture);
}

/* ---- sending ---- */

struct again {
    struct actor *actor;
    json_t *capture;
    uint64_t conv;
    char cid[LIMIT_CID + 1];
};

static void again_answered(void *ctx, const struct frame *f)
{
    struct again *g = ctx;
    char code[24], text[200];
    struct client_event ev = {.kind = EV_SENT, .conv = g->conv, .cid = g->cid};

    if (f != NULL && f->kind == FRAME_SENT) {
        ev.seq = f->seq;
        ev.id = f->id;
        ev.ts = f->ts;
        ev.dup = f->dup;
    } else if (f != NULL) {
        snprintf(code, sizeof(code), "%.*s", (int)f->code.n, f->code.p);
        snprintf(text, sizeof(text), "%.*s", (int)f->msg.n,
                 f->msg.p != NULL ? f->msg.p : "");
        ev.kind = EV_REFUSED;
        ev.seq = f->seq;
        ev.code = code;
        ev.text = text;
    }
    if (f != NULL) {
        g->actor->answering = g->capture;
        actor_event(g->actor, &ev);
        g->actor->answering = NULL;
    }
    json_decref(g->capture);
    free(g);
}

/* The client knows the key and would not send it again: a test may want the
 * server's opinion. */
static void send_again(struct actor *a, const struct client_send *send,
                       json_t *capture)
{
    struct again *g = mem_alloc(sizeof(*g));
    struct buf members;

    g->actor = a;
    g->capture = json_incref(capture);
    g->conv = send->conv;
    snprintf(g->cid, sizeof(g->cid), "%s", send->cid);
    buf_init(&members, LIMIT_OBJECT);
    enc_member_id(&members, "conv", 'c', send->conv);
    enc_member_text(&members, "cid", span_of(send->cid));
    if (send->body.p != NULL)
        enc_member_raw(&members, "body", send->body);
    if (send->reply > 0)
        enc_member_int(&members, "reply", send->reply);
    if (send->thread > 0)
        enc_member_int(&members, "thread", send->thread);
    if (send->ttl > 0)
        enc_member_int(&members, "ttl", send->ttl);
    client_request(a->client, FRAME_SEND, buf_span(&members), again_answered,
                   g);
    buf_release(&members);
}

int actor_send(struct actor *a, const struct client_send *send, json_t *capture,
               char *cid)
{
    int rc = client_send(a->client, send, cid);

    if (rc < 0 && rc != -CF_EXISTS && rc != -CF_CONFLICT)
        return rc;
    actor_watch(a, cid, capture);
    if (rc < 0)
        send_again(a, send, capture);
    return 0;
}

struct peer_search {
    uint64_t peer, conv;
};

static bool with_peer(void *ctx, const struct archive_conv *row)
{
    struct peer_search *p = ctx;

    if (row->kind == CONV_DIRECT && row->peer == p->peer)
        p->conv = row->conv;
    return p->conv == 0;
}

uint64_t actor_direct(const struct actor *a, uint64_t user)
{
    struct peer_search p = {.peer = user};

    archive_convs(client_archive(a->client), with_peer, &p);
    return p.conv;
}

/* ---- life ---- */

static int make_client(struct actor *a, const char *url, struct error *err)
{
    struct stage *s = a->stage;
    struct client_config cfg = {
        .loop = s->loop,
        .clock = &s->clock.base,
        .rng = &s->rng,
        .server = url,
        .token = a->account.token,
        .user = a->account.user,
        .dev = a->account.dev,
        .ua = "confab-script/" CONFAB_VERSION,
        .event = actor_event,
        .ctx = a,
    };

    return client_new(&a->client, &cfg, err);
}

int actor_connect(struct actor *a, const char *url, struct error *err)
{
    int rc = 0;

    if (a->client == NULL)
        rc = make_client(a, url, err);
    if (rc < 0)
        return rc;
    a->stopped = false;
    a->ended[0] = '\0';
    client_start(a->client);
    return 0;
}

bool actor_reachable(const struct actor *a)
{
    return a->client != NULL && !a->cut && !a->stopped &&
           client_link_state(a->client) == LINK_UP;
}

bool actor_lost(const struct actor *a)
{
    enum client_link link;

    if (a->client == NULL || a->cut || a->stopped || a->away)
        return false;
    link = client_link_state(a->client);
    return link != LINK_UP && link != LINK_ENDED;
}

void actor_release(struct actor *a)
{
    client_free(&a->client);
    proxy_free(&a->proxy);
    for (int i = 0; i < a->count; i++)
        json_decref(a->events[i].value);
    for (int i = 0; i < a->capture_count; i++)
        json_decref(a->captures[i]);
    free(a->captures);
    free(a->events);
    free(a->own);
    free(a->marks);
    explicit_bzero(&a->account, sizeof(a->account));
}
