#include "tls_secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

void secret_mac(char out[SECRET_MAC], struct span secret, struct span text)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    HMAC(EVP_sha256(), secret.p, (int)secret.n, (const unsigned char *)text.p,
         text.n, raw, &n);
    for (unsigned i = 0; i < 32; i++)
        snprintf(out + 2 * (size_t)i, 3, "%02x", raw[i]);
}

bool secret_same(const char *a, const char *b)
{
    return strlen(a) == strlen(b) && CRYPTO_memcmp(a, b, strlen(a)) == 0;
}
