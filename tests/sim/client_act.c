/* client_act.c - what people do: one of a table of things, at random times. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client.h"

static uint64_t any_user(struct client *c)
{
    return USER_FIRST + rng_below(&c->rng, (uint64_t)c->world->user_count);
}

struct place *client_any_place(struct client *c)
{
    for (int tries = 0; tries < 8 && c->places.len > 0; tries++) {
        struct place *p =
            c->places.entries[rng_below(&c->rng, c->places.len)].value;
        bool self = p->conv >= USER_FIRST &&
                    p->conv < USER_FIRST + (uint64_t)c->world->user_count;

        if (!self && !p->out)
            return p;
    }
    return NULL;
}

static struct place *any_group(struct client *c)
{
    for (int tries = 0; tries < 4; tries++) {
        struct place *p = client_any_place(c);

        if (p != NULL && map_get(&c->world->groups, p->conv) != NULL)
            return p;
    }
    return NULL;
}

static void begin(struct client *c)
{
    buf_clear(&c->buf);
    c->last_n++;
}

static void request(struct client *c, enum frame_kind kind, enum want want,
                    uint64_t conv, const char *cid, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

static void request(struct client *c, enum frame_kind kind, enum want want,
                    uint64_t conv, const char *cid, const char *fmt, ...)
{
    char members[700];
    va_list args;

    va_start(args, fmt);
    vsnprintf(members, sizeof(members), fmt, args);
    va_end(args);
    begin(c);
    enc_request(&c->buf, c->last_n, kind, span_of(members));
    client_queue(c, want, conv, c->last_n, cid);
}

/* ---- things to do ---- */

void client_send_text(struct client *c, uint64_t conv, const char *text)
{
    char body[700], cid[24];
    struct send s = {.conv = conv};

    client_cid(c, cid);
    snprintf(body, sizeof(body), "{\"text\":\"%s %s\"}", cid, text);
    s.cid = span_of(cid);
    s.body = span_of(body);
    begin(c);
    enc_send(&c->buf, c->last_n, &s);
    client_queue(c, WANT_SENT, conv, c->last_n, cid);
}

static void act_send(struct client *c)
{
    static const char filler[] = "0123456789012345678901234567890123456789"
                                 "0123456789012345678901234567890123456789";
    struct place *p = client_any_place(c);
    char text[600] = "";
    int lines = chance(&c->rng, 50) ? 7 : 0;

    if (p == NULL)
        return;
    for (int i = 0; i < lines; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s",
                 filler);
    client_send_text(c, p->conv, text);
}

static void act_burst(struct client *c)
{
    struct place *p = client_any_place(c);
    int count = (int)between(&c->rng, 3, 10);

    for (int i = 0; p != NULL && i < count; i++)
        client_send_text(c, p->conv, "burst");
}

static void act_open(struct client *c)
{
    uint64_t peer = any_user(c);
    struct outgoing *o;

    if (peer == c->user)
        return;
    begin(c);
    buf_printf(&c->buf,
               "{\"t\":\"conv.open\",\"n\":%" PRId64 ",\"user\":\"u%" PRIu64
               "\"}",
               c->last_n, peer);
    o = client_queue(c, WANT_CONV, 0, c->last_n, "");
    o->peer = peer;
}

static void act_create(struct client *c)
{
    char users[400] = "", cid[24];
    int max = chance(&c->rng, 150) ? 24 : 6;
    int count = (int)between(&c->rng, 1, max), n = 0;
    uint64_t made[24];

    for (int i = 0; i < count; i++) {
        uint64_t user = any_user(c);
        bool known = user == c->user;

        for (int k = 0; k < n; k++)
            known |= made[k] == user;
        if (known)
            continue;
        snprintf(users + strlen(users), sizeof(users) - strlen(users),
                 "%s\"u%" PRIu64 "\"", n > 0 ? "," : "", user);
        made[n++] = user;
    }
    if (n == 0)
        return;
    client_cid(c, cid);
    request(c, FRAME_CONV_CREATE, WANT_CONV, 0, cid,
            "\"title\":\"group %s\",\"users\":[%s],\"cid\":\"%s\"", cid, users,
            cid);
}

