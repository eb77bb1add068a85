/* accounts.h - the account set of engine.h from inside: tokens of one length
 * lie in one block, so that a million of them is no million allocations. */
#ifndef LOAD_ACCOUNTS_H
#define LOAD_ACCOUNTS_H

#include "engine.h"

#define ACCOUNT_TOKEN 128 /* bytes, LIMIT_TOKEN */

struct account_row {
    uint64_t user;
    uint32_t token; /* offset into tokens, NUL-terminated there */
};

struct account_set {
    struct account_row *rows; /* owned */
    int64_t count, room;
    char *tokens; /* owned */
    size_t used, tokens_room;
};

static inline uint64_t account_user(const struct account_set *a, int64_t i)
{
    return a->rows[i].user;
}

static inline const char *account_token(const struct account_set *a, int64_t i)
{
    return a->tokens + a->rows[i].token;
}

#endif
