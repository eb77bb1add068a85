/* tls_secret.h - HMAC-SHA-256 (RFC 2104) behind the door of OpenSSL: how a
 * coordinator and its agents know each other. */
#ifndef LOAD_TLS_SECRET_H
#define LOAD_TLS_SECRET_H

#include <stdbool.h>

#include "base/span.h"

#define SECRET_MAC 65 /* hexadecimal, NUL */

void secret_mac(char out[SECRET_MAC], struct span secret, struct span text);
/* In a time that does not depend on where they differ. */
bool secret_same(const char *a, const char *b);

#endif
