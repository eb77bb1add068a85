#include "upgrade.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <libwebsockets.h>

#include "proto/limits.h"

/* Headers that matter, and the value that each must have; NULL: any. One that
 * is refused decides nothing here: the request goes the other way. */
enum header_use { ANY, WORD, LISTED, EXACT, KEY, FORWARDED, NEVER };

static const struct header {
    const char *name, *value;
    enum header_use use;
} headers[] = {
    {"Host", NULL, ANY},
    {"Upgrade", "websocket", WORD},
    {"Connection", "Upgrade", LISTED},
    {"Sec-WebSocket-Version", "13", EXACT},
    {"Sec-WebSocket-Protocol", "confab.v1", EXACT},
    {"Sec-WebSocket-Key", NULL, KEY},
    {"X-Forwarded-For", NULL, FORWARDED},
    {"Origin", NULL, NEVER},
    {"Content-Length", NULL, NEVER},
    {"Transfer-Encoding", NULL, NEVER},
    {"Expect", NULL, NEVER},
};

#define COUNT (sizeof(headers) / sizeof(headers[0]))
#define NEEDED 0x3fu /* the first six */

static bool same(struct span a, const char *text)
{
    return a.n == strlen(text) && strncasecmp(a.p, text, a.n) == 0;
}

/* A line without its CR LF; false: there is none. */
static bool next_line(struct span *rest, struct span *line)
{
    const char *end = memmem(rest->p, rest->n, "\r\n", 2);

    if (end == NULL)
        return false;
    *line = span_make(rest->p, (size_t)(end - rest->p));
    *rest = span_make(end + 2, rest->n - line->n - 2);
    return true;
}

/* A token of RFC 9110, section 5.6.2. "Origin :" is not another header: a
 * space before the colon hides it from whoever compares names. */
static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!isalnum((unsigned char)s.p[i]) &&
            memchr("!#$%&'*+-.^_`|~", s.p[i], 15) == NULL)
            return false;
    return s.n > 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct span trimmed(struct span s)
{
    while (s.n > 0 && is_blank(*s.p))
        s = span_make(s.p + 1, s.n - 1);
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

static bool split(struct span line, struct span *name, struct span *value)
{
    const char *colon = memchr(line.p, ':', line.n);

    if (colon == NULL)
        return false;
    *name = span_make(line.p, (size_t)(colon - line.p));
    if (!is_token(*name))
        return false;
    *value = trimmed(span_make(colon + 1, line.n - name->n - 1));
    return true;
}

/* Is it one of a comma separated list? "keep-alive, Upgrade" is usual. */
static bool names(struct span list, const char *word)
{
    while (list.n > 0) {
        const char *comma = memchr(list.p, ',', list.n);
        struct span one = list;

        if (comma != NULL)
            one.n = (size_t)(comma - list.p);
        list = span_make(one.p + one.n, list.n - one.n);
        if (comma != NULL)
            list = span_make(list.p + 1, list.n - 1);
        if (same(trimmed(one), word))
            return true;
    }
    return false;
}

static bool use(const struct header *h, struct span value, struct upgrade *out)
{
    switch (h->use) {
    case ANY:
        return true;
    case WORD:
        return same(value, h->value);
    case LISTED:
        return names(value, h->value);
    case EXACT:
        return span_is(value, h->value);
    case KEY:
        if (value.n != UPGRADE_KEY)
            return false;
        memcpy(out->key, value.p, UPGRADE_KEY);
        return true;
    case FORWARDED:
        out->forwarded = value;
        return true;
    default:
        return false;
    }
}

/* One header line; *seen gathers what came. */
static bool take(struct span line, unsigned *seen, struct upgrade *out)
{
    struct span name, value;

    /* No control characters: a lone CR or a NUL is somebody's trick. */
    for (size_t i = 0; i < line.n; i++)
        if ((unsigned char)line.p[i] < ' ' && line.p[i] != '\t')
            return false;
    if (!split(line, &name, &value))
        return false;
    for (size_t i = 0; i < COUNT; i++) {
        if (!same(name, headers[i].name))
            continue;
        if (*seen & 1u << i)
            return false;
        *seen |= 1u << i;
        return use(&headers[i], value, out);
    }
    return true;
}

bool upgrade_read(struct span in, struct upgrade *out)
{
    struct span rest = in, line;
    unsigned seen = 0;

    *out = (struct upgrade){0};
    if (!next_line(&rest, &line) || !span_is(line, "GET /v1/chat HTTP/1.1"))
        return false;
    while (next_line(&rest, &line)) {
        if (line.n == 0) {
            out->length = (size_t)(rest.p - in.p);
            return (seen & NEEDED) == NEEDED &&
                   out->length <= LIMIT_HTTP_HEADERS;
        }
        if (!take(line, &seen, out))
            return false;
    }
    return false; /* not whole */
}

bool upgrade_may_come(struct span in)
{
    static const char line[] = "GET /v1/chat HTTP/1.1\r\n";
    size_t n = in.n < sizeof(line) - 1 ? in.n : sizeof(line) - 1;

    return memcmp(in.p, line, n) == 0 && in.n < LIMIT_HTTP_HEADERS &&
           memmem(in.p, in.n, "\r\n\r\n", 4) == NULL;
}

size_t upgrade_answer(const struct upgrade *u, char out[UPGRADE_ANSWER])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[20];
    char text[UPGRADE_KEY + sizeof(guid)], accept[32];

    memcpy(text, u->key, UPGRADE_KEY);
    memcpy(text + UPGRADE_KEY, guid, sizeof(guid));
    lws_SHA1((const unsigned char *)text, sizeof(text) - 1, digest);
    lws_b64_encode_string((const char *)digest, sizeof(digest), accept,
                          sizeof(accept));
    return (size_t)snprintf(out, UPGRADE_ANSWER,
                            "HTTP/1.1 101 Switching Protocols\r\n"
                            "Upgrade: websocket\r\n"
                            "Connection: Upgrade\r\n"
                            "Sec-WebSocket-Accept: %s\r\n"
                            "Sec-WebSocket-Protocol: confab.v1\r\n\r\n",
                            accept);
}
