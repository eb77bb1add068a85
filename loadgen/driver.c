#include "driver.h"

#include "base/error.h"
#include "engine_inside.h"
#include "shard.h"

const struct driver *driver_of_url(const char *url)
{
    static const struct driver *const all[] = {&driver_echo, &driver_mqtt,
                                               &driver_mqtt0, &driver_nats};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strncmp(url, all[i]->scheme, strlen(all[i]->scheme)) == 0)
            return all[i];
    return NULL;
}

static const struct driver *driver(const struct shard *sh)
{
    return sh->engine->cfg->driver;
}

bool driver_feed(struct shard *sh, struct client *c, struct span *in)
{
    ssize_t n;

    while (in->n > 0 && (n = driver(sh)->take(sh, c, *in)) != 0) {
        if (c->fd < 0)
            return false;
        if (n < 0) {
            shard_trouble(sh, "the server broke the protocol of %s",
                          driver(sh)->scheme);
            tally_count(sh, COUNT_ERRORS, 1);
            client_close(sh, c, END_RST, true);
            return false;
        }
        *in = span_make(in->p + n, in->n - (size_t)n);
    }
    return true;
}

struct buf *driver_begin(struct shard *sh)
{
    return wire_begin(sh);
}

bool driver_send(struct shard *sh, struct client *c)
{
    if (driver(sh)->path != NULL)
        return wire_send(sh, c, WS_TEXT);
    return wire_raw(sh, c, sh->send.data + WS_HEAD, sh->send.len - WS_HEAD);
}

uint64_t driver_topic(const struct shard *sh, const struct client *c,
                      uint32_t seat)
{
    return (uint64_t)sh->seats[c->first_seat + seat].conv + 1;
}

void driver_ready(struct shard *sh, struct client *c)
{
    if (c->state == CLIENT_HELLO)
        c->state = CLIENT_SYNCING;
    client_synced(sh, c);
}

void driver_alive(struct client *c)
{
    c->flags &= (uint16_t)~FLAG_BEATING;
}

void driver_copy(struct shard *sh, struct client *c, uint64_t topic,
                 struct span body)
{
    struct object o = {.kind = OBJECT_ENTRY, .is_message = true};
    struct seat *s = client_seat(sh, c, topic);

    o.conv = topic;
    o.body = body;
    if (s == NULL) {
        copies_stray(sh, c, topic, &o);
        return;
    }
    o.seq = s->next > 0 ? s->next : 1;
    copies_entry(sh, c, s, &o, SOURCE_LIVE);
}

void driver_answer(struct shard *sh, struct client *c, uint32_t slot,
                   uint32_t number, uint32_t mask)
{
    struct object o = {.kind = OBJECT_SENT, .seq = 1};
    const struct ledger *l;

    if (slot < c->nstreams) {
        /* The window of the low bits begins at the oldest that is kept. */
        l = &sh->outflows[c->first_stream + slot].ledger;
        number = l->first + ((number - l->first) & mask);
    }
    o.re = outflow_request(slot, number);
    outflow_sent(sh, c, &o);
}

ssize_t driver_refused(struct shard *sh, struct client *c, const char *what,
                       int code)
{
    shard_trouble(sh, "the server refused %s: %d", what, code);
    tally_count(sh, COUNT_ERRORS, 1);
    if (c->state < CLIENT_READY)
        tally_count(sh, COUNT_CONNECT_FAILED, 1);
    client_close(sh, c, END_FIN, true);
    return -CF_DENIED;
}

uint64_t driver_number(struct span *s)
{
    uint64_t n = 0;

    while (s->n > 0 && *s->p >= '0' && *s->p <= '9' && n < UINT64_MAX / 100) {
        n = n * 10 + (uint64_t)(*s->p - '0');
        *s = span_make(s->p + 1, s->n - 1);
    }
    return n;
}
