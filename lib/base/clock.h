/* clock.h - time, replaceable. wall is ms since 1970 and may jump; mono is ms
 * from an arbitrary start, never goes back, and drives every deadline. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t (*wall)(const struct clock *c);
    int64_t (*mono)(const struct clock *c);
};

static inline int64_t clock_wall(const struct clock *c)
{
    return c->wall(c);
}

static inline int64_t clock_mono(const struct clock *c)
{
    return c->mono(c);
}

/* The system's clock (CLOCK_REALTIME, CLOCK_MONOTONIC). */
const struct clock *clock_system(void);

/* The system's clock plus an offset that only grows: the test clock of
 * confabd and of scripts. Safe to advance from any thread. */
struct clock_shifted {
    struct clock base;
    _Atomic int64_t offset_ms;
};
void clock_shifted_init(struct clock_shifted *c);
void clock_shifted_advance(struct clock_shifted *c, int64_t ms);

/* A clock that stands still until it is told otherwise (tests, simulation). */
struct clock_manual {
    struct clock base;
    int64_t wall_ms, mono_ms;
};
void clock_manual_init(struct clock_manual *c, int64_t wall_ms);
void clock_manual_advance(struct clock_manual *c, int64_t ms); /* both */

/* Nanoseconds of CLOCK_MONOTONIC, for measuring only. */
uint64_t clock_ns(void);

/* "2026-11-24T10:25:16.123Z" (RFC 3339, UTC) into out[32]. */
void clock_format_rfc3339(int64_t wall_ms, char out[32]);

/* Parse a duration with unit ("250ms", "2s", "5m", "1h", "7d") into ms.
 * 0 or -CF_INVALID. */
int clock_parse_duration(const char *text, int64_t *ms);

#endif
