/* fetch.h - an HTTP request (libcurl behind one door). Blocking: for workers,
 * and for programs that do one thing. */
#ifndef BASE_FETCH_H
#define BASE_FETCH_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct fetch {
    const char *method;       /* NULL: GET, or POST with a body */
    const char *url;          /* http:// or https:// */
    const char *unix_socket;  /* NULL, or the path to connect to instead */
    const char *bearer;       /* NULL, or the token for Authorization */
    struct span body;         /* p NULL: none */
    const char *content_type; /* NULL: application/json */
    const char *ca_file;      /* NULL: the system's */
    int64_t timeout_ms;       /* 0: 30 s */
    size_t max;               /* most bytes of answer; 0: 1 MiB */
    /* With it the bytes of an answer of status 200 are handed over as they
     * come instead of gathered; negative: enough, the fetch fails. */
    int (*sink)(void *ctx, struct span bytes);
    void *sink_ctx;
    /* result */
    long status;
    struct buf answer; /* released by the caller, also after an error */
};

/* 0 when an answer came, whatever its status. Errors: -CF_NOT_FOUND host
 * unknown, -CF_UNAVAILABLE cannot connect, -CF_DENIED certificate refused,
 * -CF_TIMEOUT, -CF_TOO_BIG, -CF_IO. */
int fetch_run(struct fetch *f, struct error *err);

/* Called once per process before threads. */
void fetch_init(void);

#endif
