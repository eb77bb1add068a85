#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client_priv.h"
#include "guest.h"
#include "owner.h"

#define BEAT_MS LIMIT_HEARTBEAT_MS

void client_emit(struct client *c, struct client_event *ev)
{
    if (c->owner != NULL)
        owner_tell(c->owner, ev);
    if (c->cfg.event != NULL)
        c->cfg.event(c->cfg.ctx, ev);
}

void client_link_event(struct client *c, enum client_link state, int64_t delay,
                       int code, const char *text)
{
    char number[16];
    struct client_event ev = {.kind = EV_LINK,
                              .link = state,
                              .delay_ms = delay,
                              .attempt = c->attempt,
                              .text = text};

    c->state = state;
    if (code != 0) {
        snprintf(number, sizeof(number), "%d", code);
        ev.code = number;
    }
    client_emit(c, &ev);
}

enum client_link client_link_state(const struct client *c)
{
    return c->state;
}

struct archive *client_archive(struct client *c)
{
    return c->archive;
}

uint64_t client_user(const struct client *c)
{
    return c->cfg.user;
}

const struct error *client_last_error(const struct client *c)
{
    return &c->last_error;
}

/* ---- conversations ---- */

struct place *place_get(struct client *c, uint64_t conv)
{
    struct place *p = map_get(&c->places, conv);

    if (p != NULL)
        return p;
    p = mem_alloc(sizeof(*p));
    if (archive_conv_get(c->archive, conv, &p->row) < 0)
        p->row.conv = conv;
    p->known = p->row.kind != 0;
    p->prefix = p->told = p->row.acked;
    if (client_is_guest(c) && guest_hears(c->guest))
        p->told = p->row.low;
    map_put(&c->places, conv, p);
    return p;
}

int place_save(struct client *c, struct place *p)
{
    if (client_is_guest(c))
        return 0; /* the owner's numbers are newer */
    return archive_conv_put(c->archive, &p->row);
}

static bool load_place(void *ctx, const struct archive_conv *row)
{
    struct map *convs = ctx;

    map_put(convs, row->conv, convs);
    return true;
}

static void load_places(struct client *c)
{
    struct map convs;

    map_init(&convs);
    archive_convs(c->archive, load_place, &convs);
    for (uint32_t i = 0; i < convs.len; i++)
        place_get(c, convs.entries[i].key);
    map_release(&convs);
}

static void free_places(struct client *c)
{
    for (uint32_t i = 0; i < c->places.len; i++)
        free(c->places.entries[i].value);
    map_release(&c->places);
}

/* ---- writing ---- */

int client_write(struct client *c)
{
    int rc = chat_link_send(c->link, buf_span(&c->out));

    buf_clear(&c->out);
    return rc;
}

static void say_hello(struct client *c)
{
    struct mark seen[HELLO_SEEN_MAX];
    struct hello h = {.dev = c->cfg.dev,
                      .token = c->token,
                      .ua = c->cfg.ua,
                      .last_seen = seen};

    for (uint32_t i = 0; i < c->places.len && !c->no_last_seen; i++) {
        struct place *p = c->places.entries[i].value;

        if (p->prefix > 0 && h.last_seen_count < HELLO_SEEN_MAX)
            seen[h.last_seen_count++] = (struct mark){p->row.conv, p->prefix};
    }
    c->next_n = 1;
    buf_clear(&c->out);
    enc_hello(&c->out, c->next_n++, &h);
    client_write(c);
}

/* ---- link events ---- */

static void on_up(void *ctx)
{
    struct client *c = ctx;

    c->heard = clock_mono(c->cfg.clock);
    c->replayed = 0;
    c->synced = c->listed = false;
    client_link_event(c, LINK_SYNCING, 0, 0, NULL);
    /* A server that falls silent before it has answered is left, too. */
    loop_timer_set(c->silence, LIMIT_TTL_PRESENCE_MS + 1);
    say_hello(c);
}

static void on_message(void *ctx, struct span text)
{
    struct client *c = ctx;

    c->heard = clock_mono(c->cfg.clock);
    client_message(c, text);
}

/* 44xx: the server does not want us; trying again would not help. */
static bool final_close(int code)
{
    return code >= 4400 && code < 4500;
}

