#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/mem.h"

static int64_t read_ms(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t system_wall(const struct clock *c)
{
    return read_ms(CLOCK_REALTIME);
}

static int64_t system_mono(const struct clock *c)
{
    return read_ms(CLOCK_MONOTONIC);
}

const struct clock *clock_system(void)
{
    static const struct clock system = {system_wall, system_mono};

    return &system;
}

static int64_t shift(const struct clock *c)
{
    return atomic_load_explicit(
        &container_of(c, struct clock_shifted, base)->offset_ms,
        memory_order_relaxed);
}

static int64_t shifted_wall(const struct clock *c)
{
    return read_ms(CLOCK_REALTIME) + shift(c);
}

static int64_t shifted_mono(const struct clock *c)
{
    return read_ms(CLOCK_MONOTONIC) + shift(c);
}

void clock_shifted_init(struct clock_shifted *c)
{
    c->base = (struct clock){shifted_wall, shifted_mono};
    atomic_init(&c->offset_ms, 0);
}

void clock_shifted_advance(struct clock_shifted *c, int64_t ms)
{
    if (ms > 0)
        atomic_fetch_add_explicit(&c->offset_ms, ms, memory_order_relaxed);
}

static int64_t manual_wall(const struct clock *c)
{
    return container_of(c, struct clock_manual, base)->wall_ms;
}

static int64_t manual_mono(const struct clock *c)
{
    return container_of(c, struct clock_manual, base)->mono_ms;
}

void clock_manual_init(struct clock_manual *c, int64_t wall_ms)
{
    *c = (struct clock_manual){{manual_wall, manual_mono}, wall_ms, 0};
}

void clock_manual_advance(struct clock_manual *c, int64_t ms)
{
    c->wall_ms += ms;
    c->mono_ms += ms;
}

uint64_t clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void clock_format_rfc3339(int64_t wall_ms, char out[32])
{
    int64_t ms = wall_ms % 1000;
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;

    if (ms < 0) { /* before 1970: round down */
        ms += 1000;
        seconds--;
    }
    /* Years of five digits and more have no form in RFC 3339. */
    if (gmtime_r(&seconds, &tm) == NULL || tm.tm_year < -1900 ||
        tm.tm_year > 8099) {
        memcpy(out, "0000-00-00T00:00:00.000Z", 25);
        return;
    }
    strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + 19, 13, ".%03dZ", (int)ms);
}

static int64_t unit_ms(const char *unit)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1},
                 {"s", 1000},
                 {"m", 60 * 1000},
                 {"h", 3600 * 1000},
                 {"d", 86400 * 1000}};

    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (strcmp(unit, units[i].name) == 0)
            return units[i].ms;
    }
    return 0;
}

int clock_parse_duration(const char *text, int64_t *ms)
{
    const char *p = text;
    int64_t v = 0, unit;

    for (; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, *p - '0', &v))
            return -CF_INVALID;
    }
    unit = unit_ms(p);
    if (p == text || unit == 0 || __builtin_mul_overflow(v, unit, &v))
        return -CF_INVALID;
    *ms = v;
    return 0;
}
