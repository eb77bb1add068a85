#include "scenario_value.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* The leading decimal number of text without its "_"; NULL when there is
 * none, else what follows it. */
static const char *leading(const char *text, double *out)
{
    char plain[48];
    size_t n = 0;
    const char *p = text;
    char *end;

    for (; (*p >= '0' && *p <= '9') || *p == '.' || *p == '_'; p++) {
        if (*p == '_' && (p == text || p[1] < '0' || p[1] > '9'))
            return NULL;
        if (n == sizeof(plain) - 1)
            return NULL;
        if (*p != '_')
            plain[n++] = *p;
    }
    plain[n] = '\0';
    *out = strtod(plain, &end);
    return n > 0 && *end == '\0' && plain[0] != '.' ? p : NULL;
}

static const char *scaled(const char *text, double *out)
{
    static const char units[] = "kmgb"; /* b: a billion */
    static const double factors[] = {1e3, 1e6, 1e9, 1e9};
    const char *p = leading(text, out), *unit;

    if (p == NULL || *p == '\0')
        return p;
    unit = strchr(units, *p | 0x20);
    if (unit == NULL)
        return p;
    *out *= factors[unit - units];
    return p + 1;
}

int value_number(const char *text, double *out)
{
    const char *p = scaled(text, out);

    return p != NULL && *p == '\0' ? 0 : -CF_INVALID;
}

int value_rate(const char *text, double *out)
{
    const char *p = scaled(text, out);

    if (p == NULL)
        return -CF_INVALID;
    if (*p == '\0' || strcmp(p, "/s") == 0)
        return 0;
    if (strcmp(p, "/m") == 0)
        *out /= 60;
    else if (strcmp(p, "/h") == 0)
        *out /= 3600;
    else if (strcmp(p, "/d") == 0)
        *out /= 86400;
    else
        return -CF_INVALID;
    return 0;
}

int value_share(const char *text, double *out)
{
    const char *p = leading(text, out);

    if (p == NULL)
        return -CF_INVALID;
    if (strcmp(p, "%") == 0)
        *out /= 100;
    else if (*p != '\0')
        return -CF_INVALID;
    return 0;
}

bool value_is_network(const char *text)
{
    const char *slash = strchr(text, '/');
    char address[INET_ADDRSTRLEN], *end;
    struct in_addr in;
    long bits;

    if (slash == NULL || (size_t)(slash - text) >= sizeof(address) ||
        slash[1] < '0' || slash[1] > '9')
        return false;
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';
    bits = strtol(slash + 1, &end, 10);
    return *end == '\0' && bits >= 8 && bits <= 32 &&
           inet_pton(AF_INET, address, &in) == 1;
}

void value_put_number(struct buf *out, double v)
{
    char text[40];

    if (v == floor(v) && fabs(v) < 1e15) {
        buf_append_i64(out, (int64_t)v);
        return;
    }
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    buf_append_text(out, text);
}

void value_put_time(struct buf *out, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}};

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (ms == 0 || ms % units[i].ms != 0)
            continue;
        buf_printf(out, "%" PRId64 "%s", ms / units[i].ms, units[i].unit);
        return;
    }
    buf_printf(out, "%" PRId64 "ms", ms);
}
