#include "report_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"

#define RING 8
#define ROOM 48

static char *next_room(void)
{
    static char ring[RING][ROOM];
    static unsigned at;

    return ring[at++ % RING];
}

/* XML 1.0, 2.2: what a document may hold. */
static bool may_stand(int32_t cp)
{
    return cp == '\t' || cp == '\n' || (cp >= 0x20 && cp < 0x7f) ||
           (cp >= 0xa0 && cp != 0xfffe && cp != 0xffff);
}

static const char *entity_of(int32_t cp)
{
    switch (cp) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void put_escaped(struct buf *out, const char *text)
{
    struct span s = span_of(text);
    const char *entity;
    size_t at = 0, from;
    int32_t cp;

    while (at < s.n) {
        from = at;
        cp = text_next(s, &at);
        entity = entity_of(cp);
        if (entity != NULL)
            (void)buf_append_text(out, entity);
        else if (may_stand(cp))
            (void)buf_append(out, s.p + from, at - from);
        else
            (void)buf_append_text(out, "\xef\xbf\xbd");
    }
}

/* Three digits that mean something: 1.25, 12.5, 125. */
static const char *three(double v, const char *unit)
{
    char *room = next_room();
    int decimals = fabs(v) < 9.995 ? 2 : fabs(v) < 99.95 ? 1 : 0;

    snprintf(room, ROOM, "%.*f%s", decimals, v, unit);
    return room;
}

const char *show_ns(double ns)
{
    if (ns == 0)
        return "0";
    if (ns < 999500)
        return three(ns / 1e3, " us");
    if (ns < 999.5e6)
        return three(ns / 1e6, " ms");
    return three(ns / 1e9, " s");
}

const char *show_rate(double n)
{
    if (fabs(n) < 999.5)
        return n == floor(n) ? show_count(n) : three(n, "");
    if (fabs(n) < 999.5e3)
        return three(n / 1e3, "k");
    return fabs(n) < 999.5e6 ? three(n / 1e6, "M") : three(n / 1e9, "G");
}

const char *show_bytes(double bytes)
{
    static const char *const units[] = {" B", " kB", " MB", " GB", " TB"};
    size_t i = 0;

    for (; fabs(bytes) >= 999.5 && i + 1 < COUNT_OF(units); i++)
        bytes /= 1000;
    return i == 0 ? three(floor(bytes), " B") : three(bytes, units[i]);
}

const char *show_count(double n)
{
    char digits[ROOM], *room = next_room();
    int len, out = 0;

    if (!(fabs(n) < 1e18)) {
        snprintf(room, ROOM, "%.3g", n);
        return room;
    }
    len = snprintf(digits, sizeof(digits), "%.0f", n);
    for (int i = 0; i < len; i++) {
        room[out++] = digits[i];
        if (digits[i] != '-' && i + 1 < len && (len - i - 1) % 3 == 0)
            room[out++] = ',';
    }
    room[out] = '\0';
    return room;
}

const char *show_verdict(const struct verdict *v)
{
    if (!v->has_value)
        return "?";
    if (v->is_duration)
        return show_ns(v->value);
    if (strstr(v->metric, ".rss") != NULL && v->value > 1e5)
        return show_bytes(v->value);
    return v->value == floor(v->value) ? show_count(v->value)
                                       : show_rate(v->value);
}

const char *show_time(int64_t ms)
{
    char *room = next_room();
    time_t s = ms / 1000;
    struct tm tm;

    if (gmtime_r(&s, &tm) == NULL ||
        strftime(room, ROOM, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        snprintf(room, ROOM, "?");
    return room;
}
