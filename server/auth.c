#include "auth.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#define OPS 2
#define MEMORY (19 * 1024 * 1024)

static char dummy_hash[AUTH_HASH_TEXT];

int auth_init(struct error *err)
{
    uint8_t random[16];

    if (sodium_init() < 0)
        return error_set(err, CF_IO, "libsodium does not start");
    randombytes_buf(random, sizeof(random));
    return auth_password_hash(span_make(random, sizeof(random)), dummy_hash);
}

void auth_token_make(char out[AUTH_TOKEN_TEXT])
{
    uint8_t random[32];

    randombytes_buf(random, sizeof(random));
    memcpy(out, "cfb_", 4);
    sodium_bin2base64(out + 4, AUTH_TOKEN_TEXT - 4, random, sizeof(random),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(random, sizeof(random));
}

void auth_token_hash(struct span token, uint8_t out[TOKEN_HASH])
{
    static const unsigned char context[] = "confab token v1";

    crypto_generichash(out, TOKEN_HASH, (const unsigned char *)token.p, token.n,
                       context, sizeof(context) - 1);
}

int auth_password_hash(struct span password, char out[AUTH_HASH_TEXT])
{
    char text[crypto_pwhash_STRBYTES];

    if (crypto_pwhash_str_alg(text, password.p, password.n, OPS, MEMORY,
                              crypto_pwhash_ALG_ARGON2ID13) != 0)
        return -CF_NOMEM;
    snprintf(out, AUTH_HASH_TEXT, "%s", text);
    return 0;
}

bool auth_password_verify(struct span password, const char *hash)
{
    char text[AUTH_HASH_TEXT];
    bool known = hash[0] != '\0';
    bool same;

    snprintf(text, sizeof(text), "%s", known ? hash : dummy_hash);
    same = crypto_pwhash_str_verify(text, password.p, password.n) == 0;
    return same && known;
}

void auth_wipe(void *p, size_t n)
{
    sodium_memzero(p, n);
}

void auth_wipe_buf(struct buf *b)
{
    if (b->data != NULL)
        sodium_memzero(b->data, b->cap);
    buf_release(b);
}
