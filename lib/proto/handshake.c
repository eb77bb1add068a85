#include "proto/handshake.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <strings.h>

#include "base/mem.h"
#include "proto/limits.h"

#define CHAT "/v1/chat"

static enum handshake_fate bad(struct handshake *out, int status,
                               const char *name, const char *why)
{
    out->status = status;
    snprintf(out->why, sizeof(out->why), "%s%s", name, why);
    return HANDSHAKE_BAD;
}

/* ---- words ---- */

static bool same(struct span a, const char *text)
{
    return a.n == strlen(text) && strncasecmp(a.p, text, a.n) == 0;
}

static bool begins(struct span a, const char *text)
{
    size_t n = strlen(text);

    return a.n >= n && strncasecmp(a.p, text, n) == 0;
}

static struct span behind(struct span a, size_t n)
{
    return span_make(a.p + n, a.n - n);
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* All letters, digits, or out of the others. */
static bool is_made_of(struct span s, const char *others)
{
    for (size_t i = 0; i < s.n; i++)
        if (!isalnum((unsigned char)s.p[i]) && !is_one_of(s.p[i], others))
            return false;
    return true;
}

static bool is_printable(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return true;
}

static struct span trimmed(struct span s)
{
    while (s.n > 0 && is_one_of(*s.p, " \t"))
        s = behind(s, 1);
    while (s.n > 0 && is_one_of(s.p[s.n - 1], " \t"))
        s.n--;
    return s;
}

/* The bytes before c, or all; *rest begins behind it. */
static struct span before(struct span *rest, char c)
{
    const char *at = memchr(rest->p, c, rest->n);
    struct span out = *rest;

    if (at != NULL)
        out.n = (size_t)(at - rest->p);
    *rest = behind(*rest, at != NULL ? out.n + 1 : out.n);
    return out;
}

/* Is it one of a comma separated list? "keep-alive, Upgrade" is usual. */
static bool names(struct span list, const char *word)
{
    while (list.n > 0)
        if (same(trimmed(before(&list, ',')), word))
            return true;
    return false;
}

/* ---- the request line ---- */

/* From "http://host/v1/chat", which a client may write (RFC 9112, 3.2.2). */
static struct span path_of(struct span target)
{
    size_t n = begins(target, "http://")    ? 7
               : begins(target, "https://") ? 8
                                            : 0;
    struct span rest = behind(target, n);

    while (n > 0 && rest.n > 0 && !is_one_of(*rest.p, "/?#"))
        rest = behind(rest, 1);
    return rest;
}

/* Whose is it? "/v1/chats" is another place, "/v1/chat#x" is nonsense, and
 * nonsense for us. */
static bool is_chat(struct span path)
{
    size_t n = sizeof(CHAT) - 1;

    return path.n >= n && memcmp(path.p, CHAT, n) == 0 &&
           (path.n == n || !is_made_of(span_make(path.p + n, 1), "/-._~%"));
}

static enum handshake_fate read_request(struct span line, struct handshake *out)
{
    struct span rest = line;
    struct span method = before(&rest, ' ');
    struct span target = before(&rest, ' ');
    struct span path = path_of(target);

    if (!is_chat(path))
        return HANDSHAKE_OTHER;
    path = behind(path, sizeof(CHAT) - 1);
    if (!is_printable(target) || memchr(target.p, '#', target.n) != NULL ||
        (path.n > 0 && *path.p != '?'))
        return bad(out, 400, "", "not a request of HTTP");
    if (!span_is(method, "GET"))
        return bad(out, 405, "", "an upgrade is a GET");
    if (!span_is(rest, "HTTP/1.1"))
        return bad(out, 400, "", "an upgrade needs HTTP/1.1");
    return HANDSHAKE_GOOD;
}

/* ---- header lines ---- */

enum header_use {
    HOST,
    LISTED,
    EXACT,
    VERSION,
    KEY,
    ORIGIN,
    FORWARDED,
    BODY,
    NEVER
};

/* The first six must be there. Only lists may come in several lines. */
static const struct header {
    const char *name, *value, *absent;
    enum header_use use;
    int status;
} headers[] = {
    {"Host", NULL, " is missing", HOST, 400},
    {"Upgrade", "websocket", ": websocket is needed", LISTED, 426},
    {"Connection", "Upgrade", ": Upgrade is needed", LISTED, 400},
    {"Sec-WebSocket-Version", "13", " must be 13", VERSION, 426},
    {"Sec-WebSocket-Protocol", "confab.v1", " must be confab.v1", EXACT, 400},
    {"Sec-WebSocket-Key", NULL, " must be 16 bytes in base64", KEY, 400},
    {"Origin", NULL, NULL, ORIGIN, 400},
    {"X-Forwarded-For", NULL, NULL, FORWARDED, 400},
    {"Content-Length", NULL, ": an upgrade has no body", BODY, 400},
    {"Transfer-Encoding", NULL, ": an upgrade has no body", NEVER, 400},
    {"Expect", NULL, ": nothing is to be expected", NEVER, 417},
};

#define NEEDED 6

/* 16 bytes: 22 characters and two to fill up (RFC 4648, section 4). */
static bool take_key(struct span value, struct handshake *out)
{
    if (value.n != HANDSHAKE_KEY || memcmp(value.p + 22, "==", 2) != 0 ||
        !is_made_of(span_make(value.p, 22), "+/"))
        return false;
    memcpy(out->key, value.p, HANDSHAKE_KEY);
    return true;
}

static bool use(const struct header *h, struct span value,
                struct handshake *out)
{
    switch (h->use) {
    case HOST:
        return is_made_of(value, "-._~%!$&'()*+;=:[]");
    case LISTED:
        return names(value, h->value);
    case EXACT:
    case VERSION:
        return span_is(value, h->value);
    case KEY:
        return take_key(value, out);
    case ORIGIN:
        out->origin = value;
        return true;
    case FORWARDED:
        out->forwarded = value;
        return true;
    case BODY:
        return span_is(value, "0");
    default:
        return false;
    }
}

static enum handshake_fate take_header(const struct header *h,
                                       struct span value, unsigned *seen,
                                       struct handshake *out)
{
    unsigned bit = 1u << (h - headers);
    bool list = h->use == LISTED || h->use == FORWARDED;

