#include "codec.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "proto/websocket.h"

#define ANSWER_MAX 8192

struct head {
    size_t length; /* of the header */
    uint64_t payload;
    int op;
    bool fin;
};

/* 1, 0: not whole, -CF_*. */
static int read_head(struct span in, struct head *h)
{
    const unsigned char *p = (const unsigned char *)in.p;
    size_t extra;

    if (in.n < 2)
        return 0;
    h->fin = p[0] & 0x80;
    h->op = p[0] & 15;
    /* Reserved bits belong to extensions, and no server masks. */
    if ((p[0] & 0x70) != 0 || (p[1] & 0x80) != 0)
        return -CF_INVALID;
    extra = p[1] == 126 ? 2 : p[1] == 127 ? 8 : 0;
    h->length = 2 + extra;
    if (in.n < h->length)
        return 0;
    h->payload = extra > 0 ? 0 : p[1];
    for (size_t i = 0; i < extra; i++)
        h->payload = h->payload << 8 | p[2 + i];
    if (h->op >= WS_CLOSE)
        return h->fin && h->payload <= 125 && h->op <= WS_PONG ? 1
                                                               : -CF_INVALID;
    return h->op > WS_BINARY         ? -CF_INVALID
           : h->payload > WS_MESSAGE ? -CF_TOO_BIG
                                     : 1;
}

/* Add a fragment. 1: the message is whole, 0: go on, -CF_*. */
static int add_part(struct ws_parts *parts, const struct head *h,
                    struct span payload)
{
    if ((parts->op == 0) != (h->op != WS_CONTINUED))
        return -CF_INVALID;
    if (parts->op == 0)
        parts->op = h->op;
    if (buf_append_span(&parts->message, payload) < 0)
        return -CF_TOO_BIG;
    return h->fin;
}

static void finish_part(struct ws_parts *parts, struct ws_message *out)
{
    out->op = parts->op;
    out->payload = buf_span(&parts->message);
    parts->op = 0;
    parts->done = true;
}

int ws_pull(struct span *in, struct ws_parts *parts, struct ws_message *out)
{
    struct head h = {0};
    struct span payload;
    int rc;

    if (parts->done) {
        buf_clear(&parts->message);
        parts->done = false;
    }
    while ((rc = read_head(*in, &h)) > 0) {
        if (in->n - h.length < h.payload)
            return 0;
        payload = span_make(in->p + h.length, (size_t)h.payload);
        *in = span_make(payload.p + payload.n, in->n - h.length - payload.n);
        if (h.op >= WS_CLOSE ||
            (h.fin && h.op != WS_CONTINUED && parts->op == 0)) {
            *out = (struct ws_message){h.op, payload};
            return 1;
        }
        rc = add_part(parts, &h, payload);
        if (rc > 0)
            finish_part(parts, out);
        if (rc != 0)
            return rc;
    }
    return rc;
}

char *ws_head(char *payload, size_t n, enum ws_op op, uint32_t key)
{
    char *p = payload - 4;
    uint64_t length = n;

    for (int i = 0; i < 4; i++)
        p[i] = (char)(key >> i * 8);
    if (key != 0)
        websocket_mask(payload, n, &key);
    if (n < 126) {
        *--p = (char)(0x80 | n);
    } else {
        int bytes = n <= 0xffff ? 2 : 8;

        for (int i = 0; i < bytes; i++, length >>= 8)
            *--p = (char)length;
        *--p = (char)(bytes == 2 ? 0x80 | 126 : 0x80 | 127);
    }
    *--p = (char)(0x80 | op);
    return p;
}

int ws_upgrade(struct buf *out, const char *host, int port, const char *path,
               const char *protocol, const char *key)
{
    return buf_printf(
        out,
        "GET %s HTTP/1.1\r\n"
        "Host: %s:%d\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "%s%s%s"
        "Sec-WebSocket-Key: %s\r\n\r\n",
        path, host, port, protocol != NULL ? "Sec-WebSocket-Protocol: " : "",
        protocol != NULL ? protocol : "", protocol != NULL ? "\r\n" : "", key);
}

/* The value of a header, without the space around it. */
static struct span header(struct span head, const char *name)
{
    size_t n = strlen(name);
    const char *end = head.p + head.n, *line = head.p;

    while (line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));

        if (stop == NULL)
            break;
        if ((size_t)(stop - line) > n && strncasecmp(line, name, n) == 0 &&
            line[n] == ':') {
            const char *from = line + n + 1, *to = stop;

            while (from < to && *from == ' ')
                from++;
            while (to > from && (to[-1] == '\r' || to[-1] == ' '))
                to--;
            return span_make(from, (size_t)(to - from));
        }
        line = stop + 1;
    }
    return (struct span){0};
}

ssize_t ws_answer(struct span in, const char *accept, int *status)
{
    const char *end = memmem(in.p, in.n, "\r\n\r\n", 4);
    struct span head;

    if (in.n >= 12 && memcmp(in.p, "HTTP/1.1 ", 9) != 0)
        return -CF_INVALID;
    if (end == NULL)
        return in.n > ANSWER_MAX ? -CF_INVALID : 0;
    head = span_make(in.p, (size_t)(end - in.p) + 4);
    if (head.n < 16)
        return -CF_INVALID;
    *status = 0;
    for (int i = 9; i < 12; i++)
        *status = *status * 10 + (in.p[i] - '0');
    if (*status != 101)
        return -CF_DENIED;
    if (!span_is(header(head, "Sec-WebSocket-Accept"), accept))
        return -CF_INVALID;
    return (ssize_t)head.n;
}
