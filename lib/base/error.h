/* error.h - result codes of every function that can fail, and the error that
 * a person reads. Functions return 0 (or a count) or one of these, negative:
 * `return -CF_TOO_BIG;`. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum cf_code {
    CF_OK = 0,
    CF_NOMEM,       /* refused: it would need more memory than allowed */
    CF_TOO_BIG,     /* over a bound of limits.h */
    CF_INVALID,     /* malformed input */
    CF_NOT_FOUND,   /* no such thing, or not yours */
    CF_EXISTS,      /* already there */
    CF_CONFLICT,    /* same key, other content */
    CF_STALE,       /* an old term or epoch */
    CF_UNKNOWN,     /* the outcome is not known: it may have happened */
    CF_TIMEOUT,     /* the deadline passed; it certainly did not happen */
    CF_BUSY,        /* queue full, try again */
    CF_UNAVAILABLE, /* the other side is down */
    CF_FULL,        /* disk full */
    CF_DENIED,      /* not allowed */
    CF_CLOSED,      /* already closed */
    CF_IO,          /* the system refused; errno says why */
    CF_VERSION,     /* made by another version */
    CF_LIMIT,       /* a quota is used up */
    CF_BLOCKED,     /* a block or a contact setting stands between */
    CF_EXPIRED,     /* it was valid once */
    CF_AGAIN,       /* not there yet: ask once more later */
    CF_CODES
};

/* An error for a person: what happened, where, and what to do next. */
struct error {
    int code;
    char text[320];
};

/* Fill *err (NULL: nothing) and return -code, for `return error_set(...)`. */
int error_set(struct error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A short English word for a code, positive or negative. */
const char *error_name(int code);

#endif
