/* driver_mqtt.c - MQTT 5 (OASIS standard, 2019), as much as a load needs:
 * CONNECT, SUBSCRIBE without one's own messages, PUBLISH with QoS 0 or 1. */
#include <stdio.h>

#include "base/error.h"
#include "driver.h"
#include "engine_inside.h"
#include "shard.h"

enum packet {
    CONNECT = 0x10,
    CONNACK = 0x20,
    PUBLISH = 0x30,
    PUBACK = 0x40,
    SUBSCRIBE = 0x82,
    SUBACK = 0x90,
    PINGRESP = 0xd0,
    DISCONNECT = 0xe0
};

#define CLEAN_START 2
#define WITH_LOGIN 0xc0 /* a user name and a password follow */
#define NO_LOCAL 4
#define SUBSCRIBE_ID 1
#define SEQ_BITS \
    12 /* a packet's id: stream + 1, and the low bits of its number */
#define SEQ_MASK ((1U << SEQ_BITS) - 1)
#define SLOTS 14
#define PACKET_MAX (1 << 20)

/* ---- writing ---- */

static void put_u16(struct buf *b, unsigned v)
{
    buf_append_byte(b, (char)(v >> 8));
    buf_append_byte(b, (char)v);
}

static void put_length(struct buf *b, size_t n)
{
    for (; n > 127; n >>= 7)
        buf_append_byte(b, (char)(n | 128));
    buf_append_byte(b, (char)n);
}

static void put_text(struct buf *b, struct span s)
{
    put_u16(b, (unsigned)s.n);
    buf_append_span(b, s);
}

struct topic {
    char text[24];
    size_t n;
};

static struct topic topic_name(uint64_t topic)
{
    struct topic t;

    t.n = (size_t)snprintf(t.text, sizeof(t.text), "c/%llu",
                           (unsigned long long)topic);
    return t;
}

/* Each client is a user of its own, with a password that says nothing: a
 * broker open to all takes any, and ejabberd wants to see one. */
static bool hello(struct shard *sh, struct client *c)
{
    struct buf *b = driver_begin(sh);
    char id[40];
    int n = snprintf(id, sizeof(id), "load%08x-%u", engine_run_id(sh->engine),
                     client_user(sh, c));

    buf_append_byte(b, CONNECT);
    put_length(b, 11 + 2 * (2 + (size_t)n) + 3);
    put_text(b, SPAN("MQTT"));
    buf_append_byte(b, 5);
    buf_append_byte(b, (char)(CLEAN_START | WITH_LOGIN));
    put_u16(b, 0);            /* the broker closes nobody who says nothing */
    buf_append_byte(b, '\0'); /* no properties */
    put_text(b, span_make(id, (size_t)n));
    put_text(b, span_make(id, (size_t)n));
    put_text(b, SPAN("x"));
    return driver_send(sh, c);
}

static bool subscribe(struct shard *sh, struct client *c)
{
    struct buf *b = driver_begin(sh);
    size_t n = 3;

    for (uint32_t i = 0; i < c->nseats; i++)
        n += 2 + topic_name(driver_topic(sh, c, i)).n + 1;
    buf_append_byte(b, (char)SUBSCRIBE);
    put_length(b, n);
    put_u16(b, SUBSCRIBE_ID);
    buf_append_byte(b, '\0');
    for (uint32_t i = 0; i < c->nseats; i++) {
        struct topic t = topic_name(driver_topic(sh, c, i));

        put_text(b, span_make(t.text, t.n));
        buf_append_byte(b, (char)(NO_LOCAL | sh->engine->cfg->driver->acks));
    }
    return driver_send(sh, c);
}

static bool publish(struct shard *sh, struct client *c,
                    const struct driver_message *m)
{
    struct topic t = topic_name(m->topic);
    struct buf *b = driver_begin(sh);
    int qos = sh->engine->cfg->driver->acks;

    if (m->slot >= SLOTS) {
        driver_refused(sh, c, "more streams of a client than", SLOTS);
        return false;
    }
    buf_append_byte(b, (char)(PUBLISH | qos << 1));
    put_length(b, 2 + t.n + (qos > 0 ? 2 : 0) + 1 + m->body.n);
    put_text(b, span_make(t.text, t.n));
    if (qos > 0)
        put_u16(b, (m->slot + 1) << SEQ_BITS | (m->number & SEQ_MASK));
    buf_append_byte(b, '\0');
    buf_append_span(b, m->body);
    return driver_send(sh, c);
}

