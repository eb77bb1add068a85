/* auth.h - passwords and tokens (libsodium behind one door).
 *
 * Passwords: Argon2id (RFC 9106), 19 MiB, 2 passes, as OWASP recommends; one
 * hash is about 60 ms of CPU and runs in server->hashing only. Tokens: 256
 * random bits as base64url without padding; the store holds their BLAKE2b-256
 * hash, which needs no salt since they are not guessable. */
#ifndef SERVER_AUTH_H
#define SERVER_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "store/store.h"

#define AUTH_TOKEN_TEXT 64 /* "cfb_" + 43 characters + NUL, with room */
#define AUTH_HASH_TEXT 136

int auth_init(struct error *err); /* once, in main */

void auth_token_make(char out[AUTH_TOKEN_TEXT]);
void auth_token_hash(struct span token, uint8_t out[TOKEN_HASH]);

/* Slow: in a worker. 0, or -CF_NOMEM. */
int auth_password_hash(struct span password, char out[AUTH_HASH_TEXT]);
/* Slow. hash "": compares with a dummy of the same cost, so that an unknown
 * name takes the same time as a wrong password; false. */
bool auth_password_verify(struct span password, const char *hash);

/* Overwrite a secret. */
void auth_wipe(void *p, size_t n);
/* Overwrite what is in a buffer, and free it. */
void auth_wipe_buf(struct buf *b);

#endif
