#include "pump.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

#define ESC '\033'
#define READ_MAX 4096
#define RING_MAX (2 * PUMP_PASTE_MAX)
#define MARK_LENGTH 6 /* ESC[200~ and ESC[201~ */

enum pump_state {
    TYPING,
    PASTING, /* between the marks of the terminal */
    BURST    /* lines without marks, faster than anybody types */
};

struct pump {
    struct pump_events ev;
    struct loop_fd *watch;
    struct loop_timer *patience;
    int fd;
    enum pump_state state;
    bool paused, cut;
    char held[MARK_LENGTH]; /* the beginning of a mark, perhaps */
    int held_count;
    struct buf ring; /* keys for Readline */
    struct buf paste;
};

/* ---- keys ---- */

bool pump_ready(const struct pump *p)
{
    return p->ring.len > 0;
}

int pump_waiting(const struct pump *p)
{
    return (int)p->ring.len;
}

int pump_take(struct pump *p)
{
    int key;

    if (p->ring.len == 0)
        return -1;
    key = (unsigned char)p->ring.data[0];
    buf_consume(&p->ring, 1);
    return key;
}

void pump_push(struct pump *p, struct span keys)
{
    buf_append_span(&p->ring, keys);
}

/* ---- cleaning ---- */

/* Where an escape sequence that begins at `at` (on ESC) ends. */
static size_t skip_escape(struct span s, size_t at)
{
    size_t i = at + 1;

    if (i < s.n && s.p[i] == '[') {
        for (i++; i < s.n && s.p[i] >= 0x20 && s.p[i] < 0x40;)
            i++;
        if (i < s.n && s.p[i] >= 0x40 && s.p[i] < 0x7f)
            return i + 1;
    } else if (i < s.n && (s.p[i] == ']' || s.p[i] == 'P')) {
        for (; i < s.n && s.p[i] != '\n'; i++)
            if (s.p[i] == '\a' ||
                (s.p[i] == ESC && i + 1 < s.n && s.p[i + 1] == '\\'))
                return s.p[i] == '\a' ? i + 1 : i + 2;
    }
    return at + 1;
}

int pump_clean(struct buf *out, struct span s)
{
    size_t at = 0, from;
    int rc = 0;

    while (at < s.n && rc == 0) {
        int32_t c;

        from = at;
        c = text_next(s, &at);
        if (c == '\r' && at < s.n && s.p[at] == '\n')
            at++;
        if (c == '\r' || c == '\n' || c == 0x2028 || c == 0x2029)
            rc = buf_append_byte(out, '\n');
        else if (c == ESC)
            at = skip_escape(s, from);
        else if (c < 0)
            rc = buf_append_text(out, "\xef\xbf\xbd");
        else if (c == '\t' || text_width(c) >= 0)
            rc = buf_append(out, s.p + from, at - from);
    }
    return rc;
}

/* ---- pastes ---- */

static void paste_byte(struct pump *p, char c)
{
    if (buf_append_byte(&p->paste, c) < 0)
        p->cut = true;
}

static void paste_done(struct pump *p)
{
    bool cut = p->cut;
    struct buf clean;

    buf_init(&clean, 3 * PUMP_PASTE_MAX);
    pump_clean(&clean, buf_span(&p->paste));
    buf_clear(&p->paste);
    p->cut = false;
    p->state = TYPING;
    loop_timer_cancel(p->patience);
    p->ev.paste(p->ev.ctx, buf_span(&clean), cut);
    buf_release(&clean);
}

/* ---- marks ---- */

static bool mark_goes_on(const struct pump *p, char c)
{
    static const char mark[] = "\033[20?~";

    if (p->held_count == 4)
        return c == '0' || c == '1';
    return c == mark[p->held_count];
}

/* What was held is no mark: it was typed, or is part of the paste. */
static void let_go(struct pump *p)
{
    for (int i = 0; i < p->held_count; i++) {
        if (p->state == TYPING)
            buf_append_byte(&p->ring, p->held[i]);
        else
            paste_byte(p, p->held[i]);
    }
    p->held_count = 0;
}