static int64_t retry_delay(struct client *c)
{
    int64_t cap = RETRY_FIRST_MS;

    if (c->retry_max > 0) {
        int64_t spread = c->retry_max - c->retry_min;
        int64_t delay =
            c->retry_min + (int64_t)rng_below(c->cfg.rng, (uint64_t)spread + 1);

        c->retry_min = c->retry_max = 0;
        return delay;
    }
    for (int i = 0; i < c->attempt && cap < RETRY_MAX_MS; i++)
        cap *= 2;
    if (cap > RETRY_MAX_MS)
        cap = RETRY_MAX_MS;
    return (int64_t)rng_below(c->cfg.rng, (uint64_t)cap + 1);
}

static void on_down(void *ctx, int code, const struct error *err)
{
    struct client *c = ctx;
    int64_t now = clock_mono(c->cfg.clock), delay;

    loop_timer_cancel(c->retry);
    loop_timer_cancel(c->beat);
    loop_timer_cancel(c->silence);
    loop_timer_cancel(c->gap);
    c->last_error = *err;
    c->listed = false;
    client_forget_requests(c);
    guest_free(&c->guest);
    if (c->stopping || (final_close(code) && c->state != LINK_RETRYING)) {
        client_link_event(c, LINK_ENDED, 0, code, err->text);
        return;
    }
    if (c->up_since != 0 && now - c->up_since >= HEALTHY_MS)
        c->attempt = 0;
    c->up_since = 0;
    delay = c->at_once ? 0 : retry_delay(c);
    c->at_once = false;
    c->attempt++;
    loop_timer_set(c->retry, delay);
    client_link_event(c, LINK_RETRYING, delay, code, err->text);
}

static void connect_now(void *arg)
{
    struct client *c = arg;
    struct error err = {0};

    if (c->stopping) { /* the server did not answer `bye` */
        chat_link_close(c->link, 1000);
        return;
    }
    if (client_shares(c))
        return;
    client_link_event(c, LINK_CONNECTING, 0, 0, NULL);
    if (chat_link_connect(c->link, c->server, &err) < 0) {
        c->last_error = err;
        client_link_event(c, LINK_ENDED, 0, 0, err.text);
    }
}

void client_drop(struct client *c, int code)
{
    chat_link_close(c->link, code);
}

/* ---- heartbeat ---- */

static void beat(void *arg)
{
    struct client *c = arg;

    c->active_sent = client_is_active(c);
    enc_hb_act(&c->out, c->next_n++, c->active_sent);
    client_write(c);
    loop_timer_set(c->beat, BEAT_MS);
}

/* Half-open: nothing came for too long. A healthy server answers each beat,
 * so this wakes once in a while only. */
static void listened(void *arg)
{
    struct client *c = arg;
    int64_t silent = clock_mono(c->cfg.clock) - c->heard;

    if (silent > LIMIT_TTL_PRESENCE_MS)
        client_drop(c, 4001);
    else
        loop_timer_set(c->silence, LIMIT_TTL_PRESENCE_MS - silent + 1);
}

void client_start_beating(struct client *c)
{
    loop_timer_set(c->silence, LIMIT_TTL_PRESENCE_MS + 1);
    loop_timer_set(c->beat, (int64_t)rng_below(c->cfg.rng, BEAT_MS));
}

void client_active(struct client *c, bool active)
{
    c->active = active;
    c->active_said = true;
    if (client_is_guest(c))
        guest_active(c->guest, active);
    else
        client_beat_now(c);
}

/* ---- timers that call into other files ---- */

static void gap_due(void *arg)
{
    struct client *c = arg;

    for (uint32_t i = 0; i < c->places.len; i++) {
        struct place *p = c->places.entries[i].value;

        if (!p->hole)
            continue;
        p->hole = false;
        client_fill_hole(c, p);
    }
}

static void outbox_due(void *arg)
{
    client_flush_outbox(arg);
}

static void pump_due(void *arg)
{
    client_pump(arg);
}

/* ---- life ---- */