static void act_add(struct client *c)
{
    struct place *p = any_group(c);
    uint64_t user = any_user(c);
    char cid[24];

    if (p == NULL)
        return;
    if (p->removed != 0 && chance(&c->rng, 500))
        user = p->removed;
    client_cid(c, cid);
    request(c, FRAME_CONV_ADD, WANT_NOTHING, p->conv, cid,
            "\"conv\":\"c%" PRIu64 "\",\"users\":[\"u%" PRIu64
            "\"],\"cid\":\"%s\"",
            p->conv, user, cid);
}

static void act_remove(struct client *c)
{
    struct place *p = any_group(c);
    char cid[24];
    uint64_t user = any_user(c), member;

    if (p == NULL)
        return;
    member = model_member(c->world, p->conv, (int)between(&c->rng, 0, 6));
    if (member != 0)
        user = member;
    if (user == c->user)
        return;
    p->removed = user;
    client_cid(c, cid);
    request(c, FRAME_CONV_REMOVE, WANT_NOTHING, p->conv, cid,
            "\"conv\":\"c%" PRIu64 "\",\"user\":\"u%" PRIu64
            "\",\"cid\":\"%s\"",
            p->conv, user, cid);
}

static void act_leave(struct client *c)
{
    struct place *p = any_group(c);
    char cid[24];

    if (p == NULL)
        return;
    client_cid(c, cid);
    request(c, FRAME_CONV_LEAVE, WANT_NOTHING, p->conv, cid,
            "\"conv\":\"c%" PRIu64 "\",\"cid\":\"%s\"", p->conv, cid);
}

static void act_rename(struct client *c)
{
    struct place *p = any_group(c);
    char cid[24];

    if (p == NULL)
        return;
    client_cid(c, cid);
    request(c, FRAME_CONV_RENAME, WANT_NOTHING, p->conv, cid,
            "\"conv\":\"c%" PRIu64 "\",\"title\":\"t %s\",\"cid\":\"%s\"",
            p->conv, cid, cid);
}

/* Edit, delete, react: often of what is not there or not one's own. */
static void act_change(struct client *c)
{
    struct place *p = client_any_place(c);
    char cid[24];
    int64_t seq;

    if (p == NULL || p->cursor < 1)
        return;
    seq = between(&c->rng, p->cursor > 20 ? p->cursor - 20 : 1, p->cursor);
    client_cid(c, cid);
    begin(c);
    switch (rng_below(&c->rng, 3)) {
    case 0:
        enc_edit(&c->buf, c->last_n, p->conv, seq, span_of(cid),
                 SPAN("{\"text\":\"better\"}"));
        break;
    case 1:
        enc_delete(&c->buf, c->last_n, p->conv, seq, span_of(cid));
        break;
    default:
        enc_react(&c->buf, c->last_n, p->conv, seq, span_of(cid), SPAN("+1"),
                  chance(&c->rng, 800));
    }
    client_queue(c, WANT_SENT, p->conv, c->last_n, cid);
}

void client_read(struct client *c, struct place *p)
{
    struct mark m = {p->conv, p->cursor};

    if (p->cursor <= p->read || p->cursor == p->base)
        return;
    p->read = p->cursor;
    if (p->acked < p->cursor)
        p->acked = p->cursor; /* read implies it */
    p->told = p->cursor;
    buf_clear(&c->buf);
    enc_read(&c->buf, &m, 1);
    client_say(c, buf_span(&c->buf));
}

static void act_read(struct client *c)
{
    struct place *p = client_any_place(c);

    if (p != NULL)
        client_read(c, p);
}

static void act_typing(struct client *c)
{
    struct place *p = client_any_place(c);

    if (p == NULL)
        return;
    buf_clear(&c->buf);
    enc_typing(&c->buf, p->conv, chance(&c->rng, 500));
    client_say(c, buf_span(&c->buf));
}

void client_view(struct client *c)
{
    uint64_t convs[4];
    int n = 0;

    for (int i = 0; i < 4; i++) {
        struct place *p = client_any_place(c);
        bool known = p == NULL;

        for (int k = 0; !known && k < n; k++)
            known = convs[k] == p->conv;
        if (!known)
            convs[n++] = p->conv;
    }
    buf_clear(&c->buf);
    enc_view(&c->buf, ++c->last_n, convs, n, c->watch, c->watch_count);
    client_say(c, buf_span(&c->buf));
}

