#include <string.h>

#include "base/error.h"
#include "engine_inside.h"
#include "proto/encode.h"
#include "receipts.h"
#include "shard.h"

struct seat *client_seat(struct shard *sh, struct client *c, uint64_t conv)
{
    const struct plan *p = &sh->engine->plan;

    for (uint32_t i = 0; i < c->nseats; i++) {
        struct seat *s = &sh->seats[c->first_seat + i];

        if (atomic_load_explicit(&p->convs[s->conv].id, memory_order_relaxed) ==
            conv)
            return s;
    }
    return NULL;
}

/* ---- login ---- */

static void first_beat(struct shard *sh, struct client *c)
{
    int64_t every = sh->engine->scenario->users.heartbeat_ms;

    c->beat = sh->now_ms + 1 + (int64_t)rng_below(&sh->rng, (uint64_t)every);
    client_set_timer(sh, c);
}

/* Everything that was missed is here. */
void client_caught_up(struct shard *sh, struct client *c)
{
    c->flags &= (uint16_t)~FLAG_CATCHING;
    if (c->flags & FLAG_BEEN_READY)
        client_time(sh, c, METRIC_CATCHUP, sh->now - c->since);
    if (c->lost > 0) {
        client_time(sh, c, METRIC_BACK, sh->now - c->lost);
        atomic_fetch_sub(&sh->engine->lost, 1);
    }
    c->lost = 0;
    c->flags |= FLAG_BEEN_READY;
    recall_done(sh, c);
}

void client_synced(struct shard *sh, struct client *c)
{
    if (c->state != CLIENT_SYNCING)
        return;
    sh->handshakes--;
    c->state = CLIENT_READY;
    c->attempts = 0;
    atomic_fetch_add(&sh->ready, 1);
    client_time(sh, c, METRIC_LOGIN, sh->now - c->since);
    tally_count(sh, COUNT_CONNECTS, 1);
    copies_live(sh, c, true);
    receipts_here(sh, c);
    first_beat(sh, c);
    if (seat_behind(sh, c))
        c->flags |= FLAG_CATCHING;
    else
        client_caught_up(sh, c);
    presence_look(sh, c);
    slow_ready(sh, c);
    if (c->fd >= 0)
        outflow_pump(sh, c);
}

/* ---- errors ---- */

static void refused_login(struct shard *sh, struct client *c,
                          const struct object *o)
{
    shard_trouble(sh, "the server refused a login: %.*s", (int)o->code.n,
                  o->code.p != NULL ? o->code.p : "");
    tally_count(sh, COUNT_CONNECT_FAILED, 1);
    if (span_is(o->code, "auth"))
        atomic_store(&sh->engine->refused_tokens, 1);
}

static void error_came(struct shard *sh, struct client *c,
                       const struct object *o)
{
    if (o->re >= REQUEST_SEND) {
        outflow_refused(sh, c, o);
        return;
    }
    tally_count(sh, COUNT_ERRORS, 1);
    if (o->re >= REQUEST_SETUP)
        setup_answer(sh, c, o);
    else if (o->re == REQUEST_HELLO)
        refused_login(sh, c, o);
    else
        shard_trouble(sh, "the server answered with err %.*s", (int)o->code.n,
                      o->code.p != NULL ? o->code.p : "");
}

/* ---- dispatch ---- */

static void entry_came(struct shard *sh, struct client *c,
                       const struct object *o)
{
    struct seat *s = client_seat(sh, c, o->conv);

    if (s == NULL)
        copies_stray(sh, c, o->conv, o);
    else
        copies_entry(sh, c, s, o, SOURCE_LIVE);
}

static void handle(struct shard *sh, struct client *c, const struct object *o)
{
    switch (o->kind) {
    case OBJECT_ENTRY:
        entry_came(sh, c, o);
        break;
    case OBJECT_SENT:
        outflow_sent(sh, c, o);
        break;
    case OBJECT_HB:
        c->flags &= (uint16_t)~FLAG_BEATING;
        break;
    case OBJECT_RECEIPT:
        outflow_receipt(sh, c, o);
        break;
    case OBJECT_BATCH:
        seat_batch(sh, c, o);
        break;
    case OBJECT_PRESENCE:
        presence_came(sh, c, o);
        break;
    case OBJECT_HEAD:
        seat_head(sh, c, o);
        break;
    case OBJECT_SYNCED:
        client_synced(sh, c);
        break;
    case OBJECT_WELCOME:
        if (c->state == CLIENT_HELLO)
            c->state = CLIENT_SYNCING;
        break;
    case OBJECT_OK:
        if (o->re >= REQUEST_SETUP)
            setup_answer(sh, c, o);
        break;
    case OBJECT_GAP:
        seat_gap(sh, c, o);
        break;
    case OBJECT_ERR:
        error_came(sh, c, o);
        break;
    case OBJECT_BYE:
    case OBJECT_OTHER:
        break;
    }
}

static bool text_came(struct shard *sh, struct client *c, struct span text)
{
    struct object o;
    int rc;

    while ((rc = object_next(&text, &o)) > 0) {
        handle(sh, c, &o);
        if (c->fd < 0)
            return false;
    }
    if (rc == 0)
        return true;
    shard_trouble(sh, "the server sent what is no JSON object");
    tally_count(sh, COUNT_ERRORS, 1);
    client_close(sh, c, END_RST, true);
    return false;
}

/* The close code says whether to come back: 44xx does not. */
static bool closed_by_server(struct shard *sh, struct client *c,
                             struct span payload)
{
    const unsigned char *p = (const unsigned char *)payload.p;
    int code = payload.n >= 2 ? p[0] << 8 | p[1] : 1005;

    tally_count(sh, COUNT_DROPPED, 1);
    if (code >= 4400 && code <= 4499)
        shard_trouble(sh, "the server closed a connection with %d", code);
    client_close(sh, c, END_FIN, code < 4400 || code > 4499);
    return false;
}

static bool pong(struct shard *sh, struct client *c, struct span payload)
{
    buf_append_span(wire_begin(sh), payload);
    return wire_send(sh, c, WS_PONG);
}

/* A whole message is one packet of another protocol. */
static bool foreign(struct shard *sh, struct client *c, struct span payload)
{
    if (driver_feed(sh, c, &payload) && payload.n > 0) {
        shard_trouble(sh, "the server sent half a message");
        tally_count(sh, COUNT_ERRORS, 1);
    }
    return c->fd >= 0;
}

bool client_message(struct shard *sh, struct client *c,
                    const struct ws_message *m)
{
    if (sh->engine->cfg->driver != NULL && m->op <= WS_BINARY)
        return foreign(sh, c, m->payload);
    switch (m->op) {
    case WS_TEXT:
        return text_came(sh, c, m->payload);
    case WS_CLOSE:
        return closed_by_server(sh, c, m->payload);
    case WS_PING:
        return pong(sh, c, m->payload);
    default:
        return true;
    }
}
