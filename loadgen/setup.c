/* setup.c - conversations, made by their first members before the traffic. */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "engine_inside.h"
#include "proto/encode.h"
#include "proto/limits.h"
#include "shard.h"

#define OPEN_MAX_REQUESTS 64 /* under way, of one shard */

static uint64_t member(const struct shard *sh, const struct plan_conv *conv,
                       uint32_t place)
{
    const struct engine *e = sh->engine;

    return account_user(e->cfg->accounts,
                        e->plan.members[conv->first_member + place]);
}

/* "users":["u2",...] of the next ones, at most LIMIT_USERS. */
static uint32_t put_users(struct shard *sh, struct buf *b,
                          const struct plan_conv *conv, uint32_t from)
{
    uint32_t n = conv->members - from;

    n = n < LIMIT_USERS ? n : LIMIT_USERS;
    buf_append_text(b, "\"users\":[");
    for (uint32_t i = 0; i < n; i++)
        buf_printf(b, "%s\"u%" PRIu64 "\"", i > 0 ? "," : "",
                   member(sh, conv, from + i));
    buf_append_byte(b, ']');
    return n;
}

static void put_cid(struct shard *sh, struct buf *b, uint32_t index,
                    uint32_t step)
{
    buf_printf(b, ",\"cid\":\"setup-%x-%x-%x\"", engine_run_id(sh->engine),
               index, step);
}

static enum frame_kind put_create(struct shard *sh, struct buf *b,
                                  struct plan_conv *conv, uint32_t index)
{
    const struct traffic *t = &sh->engine->scenario->traffic[conv->traffic];

    if (t->kind == TRAFFIC_DIRECT) {
        conv->adding = 2;
        enc_member_id(b, "user", 'u', member(sh, conv, 1));
        return FRAME_CONV_OPEN;
    }
    buf_printf(b, "\"title\":\"load %u\",", index);
    if (t->kind == TRAFFIC_CHANNEL)
        buf_append_text(b, "\"kind\":\"channel\",");
    conv->adding = 1 + put_users(sh, b, conv, 1);
    put_cid(sh, b, index, 0);
    return FRAME_CONV_CREATE;
}

static enum frame_kind put_next(struct shard *sh, struct buf *b,
                                struct plan_conv *conv, uint32_t index)
{
    if (conv->id == 0)
        return put_create(sh, b, conv, index);
    enc_member_id(b, "conv", 'c', conv->id);
    if (conv->added < conv->members) {
        buf_append_byte(b, ',');
        conv->adding = put_users(sh, b, conv, conv->added);
        put_cid(sh, b, index, conv->added);
        return FRAME_CONV_ADD;
    }
    conv->adding = 1;
    enc_member_id(b, "user", 'u', member(sh, conv, conv->members - 1));
    return FRAME_CONV_REMOVE;
}

/* The next request of conversation `index`, by its owner. */
static void request(struct shard *sh, struct client *c, uint32_t index)
{
    struct plan_conv *conv = &sh->engine->plan.convs[index];
    struct buf members;
    enum frame_kind kind;

    buf_init(&members, LIMIT_OBJECT);
    kind = put_next(sh, &members, conv, index);
    conv->asked = true;
    sh->setup_open++;
    enc_request(wire_begin(sh), REQUEST_SETUP + index, kind,
                buf_span(&members));
    buf_release(&members);
    wire_send(sh, c, WS_TEXT);
}

static bool is_made(const struct plan_conv *conv)
{
    return conv->id != 0 &&
           conv->added >= conv->members + (conv->outsider ? 1 : 0);
}

static struct client *owner(struct shard *sh, const struct plan_conv *conv)
{
    uint32_t user = sh->engine->plan.members[conv->first_member];

    if (user < sh->first_user || user >= sh->first_user + sh->nclients)
        return NULL;
    return &sh->clients[user - sh->first_user];
}

void setup_run(struct shard *sh)
{
    struct plan *p = &sh->engine->plan;

    while (sh->setup_at < p->nconvs && sh->setup_open < OPEN_MAX_REQUESTS) {
        struct plan_conv *conv = &p->convs[sh->setup_at];
        struct client *c = owner(sh, conv);

        if (c != NULL && !conv->asked && !is_made(conv)) {
            if (c->state != CLIENT_READY)
                return;
            request(sh, c, sh->setup_at);
        }
        sh->setup_at++;
    }
}

static void start_again_at(struct shard *sh, uint32_t index)
{
    sh->setup_at = index < sh->setup_at ? index : sh->setup_at;
}

void setup_lost(struct shard *sh, struct client *c)
{
    struct plan *p = &sh->engine->plan;

    for (uint32_t i = 0; i < c->nseats; i++) {
        uint32_t index = sh->seats[c->first_seat + i].conv;
        struct plan_conv *conv = &p->convs[index];

        if (!conv->asked || owner(sh, conv) != c)
            continue;
        conv->asked = false;
        sh->setup_open--;
        start_again_at(sh, index);
    }
}

static void failed(struct shard *sh, const struct object *o, uint32_t index)
{
    shard_trouble(sh, "setup: conversation %u: the server answered err %.*s",
                  index, (int)o->code.n, o->code.p != NULL ? o->code.p : "");
    atomic_store(&sh->engine->setup_failed, 1);
}

void setup_answer(struct shard *sh, struct client *c, const struct object *o)
{
    struct plan *p = &sh->engine->plan;
    uint64_t index = (uint64_t)o->re - REQUEST_SETUP;
    struct plan_conv *conv = &p->convs[index];

    if (index >= p->nconvs || !conv->asked || owner(sh, conv) != c)
        return;
    conv->asked = false;
    sh->setup_open--;
    if (o->kind == OBJECT_ERR && o->temp) {
        start_again_at(sh, (uint32_t)index);
        return;
    }
    if (o->kind == OBJECT_ERR || (conv->id == 0 && o->conv == 0)) {
        failed(sh, o, (uint32_t)index);
        return;
    }
    if (conv->id == 0)
        atomic_store(&conv->id, o->conv);
    conv->added += conv->adding;
    if (is_made(conv))
        atomic_fetch_add(&p->made, 1);
    else
        request(sh, c, (uint32_t)index);
}