/* A whole mark. Returns true when it ended a paste. */
static bool mark_done(struct pump *p)
{
    bool start = p->held[4] == '0';

    p->held_count = 0;
    if (start && p->state == TYPING)
        p->state = PASTING;
    if (start || p->state != PASTING)
        return false; /* an end without a start is nothing */
    if (pump_ready(p))
        p->ev.keys(p->ev.ctx); /* typed before it */
    paste_done(p);
    return true;
}

/* ---- one read ---- */

/* Enter, or a newline of a text? Alt-Enter is how Readline hears the latter. */
static void newline(struct pump *p, bool last, bool suspect)
{
    if (last && !suspect)
        buf_append_byte(&p->ring, '\r');
    else
        buf_append_text(&p->ring, "\033\r");
}

static bool is_newline(char c)
{
    return c == '\r' || c == '\n';
}

/* Several lines at once and no keys among them: nobody types like that. */
static bool looks_pasted(struct span s)
{
    bool inside = false;

    if (s.n < 3)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == ESC)
            return false;
        if (is_newline(s.p[i]) && i + 1 < s.n)
            inside = true;
    }
    return inside;
}

static void byte(struct pump *p, char c, bool last, bool *suspect)
{
    if (mark_goes_on(p, c)) {
        p->held[p->held_count++] = c;
        if (p->held_count == MARK_LENGTH && mark_done(p))
            *suspect = true;
        return;
    }
    if (p->held_count > 0) {
        let_go(p);
        byte(p, c, last, suspect);
        return;
    }
    if (p->state != TYPING)
        paste_byte(p, c);
    else if (is_newline(c))
        newline(p, last, *suspect);
    else
        buf_append_byte(&p->ring, c);
}

void pump_feed(struct pump *p, struct span s)
{
    bool suspect = false;

    if (p->state == TYPING && p->held_count == 0 && looks_pasted(s))
        p->state = BURST;
    for (size_t i = 0; i < s.n; i++) {
        /* Alt-Enter is two bytes: its newline is no burst. */
        byte(p, s.p[i], i + 1 == s.n, &suspect);
    }
    if (p->state != TYPING)
        loop_timer_set(p->patience,
                       p->state == PASTING ? PUMP_PASTE_MS : PUMP_QUIET_MS);
    else if (p->held_count > 0)
        loop_timer_set(p->patience, PUMP_ESCAPE_MS);
    if (pump_ready(p))
        p->ev.keys(p->ev.ctx);
}

/* Nothing came for a while. */
static void impatient(void *arg)
{
    struct pump *p = arg;

    let_go(p);
    if (p->state != TYPING)
        paste_done(p);
    if (pump_ready(p))
        p->ev.keys(p->ev.ctx);
}

/* ---- reading ---- */

static void readable(void *arg, int events)
{
    struct pump *p = arg;
    char bytes[READ_MAX];
    ssize_t n = read(p->fd, bytes, sizeof(bytes));

    if (n > 0) {
        pump_feed(p, span_make(bytes, (size_t)n));
        return;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    loop_fd_events(p->watch, 0);
    p->ev.end(p->ev.ctx);
}

void pump_pause(struct pump *p, bool on)
{
    p->paused = on;
    if (p->watch != NULL)
        loop_fd_events(p->watch, on ? 0 : LOOP_READ);
}

struct pump *pump_new(struct loop *l, int fd, const struct pump_events *ev)
{
    struct pump *p = mem_alloc(sizeof(*p));

    p->ev = *ev;
    p->fd = fd;
    buf_init(&p->ring, RING_MAX);
    buf_init(&p->paste, PUMP_PASTE_MAX);
    p->patience = loop_timer_new(l, impatient, p);
    if (fd >= 0)
        p->watch = loop_fd_new(l, fd, readable, p);
    return p;
}

void pump_free(struct pump **pp)
{
    struct pump *p = *pp;

    if (p == NULL)
        return;
    loop_fd_free(&p->watch);
    loop_timer_free(&p->patience);
    buf_release(&p->ring);
    buf_release(&p->paste);
    free(p);
    *pp = NULL;
}
