/* Where a WebSocket server's frames end (RFC 6455, section 5.2), so that a
 * close frame can be put between two of them. */
#include <string.h>

#include "proxy_inside.h"

/* The head of the answer ends with an empty line; 101 means frames follow. */
static void answer_byte(struct ws_scan *s, char c)
{
    static const char end[] = "\r\n\r\n";

    if (s->line_n < (int)sizeof(s->line))
        s->line[s->line_n++] = c;
    if (c == end[s->matched])
        s->matched++;
    else
        s->matched = c == '\r' ? 1 : 0;
    if (s->matched < 4)
        return;
    s->phase = s->line_n >= 12 && memcmp(s->line, "HTTP/1.", 7) == 0 &&
                       memcmp(s->line + 8, " 101", 4) == 0
                   ? WS_FRAMES
                   : WS_PLAIN;
}

/* Bytes the head of the frame has, as far as its first two say. */
static int head_size(const struct ws_scan *s)
{
    int n = 2;

    if (s->head_n < 2)
        return n;
    if ((s->head[1] & 0x7f) == 126)
        n += 2;
    else if ((s->head[1] & 0x7f) == 127)
        n += 8;
    return s->head[1] & 0x80 ? n + 4 : n;
}

static uint64_t payload_size(const struct ws_scan *s)
{
    int size = s->head[1] & 0x7f, more = size == 126 ? 2 : size == 127 ? 8 : 0;
    uint64_t n = 0;

    if (more == 0)
        return (uint64_t)size;
    for (int i = 0; i < more; i++)
        n = n << 8 | s->head[2 + i];
    return n;
}

static void frame_byte(struct ws_scan *s, char c)
{
    s->head[s->head_n++] = (unsigned char)c;
    if (s->head_n < head_size(s))
        return;
    s->left = payload_size(s);
    s->head_n = 0;
}

static bool between(const struct ws_scan *s)
{
    return s->phase == WS_FRAMES && s->head_n == 0 && s->left == 0;
}

/* Follow bytes; stop: not beyond the first boundary. Bytes followed. */
static size_t follow(struct ws_scan *s, const char *p, size_t n, bool stop)
{
    size_t at = 0;

    while (at < n && s->phase != WS_PLAIN) {
        if (stop && between(s))
            break;
        if (s->phase == WS_ANSWER) {
            answer_byte(s, p[at++]);
        } else if (s->left > 0) {
            uint64_t step = s->left < n - at ? s->left : n - at;

            s->left -= step;
            at += step;
        } else {
            frame_byte(s, p[at++]);
        }
    }
    return at;
}

void ws_scan_run(struct ws_scan *s, const char *p, size_t n)
{
    follow(s, p, n, false);
}

ssize_t ws_scan_boundary(const struct ws_scan *s, const char *p, size_t n)
{
    struct ws_scan copy = *s;
    size_t at = follow(&copy, p, n, true);

    return between(&copy) ? (ssize_t)at : -1;
}
