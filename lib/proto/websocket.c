#include "proto/websocket.h"

#include <endian.h>
#include <string.h>

#include "proto/limits.h"

/* ---- UTF-8, also when a sequence is cut between two pieces ---- */

/* Sets what must follow c, the first byte of a sequence (Unicode, table 3-7).
 * False: nothing begins like this. */
static bool utf8_begin(struct websocket *w, unsigned char c)
{
    w->low = 0x80;
    w->high = 0xbf;
    if (c >= 0xc2 && c <= 0xdf) {
        w->need = 1;
    } else if (c >= 0xe0 && c <= 0xef) {
        w->need = 2;
        w->low = c == 0xe0 ? 0xa0 : 0x80;
        w->high = c == 0xed ? 0x9f : 0xbf;
    } else if (c >= 0xf0 && c <= 0xf4) {
        w->need = 3;
        w->low = c == 0xf0 ? 0x90 : 0x80;
        w->high = c == 0xf4 ? 0x8f : 0xbf;
    } else {
        return false;
    }
    return true;
}

static const char *skip_ascii(const char *p, const char *end)
{
    uint64_t word;

    for (; end - p >= 8; p += 8) {
        memcpy(&word, p, sizeof(word));
        if ((word & 0x8080808080808080) != 0)
            break;
    }
    while (p < end && (unsigned char)*p < 0x80)
        p++;
    return p;
}

static bool utf8_goes_on(struct websocket *w, const char *p, size_t n)
{
    const char *end = p + n;

    while (p < end) {
        unsigned char c;

        if (w->need == 0)
            p = skip_ascii(p, end);
        if (p == end)
            break;
        c = (unsigned char)*p++;
        if (w->need == 0) {
            if (!utf8_begin(w, c))
                return false;
            continue;
        }
        if (c < w->low || c > w->high)
            return false;
        w->need--;
        w->low = 0x80;
        w->high = 0xbf;
    }
    return true;
}

/* ---- frames ---- */

struct head {
    size_t length; /* of the header */
    uint64_t payload;
    uint32_t mask;
    enum websocket_op op;
    bool fin;
};

/* 1, 0: not whole yet, or minus a close code. */
static int read_head(const char *in, size_t n, struct head *h)
{
    const unsigned char *p = (const unsigned char *)in;
    size_t wide;

    if (n < 2)
        return 0;
    /* Reserved bits belong to extensions, and a client masks (5.1, 5.2). */
    if ((p[0] & 0x70) != 0 || (p[1] & 0x80) == 0)
        return -1002;
    h->fin = p[0] & 0x80;
    h->op = p[0] & 15;
    h->payload = p[1] & 127;
    wide = h->payload == 126 ? 2 : h->payload == 127 ? 8 : 0;
    h->length = 2 + wide + sizeof(h->mask);
    if (n < h->length)
        return 0;
    if (wide > 0)
        h->payload = 0;
    for (size_t i = 0; i < wide; i++)
        h->payload = h->payload << 8 | p[2 + i];
    /* The shortest form that holds the length. */
    if (wide > 0 && h->payload < (wide == 2 ? 126u : 0x10000u))
        return -1002;
    memcpy(&h->mask, p + 2 + wide, sizeof(h->mask));
    h->mask = le32toh(h->mask); /* its first byte is the lowest */
    return 1;
}

/* May this header come now? 0, or minus a close code. */
static int judge(const struct websocket *w, const struct head *h)
{
    if (h->op >= WEBSOCKET_CLOSE)
        return h->fin && h->op <= WEBSOCKET_PONG &&
                       h->payload <= WEBSOCKET_CONTROL
                   ? 0
                   : -1002;
    if (h->op > WEBSOCKET_BINARY)
        return -1002;
    if (w->message != (h->op == WEBSOCKET_CONTINUED))
        return -1002;
    if (h->op == WEBSOCKET_BINARY)
        return -1003;
    if (h->payload > LIMIT_FRAME || w->fragments >= LIMIT_FRAGMENTS)
        return -1009;
    return 0;
}

