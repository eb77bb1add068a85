#include "capture.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proxy.h"
#include "wire.h"

struct conversation { /* of one connection */
    struct wire_stream *up, *down;
};

struct capture {
    struct proxy *proxy;
    struct wire_writer writer;
    struct map conns; /* number -> struct conversation */
    int rc;
};

/* Whose bytes are taken apart right now. */
struct passing {
    struct capture *capture;
    int conn;
    bool up;
};

static void on_frame(void *ctx, json_t *frame)
{
    struct passing *p = ctx;

    if (p->capture->rc == 0)
        p->capture->rc = wire_write(&p->capture->writer, p->conn,
                                    p->up ? WIRE_UP : WIRE_DOWN, frame, 0);
}

static void on_close(void *ctx, int code)
{
    struct passing *p = ctx;

    if (p->capture->rc == 0)
        p->capture->rc =
            wire_write(&p->capture->writer, p->conn,
                       p->up ? WIRE_UP_CLOSE : WIRE_DOWN_CLOSE, NULL, code);
}

static void conversation_free(struct conversation *c)
{
    wire_stream_free(&c->up);
    wire_stream_free(&c->down);
    free(c);
}

static void on_bytes(void *ctx, int conn, int direction, const void *bytes,
                     size_t n)
{
    struct capture *c = ctx;
    struct conversation *talk = map_get(&c->conns, (uint64_t)conn);
    struct passing p = {c, conn, direction > 0};

    if (n == 0) {
        if (talk != NULL)
            conversation_free(map_remove(&c->conns, (uint64_t)conn));
        return;
    }
    if (conn > WIRE_MAX_CONNS)
        return;
    if (talk == NULL) {
        talk = mem_alloc(sizeof(*talk));
        talk->up = wire_stream_new();
        talk->down = wire_stream_new();
        map_put(&c->conns, (uint64_t)conn, talk);
    }
    wire_stream_feed(p.up ? talk->up : talk->down, bytes, n, on_frame, on_close,
                     &p);
}

int capture_address(const char *url, char *host, size_t size, int *port,
                    struct error *err)
{
    size_t skip = strncmp(url, "ws://", 5) == 0     ? 5
                  : strncmp(url, "http://", 7) == 0 ? 7
                                                    : 0;
    size_t n = strcspn(url + skip, "/?#");
    const char *colon = memrchr(url + skip, ':', n), *from = url + skip;
    size_t name = colon != NULL ? (size_t)(colon - from) : 0;
    char *end = NULL;

    if (skip == 0 || name == 0 || name >= size)
        return error_set(err, CF_INVALID,
                         "'%s': this takes ws://HOST:PORT, without TLS", url);
    if (from[0] == '[' && from[name - 1] == ']') {
        from++;
        name -= 2;
    }
    memcpy(host, from, name);
    host[name] = '\0';
    *port = (int)strtol(colon + 1, &end, 10);
    if (*port < 1 || *port > 65535 || end != url + skip + n)
        return error_set(err, CF_INVALID, "'%s': the port is 1 to 65535", url);
    return 0;
}

int capture_new(struct capture **out, struct loop *loop, const char *server,
                FILE *to, struct error *err)
{
    struct capture *c = mem_alloc(sizeof(*c));
    char host[256];
    int port = 0;
    int rc = capture_address(server, host, sizeof(host), &port, err);

    map_init(&c->conns);
    wire_writer_init(&c->writer, to);
    if (rc == 0)
        rc = proxy_new(&c->proxy, loop, host, port, err);
    if (rc == 0)
        proxy_conn_tap(c->proxy, on_bytes, c);
    else
        capture_free(&c);
    *out = c;
    return rc;
}

void capture_free(struct capture **slot)
{
    struct capture *c = *slot;

    *slot = NULL;
    if (c == NULL)
        return;
    proxy_free(&c->proxy);
    for (uint32_t i = 0; i < c->conns.len; i++)
        conversation_free(c->conns.entries[i].value);
    map_release(&c->conns);
    wire_writer_release(&c->writer);
    free(c);
}

int capture_port(const struct capture *c)
{
    return proxy_port(c->proxy);
}

int64_t capture_count(const struct capture *c)
{
    return c->rc < 0 ? c->rc : c->writer.lines;
}