static void act_view(struct client *c)
{
    c->watch_count = 0;
    for (int i = 0; i < WATCH_MAX; i++) {
        uint64_t user = any_user(c);
        bool known = user == c->user;

        for (int k = 0; k < c->watch_count; k++)
            known |= c->watch[k] == user;
        if (known)
            continue;
        c->watched[c->watch_count] = 0xff;
        c->watch[c->watch_count++] = user;
    }
    client_view(c);
}

static void act_block(struct client *c)
{
    uint64_t user = any_user(c);

    if (user == c->user)
        return;
    map_put(&c->world->blocked, pair_key(user, c->user), c->world);
    request(c, FRAME_USER_BLOCK, WANT_NOTHING, 0, "",
            "\"user\":\"u%" PRIu64 "\",\"on\":%s", user,
            chance(&c->rng, 300) ? "true" : "false");
}

static void act_fence(struct client *c)
{
    struct place *p = client_any_place(c);

    if (p == NULL)
        return;
    begin(c);
    enc_fence(&c->buf, c->last_n, &p->conv, 1);
    client_say(c, buf_span(&c->buf));
}

/* A send that this user's other device was told of; NULL: none that can be
 * said here under its request number. */
static const struct acked_send *of_sibling(struct client *c)
{
    struct world *w = c->world;

    for (int i = 0; i < w->client_count; i++) {
        struct client *other = &w->clients[i];

        if (other == c || other->user != c->user || other->again_count == 0 ||
            other->again[0].n <= c->last_n)
            continue;
        c->last_n = other->again[0].n;
        return &other->again[0];
    }
    return NULL;
}

/* The same again: it must give the same answer, from any device. */
static void act_again(struct client *c)
{
    const struct acked_send *a = of_sibling(c);
    struct outgoing *o;

    if (a == NULL && c->again_count > 0)
        a = &c->again[rng_below(&c->rng, (uint64_t)c->again_count)];
    if (a == NULL)
        return;
    list_each (&c->outbox, l, tmp) {
        if (container_of(l, struct outgoing, link)->n == a->n)
            return;
    }
    buf_clear(&c->buf);
    buf_append(&c->buf, a->bytes, a->len);
    o = client_queue(c, WANT_SENT, a->conv, a->n, a->cid);
    o->old = true;
}

/* Connections end in all ways, and some come back at once. */
static void act_away(struct client *c)
{
    int64_t pause = chance(&c->rng, 500) ? 0 : between(&c->rng, 100, 15000);

    client_leave(c, (enum leaving)rng_below(&c->rng, 3),
                 world_now(c->world) + 1 + pause);
}

static void act_stall(struct client *c)
{
    if (!c->world->calm)
        c->pipe->stall_until =
            world_now(c->world) + between(&c->rng, 500, 20000);
}

static const struct {
    int weight;
    void (*act)(struct client *c);
} things[] = {
    {420, act_send},  {40, act_burst},  {90, act_open},   {40, act_create},
    {35, act_add},    {25, act_remove}, {10, act_leave},  {10, act_rename},
    {70, act_change}, {90, act_read},   {25, act_typing}, {30, act_view},
    {15, act_block},  {25, act_fence},  {45, act_again},  {45, act_away},
    {25, act_stall},
};

void client_act(struct client *c)
{
    struct world *w = c->world;
    int64_t mean = INT64_C(1000000) / w->acting_per_second;
    int total = 0, at;

    c->act_at = world_now(w) + between(&c->rng, mean / 2, mean * 3 / 2) + 1;
    if (w->silent)
        return;
    if (c->rush_left > 0) {
        client_rush_on(c);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(things); i++)
        total += things[i].weight;
    at = (int)rng_below(&c->rng, (uint64_t)total);
    for (size_t i = 0; i < COUNT_OF(things); i++) {
        at -= things[i].weight;
        if (at < 0) {
            things[i].act(c);
            return;
        }
    }
}