void websocket_mask(char *p, size_t n, uint32_t *key)
{
    uint64_t wide = htole64((uint64_t)*key << 32 | *key), word;
    unsigned turn = n % 4 * 8;
    size_t i;

    for (i = 0; i + 8 <= n; i += 8) {
        memcpy(&word, p + i, sizeof(word));
        word ^= wide;
        memcpy(p + i, &word, sizeof(word));
    }
    for (; i < n; i++)
        p[i] = (char)(p[i] ^ (char)(*key >> i % 4 * 8));
    if (turn > 0)
        *key = *key >> turn | *key << (32 - turn);
}

static void advance(char **in, size_t *n, size_t by)
{
    *in += by;
    *n -= by;
}

static int control(const struct head *h, char **in, size_t *n,
                   struct websocket_piece *out)
{
    uint32_t key = h->mask;

    if (*n < h->length + h->payload)
        return 0;
    *out = (struct websocket_piece){.op = h->op,
                                    .data = *in + h->length,
                                    .n = (size_t)h->payload,
                                    .last = true};
    websocket_mask(out->data, out->n, &key);
    advance(in, n, h->length + out->n);
    return 1;
}

static void data_begins(struct websocket *w, const struct head *h)
{
    w->message = true;
    w->final = h->fin;
    w->fragments++;
    w->mask = h->mask;
    w->left = (uint32_t)h->payload;
}

/* What there is of the running frame. */
static int data_piece(struct websocket *w, char **in, size_t *n,
                      struct websocket_piece *out)
{
    size_t most = w->left < *n ? w->left : *n;

    *out =
        (struct websocket_piece){.op = WEBSOCKET_TEXT, .data = *in, .n = most};
    websocket_mask(out->data, most, &w->mask);
    if (!utf8_goes_on(w, out->data, most))
        return -1007;
    advance(in, n, most);
    w->left -= (uint32_t)most;
    out->last = w->final && w->left == 0;
    if (!out->last)
        return 1;
    if (w->need > 0)
        return -1007; /* cut within a character */
    w->message = w->final = false;
    w->fragments = 0;
    return 1;
}

int websocket_pull(struct websocket *w, char **in, size_t *n,
                   struct websocket_piece *out)
{
    while (w->left == 0) {
        struct head h;
        int rc = read_head(*in, *n, &h);

        if (rc <= 0)
            return rc;
        rc = judge(w, &h);
        if (rc < 0)
            return rc;
        if (h.op >= WEBSOCKET_CLOSE)
            return control(&h, in, n, out);
        data_begins(w, &h);
        advance(in, n, h.length);
        if (w->left == 0 && w->final)
            break; /* an empty end of a message */
    }
    if (w->left > 0 && *n == 0)
        return 0;
    return data_piece(w, in, n, out);
}

char *websocket_head(char *payload, size_t n, enum websocket_op op)
{
    char *p = payload;
    uint64_t length = n;
    int wide = n < 126 ? 0 : n <= 0xffff ? 2 : 8;

    for (int i = 0; i < wide; i++, length >>= 8)
        *--p = (char)length;
    *--p = (char)(wide == 0 ? n : wide == 2 ? 126 : 127);
    *--p = (char)(0x80 | op);
    return p;
}

/* Codes that an endpoint may send (7.4.1 and 7.4.2). */
static bool may_be_sent(int code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

int websocket_close_code(const char *payload, size_t n)
{
    const unsigned char *p = (const unsigned char *)payload;
    struct websocket reason = {0};
    int code;

    if (n == 0)
        return 1005;
    if (n == 1)
        return 1002;
    code = p[0] << 8 | p[1];
    if (!may_be_sent(code))
        return 1002;
    return utf8_goes_on(&reason, payload + 2, n - 2) && reason.need == 0 ? code
                                                                         : 1007;
}
