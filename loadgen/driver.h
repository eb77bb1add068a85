/* driver.h - other servers behind the same generator: a relay over WebSocket,
 * MQTT and NATS. Schedules, clocks, markers and accounting are the engine's;
 * a driver knows how its server is spoken to. A conversation is a topic, whose
 * number is that of the plan + 1, and a server numbers nothing, so that the
 * seqs are counted where copies arrive and no common order is judged. */
#ifndef LOAD_DRIVER_H
#define LOAD_DRIVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/span.h"

struct shard;
struct client;

struct driver_message {
    uint64_t topic;
    uint32_t slot, number; /* its stream at the client, its number there */
    struct span body;
};

struct driver {
    const char *scheme; /* "nats://" */
    const char *path;   /* of the upgrade; NULL: bytes of TCP, no WebSocket */
    bool acks;          /* answers messages: driver_answer() will be called */
    /* The connection stands: log in and subscribe to the topics of c's seats;
     * driver_ready() when that is answered. All of them: false, gone. */
    bool (*hello)(struct shard *sh, struct client *c);
    bool (*publish)(struct shard *sh, struct client *c,
                    const struct driver_message *m);
    bool (*beat)(struct shard *sh, struct client *c);
    /* One packet at the head of in: the bytes of it, 0: not whole yet,
     * -CF_INVALID: broken. A WebSocket gives it whole messages. */
    ssize_t (*take)(struct shard *sh, struct client *c, struct span in);
};

extern const struct driver driver_echo; /* driver_echo.c */
extern const struct driver driver_mqtt; /* QoS 1: both ways acknowledged */
extern const struct driver driver_mqtt0;
extern const struct driver driver_nats;

/* Of the scheme of a URL; NULL: confab's own protocol, or none. */
const struct driver *driver_of_url(const char *url);

/* ---- for the engine ---- */

/* Hand packets up until in holds no whole one. False: the connection is gone
 * or broken (then closed). */
bool driver_feed(struct shard *sh, struct client *c, struct span *in);

/* ---- for drivers ---- */

/* An empty buffer, and send what was written to it. */
struct buf *driver_begin(struct shard *sh);
bool driver_send(struct shard *sh, struct client *c);
uint64_t driver_topic(const struct shard *sh, const struct client *c,
                      uint32_t seat);
void driver_ready(struct shard *sh, struct client *c);
/* The sign of life was answered. */
void driver_alive(struct client *c);
/* A message came on a topic. */
void driver_copy(struct shard *sh, struct client *c, uint64_t topic,
                 struct span body);
/* A message of ours was answered; of number the low bits (mask) are known. */
void driver_answer(struct shard *sh, struct client *c, uint32_t slot,
                   uint32_t number, uint32_t mask);
/* The server said no: note it and close. Returns -CF_DENIED for take(). */
ssize_t driver_refused(struct shard *sh, struct client *c, const char *what,
                       int code);
/* Decimal digits at the head of s; moves s behind them. */
uint64_t driver_number(struct span *s);

#endif