    if ((*seen & bit) != 0 && !list)
        return bad(out, 400, h->name, " comes twice");
    if (use(h, value, out))
        *seen |= bit;
    else if (h->use == HOST)
        return bad(out, 400, h->name, " is no host");
    else if (!list)
        return bad(out, h->status, h->name, h->absent);
    return HANDSHAKE_GOOD;
}

/* Of a line: no control characters, for a lone CR or a NUL is somebody's
 * trick; a token before the colon, for "Origin :" is not another header. */
static const char *what_is_wrong(struct span line)
{
    struct span rest = line;
    struct span name = before(&rest, ':');

    if (is_one_of(*line.p, " \t"))
        return "a header goes on in a second line";
    for (size_t i = 0; i < line.n; i++)
        if (iscntrl((unsigned char)line.p[i]) && line.p[i] != '\t')
            return "a control character in a header";
    if (name.n == line.n || name.n == 0 || !is_made_of(name, "!#$%&'*+-.^_`|~"))
        return "a header is NAME: VALUE";
    return NULL;
}

static enum handshake_fate take_line(struct span line, unsigned *seen,
                                     struct handshake *out)
{
    const char *wrong = what_is_wrong(line);
    struct span value = line;
    struct span name = before(&value, ':');

    if (wrong != NULL)
        return bad(out, 400, "", wrong);
    for (size_t i = 0; i < COUNT_OF(headers); i++)
        if (same(name, headers[i].name))
            return take_header(&headers[i], trimmed(value), seen, out);
    return HANDSHAKE_GOOD;
}

static enum handshake_fate all_there(unsigned seen, struct handshake *out)
{
    for (size_t i = 0; i < NEEDED; i++)
        if ((seen & 1u << i) == 0)
            return bad(out, headers[i].status, headers[i].name,
                       headers[i].absent);
    return HANDSHAKE_GOOD;
}

/* ---- all of it ---- */

/* A line without its end; false: its end is not there. */
static bool next_line(struct span *rest, struct span *line)
{
    if (memchr(rest->p, '\n', rest->n) == NULL)
        return false;
    *line = before(rest, '\n');
    return true;
}

static bool cut_cr(struct span *line)
{
    if (line->n == 0 || line->p[line->n - 1] != '\r')
        return false;
    line->n--;
    return true;
}

/* A line, or an end, is missing: more of it may come, up to the limit. */
static enum handshake_fate wait_for(struct span in, struct span rest,
                                    struct handshake *out)
{
    if (in.n <= LIMIT_HTTP_HEADERS)
        return HANDSHAKE_MORE;
    if (rest.p != in.p)
        return bad(out, 431, "", "the request is over 2 KiB");
    /* Its first line is not even whole. */
    return read_request(in, out) == HANDSHAKE_OTHER
               ? HANDSHAKE_OTHER
               : bad(out, 414, "", "the request is over 2 KiB");
}

static enum handshake_fate read_headers(struct span in, struct span rest,
                                        struct handshake *out)
{
    enum handshake_fate fate = HANDSHAKE_GOOD;
    unsigned seen = 0;
    struct span line;

    while (fate == HANDSHAKE_GOOD) {
        if (!next_line(&rest, &line))
            return wait_for(in, rest, out);
        if (!cut_cr(&line))
            return bad(out, 400, "", "a line ends with CR LF");
        if (line.n == 0)
            break;
        fate = take_line(line, &seen, out);
    }
    out->length = (size_t)(rest.p - in.p);
    return fate == HANDSHAKE_GOOD ? all_there(seen, out) : fate;
}

enum handshake_fate handshake_read(struct span in, struct handshake *out)
{
    enum handshake_fate fate;
    struct span rest, line;
    bool whole;

    *out = (struct handshake){0};
    if (in.n > LIMIT_HTTP_HEADERS + 1)
        in.n = LIMIT_HTTP_HEADERS + 1;
    if (in.n > 0 && !isupper((unsigned char)*in.p))
        return HANDSHAKE_OTHER;
    rest = in;
    if (!next_line(&rest, &line))
        return wait_for(in, rest, out);
    whole = cut_cr(&line);
    fate = read_request(line, out);
    if (fate != HANDSHAKE_GOOD)
        return fate;
    if (!whole)
        return bad(out, 400, "", "a line ends with CR LF");
    fate = read_headers(in, rest, out);
    if (fate == HANDSHAKE_GOOD && out->length > LIMIT_HTTP_HEADERS)
        return bad(out, 431, "", "the request is over 2 KiB");
    return fate;
}
