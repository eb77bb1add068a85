#include "tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

void tls_accept_key(const char *key, char out[29])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[128];
    unsigned n = 0;
    int length = snprintf(text, sizeof(text), "%s%s", key, GUID);

    EVP_Digest(text, (size_t)length, digest, &n, EVP_sha1(), NULL);
    EVP_EncodeBlock((unsigned char *)out, digest, (int)n);
}

int tls_context_new(void **out, const char *ca_file, struct error *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    int ok;

    *out = NULL;
    if (ctx == NULL)
        return error_set(err, CF_NOMEM, "TLS: no memory");
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    /* An idle connection keeps no buffers of its own. */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
                              SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    ok = ca_file != NULL ? SSL_CTX_load_verify_locations(ctx, ca_file, NULL)
                         : SSL_CTX_set_default_verify_paths(ctx);
    if (!ok) {
        SSL_CTX_free(ctx);
        return error_set(err, CF_INVALID, "%s: no certificates in it",
                         ca_file != NULL ? ca_file : "the system's store");
    }
    *out = ctx;
    return 0;
}

void tls_context_free(void **context)
{
    SSL_CTX_free(*context);
    *context = NULL;
}

void *tls_new(void *context, int fd, const char *host)
{
    SSL *ssl = SSL_new(context);
    X509_VERIFY_PARAM *param;

    if (ssl == NULL)
        return NULL;
    param = SSL_get0_param(ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, host) != 1) {
        SSL_set_tlsext_host_name(ssl, host);
        SSL_set1_host(ssl, host);
    }
    SSL_set_fd(ssl, fd);
    SSL_set_connect_state(ssl);
    return ssl;
}

void tls_free(void *tls)
{
    SSL_free(tls);
}

int tls_handshake(void *tls, int *want_write, const char **why)
{
    int rc, reason;
    long verify;

    ERR_clear_error();
    rc = SSL_do_handshake(tls);
    reason = SSL_get_error(tls, rc);
    *want_write = reason == SSL_ERROR_WANT_WRITE;
    if (rc == 1)
        return 1;
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE)
        return 0;
    verify = SSL_get_verify_result(tls);
    *why = verify != X509_V_OK ? X509_verify_cert_error_string(verify)
                               : "the TLS handshake failed";
    return -CF_DENIED;
}

static ssize_t outcome(void *tls, int rc)
{
    if (rc > 0)
        return rc;
    switch (SSL_get_error(tls, rc)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        errno = ECONNRESET;
        return -1;
    }
}

ssize_t tls_write(void *tls, const void *p, size_t n)
{
    ERR_clear_error();
    return outcome(tls, SSL_write(tls, p, (int)n));
}

/* Until nothing is left inside the library: epoll does not see that. */
ssize_t tls_read(void *tls, void *p, size_t n)
{
    size_t have = 0;

    while (have < n) {
        ssize_t rc;

        ERR_clear_error();
        rc = outcome(tls, SSL_read(tls, (char *)p + have, (int)(n - have)));
        if (rc <= 0)
            return have > 0 ? (ssize_t)have : rc;
        have += (size_t)rc;
    }
    return (ssize_t)have;
}