static bool beat(struct shard *sh, struct client *c)
{
    buf_append(driver_begin(sh), "\xc0", 2); /* PINGREQ */
    return driver_send(sh, c);
}

/* ---- reading ---- */

/* A number of one to four bytes at *at; -CF_INVALID, 0: not whole, 1. */
static int get_length(struct span in, size_t *at, size_t *n)
{
    *n = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char byte;

        if (*at >= in.n)
            return 0;
        byte = (unsigned char)in.p[(*at)++];
        *n |= (size_t)(byte & 127) << 7 * i;
        if (byte < 128)
            return 1;
    }
    return -CF_INVALID;
}

static unsigned get_u16(const char *p)
{
    return (unsigned)(unsigned char)p[0] << 8 | (unsigned char)p[1];
}

static int message(struct shard *sh, struct client *c, int flags, struct span p)
{
    int qos = flags >> 1 & 3;
    size_t at = p.n > 2 ? 2 + get_u16(p.p) : 0, ack = at, skip;
    struct span topic;

    at += qos > 0 ? 2 : 0;
    if (ack < 4 || qos > 1 || get_length(p, &at, &skip) < 1 || at + skip > p.n)
        return -CF_INVALID;
    topic = span_make(p.p + 4, ack - 4); /* behind "c/" */
    at += skip;
    driver_copy(sh, c, driver_number(&topic), span_make(p.p + at, p.n - at));
    if (qos > 0 && c->fd >= 0) {
        struct buf *b = driver_begin(sh);

        buf_append(b, "\x40\2", 2); /* PUBACK */
        buf_append(b, p.p + ack, 2);
        driver_send(sh, c);
    }
    return 0;
}

static int connack(struct shard *sh, struct client *c, struct span p)
{
    if (p.n < 2)
        return -CF_INVALID;
    if (p.p[1] != 0)
        return (int)driver_refused(sh, c, "CONNECT", (unsigned char)p.p[1]);
    if (c->nseats > 0)
        subscribe(sh, c);
    else
        driver_ready(sh, c);
    return 0;
}

static int puback(struct shard *sh, struct client *c, struct span p)
{
    unsigned id;

    if (p.n < 2 || (id = get_u16(p.p)) >> SEQ_BITS == 0)
        return -CF_INVALID;
    driver_answer(sh, c, (id >> SEQ_BITS) - 1, id & SEQ_MASK, SEQ_MASK);
    return 0;
}

static int packet(struct shard *sh, struct client *c, unsigned char type,
                  struct span p)
{
    switch (type & 0xf0) {
    case PUBLISH:
        return message(sh, c, type & 15, p);
    case PUBACK:
        return puback(sh, c, p);
    case CONNACK:
        return connack(sh, c, p);
    case SUBACK:
        driver_ready(sh, c);
        return 0;
    case PINGRESP:
        driver_alive(c);
        return 0;
    case DISCONNECT:
        return (int)driver_refused(sh, c, "to go on",
                                   p.n > 0 ? (unsigned char)p.p[0] : 0);
    default:
        return -CF_INVALID;
    }
}

static ssize_t take(struct shard *sh, struct client *c, struct span in)
{
    size_t at = 1, n;
    int rc = get_length(in, &at, &n);

    if (rc < 1)
        return rc;
    if (n > PACKET_MAX)
        return -CF_INVALID;
    if (in.n < at + n)
        return 0;
    rc = packet(sh, c, (unsigned char)in.p[0], span_make(in.p + at, n));
    return rc < 0 ? rc : (ssize_t)(at + n);
}

const struct driver driver_mqtt = {.scheme = "mqtt://",
                                   .acks = true,
                                   .hello = hello,
                                   .publish = publish,
                                   .beat = beat,
                                   .take = take};
const struct driver driver_mqtt0 = {.scheme = "mqtt0://",
                                    .hello = hello,
                                    .publish = publish,
                                    .beat = beat,
                                    .take = take};
