/* driver_echo.c - a relay over WebSocket, as small servers of other runtimes
 * are written: "S 3 4" subscribes to topics and is answered by "S"; "P 3 BODY"
 * goes as it is to all others of topic 3. Who has no topic says nothing, so
 * that a connect is a bare upgrade. */
#include "base/error.h"
#include "driver.h"
#include "shard.h"

static bool hello(struct shard *sh, struct client *c)
{
    struct buf *b;

    if (c->nseats == 0) {
        driver_ready(sh, c);
        return c->fd >= 0;
    }
    b = driver_begin(sh);
    buf_append_byte(b, 'S');
    for (uint32_t i = 0; i < c->nseats; i++) {
        buf_append_byte(b, ' ');
        buf_append_u64(b, driver_topic(sh, c, i));
    }
    return driver_send(sh, c);
}

static bool publish(struct shard *sh, struct client *c,
                    const struct driver_message *m)
{
    struct buf *b = driver_begin(sh);

    buf_append_text(b, "P ");
    buf_append_u64(b, m->topic);
    buf_append_byte(b, ' ');
    buf_append_span(b, m->body);
    return driver_send(sh, c);
}

static bool beat(struct shard *sh, struct client *c)
{
    buf_append_byte(driver_begin(sh), 'H');
    return driver_send(sh, c);
}

static ssize_t take(struct shard *sh, struct client *c, struct span in)
{
    struct span rest;
    uint64_t topic;

    if (in.p[0] == 'S') {
        driver_ready(sh, c);
    } else if (in.p[0] == 'H') {
        driver_alive(c);
    } else if (in.n > 2 && in.p[0] == 'P' && in.p[1] == ' ') {
        rest = span_make(in.p + 2, in.n - 2);
        topic = driver_number(&rest);
        if (rest.n < 1 || *rest.p != ' ')
            return -CF_INVALID;
        driver_copy(sh, c, topic, span_make(rest.p + 1, rest.n - 1));
    } else {
        return -CF_INVALID;
    }
    return (ssize_t)in.n;
}

const struct driver driver_echo = {.scheme = "ws-echo://",
                                   .path = "/",
                                   .hello = hello,
                                   .publish = publish,
                                   .beat = beat,
                                   .take = take};
