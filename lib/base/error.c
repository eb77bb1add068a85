#include "base/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static const char *const names[CF_CODES] = {
    [CF_OK] = "ok",
    [CF_NOMEM] = "out of memory",
    [CF_TOO_BIG] = "too big",
    [CF_INVALID] = "invalid",
    [CF_NOT_FOUND] = "not found",
    [CF_EXISTS] = "exists",
    [CF_CONFLICT] = "conflict",
    [CF_STALE] = "stale",
    [CF_UNKNOWN] = "outcome unknown",
    [CF_TIMEOUT] = "timeout",
    [CF_BUSY] = "busy",
    [CF_UNAVAILABLE] = "unavailable",
    [CF_FULL] = "disk full",
    [CF_DENIED] = "denied",
    [CF_CLOSED] = "closed",
    [CF_IO] = "input/output error",
    [CF_VERSION] = "version mismatch",
    [CF_LIMIT] = "limit reached",
    [CF_BLOCKED] = "blocked",
    [CF_EXPIRED] = "expired",
    [CF_AGAIN] = "not there yet",
};

int error_set(struct error *err, int code, const char *fmt, ...)
{
    va_list args;

    if (code < 0)
        code = -code;
    if (err != NULL) {
        err->code = code;
        va_start(args, fmt);
        vsnprintf(err->text, sizeof(err->text), fmt, args);
        va_end(args);
    }
    return -code;
}

const char *error_name(int code)
{
    if (code < 0 && code > -CF_CODES)
        code = -code;
    if (code < 0 || code >= CF_CODES)
        return "unknown error";
    return names[code];
}