static int open_parts(struct client *c, struct error *err)
{
    struct link_config lc = {
        .loop = c->cfg.loop,
        .ca_file = c->cfg.ca_file,
        .instead = c->cfg.instead,
        .tls = strncmp(c->server, "ws:", 3) != 0 &&
               strncmp(c->server, "http:", 5) != 0,
    };
    struct link_events ev = {
        .up = on_up, .message = on_message, .down = on_down, .ctx = c};
    int rc = archive_open(&c->archive, c->cfg.dir, err);

    if (rc < 0)
        return rc;
    c->link = chat_link_new(&lc, &ev);
    if (c->link == NULL)
        return error_set(err, CF_IO, "libwebsockets does not start");
    c->retry = loop_timer_new(c->cfg.loop, connect_now, c);
    c->beat = loop_timer_new(c->cfg.loop, beat, c);
    c->silence = loop_timer_new(c->cfg.loop, listened, c);
    c->gap = loop_timer_new(c->cfg.loop, gap_due, c);
    c->outbox = loop_timer_new(c->cfg.loop, outbox_due, c);
    c->pump = loop_timer_new(c->cfg.loop, pump_due, c);
    c->again_due = loop_timer_new(c->cfg.loop, client_ask_again, c);
    load_places(c);
    return 0;
}

int client_new(struct client **out, const struct client_config *cfg,
               struct error *err)
{
    struct client *c = mem_alloc(sizeof(*c));
    int rc;

    c->cfg = *cfg;
    c->server = mem_text(cfg->server);
    c->token = mem_text(cfg->token);
    c->active = c->active_sent = true;
    c->lock = -1;
    c->next_n = 1;
    map_init(&c->pending);
    map_init(&c->places);
    map_init(&c->asked);
    list_init(&c->again);
    buf_init(&c->out, LIMIT_OBJECT_ENC + 1024);
    rc = open_parts(c, err);
    if (rc < 0)
        client_free(&c);
    *out = c;
    return rc;
}

void client_free(struct client **cp)
{
    struct client *c = *cp;

    if (c == NULL)
        return;
    c->cfg.event = NULL;
    c->stopping = true;
    client_forget_requests(c);
    guest_free(&c->guest);
    if (c->owner != NULL)
        owner_stop(c->owner);
    chat_link_free(&c->link);
    loop_timer_free(&c->retry);
    loop_timer_free(&c->beat);
    loop_timer_free(&c->silence);
    loop_timer_free(&c->gap);
    loop_timer_free(&c->outbox);
    loop_timer_free(&c->pump);
    loop_timer_free(&c->again_due);
    free_places(c);
    map_release(&c->pending);
    map_release(&c->asked);
    archive_close(&c->archive);
    owner_free(&c->owner, c->lock);
    buf_release(&c->out);
    explicit_bzero(c->token, strlen(c->token));
    free(c->token);
    free(c->server);
    free(c);
    *cp = NULL;
}

void client_start(struct client *c)
{
    c->stopping = false;
    loop_timer_set(c->retry, 0);
}

void client_reconnect(struct client *c)
{
    if (c->state == LINK_RETRYING || client_is_guest(c)) {
        client_retry_now(c);
        return;
    }
    c->at_once = true;
    client_drop(c, 1000);
}

void client_rewind(struct client *c, uint64_t conv, int64_t seq)
{
    struct place *p = place_get(c, conv);

    if (seq < p->prefix)
        p->prefix = p->row.acked = seq;
}

int client_convs(struct client *c, uint64_t *convs, int room)
{
    int count = 0;

    for (uint32_t i = 0; i < c->places.len && count < room; i++)
        convs[count++] = c->places.entries[i].key;
    return count;
}

void client_feed(struct client *c, struct span text)
{
    chat_link_feed(c->link, text);
}

void client_feed_end(struct client *c, int code)
{
    chat_link_feed_end(c->link, code);
}

void client_retry_now(struct client *c)
{
    if (client_is_guest(c))
        guest_retry(c->guest);
    else if (c->state == LINK_RETRYING)
        loop_timer_set(c->retry, 0);
}

void client_stop(struct client *c)
{
    c->stopping = true;
    loop_timer_cancel(c->retry);
    if (client_is_guest(c)) {
        guest_leave(c->guest);
    } else if (c->state == LINK_UP || c->state == LINK_SYNCING) {
        buf_clear(&c->out);
        enc_request(&c->out, 0, FRAME_BYE, (struct span){0});
        client_write(c);
        /* The server closes. Closed by us while it writes, the line would be
         * reset, and the `bye` lost. */
        loop_timer_set(c->retry, c->cfg.instead != NULL ? 0 : BYE_WAIT_MS);
    } else if (c->state == LINK_CONNECTING) {
        chat_link_close(c->link, 1000);
    } else {
        client_link_event(c, LINK_ENDED, 0, 0, NULL);
    }
}
