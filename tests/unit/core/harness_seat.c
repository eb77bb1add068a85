/* harness_seat.c - clients: what they say and what they were sent. */
#include "harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/mem.h"

/* ---- the transport: lines ---- */

static void seat_line(struct seat *s, const struct wire *w)
{
    if (s->count == s->cap) {
        s->cap = s->cap > 0 ? s->cap * 2 : 16;
        s->lines = mem_grow(s->lines, (size_t)s->cap, sizeof(*s->lines));
    }
    s->lines[s->count++] = mem_text_n(w->data, w->len);
}

void seat_pull_one(struct seat *s)
{
    const struct wire *w = conn_next(s->conn);

    if (w == NULL)
        return;
    seat_line(s, w);
    conn_took(s->conn);
}

void seat_pull(struct seat *s)
{
    s->kicked = false;
    while (s->conn != NULL && conn_next(s->conn) != NULL)
        seat_pull_one(s);
    if (s->code != 0 && s->conn != NULL) {
        conn_lost(s->conn);
        s->conn = NULL;
    }
}

static void pull_later(void *arg)
{
    struct seat *s = arg;

    if (!s->slow || s->code != 0)
        seat_pull(s);
}

static void kick(void *peer)
{
    struct seat *s = peer;

    s->kicked = true;
    if (!s->slow)
        rig_event(s->rig, s->rig->clock.mono_ms, pull_later, s);
}

static void closed(void *peer, int code, const char *why)
{
    struct seat *s = peer;

    ck_assert_ptr_nonnull(why);
    s->code = code;
    rig_event(s->rig, s->rig->clock.mono_ms, pull_later, s);
}

static void paused(void *peer, bool on)
{
    struct seat *s = peer;

    ck_assert_int_ne(s->paused, on);
    s->paused = on;
}

static void settled(void *peer)
{
    struct seat *s = peer;

    s->settled = true;
}

const struct transport rig_transport = {kick, closed, paused, settled};

/* ---- seats ---- */

struct seat *seat_new(struct rig *r, int node, enum conn_type type)
{
    struct seat *s = mem_alloc(sizeof(*s));

    s->rig = r;
    s->conn = conn_open(r->nodes[node], s, type);
    ck_assert_ptr_nonnull(s->conn);
    return s;
}

void seat_lose(struct seat *s)
{
    if (s->conn != NULL)
        conn_lost(s->conn);
    s->conn = NULL;
    rig_run(s->rig, 0);
}

void seat_free(struct seat **sp)
{
    struct seat *s = *sp;

    seat_lose(s);
    for (int i = 0; i < s->count; i++)
        free(s->lines[i]);
    free(s->lines);
    free(s);
    *sp = NULL;
}

void seat_say(struct seat *s, const char *fmt, ...)
{
    char *text;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&text, fmt, ap);
    va_end(ap);
    ck_assert_int_ge(n, 0);
    if (s->conn != NULL)
        conn_receive(s->conn, text, (size_t)n, true);
    free(text);
    rig_run(s->rig, 0);
}

struct seat *seat_login(struct rig *r, int node, uint64_t user, uint32_t dev,
                        const char *more)
{
    struct seat *s = seat_new(r, node, CONN_SOCKET);

    seat_say(s,
             "{\"t\":\"hello\",\"n\":1,\"ver\":[1],\"dev\":\"d%u\","
             "\"token\":\"token-%llu-%u\"%s}",
             dev, (unsigned long long)user, dev, more);
    rig_run(r, 20);
    return s;
}

const char *seat_next(struct seat *s, const char *text)
{
    while (s->read < s->count) {
        const char *line = s->lines[s->read++];

        if (strstr(line, text) != NULL)
            return line;
    }
    return NULL;
}

int seat_count(const struct seat *s, const char *text)
{
    int n = 0;

    for (int i = 0; i < s->count; i++)
        n += strstr(s->lines[i], text) != NULL;
    return n;
}

const char *seat_last(const struct seat *s, const char *text)
{
    for (int i = s->count; i-- > 0;) {
        if (strstr(s->lines[i], text) != NULL)
            return s->lines[i];
    }
    return NULL;
}

static void log_line(const char *line, uint64_t conv, char *out, size_t max,
                     size_t *n)
{
    struct frame f;
    struct frame_error err;
    struct entry e;

    ck_assert_msg(
        frame_decode(&f, span_of(line), FROM_SERVER, 1 << 20, false, &err) == 0,
        "%s: %s", err.text, line);
    if (f.conv != conv || f.re != 0)
        return;
    if (f.kind == FRAME_ENTRY)
        *n += (size_t)snprintf(out + *n, max - *n, " %lld", (long long)f.seq);
    if (f.kind == FRAME_GAP)
        *n += (size_t)snprintf(out + *n, max - *n, " %lld-%lld:%.*s",
                               (long long)f.from_seq, (long long)f.to,
                               (int)f.why.n, f.why.p);
    while (f.kind == FRAME_BATCH && frame_next_entry(&f.entries, conv, &e))
        *n += (size_t)snprintf(out + *n, max - *n, " %lld", (long long)e.seq);
}

const char *seat_log(const struct seat *s, uint64_t conv)
{
    static char out[65536];
    size_t n = 0;

    out[0] = 0;
    for (int i = 0; i < s->count; i++)
        log_line(s->lines[i], conv, out, sizeof(out), &n);
    return out[0] == ' ' ? out + 1 : out;
}
