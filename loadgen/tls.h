/* tls.h - OpenSSL behind one door: wss://, and the hash of the WebSocket
 * handshake. */
#ifndef LOAD_TLS_H
#define LOAD_TLS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* base64(SHA-1(key + the GUID of RFC 6455)) into out[29]. */
void tls_accept_key(const char *key, char out[29]);

/* A context that trusts ca_file, NULL: the system's. */
int tls_context_new(void **out, const char *ca_file, struct error *err);
void tls_context_free(void **context);

/* A connection over fd (non-blocking) to host, whose certificate must be good
 * for it. Free with tls_free(); the descriptor stays open. */
void *tls_new(void *context, int fd, const char *host);
void tls_free(void *tls);

/* 1: done, 0: wait (*want_write: for room to write, else for bytes),
 * -CF_DENIED: refused; *why is then a static text. */
int tls_handshake(void *tls, int *want_write, const char **why);

/* As send() and recv(): -1 with errno EAGAIN when it would block. */
ssize_t tls_write(void *tls, const void *p, size_t n);
ssize_t tls_read(void *tls, void *p, size_t n);

#endif
