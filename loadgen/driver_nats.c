/* driver_nats.c - the client's side of NATS (docs.nats.io, "Client protocol"):
 * lines of text, and a payload behind PUB and MSG. Core NATS answers no
 * message: it is at most once. */
#include "base/error.h"
#include "driver.h"
#include "shard.h"

#define LINE_MAX_BYTES 65536 /* INFO of a cluster is long */
#define PAYLOAD_MAX (1 << 20)

static bool hello(struct shard *sh, struct client *c)
{
    struct buf *b = driver_begin(sh);

    buf_append_text(b, "CONNECT {\"verbose\":false,\"pedantic\":false,"
                       "\"echo\":false,\"name\":\"confab-load\"}\r\n");
    for (uint32_t i = 0; i < c->nseats; i++)
        buf_printf(b, "SUB c.%llu %u\r\n",
                   (unsigned long long)driver_topic(sh, c, i), i + 1);
    buf_append_text(b, "PING\r\n");
    return driver_send(sh, c);
}

static bool publish(struct shard *sh, struct client *c,
                    const struct driver_message *m)
{
    struct buf *b = driver_begin(sh);

    buf_append_text(b, "PUB c.");
    buf_append_u64(b, m->topic);
    buf_append_byte(b, ' ');
    buf_append_u64(b, m->body.n);
    buf_append_text(b, "\r\n");
    buf_append_span(b, m->body);
    buf_append_text(b, "\r\n");
    return driver_send(sh, c);
}

static bool say(struct shard *sh, struct client *c, const char *line)
{
    buf_append_text(driver_begin(sh), line);
    return driver_send(sh, c);
}

static bool beat(struct shard *sh, struct client *c)
{
    return say(sh, c, "PING\r\n");
}

static bool starts(struct span s, const char *word)
{
    size_t n = strlen(word);

    return s.n >= n && memcmp(s.p, word, n) == 0;
}

/* "MSG c.3 1 200": what is behind the last blank is the payload's length. */
static ssize_t message(struct shard *sh, struct client *c, struct span in,
                       struct span line)
{
    struct span number, topic;
    size_t head = line.n + 2, at = line.n;
    uint64_t n, id;

    while (at > 0 && line.p[at - 1] != ' ')
        at--;
    number = span_make(line.p + at, line.n - at);
    n = driver_number(&number);
    if (!starts(line, "MSG c.") || number.n > 0 || n > PAYLOAD_MAX)
        return -CF_INVALID;
    if (in.n < head + n + 2)
        return 0;
    topic = span_make(line.p + 6, line.n - 6);
    id = driver_number(&topic);
    driver_copy(sh, c, id, span_make(in.p + head, (size_t)n));
    return (ssize_t)(head + n + 2);
}

static ssize_t take(struct shard *sh, struct client *c, struct span in)
{
    const char *end = memchr(in.p, '\n', in.n);
    struct span line;

    if (end == NULL)
        return in.n > LINE_MAX_BYTES ? -CF_INVALID : 0;
    if (end == in.p || end[-1] != '\r')
        return -CF_INVALID;
    line = span_make(in.p, (size_t)(end - in.p) - 1);
    if (starts(line, "MSG "))
        return message(sh, c, in, line);
    if (starts(line, "PONG")) {
        driver_alive(c);
        driver_ready(sh, c);
    } else if (starts(line, "PING")) {
        say(sh, c, "PONG\r\n");
    } else if (starts(line, "-ERR")) {
        return driver_refused(sh, c, "what NATS calls -ERR", 0);
    } else if (!starts(line, "INFO ") && !starts(line, "+OK")) {
        return -CF_INVALID;
    }
    return (ssize_t)line.n + 2;
}

const struct driver driver_nats = {.scheme = "nats://",
                                   .hello = hello,
                                   .publish = publish,
                                   .beat = beat,
                                   .take = take};
